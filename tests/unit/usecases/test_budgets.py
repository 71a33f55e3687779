"""A budget from what happens to what arrives, over the stores in dicts."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.budgets import Budget, most_within
from argus_core.domain.deliveries import DeliveryStatus
from argus_core.domain.holds import Keeper
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.saved_filters import FilterDefinition
from calm import Quiet

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
BUDGET = Budget(2, 5 * MINUTE)


async def until_both_have_ended(site, rolled_up, single):
    """What began is told, then what was above the budget; both end, and that is told in the same way."""
    await site.work()
    site.clock.now += 5 * MINUTE
    await site.work()
    for incident in (rolled_up, single):
        await site.act(incident.id, EventType.CLOSE)
    await site.work()
    site.clock.now += 5 * MINUTE
    await site.work()


async def test_a_rolled_up_start_gets_a_rolled_up_end():
    site = await Quiet(BUDGET).open()
    single, _, rolled_up = [await site.report() for _ in range(3)]
    await site.work()
    await site.act(rolled_up.id, EventType.CLOSE)
    await site.act(single.id, EventType.CLOSE)
    await site.work()
    silent = list(site.told)
    site.clock.now += 5 * MINUTE
    await site.work()
    again = await site.report()
    await site.work()

    assert 2 == len(silent)
    assert ["More than 2 messages in 5 minutes: 2 resolved", (again.id, [EventType.START])] == site.told[2:]
    assert [(DeliveryStatus.SUPPRESSED, Keeper.BUDGET)] * 2 == [(one.status, one.keeper) for one in await site.ledger(rolled_up.id)]


async def test_what_was_told_in_a_roundup_goes_on_in_one_and_what_was_told_alone_goes_on_alone():
    site = await Quiet(BUDGET).open()
    single, _, rolled_up = [await site.report() for _ in range(3)]
    await until_both_have_ended(site, rolled_up, single)

    title = "More than 2 messages in 5 minutes"
    assert [f"{title}: 1 still open", (single.id, [EventType.CLOSE]), f"{title}: 1 resolved"] == site.told[2:]


async def test_it_is_the_first_message_that_says_how_the_others_go_whatever_event_it_was_about():
    site = await Quiet(BUDGET).open()
    async with site.profiles.begin(site.world.person.id) as work:
        later = FilterDefinition(event_types=(EventType.OTHER, EventType.CLOSE))
        await work.keep(replace(work.belongings.filters[0], definition=later))
    single, _, rolled_up = incidents = [await site.report() for _ in range(3)]
    for incident in incidents:
        await site.act(incident.id, EventType.OTHER)
    await until_both_have_ended(site, rolled_up, single)

    title = "More than 2 messages in 5 minutes"
    assert [f"{title}: 1 still open", (single.id, [EventType.CLOSE]), f"{title}: 1 resolved"] == site.told[2:]


async def test_what_began_alone_ends_alone_though_something_between_was_rolled_up():
    site = await Quiet(BUDGET).open()
    single, _, _ = [await site.report() for _ in range(3)]
    await site.work()
    await site.act(single.id, EventType.OTHER)
    await site.work()
    site.clock.now += 5 * MINUTE
    await site.work()
    await site.act(single.id, EventType.CLOSE)
    await site.work()

    assert (single.id, [EventType.CLOSE]) == site.told[-1]
    assert [None, Keeper.BUDGET, None] == [one.keeper for one in await site.ledger(single.id)]


async def test_a_dry_run_says_how_much_would_have_been_above_it():
    site = await Quiet(BUDGET).open()
    for level in (3, 1, 3, 3, 3):
        await site.report(level=Level(level))

    dry = await site.desk.dry_run(site.world.person, site.made[0].id, 1)

    assert (5, 2) == (len(dry.fired), dry.above_budget)


acts = st.lists(
    st.tuples(st.sampled_from(["report", "report", "critical", "close", "note", "wait"]), st.integers(0, 5), st.integers(0, 400)),
    max_size=16,
)


@given(acts, st.integers(1, 3))
def test_everything_is_told_and_never_more_at_once_than_the_budget(acts, most):
    """
    Whatever happens, each event is told by itself or in a roundup, what is critical at once, and no span has too many messages.
    """
    asyncio.run(check_that_a_budget_is_kept(acts, Budget(most, 5 * MINUTE)))


async def check_that_a_budget_is_kept(acts, budget):
    site = await Quiet(budget).open()
    incidents, arrived = [], []
    for act, which, seconds in [*acts, *[("wait", 0, 300)] * 4]:
        site.clock.now += timedelta(seconds=seconds)
        before = len(site.post.sent)
        match act:
            case "report" | "critical":
                incidents.append(await site.report(level=Level(1 if act == "critical" else 3)))
            case "close" | "note" if incidents:
                kind = EventType.CLOSE if act == "close" else EventType.OTHER
                await site.act(incidents[which % len(incidents)].id, kind)
        await site.work()
        new = [notification for _, notification in site.post.sent[before:]]
        if act == "critical":
            assert incidents[-1].id in [notification.incident.id for notification in new if not notification.roundup]
        arrived += [site.clock.now for one in new if one.roundup or one.incident.level is not Level.CRITICAL]

    ledger = await site.ledger(*(incident.id for incident in incidents))
    events = {event.id for incident in incidents for event in await site.incidents.journal(incident.id)}
    assert events == {one.event_id for one in ledger}
    assert most_within(arrived, budget.within) <= budget.most
    for one in ledger:
        told = (
            one.status in (DeliveryStatus.SENT, DeliveryStatus.MERGED),
            one.status is DeliveryStatus.SUPPRESSED and one.merged_into is not None,
        )
        assert any(told), one
        assert told[0] or "above the budget" in one.reason
    starts = {one.incident_id: one.status for one in ledger if one.version == 1}
    for one in ledger:
        if starts[one.incident_id] is DeliveryStatus.SUPPRESSED:
            assert one.status is DeliveryStatus.SUPPRESSED

"""What flaps, from what happens to what arrives, over the stores in dicts."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.audit import Deed, Entry
from argus_core.domain.deliveries import DeliveryStatus
from argus_core.domain.flapping import Threshold, flap_key
from argus_core.domain.holds import Keeper
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.tags import Tag
from argus_core.usecases.flapping import KNOWN_FOR
from calm import Quiet

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
THRESHOLD = Threshold(2, 10 * MINUTE)
TAGS = (Tag.parse("host=sw1"),)


async def flapping_site(*profiles):
    return await Quiet(threshold=THRESHOLD).open(*profiles)


async def come_and_go(site, **fields):
    """An incident that is over a minute later."""
    incident = await site.report(tags=TAGS, **fields)
    await site.work()
    site.clock.now += MINUTE
    await site.act(incident.id, EventType.CLOSE)
    await site.work()
    return incident


async def test_where_nothing_is_held_to_flap_nobody_is_asked_what_does():
    """
    Lists ask for marks only if one of their incidents may have one, and not for the thresholds each time.
    """
    asked = []
    site = await Quiet().open()
    row = await site.incidents.row((await come_and_go(site)).id)

    def counted(store, name):
        answer = getattr(store, name)

        async def count(*given):
            asked.append(name)
            return await answer(*given)

        setattr(store, name, count)

    counted(site.outbox, "flapping")
    counted(site.profiles, "thresholds")

    async def marks():
        asked.clear()
        await site.desk.flapping([row])
        return list(asked)

    never = [await marks(), await marks()]
    await of_source(site, "5/30m")
    site.thresholds.forget()
    own = [await marks(), await marks(), (await site.desk.flapping([row._replace(source_id=99)]), list(asked))]
    site.clock.now += KNOWN_FOR
    later = await marks()

    assert [["thresholds"], []] == never
    assert [["thresholds", "flapping"], ["flapping"], (set(), ["flapping"])] == own
    assert ["thresholds", "flapping"] == later


async def test_what_flaps_is_told_when_it_is_quiet_and_as_ever_afterwards():
    site = await flapping_site()
    first = [await come_and_go(site) for _ in range(2)]
    third = await come_and_go(site)
    fourth = await come_and_go(site)
    is_marked = await site.outbox.flapping([flap_key(fourth)]), await site.desk.flaps(fourth)
    row = await site.incidents.row(fourth.id)
    rows = [row, row._replace(id=99, tags=("host=sw2",))]
    in_list = await site.desk.flapping(rows)
    quiet_desk = (await Quiet().open()).desk
    before = list(site.told)
    site.clock.now += 9 * MINUTE
    await site.work()
    silent = list(site.told)
    site.clock.now += MINUTE
    await site.work()
    fifth = await come_and_go(site)

    singles = [(one.id, [kind]) for one in first for kind in (EventType.START, EventType.CLOSE)] + [(third.id, [EventType.START])]
    assert (singles, singles) == (before, silent)
    assert ["What was flapping is quiet: 2 resolved", (fifth.id, [EventType.START]), (fifth.id, [EventType.CLOSE])] == site.told[5:]
    assert ({flap_key(fourth)}, True, {fourth.id}) == (*is_marked, in_list)
    assert (frozenset(), False) == (await quiet_desk.flapping(rows), await quiet_desk.flaps(fourth))
    assert set() == await site.outbox.flapping([flap_key(fourth)])
    assert {(DeliveryStatus.SUPPRESSED, Keeper.FLAPPING)} == {(one.status, one.keeper) for one in await site.ledger(fourth.id)}


async def of_source(site, spelled, source_id=None):
    """Somebody gives a source a threshold of its own."""
    source = site.world.source
    async with site.profiles.begin(source.user_id) as work:
        await work.keep_threshold(source_id or source.id, spelled, Entry(deed=Deed.SOURCE_CHANGE, about=source.name))


@pytest.mark.parametrize(
    ("usual", "own", "kept"),
    [(None, "2/10m", True), (THRESHOLD, "9/10m", False), (THRESHOLD, "off", False), (THRESHOLD, "", True), (None, "", False)],
)
async def test_a_source_flaps_by_its_own_threshold_or_else_by_that_of_all(usual, own, kept):
    site = await Quiet(threshold=usual).open()
    await of_source(site, own)
    await of_source(site, "1/7d", 99)
    for _ in range(4):
        last = await come_and_go(site)

    assert {Keeper.FLAPPING if kept else None} == {one.keeper for one in await site.ledger(last.id)}
    assert kept == await site.desk.flaps(last)
    assert ({last.id} if kept else set()) == await site.desk.flapping([await site.incidents.row(last.id)])


async def test_a_threshold_counts_from_the_next_event_on():
    site = await flapping_site()
    for _ in range(3):
        await come_and_go(site)
    await of_source(site, "off")
    loud = await come_and_go(site)
    await of_source(site, "1/5m")
    for _ in range(3):
        quiet = await come_and_go(site)
    site.clock.now += 10 * MINUTE
    await site.work()

    assert {None} == {one.keeper for one in await site.ledger(loud.id)}
    assert {Keeper.FLAPPING} == {one.keeper for one in await site.ledger(quiet.id)}
    assert "more than 1 time in 5 minutes" in (await site.ledger(quiet.id))[0].reason
    assert ["What was flapping is quiet: 4 resolved"] == [one.subject for one in site.rounded_up]


async def test_an_incident_that_is_closed_and_opened_flaps_though_it_has_no_tags():
    site = await flapping_site()
    incident, other = await site.report(), await site.report()
    for _ in range(3):
        await site.act(incident.id, EventType.CLOSE)
        await site.work()
        await site.act(incident.id, EventType.REOPEN)
        await site.work()
    await site.act(other.id, EventType.CLOSE)
    await site.act(incident.id, EventType.OTHER)
    await site.work()

    assert [None] * 5 + [Keeper.FLAPPING] * 3 == [one.keeper for one in await site.ledger(incident.id)]
    assert [None] * 2 == [one.keeper for one in await site.ledger(other.id)]


async def test_what_is_critical_is_told_at_once_and_what_is_over_for_long_is_forgotten():
    site = await flapping_site()
    for _ in range(4):
        last = await come_and_go(site, level=Level.CRITICAL)
    known = dict(site.outbox.known_flaps)
    await site.outbox.prune(timedelta(days=900), 10)
    site.clock.now += timedelta(days=9)
    await site.outbox.prune(timedelta(days=900), 10)

    assert [None] * 2 == [one.keeper for one in await site.ledger(last.id)]
    assert ([flap_key(last)], {}) == (list(known), site.outbox.known_flaps)


kinds = st.sampled_from(["report", "moment", "close", "close", "reopen", "note"])
acts = st.lists(st.tuples(kinds, st.integers(0, 3), st.integers(0, 12)), max_size=24)
KINDS = {"close": EventType.CLOSE, "reopen": EventType.REOPEN, "note": EventType.OTHER}


@given(acts)
def test_everything_is_told_by_itself_or_when_it_is_quiet(acts):
    asyncio.run(check_that_flapping_ends(acts))


async def check_that_flapping_ends(acts):
    site = await flapping_site()
    incidents = []
    for act, which, minutes in [*acts, ("wait", 0, 10)]:
        site.clock.now += minutes * MINUTE
        await site.work()
        if act in ("report", "moment"):
            incidents.append(await site.report(stateful=act == "report", tags=TAGS[len(incidents) % 2 :]))
        elif incidents and act in KINDS:
            await site.act(incidents[which % len(incidents)].id, KINDS[act])
        await site.work()

    ledger = await site.ledger(*(incident.id for incident in incidents))
    assert {event.id for one in incidents for event in await site.incidents.journal(one.id)} == {one.event_id for one in ledger}
    assert set() == await site.outbox.flapping([flap_key(one) for one in incidents])
    for one in ledger:
        told = one.status in (DeliveryStatus.SENT, DeliveryStatus.MERGED)
        assert told or (one.keeper is Keeper.FLAPPING and one.merged_into is not None and "opens and ends" in one.reason)

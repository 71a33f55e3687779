"""A digest from what happens to what arrives, over the stores in dicts."""

import asyncio
from dataclasses import replace
from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.deliveries import DeliveryStatus
from argus_core.domain.digests import OVER, Digest
from argus_core.domain.holds import Keeper
from argus_core.domain.incidents import EventType, Level
from calm import NOON, Quiet

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
HALF_AN_HOUR = {"digest": Digest(minutes=30)}
AT_EIGHT = {"digest": Digest(at=time(8))}


async def test_it_is_one_message_sorted_by_level_without_what_is_over():
    site = await Quiet().open(HALF_AN_HOUR)
    low = await site.report(level=Level.LOW, description="A lamp is dark")
    await site.work()
    site.clock.now += 20 * MINUTE
    over = await site.report(description="A door is open")
    critical = await site.report(level=Level.CRITICAL, description="The house burns")
    await site.work()
    await site.act(over.id, EventType.CLOSE)
    await site.act(low.id, EventType.OTHER)
    await site.work()
    before = list(site.told)
    site.clock.now += 10 * MINUTE
    await site.work()
    site.clock.now += 90 * MINUTE
    await site.work()

    assert [] == before
    (digest,) = site.rounded_up
    assert 'Digest of the profile "P0": 2 still open' == digest.subject
    assert digest.text.index("The house burns") < digest.text.index("A lamp is dark")
    assert "door" not in digest.text
    assert [(DeliveryStatus.DROPPED, OVER)] * 2 == [(one.status, one.reason) for one in await site.ledger(over.id)]
    assert {Keeper.DIGEST} == {one.keeper for one in await site.ledger(low.id, critical.id)}


async def test_who_wants_to_be_told_at_once_is():
    site = await Quiet().open(HALF_AN_HOUR, {})
    incident = await site.report()
    await site.work()

    assert [(incident.id, [EventType.START])] == site.told


async def test_of_several_digests_the_first_tells():
    site = await Quiet().open(AT_EIGHT, HALF_AN_HOUR)
    await site.report()
    await site.work()
    site.clock.now += 30 * MINUTE
    await site.work()
    site.clock.now += timedelta(days=1)
    await site.work()

    assert ['Digest of the profile "P1": 1 still open'] == site.told


async def test_what_was_known_before_is_told_when_it_is_over():
    site = await Quiet().open({})
    incident = await site.report()
    await site.work()
    async with site.profiles.begin(site.world.person.id) as work:
        await work.keep(replace(site.made[0], **AT_EIGHT))
    await site.act(incident.id, EventType.CLOSE)
    await site.work()
    site.clock.now = NOON.replace(day=4, hour=8)
    await site.work()

    assert ['Digest of the profile "P0": 1 resolved'] == site.told[1:]


async def test_explanations_and_dry_runs_name_it():
    site = await Quiet().open(AT_EIGHT)
    incident = await site.report()
    await site.work()
    (event,) = await site.incidents.journal(incident.id)

    explained = await site.desk.explain(incident.id, event.id, site.world.person)
    dry = await site.desk.dry_run(site.world.person, site.made[0].id, 1)

    assert ['The digest of the profile "P0" gathers it.'] == [one.reason for one in explained.deliveries]
    assert (Digest(at=time(8)), 1) == (dry.digest, len(dry.fired))


acts = st.lists(
    st.tuples(st.sampled_from(["report", "report", "moment", "close", "reopen", "note"]), st.integers(0, 5), st.integers(0, 25)),
    max_size=16,
)
KINDS = {"close": EventType.CLOSE, "reopen": EventType.REOPEN, "note": EventType.OTHER}


@given(acts)
def test_each_digest_has_each_incident_once_and_as_it_is(acts):
    """
    Every event is in the ledger: in a digest, which names each incident once with its newest state, or left out because it is over.
    """
    asyncio.run(check_that_digests_are_true(acts))


async def check_that_digests_are_true(acts):
    site = await Quiet().open(HALF_AN_HOUR)
    incidents, shown = [], {}
    for act, which, minutes in [*acts, ("wait", 0, 30), ("wait", 0, 30)]:
        site.clock.now += minutes * MINUTE
        # Digests that are due are sent before anything else happens.
        before = len(site.rounded_up)
        await site.work()
        for digest in site.rounded_up[before:]:
            into = {int(digest.id.partition(".")[0])}
            told = {one.incident_id for one in await site.ledger(*(one.id for one in incidents)) if {one.merged_into} == into}
            shown |= {id_: site.incidents.present(id_).is_open(site.clock.now) for id_ in told}
            assert len(told) == digest.text.count("\n- [")
            still = sum(site.incidents.present(id_).is_open(site.clock.now) for id_ in told)
            assert (f"{still} still open" in digest.subject) == (still > 0)
        if act in ("report", "moment"):
            incidents.append(await site.report(stateful=act == "report"))
        elif incidents and act in KINDS:
            await site.act(incidents[which % len(incidents)].id, KINDS[act])
        await site.work()

    ledger = await site.ledger(*(incident.id for incident in incidents))
    assert {event.id for one in incidents for event in await site.incidents.journal(one.id)} == {one.event_id for one in ledger}
    for one in ledger:
        if one.status is DeliveryStatus.DROPPED:
            assert one.reason == OVER
        else:
            assert (one.status, one.merged_into is not None) == (DeliveryStatus.SUPPRESSED, True)

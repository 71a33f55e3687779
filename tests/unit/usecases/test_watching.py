"""Argus's own incidents come and go with what they are about, however many look."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from argus_core.conformance import make_world
from argus_core.domain.audit import AuditQuery, Deed
from argus_core.domain.errors import Invalid, OnlySourcesBeat
from argus_core.domain.incidents import EventType
from argus_core.memory import MemoryAccounts, MemoryIncidents
from argus_core.memory.audit import MemoryAudit
from argus_core.memory.outbox import MemoryOutbox
from argus_core.memory.watching import MemoryWatch
from argus_core.ports.media import Media
from argus_core.usecases.accounts import AccountService, NewUser
from argus_core.usecases.incidents import IncidentService
from argus_core.usecases.watching import WatchService

pytestmark = pytest.mark.anyio

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class House:
    def __init__(self):
        self.now = datetime(2030, 3, 3, 12, tzinfo=UTC)
        clock = lambda: self.now  # noqa: E731 - the same for all
        accounts = MemoryAccounts(clock)
        self.stores = MemoryIncidents(accounts), accounts
        self.accounts = AccountService(accounts, passwords=None, secrets=None, token_days=14, zone="UTC", attempts=None)
        self.incidents = IncidentService(self.stores[0], accounts, clock)
        watch = MemoryWatch(accounts, MemoryOutbox(self.stores[0], accounts, clock), clock)
        self.watching = WatchService(watch, self.accounts, self.incidents, Media(()), DAY, 365 * DAY)

    async def open(self):
        self.world = await make_world(*self.stores)
        return self

    def wait(self, minutes):
        self.now += minutes * MINUTE

    async def own(self):
        """The states of all own incidents, oldest first, with the descriptions of their events."""
        own = await self.accounts.own_source(make=False)
        found = []
        for journal in self.stores[0].journals():
            incident = await self.stores[0].get(journal[0].incident_id)
            if own and incident.source == own:
                found.append((incident.is_open(self.now), [event.type for event in journal], incident.description))
        return found


@pytest.fixture
async def house():
    return await House().open()


async def test_a_source_that_falls_silent_becomes_an_incident_until_it_is_heard_of(house):
    source = house.world.source
    await house.watching.expect(source.id, MINUTE)
    house.wait(1)
    assert 0 == await house.watching.look()
    assert None is await house.accounts.own_source(make=False)

    house.wait(1)
    assert [1, 0] == [await house.watching.look(), await house.watching.look()]
    ((still, types, description),) = await house.own()
    assert (True, [EventType.START]) == (still, types)
    assert f"{source.name} ({source.type}) is silent" in description

    await house.watching.beat(house.world.reporter)
    assert [1, 0] == [await house.watching.look(), await house.watching.look()]
    assert [(False, [EventType.START, EventType.END])] == [one[:2] for one in await house.own()]

    house.wait(2)
    assert 1 == await house.watching.look()
    assert [False, True] == [still for still, *_ in await house.own()]


async def test_what_somebody_has_closed_stays_closed_until_it_begins_anew(house):
    await house.watching.expect(house.world.source.id, MINUTE)
    house.wait(2)
    await house.watching.look()
    own = await house.accounts.own_source()
    (incident_id,) = [journal[0].incident_id for journal in house.stores[0].journals() if journal[0].actor.id == own.user_id]
    await house.incidents.post(incident_id, EventType.CLOSE, actor=house.world.person)

    await house.watching.look()
    assert [False] == [still for still, *_ in await house.own()]

    await house.watching.beat(house.world.reporter)
    house.wait(2)
    await house.watching.look()
    assert [False, True] == [still for still, *_ in await house.own()]


async def test_however_many_look_there_is_one_source_and_one_incident(house):
    await house.watching.expect(house.world.source.id, MINUTE)
    house.wait(2)

    await asyncio.gather(*(house.watching.look() for _ in range(5)))

    assert 1 == len(await house.own())
    assert ["argus"] == [source.name for source in await house.accounts.sources() if source.type == "argus"]


async def test_the_user_of_argus_is_not_taken_from_somebody(house):
    async with house.stores[1].begin() as work:
        await house.accounts.add_user(work, NewUser(username="argus"), "")
        await work.add_source_type("argus")

    own = await house.accounts.own_source()

    assert "argus-2" == (await house.accounts.user(own.user_id)).username
    assert own == await house.accounts.own_source()


async def test_sources_that_were_deactivated_are_not_waited_for(house):
    await house.watching.expect(house.world.source.id, MINUTE)
    await house.accounts.set_source_active(house.world.source.id, active=False)
    house.wait(2)

    assert 0 == await house.watching.look()


async def test_what_is_expected_is_noted(house):
    for every in (MINUTE, None):
        await house.watching.expect(house.world.source.id, every)

    noted = [record.entry for record in await MemoryAudit(house.stores[1]).page(AuditQuery(deed=Deed.SOURCE_CHANGE), 10)]
    assert ["no heartbeat is expected", "a heartbeat is expected every 0:01:00"] == [entry.details for entry in noted]


async def test_people_send_no_heartbeats(house):
    with pytest.raises(OnlySourcesBeat):
        await house.watching.beat(house.world.person)


@pytest.mark.parametrize("every", [timedelta(), timedelta(seconds=9), timedelta(days=367)])
async def test_an_interval_has_bounds(house, every):
    with pytest.raises(Invalid) as refused:
        await house.watching.expect(house.world.source.id, every)

    assert {"every"} == set(refused.value.errors)
    await house.watching.expect(house.world.source.id, None)

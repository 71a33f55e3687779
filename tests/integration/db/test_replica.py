"""What is read at a streaming replica is what would be read where it is written, whatever the replica is like."""

import asyncio
import logging
import threading
import time
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
import pytest

from adapters.db import replica as module
from adapters.db.accounts import PgAccounts
from adapters.db.database import REPLICA, Database
from adapters.db.journal import PgIncidents
from adapters.db.replica import Position, Reads, Replica
from adapters.db.statistics import PgStatistics
from adapters.web import Live
from adapters.web.live import Look
from argus_core.conformance import check_store, make_world
from argus_core.domain.filters import SourceIn
from integration.cluster import cluster

pytestmark = pytest.mark.anyio

STALENESS = timedelta(seconds=1.5)
WITHIN = 20.0


@pytest.fixture(scope="module")
def servers():
    with cluster() as found:
        yield found


class Process:
    """What one process has: a way to each server, and the journal that reads at the replica."""

    def __init__(self, primary, database):
        self.primary = primary
        self.replica = Replica(primary, database, STALENESS)
        self.there = 0
        read = self.replica.read

        async def counted(work, position):
            found = await read(work, position)
            self.there += 1
            return found

        self.replica.read = counted
        self.journal = PgIncidents(primary, reads=Reads(primary, self.replica, newest=True))
        self.statistics = PgStatistics(Reads(primary, self.replica, newest=False))

    async def world(self):
        return await make_world(self.journal, PgAccounts(self.primary))

    async def until(self, *, used):
        """The replica is read now, or is not."""
        end = time.monotonic() + WITHIN
        while bool(self.replica.why_not) is used:
            assert time.monotonic() < end, self.replica.why_not
            await asyncio.sleep(0.02)


@pytest.fixture
async def begin(servers):
    """Makes such processes."""
    async with AsyncExitStack() as stack:

        async def begin(read_url=servers.replica.url):
            primary = await stack.enter_async_context(Database(servers.primary.url, connections=4).opened())
            process = Process(primary, Database(read_url, connections=4, seconds=5, name=REPLICA))
            await stack.enter_async_context(process.replica.followed())
            return process

        yield begin


@contextmanager
def stuttering(server, seed=1):
    """The replica stands still and goes on, at random."""
    random, over = Random(seed), threading.Event()  # noqa: S311 - the same at every run

    def stutter():
        with psycopg.connect(server.url, autocommit=True) as connection:
            while not over.wait(random.uniform(0, 0.05)):
                connection.execute("select pg_wal_replay_pause()")
                over.wait(random.choice([0.005, 0.02, 0.02, 0.02, 0.15]))
                connection.execute("select pg_wal_replay_resume()")

    thread = threading.Thread(target=stutter)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def paused(server):
    server.execute("select pg_wal_replay_pause()")
    try:
        yield
    finally:
        server.execute("select pg_wal_replay_resume()")


async def ours(journal, world):
    """The versions of the world's incidents, as a list shows them."""
    condition = SourceIn(frozenset({world.source.id}))
    rows = (await journal.page(condition, datetime.now(UTC), 100)).rows
    assert len(rows) == await journal.count(condition, datetime.now(UTC))
    return {row.id: row.version for row in rows}


async def test_what_was_done_is_read_in_every_process_however_the_replica_stutters(begin, servers):
    """
    Whatever one process has stored, a read that begins afterwards in another one shows.
    """
    here, there = await begin(), await begin()
    world = await here.world()
    await here.until(used=True)
    await there.until(used=True)
    with stuttering(servers.replica):
        wanted = {}
        for number in range(60):
            incident = await world.report(f"{number}")
            wanted[incident.id] = 1
            if number % 2:
                await world.service.acknowledge(incident.id, actor=world.person)
                wanted[incident.id] = 2

            assert wanted[incident.id] == (await there.journal.row(incident.id)).version
            assert wanted == await ours(there.journal, world)
            assert number % 2 == len(await there.journal.acks(incident.id))

    assert there.there > 30, "hardly anything was read at the replica"


async def test_every_promise_of_a_store_is_kept_when_it_is_read_at_a_replica(servers):
    with servers.primary.copy() as name:
        servers.catch_up()
        async with Database(servers.primary.at(name)).opened() as primary:
            process = Process(primary, Database(servers.replica.at(name), seconds=5, name=REPLICA))
            async with process.replica.followed():
                await process.until(used=True)
                await check_store(process.journal, PgAccounts(primary))

    assert process.there > 50


async def test_a_replica_that_stands_still_is_not_read_and_is_again_when_it_has_caught_up(begin, servers, caplog):
    caplog.set_level(logging.INFO, "argus.replica")
    process = await begin()
    world = await process.world()
    await process.until(used=True)
    with paused(servers.replica):
        incident = await world.report()
        at_once = await ours(process.journal, world)
        await process.until(used=False)
        why_not, later = process.replica.why_not, await ours(process.journal, world)
    await process.until(used=True)
    before = process.there

    assert {incident.id: 1} == at_once == later == await ours(process.journal, world)
    assert "it is more than 1.5 s behind" == why_not
    assert process.there > before
    assert ["INFO", "WARNING", "INFO"] == [record.levelname for record in caplog.records if record.name == "argus.replica"]


async def test_while_nothing_is_written_the_replica_is_not_behind(begin, servers):
    process = await begin()
    world = await process.world()
    await process.until(used=True)

    for _ in range(30):
        await asyncio.sleep(STALENESS.total_seconds() / 20)
        assert "" == process.replica.why_not

    before = process.there
    await ours(process.journal, world)
    assert process.there == before + 2


async def test_while_the_replica_is_gone_everything_is_read_where_it_is_written(begin, servers, caplog):
    caplog.set_level(logging.INFO, "argus.replica")
    process = await begin()
    world = await process.world()
    incident = await world.report()
    await process.until(used=True)
    await ours(process.journal, world)
    servers.replica.kill()
    try:
        at_once = await ours(process.journal, world)
        await process.until(used=False)
        later = await ours(process.journal, world)
    finally:
        servers.replica.start()
    await process.until(used=True)

    assert {incident.id: 1} == at_once == later == await ours(process.journal, world)
    assert ["INFO", "WARNING", "INFO"] == [record.levelname for record in caplog.records if record.name == "argus.replica"]


async def test_figures_may_be_as_old_as_is_borne_and_no_older(begin, servers):
    process = await begin()
    world = await process.world()
    await process.until(used=True)

    async def number():
        counts = await process.statistics.open_at(datetime.now(UTC))
        return sum(count.count for count in counts if count.source.id == world.source.id)

    with paused(servers.replica):
        began = time.monotonic()
        await world.report()
        first = await number()
        async with asyncio.timeout(WITHIN):
            while await number() == 0:  # noqa: ASYNC110 - what is waited for is in the database
                await asyncio.sleep(0.02)
        took = time.monotonic() - began

    assert 0 == first
    assert took < STALENESS.total_seconds() + 1


async def test_what_open_pages_hear_is_there_when_they_look(begin, servers):
    """
    A page that has heard of a change does not settle on what was there before it.
    """
    here, there = await begin(), await begin()
    world = await here.world()
    await there.until(used=True)
    live = Live(lambda: datetime.now(UTC))
    look = Look(SourceIn(frozenset({world.source.id})), 50, None, None)
    running = asyncio.create_task(live.run())
    try:
        with live.looking(look, there.journal) as page:
            for number in range(3):
                await there.until(used=True)
                with paused(servers.replica):
                    incident = await world.report(f"{number}")
                    live.heard()
                    message = b""
                    async with asyncio.timeout(1.4):  # unasked, it would look after two seconds
                        while f"[{incident.id},1]".encode() not in message:
                            message = await page.next(1.0) or b""
                    assert 1 == (await there.journal.row(incident.id)).version
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_server_that_is_no_replica_is_not_read(begin, servers):
    process = await begin(servers.primary.url)
    world = await process.world()

    await asyncio.sleep(2 * module.LOOKS_EVERY)
    why_not = process.replica.why_not
    await world.report()

    assert "it is no replica" == why_not
    assert [1] == list((await ours(process.journal, world)).values())
    assert 0 == process.there


HERE = Position(lsn=1_000, timeline=2, system=7)


@pytest.mark.parametrize(
    ("is_replica", "there", "lacks"),
    [
        (True, HERE, None),
        (True, Position(1_001, 2, 7), None),
        (True, Position(999, 2, 7), ""),
        (False, HERE, "it is no replica"),
        (True, Position(1_001, 2, 8), "it is a replica of another server"),
        (True, Position(1_001, 1, 7), "it does not follow the server that has taken over, or has not noted so yet"),
    ],
)
def test_only_a_replica_of_this_server_that_has_come_as_far_is_read(is_replica, there, lacks):
    assert lacks == module._lacks(module._State(is_replica, there), HERE)

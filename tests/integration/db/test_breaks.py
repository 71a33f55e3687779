"""The way to the database breaks: nothing is lost, nothing is done twice, and nobody is told what is not true."""

import asyncio
import logging
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from adapters.db.accounts import PgAccounts
from adapters.db.database import Database, Seldom
from adapters.db.journal import PgIncidents
from argus_core.conformance import make_world
from argus_core.domain import transitions
from argus_core.domain.accounts import User
from argus_core.domain.errors import AlreadyClosed, ReadOnly, TooSlow, Unavailable
from argus_core.domain.filters import EVERYTHING
from argus_core.domain.incidents import EventType, Level, fold
from argus_core.domain.transitions import Change, Edit
from argus_core.ports.incidents import Appended
from integration.interference import Proxy

pytestmark = pytest.mark.anyio

SECONDS = 2.0


async def test_what_is_done_is_on_disk_though_the_server_is_told_not_to_wait_for_that(database_url):
    name = conninfo_to_dict(database_url)["dbname"]
    asked = []
    for setting in ("off", "local", "remote_write"):
        async with Database(database_url).opened() as database, await database.connect(autocommit=True) as connection:
            await connection.execute(f'alter database "{name}" set synchronous_commit = {setting}')
        async with Database(database_url).opened() as database, database.engine.begin() as for_work:
            asked.append((await for_work.execute(sa.text("show synchronous_commit"))).scalar_one())
            async with database.transaction() as connection:
                ((found,),) = await (await connection.execute("show synchronous_commit")).fetchall()
                asked.append(found)

    assert ["on", "on", "local", "local", "remote_write", "remote_write"] == asked


@pytest.mark.parametrize("limit", ["seconds", "statement_seconds"])
async def test_what_takes_too_long_is_said_to(database_url, limit):
    async with Database(database_url, **{limit: 0.3}).opened() as database:
        with pytest.raises(TooSlow):
            await database.run(lambda connection, _: connection.execute("select pg_sleep(5)"))


@pytest.mark.parametrize("limit", ["seconds", "statement_seconds"])
async def test_also_of_what_is_seldom_asked_for(database_url, limit):
    async with stores(database_url, **{limit: 0.3}) as (_, accounts), await psycopg.AsyncConnection.connect(database_url) as lock:
        await lock.execute("lock table account")
        with pytest.raises(TooSlow):
            await somebody(accounts)


async def test_a_database_that_takes_no_changes_is_said_to(database_url):
    """
    A standby answers at once, and the same each time: it is neither slow nor out of reach.
    """
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f'alter database "{conninfo_to_dict(database_url)["dbname"]}" set default_transaction_read_only = on')
    async with Database(database_url, seconds=0.5).opened() as database:
        with pytest.raises(ReadOnly):
            await database.run(lambda connection, _: connection.execute("delete from source"))
        with pytest.raises(ReadOnly):
            async with database.transaction() as connection:
                await connection.execute("delete from source")


class Answers:
    """Counts the answers of PostgreSQL, and swallows as many as it is told to, each with its connection."""

    def __init__(self):
        self.seen = 0
        self.swallow = 0

    def random(self):
        self.seen += 1
        if self.swallow == 0:
            return 1.0
        self.swallow -= 1
        return 0.0


@contextmanager
def wire_to(dsn):
    answers = Answers()
    proxy = Proxy(dsn, answers)
    proxy.cut = 0.5
    proxy.start()
    try:
        yield SimpleNamespace(proxy=proxy, answers=answers)
    finally:
        proxy.stop()


@asynccontextmanager
async def stores(dsn, **settings):
    settings = {"connections": 2, "seconds": SECONDS} | settings
    async with Database(dsn, **settings).opened() as database:
        yield PgIncidents(database), PgAccounts(database)


@pytest.fixture
async def wire(database_url):
    """A world whose stores reach PostgreSQL through a proxy, all statements prepared on all connections."""
    with wire_to(database_url) as wire:
        async with stores(wire.proxy.url) as (incidents, accounts):
            wire.incidents, wire.accounts = incidents, accounts
            wire.world = await make_world(incidents, accounts)
            wire.direct = database_url
            yield wire


def now():
    return datetime.now(UTC)


async def journal_of(wire, incident_id):
    return [event.version for event in await wire.incidents.journal(incident_id)]


async def test_reporting_is_one_round_trip(wire):
    """
    One statement goes there, one answer comes back: incident, event and outbox row.
    """
    await warm(wire)
    changes = [await wire.world.begin(str(number)) for number in range(5)]
    await wire.incidents.event_ids(100)
    seen = wire.answers.seen

    for change in changes:
        assert Appended.STORED is await wire.incidents.append(change, warrant=wire.world.token_id)

    assert 5 == wire.answers.seen - seen


async def warm(wire):
    """Prepare what reports and changes need, on every connection of the pool."""
    service, person = wire.world.service, wire.world.person
    for turn in range(3):
        begun = [await wire.world.begin() for _ in range(8)]
        for change, warrant in zip(begun[:4], [wire.world.token_id, wire.world.token_id, None, None], strict=True):
            await wire.incidents.append(change, warrant=warrant)  # the connections take turns
        await asyncio.gather(*map(wire.incidents.append, begun[4:]))
        ids = [change.incident.id for change in begun]
        for id_ in ids[:4]:
            await service.post(id_, EventType.OTHER, actor=person)
        await asyncio.gather(*(service.post(id_, EventType.OTHER, actor=person) for id_ in ids))
        await asyncio.gather(*(service.edit(id_, Edit(description=str(turn)), actor=person) for id_ in ids))


@pytest.mark.parametrize("breaks", [1, 2])
@pytest.mark.parametrize("key", ["", "12345"])
async def test_a_report_whose_answer_is_lost_is_stored_once(wire, key, breaks):
    """
    It is repeated with the same ids; its own first attempt is not taken for somebody else's.
    """
    await warm(wire)
    change = await wire.world.begin(key)

    wire.answers.swallow = breaks
    outcome = await wire.incidents.append(change)

    assert wire.answers.swallow == 0
    assert Appended.STORED is outcome
    assert [1] == await journal_of(wire, change.incident.id)
    found = await wire.incidents.page(EVERYTHING, now(), 100)
    assert 1 == [row.id for row in found.rows].count(change.incident.id)


@pytest.mark.parametrize("answer", [1, 2])
@pytest.mark.parametrize("step", [True, False])
async def test_a_change_whose_answer_is_lost_is_stored_once(wire, step, answer):
    """
    The version has moved by the first attempt: that is no conflict. (The first answer may be that to preparing the statement.)
    """
    await warm(wire)
    incident = await wire.world.report()
    event_ids = await wire.incidents.event_ids(2)
    if step:
        change = transitions.close(incident, actor=wire.world.person, event_id=next(event_ids), at=now(), now=now())
    else:
        wanted = Edit(level=Level.LOW, description="other")
        change = transitions.edit(incident, wanted, actor=wire.world.person, event_ids=event_ids, now=now())

    swallow_the(wire.answers, answer)
    outcome = await wire.incidents.append(change)

    assert Appended.STORED is outcome
    assert change.incident == await wire.incidents.get(incident.id)
    assert list(range(1, 2 + len(change.events))) == await journal_of(wire, incident.id)


async def test_somebody_elses_change_is_still_a_conflict(wire):
    """
    A lost answer turns neither a conflict nor a duplicate into a success.
    """
    await warm(wire)
    incident = await wire.world.report("taken")
    stale = await wire.world.service.post(incident.id, EventType.OTHER, actor=wire.world.person)
    event_id = next(await wire.incidents.event_ids(1))
    other = Change(incident=stale.incident, events=tuple(replace(event, id=event_id) for event in stale.events))
    twin = await wire.world.begin("taken")

    wire.answers.swallow = 1
    conflict = await wire.incidents.append(other)
    wire.answers.swallow = 1
    duplicate = await wire.incidents.append(twin)
    wire.answers.swallow = 1
    refused = await wire.incidents.append(await wire.world.begin(), warrant=2**63 - 1)

    assert [Appended.CONFLICT, Appended.DUPLICATE_KEY, Appended.UNAUTHENTICATED] == [conflict, duplicate, refused]
    assert [1, 2] == await journal_of(wire, incident.id)


@pytest.mark.parametrize("answer", range(1, 7))
@pytest.mark.parametrize("keys", [True, False])
async def test_reports_that_are_stored_together_and_whose_answers_are_lost_are_stored_once(wire, answer, keys):
    """
    What was wrong with one of them stays wrong.
    """
    for _ in range(4):
        await asyncio.gather(*map(wire.incidents.append, [await wire.world.begin() for _ in range(20)]))
    await wire.world.report("taken")
    changes = [await wire.world.begin(f"key-{number}" if keys else "") for number in range(20)]
    twin, refused = await wire.world.begin("taken"), await wire.world.begin()

    swallow_the(wire.answers, answer)
    outcomes = await asyncio.gather(
        *map(wire.incidents.append, changes), wire.incidents.append(twin), wire.incidents.append(refused, warrant=2**63 - 1)
    )

    assert [Appended.STORED] * 20 + [Appended.DUPLICATE_KEY, Appended.UNAUTHENTICATED] == outcomes
    assert [[1]] * 20 + [[], []] == [await journal_of(wire, change.incident.id) for change in [*changes, twin, refused]]


@pytest.mark.parametrize("answer", range(1, 5))
async def test_steps_that_are_stored_together_and_whose_answers_are_lost_are_stored_once(wire, answer):
    """
    The versions have moved by the first attempt: that is no conflict.
    """
    await warm(wire)
    begun = [await wire.world.report() for _ in range(20)]
    event_ids = await wire.incidents.event_ids(21)
    changes = [
        transitions.close(incident, actor=wire.world.person, event_id=next(event_ids), at=now(), now=now())
        for incident in [*begun, begun[0]]
    ]

    swallow_the(wire.answers, answer)
    outcomes = await asyncio.gather(*map(wire.incidents.append, changes))

    assert [Appended.STORED] * 20 + [Appended.CONFLICT] == outcomes
    assert [[1, 2]] * 20 == [await journal_of(wire, incident.id) for incident in begun]


@pytest.mark.parametrize("answer", range(1, 7))
async def test_bulk_changes_whose_answer_is_lost_are_stored_once(wire, answer):
    """
    Wherever it breaks, be it the answer to the commit: each incident is closed once, and nobody hears that it was closed before.
    """
    await warm(wire)
    ids = [(await wire.world.report()).id for _ in range(3)]
    await wire.world.service.post_to_each([ids[0]] * 2, EventType.OTHER, actor=wire.world.person)
    await wire.world.service.post_to_each([ids[0]] * 2, EventType.OTHER, actor=wire.world.person)

    swallow_the(wire.answers, answer)
    changes = await wire.world.service.post_to_each(ids, EventType.CLOSE, actor=wire.world.person)

    assert [[EventType.CLOSE]] * 3 == [[event.type for event in change.events] for change in changes]
    for incident_id, change in zip(ids, changes, strict=True):
        journal = await wire.incidents.journal(incident_id)
        assert 1 == sum(event.type is EventType.CLOSE for event in journal)
        assert change.incident == fold(journal, wire.world.source) == await wire.incidents.get(incident_id)
    again = await wire.world.service.post_to_each(ids, EventType.CLOSE, actor=wire.world.person)
    assert all(isinstance(refusal, AlreadyClosed) for refusal in again)


def swallow_the(answers, number):
    """Let the answers before this one pass."""
    last = answers.seen + number

    def random():
        answers.seen += 1
        return 0.0 if answers.seen == last else 1.0

    answers.random = random


@pytest.mark.parametrize("read", ["get", "row", "journal", "events", "acks"])
async def test_what_is_read_is_read_again(wire, read):
    incident = await wire.world.report()
    before = await getattr(wire.incidents, read)(incident.id)

    wire.answers.swallow = 2
    again = await getattr(wire.incidents, read)(incident.id)

    assert wire.answers.swallow == 0
    assert before == again


async def test_whoever_cannot_reach_the_database_is_told_so(wire):
    """
    No server: within the time that is set, every method says that it is unavailable; when it is back, everything goes on by itself.
    """
    incident = await wire.world.report()
    change = await wire.world.begin()
    event_ids = await wire.incidents.event_ids(1)
    calls = [
        lambda: wire.incidents.append(change),
        lambda: wire.incidents.append_each([incident.id], lambda *_: Change(incident=incident, events=()), now),
        lambda: wire.incidents.get(incident.id),
        lambda: wire.incidents.page(EVERYTHING, now(), 10),
        lambda: wire.incidents.incident_ids(5_000),
        lambda: wire.incidents.event_ids(5_000),
        lambda: wire.incidents.due_timers(now(), 1),
        lambda: wire.accounts.credential(b"x"),
        wire.accounts.now,
        lambda: somebody(wire.accounts),
    ]

    wire.proxy.down()
    began = time.monotonic()
    answers = await asyncio.gather(*(call() for call in calls), return_exceptions=True)
    took = time.monotonic() - began
    wire.proxy.up()

    assert [Unavailable] * len(calls) == [type(answer) for answer in answers], answers
    assert took < 2 * SECONDS
    assert Appended.STORED is await wire.incidents.append(change)
    assert incident == await wire.incidents.get(incident.id)
    assert await somebody(wire.accounts)
    assert next(event_ids)


async def test_reports_that_wait_for_others_are_told_so_too(database_url):
    """
    No server: those under way and those who wait hear of it; when it is back, the same reports are stored.
    """
    with wire_to(database_url) as wire:
        async with stores(wire.proxy.url, connect_seconds=0.3) as (incidents, accounts):
            world = await make_world(incidents, accounts)
            before, changes = await world.report(), [await world.begin() for _ in range(20)]
            wire.proxy.down()

            answers = await asyncio.gather(*map(incidents.append, changes), return_exceptions=True)
            wire.proxy.up()

            assert [Unavailable] * 20 == [type(answer) for answer in answers]
            async with asyncio.timeout(20):
                while [before] != await asyncio.gather(incidents.get(before.id), return_exceptions=True):
                    pass  # each waits for a connection
            assert [Appended.STORED] * 20 == await asyncio.gather(*map(incidents.append, changes))


async def somebody(accounts):
    async with accounts.begin() as work:
        return await work.users()


async def test_an_outage_is_said_once():
    """
    Not several times a second: the log is to be read.
    """
    seldom = Seldom(0.5)
    lost, failed = (logging.makeLogRecord({"msg": msg}) for msg in ("lost", "failed"))

    passed = [seldom.filter(record) for record in (lost, failed, lost, failed)]
    await asyncio.sleep(0.6)

    assert [True, True, False, False] == passed
    assert seldom.filter(lost)


async def test_a_server_that_comes_back_in_time_is_not_noticed(wire):
    """
    Who waits gets a connection as soon as there is one.
    """
    incident = await wire.world.report()
    wire.proxy.down()
    waiting = asyncio.create_task(wire.incidents.get(incident.id))
    await asyncio.sleep(SECONDS / 4)

    wire.proxy.up()

    assert incident == await waiting


async def test_a_network_without_answers_is_given_up(database_url):
    """
    Connections stay, but nothing comes back: the caller waits no longer than the time set, and a bit for the cancelling.
    """
    with wire_to(database_url) as wire:
        async with stores(wire.proxy.url, seconds=1) as (incidents, accounts):
            world = await make_world(incidents, accounts)
            change = await world.begin("silent")
            await incidents.append(await world.begin())
            wire.proxy.silent()
            began = time.monotonic()

            with pytest.raises(Unavailable):
                await incidents.append(change)

            assert time.monotonic() - began < 4
            wire.proxy.down()
            wire.proxy.up()
            assert Appended.STORED is await incidents.append(change)


async def test_a_statement_that_waits_too_long_changes_nothing(wire):
    """
    Somebody holds the row: unavailable, and not stored later either.
    """
    incident = await wire.world.report()
    async with await psycopg.AsyncConnection.connect(wire.direct) as holder:
        await holder.execute("select from incident where id = %s for update", (incident.id,))

        with pytest.raises(Unavailable):
            await wire.world.service.post(incident.id, EventType.CLOSE, actor=wire.world.person)

    assert [1] == await journal_of(wire, incident.id)


async def test_the_servers_limit_is_told_as_unavailable(database_url):
    async with stores(database_url, statement_seconds=0.2) as (incidents, accounts):
        world = await make_world(incidents, accounts)
        incident = await world.report()
        async with await psycopg.AsyncConnection.connect(database_url) as holder:
            await holder.execute("select from incident where id = %s for update", (incident.id,))

            with pytest.raises(Unavailable):
                await world.service.post(incident.id, EventType.CLOSE, actor=world.person)

        assert [1] == [event.version for event in await incidents.journal(incident.id)]


async def test_more_callers_than_connections_wait_their_turn(database_url):
    async with stores(database_url, connections=1) as (incidents, accounts):
        world = await make_world(incidents, accounts)

        reported = await asyncio.gather(*(world.report() for _ in range(50)))

        assert 50 == len({incident.id for incident in reported})


async def test_nobody_waits_long_for_a_connection(database_url):
    """
    Somebody holds the only one: whoever else comes is told so, long before it would be given up.
    """
    async with stores(database_url, connections=1, connections_for_work=1, connect_seconds=0.3) as (incidents, accounts):
        incident = await (await make_world(incidents, accounts)).report()
        async with await psycopg.AsyncConnection.connect(database_url) as lock, accounts.begin():
            await lock.execute("select from incident where id = %s for update", (incident.id,))
            holding = asyncio.create_task(incidents.append_each([incident.id], lambda *_: Change(incident=incident, events=()), now))
            await asyncio.sleep(0.05)
            began = time.monotonic()

            answers = await asyncio.gather(incidents.get(incident.id), somebody(accounts), return_exceptions=True)

            assert [Unavailable] * 2 == [type(answer) for answer in answers]
            assert time.monotonic() - began < SECONDS / 2
        await holding


async def test_connections_that_the_server_ended_are_replaced(wire):
    """
    As after a restart: every kept connection is dead, and nobody notices.
    """
    incident = await wire.world.report()
    await asyncio.gather(*(wire.incidents.get(incident.id) for _ in range(10)))
    for _ in range(3):
        async with await psycopg.AsyncConnection.connect(wire.direct, autocommit=True) as other:
            await other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name = 'argus'"
            )

        answers = await asyncio.gather(*(wire.incidents.get(incident.id) for _ in range(10)), wire.world.report(), somebody(wire.accounts))

        assert [incident] * 10 == answers[:10]


async def test_work_whose_commit_is_not_answered_is_unavailable(wire):
    """
    Nobody knows whether it was kept, and nobody says so; nothing is kept by halves.
    """
    async with wire.accounts.begin() as work:
        user_id = await work.new_user_id()

    with pytest.raises(Unavailable):
        await add_and_lose_the_answer(wire, User(id=user_id, username="somebody"))

    async with wire.accounts.begin() as work:
        assert "somebody" == (await work.user(user_id)).username


async def add_and_lose_the_answer(wire, user):
    async with wire.accounts.begin() as work:
        await work.add_user(user)
        wire.answers.swallow = 1


async def test_a_caller_who_leaves_takes_no_connection_along(database_url):
    """
    A request that is cancelled in the middle leaves the pool as it was.
    """
    async with stores(database_url, connections=1) as (incidents, accounts):
        world = await make_world(incidents, accounts)
        incident = await world.report()
        for delay in (0, 0.0005, 0.001, 0.002, 0.005):
            tasks = [
                asyncio.create_task(incidents.get(incident.id)),
                asyncio.create_task(world.service.acknowledge_each([incident.id], actor=world.person)),
                asyncio.create_task(incidents.event_ids(2_000)),
            ]
            await asyncio.sleep(delay)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        journal = await incidents.journal(incident.id)

        assert await incidents.get(incident.id) == fold(journal, world.source)


async def test_whoever_gives_up_while_a_connection_is_prepared_leaves_none_open(database_url, monkeypatch):
    begun = asyncio.Queue()

    async def hang(_, connection):
        begun.put_nowait(connection)
        await asyncio.Event().wait()

    monkeypatch.setattr(Database, "_configure", hang)
    attempt = asyncio.create_task(Database(database_url).connect())
    connection = await begun.get()
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt

    assert connection.closed

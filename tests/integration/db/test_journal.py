"""What only PostgreSQL can get wrong: statements, locks, plans and rows."""

import asyncio
import itertools
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
import pytest

from adapters.db.database import Database
from adapters.db.hints import OUTBOX, URGENT
from adapters.db.journal import CHUNK, PgIncidents
from argus_core.domain import transitions
from argus_core.domain.accounts import Token
from argus_core.domain.errors import AlreadyClosed, Unauthenticated
from argus_core.domain.incidents import EventType, Level, fold
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Change, Edit, TimerKind
from argus_core.ports.incidents import Appended
from argus_core.usecases.incidents import IncidentService

pytestmark = pytest.mark.anyio

SOON = timedelta(hours=1)

COUNTS = """
    select (select count(*) from incident), (select count(*) from event), (select count(*) from ack), (select count(*) from timer),
        (select count(*) from outbox)"""
COPY = """
    insert into incident select twin, source_id, start_time, end_time, received, acked_until, version, level, stateful, ended,
        source_incident_id, description, details_url, ticket_url, metadata, tags, tags_by, tags_at
    from incident, unnest(%s::bigint[]) twin where id = %s returning id"""


def now():
    return datetime.now(UTC)


async def rows(database, query, *values):
    async def read(connection, _):
        return await (await connection.execute(query, values)).fetchall()

    return await database.run(read)


async def change_of(world, incident, *, type_=EventType.OTHER, **fields):
    event_id = next(await world.incidents.event_ids(1))
    return transitions.post(incident, type_, actor=world.person, event_id=event_id, at=now(), now=now(), **fields)


async def ack_of(world, incident, **fields):
    event_id = next(await world.incidents.event_ids(1))
    return transitions.acknowledge(incident, actor=world.person, event_id=event_id, at=now(), now=now(), **fields)


async def edit_of(world, incident, wanted):
    ids = iter(list(itertools.islice(await world.incidents.event_ids(6), 6)))
    return transitions.edit(incident, wanted, actor=replace(world.person, superuser=True), event_ids=ids, now=now())


async def kept_as(world, change):
    """The incident and its journal, as they are stored, are those of the change."""
    incident = await world.incidents.get(change.incident.id)
    journal = await world.incidents.journal(change.incident.id)
    return incident == change.incident == fold(journal, world.source) and list(change.events) == list(journal)[-len(change.events) :]


async def test_each_event_has_its_outbox_row(world, database):
    """
    However a change is written, one row for each of its events waits for the worker.
    """
    incident = await world.report("1", end_time=now() + SOON, tags=(Tag.parse("a=b"),))
    changes = [await change_of(world, incident)]
    changes.append(await ack_of(world, changes[-1].incident))
    changes.append(await ack_of(world, changes[-1].incident, expiration=now() + SOON))
    changes.append(await edit_of(world, changes[-1].incident, Edit(level=Level.HIGH, ticket_url="https://a.example.org/", tags=())))
    for change in changes:
        assert Appended.STORED is await world.incidents.append(change)
        assert await kept_as(world, change)

    written = await rows(database, "select version from outbox where incident_id = %s order by version", incident.id)

    assert [(1,), (2,), (3,), (4,), (5,), (6,), (7,)] == written


async def test_what_is_refused_leaves_nothing(world, database):
    """
    A stale change, a key that is taken, a dead warrant: no event, no acknowledgement, no timer, no outbox row.
    """
    incident = await world.report("taken")
    stale = await ack_of(world, incident, expiration=now() + SOON)
    await world.incidents.append(await change_of(world, incident))
    twin = await world.begin("taken")
    dead = await ack_of(world, await world.incidents.get(incident.id), expiration=now() + SOON)
    before = await rows(database, COUNTS)

    outcomes = [
        await world.incidents.append(stale),
        await world.incidents.append(twin),
        await world.incidents.append(dead, warrant=2**63 - 1),
    ]

    assert [Appended.CONFLICT, Appended.DUPLICATE_KEY, Appended.UNAUTHENTICATED] == outcomes
    assert before == await rows(database, COUNTS)


async def test_an_incident_may_begin_with_several_events(world, database):
    """
    A change of several events that begins with the first is an insert, with its acknowledgements and timers.
    """
    begun = await world.begin("several")
    acked = await ack_of(world, begun.incident, expiration=now() + SOON)
    change = Change(incident=acked.incident, events=(*begun.events, *acked.events))

    assert Appended.STORED is await world.incidents.append(change)

    assert await kept_as(world, change)
    assert [(TimerKind.ACK_EXPIRED.value, acked.events[0].id)] == await rows(
        database, "select kind, subject_id from timer where incident_id = %s", change.incident.id
    )
    assert Appended.DUPLICATE_KEY is await world.incidents.append(replace_ids(change, await world.begin()))


async def test_timers_of_kinds_that_only_a_newer_version_knows_are_left_to_it(world, database):
    incident = (await world.begin("newer")).incident
    async with database.transaction() as connection:
        await connection.execute("insert into timer values (%s, 'from-tomorrow', 0, '2000-01-01')", (incident.id,))

    assert incident.id not in [timer.incident_id for timer in await world.incidents.due_timers(now(), 10_000)]

    assert [("from-tomorrow",)] == await rows(database, "select kind from timer where incident_id = %s", incident.id)


def replace_ids(change, other):
    """The same beginning under the ids of another incident."""
    events = tuple(
        replace(event, id=other.events[0].id + place, incident_id=other.incident.id) for place, event in enumerate(change.events)
    )
    return Change(incident=replace(change.incident, id=other.incident.id), events=events)


async def test_an_id_that_is_taken_is_a_conflict(world):
    """
    Should an id ever be given twice, the incident that has it stays as it is.
    """
    incident = await world.report()
    begun = await world.begin("other")

    outcome = await world.incidents.append(replace_ids(begun, Change(incident=incident, events=begun.events)))

    assert Appended.CONFLICT is outcome
    assert incident == await world.incidents.get(incident.id)


async def test_long_values_survive_what_does_not_concern_them(world):
    """
    An edit of one field leaves the others alone, also those that PostgreSQL keeps elsewhere.
    """
    long = "".join(map(chr, Random(1).choices(range(32, 0x2FF), k=20_000)))  # noqa: S311 - nothing secret
    incident = await world.report(description=long, metadata={"long": long}, tags=(Tag.parse('odd="\\{},'),))

    for wanted in (Edit(level=Level.HIGH), Edit(details_url=long[:900]), Edit(tags=(Tag.parse("new="),)), Edit(metadata=[1, 1.0, True])):
        change = await edit_of(world, await world.incidents.get(incident.id), wanted)
        assert Appended.STORED is await world.incidents.append(change)
        assert await kept_as(world, change)


async def test_steps_need_no_new_index_entries(world, database_url):
    """
    Versions and acknowledgements are in no index, and a row has room for its next version beside it.
    """
    incident = await world.report(tags=(Tag.parse("a=b"),))
    async with Database(database_url, connections=1).opened() as database:
        incidents = PgIncidents(database)
        for number in range(10):
            stored = await incidents.get(incident.id)
            change = await ack_of(world, stored, expiration=None if number % 2 else now() + SOON)
            assert Appended.STORED is await incidents.append(change)
        await rows(database, "select 1 from pg_stat_force_next_flush()")
        await rows(database, "select 1")

        updated = await rows(database, "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'incident'")

    assert [(10, 10)] == updated


@pytest.fixture
async def expired(world):
    """A token that was live a second ago."""
    moment = await world.accounts.now() - timedelta(seconds=1)
    async with world.accounts.begin() as work:
        token = Token(
            id=await work.new_token_id(),
            user_id=world.person.id,
            name="old",
            prefix="abcd",
            digest=secrets.token_bytes(32),
            created=moment,
            expires=moment,
        )
        await work.add_token(token)
    return token.id


async def test_an_expired_warrant_stores_nothing(world, expired):
    """
    The database's clock decides, for every kind of change, also where nothing would have been written.
    """
    incident = await world.report()
    future_end = transitions.close(
        incident, actor=world.person, event_id=next(await world.incidents.event_ids(1)), at=now() + SOON, now=now()
    )
    begun = await world.begin()
    acked = await ack_of(world, begun.incident)
    changes = [
        begun,
        Change(incident=acked.incident, events=(*begun.events, *acked.events)),
        await change_of(world, incident),
        await ack_of(world, incident),
        future_end,
        await edit_of(world, incident, Edit(level=Level.LOW, description="other")),
    ]

    outcomes = {await world.incidents.append(change, warrant=expired) for change in changes}

    assert {Appended.UNAUTHENTICATED} == outcomes
    for decide in (refuse, leave_alone, lambda incident, now, ids: changes[2]):
        with pytest.raises(Unauthenticated):
            await world.incidents.append_each([incident.id], decide, now, warrant=expired)
    assert incident == await world.incidents.get(incident.id)


def refuse(incident, now, event_ids):
    raise AlreadyClosed


def leave_alone(incident, now, event_ids):
    return Change(incident=incident, events=())


async def test_many_are_changed_in_chunks(world, database):
    """
    More than are locked at once, some twice, one refused, one unknown: each gets its answer, and the journal its event.
    """
    incident = await world.report()
    twins = range(10**12, 10**12 + 2 * CHUNK + 10)
    await rows(database, COPY, [*twins], incident.id)
    await world.service.post(twins[5], EventType.CLOSE, actor=world.person)
    asked = [*twins[::-1], incident.id, twins[0], 2**63 - 1]

    answers = await world.service.post_to_each(asked, EventType.CLOSE, actor=world.person, warrant=world.token_id)

    changed = {answer.incident.id: answer for answer in answers if isinstance(answer, Change)}
    refused = [incident_id for incident_id, answer in zip(asked, answers, strict=True) if isinstance(answer, AlreadyClosed)]
    assert {incident.id, *twins} - {twins[5]} == set(changed)
    assert [twins[5]] == refused
    assert [changed[twins[0]], None] == answers[-2:]
    assert answers[: len(twins) - 6] == [changed[twin] for twin in twins[:5:-1]]
    assert [(len(twins) + 1,)] == await rows(database, "select count(*) from event where type = 'CLO' and effect and version = 2")
    assert [(0,)] == await rows(database, "select count(*) from incident where end_time is null")


async def test_a_decision_on_another_incident_is_not_stored(world):
    one, other = await world.report(), await world.report()
    stray = await change_of(world, other)
    await world.incidents.append(await change_of(world, other))

    with pytest.raises(ValueError, match="not decided on"):
        await world.incidents.append_each([one.id], lambda *_: stray, now)

    assert one == await world.incidents.get(one.id)


async def test_opposite_orders_do_not_deadlock(world, database, database_url):
    """
    Bulk changes of the same incidents in any order, from several processes, wait for each other and never in a circle.
    """
    ids = [(await world.report()).id for _ in range(40)]

    async def process(seed):
        random = Random(seed)  # noqa: S311 - another order for each
        async with Database(database_url, connections=2, seconds=30).opened() as own:
            service = IncidentService(PgIncidents(own), world.accounts, now)
            for _ in range(4):
                await service.acknowledge_each(random.sample(ids, 30), actor=world.person)

    await asyncio.gather(*map(process, range(8)))

    for incident_id in ids:
        journal = await world.incidents.journal(incident_id)
        assert list(range(1, len(journal) + 1)) == [event.version for event in journal]
        assert await world.incidents.get(incident_id) == fold(journal, world.source)
    assert 8 * 4 * 30 == sum([len(await world.incidents.acks(incident_id)) for incident_id in ids])
    assert [(0,)] == await rows(database, "select deadlocks from pg_stat_database where datname = current_database()")


async def test_one_of_eight_wins(world, database_url):
    """
    Of changes that were decided on the same version, exactly one is stored, whichever connections they come by.
    """
    incident = await world.report()
    for _ in range(10):
        present = await world.incidents.get(incident.id)
        changes = [await change_of(world, present, why=str(number)) for number in range(8)]

        outcomes = await asyncio.gather(*map(world.incidents.append, changes))

        assert 1 == outcomes.count(Appended.STORED)
        assert 7 == outcomes.count(Appended.CONFLICT)
        assert changes[outcomes.index(Appended.STORED)].incident == await world.incidents.get(incident.id)


async def test_a_column_may_change_its_type_meanwhile(world, database_url):
    """
    Statements prepared before a migration are prepared anew, in autocommit mode and in transactions.
    """
    incident = await world.report()
    async with Database(database_url, connections=1).opened() as database:
        incidents = PgIncidents(database)
        service = IncidentService(incidents, world.accounts, now)
        for type_ in ("varchar(9000)", "text"):
            await incidents.get(incident.id)
            await service.acknowledge_each([incident.id], actor=world.person)
            await alter(database_url, f"alter table source alter base_url type {type_}")

            [change] = await service.acknowledge_each([incident.id], actor=world.person)
            await alter(database_url, f"alter table source alter base_url type {type_}, alter name type {type_}")

            assert change.incident == await incidents.get(incident.id)


async def alter(dsn, statement):
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute(statement)


async def test_what_is_urgent_is_said_to_be_so(world, database_url):
    """
    Whoever decides about what is urgent is woken by nothing else.
    """
    given = []
    async with Database(database_url, connections=1).opened() as database:
        incidents = PgIncidents(database, given.append)
        there = replace(world, incidents=incidents, service=IncidentService(incidents, world.accounts, now))
        low, high = await there.report(level=Level.LOW), await there.report(level=Level.CRITICAL)
        for one in ([low.id], [low.id, high.id]):
            await there.service.acknowledge_each(one, actor=world.person)

    assert [(OUTBOX,), (OUTBOX, URGENT), (OUTBOX,), (OUTBOX, URGENT)] == given

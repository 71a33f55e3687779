"""
The other side: the same rows written and read by psycopg alone, without HTTP and without a domain.

Each request in flight has a connection of its own, in autocommit, with binary prepared statements.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec
import psycopg
from bench.runs import Run
from psycopg import AsyncConnection

BLOCK = 1000
ROWS = 100

# fmt: off
INCIDENT = ("id", "source_id", "start_time", "end_time", "received", "acked_until", "version", "level", "stateful", "ended",
            "source_incident_id", "description", "details_url", "ticket_url", "metadata", "tags", "tags_by", "tags_at")
EVENT = ("id", "incident_id", "actor_id", "timestamp", "received", "version", "effect", "type", "description", "changes")
# fmt: on

POST = f"""
with i as (insert into incident ({", ".join(INCIDENT)}) values ({", ".join(["%s"] * len(INCIDENT))}) returning id),
     e as (insert into event ({", ".join(EVENT)}) values ({", ".join(["%s"] * len(EVENT))})),
     o as (insert into outbox (incident_id, version) select id, 1 from i)
select id from i"""

_EVENT = f"""insert into event ({", ".join(EVENT)})
    select n.event_id, n.id, %(actor)s, now(), now(), n.version, true, %(type)s, %(text)s, '{{}}' from n"""
END = f"""
with n as materialized (select id, version + 1 as version, nextval('event_ids') as event_id from incident where id = any(%(ids)s)),
     i as (update incident set version = n.version, end_time = now(), ended = true from n where incident.id = n.id),
     e as ({_EVENT})
insert into outbox (incident_id, version) select id, version from n"""
ACK = f"""
with n as materialized (select id, version + 1 as version, nextval('event_ids') as event_id from incident where id = any(%(ids)s)),
     i as (update incident set version = n.version, acked_until = '9999-12-31 23:59:59.999999+00' from n where incident.id = n.id),
     e as ({_EVENT}),
     a as (insert into ack (event_id, incident_id, version) select event_id, id, version from n)
insert into outbox (incident_id, version) select id, version from n"""
EVENTS = """
select e.id, e.incident_id, e.actor_id, a.username, e.timestamp, e.received, e.type, e.description
from event e join account a on a.id = e.actor_id where e.incident_id = %s order by e.timestamp desc, e.id desc"""

_COLUMNS = """i.id, i.version, i.start_time, i.end_time, i.stateful, s.id, s.name, s.type, s.user_id, s.base_url, i.source_incident_id,
    i.details_url, i.description, i.level, i.ticket_url, i.metadata::text, i.tags, i.tags_by, i.tags_at, i.acked_until"""
# With `now()` and a number in it, rather than parameters, one plan is good for every call.
_BRANCH = """(select i.* from incident i where i.stateful and {} and (i.acked_until > now()) is not true
    order by i.start_time desc, i.id desc limit {})"""
LIST = f"""
select {_COLUMNS} from (
    select * from ({_BRANCH.format("i.end_time is null", ROWS + 1)} union all {_BRANCH.format("i.end_time > now()", ROWS + 1)}) either
    order by start_time desc, id desc limit {ROWS + 1}) i
join source s on s.id = i.source_id order by i.start_time desc, i.id desc"""

DETAIL = f"select {_COLUMNS} from incident i join source s on s.id = i.source_id where i.id = %s"


class TagOut(msgspec.Struct):
    added_by: int
    added_time: datetime
    tag: str


class TypeOut(msgspec.Struct):
    name: str


class SourceOut(msgspec.Struct):
    pk: int
    name: str
    type: TypeOut
    user: int
    base_url: str


class IncidentOut(msgspec.Struct):
    pk: int
    start_time: datetime
    end_time: str | datetime | None
    source: SourceOut
    source_incident_id: str
    details_url: str
    description: str
    level: int
    ticket_url: str
    metadata: msgspec.Raw
    tags: list[TagOut]
    stateful: bool
    open: bool
    acked: bool


async def post(connection: AsyncConnection, worker: int, sources: list[tuple[int, int]], mark: str) -> Callable[[], Awaitable[int]]:
    """What writes one new incident at each call: its row, its event, its outbox row. Gives its number."""
    numbers = count(1)
    ids: Iterator[tuple[int, int]] = iter(())

    async def one() -> int:
        nonlocal ids
        pair = next(ids, None)
        if pair is None:
            taken = await connection.execute(f"select nextval('incident_ids'), nextval('event_ids') from generate_series(1, {BLOCK})")
            ids = iter(await taken.fetchall())
            pair = next(ids)
        cursor = await connection.execute(POST, _rows(pair, sources, f"{mark}-{worker}-{next(numbers)}"), prepare=True, binary=True)
        return (await cursor.fetchone())[0]

    return one


async def post_many(
    connection: AsyncConnection, worker: int, sources: list[tuple[int, int]], mark: str, size: int
) -> Callable[[], Awaitable[None]]:
    """What writes so many new incidents in one statement at each call."""
    numbers = count(1)
    incident, event = (f"({', '.join(['%s'] * len(names))})" for names in (INCIDENT, EVENT))
    statement = f"""
        with i as (insert into incident ({", ".join(INCIDENT)}) values {", ".join([incident] * size)} returning id),
             e as (insert into event ({", ".join(EVENT)}) values {", ".join([event] * size)}),
             o as (insert into outbox (incident_id, version) select id, 1 from i)
        select id from i"""

    async def many() -> None:
        taken = await connection.execute(f"select nextval('incident_ids'), nextval('event_ids') from generate_series(1, {size})")
        rows = [_rows(pair, sources, f"{mark}-{worker}-{next(numbers)}") for pair in await taken.fetchall()]
        values = [value for row in rows for value in row[: len(INCIDENT)]] + [value for row in rows for value in row[len(INCIDENT) :]]
        await (await connection.execute(statement, values, prepare=True, binary=True)).fetchall()

    return many


async def lifecycle(
    connection: AsyncConnection, worker: int, sources: list[tuple[int, int]], mark: str, person: int
) -> Callable[[], Awaitable[None]]:
    """What writes a new incident, ends it and acknowledges it at each call."""
    posting = await post(connection, worker, sources, mark)

    async def one() -> None:
        id_ = await posting()
        told = {"ids": [id_], "actor": person}
        await connection.execute(END, told | {"type": "END", "text": "alarm cleared"}, prepare=True, binary=True)
        await connection.execute(ACK, told | {"type": "ACK", "text": "seen"}, prepare=True, binary=True)

    return one


async def detail(connection: AsyncConnection, incident: int) -> Callable[[], Awaitable[None]]:
    """What reads one incident and makes JSON of it at each call."""
    encoder = msgspec.json.Encoder()

    async def one() -> None:
        row = await (await connection.execute(DETAIL, [incident], prepare=True, binary=True)).fetchone()
        encoder.encode(_out(row, datetime.now(UTC)))

    return one


async def events(connection: AsyncConnection, incident: int) -> Callable[[], Awaitable[None]]:
    """What reads the events of an incident and makes JSON of them at each call."""
    encoder = msgspec.json.Encoder()

    async def all_() -> None:
        encoder.encode(await (await connection.execute(EVENTS, [incident], prepare=True, binary=True)).fetchall())

    return all_


def encoding(seconds: float) -> Run:
    """Making JSON of a page of incidents, without a database: what the processor alone is good for."""
    now = datetime.now(UTC)
    tags = [TagOut(1, now, f"key{n}=value{n}") for n in range(5)]
    source = SourceOut(1, "source", TypeOut("type"), 1, "https://nms.example.org/")
    texts = ("key", "https://nms.example.org/alarm/1", "linkDown on a host: alarm raised by a poller", 3, "", msgspec.Raw(b"{}"))
    page = [IncidentOut(n, now, "infinity", source, *texts, tags, True, True, False) for n in range(ROWS)]
    encoder, took = msgspec.json.Encoder(), []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        encoder.encode(page)
        took.append(time.perf_counter() - began)
    return Run.of(took)


async def list_open(connection: AsyncConnection) -> Callable[[], Awaitable[None]]:
    """What reads the newest open and unacked incidents and makes JSON of them at each call."""
    encoder = msgspec.json.Encoder()

    async def one() -> None:
        now = datetime.now(UTC)
        cursor = await connection.execute(LIST, prepare=True, binary=True)
        rows = await cursor.fetchall()
        encoder.encode([_out(row, now) for row in rows[:ROWS]])

    return one


async def measured(
    dsn: str, in_flight: int, seconds: float, action: Callable[[AsyncConnection, int], Awaitable[Callable[[], Awaitable[object]]]]
) -> tuple[Run, float]:
    """What so many workers manage in so long, and the CPU seconds that it costs this process."""
    connections = [await AsyncConnection.connect(dsn, autocommit=True) for _ in range(in_flight)]
    actions = [await action(connection, worker) for worker, connection in enumerate(connections)]
    await asyncio.gather(*(one() for one in actions))  # each connection prepares its statement once
    took: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    until = began + seconds

    async def work(one: Callable[[], Awaitable[object]]) -> None:
        then = time.perf_counter()
        while then < until:
            await one()
            now = time.perf_counter()
            took.append(now - then)
            then = now

    await asyncio.gather(*map(work, actions))
    elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
    for connection in connections:
        await connection.close()
    return Run.of(took, elapsed), cpu


def _rows(ids: tuple[int, int], sources: list[tuple[int, int]], key: str) -> tuple[object, ...]:
    """An incident and its event, in the order of INCIDENT and EVENT: as large as those that wrk posts."""
    now = datetime.now(UTC)
    x = ids[0] * 7919 % 1_000_003
    source_id, user_id = sources[x % len(sources)]
    host = f"sw{x % 97:02d}-{x % 8000:04d}.example.org"
    tags = [f"host={host}", f"object=ge-{x % 8}/{x % 4}/{x % 125}", f"location=site-{x % 200}", f"customer=customer-{x % 500}"]
    tags.append("problem_type=linkDown")
    text, url = f"linkDown on {host}: alarm {key} raised by a poller", f"https://nms.example.org/alarm/{key}"
    start, level = now + timedelta(microseconds=x), 1 + x % 5
    first = {
        "source_id": source_id,
        "source_incident_id": key,
        "start_time": start.isoformat(),
        "end_time": None,
        "stateful": True,
        "level": level,
        "description": text,
        "details_url": url,
        "ticket_url": "",
        "metadata": {},
        "tags": [(tag, user_id, now.isoformat()) for tag in tags],
    }
    changes = msgspec.json.encode({"initial": first}).decode()
    # fmt: off
    return (
        ids[0], source_id, start, None, now, None, 1, level, True, False, key, text, url, "", "{}", tags, [user_id] * 5, [now] * 5,
        ids[1], ids[0], user_id, start, now, 1, True, "STA", text, changes,
    )
    # fmt: on


def _out(row: tuple, now: datetime) -> IncidentOut:
    # fmt: off
    (id_, _, start, end, stateful, source_id, source, type_, user_id, base_url, key, url, text, level, ticket, metadata, tags, tags_by,
     tags_at, acked_until) = row
    # fmt: on
    return IncidentOut(
        id_,
        start,
        end if end or not stateful else "infinity",
        SourceOut(source_id, source, TypeOut(type_), user_id, base_url),
        key,
        url,
        text,
        level,
        ticket,
        msgspec.Raw(metadata.encode()),
        list(map(TagOut, tags_by, tags_at, tags)),
        stateful,
        stateful and (end is None or end > now),
        acked_until is not None and acked_until > now,
    )


def connected(dsn: str) -> psycopg.Connection:
    """A connection for what is not measured."""
    return psycopg.connect(dsn, autocommit=True)


def acked(connection: psycopg.Connection, ids: list[int], person: int) -> float:
    """Acknowledge many; gives how many seconds it took."""
    began = time.perf_counter()
    connection.execute(ACK, {"ids": ids, "actor": person, "type": "ACK", "text": "seen"}, prepare=True, binary=True)
    return time.perf_counter() - began

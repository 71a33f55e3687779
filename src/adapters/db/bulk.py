"""
Fill an empty journal with whole incidents: their history is told elsewhere, and nobody is to be notified of it any more.

    with psycopg.connect(url) as connection:
        load(connection, map(packed, batches(changes)))

Changes are packed into the text of COPY, which other processes may do. What is written is all or nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import LiteralString, TypeAlias

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from adapters.db import codec
from argus_core.domain.incidents import Event, EventType, Incident
from argus_core.domain.transitions import Change, Timer

BATCH = 2_000
"""So many incidents are held in memory at once."""

INCIDENT = (
    "id",
    "version",
    "source_id",
    "source_incident_id",
    "start_time",
    "end_time",
    "stateful",
    "level",
    "description",
    "details_url",
    "ticket_url",
    "metadata",
    "tags",
    "tags_by",
    "tags_at",
    "acked_until",
    "ended",
    "received",
)
EVENT = ("id", "incident_id", "version", "type", "actor_id", "timestamp", "received", "description", "effect", "changes")
ACK = ("event_id", "incident_id", "version", "expiration", "until")
TIMER = ("incident_id", "kind", "subject_id", "due")

Connection: TypeAlias = psycopg.Connection[TupleRow]

COLUMNS: Mapping[LiteralString, tuple[LiteralString, ...]] = {"incident": INCIDENT, "event": EVENT, "ack": ACK, "timer": TIMER}
"""What is given of each table."""

TABLES = tuple(COLUMNS)
"""What is filled, and looked at for the planner when it is full."""
_SEQUENCES: Mapping[LiteralString, LiteralString] = {"incident": "incident_ids", "event": "event_ids"}
_NULL = "\\N"
_SPECIAL = re.compile(r"[\\\b\f\n\r\t\v]")
_ESCAPED = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}

_iso = lru_cache(maxsize=64)(datetime.isoformat)  # most moments of an incident are the same


class NotEmpty(Exception):
    """The database holds incidents already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """How much was loaded."""

    incidents: int = 0
    events: int = 0
    acks: int = 0

    def __add__(self, other: "Loaded") -> "Loaded":
        return Loaded(incidents=self.incidents + other.incidents, events=self.events + other.events, acks=self.acks + other.acks)


@dataclass(frozen=True, slots=True)
class Pack:
    """Some incidents with all that belongs to them: for each table the text that COPY takes."""

    texts: Mapping[LiteralString, bytes]
    holds: Loaded

    @classmethod
    def nothing(cls) -> "Pack":
        """To begin a sum with."""
        return cls({}, Loaded())

    def __add__(self, other: "Pack") -> "Pack":
        texts = {table: self.texts.get(table, b"") + other.texts.get(table, b"") for table in COLUMNS}
        return Pack(texts, self.holds + other.holds)


def batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """The changes, so many at once as are packed together."""
    rest = iter(changes)
    while batch := list(islice(rest, BATCH)):
        yield batch


def packed(batch: Sequence[Change], *, since: datetime | None = None) -> Pack:
    """
    New incidents, each with its whole journal, as they are to be stored. What was due before `since` is not waited for any more.

    Raises:
        ValueError: a change does not begin its incident.
    """
    for change in batch:
        if change.expected_version != 0 or not change.is_new:
            raise ValueError(f"The journal of incident {change.incident.id} is not whole.")
    acks = [row for change in batch for row in _acks(change)]
    texts: dict[LiteralString, bytes] = {
        "incident": _text(_incident(change.incident) for change in batch),
        "event": _text(_event(event) for change in batch for event in change.events),
        "ack": _text(acks),
        "timer": _text(_timer(timer) for change in batch for timer in _timers(change) if since is None or timer.due > since),
    }
    return Pack(texts, Loaded(incidents=len(batch), events=sum(len(change.events) for change in batch), acks=len(acks)))


def load(connection: Connection, packs: Iterable[Pack], step: Callable[[str], object] = lambda _: None) -> Loaded:
    """
    Store incidents in a database that has none: all of them, or none when something is wrong.

    Sources and accounts exist. Ids given later come after those that are stored. Timers of what has not happened yet are set; the outbox
    stays empty, so nobody is notified. Nobody else can use the journal meanwhile. `step` is told what is done after the packs.

    Raises:
        NotEmpty: there are incidents.
        psycopg.Error: an id or a key is there twice, or the connection breaks.
    """
    loaded = Loaded()
    with connection.transaction(), connection.cursor() as cursor:
        _empty(cursor)
        with _without_indexes(cursor, step):
            for pack in packs:
                for table, text in pack.texts.items():
                    if text:
                        _copy(cursor, table, text)
                loaded += pack.holds
        for table, sequence in _SEQUENCES.items():
            _move(cursor, table, sequence)
        step("Looking at what there is")
        cursor.execute(sql.SQL("analyze {}").format(sql.SQL(", ").join(map(sql.Identifier, TABLES))))
    return loaded


def _empty(cursor: psycopg.Cursor[TupleRow]) -> None:
    cursor.execute("lock table incident, event, ack, timer in access exclusive mode")
    if cursor.execute("select exists (select from incident)").fetchone() == (True,):
        raise NotEmpty
    # What is written to a table right after this needs no vacuum later.
    cursor.execute("truncate incident, event, ack, timer")


@contextmanager
def _without_indexes(cursor: psycopg.Cursor[TupleRow], step: Callable[[str], object]) -> Iterator[None]:
    """Make them anew at the end, exactly as they were: that takes a fraction of the time of adding to them row by row."""
    constraints = cursor.execute(
        """
        select conname, format('alter table %%s drop constraint %%I', conrelid::regclass, conname),
            format('alter table %%s add constraint %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        from pg_constraint where conrelid = any(%s::regclass[]) and contype in ('p', 'u') order by oid""",
        ([*TABLES],),
    ).fetchall()
    indexes = cursor.execute(
        """
        select indexrelid::regclass::text, format('drop index %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
        from pg_index where indrelid = any(%s::regclass[]) and not exists (select from pg_constraint where conindid = indexrelid)
        order by indexrelid""",
        ([*TABLES],),
    ).fetchall()
    both = [*constraints, *indexes]
    for _, drop, _ in both:
        cursor.execute(drop)
    yield
    for name, _, make in both:
        step(f"Making the index {name}")
        cursor.execute(make)


def _copy(cursor: psycopg.Cursor[TupleRow], table: LiteralString, text: bytes) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table]))
    with cursor.copy(sql.SQL("copy {} ({}) from stdin (freeze)").format(sql.Identifier(table), columns)) as copy:
        copy.write(text)


def _move(cursor: psycopg.Cursor[TupleRow], table: LiteralString, sequence: LiteralString) -> None:
    """Let the sequence go on after what is stored; never back, because somebody may hold ids that are not stored yet."""
    cursor.execute(
        sql.SQL("select setval({}, greatest(last_value, (select max(id) from {}))) from {}").format(
            sql.Literal(sequence), sql.Identifier(table), sql.Identifier(sequence)
        )
    )


def _text(rows: Iterable[Sequence[str]]) -> bytes:
    return "".join(["\t".join(row) + "\n" for row in rows]).encode()


def _escaped(text: str) -> str:
    if text.isprintable() and "\\" not in text:
        return text
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], text)


def _moment(moment: datetime | None) -> str:
    return _NULL if moment is None else _iso(moment)


def _bool(value: bool) -> str:
    return "t" if value else "f"


def _incident(incident: Incident) -> Sequence[str]:
    return (
        str(incident.id),
        str(incident.version),
        str(incident.source.id),
        _escaped(incident.source_incident_id),
        _iso(incident.start_time),
        _moment(incident.end_time),
        _bool(incident.stateful),
        str(int(incident.level)),
        _escaped(incident.description),
        _escaped(incident.details_url),
        _escaped(incident.ticket_url),
        _escaped(codec.dump(incident.metadata)),
        _escaped(codec.array([tag.tag for tag in incident.tags])),
        "{" + ",".join([str(tag.added_by) for tag in incident.tags]) + "}",
        "{" + ",".join([_iso(tag.added_time) for tag in incident.tags]) + "}",
        _moment(incident.acked_until),
        _bool(incident.ended),
        _iso(incident.received),
    )


def _event(event: Event) -> Sequence[str]:
    return (
        str(event.id),
        str(event.incident_id),
        str(event.version),
        event.type.value,
        str(event.actor.id) if event.actor else _NULL,
        _iso(event.timestamp),
        _iso(event.received),
        _escaped(event.description),
        _bool(event.effect),
        _escaped(codec.dump(codec.to_json(event.changes))),
    )


def _acks(change: Change) -> Iterator[Sequence[str]]:
    """Each acknowledgement as it is now, with the version at which it was made."""
    versions = {event.id: event.version for event in change.events if event.type is EventType.ACKNOWLEDGE}
    incident = change.incident
    return (
        (str(ack.id), str(incident.id), str(versions[ack.id]), _moment(ack.expiration), codec.from_until(ack.until, ack.level) or _NULL)
        for ack in incident.acks
    )


def _timers(change: Change) -> Iterator[Timer]:
    """The latest of each, unless the journal tells that it has been taken care of."""
    latest = {(timer.kind, timer.subject_id): timer for timer in change.timers}
    return (timer for timer in latest.values() if not any(_notes(event, timer) for event in change.events))


def _timer(timer: Timer) -> Sequence[str]:
    return (str(timer.incident_id), timer.kind.value, str(timer.subject_id), _iso(timer.due))


def _notes(event: Event, timer: Timer) -> bool:
    ack = event.changes.ack
    return event.type.value == timer.kind.value and event.timestamp == timer.due and (ack is None or ack.id == timer.subject_id)

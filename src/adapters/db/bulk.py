"""
Load whole incidents by COPY: their journal is written elsewhere, and nobody is to be told about them any more.

    with psycopg.connect(url) as connection:
        load(connection, changes)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import LiteralString, TypeAlias, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_dumps

from adapters.db import codec
from argus_core.domain.incidents import Event, EventType, Incident
from argus_core.domain.transitions import Change, Timer

BATCH = 2_000
"""So many incidents are held in memory at once."""

Row: TypeAlias = Sequence[object]
_Thing = TypeVar("_Thing")

_INCIDENT: Mapping[LiteralString, LiteralString] = {
    "id": "int8",
    "version": "int4",
    "source_id": "int8",
    "source_incident_id": "text",
    "start_time": "timestamptz",
    "end_time": "timestamptz",
    "stateful": "bool",
    "level": "int2",
    "description": "text",
    "details_url": "text",
    "ticket_url": "text",
    "metadata": "json",
    "tags": "text[]",
    "tags_by": "int8[]",
    "tags_at": "timestamptz[]",
    "acked_until": "timestamptz",
    "ended": "bool",
    "received": "timestamptz",
}
_EVENT: Mapping[LiteralString, LiteralString] = {
    "id": "int8",
    "incident_id": "int8",
    "version": "int4",
    "type": "text",
    "actor_id": "int8",
    "timestamp": "timestamptz",
    "received": "timestamptz",
    "description": "text",
    "effect": "bool",
    "changes": "json",
}
_ACK: Mapping[LiteralString, LiteralString] = {"event_id": "int8", "incident_id": "int8", "version": "int4", "expiration": "timestamptz"}
_TIMER: Mapping[LiteralString, LiteralString] = {"incident_id": "int8", "kind": "text", "subject_id": "int8", "due": "timestamptz"}

_SEQUENCES: Mapping[LiteralString, LiteralString] = {"incident": "incident_ids", "event": "event_ids"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """How much was loaded."""

    incidents: int = 0
    events: int = 0
    acks: int = 0


def load(connection: psycopg.Connection[TupleRow], changes: Iterable[Change]) -> Loaded:
    """
    Store new incidents, each with its whole journal: all of them, or none when something is wrong.

    Sources and accounts exist, and the ids are free; later ones are given after them. Timers of what has not happened yet are set. The
    outbox stays empty, so nobody is notified.

    Raises:
        ValueError: a change does not begin its incident.
        psycopg.Error: an id or a key is taken, or the connection breaks.
    """
    set_json_dumps(codec.dump, connection)
    loaded = Loaded()
    with connection.transaction(), connection.cursor() as cursor:
        for batch in _batches(changes):
            counts = _load_batch(cursor, batch)
            loaded = Loaded(
                incidents=loaded.incidents + len(batch), events=loaded.events + counts["event"], acks=loaded.acks + counts["ack"]
            )
        for table, sequence in _SEQUENCES.items():
            _move(cursor, table, sequence)
        cursor.execute("analyze incident, event, ack, timer")
    return loaded


def _load_batch(cursor: psycopg.Cursor[TupleRow], batch: Sequence[Change]) -> dict[str, int]:
    for change in batch:
        if change.expected_version != 0 or not change.is_new:
            raise ValueError(f"The journal of incident {change.incident.id} is not whole.")
    tables: Iterable[tuple[LiteralString, Mapping[LiteralString, LiteralString], Callable[[Change], Iterable[Row]]]] = (
        ("incident", _INCIDENT, lambda change: [_incident(change.incident)]),
        ("event", _EVENT, lambda change: map(_event, change.events)),
        ("ack", _ACK, _acks),
        ("timer", _TIMER, _timers),
    )
    return {table: _copy(cursor, table, columns, (row for change in batch for row in rows(change))) for table, columns, rows in tables}


def _copy(
    cursor: psycopg.Cursor[TupleRow], table: LiteralString, columns: Mapping[LiteralString, LiteralString], rows: Iterable[Row]
) -> int:
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    count = 0
    with cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def _move(cursor: psycopg.Cursor[TupleRow], table: LiteralString, sequence: LiteralString) -> None:
    """Let the sequence go on after what is stored; never back, because somebody may hold ids that are not stored yet."""
    cursor.execute(
        sql.SQL("select setval({}, greatest(last_value, (select max(id) from {}))) from {}").format(
            sql.Literal(sequence), sql.Identifier(table), sql.Identifier(sequence)
        )
    )


def _incident(incident: Incident) -> Row:
    return (
        incident.id,
        incident.version,
        incident.source.id,
        incident.source_incident_id,
        incident.start_time,
        incident.end_time,
        incident.stateful,
        int(incident.level),
        incident.description,
        incident.details_url,
        incident.ticket_url,
        incident.metadata,
        [tag.tag for tag in incident.tags],
        [tag.added_by for tag in incident.tags],
        [tag.added_time for tag in incident.tags],
        incident.acked_until,
        incident.ended,
        incident.received,
    )


def _event(event: Event) -> Row:
    return (
        event.id,
        event.incident_id,
        event.version,
        event.type.value,
        event.actor.id if event.actor else None,
        event.timestamp,
        event.received,
        event.description,
        event.effect,
        codec.to_json(event.changes),
    )


def _acks(change: Change) -> Iterator[Row]:
    """Each acknowledgement as it is now, with the version at which it was made."""
    versions = {event.id: event.version for event in change.events if event.type is EventType.ACKNOWLEDGE}
    return ((ack.id, change.incident.id, versions[ack.id], ack.expiration) for ack in change.incident.acks)


def _timers(change: Change) -> Iterator[Row]:
    """The latest of each, unless the journal tells that it has been taken care of."""
    latest = {(timer.kind, timer.subject_id): timer for timer in change.timers}
    return (
        (timer.incident_id, timer.kind.value, timer.subject_id, timer.due)
        for timer in latest.values()
        if not any(_notes(event, timer) for event in change.events)
    )


def _notes(event: Event, timer: Timer) -> bool:
    ack = event.changes.ack
    return event.type.value == timer.kind.value and event.timestamp == timer.due and (ack is None or ack.id == timer.subject_id)


def _batches(things: Iterable[_Thing]) -> Iterator[list[_Thing]]:
    rest = iter(things)
    while batch := list(islice(rest, BATCH)):
        yield batch

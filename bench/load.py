"""The history, written with COPY."""

from collections.abc import Iterable, Iterator
from itertools import islice

import psycopg

from adapters.db import codec
from argus_core.domain.transitions import Change

CHUNK = 10_000

# fmt: off
INCIDENT = ("id", "source_id", "start_time", "end_time", "received", "acked_until", "version", "level", "stateful", "ended",
            "source_incident_id", "description", "details_url", "ticket_url", "metadata", "tags", "tags_by", "tags_at")
EVENT = ("id", "incident_id", "actor_id", "timestamp", "received", "version", "effect", "type", "description", "changes")
ACK = ("event_id", "incident_id", "version", "expiration")
# fmt: on


def load(connection: psycopg.Connection, changes: Iterator[Change]) -> Iterator[int]:
    """Write the changes into empty tables, as they would be if each had been reported; says now and then how many are there."""
    written = 0
    while chunk := list(islice(changes, CHUNK)):
        events = [event for change in chunk for event in change.events]
        with connection.transaction(), connection.cursor() as cursor:
            _copy(cursor, "incident", INCIDENT, map(incident_columns, chunk))
            _copy(cursor, "event", EVENT, map(event_columns, events))
            made = (event for event in events if event.changes.ack is not None)
            _copy(cursor, "ack", ACK, ((event.id, event.incident_id, event.version, event.changes.ack.new) for event in made))
        written += len(chunk)
        yield written
    for table in ("incident", "event"):
        connection.execute(f"select setval('{table}_ids', (select coalesce(max(id), 0) + 1 from {table}), false)")
    connection.execute("vacuum analyze")


def incident_columns(change: Change) -> tuple[object, ...]:
    """An incident in the order of INCIDENT."""
    incident = change.incident
    return (
        incident.id,
        incident.source.id,
        incident.start_time,
        incident.end_time,
        incident.received,
        incident.acked_until,
        incident.version,
        int(incident.level),
        incident.stateful,
        incident.ended,
        incident.source_incident_id,
        incident.description,
        incident.details_url,
        incident.ticket_url,
        codec.dump(incident.metadata),
        [tag.tag for tag in incident.tags],
        [tag.added_by for tag in incident.tags],
        [tag.added_time for tag in incident.tags],
    )


def event_columns(event) -> tuple[object, ...]:
    """An event in the order of EVENT."""
    return (
        event.id,
        event.incident_id,
        event.actor.id,
        event.timestamp,
        event.received,
        event.version,
        event.effect,
        event.type.value,
        event.description,
        codec.dump(codec.to_json(event.changes)),
    )


def _copy(cursor: psycopg.Cursor, table: str, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
        for row in rows:
            copy.write_row(row)

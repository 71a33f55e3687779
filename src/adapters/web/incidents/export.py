"""A whole list as CSV or JSON, page by page: nobody holds all of it in memory."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from adapters import exports
from argus_core.domain.filters import Condition
from argus_core.ports.incidents import IncidentRow, Order, Position
from argus_core.usecases.reading import Reading

ROWS_AT_ONCE = 500
FIELDS = (
    *("id", "start_time", "end_time", "stateful", "open", "acked", "level", "source", "source_type", "source_incident_id", "description"),
    *("tags", "details_url", "ticket_url"),
)


def as_csv(reading: Reading, condition: Condition, now: datetime, order: Order) -> AsyncIterator[bytes]:
    """A line for each incident. What programs for tables would take for a formula has an apostrophe before it."""
    return exports.csv_of(FIELDS, _pages(reading, condition, now, order))


def as_json(reading: Reading, condition: Condition, now: datetime, order: Order) -> AsyncIterator[bytes]:
    """A list of objects, one a line."""
    return exports.json_of(_pages(reading, condition, now, order))


async def _pages(reading: Reading, condition: Condition, now: datetime, order: Order) -> AsyncIterator[list[dict[str, Any]]]:
    position: Position | None = None
    while True:
        page = await reading.page(condition, now, ROWS_AT_ONCE, position, order)
        yield [_object(row, now) for row in page.rows]
        if page.next is None:
            return
        position = page.next


def _object(row: IncidentRow, now: datetime) -> dict[str, Any]:
    return {
        "id": row.id,
        "start_time": row.start_time.isoformat(),
        "end_time": exports.moment(row.end_time),
        "stateful": row.stateful,
        "open": row.stateful and (row.end_time is None or row.end_time > now),
        "acked": row.acked_until is not None and row.acked_until > now,
        "level": row.level,
        "source": row.source_name,
        "source_type": row.source_type,
        "source_incident_id": row.source_incident_id,
        "description": row.description,
        "tags": list(row.tags),
        "details_url": row.details_url,
        "ticket_url": row.ticket_url,
        "metadata": row.metadata,
    }

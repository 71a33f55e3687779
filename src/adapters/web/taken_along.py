"""Deliveries, dry runs and filters as files, CSV or JSON, with the rows of the list beside which the links to them stand."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from litestar.response import Stream

from adapters import exports
from adapters.web.answers import sent
from adapters.web.wording import EVENTS
from argus_core.domain.deliveries import Delivery
from argus_core.domain.expressions import written
from argus_core.domain.ids import UserId
from argus_core.domain.incidents import Happening
from argus_core.domain.notifications import headline
from argus_core.domain.saved_filters import SavedFilter

_DELIVERY = (
    *("id", "created", "status", "finished", "reason", "medium", "address", "incident_id", "event_id", "event", "title", "profiles"),
    *("maintenance_id", "merged_into", "attempts", "last_attempt", "last_answer"),
)
DELIVERY_FIELDS = (*_DELIVERY[:5], "user", *_DELIVERY[5:])
OWN_DELIVERY_FIELDS = _DELIVERY
FILTER_FIELDS = ("id", "name", "owner", "shared", "expression")
FIRED_FIELDS = ("received", "event_id", "event", "incident_id", "level", "source", "title")

Names = Callable[[set[UserId]], Awaitable[Mapping[UserId, str]]]


def file_of(pages: exports.Pages, fields: Sequence[str], name: str, form: str) -> Stream:
    """The file, while it is being read: `form` is "json", or anything else for CSV."""
    as_json = form == "json"
    return Stream(
        exports.json_of(pages) if as_json else exports.csv_of(fields, pages),
        media_type="application/json" if as_json else "text/csv; charset=utf-8",
        headers={**sent(), "content-disposition": f'attachment; filename="{name}.{"json" if as_json else "csv"}"'},
    )


async def deliveries(portions: AsyncIterable[Sequence[Delivery]], names: Names | None = None) -> AsyncIterator[list[dict[str, Any]]]:
    """What became of each; with `names`, whose it is."""
    async for portion in portions:
        called = await names({one.owner for one in portion}) if names else {}
        yield [_delivery(one) | ({"user": called.get(one.owner, str(one.owner))} if names else {}) for one in portion]


async def fired(happenings: Sequence[Happening]) -> AsyncIterator[list[dict[str, Any]]]:
    """What a profile would have told."""
    yield [
        {
            "received": one.event.received.isoformat(),
            "event_id": one.event.id,
            "event": EVENTS.get(one.event.type, one.event.type.value),
            "incident_id": one.incident.id,
            "level": one.incident.level.value,
            "source": one.incident.source.name,
            "title": headline(one.incident),
        }
        for one in happenings
    ]


async def kept_filters(filters: Sequence[tuple[SavedFilter, str]]) -> AsyncIterator[list[dict[str, Any]]]:
    """Filters with the names of their owners, and what they ask for as an expression of the API; null is nothing."""
    yield [
        {
            "id": one.id,
            "name": one.name,
            "owner": owner,
            "shared": one.shared,
            "expression": written(one.definition.condition) if one.definition.condition else None,
        }
        for one, owner in filters
    ]


def _delivery(one: Delivery) -> dict[str, Any]:
    last = one.attempts[-1] if one.attempts else None
    return {
        "id": one.id,
        "created": one.created.isoformat(),
        "status": one.status.value,
        "finished": exports.moment(one.finished),
        "reason": one.reason,
        "medium": one.medium,
        "address": one.address,
        "incident_id": one.incident_id,
        "event_id": one.event_id,
        "event": EVENTS.get(one.event_type) if one.event_type else None,
        "title": one.title,
        "profiles": tuple(asking.name or f"Profile {asking.id}" for asking in one.profiles),
        "maintenance_id": one.maintenance_id,
        "merged_into": one.merged_into,
        "attempts": len(one.attempts),
        "last_attempt": exports.moment(last.at if last else None),
        "last_answer": last.answer if last else None,
    }

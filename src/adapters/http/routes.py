"""What handlers of all versions share: ids in paths, and what a route says about itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from adapters.http.auth import Access
from adapters.http.queries import BIGGEST_PK
from argus_core.domain.errors import NotFound
from argus_core.domain.ids import DestinationId, EventId, FilterId, IncidentId, MaintenanceId, ProfileId, SourceId, TimeslotId, UserId

Schema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """
    What the description of the API tells about a handler.

    `answers` maps statuses to shapes, None is an empty body, several are alternatives; `body` names the schema of what it takes, `query`
    its parameters; `any_scope` is for what is no change, though it is no GET either: a token of any scope may be used for it. What follows
    from the rest (401, 403, 404, 413, 415, …) is added.
    """

    summary: str
    answers: Mapping[int, Any]
    body: str | None = None
    body_required: bool = True
    query: Sequence[Schema] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    any_scope: bool = False

    def __deepcopy__(self, _: object) -> "Operation":
        """Itself: the framework copies what handlers are told with, once for each router around them."""
        return self


def told(operation: Operation, access: Access = Access.TOKEN) -> dict[str, Any]:
    """The `opt` of a handler: what is told about it, and who may ask for it. `bare` beside them: its path has no slash at its end."""
    return {"operation": operation, "access": access}


def incident_id(pk: int) -> IncidentId:
    """
    The id of an incident.

    Raises:
        NotFound: it cannot be one.
    """
    return IncidentId(_possible(pk, "Incident"))


def event_id(pk: int) -> EventId:
    """As `incident_id`."""
    return EventId(_possible(pk, "Event"))


def ack_id(pk: int) -> EventId:
    """As `incident_id`."""
    return EventId(_possible(pk, "Acknowledgement"))


def user_id(pk: int) -> UserId:
    """As `incident_id`."""
    return UserId(_possible(pk, "User"))


def source_id(pk: int) -> SourceId:
    """As `incident_id`."""
    return SourceId(_possible(pk, "SourceSystem"))


def timeslot_id(pk: int) -> TimeslotId:
    """As `incident_id`."""
    return TimeslotId(_possible(pk, "Timeslot"))


def filter_id(pk: int) -> FilterId:
    """As `incident_id`."""
    return FilterId(_possible(pk, "Filter"))


def destination_id(pk: int) -> DestinationId:
    """As `incident_id`."""
    return DestinationId(_possible(pk, "DestinationConfig"))


def profile_id(pk: int) -> ProfileId:
    """As `incident_id`."""
    return ProfileId(_possible(pk, "NotificationProfile"))


def maintenance_id(pk: int) -> MaintenanceId:
    """As `incident_id`."""
    return MaintenanceId(_possible(pk, "PlannedMaintenance"))


def _possible(pk: int, what: str) -> int:
    if not 1 <= pk <= BIGGEST_PK:
        raise NotFound(f"No {what} matches the given query.")
    return pk

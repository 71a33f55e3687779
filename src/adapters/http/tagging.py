"""Adding and removing single tags, as all versions of the API do."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from adapters.http.bodies import ApiRequest
from adapters.http.routes import incident_id
from adapters.http.services import Services
from argus_core.domain import transitions
from argus_core.domain.errors import DomainError, NotFound
from argus_core.domain.incidents import Incident
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Change, Edit, EventIds

Tags: TypeAlias = tuple[Tag, ...]

NO_TAG = "No Tag matches the given query."


def without(tag: str, present: Tags) -> Tags:
    """
    The tags without this one.

    Raises:
        NotFound: it is not among them.
    """
    left = tuple(other for other in present if str(other) != tag)
    if len(left) == len(present):
        raise NotFound(NO_TAG)
    return left


async def retag(services: Services, request: ApiRequest, pk: int, edited: Callable[[Tags], Tags]) -> None:
    """Edit the tags that the incident has at the moment of the change, not those somebody read before."""

    def decide(incident: Incident, now: datetime, event_ids: EventIds) -> Change:
        present = tuple(Tag.parse(tag.tag) for tag in incident.tags)
        return transitions.edit(incident, Edit(tags=edited(present)), actor=request.user, event_ids=event_ids, now=now)

    (done,) = await services.journal.append_each([incident_id(pk)], decide, services.clock, warrant=request.auth.token_id)
    if done is None:
        raise NotFound("No Incident matches the given query.")
    if isinstance(done, DomainError):
        raise done

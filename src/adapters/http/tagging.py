"""Adding and removing single tags, as all versions of the API do."""

from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import unquote

from adapters.http.bodies import ApiRequest
from adapters.http.routes import incident_id
from adapters.http.services import Services
from argus_core.domain.errors import NotFound
from argus_core.domain.tags import Tag

Tags: TypeAlias = tuple[Tag, ...]

NO_TAG = "No Tag matches the given query."


def named(request: ApiRequest) -> str:
    """The tag that the path ends with, also one with slashes in it, of which the framework would make one where there are two."""
    return unquote(request.scope["raw_path"].removesuffix(b"/")).partition("/tags/")[2]


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
    await services.incidents.retag(incident_id(pk), edited, actor=request.user, warrant=request.auth.token_id)

"""Lists of incidents, as all versions of the API read them: what the parameters mean for whoever asks, and lists that are not paged."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, cast
from urllib.parse import urlencode

from adapters.http.answers import Header
from adapters.http.bodies import ApiRequest
from adapters.http.errors import Refused
from adapters.http.paging import base_url, cursor, position, rest_link
from adapters.http.queries import ABOUT_BELONGINGS, Query, Setting, condition
from adapters.http.services import Services
from argus_core.domain.errors import Invalid, NotFound
from argus_core.domain.filters import Condition
from argus_core.domain.ids import UserId
from argus_core.domain.profiles import Belongings
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.tags import tags_said
from argus_core.ports.incidents import IncidentRow, Position

Pairs: TypeAlias = Sequence[tuple[str, str]]


async def wanted(services: Services, request: ApiRequest, query: Query, ignoring: Collection[str] = ()) -> Condition:
    """
    The condition that the parameters make. Types and belongings are only asked for when some parameter is about them.

    Raises:
        Refused: with one entry for each bad parameter.
    """
    return await _meant(services, request.user.id, query, ignoring)


async def _meant(services: Services, owner: UserId, query: Query, ignoring: Collection[str] = ()) -> Condition:
    asked = {name for name, _ in query.pairs if query.get(name)} - set(ignoring)
    types = await source_types(services) if "source__type__in" in asked else ()
    own = await services.profiles.belongings(owner) if asked.intersection(ABOUT_BELONGINGS) else Belongings()
    return condition(query, Setting(services.zone, services.clock(), types, own), ignoring)


@dataclass(frozen=True, slots=True)
class Addresses:
    """What addresses of lists mean, for other front ends than the API: the same, whoever shows the list."""

    services: Services

    async def condition(self, query: bytes, owner: UserId) -> Condition:
        """
        The condition that the parameters make for whoever owns filters and profiles.

        Raises:
            Invalid: with a sentence for each bad parameter.
        """
        try:
            return await _meant(self.services, owner, Query(query))
        except Refused as refused:
            raise Invalid({name: " ".join(said) for name, said in cast("Mapping[str, list[str]]", refused.body).items()}) from None

    def cursor(self, position: Position) -> str:
        """The place as addresses name it."""
        return cursor(position)

    def position(self, text: str) -> Position | None:
        """
        The place that an address names; empty is the beginning.

        Raises:
            NotFound: there is no such place.
        """
        try:
            return position(text)
        except Refused:
            raise NotFound from None


async def source_types(services: Services) -> Sequence[str]:
    """The names of all source types."""
    async with services.accounts.accounts.begin() as work:
        return await work.source_types()


async def unpaged(
    services: Services, request: ApiRequest, condition: Condition | None, now: datetime, *, path: str, query: Pairs | None
) -> tuple[Sequence[IncidentRow], tuple[Header, ...]]:
    """
    The newest incidents for which the condition holds, None being none, as many as one answer has; and headers for the answer.

    `path` and `query` are a paged list of the same incidents. When there are more, a header leads to where it goes on there; without a
    `query` there is no such list.
    """
    if condition is None:
        return (), ()
    page = await services.reading.seen_by(request.user).page(condition, now, services.unpaged_limit)
    if page.next is None or query is None:
        return page.rows, ()
    return page.rows, (rest_link(f"{base_url(request)}{path}?{urlencode([*query, ('cursor', cursor(page.next))])}"),)


def as_query(definition: FilterDefinition) -> Pairs | None:
    """The parameters that ask a list for what a filter shows in a preview; None when they cannot say it."""
    tags = tags_said(definition.tags or ())
    if definition.expression is not None or tags is None:
        return None
    wanted = {
        "source__id__in": ",".join(map(str, definition.source_ids or ())),
        "tags": tags,
        "open": _said(definition.open),
        "acked": _said(definition.acked),
        "stateful": _said(definition.stateful),
        "level__lte": "" if definition.max_level is None else str(definition.max_level),
    }
    return [(name, value) for name, value in wanted.items() if value]


def _said(wanted: bool | None) -> str:
    return "" if wanted is None else str(wanted).lower()

"""Lists of incidents, as all versions of the API read them: what the parameters mean for whoever asks, and lists that are not paged."""

from collections.abc import Collection, Sequence
from datetime import datetime

from adapters.http.bodies import ApiRequest
from adapters.http.queries import ABOUT_BELONGINGS, Query, Setting, condition
from adapters.http.services import Services
from argus_core.domain.filters import Condition
from argus_core.domain.profiles import Belongings
from argus_core.ports.incidents import IncidentRow


async def wanted(services: Services, request: ApiRequest, query: Query, ignoring: Collection[str] = ()) -> Condition:
    """
    The condition that the parameters make. Types and belongings are only asked for when some parameter is about them.

    Raises:
        Refused: with one entry for each bad parameter.
    """
    asked = {name for name, _ in query.pairs if query.get(name)} - set(ignoring)
    types = await source_types(services) if "source__type__in" in asked else ()
    own = await services.profiles.belongings(request.user.id) if asked.intersection(ABOUT_BELONGINGS) else Belongings()
    return condition(query, Setting(services.zone, services.clock(), types, own), ignoring)


async def source_types(services: Services) -> Sequence[str]:
    """The names of all source types."""
    async with services.accounts.accounts.begin() as work:
        return await work.source_types()


async def unpaged(services: Services, wanted: Condition | None, now: datetime) -> tuple[Sequence[IncidentRow], bool]:
    """The newest incidents for which the condition holds, None being none, as many as one answer has; and whether there are more."""
    if wanted is None:
        return (), False
    page = await services.journal.page(wanted, now, services.unpaged_limit)
    return page.rows, page.next is not None

"""Under `/incidents/filters/`: the filters that one has kept, and those that staff share with everybody."""

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from adapters.web.answers import go, page
from adapters.web.forms import filled_in, pk_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.links import list_link
from adapters.web.services import Web
from adapters.web.taken_along import FILTER_FIELDS, file_of, kept_filters
from adapters.web.wording import Names, say
from argus_core.domain.errors import NotFound
from argus_core.domain.ids import FilterId, UserId
from argus_core.domain.permissions import Act, may
from argus_core.domain.profiles import Profile
from argus_core.domain.saved_filters import SavedFilter, SharedFilter

PATH = "/incidents/filters/"
_DONE = {"share": "Everybody can use the filter now.", "unshare": "The filter is its owner's alone again."}


def kept_filter_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """Looking at them, and sharing them or not."""

    async def others(user_id: UserId) -> list[SharedFilter]:
        return [one for one in await web.profiles.shared_filters() if one.filter.owner != user_id]

    @get(PATH)
    async def many(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        actor = await web.accounts.acting(guest.user)
        own = await web.profiles.belongings(actor.id)
        names: Names = {source.id: source.name for source in await web.accounts.sources()}
        return page(
            "incidents/filters.html",
            guest,
            own=[{**_told(one, names), "users": [_called(profile) for profile in own.using(one)]} for one in own.filters],
            shared=[{**_told(one.filter, names), "owner": one.owner} for one in await others(actor.id)],
            may_share=may(actor, Act.SHARE),
            news=_DONE.get(request.query_params.get("done", ""), ""),
        )

    @get(PATH + "export/")
    async def export(request: PageRequest) -> Stream:
        guest = await guests.known(request)
        own = await web.profiles.belongings(guest.user.id)
        shared = ((one.filter, one.owner) for one in await others(guest.user.id))
        objects = kept_filters([*((one, guest.user.username) for one in own.filters), *shared])
        return file_of(objects, FILTER_FIELDS, "filters", request.query_params.get("form", ""))

    @post(PATH + "{pk:int}/{act:str}/")
    async def do(request: PageRequest, pk: FromPath[int], act: FromPath[str]) -> Response[bytes]:
        guest = await guests.known(request)
        await filled_in(request, guests, guest)
        if act not in _DONE:
            raise NotFound
        change = web.profiles.share_filter if act == "share" else web.profiles.unshare_filter
        await change(await web.accounts.acting(guest.user), FilterId(pk_in(pk)))
        return go(f"{PATH}?done={act}")

    return [many, export, do]


def _called(profile: Profile) -> str:
    return profile.name or f"Profile {profile.id}"


def _told(filter_: SavedFilter, names: Names) -> dict[str, Any]:
    condition = filter_.definition.incident_condition
    return {"filter": filter_, "words": say(condition, names) if condition else None, "link": list_link(filter_pk=filter_.id)}

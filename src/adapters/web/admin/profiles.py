"""Everybody's profiles, and what they consist of, in words."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from adapters.web.admin import files
from adapters.web.admin.desk import Desk, asked
from adapters.web.admin.hours import recurrences_said
from adapters.web.forms import number_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.notifications.hub import name_of, profile_name, source_names
from adapters.web.services import Web
from adapters.web.taken_along import file_of
from adapters.web.wording import Names, say
from argus_core.domain.accounts import User
from argus_core.domain.ids import UserId
from argus_core.domain.news import lasting
from argus_core.domain.profiles import Belongings
from argus_core.usecases.administration import OLDEST, Part

_MOST = 20


def profile_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """`/admin/profiles/`."""
    desk = Desk(web, guests)

    @get("/admin/profiles/")
    async def profiles(request: PageRequest) -> Response[bytes]:
        caller, form = await desk.open(request), asked(request, "q", "after")
        part = await web.administration.belongings(caller.by, form.get("q"), _MOST, UserId(number_in(form.get("after"))))
        names = await source_names(web)
        owners = [_owner(web, user, owned, names) for user, owned in part.items]
        last = part.items[-1][0].id if part.more else None
        return caller.page("profiles.html", here="profiles", form=form, owners=owners, last=last)

    @get("/admin/profiles/export/")
    async def export(request: PageRequest) -> Stream:
        caller = await desk.open(request)
        text, form = request.query_params.get("q", ""), request.query_params.get("form", "")

        async def after(last: tuple[User, Belongings] | None) -> Part[tuple[User, Belongings]]:
            return await web.administration.belongings(caller.by, text, files.AT_ONCE, last[0].id if last else OLDEST)

        return file_of(files.each(after, lambda owner: files.profiles(web, *owner)), files.PROFILE, "profiles", form)

    return [profiles, export]


def _owner(web: Web, user: User, owned: Belongings, names: Names) -> dict[str, object]:
    """All that somebody has, in words."""
    wholes = [owned.whole(profile) for profile in owned.profiles]
    return {
        "user": user,
        "profiles": [
            {
                "name": profile_name(whole.profile),
                "active": whole.profile.active,
                "waits": lasting(whole.profile.escalate_after) if whole.profile.escalate_after else "",
                "timeslot": whole.timeslot.name,
                "filters": [filter_.name for filter_ in whole.filters],
                "destinations": [name_of(web, destination) for destination in whole.destinations],
            }
            for whole in wholes
        ],
        "timeslots": [(slot.name, f"{recurrences_said(slot.recurrences)} ({slot.zone})") for slot in owned.timeslots],
        "filters": [
            (filter_.name, say(filter_.definition.condition, names) if filter_.definition.condition else None) for filter_ in owned.filters
        ],
        "destinations": [(name_of(web, one), web.media.why_waits(one.medium)) for one in owned.destinations],
    }

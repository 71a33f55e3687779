"""All that somebody has, on one page; and taking something of it away."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.web.answers import go, page
from adapters.web.forms import filled_in, pk_in
from adapters.web.guests import Guest, Guests, PageRequest
from adapters.web.notifications.week import week_of
from adapters.web.services import Web
from adapters.web.wording import EVENTS, Names, say
from argus_core.domain.actors import Actor
from argus_core.domain.deliveries import Delivery
from argus_core.domain.destinations import Destination
from argus_core.domain.errors import NotAllowedNow, SharedWithAll
from argus_core.domain.ids import DestinationId, FilterId, ProfileId, TimeslotId
from argus_core.domain.news import lasting
from argus_core.domain.profiles import Belonging, Belongings, Profile
from argus_core.usecases.dispatch import address_of

LATEST = 10
NEWS = {
    "kept": "That is kept.",
    "gone": "That is gone.",
    "active": "The profile is active.",
    "inactive": "The profile is not active any more.",
}


class _Kind(NamedTuple):
    """A kind of things that people have: what one is called, how it is found, and how it is taken away."""

    name: str
    find: Callable[[Belongings, int], Belonging]
    drop: Callable[[Web, Actor, int], Awaitable[None]]
    consequence: str = ""


_KINDS: Mapping[str, _Kind] = {
    "profiles": _Kind("profile", Belongings.profile, lambda web, owner, pk: web.profiles.drop_profile(owner, ProfileId(pk))),
    "timeslots": _Kind(
        "timeslot",
        Belongings.timeslot,
        lambda web, owner, pk: web.profiles.drop_timeslot(owner, TimeslotId(pk)),
        "The profiles that use it go with it.",
    ),
    "filters": _Kind("filter", Belongings.filter, lambda web, owner, pk: web.profiles.drop_filter(owner, FilterId(pk))),
    "destinations": _Kind(
        "destination", Belongings.destination, lambda web, owner, pk: web.profiles.drop_destination(owner, DestinationId(pk))
    ),
}


def hub_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """`/notifications/`, and `delete/` of everything under it."""

    @get("/notifications/")
    async def hub(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        belongings = await web.profiles.belongings(guest.user.id)
        names = await source_names(web)
        deliveries = await web.notifications.listed(owner=guest.user.id, most=LATEST)
        return page(
            "notifications/hub.html",
            guest,
            profiles=[_profile(web, belongings, profile) for profile in belongings.profiles],
            timeslots=[(slot, week_of(slot.recurrences, slot.zone, web.clock())) for slot in belongings.timeslots],
            filters=[(one, say(one.definition.condition, names) if one.definition.condition else None) for one in belongings.filters],
            destinations=[(one, name_of(web, one), web.media.why_waits(one.medium)) for one in belongings.destinations],
            deliveries=list(map(delivery_line, deliveries)),
            media=[medium for medium in web.media.enabled if medium.installed],
            zone=web.zone,
            news=NEWS.get(request.query_params.get("done", ""), ""),
        )

    return [hub, *(handler for kind in _KINDS for handler in _deletion(web, guests, kind))]


def _deletion(web: Web, guests: Guests, kind: str) -> list[HTTPRouteHandler]:
    """Taking away one of a kind, after a question."""
    what = _KINDS[kind]
    path = f"/notifications/{kind}/{{pk:int}}/delete/"

    async def confirm(guest: Guest, pk: int, problem: str = "", status: int = 200) -> Response[bytes]:
        belongings = await web.profiles.belongings(guest.user.id)
        thing = what.find(belongings, pk_in(pk))
        users = [] if isinstance(thing, Profile) else [profile_name(profile) for profile in belongings.using(thing)]
        shown: dict[str, Any] = {"kind": kind, "what": what, "name": name_of(web, thing), "users": users}
        return page("notifications/confirm.html", guest, status=status, problem=problem, **shown)

    @get(path)
    async def ask(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        return await confirm(await guests.known(request), pk)

    @post(path)
    async def delete(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        await filled_in(request, guests, guest)
        owner = await web.accounts.acting(guest.user)
        try:
            await what.drop(web, owner, pk_in(pk))
        except NotAllowedNow as error:
            return await confirm(guest, pk, error.message, 409)
        except SharedWithAll as error:
            return await confirm(guest, pk, error.message, 403)
        return go(f"/notifications/?done=gone#{kind}")

    return [ask, delete]


def profile_name(profile: Profile) -> str:
    """What a profile is called, also when it has no name."""
    return profile.name or f"Profile {profile.id}"


def isolated(text: str) -> str:
    """
    The text as the first part of a line, which it does not turn around if it runs from right to left.

    Isolates (UAX 9) alone would not do: HTML takes the direction of a `bdi` from the first strong character, wherever it is.
    """
    return text if text.isascii() else f"\N{LEFT-TO-RIGHT MARK}\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


def name_of(web: Web, thing: Belonging) -> str:
    """What a thing is called."""
    match thing:
        case Destination():
            address = address_of(web.media, thing)
            return f"{isolated(thing.label)} ({address})" if thing.label and thing.label != address else address
        case Profile():
            return profile_name(thing)
        case _:
            return thing.name


async def source_names(web: Web) -> Names:
    """What all sources are called."""
    return {source.id: source.name for source in await web.accounts.sources()}


def delivery_line(delivery: Delivery) -> dict[str, Any]:
    """A delivery as the ledger shows it."""
    profiles = [asking.name or f"Profile {asking.id}" for asking in delivery.profiles]
    return {"delivery": delivery, "profiles": profiles, "event": EVENTS.get(delivery.event_type) if delivery.event_type else ""}


def _profile(web: Web, belongings: Belongings, profile: Profile) -> dict[str, Any]:
    whole = belongings.whole(profile)
    lacks: Sequence[str] = [
        *([] if profile.active else ["It is not active."]),
        *([] if whole.destinations else ["It has no destinations."]),
        *([] if whole.condition else ["One of its filters asks for nothing, and so nothing matches."]),
        *([] if whole.timeslot.recurrences else ["Its timeslot has no hours."]),
    ]
    return {
        "profile": profile,
        "name": profile_name(profile),
        "timeslot": whole.timeslot,
        "filters": whole.filters,
        "destinations": [(one.id, name_of(web, one)) for one in whole.destinations],
        "lacks": lacks,
        "waits": lasting(profile.escalate_after) if profile.escalate_after else "",
    }

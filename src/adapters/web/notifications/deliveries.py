"""What became of notifications, and of tests while one looks."""

from collections.abc import Awaitable, Sequence
from urllib.parse import urlencode

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from adapters.web.answers import go, page
from adapters.web.forms import number_in
from adapters.web.guests import Guest, Guests, PageRequest
from adapters.web.notifications.hub import delivery_line
from adapters.web.services import Web
from adapters.web.taken_along import OWN_DELIVERY_FIELDS, file_of
from adapters.web.taken_along import deliveries as as_objects
from argus_core.domain.deliveries import Delivery, DeliveryStatus
from argus_core.domain.errors import Invalid, TooOften
from argus_core.domain.ids import DeliveryId

MOST = 100
LOOKS = 60
"""So often a page looks by itself what became of a test."""


def delivery_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """`/notifications/deliveries/` and `/notifications/tests/`."""

    @get("/notifications/deliveries/")
    async def deliveries(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        status = _status(request)
        listed = await web.notifications.listed(status, guest.user.id, MOST)
        return page(
            "notifications/deliveries.html",
            guest,
            deliveries=list(map(delivery_line, listed)),
            status=200,
            chosen=status,
            statuses=[status.value for status in DeliveryStatus],
            most=MOST,
            zone=web.zone,
        )

    @get("/notifications/deliveries/export/")
    async def export(request: PageRequest) -> Stream:
        guest = await guests.known(request)
        listed = web.notifications.all_listed(_status(request), guest.user.id)
        return file_of(as_objects(listed), OWN_DELIVERY_FIELDS, "my-deliveries", request.query_params.get("form", ""))

    @get("/notifications/tests/")
    async def tests(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        query = request.query_params
        ids = [DeliveryId(number) for text in query.get("ids", "").split(",")[:MOST] if (number := number_in(text))]
        found = await web.notifications.own(await web.accounts.acting(guest.user), ids)
        return _outcome(request, guest, found, number_in(query.get("look", "")) + 1)

    return [deliveries, export, tests]


async def tested(request: PageRequest, guest: Guest, testing: Awaitable[Sequence[Delivery]]) -> Response[bytes]:
    """What becomes of tests that have just been ordered: in place, or on a page of its own."""
    in_place = is_in_place(request)
    try:
        found = await testing
    except (TooOften, Invalid) as error:
        if in_place:
            text = " ".join(error.errors.values()) if isinstance(error, Invalid) else error.message
            return page("notifications/outcome.html", guest, deliveries=(), problem=text, again="")
        raise
    return _outcome(request, guest, found, 1) if in_place else go(_path(found))


def is_in_place(request: PageRequest) -> bool:
    """Whether a part of a page is asked for, by the script of that page."""
    return "hx-request" in request.headers


def _status(request: PageRequest) -> DeliveryStatus | None:
    asked = request.query_params.get("status", "")
    return next((status for status in DeliveryStatus if status.value == asked), None)


def _outcome(request: PageRequest, guest: Guest, found: Sequence[Delivery], look: int) -> Response[bytes]:
    waits = any(delivery.status is DeliveryStatus.WAITING for delivery in found)
    again = f"{_path(found)}&look={look}" if waits and look <= LOOKS else ""
    template = "notifications/outcome.html" if is_in_place(request) else "notifications/tests.html"
    return page(template, guest, deliveries=found, problem="", again=again)


def _path(found: Sequence[Delivery]) -> str:
    return f"/notifications/tests/?{urlencode({'ids': ','.join(str(delivery.id) for delivery in found)})}"

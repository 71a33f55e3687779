"""All pages under `/notifications/`."""

from litestar.handlers import HTTPRouteHandler

from adapters.web.guests import Guests
from adapters.web.notifications.deliveries import delivery_routes
from adapters.web.notifications.destinations import destination_routes
from adapters.web.notifications.filters import filter_routes
from adapters.web.notifications.hub import hub_routes
from adapters.web.notifications.profiles import profile_routes
from adapters.web.notifications.timeslots import timeslot_routes
from adapters.web.services import Web


def notification_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """Every one of them."""
    rooms = (hub_routes, profile_routes, timeslot_routes, filter_routes, destination_routes, delivery_routes)
    return [handler for room in rooms for handler in room(web, guests)]

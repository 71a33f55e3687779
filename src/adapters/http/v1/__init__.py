"""API v1: its shapes, complete in themselves, and its handlers. Nothing is added to it any more."""

from litestar import Router

from adapters.http.services import Services
from adapters.http.v1.accounts import account_routes, phone_number_routes
from adapters.http.v1.acks import ack_routes
from adapters.http.v1.events import event_routes
from adapters.http.v1.filters import filter_routes, preview_routes
from adapters.http.v1.incidents import incident_lists, incident_routes
from adapters.http.v1.login import login_routes
from adapters.http.v1.profiles import profile_incident_routes, profile_routes
from adapters.http.v1.sources import source_routes
from adapters.http.v1.tags import tag_routes
from adapters.http.v1.tickets import ticket_routes
from adapters.http.v1.timeslots import timeslot_routes


def v1_routes(services: Services) -> Router:
    """Everything under `/api/v1`."""
    incidents = Router(
        "/incidents",
        route_handlers=[
            incident_lists(services),
            incident_routes(services),
            ticket_routes(services),
            event_routes(services),
            ack_routes(services),
            tag_routes(services),
            source_routes(services),
        ],
    )
    profiles = Router(
        "/notificationprofiles",
        route_handlers=[
            profile_routes(services),
            profile_incident_routes(services),
            timeslot_routes(services),
            filter_routes(services),
            preview_routes(services),
        ],
    )
    accounts = [login_routes(services), account_routes(services), phone_number_routes(services)]
    return Router("/api/v1", route_handlers=[*accounts, incidents, profiles])

"""API v2: its shapes, complete in themselves, and its handlers."""

from litestar import Router

from adapters.http.services import Services
from adapters.http.v2.accounts import account_routes
from adapters.http.v2.acks import ack_routes
from adapters.http.v2.bulk import bulk_routes
from adapters.http.v2.destinations import destination_routes
from adapters.http.v2.events import event_routes
from adapters.http.v2.filters import filter_routes, preview_routes
from adapters.http.v2.incidents import incident_lists, incident_routes
from adapters.http.v2.login import login_routes
from adapters.http.v2.maintenance import maintenance_routes
from adapters.http.v2.media import media_routes
from adapters.http.v2.notifications import incident_notification_routes, profile_notification_routes
from adapters.http.v2.profiles import profile_routes
from adapters.http.v2.sources import source_routes
from adapters.http.v2.tags import tag_routes
from adapters.http.v2.tickets import ticket_routes
from adapters.http.v2.timeslots import timeslot_routes


def v2_routes(services: Services) -> Router:
    """Everything under `/api/v2`."""
    incidents = Router(
        "/incidents",
        route_handlers=[
            incident_lists(services),
            incident_routes(services),
            ticket_routes(services),
            event_routes(services),
            incident_notification_routes(services),
            ack_routes(services),
            tag_routes(services),
            bulk_routes(services),
            source_routes(services),
        ],
    )
    profiles = Router(
        "/notificationprofiles",
        route_handlers=[
            profile_routes(services),
            profile_notification_routes(services),
            timeslot_routes(services),
            filter_routes(services),
            preview_routes(services),
            destination_routes(services),
            media_routes(services),
        ],
    )
    return Router(
        "/api/v2", route_handlers=[login_routes(services), account_routes(services), incidents, profiles, maintenance_routes(services)]
    )

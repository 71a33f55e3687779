"""All pages under `/admin/`."""

from litestar.handlers import HTTPRouteHandler

from adapters.web.admin.audit import audit_routes
from adapters.web.admin.deliveries import delivery_routes
from adapters.web.admin.maintenance import maintenance_routes
from adapters.web.admin.own_tokens import own_token_routes
from adapters.web.admin.planning import planning_routes
from adapters.web.admin.plugins import plugin_routes
from adapters.web.admin.profiles import profile_routes
from adapters.web.admin.source_types import source_type_routes
from adapters.web.admin.sources import source_routes
from adapters.web.admin.start import start_routes
from adapters.web.admin.test_incidents import test_incident_routes
from adapters.web.admin.tokens import token_routes
from adapters.web.admin.user import user_routes
from adapters.web.admin.users import users_routes
from adapters.web.guests import Guests
from adapters.web.services import Web

_ROOMS = (
    start_routes,
    users_routes,
    user_routes,
    own_token_routes,
    token_routes,
    source_type_routes,
    source_routes,
    plugin_routes,
    profile_routes,
    delivery_routes,
    maintenance_routes,
    planning_routes,
    audit_routes,
    test_incident_routes,
)


def admin_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """Every one of them."""
    return [handler for room in _ROOMS for handler in room(web, guests)]

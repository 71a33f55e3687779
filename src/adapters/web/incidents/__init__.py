"""The list of incidents: what is in it, what may be done about many at once, and how open pages hear of changes."""

from adapters.web.incidents.filters import kept_filter_routes
from adapters.web.incidents.pages import incident_list_routes
from adapters.web.incidents.where import where_routes

__all__ = ["incident_list_routes", "kept_filter_routes", "where_routes"]

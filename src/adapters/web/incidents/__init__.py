"""The list of incidents: what is in it, what may be done about many at once, and how open pages hear of changes."""

from adapters.web.incidents.pages import incident_list_routes

__all__ = ["incident_list_routes"]

"""The page of one incident: what it is like, what may be done about it, what happened, and who was told."""

from adapters.web.incident.pages import incident_page_routes

__all__ = ["incident_page_routes"]

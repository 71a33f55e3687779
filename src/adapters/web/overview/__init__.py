"""The overview of all incidents, and the same for a screen on the wall."""

from adapters.web.overview.pages import overview_routes

__all__ = ["overview_routes"]

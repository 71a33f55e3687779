"""My notifications: when, about what and where somebody wants to be told, and what became of it."""

from adapters.web.notifications.routes import notification_routes

__all__ = ["notification_routes"]

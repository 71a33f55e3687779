"""Where Argus is administered, and where everybody keeps their own tokens: everything under `/admin/`."""

from adapters.web.admin.routes import admin_routes

__all__ = ["admin_routes"]

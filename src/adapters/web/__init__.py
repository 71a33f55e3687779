"""
The pages that people look at, and the assets they need: nothing is fetched from elsewhere.

A page asks the same use cases as the API does. `web_routes` are all of them; a page of one's own extends `base.html`, and asks `Guests`
who looks at it.
"""

from adapters.web.errors import error_page
from adapters.web.live import Live
from adapters.web.routes import web_routes
from adapters.web.services import Shown, Web

__all__ = ["Live", "Shown", "Web", "error_page", "web_routes"]

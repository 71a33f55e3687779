"""
The HTTP API: bytes become shapes, shapes become domain values, errors become statuses.

Handlers decode, call one use case and encode; they hold no rules.
"""

from adapters.http.app import build_app
from adapters.http.auth import CredentialCache
from adapters.http.services import Services

__all__ = ["CredentialCache", "Services", "build_app"]

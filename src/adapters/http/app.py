"""The HTTP API as one ASGI application."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache
from typing import Any, TypeAlias, cast

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from adapters.http.answers import App, encode
from adapters.http.auth import Gate
from adapters.http.bodies import BODY_BYTES
from adapters.http.edge import Edge, ErrorPage
from adapters.http.errors import exception_handlers
from adapters.http.health import health_routes
from adapters.http.metrics import metrics_routes
from adapters.http.openapi import description
from adapters.http.pages import page_routes
from adapters.http.services import Services
from adapters.http.sites import Sites
from adapters.http.v1 import v1_routes
from adapters.http.v1.schemas import SCHEMAS as SCHEMAS_OF_V1
from adapters.http.v2 import v2_routes
from adapters.http.v2.schemas import SCHEMAS as SCHEMAS_OF_V2

_SCHEMAS = {"v1": SCHEMAS_OF_V1, "v2": SCHEMAS_OF_V2}

Lifespan: TypeAlias = Callable[[Litestar], AbstractAsyncContextManager[Any]]


def build_app(
    services: Services,
    *,
    lifespan: Sequence[Lifespan] = (),
    routes: Sequence[ControllerRouterHandler] = (),
    error_page: ErrorPage | None = None,
) -> App:
    """
    The application. `lifespan` are context managers to be inside of while it serves, `routes` those of other adapters to serve beside,
    `error_page` what browsers see of errors outside the API.

    A route asks for a token and ends with a slash unless its `opt` says otherwise (`access`, `bare`).
    """

    @cache
    def schema(api: str | None) -> bytes:
        return encode(description(framework.routes, schemas=_SCHEMAS, version=services.version, api=api))

    framework = Litestar(
        [
            *page_routes(services, schema),
            *health_routes(services),
            *metrics_routes(services),
            v1_routes(services),
            v2_routes(services),
            *routes,
        ],
        exception_handlers=exception_handlers(services.credentials),
        lifespan=list(lifespan),
        request_max_body_size=BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    gate = Gate(services.accounts, services.credentials, services.credential_cache_ok, services.uses)
    return Edge(cast("App", framework), Sites(framework.routes), gate, services, error_page)

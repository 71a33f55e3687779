"""The description of the API in OpenAPI 3.1, made once from the routes: what they say about themselves, and what follows from the rest."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute

from adapters.http.auth import Access
from adapters.http.bodies import BODY_BYTES
from adapters.http.routes import Operation, Schema
from adapters.http.schemas import COMMON
from adapters.http.sites import served_path, shown

_REF = "#/components/schemas/{name}"
_PK: Schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
_SECURITY: dict[str, list[str]] = {"token": []}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ABOUT = (
    "Each request carries `Authorization: Token <token>`; POST to token-auth/ to get one. Paths end with a slash: without it the answer "
    "is 301. Other methods than those described are 405 with the header Allow. Times come with the offset of the server's zone. "
    "Bodies may also be forms."
)
_ERROR_SCHEMAS: Mapping[str, Schema] = {
    "Detail": {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}}, "additionalProperties": False},
    "Errors": {
        "description": "What is wrong: by field, or across fields under `non_field_errors`; for a few rules a bare list.",
        "anyOf": [
            {"$ref": "#/components/schemas/Detail"},
            {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/components/schemas/FieldErrors"}},
            {"type": "array", "minItems": 1, "items": {"type": "string"}},
        ],
    },
    "FieldErrors": {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "minItems": 1, "items": {"type": "string"}},
            {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/components/schemas/FieldErrors"}},
        ],
    },
    "ErrorsOrChanges": {
        "anyOf": [
            {"$ref": "#/components/schemas/Errors"},
            {
                "type": "object",
                "required": ["changes"],
                "properties": {"changes": {"type": "object", "additionalProperties": {"type": "object"}}},
            },
        ],
    },
    "Sentence": {"type": "string"},
}
_SECURITY_SCHEMES = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "The word `Token`, a blank and the token.",
    }
}
NEWEST = "v2"
"""Its schemas have the plain names where several versions are described together."""


def description(
    routes: Iterable[BaseRoute], *, schemas: Mapping[str, Mapping[str, Schema]], version: str, api: str | None = None
) -> dict[str, Any]:
    """
    The description of one version of the API, or of the whole server.

    `schemas` are those of the bodies that handlers of each version name.
    """
    told = [(served_path(route), handler) for route in routes if isinstance(route, HTTPRoute) for handler in route.route_handlers]
    described = [(path, handler) for path, handler in told if "operation" in handler.opt and api in (None, _version(path))]
    paths: dict[str, dict[str, Any]] = {}
    components: dict[str, Schema] = {}
    for of in dict.fromkeys(_version(path) for path, _ in described):
        naming = _Naming("" if of in (None, NEWEST, api) else of.upper())
        mine = [(path, handler) for path, handler in described if _version(path) == of]
        components |= naming.components(mine, schemas.get(of or "", {}))
        for path, handler in mine:
            operations = paths.setdefault(shown(path), {})
            for method in handler.http_methods & set(_METHODS):
                operations[method.lower()] = _operation(path, method, handler, naming)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Argus", "version": version, "description": _ABOUT},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": {**components, **COMMON, **_ERROR_SCHEMAS}, "securitySchemes": _SECURITY_SCHEMES},
    }


@dataclass(frozen=True, slots=True)
class _Naming:
    """How the schemas of one version are called: with something before their names where those of several versions stand together."""

    prefix: str

    @property
    def template(self) -> str:
        """The reference to a schema of this version."""
        return f"#/components/schemas/{self.prefix}{{name}}"

    def components(self, handlers: Iterable[tuple[str, HTTPRouteHandler]], bodies: Mapping[str, Schema]) -> dict[str, Schema]:
        """The schemas of what these handlers answer and take."""
        shapes = _shapes(handler.opt["operation"] for _, handler in handlers)
        (_, answers) = msgspec.json.schema_components(shapes, ref_template=self.template)
        named = {**{name: _closed(schema) for name, schema in answers.items()}, **bodies}
        return {f"{self.prefix}{name}": schema for name, schema in named.items()}

    def body(self, name: str) -> Schema:
        """The schema of a body."""
        return {"$ref": self.template.format(name=name)}

    def answer(self, shape: Any) -> Schema:  # noqa: ANN401 - any shape
        """The schema of an answer."""
        schemas, _ = msgspec.json.schema_components(_alternatives(shape), ref_template=self.template)
        return schemas[0] if len(schemas) == 1 else {"anyOf": [*schemas]}


def _version(path: str) -> str | None:
    match = re.match(r"/api/(v\d+)/", path)
    return match[1] if match else None


def _shapes(operations: Iterable[Operation]) -> list[Any]:
    shapes = [shape for operation in operations for shape in operation.answers.values() if shape is not None]
    return list(dict.fromkeys(alternative for shape in shapes for alternative in _alternatives(shape)))


def _alternatives(shape: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any shape
    return shape if isinstance(shape, tuple) else (shape,)


def _closed(schema: Schema) -> Schema:
    """Answers have no other keys than those described."""
    return {**schema, "additionalProperties": False} if "properties" in schema else schema


def _operation(path: str, method: str, handler: HTTPRouteHandler, naming: _Naming) -> dict[str, Any]:
    operation: Operation = handler.opt["operation"]
    access: Access = handler.opt["access"]
    parameters = [*_path_parameters(path), *operation.query]
    told: dict[str, Any] = {
        "operationId": f"{method} {shown(path)}",
        "summary": operation.summary,
        "tags": [_group(path)],
        "security": _security(access),
        "responses": {str(status): answer for status, answer in _answers(path, method, handler, naming)},
    }
    if parameters:
        told["parameters"] = parameters
    if operation.body:
        media = {"schema": naming.body(operation.body)}
        told["requestBody"] = {"required": operation.body_required, "content": {"application/json": media}}
    return told


def _answers(path: str, method: str, handler: HTTPRouteHandler, naming: _Naming) -> Iterator[tuple[int, dict[str, Any]]]:
    operation: Operation = handler.opt["operation"]
    access: Access = handler.opt["access"]
    for status, shape in operation.answers.items():
        yield status, {"description": "Done.", **(_content(naming.answer(shape)) if shape is not None else {})}
    errors = dict(operation.errors)
    if operation.body or operation.query:
        errors.setdefault(400, "Errors")
    if operation.body:
        errors.update({413: "Detail", 415: "Detail", 429: "Detail"})
    if "{" in path or operation.query:
        errors[404] = "Detail"
    if access not in (Access.ANYBODY, Access.FORGIVING):
        errors[401] = "Detail"
    if access in (Access.TOKEN, Access.FRESH_TOKEN) and method != "GET" and not operation.any_scope:
        errors[403] = "Detail"
    if access is not Access.ANYBODY:
        errors[503] = "Detail"
    for status, name in sorted(errors.items()):
        answer = {"description": _WHAT_IS_WRONG[status], **_content({"$ref": _REF.format(name=name)})}
        yield status, {**answer, "headers": _HEADERS[status]} if status in _HEADERS else answer


def _content(schema: Schema) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _security(access: Access) -> list[dict[str, list[str]]]:
    match access:
        case Access.TOKEN | Access.FRESH_TOKEN:
            return [_SECURITY]
        case Access.OPTIONAL | Access.FORGIVING:
            return [{}, _SECURITY]
        case Access.ANYBODY:
            return []


_PARAMETERS: Mapping[str, Schema] = {
    "int": _PK,
    "str": {"type": "string", "pattern": "^[^/]+$"},
    "path": {"type": "string", "minLength": 1},
}


def _path_parameters(path: str) -> Iterator[Schema]:
    for name, kind in re.findall(r"\{(\w+):(\w+)\}", path):
        yield {"name": name, "in": "path", "required": True, "schema": _PARAMETERS[kind]}


def _group(path: str) -> str:
    match = re.match(r"/api/(v\d+)/(incidents|notificationprofiles)?", path)
    if not match:
        return "server"
    group = match[2] or "auth"
    return group if match[1] == NEWEST else f"{group} ({match[1]})"


_RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
_HEADERS = {401: {"WWW-Authenticate": {"schema": {"const": "Token"}}}, 429: _RETRY_AFTER, 503: _RETRY_AFTER}
_WHAT_IS_WRONG = {
    400: "The request is wrong; the answer names every bad field.",
    401: "There is no live token.",
    403: "This user may not do that, or not with a token of this scope.",
    404: "There is no such thing.",
    413: f"The body has more than {BODY_BYTES} bytes.",
    415: "Bodies are JSON or forms.",
    429: "That was often enough for now; `Retry-After` tells when it is possible again.",
    503: "The database cannot be reached, or it is not known whether the change was stored. Try again.",
}

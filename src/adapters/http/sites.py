"""Which paths exist, to the slash: the framework strips slashes, clients and their redirects do not."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute

from adapters.http.auth import Access

_SHAPES = {"int": "[0-9]{1,19}", "str": "[^/]+", "path": "(?s:.+)"}


@dataclass(frozen=True, slots=True)
class Site:
    """One path, as people write it, and who may ask for which method there."""

    path: str
    access: Mapping[str, Access]

    @property
    def allow(self) -> str:
        """The header Allow: whoever can GET can also look at the HEAD."""
        methods = [*self.access, *(["HEAD"] if "GET" in self.access else []), "OPTIONS"]
        return ", ".join(methods)

    @property
    def strictest(self) -> Access:
        """Who may learn more than that the path exists."""
        return min(self.access.values(), key=lambda access: access.value)


class Sites:
    """All paths of an application. Those with parameters are one regular expression."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        sites = dict(_sites(routes))
        self._plain = {path: site for path, site in sites.items() if "{" not in path}
        self._with_parameters = [site for path, site in sites.items() if "{" in path]
        patterns = [_pattern(path) for path in sites if "{" in path]
        self._pattern = re.compile("|".join(f"(?P<site{number}>{pattern})" for number, pattern in enumerate(patterns)) or "(?!)")

    def find(self, path: str) -> Site | None:
        """What is at this path."""
        if site := self._plain.get(path):
            return site
        match = self._pattern.fullmatch(path)
        return self._with_parameters[int(match.lastgroup[4:])] if match and match.lastgroup else None


def _sites(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, Site]]:
    for route in routes:
        if not isinstance(route, HTTPRoute):
            continue
        handlers = [handler for handler in route.route_handlers if handler.http_methods != {"OPTIONS"}]
        yield (
            served_path(route),
            Site(shown(served_path(route)), {method: _access(handler) for handler in handlers for method in sorted(handler.http_methods)}),
        )


def served_path(route: HTTPRoute) -> str:
    """The path of a route as it is served: with a slash at its end, unless its handlers say otherwise."""
    if route.path == "/" or any(handler.opt.get("bare") for handler in route.route_handlers):
        return route.path
    return f"{route.path}/"


def shown(path: str) -> str:
    """A path as people write it, without the types of parameters: `/api/v2/incidents/{pk}/`."""
    return re.sub(r":\w+\}", "}", path)


def _access(handler: HTTPRouteHandler) -> Access:
    access: Access = handler.opt.get("access", Access.TOKEN)
    return access


def _pattern(path: str) -> str:
    literal, *parts = re.split(r"(\{\w+:\w+\})", path)
    pattern = re.escape(literal)
    for part in parts:
        parameter = re.fullmatch(r"\{\w+:(\w+)\}", part)
        pattern += _SHAPES[parameter[1]] if parameter else re.escape(part)
    return pattern

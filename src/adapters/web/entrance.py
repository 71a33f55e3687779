"""Logging in and out: with a password, or through an identity provider."""

import logging
from collections.abc import Mapping
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.web.answers import go, page
from adapters.web.errors import INSECURE, INSECURE_TITLE, error_page
from adapters.web.guests import Guest, Guests, InsecurePlace, PageRequest, own_path
from adapters.web.services import Web
from argus_core.domain.errors import BadLogin

_NEWS = {
    "password": "Your password has been changed. Log in with the new one.",
    "out": "You are logged out.",
    "late": "You were logged out, and what you sent was not kept. Log in, and send it again.",
}
_log = logging.getLogger("argus.web")


def entrance_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901 - one for each page
    """`/login/`, `/logout/`, and the way to providers and back."""

    def entrance(guest: Guest, onward: str, **more: object) -> Response[bytes]:
        ways = [
            (provider.name, f"/oidc/login/{slug}/?{urlencode({'next': onward})}") for slug, provider in web.identities.providers.items()
        ]
        shown = {"problem": "", "username": "", "news": "", "status": 200, **more}
        return page("login.html", guest, onward=onward, ways=ways, resets=web.resets, **shown)  # type: ignore[arg-type]  # the status is a number

    async def end_former(guest: Guest) -> None:
        if guest.visit:
            await web.logins.end(guest.user.id, guest.session.id)

    @get("/login/")
    async def ask(request: PageRequest) -> Response[bytes]:
        onward = own_path(request.query_params.get("next", ""))
        try:
            guest = await guests.greet(request)
        except InsecurePlace:
            return error_page(200, INSECURE, title=INSECURE_TITLE)  # probes ask for this page, and all is well
        if guest.visit:
            return go(onward)
        return entrance(guest, onward, news=_NEWS.get(request.query_params.get("done", ""), ""))

    @post("/login/")
    async def log_in(request: PageRequest) -> Response[bytes]:
        guest = await guests.greet(request)
        form = await guests.form(request, guest)
        onward, username = own_path(form.get("next", "")), form.get("username", "")
        try:
            begun = await web.logins.log_in(username, form.get("password", ""), guest.device)
        except BadLogin:
            # Not as whom: some type their password there. The audit log names those who exist.
            _log.warning("a login failed", extra={"from": guest.device.address})
            return entrance(guest, onward, username=username, problem="The name or the password is wrong.", status=400)
        await end_former(guest)
        _log.info("%s logged in", begun.user.username, extra={"from": guest.device.address})
        return go(onward, guest.logged_in(begun))

    @get("/logout/")
    async def ask_out(request: PageRequest) -> Response[bytes]:
        guest = await guests.greet(request)
        return page("logout.html", guest, elsewhere=None) if guest.visit else go("/login/")

    @post("/logout/")
    async def log_out(request: PageRequest) -> Response[bytes]:
        guest = await guests.greet(request)
        if not guest.visit:
            return go("/login/?done=out")
        await guests.form(request, guest)
        await web.logins.end(guest.user.id, guest.session.id)
        _log.info("%s logged out", guest.user.username)
        elsewhere = await web.identities.leave(guest.session, f"{guest.place.origin}/login/?done=out")
        if elsewhere is None:
            return go("/login/?done=out", guest.logged_out())
        name = web.identities.providers[guest.session.provider].name
        return page("logout.html", None, cookies=guest.logged_out(), elsewhere=elsewhere, name=name)

    @get("/oidc/login/{slug:str}/")
    async def depart(request: PageRequest, slug: FromPath[str]) -> Response[bytes]:
        guest = await guests.greet(request)
        onward = own_path(request.query_params.get("next", ""))
        to = await web.identities.depart(slug, visitor=guest.key, onward=onward, return_to=_return(guest, slug))
        return go(to, guest.cookies, 302)

    @get("/oidc/complete/{slug:str}/")
    async def arrive(request: PageRequest, slug: FromPath[str]) -> Response[bytes]:
        guest = await guests.greet(request)
        visitor = "" if guest.is_new else guest.key
        arrival = await web.identities.arrive(slug, _single(request), visitor=visitor, return_to=_return(guest, slug), device=guest.device)
        await end_former(guest)
        _log.info("%s logged in through %s", arrival.begun.user.username, slug, extra={"from": guest.device.address})
        return go(own_path(arrival.onward), guest.logged_in(arrival.begun))

    return [ask, log_in, ask_out, log_out, depart, arrive]


def _return(guest: Guest, slug: str) -> str:
    return f"{guest.place.origin}/oidc/complete/{slug}/"


def _single(request: PageRequest) -> Mapping[str, str]:
    """The query, without what is in it twice."""
    pairs = list(request.query_params.multi_items())
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}

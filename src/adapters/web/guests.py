"""
Who looks at a page: the session cookie, and that a form was filled in on a page of ours.

Sessions are for https. Over plain http there are none, but on the machine itself, where nobody listens on the way.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from secrets import token_bytes, token_urlsafe
from typing import Any
from urllib.parse import quote, urlsplit

from litestar import Request
from litestar.datastructures import Cookie, State

from adapters.web.services import Web
from argus_core.domain.accounts import User
from argus_core.domain.sessions import Device, Session
from argus_core.ports.logins import Visit
from argus_core.usecases.logins import BegunSession

PageRequest = Request[Any, Any, State]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
TOKEN_FIELD = "csrf_token"  # noqa: S105 - what it is called in forms
HOME = "/incidents/?open=true"

_MOST_KEY = 200


class NotLoggedIn(Exception):
    """The page is for people who are logged in."""


class Forbidden(Exception):
    """This is not for whoever asks; the message says why."""


class InsecurePlace(Exception):
    """Whoever listens on the way could read the password and the cookie."""


@dataclass(frozen=True, slots=True)
class Place:
    """The address under which a browser reaches this server."""

    origin: str

    @property
    def secure(self) -> bool:
        """Whether nobody can read what passes."""
        return self.origin.startswith("https:")

    def cookie(self, name: str, value: str, max_age: int | None = None) -> Cookie:
        """A cookie for us alone, which no script sees and no form of somebody else's brings along."""
        called = self.cookie_name(name)
        return Cookie(key=called, value=value, path="/", max_age=max_age, httponly=True, secure=self.secure, samesite="lax")

    def cookie_name(self, name: str) -> str:
        """The name; browsers keep cookies called like this from neighbours in the same domain."""
        return f"__Host-argus_{name}" if self.secure else f"argus_{name}"


@dataclass(frozen=True, slots=True)
class Guest:
    """
    Whoever asks. Without a visit nobody is logged in.

    `key` is a secret of the browser: that of the session, else one that only ties forms and departures to this browser.
    """

    place: Place
    device: Device
    key: str
    visit: Visit | None = None
    is_new: bool = False

    @property
    def user(self) -> User:
        """Who is logged in."""
        if self.visit is None:
            raise NotLoggedIn
        return self.visit.user

    @property
    def session(self) -> Session:
        """The session of whoever is logged in."""
        if self.visit is None:
            raise NotLoggedIn
        return self.visit.session

    @property
    def token(self) -> str:
        """What forms carry to show that they are ours. It is another one each time, lest the size of compressed pages tells what it is."""
        mask = token_bytes(len(self._proof))
        return (mask + _mixed(mask, self._proof)).hex()

    def gave(self, token: str) -> bool:
        """Whether that is what our forms carry."""
        try:
            raw = bytes.fromhex(token)
        except ValueError:
            return False
        half = len(self._proof)
        return hmac.compare_digest(_mixed(raw[:half], raw[half:]), self._proof)

    @property
    def _proof(self) -> bytes:
        return hmac.digest(self.key.encode(), b"form", "sha256")

    @property
    def cookies(self) -> list[Cookie]:
        """What the browser has to keep after looking at a page with a form."""
        return [self.place.cookie("visitor", self.key)] if self.is_new else []

    def logged_in(self, begun: BegunSession) -> list[Cookie]:
        """What makes the browser one of a session. The key of before is worth nothing any more."""
        return [self.place.cookie("session", begun.key), self.place.cookie("visitor", "", max_age=0)]

    def logged_out(self) -> list[Cookie]:
        """What makes the browser one of nobody."""
        return [self.place.cookie("session", "", max_age=0)]


@dataclass(frozen=True, slots=True)
class Guests:
    """Finds out who asks."""

    web: Web

    async def greet(self, request: PageRequest) -> Guest:
        """
        Whoever it is.

        Raises:
            InsecurePlace: it is none to log in.
        """
        return await self._guest(request, self.web.logins.find)

    async def known(self, request: PageRequest) -> Guest:
        """
        Somebody who is logged in.

        Raises:
            NotLoggedIn: nobody is.
        """
        guest = await self.greet(request)
        _ = guest.user
        return guest

    async def left_open(self, request: PageRequest) -> Guest:
        """
        Somebody who is logged in, as far as a page that asks by itself can tell: the session is not used by that.

        Raises:
            NotLoggedIn: nobody is.
        """
        guest = await self._guest(request, self.web.logins.peek)
        _ = guest.user
        return guest

    async def _guest(self, request: PageRequest, find: Callable[[str], Awaitable[Visit | None]]) -> Guest:
        place = self._place(request)
        client = request.scope["client"]
        device = Device(client[0] if client else "", request.headers.get("user-agent", ""))
        key = request.cookies.get(place.cookie_name("session"), "")[:_MOST_KEY]
        visit = await find(key) if key else None
        if visit:
            request.scope["user"] = visit.user  # for the access log
            return Guest(place, device, key, visit)
        visitor = request.cookies.get(place.cookie_name("visitor"), "")[:_MOST_KEY]
        return Guest(place, device, visitor or token_urlsafe(32), is_new=not visitor)

    async def form(self, request: PageRequest, guest: Guest) -> Mapping[str, str]:
        """
        What was filled in, on a page that we showed to this browser.

        Raises:
            Forbidden: it was filled in elsewhere, or the browser keeps no cookies.
        """
        origin = request.headers.get("origin", guest.place.origin)
        if origin.lower() != guest.place.origin.lower():
            raise Forbidden(f"This form was sent from elsewhere. Argus is at {guest.place.origin} for browsers.")
        fields = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        given = fields.get(TOKEN_FIELD, "")
        if guest.is_new or not guest.gave(given):
            raise Forbidden("This form is out of date, or your browser keeps no cookies. Go back, load the page again, and try once more.")
        return fields

    def _place(self, request: PageRequest) -> Place:
        if self.web.public_url:
            return Place(self.web.public_url.rstrip("/"))
        place = Place(f"{request.scope['scheme']}://{request.headers.get('host', '')}")
        if not place.secure and _host(place.origin) not in LOOPBACK:
            raise InsecurePlace
        return place


def own_path(text: str) -> str:
    """Where to go, if that is a page of ours, else home. Browsers take a backslash for a slash, and skip control characters."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    ours = plain and text.startswith("/") and not text.startswith("//")
    return text if ours else HOME


def login_path(request: PageRequest) -> str:
    """Where somebody logs in who then comes back to the page that was asked for, or that a form was sent from."""
    path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    page = f"{path}?{query}" if query else path
    if request.method != "GET":
        return f"/login/?done=late&next={quote(_sent_from(request), safe='/')}"
    return f"/login/?next={quote(page, safe='/')}"


def _sent_from(request: PageRequest) -> str:
    """The page of ours that a form was sent from, as far as the browser says."""
    try:
        page = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return HOME
    return own_path(f"{page.path}?{page.query}" if page.query else page.path) if page.netloc == request.headers.get("host") else HOME


def _mixed(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=False))


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None

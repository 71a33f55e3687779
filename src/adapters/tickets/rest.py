"""One request to the API of a ticket system, as the operator has set it up."""

import asyncio
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import httpx

from argus_core.domain.limits import Json, url_problem
from argus_core.ports.tickets import TicketFailed

ENDPOINT = "ARGUS_TICKET_ENDPOINT"
TOKEN = "ARGUS_TICKET_TOKEN"  # noqa: S105 - the name of a setting
PROJECT = "ARGUS_TICKET_PROJECT"
LABELS = "ARGUS_TICKET_LABELS"

SECONDS = 10.0
"""How long a request may take, everything together."""
MOST_BYTES = 1_000_000

_MOST_SAID = 300
_LAST_PORT = 65_535
_LOGIN = (401, 403)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_PERHAPS = "look there whether it made a ticket."


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The API of a ticket system. `secrets` never show up in what is said about it."""

    system: str
    endpoint: str
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    async def post(self, path: str, content: Mapping[str, Json]) -> Mapping[str, object]:
        """
        Post JSON and give back the JSON object of the answer.

        Raises:
            TicketFailed: it was refused, the system could not be reached, took too long, or answered nonsense.
        """
        try:
            async with asyncio.timeout(SECONDS), httpx.AsyncClient(verify=_tls(), timeout=SECONDS) as client:
                status, body = await self._ask(client, path, content)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise TicketFailed(self._sentence(f"{self.system} cannot be reached: {str(error) or 'it does not answer'}")) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise TicketFailed(f"{self.system} did not answer within {SECONDS:g} seconds; {_PERHAPS}") from error
        except httpx.HTTPError as error:
            raise TicketFailed(self._sentence(f"{self.system} broke off: {str(error) or type(error).__name__}; {_PERHAPS}")) from error
        answer = _parsed(body)
        if not httpx.codes.is_success(status):
            raise TicketFailed(self._refusal(status, answer))
        if answer is None:
            raise TicketFailed(f"{self.system} answered {status}, but not with a JSON object; {_PERHAPS}")
        return answer

    def nonsense(self, what: str) -> TicketFailed:
        """The failure to raise when an answer lacks what it must have."""
        return TicketFailed(f"{self.system} answered without {what}; {_PERHAPS}")

    def url(self, answered: object) -> str:
        """
        The URL of a ticket as the system has answered it.

        Raises:
            TicketFailed: it is none.
        """
        if not isinstance(answered, str) or url_problem(answered):
            raise self.nonsense("a URL of the ticket")
        return answered

    async def _ask(self, client: httpx.AsyncClient, path: str, content: Mapping[str, Json]) -> tuple[int, bytes]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Argus", **self.headers}
        async with client.stream("POST", self.endpoint + path, json=content, headers=headers, follow_redirects=False) as answer:
            body = b""
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > MOST_BYTES:
                    return answer.status_code, b""
            return answer.status_code, body

    def _refusal(self, status: int, answer: Mapping[str, object] | None) -> str:
        if httpx.codes.is_redirect(status):
            return f"{self.system} answered with a redirect ({status}): set {ENDPOINT} to the address it leads to."
        login = f" (look at {TOKEN})" if status in _LOGIN else ""
        said = _said(answer or {})
        return self._sentence(f"{self.system} answered {status}{login}{': ' + said if said else '.'}")

    def _sentence(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return _CONTROL.sub(" ", text)[:_MOST_SAID].strip()


def endpoint(config: Mapping[str, str], default: str = "") -> str:
    """
    Where the API is, without a slash at the end.

    Raises:
        ValueError: it is missing, or no address of an API.
    """
    given = config.get(ENDPOINT) or default
    if not given:
        raise ValueError(f"{ENDPOINT} is not set.")
    if not _is_endpoint(given):
        raise ValueError(f"{ENDPOINT} is malformed; expected an address like {default or 'https://tickets.example.org'}.")
    return given.rstrip("/")


def _is_endpoint(text: str) -> bool:
    try:
        parts = httpx.URL("" if url_problem(text) else text)
        known = bool(parts.host) and (parts.port is None or 0 < parts.port <= _LAST_PORT)
    except (httpx.InvalidURL, UnicodeError):
        return False
    return known and parts.scheme in ("http", "https") and not (parts.userinfo or parts.query or parts.fragment)


def token(config: Mapping[str, str], name: str = TOKEN) -> str:
    """
    The token, which is never shown.

    Raises:
        ValueError: it is missing, or has characters that cannot be sent.
    """
    given = config.get(name, "")
    if not given:
        raise ValueError(f"{name} is not set.")
    if not re.fullmatch(r"[!-~]+", given):
        raise ValueError(f"{name} is malformed: it has blanks or other characters that no token has.")
    return given


def project(config: Mapping[str, str], expects: str, pattern: str) -> str:
    """
    Which project, repository or queue the tickets go to.

    Raises:
        ValueError: it is missing, or not what this system `expects`.
    """
    given = config.get(PROJECT, "")
    if not re.fullmatch(pattern, given):
        raise ValueError(f"{PROJECT} is {given!r}; expected {expects}." if given else f"{PROJECT} is not set; expected {expects}.")
    return given


def labels(config: Mapping[str, str]) -> list[str]:
    """What every ticket is labelled with; may be empty."""
    return [label for part in config.get(LABELS, "").split(",") if (label := part.strip())]


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _parsed(body: bytes) -> Mapping[str, object] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _said(answer: Mapping[str, object]) -> str:
    """What the system says about a refusal: each of the four has its own key for it."""
    words = (answer.get(key) for key in ("message", "error", "errorMessages", "errors"))
    return "; ".join(word if isinstance(word, str) else json.dumps(word, ensure_ascii=False) for word in words if word)

"""
The process in which Apprise sends: one message at a time, each a line of JSON in and a line of JSON out.

It is a process of its own so that it can be ended when it takes too long, and so that it can be held to little, whatever Apprise or one of
its many plugins does: it asks the hosts that are named for the message and no others, by addresses that are public or allowed, or through a
proxy and nothing else; it follows no redirects, reads no more than the beginning of an answer, writes no files, starts no programs, and
nothing of what it logs is kept. Its environment is empty but for what `apprise` gives it.

The first line is `Bounds`, each further one `Job`; the answer to each job is `Outcome`.
"""

import ipaddress
import json
import os
import resource
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

import apprise
import requests
import urllib3
from apprise import NotifyFormat, NotifyType
from apprise.common import OverflowMode
from apprise.plugins.base import NotifyBase

from adapters.media.providers import is_one_of
from adapters.media.public import Network, address_in, is_public, is_web_port

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
MOST_BYTES = 65_536
MOST_MEMORY = 1 << 30
SHORT = 500
"""A provider that takes no more characters than this gets the short text."""

_UNSEEN = frozenset({"socket.bind", "socket.gethostbyname", "socket.sendmsg", "socket.sendto", "syslog.openlog", "syslog.syslog"})
_PROGRAMS = frozenset(
    {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pty.spawn", "subprocess.Popen"}
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True, slots=True)
class Bounds:
    """What holds for all messages: networks that may be asked although they are not public, and the proxy if there is one."""

    allowed: Sequence[str] = ()
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A message, in full and in short; `hosts` are those that may be asked, `tls_only` says that it has to be by https."""

    url: str
    title: str
    body: str
    short: str
    kind: str
    hosts: Sequence[str]
    tls_only: bool


@dataclass(slots=True)
class Outcome:
    """
    What came of it: whether Apprise says that it was sent, the last HTTP status and what `Retry-After` said.

    `asked` is true once anything may have arrived; `refused` says what was not allowed.
    """

    sent: bool = False
    status: int = 0
    retry_after: str = ""
    asked: bool = False
    refused: str = ""


class NotAllowed(OSError):
    """Something that this process must not do."""


class Guard:
    """Looks at every look-up and every connection. `begin` says what the next message may do."""

    def __init__(self, bounds: Bounds) -> None:
        self._allowed: Sequence[Network] = tuple(map(ipaddress.ip_network, bounds.allowed))
        proxy = urlsplit(bounds.proxy)
        self._proxy = (proxy.hostname or "", proxy.port or 80) if bounds.proxy else None
        self._look_up: Callable[..., Any] = socket.getaddrinfo
        self._open: set[tuple[str, int]] = set()
        self._hosts: tuple[str, ...] = ()
        self._tls_only = True
        self.outcome = Outcome()

    def begin(self, job: Job) -> None:
        """Forget what the message before was allowed."""
        self._open.clear()
        self._hosts, self._tls_only, self.outcome = tuple(job.hosts), job.tls_only, Outcome()

    def check(self, url: str, *, verified: bool) -> None:
        """
        Look at a request: its URL, and whether the server's certificate will be checked.

        Raises:
            NotAllowed: it leads to another host, or not by https as it should be.
        """
        target = urlsplit(url)
        if not verified:
            self._refuse("The certificate was not to be checked.")
        if target.scheme != "https" and (self._tls_only or target.scheme != "http"):
            self._refuse("It was to be asked without TLS.")
        if not is_one_of((target.hostname or "").lower(), self._hosts):
            self._refuse("Another host was to be asked than the one that is meant.")

    def look_up(self, host: Any, port: Any, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - what `getaddrinfo` takes and gives
        """Stand in for `getaddrinfo`: every address has to be one that may be asked."""
        name, number = host.decode() if isinstance(host, bytes) else str(host or ""), int(port or 0)
        if self._proxy and (name.lower(), number) != self._proxy:
            self._refuse("It was to be asked around the proxy.")
        found = self._look_up(name, number, *rest, **more)
        for place in found:
            if not self._proxy and not self._may_be_asked(str(place[4][0]), number):
                self._refuse("The host leads to an address that is not public.")
        self._open.update((str(place[4][0]), number) for place in found)
        return found

    def watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Be told of what Python does, before it does it."""
        if event == "socket.connect":
            address = arguments[1]
            if not isinstance(address, tuple) or (address[0], address[1]) not in self._open:
                self._refuse("A connection was to be made that nobody has looked at.")
        elif event in _UNSEEN:
            self._refuse("Something was to be sent around all that is known.")
        elif event in _PROGRAMS:
            self._refuse("A program was to be started.")
        elif event == "open" and _writes(arguments[1], arguments[2]):
            self._refuse("A file was to be written.")

    def _may_be_asked(self, text: str, port: int) -> bool:
        address = address_in(text.partition("%")[0])
        if address is None or not is_web_port(port):
            return False
        return is_public(address) or any(address in network for network in self._allowed)

    def _refuse(self, why: str) -> NoReturn:
        self.outcome.refused = self.outcome.refused or why
        raise NotAllowed(why)


def _writes(mode: object, flags: object) -> bool:
    return bool(isinstance(mode, str) and set(mode) & set("wax+")) or bool(isinstance(flags, int) and flags & _WRITING)


def guarded(send: Callable[..., requests.Response], guard: Guard) -> Callable[..., requests.Response]:
    """`requests.Session.send` that looks where it goes, follows nothing, and reads a little."""

    def look_and_send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401
        guard.check(str(request.url), verified=options.get("verify", True) is not False)
        outcome = guard.outcome
        outcome.status, outcome.retry_after = 0, ""
        request.headers["Accept-Encoding"] = "identity"
        try:
            answer = send(session, request, **{**options, "allow_redirects": False, "stream": True})
        except (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError):
            raise  # there was no connection that anything could be sent over
        except (requests.ConnectionError, requests.Timeout) as error:
            outcome.asked = outcome.asked or not _is_new(error)
            raise
        outcome.asked, outcome.status = True, answer.status_code
        outcome.retry_after = str(answer.headers.get("Retry-After", ""))[:100]
        body = b""
        with closing(answer), suppress(urllib3.exceptions.HTTPError):  # what comes after the status is of little use
            body = answer.raw.read(MOST_BYTES, decode_content=False)
        answer._content, answer._content_consumed = body, True  # noqa: SLF001 - so it is not read in whole
        return answer

    return look_and_send


def _is_new(error: Exception) -> bool:
    """Whether it is about a connection that could not be made."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(cause, urllib3.exceptions.NewConnectionError)  # also when a name has no address


def send(job: Job, guard: Guard) -> Outcome:
    """Send one message. Whatever goes wrong, there is an outcome."""
    guard.begin(job)
    try:
        guard.outcome.sent = _notify(job)
    except (Exception, SystemExit):  # noqa: BLE001 - a plugin may fail in any way, and what it says may have secrets in it
        guard.outcome.sent = False
    return guard.outcome


def _notify(job: Job) -> bool:
    messenger = made(job.url)
    if messenger is None:
        return False
    title, body = (job.title, job.body) if messenger.body_maxlen > SHORT else ("", job.short)
    ways = apprise.Apprise(asset=messenger.asset)
    ways.add(messenger)
    return bool(ways.notify(body=body, title=title, notify_type=NotifyType(job.kind), body_format=NotifyFormat.TEXT))


def made(url: str) -> NotifyBase | None:
    """What Apprise makes of a URL; None when it does not understand it."""
    messenger: NotifyBase | None = apprise.Apprise.instantiate(url, asset=_asset())
    if messenger is not None:
        messenger.overflow_mode = OverflowMode.TRUNCATE
        messenger.socket_connect_timeout, messenger.socket_read_timeout = CONNECT_SECONDS, ANSWER_SECONDS
    return messenger


def _asset() -> apprise.AppriseAsset:
    """How messages look: as Argus's, without pictures from elsewhere. Nothing is stored, nothing in a message is carried out."""
    return apprise.AppriseAsset(
        app_id="Argus",
        app_desc="Argus",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        http_redirects=False,
        interpret_escapes=False,
        interpret_emojis=False,
        secure_logging=True,
        storage_mode="memory",
        default_service_retry=0,
        pem_autogen=False,
        pgp_autogen=False,
    )


def main() -> None:
    """Work until nobody asks for anything more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    apprise.Apprise.instantiate("json://localhost", asset=_asset())  # the plugins are imported before anything is forbidden
    guard = Guard(Bounds(**json.loads(sys.stdin.readline())))
    socket.getaddrinfo = guard.look_up
    requests.Session.send = guarded(requests.Session.send, guard)  # type: ignore[method-assign]
    sys.addaudithook(guard.watch)
    for line in sys.stdin:
        print(json.dumps(asdict(send(Job(**json.loads(line)), guard))), file=answers, flush=True)


if __name__ == "__main__":
    main()

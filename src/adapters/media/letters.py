"""
How a notification becomes a mail: plain text, and the same as a page, on one thread for each incident.

What is the same for all recipients is made once for them; only the address, the ids and the profiles that asked for it are added to each.
"""

from binascii import b2a_qp
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from functools import cache, lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from adapters.media.addresses import for_envelope
from adapters.media.mail import MailServer, for_subject, new_headers, visible
from argus_core.domain.incidents import Incident, Level
from argus_core.domain.notifications import TEST, Notification, facts, footer, headline, level_of, state_of, tell, tell_earlier

_TEMPLATES = Path(__file__).with_name("templates")
_EVENTS_AT_A_TIME = 32
"""Of so many the common part is kept: a batch is about few events, for many people."""

# An equals sign in quoted-printable text is always followed by a number or the end of the line, so this is in no part.
_BOUNDARY = "=_argus_"
_FOOTER = "<!-- footer -->"
"""Where the last lines go; no text of anybody's has a "<" left when it is on a page."""

# Not by colour alone: many see few, and some print.
_LOOKS = {
    Level.CRITICAL: ("#b3161b", "\N{BLACK SQUARE}"),
    Level.HIGH: ("#b84a00", "\N{BLACK UP-POINTING TRIANGLE}"),
    Level.MODERATE: ("#806000", "\N{BLACK DIAMOND}"),
    Level.LOW: ("#1f6f43", "\N{BLACK CIRCLE}"),
    Level.INFORMATION: ("#3d5a80", "\N{WHITE CIRCLE}"),
}


@dataclass(frozen=True, slots=True)
class _Common:
    """What all mails about the same have, ready to be sent: headers, and each part up to and from the last lines."""

    headers: bytes
    text: bytes
    page: bytes
    end_of_page: bytes


class Letters:
    """Writes the mails that are handed in at one server."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._common = lru_cache(maxsize=_EVENTS_AT_A_TIME)(self._make_common)

    def write(self, notification: Notification, *, recipient: str, now: datetime) -> bytes:
        """The mail to one recipient, in ASCII with CRLF. A repetition has the same Message-ID."""
        last_lines = footer(notification.profiles)
        common = self._common(replace(notification, id="", profiles=(), text=_body(notification, last_lines)))
        asked = _template("footer.html").render(profiles=notification.profiles) if last_lines else ""
        own = {"To": for_envelope(recipient), "Date": format_datetime(now), "Message-ID": self._server.message_id(notification.id)}
        headers = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        text, page = common.text + _encoded(visible(last_lines)), common.page + _encoded(asked)
        return b"".join((headers.encode("ascii"), common.headers, text, page, common.end_of_page))

    def _make_common(self, notification: Notification) -> _Common:
        headers = new_headers(self._server, notification.subject)
        # All messages answer one that was never sent: so they are one thread, whichever of them arrives first, or at all.
        headers["In-Reply-To"] = headers["References"] = self._server.message_id(_thread(notification.incident))
        headers["MIME-Version"] = "1.0"
        page, _, end = _page(notification).partition(_FOOTER)
        return _Common(
            headers=headers.as_bytes().removesuffix(b"\r\n")
            + f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"\r\n\r\n'.encode(),
            text=_part("plain") + _encoded(visible(notification.text)),
            page=_part("html") + _encoded(page),
            end_of_page=_encoded(end) + f"\r\n--{_BOUNDARY}--\r\n".encode(),
        )


def _part(kind: str) -> bytes:
    return f"\r\n--{_BOUNDARY}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode()


def _encoded(text: str) -> bytes:
    """As quoted-printable. Lines end here, so that the next text can follow."""
    return b2a_qp(text.encode("utf-8", "replace")).replace(b"\n", b"\r\n")


def _page(notification: Notification) -> str:
    incident, zone = notification.incident, notification.zone
    colour, shape = _LOOKS[incident.level]
    events = notification.events
    title = headline(incident)
    first, _, rest = incident.description.strip().partition("\n")
    return _template("message.html").render(
        subject=for_subject(notification.subject),
        test=TEST if notification.test else "",
        colour=colour,
        shape=shape,
        level=level_of(incident.level),
        state="roundup" if notification.roundup else state_of(incident),
        source=incident.source.name,
        headline=title,
        newest=[tell(event, zone) for event in events[-1:]],
        earlier=tell_earlier(events, zone),
        description=rest.strip("\r\n") if first.strip() == title else incident.description.strip(),
        facts=() if notification.roundup else facts(incident, events, zone),
        link=notification.link,
    )


def _body(notification: Notification, last_lines: str) -> str:
    text = notification.text.removesuffix(last_lines)
    if not notification.link or notification.link in text:
        return text
    return f"{text.rstrip()}\n\n{notification.link}\n"


def _thread(incident: Incident) -> str:
    # The start tells installations apart that send from the same host and count their incidents alike.
    return f"incident-{incident.id}-{incident.start_time:%Y%m%dT%H%M%S}"


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(lines=_lines, is_web=_is_web)
    return environment


def _lines(text: str) -> list[str]:
    return visible(text).splitlines()


def _is_web(link: str) -> bool:
    """Whether somebody who clicks there gets to a page: `javascript:` and the like are shown, but lead nowhere."""
    return link.lower().startswith(("https://", "http://"))

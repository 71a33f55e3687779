"""The mailbox of a demo in a browser. What is in mails comes from strangers: it is shown as text, or in a frame that may do nothing."""

import asyncio
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.demo.mailbox import MOST, Mail, Mailbox
from adapters.http.answers import NEVER_KEPT, Answer, Header, html_answer
from adapters.http.auth import Access
from adapters.http.errors import detail

_OPEN = {"access": Access.ANYBODY}
_POLICY: Header = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; form-action 'none'; frame-ancestors 'none'",
)
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
"""Links may be followed, elsewhere; that is all."""

_PAGE_POLICY: Header = (
    b"content-security-policy",
    f"sandbox {_SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'".encode(),
)
_PRIVATE: Header = (b"referrer-policy", b"no-referrer")


def mailbox_routes(folder: Path, zone: str) -> list[HTTPRouteHandler]:
    """The list of mails, one of them, and its page alone. No token is asked for: a demo serves this machine only."""
    mailbox, local = Mailbox(folder), ZoneInfo(zone)

    @get("/demo/mailbox/", opt=_OPEN)
    async def newest() -> Answer:
        return await asyncio.to_thread(lambda: _page("mailbox.html", local, mails=list(mailbox.newest()), most=MOST))

    @get("/demo/mailbox/{number:int}/", opt=_OPEN)
    async def one(number: FromPath[int]) -> Answer:
        mail = _found(mailbox, number)
        return _page("mail.html", local, mail=mail, page=bool(mail.part("html")), text=mail.part("plain"), sandbox=_SANDBOX)

    @get("/demo/mailbox/{number:int}/page/", opt=_OPEN)
    async def page(number: FromPath[int]) -> Answer:
        shown = _found(mailbox, number).part("html").replace("<head>", '<head><base target="_blank">', 1)  # not inside the frame
        return html_answer(shown, _PAGE_POLICY, _PRIVATE, NEVER_KEPT)

    return [newest, one, page]


def _found(mailbox: Mailbox, number: int) -> Mail:
    mail = mailbox.find(number)
    if mail is None:
        raise detail(404, "Not found.")
    return mail


def _page(template: str, zone: ZoneInfo, **shown: object) -> Answer:
    return html_answer(_environment().get_template(template).render(zone=zone, **shown), _POLICY, _PRIVATE, NEVER_KEPT)


@cache
def _environment() -> Environment:
    templates = FileSystemLoader(Path(__file__).with_name("templates"))
    environment = Environment(loader=templates, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["shown"] = _shown
    return environment


def _shown(text: str) -> str:
    """On one line, and something to click on even if there is nothing to read."""
    return " ".join(text.split()) or "(nothing)"

"""How a page is sent: made from a template, never kept, and with a policy by which nothing runs that is not a file of ours."""

import gzip
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import Cookie

from adapters.web.guests import Guest
from argus_core.domain.notifications import heard_late

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "same-origin",  # without any, browsers do not say where a form comes from
    "cross-origin-opener-policy": "same-origin",
}
# In this order: most say that they are others, too.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrom", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_HTML = "text/html"
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def page(
    template: str,
    guest: Guest | None = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    background: BackgroundTask | None = None,
    cookies: Iterable[Cookie] = (),
    **shown: object,
) -> Response[bytes]:
    """A page for somebody; without a guest, one that is the same for all."""
    room = template.partition("/")[0]
    body = _environment().get_template(template).render(guest=guest, room=room, **shown).encode()
    kept = [*(guest.cookies if guest else ()), *cookies]
    return Response(
        body, media_type=_HTML, status_code=status, headers={**_HEADERS, **(headers or {})}, cookies=kept, background=background
    )


def compact(answer: Response[bytes], accepted: str) -> Response[bytes]:
    """The same page in fewer bytes, if the browser takes that."""
    answer.headers["vary"] = "accept-encoding"
    if "gzip" in accepted:
        answer.content = gzip.compress(answer.content, compresslevel=1, mtime=0)
        answer.headers["content-encoding"] = "gzip"
    return answer


def sent() -> dict[str, str]:
    """The headers of whatever else is sent to somebody who is logged in."""
    return dict(_HEADERS)


def go(path: str, cookies: Iterable[Cookie] = (), status: int = 303) -> Response[bytes]:
    """Look there instead."""
    return Response(b"", status_code=status, headers={**_HEADERS, "location": path}, media_type=_HTML, cookies=list(cookies))


@cache
def _environment() -> Environment:
    templates = FileSystemLoader(Path(__file__).with_name("templates"))
    environment = Environment(loader=templates, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["moment"] = _moment
    environment.filters["browser"] = browser
    environment.filters["exact"] = _exact
    environment.filters["plain_json"] = _plain_json
    environment.filters["lasting"] = lasting
    environment.tests["heard_late"] = heard_late
    return environment


def browser(agent: str) -> str:
    """What people call the browser that says this of itself; all of it when nobody has a name for it."""
    name = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{name} on {system}" if name and system else name or agent or "An unknown browser"


def lasting(span: timedelta) -> str:
    """How long something takes, in the two units that say most."""
    seconds = int(span.total_seconds())
    for (name, size), (smaller, small) in pairwise((*_UNITS, ("", 0))):
        if seconds >= size:
            rest = seconds % size // small if small else 0
            return f"{seconds // size} {name} {rest} {smaller}" if rest else f"{seconds // size} {name}"
    return "0 s"


def _exact(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _plain_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")

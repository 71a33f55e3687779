"""The audit log: look for something, page by page, and take it along."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from adapters import exports
from adapters.web.admin.desk import MOST, Desk, asked
from adapters.web.forms import Form, number_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web
from argus_core.domain.audit import AuditPage, AuditQuery, Deed
from argus_core.domain.errors import Invalid, NotFound
from argus_core.domain.limits import storable
from argus_core.domain.permissions import Act

_FILTERS = ("who", "deed", "about", "outcome", "since", "until")
_OUTCOMES = {"done": True, "refused": False}
_MOST_SOUGHT = 1_000


def audit_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """`/admin/audit/` and its export."""
    desk = Desk(web, guests)

    @get("/admin/audit/")
    async def audit(request: PageRequest) -> Response[bytes]:
        caller, form = await desk.open(request, Act.READ_AUDIT), asked(request, *_FILTERS)
        try:
            query = _query(form, web)
            found = await web.administration.records(caller.by, query, MOST, number_in(request.query_params.get("before", "")) or None)
        except Invalid as error:
            found, form = AuditPage((), more=False), form.wrong(error.errors)
        except NotFound:
            found = AuditPage((), more=False)
        chosen = urlencode({name: form.get(name) for name in _FILTERS if form.get(name)})
        deeds = [("", "any"), *((deed.value, deed.value) for deed in Deed)]
        return caller.page("audit.html", here="audit", form=form, found=found, chosen=chosen, deeds=deeds)

    @get("/admin/audit/export/")
    async def export(request: PageRequest) -> Stream:
        caller = await desk.open(request, Act.READ_AUDIT)
        records = web.administration.all_records(caller.by, _query(asked(request, *_FILTERS), web))
        csv = request.query_params.get("format") == "csv"
        return Stream(
            exports.audit_lines(records, as_csv=csv),
            media_type="text/csv; charset=utf-8" if csv else "application/jsonl; charset=utf-8",
            headers={
                "content-disposition": f'attachment; filename="audit.{"csv" if csv else "jsonl"}"',
                "cache-control": "no-store",
            },
        )

    return [audit, export]


def _query(form: Form, web: Web) -> AuditQuery:
    """
    Which records are wanted.

    Raises:
        Invalid: under `since` or `until`, what is no moment.
    """
    moments = {name: _moment(form.text(name), name, web) for name in ("since", "until")}
    return AuditQuery(
        username=_text(form, "who"),
        deed=next((deed for deed in Deed if deed.value == form.get("deed")), None),
        about=_text(form, "about"),
        done=_OUTCOMES.get(form.get("outcome")),
        since=moments["since"],
        until=moments["until"],
    )


def _text(form: Form, name: str) -> str | None:
    return storable(form.text(name), _MOST_SOUGHT) or None


def _moment(text: str, name: str, web: Web) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at.replace(tzinfo=web.zone) if at.tzinfo is None else at).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid({name: "Give a moment like 2026-01-31 or 2026-01-31T12:00."}) from None

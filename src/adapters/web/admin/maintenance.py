"""Planned maintenance: what there is, one with all about it, and calling it off. Everybody may look, staff acts."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from adapters.web.admin import files
from adapters.web.admin.desk import MOST, Caller, Desk, asked
from adapters.web.admin.hours import hours_said
from adapters.web.answers import go
from adapters.web.forms import Form, number_in, pk_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.notifications.hub import delivery_line
from adapters.web.notifications.matches import matches, names_of_sources
from adapters.web.services import Web
from adapters.web.taken_along import file_of
from adapters.web.wording import Names, Said, say
from argus_core.domain.errors import MaintenanceIsOver
from argus_core.domain.ids import DeliveryId, MaintenanceId, UserId
from argus_core.domain.maintenance import Maintenance, Phase, arranged
from argus_core.domain.permissions import Act
from argus_core.domain.runs import runs_after
from argus_core.domain.saved_filters import SavedFilter

MOST_LISTED = 20
MOST_RUNS = 5
MOST_INCIDENTS = 10

ROOT = "/admin/maintenance/"
_NEWS = {
    "planned": "The maintenance is planned.",
    "changed": "The change is kept.",
    "ended": "It has ended: whoever was kept from hearing of something gets a message in a moment.",
    "gone": "The maintenance is called off.",
}


def maintenance_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """`/admin/maintenance/`, but for planning."""
    desk = Desk(web, guests)

    @get(ROOT)
    async def many(request: PageRequest) -> Response[bytes]:
        caller, form = await desk.open(request, Act.READ), asked(request, "q", "phase", "page")
        phase = _phase(form)
        number = min(max(number_in(form.get("page")), 1), 1_000_000)
        found, more = await web.maintenance.listed(phase, form.get("q"), MOST_LISTED, number)
        return caller.page(
            "maintenances.html",
            here="maintenance",
            form=form,
            rows=[in_short(web, one) for one in found],
            phases=[("", "any"), *((one.value, one.value) for one in Phase)],
            plans=caller.may(Act.PLAN_MAINTENANCE),
            number=number,
            more=more,
            news=_NEWS.get(request.query_params.get("done", ""), ""),
        )

    @get(ROOT + "export/")
    async def export(request: PageRequest) -> Stream:
        await desk.open(request, Act.READ)
        form, now = asked(request, "q", "phase"), web.clock()
        found = arranged(await web.maintenance.all(), now, _phase(form), form.get("q"))
        objects = [files.maintenance(one, now) for one in found]
        return file_of(files.at_once(objects), files.MAINTENANCE, "maintenance", request.query_params.get("form", ""))

    @get("/admin/maintenance/{pk:int}/")
    async def one(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.open(request, Act.READ)
        return await shown(caller, await find(web, pk), asked(request, "before"), _NEWS.get(request.query_params.get("done", ""), ""))

    @get("/admin/maintenance/{pk:int}/end/")
    async def ask(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.open(request, Act.PLAN_MAINTENANCE)
        return _question(caller, await find(web, pk), web)

    @post("/admin/maintenance/{pk:int}/end/")
    async def end(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.PLAN_MAINTENANCE)
        maintenance = await find(web, pk)
        try:
            await web.maintenance.seen_from(caller.by.origin).cancel(caller.by.actor, maintenance.id)
        except MaintenanceIsOver as error:
            return await shown(caller, await find(web, pk), Form(), refused=error.message)
        left = maintenance.phase(web.clock()) is not Phase.FUTURE
        return go(f"{ROOT}{maintenance.id}/?done=ended" if left else f"{ROOT}?done=gone")

    return [many, export, one, ask, end]


async def find(web: Web, pk: int) -> Maintenance:
    """
    The one with this number.

    Raises:
        NotFound: there is none.
    """
    return await web.maintenance.one(MaintenanceId(pk_in(pk)))


async def shown(caller: Caller, maintenance: Maintenance, form: Form, news: str = "", refused: str = "") -> Response[bytes]:
    """One of them, what it is about, and what it has kept back so far; and why nothing came of what somebody wanted."""
    web, actor = caller.web, caller.by.actor
    found = await web.maintenance.deliveries(actor, maintenance.id, MOST + 1, DeliveryId(number_in(form.get("before"))) or None)
    kept = found[:MOST]
    names = await _names(web, {maintenance.created_by, *(delivery.owner for delivery in kept)})
    sources = await names_of_sources(web)
    return caller.page(
        "maintenance.html",
        here="maintenance",
        form=form,
        status=409 if refused else 200,
        refused=refused,
        one=in_short(web, maintenance),
        creator=names[maintenance.created_by],
        filters=filters_said(maintenance.filters, sources),
        preview=await matches(web, caller.guest, maintenance.condition, None, MOST_INCIDENTS),
        withheld=await web.maintenance.withheld(actor, maintenance.id),
        deliveries=[{"owner": names[one.owner], **delivery_line(one)} for one in kept],
        last=kept[-1].id if len(found) > MOST else None,
        everybodys=actor.administers,
        plans=caller.may(Act.PLAN_MAINTENANCE) and maintenance.phase(web.clock()) is not Phase.PAST,
        news=news,
    )


def _phase(form: Form) -> Phase | None:
    return next((one for one in Phase if one.value == form.get("phase")), None)


def in_short(web: Web, maintenance: Maintenance) -> dict[str, Any]:
    """What a list shows of one: `next` are the spans in which it will run, the first of which it may be in."""
    now = web.clock()
    phase, runs = maintenance.phase(now), maintenance.runs(now)
    return {
        "maintenance": maintenance,
        "phase": phase.value,
        "state": "runs now" if runs else "between its hours" if phase is Phase.CURRENT else "to come" if phase is Phase.FUTURE else "over",
        "runs": runs,
        "hours": hours_said(maintenance.windows),
        "next": list(islice(runs_after(maintenance, now), MOST_RUNS)) if phase is not Phase.PAST else [],
        "now": now,
    }


def _question(caller: Caller, maintenance: Maintenance, web: Web) -> Response[bytes]:
    title = maintenance.title
    if maintenance.phase(web.clock()) is Phase.FUTURE:
        question, text, button = f"Call {title} off?", "It has not begun; nothing of it will be left.", "Call it off"
    else:
        question, button = f"End {title} now?", "End it now"
        text = "Whoever was kept from hearing of something gets one message about it. It stays in the list."
    return caller.confirm(question, button=button, back=f"{ROOT}{maintenance.id}/", text=text)


async def _names(web: Web, ids: set[UserId]) -> dict[UserId, str]:
    """What these users are called."""
    known = await web.accounts.names(ids)
    return {id_: known.get(id_, f"user {id_}") for id_ in ids}


def filters_said(filters: Sequence[SavedFilter], sources: Names) -> list[tuple[SavedFilter, Said | None]]:
    """Filters, and what they say in words; of one that says nothing None."""
    return [(one, say(one.definition.condition, sources) if one.definition.condition else None) for one in filters]

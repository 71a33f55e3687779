"""What became of notifications: find them, try them again, or take them away; and events about which nobody can decide."""

from functools import partial

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from adapters.web.admin.desk import MOST, Caller, Desk, asked
from adapters.web.answers import go
from adapters.web.forms import Form, number_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web
from adapters.web.taken_along import DELIVERY_FIELDS, file_of
from adapters.web.taken_along import deliveries as as_objects
from argus_core.domain.deliveries import RETRIED, DeliveryStatus
from argus_core.domain.errors import Invalid
from argus_core.domain.ids import DeliveryId, IncidentId
from argus_core.domain.permissions import Act
from argus_core.usecases.administration import Part, Wanted

_FILTERS = ("status", "user", "incident")
_MOST_STUCK = 20


def delivery_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """Under `/admin/deliveries/`."""
    desk = Desk(web, guests)

    async def show(caller: Caller, form: Form, *, news: str = "") -> Response[bytes]:
        try:
            part = await web.administration.deliveries(caller.by, _wanted(form), MOST, DeliveryId(number_in(form.get("before"))) or None)
        except Invalid as error:
            part, form = Part((), more=False), form.wrong(error.errors)
        return caller.page(
            "deliveries.html",
            here="deliveries",
            form=form,
            part=part,
            names=await web.administration.names(caller.by, {delivery.owner for delivery in part.items}),
            statuses=[("", "any"), *((one.value, one.value) for one in DeliveryStatus)],
            retried=RETRIED,
            waiting=DeliveryStatus.WAITING,
            stuck=await web.administration.stuck(caller.by, _MOST_STUCK),
            news=news,
        )

    @get("/admin/deliveries/")
    async def deliveries(request: PageRequest) -> Response[bytes]:
        caller = await desk.open(request)
        return await show(caller, asked(request, *_FILTERS, "before"), news=_news(request))

    @get("/admin/deliveries/export/")
    async def export(request: PageRequest) -> Stream | Response[bytes]:
        caller, form = await desk.open(request), asked(request, *_FILTERS)
        try:
            listed = await web.administration.all_deliveries(caller.by, _wanted(form))
        except Invalid:
            return await show(caller, form)
        objects = as_objects(listed, partial(web.administration.names, caller.by))
        return file_of(objects, DELIVERY_FIELDS, "deliveries", request.query_params.get("form", ""))

    @post("/admin/deliveries/retry/")
    async def retry(request: PageRequest) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_DELIVERIES)
        ids = _ids(caller.form)
        done = await web.administration.retry(caller.by, ids)
        return go(f"/admin/deliveries/?retried={len(done)}&of={len(ids)}")

    @post("/admin/deliveries/drop/")
    async def drop(request: PageRequest) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_DELIVERIES)
        ids = _ids(caller.form)
        if ids and not caller.form.has("sure"):
            return caller.confirm(
                f"Take {len(ids)} {'delivery' if len(ids) == 1 else 'deliveries'} away?",
                button="Take away",
                back="/admin/deliveries/",
                text="What waits will not be sent; somebody may not hear of an incident. What was sent already stays as it is.",
                ids=tuple(ids),
            )
        done = await web.administration.drop(caller.by, ids)
        return go(f"/admin/deliveries/?dropped={len(done)}&of={len(ids)}")

    return [deliveries, export, retry, drop]


def _wanted(form: Form) -> Wanted:
    incident, status = form.text("incident"), form.get("status")
    return Wanted(
        status=next((one for one in DeliveryStatus if one.value == status), None),
        username=form.text("user"),
        incident_id=IncidentId(number_in(incident)) if incident else None,
    )


def _ids(form: Form) -> list[DeliveryId]:
    return [DeliveryId(number) for number in form.ids("delivery")]


def _news(request: PageRequest) -> str:
    query = request.query_params
    of = number_in(query.get("of", ""))
    if "retried" in query:
        return f"{number_in(query['retried'])} of {of} wait to be sent now." if of else "Choose deliveries first."
    if "dropped" in query:
        return f"{number_in(query['dropped'])} of {of} are taken away." if of else "Choose deliveries first."
    return ""

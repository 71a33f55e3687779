"""Planning maintenance: when, in which hours, and about what, with a look at what would come of it while it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.web import seen
from adapters.web.admin.desk import Caller, Desk
from adapters.web.admin.hours import WEEKS
from adapters.web.admin.maintenance import MOST_RUNS, ROOT, filters_said, find, shown
from adapters.web.answers import go, page
from adapters.web.forms import Form, number_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.incident.acts import local_moment
from adapters.web.notifications import builder, filters, timeslots
from adapters.web.notifications.matches import matches, names_of_sources, trouble
from adapters.web.notifications.week import DAYS
from adapters.web.services import Web
from argus_core.domain.errors import Invalid, MaintenanceIsOver
from argus_core.domain.filters import All
from argus_core.domain.ids import FilterId, MaintenanceId, UserId
from argus_core.domain.limits import moment_problem, require
from argus_core.domain.maintenance import MADE_FOR_IT, Maintenance, Phase, Window
from argus_core.domain.permissions import Act
from argus_core.domain.runs import Run, runs_after
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import check_zone

_HOURS = "hours:"
_NOTHING = FilterDefinition()


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What the form says; `start` is None for now, `end` for as long as nobody ends it.

    Filters are one's own ones that are `chosen`, those of the maintenance that are `staying`, and what is said `besides`.
    """

    start: datetime | None
    end: datetime | None
    zone: str
    description: str
    windows: tuple[Window, ...]
    chosen: tuple[FilterId, ...]
    staying: frozenset[FilterId]
    besides: FilterDefinition | None


def planning_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901 - one for each page
    """`/admin/maintenance/new/`, and `change/` of each."""
    desk = Desk(web, guests)

    async def edit(caller: Caller, present: Maintenance | None, form: Form) -> Response[bytes]:
        own = (await web.profiles.belongings(caller.by.actor.id)).filters
        sources = await names_of_sources(web)
        has = present.filters if present else ()
        return caller.page(
            "maintenance_plan.html",
            here="maintenance",
            form=form,
            present=present,
            begun=present is not None and present.phase(web.clock()) is not Phase.FUTURE,
            has=filters_said([one for one in has if one.name != MADE_FOR_IT], sources),
            own=filters_said([one for one in own if one not in has], sources),
            rows=timeslots.rows_of(form),
            days=DAYS,
            weeks=WEEKS,
            zones=timeslots.zones(),
            left_out=("eventTypes",),
            **await filters.asking(web, form, builder.read(form)),
            **await preview(caller, present, form),
        )

    async def preview(caller: Caller, present: Maintenance | None, form: Form) -> dict[str, Any]:
        """What the plan in the form would be about now, and when it would run."""
        try:
            plan = plan_of(form, present, web)
        except Invalid as error:
            return {"preview": trouble(" ".join(dict.fromkeys(error.errors.values()))), "runs": ()}
        asked = (one.definition.incident_condition for one in await _filters_of(caller, present, plan))
        conditions = [condition for condition in asked if condition is not None]
        found = await matches(web, caller.guest, All(tuple(conditions)) if conditions else None, None)
        return {"preview": found, "runs": _runs(plan, web.clock())}

    async def keep(caller: Caller, present: Maintenance | None) -> Response[bytes]:
        form = after(caller.form)
        if form.has("do"):
            return await edit(caller, present, form)
        try:
            plan = plan_of(form, present, web)
            made = await (_plan(caller, plan) if present is None else _change(replace(caller, form=form), present, plan))
        except Invalid as error:
            return await edit(caller, present, form.wrong(placed(error.errors, form)))
        except seen.ChangedMeanwhile as error:
            newer = await find(web, present.id if present else 0)
            return await edit(caller, newer, _ticked(error.form, newer))
        except MaintenanceIsOver as error:
            return await shown(caller, await find(web, present.id if present else 0), Form(), refused=error.message)
        return go(f"{ROOT}{made.id}/?done={'planned' if present is None else 'changed'}")

    @get("/admin/maintenance/new/")
    async def ask_new(request: PageRequest) -> Response[bytes]:
        caller = await desk.open(request, Act.PLAN_MAINTENANCE)
        return await edit(caller, None, Form({"zone": [web.zone.key]}))

    @post("/admin/maintenance/new/")
    async def add(request: PageRequest) -> Response[bytes]:
        return await keep(await desk.sent(request, Act.PLAN_MAINTENANCE), None)

    @get("/admin/maintenance/{pk:int}/change/")
    async def ask(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.open(request, Act.PLAN_MAINTENANCE)
        present = await find(web, pk)
        if present.phase(web.clock()) is Phase.PAST:
            return go(f"{ROOT}{present.id}/")
        return await edit(caller, present, seen.marked(form_of(present)))

    @post("/admin/maintenance/{pk:int}/change/")
    async def change(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.PLAN_MAINTENANCE)
        return await keep(caller, await find(web, pk))

    @post("/admin/maintenance/preview/", status_code=200)
    async def look(request: PageRequest) -> Response[bytes]:
        caller = await desk.sent(request, Act.PLAN_MAINTENANCE)
        number = number_in(caller.form.get("of"))
        present = await find(web, number) if number else None
        return page("admin/maintenance_preview.html", caller.guest, zone=web.zone, **await preview(caller, present, caller.form))

    return [ask_new, add, ask, change, look]


async def _plan(caller: Caller, plan: Plan) -> Maintenance:
    web = caller.web
    return await web.maintenance.seen_from(caller.by.origin).plan(
        caller.by.actor,
        start=plan.start or web.clock(),
        end=plan.end,
        filter_ids=plan.chosen,
        description=plan.description,
        windows=plan.windows,
        zone=plan.zone,
        besides=plan.besides,
    )


async def _change(caller: Caller, present: Maintenance, plan: Plan) -> Maintenance:
    start, filters_ = plan.start or caller.web.clock(), await _filters_of(caller, present, plan)

    def change(now: Maintenance) -> Maintenance:
        wanted = replace(now, start=start, end=plan.end, description=plan.description, windows=plan.windows, zone=plan.zone)
        if now.phase(caller.web.clock()) is not Phase.PAST:  # it says better itself that nothing about it changes any more
            seen.check(caller.form, form_of(now), form_of(replace(wanted, filters=filters_)), f"{ROOT}{now.id}/")
        return wanted

    maintenance = caller.web.maintenance.seen_from(caller.by.origin)
    return await maintenance.change(caller.by.actor, present.id, change, plan.chosen, staying=plan.staying, besides=plan.besides)


async def _filters_of(caller: Caller, present: Maintenance | None, plan: Plan) -> tuple[SavedFilter, ...]:
    """Those that it will have; what is said besides is one that has no number yet."""
    owner = caller.by.actor.id
    chosen = [one for one in (await caller.web.profiles.belongings(owner)).filters if one.id in plan.chosen]
    staying = [one for one in (present.filters if present else ()) if one.id in plan.staying and one.id not in plan.chosen]
    made = [SavedFilter(id=FilterId(0), owner=owner, name=MADE_FOR_IT, definition=plan.besides)] if plan.besides else []
    return (*staying, *chosen, *made)


def plan_of(form: Form, present: Maintenance | None, web: Web) -> Plan:
    """
    What the form says.

    Raises:
        Invalid: the keys are names of fields, or paths of conditions.
    """
    problems: dict[str, str] = {}
    zone = form.text("zone") or web.zone.key
    try:
        check_zone(zone)
    except Invalid as error:
        problems |= error.errors
    clock = ZoneInfo(zone) if not problems else web.zone
    moments: dict[str, datetime | None] = {}
    known = (present.start, present.end) if present else (None, None)
    for name, before in zip(("start_time", "end_time"), known, strict=True):
        try:
            moments[name] = _moment(form.text(name), clock, name, before)
        except Invalid as error:
            problems |= error.errors
    windows: tuple[Window, ...] = ()
    try:
        windows = tuple(_windows(form))
    except Invalid as error:
        problems |= error.errors
    definition = _NOTHING
    try:
        definition = filters.definition_of(form, builder.read(form))
    except Invalid as error:
        problems |= error.errors
    if problems:
        raise Invalid(problems)
    return Plan(
        start=present.start if present and not form.has("start_time") else moments["start_time"],
        end=moments["end_time"],
        zone=zone,
        description=form.text("description"),
        windows=windows,
        chosen=tuple(map(FilterId, form.ids("filters"))),
        staying=frozenset(_staying(form, present)),
        besides=None if definition == _NOTHING else definition,
    )


def form_of(present: Maintenance) -> Form:
    """The form as it describes a maintenance."""
    zone = ZoneInfo(present.zone)
    made = next((one for one in present.filters if one.name == MADE_FOR_IT), None)
    values: dict[str, Sequence[str]] = {}
    if made is not None:
        values |= filters.form_of(made).values
    values |= timeslots.described([window.hours for window in present.windows])
    for number, window in enumerate(present.windows):
        values[f"r.{number}.weeks"] = [str(week) for week in sorted(window.weeks)]
    values |= {
        "description": [present.description],
        "zone": [present.zone],
        "start_time": [_written(present.start, zone)],
        "end_time": [_written(present.end, zone) if present.end else ""],
        "staying": [str(one.id) for one in present.filters if one.name != MADE_FOR_IT],
    }
    return Form(values)


def after(form: Form) -> Form:
    """The form after a button in it was pressed: hours more or less, or a condition more or less."""
    do = form.get("do")
    if do.startswith(_HOURS):
        return timeslots.after(Form({**form.values, "do": [do.removeprefix(_HOURS)]}))
    others = {name: values for name, values in form.values.items() if not name.startswith(f"{builder.ROOT}.")}
    return Form({**others, **builder.fields_of(builder.after(builder.read(form), form))})


def placed(errors: Mapping[str, str], form: Form) -> Mapping[str, str]:
    """What is wrong, by the fields of the form; what no field is for is said across all of it."""
    return timeslots.placed(errors, timeslots.rows_of(form))


def _ticked(form: Form, present: Maintenance) -> Form:
    """The form with the same filters ticked where they are offered now: as those it has, or as one's own."""
    has = {str(one.id) for one in present.filters}
    chosen, staying = form.all("filters"), form.all("staying")
    gone = [id_ for id_ in staying if id_ not in has]
    return replace(form, values={**form.values, "filters": [*chosen, *gone], "staying": [*staying, *chosen]})


def _windows(form: Form) -> Sequence[Window]:
    hours = timeslots.read(form)
    weeks = [frozenset(week for week, _ in WEEKS if str(week) in form.all(f"r.{row}.weeks")) for row in timeslots.rows_of(form)]
    return [Window(hours=one, weeks=some) for one, some in zip(hours, weeks, strict=True)]


def _moment(text: str, zone: ZoneInfo, name: str, before: datetime | None) -> datetime | None:
    """The moment that is meant; the one of before, to the microsecond, if a field shows it as it did."""
    if not text:
        return None
    if before is not None and text == _written(before, zone):
        return before
    moment = local_moment(text, zone, name)
    require({name: moment_problem(moment)})
    return moment


def _written(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def _staying(form: Form, present: Maintenance | None) -> Sequence[FilterId]:
    """Those of its filters that are ticked; the one that was said with the plan stays as the form says it now."""
    ticked = form.ids("staying")
    return [one.id for one in present.filters if one.id in ticked and one.name != MADE_FOR_IT] if present else []


def _runs(plan: Plan, now: datetime) -> Sequence[Run]:
    start = plan.start or now
    if plan.end is not None and plan.end <= start:
        return ()
    draft = Maintenance(
        id=MaintenanceId(0),
        created_by=UserId(0),
        created=now,
        description="",
        start=start,
        end=plan.end,
        filters=(),
        windows=plan.windows,
        zone=plan.zone,
    )
    return list(islice(runs_after(draft, now), MOST_RUNS))

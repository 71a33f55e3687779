"""Under `/incidents/`."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from adapters.web.answers import compact, go, page, sent
from adapters.web.forms import filled_in, number_in
from adapters.web.guests import Guest, Guests, NotLoggedIn, PageRequest
from adapters.web.incident.acts import ENDINGS, UNTIL, zone_of
from adapters.web.incidents.acts import Asked, Outcome, do
from adapters.web.incidents.conditions import expression_in_words, meant
from adapters.web.incidents.export import as_csv, as_json
from adapters.web.incidents.places import cursor, far_end, position
from adapters.web.incidents.saved import NOT_ASKED, Kept, keep_view
from adapters.web.incidents.shown import shown
from adapters.web.incidents.stream import OVER, told
from adapters.web.incidents.tags import KnownTags
from adapters.web.incidents.views import COLUMNS, FIELDS, MOST_ROWS, NEWEST_FIRST, ORDER_WORDS, View
from adapters.web.live import Look
from adapters.web.services import Web
from adapters.web.wording import LEVELS
from argus_core.domain.actors import Actor
from argus_core.domain.errors import Invalid
from argus_core.domain.filters import All, Condition, Either, IdIn
from argus_core.domain.ids import IncidentId
from argus_core.domain.permissions import confined_to
from argus_core.ports.incidents import IncidentRow, Order, Page, Position
from argus_core.usecases.reading import Reading

COUNTED = 1_000
"""More are not counted."""

MOST_SOURCES = 300
"""So many sources are listed to choose from; more than that are found by name."""

STEPS = ("Newest", "Newer", "Older", "Oldest")
OTHER_STEPS = ("First", "Previous", "Next", "Last")
"""What the links to other pages are called."""

_QUICK = ("2h", "tomorrow", "good")
_EXPORTS: Mapping[str, tuple[Callable[[Reading, Condition, datetime, Order], AsyncIterator[bytes]], str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "json": (as_json, "application/json"),
}


@dataclass(frozen=True, slots=True)
class Looking:
    """Somebody who looks at a view. `condition` is None when there is something wrong with it."""

    guest: Guest
    actor: Actor
    view: View
    reading: Reading
    now: datetime
    condition: Condition | None
    problems: Mapping[str, str]
    position: Position | None = None


def incident_list_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901, PLR0915 - one for each page
    """The list, its parts, its stream, and what is done about many incidents at once."""
    known_tags = KnownTags(web.clock)

    async def looking(request: PageRequest, guest: Guest, query: bytes | None = None) -> Looking:
        actor = await web.accounts.acting(guest.user)
        view = View.of(request.scope["query_string"] if query is None else query)
        reading, now = web.reading.seen_by(actor), web.clock()
        try:
            condition = await meant(web, view, actor)
        except Invalid as wrong:
            return Looking(guest, actor, view, reading, now, None, wrong.errors)
        return Looking(guest, actor, view, reading, now, condition, {}, position(web.addresses, view.get("cursor"), view.order))

    async def rows_of(look: Looking) -> Page[IncidentRow]:
        if look.condition is None:
            return Page((), None, None)
        return await look.reading.page(look.condition, look.now, look.view.size, look.position, look.view.order)

    async def listed(
        look: Looking, outcome: Outcome | None = None, kept: Kept = NOT_ASKED, chosen: frozenset[int] = frozenset()
    ) -> Response[bytes]:
        found = await rows_of(look)
        flapping = await web.notifications.flapping(found.rows)
        under = await web.maintenance.covering(look.reading, [row.id for row in found.rows])
        own = await web.profiles.belongings(look.actor.id)
        sources = await web.accounts.sources()
        view = look.view

        def link(place: Position | None) -> str:
            return view.link(cursor=cursor(web.addresses, place)) if place else ""

        return page(
            "incidents/page.html",
            look.guest,
            status=400 if look.problems or kept.problem else outcome.status if outcome else 200,
            view=view,
            rows=[shown(row, look.now, flapping, maintenances=under.get(row.id, ())) for row in found.rows],
            chosen=chosen,
            next=link(found.next),
            previous=link(found.previous),
            last=link(found.next and far_end(view.order)),
            first=view.link(cursor="") if view.get("cursor") else "",
            steps=STEPS if view.sort == NEWEST_FIRST else OTHER_STEPS,
            order_words=ORDER_WORDS[view.sort],
            problems=look.problems,
            outcome=outcome,
            kept=kept,
            now=look.now,
            zone=web.zone,
            columns=COLUMNS,
            fields=FIELDS,
            levels=LEVELS,
            sources=sources if len(sources) <= MOST_SOURCES else [one for one in sources if view.has("source__id__in", str(one.id))],
            all_sources=len(sources),
            types=sorted({source.type for source in sources}),
            filters=own.filters,
            shared=[one for one in await web.profiles.shared_filters() if one.filter.owner != look.actor.id],
            besides=await expression_in_words(web, view),
            until={**{name: UNTIL[name] for name in _QUICK}, **ENDINGS},
            ticket_system=web.tickets.system,
        )

    @get("/incidents/")
    async def many(request: PageRequest) -> Response[bytes]:
        answer = await listed(await looking(request, await guests.known(request)))
        return compact(answer, request.headers.get("accept-encoding", ""))

    @get("/incidents/rows/")
    async def some_rows(request: PageRequest) -> Response[bytes]:
        """These rows as they are now, each with whether it still belongs to the list; open pages ask when they hear of changes."""
        look = await looking(request, await guests.left_open(request))
        wanted = [number for text in request.query_params.get("rows", "").split(",")[:MOST_ROWS] if (number := number_in(text))]
        these = IdIn(frozenset(map(IncidentId, wanted)))
        rows = (await look.reading.page(these, look.now, MOST_ROWS)).rows if wanted else ()
        matching = (await look.reading.page(All((these, look.condition or Either(()))), look.now, MOST_ROWS)).rows if rows else ()
        fitting = {row.id for row in matching}
        flapping = await web.notifications.flapping(rows)
        under = await web.maintenance.covering(look.reading, [row.id for row in rows])
        return page(
            "incidents/rows.html",
            look.guest,
            view=look.view,
            rows=[shown(row, look.now, flapping, matches=row.id in fitting, maintenances=under.get(row.id, ())) for row in rows],
            chosen=frozenset(),
            now=look.now,
            zone=web.zone,
        )

    @get("/incidents/count/")
    async def count(request: PageRequest) -> Response[bytes]:
        look = await looking(request, await guests.known(request))
        number = 0 if look.condition is None else await look.reading.count(look.condition, look.now, COUNTED + 1)
        return page("incidents/count.html", look.guest, number=min(number, COUNTED), more=number > COUNTED)

    @get("/incidents/tags/")
    async def tags(request: PageRequest) -> Response[bytes]:
        """Tags that begin or go on like the last one that is being typed; where one is asked for as `tag`, there is no other before it."""
        guest = await guests.known(request)
        actor = await web.accounts.acting(guest.user)
        asked = request.query_params
        *before, last = [asked["tag"]] if "tag" in asked else asked.get("tags", "").split(",")
        confines = confined_to(actor, own_only=web.reading.own_only)
        found = await known_tags.like(last.strip(), web.reading.seen_by(actor), confines)
        head = "".join(f"{tag.strip()}," for tag in before)
        return page("incidents/tags.html", guest, tags=[f"{head}{tag}" for tag in found])

    @get("/incidents/stream/")
    async def stream(request: PageRequest) -> Stream | Response[bytes]:
        headers = {**sent(), "x-accel-buffering": "no"}
        try:
            guest = await guests.left_open(request)
        except NotLoggedIn:
            return Response(OVER, media_type="text/event-stream", headers=headers)
        look = await looking(request, guest)
        if look.condition is None:
            return Response(b"", status_code=204)  # there is nothing to tell, and browsers do not ask again
        confines = confined_to(look.actor, own_only=web.reading.own_only)
        watched = Look(look.condition, look.view.size, look.position, confines, look.view.order)

        async def is_known() -> bool:
            visit = await web.logins.peek(guest.key)
            return visit is not None and visit.session.id == guest.session.id

        return Stream(told(web.live, watched, look.reading, is_known), media_type="text/event-stream", headers=headers)

    @get("/incidents/export/")
    async def export(request: PageRequest) -> Stream | Response[bytes]:
        look = await looking(request, await guests.known(request))
        form = request.query_params.get("form", "csv")
        if look.condition is None or form not in _EXPORTS:
            return await listed(look)
        write, kind = _EXPORTS[form]
        name = f"incidents-{look.now.astimezone(web.zone):%Y-%m-%d-%H%M}.{form}"
        headers = {**sent(), "content-disposition": f'attachment; filename="{name}"'}
        return Stream(write(look.reading, look.condition, look.now, look.view.order), media_type=kind, headers=headers)

    @post("/incidents/", status_code=200)
    async def act(request: PageRequest) -> Response[bytes]:
        """Do something about those that are chosen; scripts get what came of it alone."""
        guest = await guests.known(request)
        form = await filled_in(request, guests, guest)
        look = await looking(request, guest, form.get("view").encode())
        ids = [IncidentId(number) for number in dict.fromkeys(form.ids("id"))]
        asked = Asked(web, look.actor, ids, form, zone_of(form, web.zone), guest.place.origin)
        outcome = await do(asked)
        if request.headers.get("hx-request"):
            return page("incidents/outcome.html", guest, outcome=outcome)
        refused = frozenset(int(one.incident_id) for one in outcome.refused)
        return await listed(look, outcome, chosen=refused or (frozenset(map(int, ids)) if outcome.problem else frozenset()))

    @post("/incidents/filters/")
    async def keep(request: PageRequest) -> Response[bytes]:
        """Keep the view as a filter of one's own."""
        guest = await guests.known(request)
        form = await filled_in(request, guests, guest)
        look = await looking(request, guest, form.get("view").encode())
        kept = await keep_view(web, look.actor, look.condition, form.text("name"))
        if kept.problem or kept.filter is None:
            return await listed(look, kept=kept)
        changes = {**dict.fromkeys(look.view.conditions, ""), "cursor": "", "filter_pk": str(kept.filter.id)}
        return go(look.view.link(**changes))

    return [many, some_rows, count, tags, stream, export, act, keep]

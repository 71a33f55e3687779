"""Filters: the usual questions as fields, everything else as a tree of conditions, and what it all would match."""

from dataclasses import replace
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.web import seen
from adapters.web.answers import go, page
from adapters.web.forms import Form, filled_in, number_in, pk_in
from adapters.web.guests import Guest, Guests, PageRequest
from adapters.web.notifications import builder
from adapters.web.notifications.builder import Node
from adapters.web.notifications.matches import matches_of, trouble
from adapters.web.services import Web
from adapters.web.wording import EVENTS, LEVELS
from argus_core.domain.errors import Invalid, SharedWithAll
from argus_core.domain.ids import SourceId
from argus_core.domain.incidents import EventType
from argus_core.domain.limits import TAG_BYTES, text_problem
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.tags import Tag

_MOST = 256
_MEANT = {"yes": True, "no": False}
_KINDS = {type_.value: words for type_, words in EVENTS.items() if not type_.internal}


def filter_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901 - one for each page
    """Under `/notifications/filters/`."""

    async def edit(guest: Guest, filter_: SavedFilter | None, form: Form, node: Node) -> Response[bytes]:
        return page(
            "notifications/filter.html",
            guest,
            status=form.status,
            filter=filter_,
            form=form,
            **await asking(web, form, node),
            preview=await preview(guest, form, node),
        )

    async def preview(guest: Guest, form: Form, node: Node) -> dict[str, Any]:
        """What the filter in the form would match now, in words and with the newest of them."""
        try:
            return await matches_of(web, guest, definition_of(form, node))
        except Invalid as error:
            return trouble(" ".join(error.errors.values()))

    async def keep(request: PageRequest, guest: Guest, filter_: SavedFilter | None) -> Response[bytes]:
        form = await filled_in(request, guests, guest)
        node = builder.after(builder.read(form), form)
        if form.has("do"):
            return await edit(guest, filter_, form, node)
        owner, name = await web.accounts.acting(guest.user), form.text("name")
        try:
            definition = definition_of(form, node)

            def changed(present: SavedFilter) -> SavedFilter:
                wanted = replace(present, name=name, definition=definition)
                seen.check(form, form_of(present), form_of(wanted), f"/notifications/filters/{present.id}/")
                return wanted

            if filter_ is None:
                await web.profiles.add_filter(owner, name=name, definition=definition)
            else:
                await web.profiles.change_filter(owner, filter_.id, changed)
        except Invalid as error:
            return await edit(guest, filter_, form.wrong(error.errors), node)
        except SharedWithAll as error:
            return await edit(guest, filter_, form.wrong({"": error.message}), node)
        except seen.ChangedMeanwhile as error:
            return await edit(guest, filter_, error.form, node)
        return go("/notifications/?done=kept#filters")

    async def own(guest: Guest, pk: int) -> SavedFilter:
        return (await web.profiles.belongings(guest.user.id)).filter(pk_in(pk))

    @get("/notifications/filters/new/")
    async def ask_new(request: PageRequest) -> Response[bytes]:
        return await edit(await guests.known(request), None, Form(), builder.EMPTY)

    @post("/notifications/filters/new/")
    async def add(request: PageRequest) -> Response[bytes]:
        return await keep(request, await guests.known(request), None)

    @post("/notifications/filters/preview/", status_code=200)
    async def look(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        form = await filled_in(request, guests, guest)
        return page("notifications/preview.html", guest, preview=await preview(guest, form, builder.read(form)))

    @get("/notifications/filters/{pk:int}/")
    async def ask(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        filter_ = await own(guest, pk)
        return await edit(guest, filter_, seen.marked(form_of(filter_)), builder.node_of(filter_.definition.expression))

    @post("/notifications/filters/{pk:int}/")
    async def change(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        return await keep(request, guest, await own(guest, pk))

    return [ask_new, add, look, ask, change]


async def asking(web: Web, form: Form, node: Node) -> dict[str, Any]:
    """What there is to choose from in the fields of a filter."""
    sources = sorted(await web.accounts.sources(), key=lambda source: (source.name, source.id))
    known = {str(source.id): f"{source.name} ({source.type})" for source in sources}
    return {
        "tree": node,
        "groups": builder.GROUPS,
        "clauses": builder.CLAUSES,
        "switches": builder.SWITCHES,
        "levels": LEVELS,
        "kinds": _KINDS,
        "sources": [*known.items(), *((id_, f"source {id_}") for id_ in form.all("sources") if id_ not in known)],
        "types": [(type_, type_) for type_ in sorted({source.type for source in sources})],
    }


def definition_of(form: Form, node: Node) -> FilterDefinition:
    """
    What the form asks for.

    Raises:
        Invalid: the keys are names of fields, or paths of nodes.
    """
    problems: dict[str, str] = {}
    expression = None
    try:
        expression = builder.condition_of(node)
    except Invalid as error:
        problems.update(error.errors)
    tags = list(dict.fromkeys(form.lines("tags")))
    if problem := next(filter(None, map(_tag_problem, tags)), None) or _too_many(tags):
        problems["tags"] = problem
    sources = [SourceId(number) for number in form.ids("sources")]
    if problem := _too_many(sources):
        problems["sources"] = problem
    if problems:
        raise Invalid(problems)
    level = number_in(form.get("maxlevel"))
    types = [type_ for type_ in EventType if type_.value in form.all("event_types") and not type_.internal]
    return FilterDefinition(
        source_ids=tuple(sources) or None,
        tags=tuple(tags) or None,
        open=_MEANT.get(form.get("open")),
        acked=_MEANT.get(form.get("acked")),
        stateful=_MEANT.get(form.get("stateful")),
        max_level=level if level in LEVELS else None,
        # One alone is said as the first version of the API says it, which knows no other way.
        event_type=types[0] if len(types) == 1 else None,
        event_types=tuple(types) if len(types) > 1 else None,
        expression=expression,
    )


def form_of(filter_: SavedFilter) -> Form:
    """The form as it describes a filter."""
    asked = filter_.definition
    types = (asked.event_type,) if asked.event_type else asked.event_types or ()
    written = {True: "yes", False: "no", None: ""}
    return Form(
        {
            **builder.fields_of(builder.node_of(asked.expression)),
            "name": [filter_.name],
            "sources": [str(id_) for id_ in asked.source_ids or ()],
            "tags": ["\n".join(asked.tags or ())],
            "open": [written[asked.open]],
            "acked": [written[asked.acked]],
            "stateful": [written[asked.stateful]],
            "maxlevel": [str(asked.max_level or "")],
            "event_types": [type_.value for type_ in types],
        }
    )


def _tag_problem(tag: str) -> str | None:
    try:
        Tag.parse(tag)
    except Invalid as error:
        return f"{tag[:100]}: {error.errors['tag']}"
    return text_problem(tag, TAG_BYTES)


def _too_many(things: list[Any]) -> str | None:
    return f"At most {_MOST}, please." if len(things) > _MOST else None

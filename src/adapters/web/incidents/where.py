"""Under `/incidents/where/`: conditions in groups for the list, the tree that filters have; the list has it in its address."""

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from adapters.web.answers import go, page
from adapters.web.forms import Form, filled_in
from adapters.web.guests import Guest, Guests, PageRequest
from adapters.web.incidents.conditions import expression_in, expression_said
from adapters.web.incidents.views import View
from adapters.web.notifications import builder, filters
from adapters.web.notifications.builder import Node
from adapters.web.services import Web
from argus_core.domain.errors import Invalid

_ABOUT_EVENTS = ("eventTypes",)


def where_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """Making the conditions, and back to the list with them."""

    async def shown(guest: Guest, view: View, form: Form, node: Node) -> Response[bytes]:
        return page(
            "incidents/where.html",
            guest,
            status=400 if form.problems else 200,
            view=view,
            form=form,
            left_out=_ABOUT_EVENTS,
            opening="The incident must be …",
            **await filters.asking(web, form, node),
        )

    @get("/incidents/where/")
    async def ask(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        view = View.of(request.scope["query_string"])
        try:
            node = builder.node_of(expression_in(view.get("where")) if view.get("where") else None)
        except Invalid as error:
            return await shown(guest, view, Form(problems={builder.ROOT: error.errors["where"]}), builder.EMPTY)
        return await shown(guest, view, Form(), node)

    @post("/incidents/where/", status_code=200)
    async def answer(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        form = await filled_in(request, guests, guest)
        view = View.of(form.get("view").encode())
        node = builder.after(builder.read(form), form)
        if form.has("do"):
            return await shown(guest, view, form, node)
        try:
            condition = builder.condition_of(node)
            text = expression_said(condition) if condition else ""
            if text:
                expression_in(text)
        except Invalid as error:
            return await shown(
                guest, view, form.wrong({builder.ROOT if name == "where" else name: said for name, said in error.errors.items()}), node
            )
        return go(view.link(where=text, cursor=""))

    return [ask, answer]

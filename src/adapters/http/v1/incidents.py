"""Incidents: lists of them, new ones, and single ones."""

from litestar import Router, get, patch, post
from litestar.params import FromPath

from adapters.http import incident_fields
from adapters.http.answers import Answer, json_answer
from adapters.http.bodies import ApiRequest, fields
from adapters.http.errors import Refused
from adapters.http.listed import Listed
from adapters.http.lists import Pairs, unpaged, wanted
from adapters.http.paging import link, position
from adapters.http.queries import ABOUT_SOURCES, Query
from adapters.http.routes import Operation, incident_id, told
from adapters.http.schemas import FILTERS, FILTERS_OF_MINE, PAGING
from adapters.http.services import Services
from adapters.http.v1.inputs import Inputs
from adapters.http.v1.shapes import IncidentCount, IncidentOut, IncidentPage, Shapes
from argus_core.domain.filters import All, Condition, IsAcked, IsOpen, Not, SourceOf
from argus_core.ports.incidents import incident_row

_LIST = Operation(summary="List incidents, newest start first", answers={200: (IncidentPage, IncidentCount)}, query=[*FILTERS, *PAGING])
_LIST_MINE = Operation(
    summary="List the incidents of one's own source", answers={200: (IncidentPage, IncidentCount)}, query=[*FILTERS_OF_MINE, *PAGING]
)
_LIST_OPEN = Operation(summary="List the open incidents, the newest that fit into one answer", answers={200: list[IncidentOut]})
_LIST_UNACKED = Operation(summary="List the open incidents that nobody has acknowledged, likewise", answers={200: list[IncidentOut]})
_REPORT = Operation(summary="Report an incident", body="NewIncident", answers={201: IncidentOut})
_ONE = Operation(summary="Get one incident", answers={200: IncidentOut})
_CHANGE = Operation(summary="Change an incident", body="IncidentPatch", body_required=False, answers={200: IncidentOut})


def incident_lists(services: Services) -> Router:
    """Reading many incidents."""
    listed = Listed(Shapes(services.zone).incidents)

    async def page(request: ApiRequest, query: Query, condition: Condition) -> Answer:
        now = services.clock()
        place = position(query.cursor())
        if query.counts():
            return json_answer(IncidentCount(await services.reading.seen_by(request.user).count(condition, now), dict(query.pairs)))
        found = await services.reading.seen_by(request.user).page(condition, now, query.page_size(services.unpaged_limit), place)
        next_, previous = link(request, query, found.next), link(request, query, found.previous)
        return json_answer(IncidentPage(next_, previous, listed(found.rows, now)))

    @get("/", opt=told(_LIST))
    async def many(request: ApiRequest) -> Answer:
        query = Query(request.scope["query_string"])
        return await page(request, query, await wanted(services, request, query))

    @get("/mine/", opt=told(_LIST_MINE))
    async def mine(request: ApiRequest) -> Answer:
        query = Query(request.scope["query_string"])
        theirs = await wanted(services, request, query, ABOUT_SOURCES)
        return await page(request, query, All((SourceOf(request.user.id), theirs)))

    async def whole(request: ApiRequest, condition: Condition, query: Pairs) -> Answer:
        now = services.clock()
        rows, headers = await unpaged(services, request, condition, now, path="/api/v1/incidents/", query=query)
        return json_answer(listed(rows, now), 200, *headers)

    @get("/open/", opt=told(_LIST_OPEN))
    async def all_open(request: ApiRequest) -> Answer:
        return await whole(request, IsOpen(), [("open", "true")])

    @get("/open+unacked/", opt=told(_LIST_UNACKED))
    async def all_unacked(request: ApiRequest) -> Answer:
        return await whole(request, All((IsOpen(), Not(IsAcked()))), [("open", "true"), ("acked", "false")])

    return Router("/", route_handlers=[many, mine, all_open, all_unacked])


def incident_routes(services: Services) -> Router:
    """Reporting incidents, and single ones."""
    shapes = Shapes(services.zone)
    read = Inputs(services.zone)

    @post(["/", "/mine/"], opt=told(_REPORT))
    async def report(request: ApiRequest) -> Answer:
        new = await read.incident(request)
        change = await services.incidents.report(
            new.report, actor=request.user, names_source=new.names_source, source_id=new.source_id, warrant=request.auth.token_id
        )
        return json_answer(shapes.incident(incident_row(change.incident), change.incident.received), 201)

    @get("/{pk:int}/", opt=told(_ONE))
    async def one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer(shapes.incident(await services.reading.seen_by(request.user).row(incident_id(pk)), services.clock()))

    @patch("/{pk:int}/", opt=told(_CHANGE))
    async def change(request: ApiRequest, pk: FromPath[int]) -> Answer:
        number = incident_id(pk)
        try:
            edit = incident_fields.edit(await fields(request))
        except Refused:
            await services.reading.seen_by(request.user).row(number)  # that there is no such incident is said first
            raise
        done = await services.incidents.edit(number, edit, actor=request.user, warrant=request.auth.token_id)
        return json_answer(shapes.incident(incident_row(done.incident), services.clock()))

    return Router("/", route_handlers=[report, one, change])

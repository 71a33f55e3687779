"""The ticket of an incident."""

from litestar import Router, put
from litestar.params import FromPath

from adapters.http.answers import Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest
from adapters.http.routes import Operation, incident_id, told
from adapters.http.services import Services
from adapters.http.v2 import inputs
from adapters.http.v2.shapes import TicketOut

_SET = Operation(summary="Set or remove the ticket of an incident", body="Ticket", answers={200: TicketOut})
_AUTOMATIC = Operation(summary="Get the ticket of an incident, or create one", answers={200: TicketOut}, errors={400: "Sentence"})


def ticket_routes(services: Services) -> Router:
    """Under `/api/v2/incidents/<pk>`."""

    @put("/ticket_url/", opt=told(_SET))
    async def set_ticket(request: ApiRequest, pk: FromPath[int]) -> Answer:
        number, wanted = incident_id(pk), await inputs.ticket(request)
        done = await services.incidents.edit(number, wanted, actor=request.user, warrant=request.auth.token_id)
        return json_answer(TicketOut(done.incident.ticket_url))

    @put("/automatic-ticket/", opt=told(_AUTOMATIC, Access.FRESH_TOKEN))
    async def automatic_ticket(request: ApiRequest, pk: FromPath[int]) -> Answer:
        url = await services.tickets.ticket_for(incident_id(pk), actor=request.user, warrant=request.auth.token_id)
        return json_answer(TicketOut(url))

    return Router("/{pk:int}", route_handlers=[set_ticket, automatic_ticket])

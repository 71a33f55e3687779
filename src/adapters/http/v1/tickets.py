"""The ticket of an incident."""

from litestar import Router, put
from litestar.params import FromPath

from adapters.http import incident_fields
from adapters.http.answers import Answer, json_answer
from adapters.http.bodies import ApiRequest, fields
from adapters.http.routes import Operation, incident_id, told
from adapters.http.services import Services
from adapters.http.v1.shapes import TicketOut

_SET = Operation(summary="Set or remove the ticket of an incident", body="Ticket", answers={200: TicketOut})


def ticket_routes(services: Services) -> Router:
    """Under `/api/v1/incidents/<pk>`."""

    @put("/ticket_url/", opt=told(_SET))
    async def set_ticket(request: ApiRequest, pk: FromPath[int]) -> Answer:
        number, wanted = incident_id(pk), incident_fields.ticket(await fields(request))
        done = await services.incidents.edit(number, wanted, actor=request.user, warrant=request.auth.token_id)
        return json_answer(TicketOut(done.incident.ticket_url))

    return Router("/{pk:int}", route_handlers=[set_ticket])

"""Notifications: what became of them, why somebody is told or not, and trying it out."""

from litestar import Router, get, post
from litestar.params import FromPath

from adapters.http.answers import Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest
from adapters.http.queries import BIGGEST_PK, Query
from adapters.http.routes import Operation, event_id, incident_id, profile_id, told
from adapters.http.services import Services
from adapters.http.v2.notification_shapes import DeliveryOut, DryRunOut, ExplanationOut, NotificationShapes
from argus_core.domain.errors import Invalid
from argus_core.domain.ids import UserId
from argus_core.usecases.notifications import MOST_HOURS, MOST_TESTS

_OF_INCIDENT = Operation(
    summary="List what became of the notifications about an incident, newest first: one's own, for staff everybody's",
    answers={200: list[DeliveryOut]},
)
_USER = {
    "name": "user",
    "in": "query",
    "description": "Whose profiles: those of the user with this id, instead of one's own; for staff.",
    "schema": {"type": "integer", "minimum": 1},
}
_EXPLAIN = Operation(
    summary="Explain for each of one's profiles why it fires for an event, or does not; for staff, for each of somebody else's",
    answers={200: ExplanationOut},
    errors={400: "Errors", 403: "Detail"},
    query=[_USER],
)
_TEST = Operation(
    summary=f"Send a marked test message to each destination of a profile; nobody may send more than {MOST_TESTS} in five minutes",
    answers={201: list[DeliveryOut]},
    errors={400: "Errors", 429: "Detail"},
)
_HOURS = {
    "name": "hours",
    "in": "query",
    "description": "So many hours back; 24 unless given.",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_HOURS},
}
_DRY_RUN = Operation(
    summary="List the events of late for which a profile, were it active, would fire as it is now", answers={200: DryRunOut}, query=[_HOURS]
)


def incident_notification_routes(services: Services) -> Router:
    """Under `/api/v2/incidents/<pk>`."""
    shapes = NotificationShapes(services.zone)

    @get("/{pk:int}/notifications/", opt=told(_OF_INCIDENT))
    async def of_incident(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer(shapes.deliveries(await services.notifications.of_incident(incident_id(pk), request.user)))

    @get("/{pk:int}/events/{event_pk:int}/explain/", opt=told(_EXPLAIN))
    async def explain(request: ApiRequest, pk: FromPath[int], event_pk: FromPath[int]) -> Answer:
        of = _user(Query(request.scope["query_string"]))
        explained = await services.notifications.explain(incident_id(pk), event_id(event_pk), request.user, of)
        if of is not None:
            await services.accounts.user(of)  # whom there is not, nobody is told of anything
        return json_answer(shapes.explanation(explained))

    return Router("/", route_handlers=[of_incident, explain])


def profile_notification_routes(services: Services) -> Router:
    """Under `/api/v2/notificationprofiles/<pk>`."""
    shapes = NotificationShapes(services.zone)

    @post("/{pk:int}/test/", opt=told(_TEST, Access.FRESH_TOKEN))
    async def test(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer(shapes.deliveries(await services.notifications.test(request.user, profile_id(pk))), 201)

    @get("/{pk:int}/dryrun/", opt=told(_DRY_RUN))
    async def dry_run(request: ApiRequest, pk: FromPath[int]) -> Answer:
        hours = _hours(Query(request.scope["query_string"]))
        return json_answer(shapes.dry_run(await services.notifications.dry_run(request.user, profile_id(pk), hours)))

    return Router("/", route_handlers=[test, dry_run])


def _user(query: Query) -> UserId | None:
    text = query.get("user")
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(BIGGEST_PK)) or not 1 <= int(text) <= BIGGEST_PK:
        raise Invalid({"user": "A valid integer is required."})
    return UserId(int(text))


def _hours(query: Query) -> int:
    text = query.get("hours") or "24"
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(MOST_HOURS)):
        raise Invalid({"hours": f"Ensure this value lies between 1 and {MOST_HOURS}."})
    return int(text)

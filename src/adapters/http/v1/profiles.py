"""
Notification profiles of whoever asks.

API v1 knows two media: EM is the destination that follows the account's address, SM one phone number. All other destinations of a profile,
which newer versions gave it, stay as they are.
"""

from collections.abc import Sequence
from dataclasses import replace

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath

from adapters.http.answers import NO_CONTENT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest, fields
from adapters.http.errors import Refused
from adapters.http.lists import unpaged
from adapters.http.routes import Operation, told
from adapters.http.services import Services
from adapters.http.v1 import inputs
from adapters.http.v1.inputs import EMAIL, PHONE, ProfileIn
from adapters.http.v1.shapes import IncidentOut, ProfileOut, Shapes, profile_out
from argus_core.domain import destinations
from argus_core.domain.errors import Invalid, NotFound
from argus_core.domain.ids import DestinationId, ProfileId
from argus_core.domain.profiles import Belongings, Profile

_LIST = Operation(summary="List one's own profiles", answers={200: list[ProfileOut]})
_ADD = Operation(summary="Add a profile", body="Profile", answers={201: ProfileOut})
_ONE = Operation(summary="Get one of one's own profiles", answers={200: ProfileOut})
_REPLACE = Operation(summary="Replace a profile", body="Profile", answers={200: ProfileOut})
_CHANGE = Operation(summary="Change a profile", body="ProfilePatch", body_required=False, answers={200: ProfileOut})
_REMOVE = Operation(summary="Remove a profile", answers={NO_CONTENT: None})
_INCIDENTS = Operation(
    summary="List the incidents that a profile is about, the newest that fit into one answer",
    answers={200: list[IncidentOut]},
    errors={400: "Errors"},
)


def profile_routes(services: Services) -> Router:
    """Under `/api/v1/notificationprofiles`."""
    profiles = services.profiles

    @get("/", opt=told(_LIST))
    async def many(request: ApiRequest) -> Answer:
        own = await profiles.belongings(request.user.id)
        return json_answer([profile_out(own.whole(profile)) for profile in own.profiles])

    @post("/", opt=told(_ADD, Access.FRESH_TOKEN))
    async def add(request: ApiRequest) -> Answer:
        new = inputs.profile(await fields(request))
        whole = await profiles.add_profile(
            request.user,
            name=None,
            timeslot_id=new.timeslot_id,
            filter_ids=new.filter_ids,
            destination_ids=_chosen(new, (), await profiles.belongings(request.user.id)),
            active=new.active,
        )
        return json_answer(profile_out(whole), 201)

    @get("/{pk:int}/", opt=told(_ONE))
    async def one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        own = await profiles.belongings(request.user.id)
        return json_answer(profile_out(own.whole(own.profile(pk))))

    @put("/{pk:int}/", opt=told(_REPLACE, Access.FRESH_TOKEN))
    async def put_one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        data = await fields(request)

        def changed(present: Profile, own: Belongings) -> Profile:
            return _become(present, inputs.profile(data, active=present.active), own)

        return json_answer(profile_out(await profiles.change_profile(request.user, ProfileId(pk), changed)))

    @patch("/{pk:int}/", opt=told(_CHANGE, Access.FRESH_TOKEN))
    async def patch_one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        data = await fields(request)

        def changed(present: Profile, own: Belongings) -> Profile:
            return _become(present, inputs.profile(data, _seen(present, own), active=present.active), own)

        return json_answer(profile_out(await profiles.change_profile(request.user, ProfileId(pk), changed)))

    # The framework would have no `Answer` of a handler that is said to answer 204; it is the `Answer` that counts.
    @delete("/{pk:int}/", status_code=200, opt=told(_REMOVE, Access.FRESH_TOKEN))
    async def remove(request: ApiRequest, pk: FromPath[int]) -> Answer:
        await profiles.drop_profile(request.user, ProfileId(pk))
        return Answer(NO_CONTENT)

    return Router("/", route_handlers=[many, add, one, put_one, patch_one, remove])


def profile_incident_routes(services: Services) -> Router:
    """`/api/v1/notificationprofiles/<pk>/incidents/`."""
    profiles = services.profiles
    shapes = Shapes(services.zone)

    @get("/{pk:int}/incidents/", opt=told(_INCIDENTS))
    async def incidents(request: ApiRequest, pk: FromPath[int]) -> Answer:
        own = await profiles.belongings(request.user.id)
        try:
            condition = own.whole(own.profile(pk)).incident_condition
        except NotFound as error:
            raise Refused(400, [error.message]) from None  # as clients know it
        now = services.clock()
        query = [("notificationprofile_pk", str(pk))]
        rows, headers = await unpaged(services, request, condition, now, path="/api/v1/incidents/", query=query)
        return json_answer(shapes.incidents(rows, now), 200, *headers)

    return Router("/", route_handlers=[incidents])


def _seen(present: Profile, own: Belongings) -> ProfileIn:
    """The profile as API v1 shows it."""
    shown = profile_out(own.whole(present))
    number = DestinationId(shown.phone_number.pk) if shown.phone_number else None
    return ProfileIn(present.timeslot_id, present.filter_ids, frozenset(shown.media), number, present.active)


def _become(present: Profile, wanted: ProfileIn, own: Belongings) -> Profile:
    return replace(
        present,
        timeslot_id=wanted.timeslot_id,
        filter_ids=wanted.filter_ids,
        destination_ids=_chosen(wanted, present.destination_ids, own),
        active=wanted.active,
    )


def _chosen(wanted: ProfileIn, present: Sequence[DestinationId], own: Belongings) -> tuple[DestinationId, ...]:
    """
    The destinations that a profile shall have; when no medium is wanted, those it has.

    Raises:
        Invalid: under `media` or `phone_number`.
    """
    addresses = [destination.id for destination in own.destinations if destination.medium == destinations.EMAIL and destination.synced]
    numbers = [destination.id for destination in own.destinations if destination.medium == destinations.SMS]
    if wanted.phone_number is not None and wanted.phone_number not in numbers:
        raise Invalid({"phone_number": f'Invalid pk "{wanted.phone_number}" - object does not exist.'})
    if EMAIL in wanted.media and not addresses:
        raise Invalid({"media": "Your account has no e-mail address."})
    if PHONE in wanted.media and wanted.phone_number is None:
        raise Invalid({"phone_number": "Say which phone number to use."})
    if not wanted.media:
        return tuple(present)
    others = [id_ for id_ in present if id_ not in {*addresses, *numbers}]
    had = sorted(set(present).intersection(numbers))
    # Of several numbers API v1 sees the first: whoever leaves that alone leaves the others alone.
    chosen = had if had[:1] == [wanted.phone_number] else [id_ for id_ in numbers if id_ == wanted.phone_number]
    return (*others, *(addresses if EMAIL in wanted.media else ()), *(chosen if PHONE in wanted.media else ()))

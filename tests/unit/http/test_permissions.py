"""
Who may do what: every operation that the API describes has a row here, and every kind of user a column.

Each request is sound in itself, so what differs is only who asks. What somebody owns is Alice's; the incident is NAV's.
"""

import asyncio
import itertools
from datetime import timedelta

import httpx
import pytest

from argus_core.domain.ids import UserId
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.timeslots import EVERY_DAY, Recurrence
from argus_core.usecases.accounts import NewUser

pytestmark = pytest.mark.anyio

WHO = {"anonymous": None, "source": "nav", "owner": "alice", "other": "bob", "staff": "stan", "superuser": "ada"}


def everybody(status):
    return (status,) * 6


def whoever_logged_in(status):
    return (401, *(status,) * 5)


def people(status):
    return (401, 403, *(status,) * 4)


def sources(status):
    return (401, status, *(400,) * 4)


def superusers(status):
    return (401, *(403,) * 4, status)


def the_owner(status, otherwise=404):
    return (401, otherwise, status, *(otherwise,) * 3)


OWN = {
    "GET {}": whoever_logged_in(200),
    "POST {}": whoever_logged_in(201),
    "GET {}{{pk}}/": the_owner(200),
    "PUT {}{{pk}}/": the_owner(200),
    "PATCH {}{{pk}}/": the_owner(200),
    "DELETE {}{{pk}}/": the_owner(204),
}
"""What people keep for themselves: superusers do not see it either."""

BOTH_VERSIONS = {
    "POST token-auth/": everybody(200),
    "POST auth/logout/": everybody(200),
    "GET auth/user/": whoever_logged_in(200),
    "GET auth/users/{pk}/": whoever_logged_in(200),
    "GET incidents/": whoever_logged_in(200),
    "POST incidents/": sources(201),
    "GET incidents/mine/": whoever_logged_in(200),
    "POST incidents/mine/": sources(201),
    "GET incidents/sources/": whoever_logged_in(200),
    "GET incidents/sources/{pk}/": whoever_logged_in(200),
    "GET incidents/{pk}/": whoever_logged_in(200),
    "PATCH incidents/{pk}/": whoever_logged_in(200),
    "PUT incidents/{pk}/ticket_url/": whoever_logged_in(200),
    "GET incidents/{pk}/events/": whoever_logged_in(200),
    "POST incidents/{pk}/events/": whoever_logged_in(201),
    "GET incidents/{pk}/events/{event_pk}/": whoever_logged_in(200),
    "GET incidents/{pk}/acks/": whoever_logged_in(200),
    "POST incidents/{pk}/acks/": people(201),
    "GET incidents/{pk}/acks/{ack_pk}/": whoever_logged_in(200),
    "PUT incidents/{pk}/acks/{ack_pk}/": people(200),
    "PATCH incidents/{pk}/acks/{ack_pk}/": people(200),
    "GET incidents/{pk}/tags/": whoever_logged_in(200),
    "POST incidents/{pk}/tags/": whoever_logged_in(201),
    "GET incidents/{pk}/tags/{tag}/": whoever_logged_in(200),
    "DELETE incidents/{pk}/tags/{tag}/": (401, 204, 400, 400, 400, 204),  # whoever added it, and superusers
    "POST notificationprofiles/filterpreview/": whoever_logged_in(200),
    "GET notificationprofiles/{pk}/incidents/": the_owner(200, otherwise=400),
    **{
        operation.format(f"notificationprofiles/{kind}"): statuses
        for kind in ("", "timeslots/", "filters/")
        for operation, statuses in OWN.items()
    },
}
ROWS = {
    **{operation.replace(" ", f" /api/{version}/"): statuses for version in ("v1", "v2") for operation, statuses in BOTH_VERSIONS.items()},
    **{operation.format("/api/v2/notificationprofiles/destinations/"): statuses for operation, statuses in OWN.items()},
    **{operation.format("/api/v1/auth/phone-number/"): statuses for operation, statuses in OWN.items()},
    "PUT /api/v1/auth/phone-number/{pk}/": the_owner(201),
    "PATCH /api/v1/auth/phone-number/{pk}/": the_owner(201),
    "GET /api/v1/incidents/metadata/": whoever_logged_in(200),
    "GET /api/v1/incidents/open/": whoever_logged_in(200),
    "GET /api/v1/incidents/open+unacked/": whoever_logged_in(200),
    "POST /api/v2/auth/refresh-token/": whoever_logged_in(200),
    "POST /api/v2/refresh-token/": whoever_logged_in(200),
    "POST /api/v2/auth/token/login/": everybody(200),
    "POST /api/v2/auth/token/logout/": whoever_logged_in(204),
    "POST /api/v2/incidents/acks/bulk/": people(201),
    "POST /api/v2/incidents/events/bulk/": whoever_logged_in(201),
    "POST /api/v2/incidents/ticket_url/bulk/": whoever_logged_in(201),
    "PUT /api/v2/incidents/{pk}/automatic-ticket/": whoever_logged_in(200),
    "GET /api/v2/incidents/{pk}/notifications/": whoever_logged_in(200),
    "GET /api/v2/incidents/{pk}/events/{event_pk}/explain/": whoever_logged_in(200),
    "POST /api/v2/notificationprofiles/{pk}/test/": the_owner(201),
    "GET /api/v2/notificationprofiles/{pk}/dryrun/": the_owner(200),
    "POST /api/v2/incidents/sources/": superusers(201),
    "PUT /api/v2/incidents/sources/{pk}/": superusers(200),
    "POST /api/v2/incidents/sources/heartbeat/": (401, 204, *(403,) * 4),
    "GET /api/v2/incidents/source-types/": whoever_logged_in(200),
    "POST /api/v2/incidents/source-types/": superusers(201),
    "GET /api/v2/notificationprofiles/destinations/{pk}/duplicate/": the_owner(200, otherwise=400),
    "GET /api/v2/notificationprofiles/media/": whoever_logged_in(200),
    "GET /api/v2/notificationprofiles/media/{slug}/": whoever_logged_in(200),
    "GET /api/v2/notificationprofiles/media/{slug}/json_schema/": whoever_logged_in(200),
    "GET /api/": everybody(200),
    "GET /health/live": everybody(200),
    "GET /health/ready": everybody(200),
    "GET /login-methods/": everybody(200),
}


class Stage:
    """A world in which each request finds things of its own."""

    def __init__(self, world):
        self.world = world
        self._numbers = itertools.count(1)
        world.pks["stan"] = asyncio.run(world.people.create_user(NewUser(username="stan", staff=True))).id

    async def own(self, name):
        """New things of somebody, none of which is in use but what the profile has."""
        profiles, owner, mark = self.world.profiles, UserId(self.world.pks[name]), f"{next(self._numbers)}"
        slots = [
            await profiles.add_timeslot(owner, name=f"{kind} {mark}", recurrences=(Recurrence(days=EVERY_DAY),))
            for kind in ("used", "free")
        ]
        filters = [
            await profiles.add_filter(owner, name=f"{kind} {mark}", definition=FilterDefinition(open=True)) for kind in ("used", "free")
        ]
        used, free = [
            await profiles.add_destination(owner, medium="sms", settings={"phone_number": f"+479{digit}{int(mark):06}"}) for digit in (5, 9)
        ]
        profile = await profiles.add_profile(
            owner, name=None, timeslot_id=slots[0].id, filter_ids=[filters[0].id], destination_ids=[used.id]
        )
        return {"timeslot": slots[1].id, "filter": filters[1].id, "destination": free.id, "profile": profile.profile.id}

    async def incident(self):
        """A new incident of NAV's, with a ticket, a tag and an acknowledgement."""
        new = await self.world.incident(tags=[{"tag": "host=a"}], ticket_url="https://tickets.example.org/1")
        ack = (await self.world.ask("alice", "POST", f"incidents/{new['pk']}/acks/", json={})).json()
        return {"incident": new["pk"], "ack": ack["pk"], "event": ack["event"]["pk"]}

    async def request(self, operation, name):
        """A sound request for the operation, as somebody makes it."""
        method, path = operation.split(" ")
        theirs, own = await self.own("alice"), await self.own(name or "alice")
        incident = await self.incident()
        places = {"ack_pk": incident["ack"], "event_pk": incident["event"], "tag": "host=a", "slug": "email"}
        places["pk"] = next(pk for part, pk in self._pks(theirs, incident).items() if f"{part}/{{pk}}" in path) if "{pk}" in path else 0
        body = self._body(operation, own, incident["incident"])
        headers = {}
        if name:
            token = await self.world.people.create_token(name, f"for {next(self._numbers)}", days=1)
            headers["Authorization"] = f"Token {token.key}"
        return method, path.format(**places), {"json": body, "headers": headers}

    def _pks(self, theirs, incident):
        return {
            "incidents": incident["incident"],
            "sources": self.world.sources["zabbix"].id,
            "users": self.world.pks["bob"],
            "phone-number": theirs["destination"],
            "destinations": theirs["destination"],
            "filters": theirs["filter"],
            "timeslots": theirs["timeslot"],
            "notificationprofiles": theirs["profile"],
        }

    def _body(self, operation, own, incident):
        number = next(self._numbers)
        now = self.world.now.isoformat()
        later = (self.world.now + timedelta(days=1)).isoformat()
        ack = {"timestamp": now, "expiration": later}
        event = {"type": "OTH", "timestamp": now}
        profile = {"timeslot": own["timeslot"], "filters": [own["filter"]], "destinations": [], "media": [], "active": True}
        bodies = {
            "token-auth/": {"username": "alice", "password": "alice's secret"},
            "token/login/": {"username": "alice", "password": "alice's secret"},
            "phone-number/": {"phone_number": f"+4798{number:06}"},
            "acks/bulk/": {"ids": [incident], "ack": ack},
            "events/bulk/": {"ids": [incident], "event": event},
            "ticket_url/bulk/": {"ids": [incident], "ticket_url": "https://tickets.example.org/2"},
            "source-types/": {"name": f"type-{number}"},
            "sources/": {"name": f"source {number}", "type": "nav"},
            "ticket_url/": {"ticket_url": "https://tickets.example.org/2"},
            "acks/": {**ack, "event": event},
            "events/": event,
            "tags/": {"tag": "host=b"},
            "filterpreview/": {"open": True},
            "timeslots/": {"name": f"slot {number}", "time_recurrences": []},
            "filters/": {"name": f"filter {number}", "filter": {"open": True}},
            "destinations/": {"media": "sms", "settings": {"phone_number": f"+4797{number:06}"}},
            "notificationprofiles/": profile,
        }
        if operation.startswith("PATCH") and operation.endswith("/incidents/{pk}/"):
            return {"description": "changed"}
        if operation.endswith(("incidents/", "mine/")):
            return {"start_time": now, "tags": []}
        return next((body for part, body in bodies.items() if f"/{part}" in operation), {})


@pytest.fixture(scope="module")
def stage(lasting_world):
    return Stage(lasting_world)


async def test_every_operation_has_a_row_and_every_row_an_operation(stage):
    async with stage.world.as_() as client:
        described = (await client.get("/api/schema/")).json()

    assert set(ROWS) == {f"{method.upper()} {path}" for path, operations in described["paths"].items() for method in operations}


@pytest.mark.parametrize("operation", ROWS)
async def test_each_is_for_those_it_is_for(stage, operation):
    """
    Nobody may more than the row says, and nobody less.
    """
    got = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(stage.world.app), base_url="http://argus.example.org") as client:
        for name in WHO.values():
            method, path, request = await stage.request(operation, name)
            answer = await client.request(method, path, **({**request, "json": None} if method in ("GET", "DELETE") else request))
            got.append(answer.status_code)

    assert dict(zip(WHO, ROWS[operation], strict=True)) == dict(zip(WHO, got, strict=True))

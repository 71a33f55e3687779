"""
Who may do what: every operation that the API describes has a row here, and every kind of user a column.

Each request is sound in itself, so what differs is only who asks. What somebody owns is Alice's; the incident is NAV's.
"""

import asyncio
import itertools
import re
from copy import copy
from datetime import timedelta

import pytest

from argus_core.domain.actors import Actor, Scope
from argus_core.domain.permissions import RULES, Act, Role, allows
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.timeslots import EVERY_DAY, Recurrence
from argus_core.usecases.accounts import NewUser

pytestmark = pytest.mark.anyio

WHO = {"anonymous": None, "source": "nav", "owner": "alice", "other": "bob", "staff": "stan", "superuser": "ada"}


ROLES = {
    "anonymous": set(),
    "source": {Role.SOURCE},
    "owner": {Role.END_USER},
    "other": {Role.END_USER},
    "staff": {Role.END_USER, Role.STAFF},
    "superuser": {Role.END_USER, Role.STAFF, Role.SUPERUSER},
}


ACTS = {
    r".*(/token-auth/|/logout/|/refresh-token/|/token/login/)": Act.KEEP_TOKEN,
    r"GET .*|.*/filterpreview/": Act.READ,
    r".*/heartbeat/": Act.BEAT,
    r".*(/sources/|/source-types/).*": Act.MANAGE_SOURCES,
    r".*/plannedmaintenance/.*": Act.PLAN_MAINTENANCE,
    r".*(/notificationprofiles/|/phone-number/).*": Act.KEEP_OWN,
    r".*/acks/.*": Act.ACKNOWLEDGE,
    r".*/events/.*": Act.POST,
    r"POST .*(/incidents/|/mine/)": Act.REPORT,
    r".*": Act.CHANGE,
}
"""What somebody does who asks for an operation: the first that fits."""


def act_of(operation):
    return next(act for pattern, act in ACTS.items() if re.fullmatch(pattern, operation))


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


def staff(status):
    return (401, *(403,) * 3, *(status,) * 2)


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
    "GET /api/v2/plannedmaintenance/": whoever_logged_in(200),
    "POST /api/v2/plannedmaintenance/": staff(201),
    "GET /api/v2/plannedmaintenance/{pk}/": whoever_logged_in(200),
    "PATCH /api/v2/plannedmaintenance/{pk}/": staff(200),
    "DELETE /api/v2/plannedmaintenance/{pk}/": staff(204),
    "GET /api/v2/plannedmaintenance/{pk}/preview/": whoever_logged_in(200),
    "GET /api/v2/notificationprofiles/destinations/{pk}/duplicate/": the_owner(200, otherwise=400),
    "GET /api/v2/notificationprofiles/media/": whoever_logged_in(200),
    "GET /api/v2/notificationprofiles/media/{slug}/": whoever_logged_in(200),
    "GET /api/v2/notificationprofiles/media/{slug}/json_schema/": whoever_logged_in(200),
    "GET /api/": everybody(200),
    "GET /health/live": everybody(200),
    "GET /health/ready": everybody(200),
    "GET /login-methods/": everybody(200),
}


REFUSED_OTHERWISE = {
    "GET /api/v2/incidents/{pk}/events/{event_pk}/explain/",  # of somebody else, to whom nobody but staff may look
    "POST /api/v2/auth/token/login/",  # with a wrong password
}


def copied(value):
    """What is kept in a store, and changes in place there, once more."""
    if not isinstance(value, dict | list | set):
        return value
    twin = copy(value)
    if isinstance(twin, dict):
        twin.update({key: copy(one) for key, one in twin.items() if isinstance(one, list)})
    return twin


class Stage:
    """A world that is as it was after each request, so that each finds the same things and none has to make its own."""

    def __init__(self, world):
        self.world = world
        self._numbers = itertools.count(1)
        asyncio.run(self._set())
        self._stores = (world.accounts, world.journal, world.outbox, world.attempts, world.watch)
        self._before = [self._inside(store) for store in self._stores]

    async def _set(self):
        self.world.pks["stan"] = (await self.world.people.create_user(NewUser(username="stan", staff=True))).id
        names = [name for name in WHO.values() if name]
        self._theirs = await self._own("alice")
        self._owned = {name: await self._own(name) for name in names}
        self._incident = await self._report()
        self._planned = await self._plan()
        self._keys = {
            (name, scope): (await self.world.people.create_token(name, f"for {scope.value}", days=1, scope=scope)).key
            for name in names
            for scope in Scope
        }

    async def _own(self, name):
        """New things of somebody, none of which is in use but what the profile has."""
        profiles, owner, mark = self.world.profiles, self.world.actor(name), f"{next(self._numbers)}"
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

    async def _plan(self):
        """A new planned maintenance of Ada's."""
        ada, now = Actor(id=self.world.pks["ada"], username="ada", staff=True), self.world.now
        filter_ = await self.world.profiles.add_filter(ada, name=f"{next(self._numbers)}", definition=FilterDefinition(open=True))
        return await self.world.services.maintenance.plan(ada, start=now, end=None, filter_ids=[filter_.id])

    async def _report(self):
        """A new incident of NAV's, with a ticket, a tag and an acknowledgement."""
        new = await self.world.incident(tags=[{"tag": "host=a"}], ticket_url="https://tickets.example.org/1")
        ack = (await self.world.ask("alice", "POST", f"incidents/{new['pk']}/acks/", json={})).json()
        return {"incident": new["pk"], "ack": ack["pk"], "event": ack["event"]["pk"]}

    def _request(self, operation, name, scope):
        """A sound request for the operation, as somebody makes it."""
        method, path = operation.split(" ")
        theirs, incident = self._theirs, self._incident
        places = {"ack_pk": incident["ack"], "event_pk": incident["event"], "tag": "host=a", "slug": "email"}
        places["pk"] = next(pk for part, pk in self._pks(theirs, incident).items() if f"{part}/{{pk}}" in path) if "{pk}" in path else 0
        body = None if method in ("GET", "DELETE") else self._body(operation, self._owned[name or "alice"], incident["incident"])
        headers = {"Authorization": f"Token {self._keys[name, scope]}"} if name else {}
        return method, path.format(**places), {"json": body, "headers": headers}

    async def status(self, operation, name, scope=Scope.ALL):
        """How such a request is answered."""
        method, path, request = self._request(operation, name, scope)
        try:
            async with self.world.as_() as client:
                return (await client.request(method, path, **request)).status_code
        finally:
            for store, before in zip(self._stores, self._before, strict=True):
                vars(store).update({attribute: copied(value) for attribute, value in before.items()})
            self.world.credentials.clear()

    def _inside(self, store):
        return {attribute: copied(value) for attribute, value in vars(store).items()}

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
            "plannedmaintenance": self._planned.id,
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
            "plannedmaintenance/": {"start_time": now, "filters": [own["filter"]]},
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


async def test_a_refusal_is_described_of_whatever_is_not_for_every_token(stage):
    async with stage.world.as_() as client:
        paths = (await client.get("/api/schema/")).json()["paths"]
    described = {
        f"{method.upper()} {path}" for path, operations in paths.items() for method, one in operations.items() if "403" in one["responses"]
    }

    narrow = {operation for operation in ROWS if not all(allows(scope, act_of(operation)) for scope in Scope)}

    assert narrow | REFUSED_OTHERWISE == described


@pytest.mark.parametrize("operation", ROWS)
async def test_each_is_for_those_it_is_for(stage, operation):
    """
    Nobody may more than the row says, and nobody less.
    """
    got = [await stage.status(operation, name) for name in WHO.values()]

    assert dict(zip(WHO, ROWS[operation], strict=True)) == dict(zip(WHO, got, strict=True))


@pytest.mark.parametrize("operation", ROWS)
def test_each_row_is_what_the_domain_says_of_roles(operation):
    """
    Whoever has none of the roles that an act takes is refused, and of those who have one somebody is let in.
    """
    _, *roles_may = [RULES[act_of(operation)].roles & roles for roles in ROLES.values()]
    _, *statuses = ROWS[operation]

    assert all(may or status >= 400 for may, status in zip(roles_may, statuses, strict=True))
    assert any(status < 400 for may, status in zip(roles_may, statuses, strict=True) if may)


@pytest.mark.parametrize("scope", [Scope.READ, Scope.INCIDENTS], ids=lambda scope: scope.value)
@pytest.mark.parametrize("operation", ROWS)
async def test_a_scope_takes_away_what_the_domain_says_and_nothing_else(stage, operation, scope):
    """
    What is out of scope is refused whoever asks, with 403 if all else is well; the rest is as with any token.
    """
    for who, status in list(zip(WHO, ROWS[operation], strict=True))[1:]:
        got = await stage.status(operation, WHO[who], scope)

        if allows(scope, act_of(operation)):
            assert (who, status) == (who, got)
        else:
            assert (who, 403 if status < 400 else 4) == (who, got if status < 400 else got // 100)

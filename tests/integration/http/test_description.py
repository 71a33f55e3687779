"""What the server says of itself in OpenAPI is what it does: requests made from the description, and answers held to it."""

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from integration.postgres import fresh_database
from integration.serving import applied, argus, serving

SPEC = json.loads((Path(__file__).parents[2] / "conformance" / "world.spec.json").read_text())
USERS = {user["actor"]: user for user in SPEC["users"]}
ACTORS = {
    "end user": ("alice", None),
    "admin": ("admin", None),
    "source": ("source1", None),
    "end user who may only read": ("alice", "read"),
    "admin who may only write incidents": ("admin", "incidents:write"),
    "source that may only write incidents": ("source1", "incidents:write"),
    "source that may only read": ("source1", "read"),
    "anonymous": (None, None),
}
"""Who asks, and the scope of the token if it is not good for everything."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = int(os.environ.get("DESCRIBED_EXAMPLES", "5"))
"""So many requests for each operation, other ones at each run."""

LAST = ("refresh-token", "logout")
"""After these a token is worth nothing, so each gets one of its own."""


@pytest.fixture(scope="module")
def door(postgres, tmp_path_factory):
    """Where a server with some users listens, and their narrow tokens."""
    folder = tmp_path_factory.mktemp("description")
    with fresh_database(postgres) as dsn:
        environment = {"DATABASE_URL": dsn, "ARGUS_SEND_NOTIFICATIONS": "false", "ARGUS_LOG_LEVEL": "error"}
        argus("migrate", environment=environment, folder=folder)
        applied(SPEC, environment=environment, folder=folder)
        narrow = {
            (name, scope): argus(
                "token", "create", USERS[name]["username"], scope, "--scope", scope, environment=environment, folder=folder
            ).strip()
            for name, scope in ACTORS.values()
            if scope
        }
        with serving("--workers", "1", environment=environment, folder=folder) as served:
            yield Door(served.url, narrow)


@dataclass(frozen=True)
class Door:
    """Where a server listens, and the narrow tokens that some come with."""

    url: str
    narrow: dict[tuple[str, str], str]

    def client(self, who):
        """Somebody with a token that nobody else has."""
        name, scope = ACTORS[who]
        headers = {}
        if scope is not None:  # whoever comes with a token gets another one of its scope
            headers = self._authorization("v2/auth/token/login/", headers={"Authorization": f"Token {self.narrow[name, scope]}"})
        elif name is not None:
            headers = self._authorization("v2/token-auth/", json={key: USERS[name][key] for key in ("username", "password")})
        return httpx.Client(base_url=f"{self.url}/api/", headers=headers, timeout=30)

    def _authorization(self, path, **asked):
        answer = httpx.post(f"{self.url}/api/{path}", **asked).raise_for_status()
        return {"Authorization": f"Token {answer.json()['token']}"}


@pytest.fixture
def clients(door):
    """Everybody, freshly logged in, and some things to ask for."""
    clients = {who: door.client(who) for who in ACTORS}
    for _ in range(3):
        body = {"start_time": "2026-01-01T00:00:00Z", "tags": [{"tag": "host=a"}], "description": "down"}
        pk = _made(clients["source"], "v2/incidents/", body)
        _made(clients["end user"], f"v2/incidents/{pk}/acks/", {"event": {"description": "seen"}})
    for who in ("end user", "admin"):
        me = clients[who]
        filter_ = _made(me, "v2/notificationprofiles/filters/", {"name": f"{who} {pk}", "filter": {"open": True}})
        settings = {"email_address": f"{pk}@example.org"}
        destination = _made(me, "v2/notificationprofiles/destinations/", {"media": "email", "settings": settings, "label": f"mail {pk}"})
        times = [{"days": [1, 7], "start": "00:00:00", "end": "23:59:00"}]
        timeslot = _made(me, "v2/notificationprofiles/timeslots/", {"name": f"slot {pk}", "time_recurrences": times})
        profile = {"timeslot": timeslot, "filters": [filter_], "destinations": [destination], "active": True, "name": f"profile {pk}"}
        _made(me, "v2/notificationprofiles/", profile)
        _made(me, "v1/auth/phone-number/", {"phone_number": f"+472282{pk:04d}"})
    yield clients
    for client in clients.values():
        client.close()


def _made(client, path, body):
    answer = client.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["pk"]


def _aim(client, case, which):
    """Let the path lead to something that is there, as far as there is something."""
    path = case.operation.path
    for name in re.findall(r"\{(\w+)\}", path):
        answer = client.get(path.partition("{")[0].removeprefix("/api/"))
        found = answer.json() if answer.status_code == httpx.codes.OK else []
        found = found["results"] if isinstance(found, dict) else found
        key = name if name in ("tag", "slug") else "pk"
        if keys := [one[key] for one in found if key in one]:
            case.path_parameters[name] = keys[which % len(keys)]
        path = path.replace(f"{{{name}}}", str(case.path_parameters[name]), 1)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_answers_are_as_described(door, clients, subtests, version, mode):
    """
    Whoever asks whatever, right or wrong: no answer is a 500, and each has a status, type, headers and shape that the description names.
    """
    schema = schemathesis.openapi.from_url(f"{door.url}/api/{version}/schema/")
    operations = [result.ok() for result in schema.get_all_operations()]
    if mode is GenerationMode.NEGATIVE:
        operations = [operation for operation in operations if operation.body or operation.query]

    for operation in sorted(operations, key=lambda one: (any(word in one.path for word in LAST), one.method == "delete")):

        @settings(max_examples=EXAMPLES, phases=[Phase.generate], deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(
            case=operation.as_strategy(generation_mode=mode),
            who=st.sampled_from(list(clients)),
            there=st.sampled_from([True, True, False]),
            which=st.integers(0, 4),
        )
        def ask(case, who, there, which):
            ends = any(word in case.operation.path for word in LAST)
            client = door.client(who) if ends else clients[who]
            if there:
                _aim(client, case, which)
            headers = {name: value for name, value in client.headers.items() if name == "authorization"}
            case.call_and_validate(base_url=door.url, headers=headers, checks=CHECKS)

        # A body of any shape cannot be wrong.
        with subtests.test(operation=operation.label), suppress(Unsatisfiable):
            ask()

"""Scopes, the audit log and last uses, with a server, commands and a database that know of each other only what is stored."""

import json

import pytest

from integration.serving import serving

GOOD = {"start_time": "2024-03-01T12:00:00Z", "tags": [{"tag": "a=b"}]}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_scope_holds_in_both_versions(installation, version):
    scopes = ("read", "incidents:write")
    keys = [installation.argus("token", "create", "nav.oslo", f"{version} {scope}", "--scope", scope).split()[-1] for scope in scopes]

    statuses = []
    for key in keys:
        with installation.served.client(key) as nav:
            base = f"{installation.served.url}/api/{version}"
            answers = [
                nav.get(f"{base}/incidents/"),
                nav.post(f"{base}/incidents/", json=GOOD),
                nav.post(f"{base}/notificationprofiles/filters/", json={"name": "f", "filter": {"open": True}}),
            ]
            statuses.append([answer.status_code for answer in answers])

    assert [[200, 403, 403], [200, 201, 403]] == statuses


def test_a_login_is_noted_with_the_address_of_the_client(installation):
    with installation.client("alice") as alice:
        alice.post("/token-auth/", json={"username": "bob", "password": "wrong"})

    line = installation.argus("audit", "export", "--deed", "login", "--refused").splitlines()[0]

    assert ("user bob", "127.0.0.1", "refused") == tuple(json.loads(line)[name] for name in ("about", "address", "outcome"))


def test_a_use_is_noted_at_the_latest_when_the_server_stops(installation):
    key = installation.argus("token", "create", "alice", "used once").split()[-1]
    with serving(environment=installation.environment, folder=installation.folder) as served, served.client(key) as alice:
        alice.get("/auth/user/")

    (line,) = [line for line in installation.argus("token", "list").splitlines() if "used once" in line]

    assert 2 == line.count("UTC") - 1, line

"""The server that is written to dies, and its replica takes over."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from adapters.db.accounts import PgAccounts
from adapters.db.database import Database
from adapters.db.journal import PgIncidents
from argus_core.conformance import make_world
from argus_core.domain.filters import SourceIn
from integration.cluster import cluster
from integration.hearing import want
from integration.journals import assert_nothing_twice, assert_whole, journals
from integration.lives import Life, all_told, find
from integration.notifications.people import Installation
from integration.serving import applied, serving
from integration.sink import sink

LIVES = 2
AWAY = 1.5
TIME_OUT = 13.0
"""So many seconds after it was asked, whoever asks has an answer; ten, and what a busy machine takes."""

BACK_WITHIN = 15.0


class Timed(Life):
    """A life that also knows how long each answer took."""

    def __init__(self, number, installation, tokens):
        super().__init__(number, installation, tokens)
        self.took = []

    def _post(self, client, who, path, body):
        began = time.monotonic()
        try:
            return super()._post(client, who, path, body)
        finally:
            self.took.append(time.monotonic() - began)


def until_all_are_served(lives, since, seconds=BACK_WITHIN):
    end = time.monotonic() + seconds
    while any(life.answered[-1:] < [since] for life in lives):
        assert time.monotonic() < end, f"{seconds} s later nobody is served"
        time.sleep(0.05)


def assert_nothing_acknowledged_is_lost(lives, kept):
    taken = {pk for life in lives for pk in life.incidents}
    events = {(event, pk) for life in lives for pk, event in life.events if event is not None}
    assert set() == taken - kept.incidents
    assert set() == events - {(event, incident) for event, (incident, _) in kept.events.items()}
    assert [] == [wrong for life in lives for wrong in life.wrong]


def test_nothing_acknowledged_is_lost_when_a_synchronous_replica_takes_over(tmp_path):
    """
    Sources get 201, or 503 for a while; nobody hangs; it goes on by itself; everybody is told of everything.
    """
    with ExitStack() as stack:
        servers = stack.enter_context(cluster())
        servers.wait_for_both()
        mailbox = stack.enter_context(sink())
        environment = {
            "DATABASE_URL": servers.url,
            "DATABASE_READ_URL": servers.replica.url,
            "ARGUS_FRONTEND_URL": "https://argus.example.org",
            **mailbox.settings,
        }
        world = applied(Installation.SPEC, environment=environment, folder=tmp_path)
        tokens = {name: one["token"] for name, one in world["actors"].items()}
        served = stack.enter_context(serving("--workers", 2, environment=environment, folder=tmp_path))
        alice = stack.enter_context(served.client(tokens["alice"], timeout=30))
        want(alice)
        lives = [Timed(number, served, tokens) for number in range(LIVES)]
        for life in lives:
            life.start()
        until_all_are_served(lives, time.monotonic())
        time.sleep(1)

        servers.primary.kill()
        time.sleep(AWAY)
        refused = alice.post("/incidents/acks/bulk/", json={"ids": [1], "ack": {}})
        servers.replica.promote()
        promoted = time.monotonic()
        until_all_are_served(lives, promoted)
        time.sleep(1)
        for life in lives:
            life.stop()

        all_told(servers.replica.url)
        kept = find(servers.replica.url, list(mailbox.mails), set())
        ready = alice.get(f"{served.url}/health/ready")
        assert 503 == refused.status_code
        assert int(refused.headers["Retry-After"]) > 0
        assert_nothing_acknowledged_is_lost(lives, kept)
        assert set() == kept.undecided
        assert [] == kept.undelivered
        assert TIME_OUT > max(took for life in lives for took in life.took)
        assert 200 == ready.status_code
        assert ["replica"] == [check["name"] for check in ready.json()["checks"] if check["state"] != "ok"]
        assert_nothing_twice(servers.replica.url)
        assert_whole(journals(servers.replica.url))


@pytest.mark.anyio
async def test_what_a_lost_server_gave_is_forgotten_when_an_asynchronous_replica_takes_over():
    """
    The replica has not heard of the last incidents. Their ids are given again, their rows are not shown any more, and nothing collides.
    """
    with cluster() as servers:
        async with Database(servers.url).opened() as older, Database(servers.url).opened() as newer:
            here = PgIncidents(older)
            world = await make_world(here, PgAccounts(older))
            condition = SourceIn(frozenset({world.source.id}))
            known = [await world.report("known")]
            servers.catch_up()
            servers.replica.kill()
            lost = [await world.report(f"lost {number}") for number in range(30)]
            assert len(known + lost) == len((await here.page(condition, datetime.now(UTC), 100)).rows)
            servers.primary.kill()
            servers.replica.start()
            servers.replica.promote()

            there = PgIncidents(newer)
            others = await make_world(there, PgAccounts(newer))
            first = [await others.report(f"there {number}") for number in range(40)]
            second = [await world.report(f"here {number}") for number in range(40)]

            both = SourceIn(frozenset({world.source.id, others.source.id}))
            pages = [(await journal.page(both, datetime.now(UTC), 200)).rows for journal in (here, there)]

    wanted = {incident.id: incident.source_incident_id for incident in (*known, *first, *second)}
    assert 81 == len(wanted)
    assert [wanted, wanted] == [{row.id: row.source_incident_id for row in rows} for rows in pages]

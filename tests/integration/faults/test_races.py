"""Many callers do everything they may to the same few incidents, through HTTP and several processes."""

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import psycopg

from integration.hearing import want
from integration.journals import assert_whole, journals
from integration.serving import applied, serving

SECONDS = float(os.environ.get("RACE_SECONDS", "8"))
SEED = int(os.environ.get("RACE_SEED", "1"))
CALLERS = 8
INCIDENTS = 6

UNHEARD = (
    "select count(*) from event e where (select count(*) from outbox o where (o.incident_id, o.version) = (e.incident_id, e.version))"
    " + (select count(*) from delivery d where (d.incident_id, d.version) = (e.incident_id, e.version)) <> 1"
)


@dataclass
class Caller:
    """One who calls without pause, and remembers what the server said it had done."""

    number: int
    nav: object
    alice: object
    root: object
    pks: list[int]
    random: Random
    numbers: count = field(default_factory=count)
    statuses: dict[tuple[str, int], int] = field(default_factory=dict)
    events: list[tuple[int, int]] = field(default_factory=list)
    """Incident and event, for each event in an answer."""
    acks: list[tuple[int, int]] = field(default_factory=list)
    """Incident and acknowledgement, for each that this caller made."""
    marks: list[tuple[int, str]] = field(default_factory=list)
    """Incident and text, for each text that an edit was said to have written."""

    def run(self, until: float) -> None:
        actions = [
            *(self.close, self.reopen, self.end, self.remark, self.acknowledge, self.move_expiration, self.edit, self.retag, self.ticket),
            *(self.bulk_acknowledge, self.bulk_close, self.bulk_ticket),
        ]
        while time.monotonic() < until:
            action = self.random.choice(actions)
            action(self.random.choice(self.pks))

    def close(self, pk):
        self._event(pk, self.alice, "CLO")

    def reopen(self, pk):
        self._event(pk, self.alice, "REO")

    def end(self, pk):
        self._event(pk, self.nav, "END")

    def remark(self, pk):
        self._event(pk, self.nav, "OTH")

    def acknowledge(self, pk):
        expiration = self.random.choice([None, _soon(0.3), _soon(60)])
        answer = self._did("ack", self.alice.post(f"/incidents/{pk}/acks/", json={"timestamp": _soon(0), "expiration": expiration}))
        if answer.status_code == 201:
            self.acks.append((pk, answer.json()["pk"]))
            self.events.append(self.acks[-1])

    def move_expiration(self, pk):
        mine = [ack for incident, ack in self.acks[-20:] if incident == pk]
        if mine:
            ack = self.random.choice(mine)
            self._did("move", self.alice.put(f"/incidents/{pk}/acks/{ack}/", json={"expiration": _soon(self.random.choice([1, 90]))}))

    def edit(self, pk):
        mark = self._mark()
        answer = self._did("edit", self.nav.patch(f"/incidents/{pk}/", json={"description": mark, "metadata": {"by": mark}}))
        if answer.status_code == 200:
            self.marks.append((pk, mark))

    def retag(self, pk):
        tags = [{"tag": f"racer={n}"} for n in self.random.sample(range(5), 2)]
        self._did("tags", self.root.patch(f"/incidents/{pk}/", json={"tags": tags, "level": self.random.randint(1, 5)}))

    def ticket(self, pk):
        url = self._url()
        answer = self._did("ticket", self.alice.put(f"/incidents/{pk}/ticket_url/", json={"ticket_url": url}))
        if answer.status_code == 200:
            self.marks.append((pk, url))

    def bulk_acknowledge(self, _):
        self._bulk("acks", "ack", ack={"timestamp": _soon(0), "description": "all of them"})

    def bulk_close(self, _):
        self._bulk("events", "event", event={"timestamp": _soon(0), "type": self.random.choice(["CLO", "REO"])})

    def bulk_ticket(self, _):
        url = self._url()
        for pk, change in self._bulk("ticket_url", "ticket_url", ticket_url=url).items():
            if change["status"] == 201:
                self.marks.append((pk, url))

    def _event(self, pk, client, type_):
        body = {"timestamp": _soon(self.random.choice([-60, 0, 0.5])), "type": type_, "description": self._mark()}
        answer = self._did(type_, client.post(f"/incidents/{pk}/events/", json=body))
        if answer.status_code == 201:
            self.events.append((pk, answer.json()["pk"]))

    def _bulk(self, what, kind, **body):
        ids = self.random.sample(self.pks, self.random.randint(1, len(self.pks)))
        answer = self._did(f"bulk {what}", self.alice.post(f"/incidents/{what}/bulk/", json={"ids": ids, **body}))
        changes = {int(pk): change for pk, change in answer.json()["changes"].items()}
        for pk, change in changes.items():
            if change["status"] == 201 and kind != "ticket_url":
                self.events.append((pk, change[kind]["pk"]))
        return changes

    def _did(self, what, answer):
        key = what, answer.status_code
        self.statuses[key] = self.statuses.get(key, 0) + 1
        return answer

    def _mark(self):
        return f"caller {self.number} for the {next(self.numbers)}. time."

    def _url(self):
        return f"https://tickets.example.org/{self.number}/{next(self.numbers)}."


def _random(number):
    return Random(SEED * 1000 + number)  # noqa: S311 - the same at every run


def _soon(seconds):
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def test_racing_callers_lose_nothing(database_url, spec, tmp_path):
    """
    Every change that an answer told of is in its journal, journals have no gaps and lead to what is kept, no two waited for each other, and
    each event was decided about once or still waits for that.
    """
    environment = {"DATABASE_URL": database_url, "ARGUS_SEND_NOTIFICATIONS": "false"}
    tokens = {name: actor["token"] for name, actor in applied(spec, environment=environment, folder=tmp_path)["actors"].items()}
    with serving("--workers", 2, environment=environment, folder=tmp_path) as served:
        clients = {name: served.client(tokens[name], timeout=30) for name in ("nav", "alice", "root")}
        want(clients["alice"])
        report = {"start_time": "2026-01-01T00:00:00Z", "tags": [], "description": "raced for"}
        pks = [clients["nav"].post("/incidents/", json=report).json()["pk"] for _ in range(INCIDENTS)]
        callers = [Caller(number, **clients, pks=pks, random=_random(number)) for number in range(CALLERS)]
        until = time.monotonic() + SECONDS

        with ThreadPoolExecutor(CALLERS) as threads:
            list(threads.map(lambda caller: caller.run(until), callers))

        for client in clients.values():
            client.close()
    found = journals(database_url)
    assert_whole(found)
    assert set() == {event for caller in callers for event in caller.events} - _events(found)
    edits = _edits(found)
    assert [] == [(mark, edits[mark]) for caller in callers for mark in caller.marks if edits[mark] != 1]
    statuses = _sum(caller.statuses for caller in callers)
    assert {200, 201, 400} >= {status for _, status in statuses}, statuses
    assert {"CLO", "REO", "END", "OTH", "ack", "move", "edit", "tags", "ticket", "bulk acks", "bulk events", "bulk ticket_url"} == {
        what for what, status in statuses if status < 400
    }
    with psycopg.connect(database_url) as connection:
        (deadlocks,) = connection.execute("select deadlocks from pg_stat_database where datname = current_database()").fetchone()
        (unheard,) = connection.execute(UNHEARD).fetchone()
    assert (0, 0) == (deadlocks, unheard)


def _events(found):
    return {(pk, event.id) for pk, (_, journal) in found.items() for event in journal}


def _edits(found):
    """How often each text was written by an edit, as the journals say."""
    changes = [(pk, event.changes) for pk, (_, journal) in found.items() for event in journal]
    return Counter((pk, replaced.new) for pk, change in changes for replaced in (change.description, change.ticket_url) if replaced)


def _sum(dictionaries):
    total = {}
    for dictionary in dictionaries:
        for key, value in dictionary.items():
            total[key] = total.get(key, 0) + value
    return total

"""
Whatever is killed, however the mail server behaves: nothing is lost, nothing told out of order, and what comes twice is the same.

`make chaos` does for minutes what is done for seconds here; `KILL_SEED` gives other random numbers. What was counted is printed.
"""

import asyncio
import os
import re
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import httpx
import psycopg
import pytest

from adapters.db.embedded import running
from integration.hearing import want
from integration.killing import BACK_WITHIN, mortal
from integration.notifications.people import Installation
from integration.serving import applied
from integration.sink import TAKEN, Sink, sink

SEED = int(os.environ.get("KILL_SEED", "1"))
ROUNDS = int(os.environ.get("KILL_ROUNDS", "0"))
FEW_ROUNDS = {2: 3, 8: 1}
"""So many unless it is said how many, by the number of workers: with two each kind of victim falls once."""

SOURCES = 2
PATIENCE = 120
HANGS = 25.0
"""The mail server may be silent for so many seconds, which is longer than a mail is waited for."""

WAITING = "select (select count(*) from outbox) + (select count(*) from delivery where status = 'waiting')"
# What takes minutes otherwise: leases run out, and pauses end.
TIME_PASSES = "update lane set due = now(), leased_until = least(leased_until, now()) where tried < now() - interval '1.5 s'"
MAYBE = {httpx.codes.CREATED, httpx.codes.SERVICE_UNAVAILABLE}


class Moods:
    """A mail server of many moods, until it is told to be good."""

    def __init__(self, random):
        self._random, self._good = random, threading.Event()
        self._moods = [lambda: TAKEN] * 12 + [
            *(lambda: "451 busy", lambda: "421 too many connections", lambda: "554 not this one"),
            *(lambda: Sink.DROPPED, lambda: Sink.LOST, self._hang),
        ]

    def __call__(self, _):
        return TAKEN if self._good.is_set() else self._random.choice(self._moods)()

    async def _hang(self):
        until = time.monotonic() + self._random.choice([1, HANGS])
        while not self._good.is_set() and time.monotonic() < until:  # noqa: ASYNC110 - the one who sets it is in another thread
            await asyncio.sleep(0.05)
        return Sink.LOST

    def be_good(self):
        self._good.set()


class Life(threading.Thread):
    """Incidents begin, are acknowledged and end, until it is enough; it is remembered what was answered with 201."""

    def __init__(self, number, mortal, tokens):
        super().__init__(daemon=True)
        self._number, self._mortal, self._tokens = number, mortal, tokens
        self._stopping = threading.Event()
        self.incidents, self.events, self.wrong = [], [], []

    def run(self):
        with httpx.Client(timeout=20) as client:
            while not self._stopping.wait(0.03):
                description = f"Trouble {self._number} at {time.monotonic_ns()}"
                body = {"start_time": "2026-11-26T08:00:00Z", "description": description, "tags": [{"tag": "a=b"}], "level": 1}
                pk = self._post(client, "nav", "", body)
                if pk is None:
                    continue
                self.incidents.append(pk)
                for who, what, more in (("bob", "acks", {}), ("nav", "events", {"type": "END", "timestamp": "2026-11-26T09:00:00Z"})):
                    self.events.append((pk, self._post(client, who, f"{pk}/{what}/", more)))

    def stop(self):
        self._stopping.set()
        self.join()

    def _post(self, client, who, path, body):
        """The number of what was made; None when nobody can tell."""
        with suppress(httpx.TransportError):
            headers = {"Authorization": f"Token {self._tokens[who]}"}
            answer = client.post(f"{self._mortal.url}/api/v2/incidents/{path}", json=body, headers=headers)
            if answer.status_code == httpx.codes.CREATED:
                return answer.json()["pk"]
            if answer.status_code not in MAYBE:
                self.wrong.append(f"{answer.status_code} {answer.text}")
        return None


@dataclass
class Found:
    """What there is at the end, in the database and in the mailbox."""

    incidents: set = field(default_factory=set)
    events: dict = field(default_factory=dict)
    """Incident and version by id."""
    deliveries: dict = field(default_factory=dict)
    """Incident, version, status, and the one it was merged into, by id, in the order in which they were decided."""
    refused: set = field(default_factory=set)
    arrived: dict = field(default_factory=dict)
    """The mails about a delivery, by its id, in the order of arrival."""

    def carrier(self, id_):
        """The delivery that told of this one, too."""
        into = self.deliveries[id_][3]
        return id_ if into is None else self.carrier(into)

    @property
    def undelivered(self):
        """What neither has arrived, nor was refused for good by the mail server."""
        return [id_ for id_ in self.deliveries if not {self.carrier(id_)} & (self.arrived.keys() | self.refused)]

    @property
    def undecided(self):
        return set(self.events.values()) - {(incident, version) for incident, version, *_ in self.deliveries.values()}

    @property
    def decided_twice(self):
        places = [(incident, version) for incident, version, *_ in self.deliveries.values()]
        return len(places) - len(set(places))

    def out_of_order(self, ids):
        """Pairs of the same incident of which the later version is before the earlier."""
        versions = defaultdict(list)
        for id_ in ids:
            incident, version, *_ = self.deliveries[id_]
            versions[incident].append(version)
        return [(incident, pair) for incident, some in versions.items() for pair in pairwise(some) if pair[0] > pair[1]]

    @property
    def mails(self):
        return [mail for same in self.arrived.values() for mail in same]


def find(dsn, mails, known):
    """What there is beside the incidents that are known from before."""
    found = Found()
    with psycopg.connect(dsn) as connection:
        found.incidents = {id_ for (id_,) in connection.execute("select id from incident")} - known
        ours = [sorted(found.incidents)]
        rows = connection.execute("select id, incident_id, version from event where incident_id = any(%s)", ours)
        found.events = {id_: (incident, version) for id_, incident, version in rows}
        deliveries = "select id, incident_id, version, status, merged_into from delivery where incident_id = any(%s) order by id"
        found.deliveries = {id_: row for id_, *row in connection.execute(deliveries, ours)}
        refused = "select distinct delivery_id from attempt where outcome = 'refused' and answer like '%554 not this one%'"
        found.refused = {id_ for (id_,) in connection.execute(refused)}
    for mail in mails:
        id_ = int(re.match(r"<(\d+)\.", mail.id)[1])
        if id_ in found.deliveries:
            found.arrived.setdefault(id_, []).append(mail)
    return found


def all_told(dsn):
    until = time.monotonic() + PATIENCE
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute(WAITING).fetchone() != (0,):
            assert time.monotonic() < until, connection.execute("select status, reason, count(*) from delivery group by 1, 2").fetchall()
            connection.execute(TIME_PASSES)
            time.sleep(0.2)


def goes_on(lives, victim):
    """Every source has been answered with 201 again."""
    before = [len(life.incidents) for life in lives]
    until = time.monotonic() + BACK_WITHIN
    while any(len(life.incidents) <= taken for life, taken in zip(lives, before, strict=True)):
        assert time.monotonic() < until, f"{BACK_WITHIN} s after killing {victim} nobody is served; {lives[0].wrong[-1:]}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def random():
    return Random(SEED)  # noqa: S311 - the same at every run


@pytest.fixture(scope="module")
def mailbox():
    with sink() as opened:
        yield opened


@pytest.fixture(scope="module")
def installation(tmp_path_factory, random, mailbox):
    """An installation, and the tokens of its people; Alice wants to hear of everything."""
    folder = tmp_path_factory.mktemp("faults")
    environment = {"ARGUS_FRONTEND_URL": "https://argus.example.org", **mailbox.settings}
    with mortal(folder, random, environment) as found:
        world = applied(Installation.SPEC, "--data", found.data, environment=environment, folder=folder)
        tokens = {name: one["token"] for name, one in world["actors"].items()}
        found.start()
        with found.served.client(tokens["alice"]) as alice:
            want(alice)
        yield found, tokens


@pytest.mark.parametrize("workers", [2, 8])
def test_nothing_is_lost_and_nothing_out_of_order(installation, mailbox, random, workers):
    killed, tokens = installation
    victims = (
        (killed.a_worker, killed.all_workers),
        (killed.an_http_process, killed.everything_but_postgres),
        (killed.the_postmaster, killed.all_of_postgres, killed.everything),
    )
    mailbox.answer = moods = Moods(random)
    kills, rounds = defaultdict(int), ROUNDS or FEW_ROUNDS[workers]
    with running(killed.data) as server:
        known = find(server.url, [], set()).incidents
    killed.employ(workers)
    lives = [Life(number, killed, tokens) for number in range(SOURCES)]
    for life in lives:
        life.start()

    for number in range(rounds):
        time.sleep(random.uniform(0.2, 1.0))
        victim = random.choice(victims[number % len(victims)])
        kills[victim.__name__] += 1
        victim()
        goes_on(lives, victim.__name__)
        killed.employ(workers)
    for life in lives:
        life.stop()
    moods.be_good()
    with running(killed.data) as server:
        all_told(server.url)
        found = find(server.url, list(mailbox.mails), known)

    taken = {pk for life in lives for pk in life.incidents}
    told = {(pk, event) for life in lives for pk, event in life.events if event is not None}
    order_of_arrival = sorted(found.arrived, key=lambda id_: found.arrived[id_][0].at)
    figures = {
        "incidents answered with 201": len(taken),
        "of these lost": len(taken - found.incidents),
        "events answered with 201": len(told),
        "of these missing": len([event for pk, event in told if found.events.get(event, (None,))[0] != pk]),
        "notifications due": len(found.events),
        "undecided": len(found.undecided),
        "decided twice": found.decided_twice,
        "refused by the mail server": len({id_ for id_ in found.deliveries if found.carrier(id_) in found.refused - found.arrived.keys()}),
        "notifications lost": len(found.undelivered),
        "decided out of order": len(found.out_of_order(found.deliveries)),
        "told out of order": len(found.out_of_order(order_of_arrival)),
        "mails": len(found.mails),
        "mails that came again": len(found.mails) - len(found.arrived),
        "of these with another text": len({(mail.id, mail.subject, mail.text) for mail in found.mails}) - len(found.arrived),
        "of these with another Message-ID": len(found.arrived) - len({(mail.subject, mail.text) for mail in found.mails}),
    }
    print(f"\nseed {SEED}, {workers} workers, kill -9 of {dict(kills)}:")  # noqa: T201 - for whoever runs it for long
    print(*(f"  {what}: {count}" for what, count in figures.items()), sep="\n")  # noqa: T201 - the same
    assert [] == [wrong for life in lives for wrong in life.wrong]
    assert len(taken) > rounds
    wanted = {"of these lost", "of these missing", "undecided", "decided twice", "notifications lost", "decided out of order"}
    wanted |= {"told out of order", "of these with another text", "of these with another Message-ID"}
    assert dict.fromkeys(sorted(wanted), 0) == {name: figures[name] for name in sorted(wanted)}

"""Sources and people who go on whatever happens, a mail server of many moods, and what there is of it all in the end."""

import asyncio
import math
import re
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import httpx
import psycopg

from integration.sink import TAKEN, Sink

PATIENCE = 120
HANGS = 25.0
"""The mail server may be silent for so many seconds, which is longer than a mail is waited for."""

WAITING = "select (select count(*) from outbox) + (select count(*) from delivery where status = 'waiting')"
# What takes minutes otherwise: leases run out, and pauses end. What is due is left alone: written again and again, many lanes fill a disk.
TIME_PASSES = """
    update lane set due = least(due, now()), leased_until = least(leased_until, now())
    where tried < now() - interval '1.5 s' and (due > now() or leased_until > now())"""
WAITS = 20.0
"""So many seconds are waited for an answer."""
COMES_BACK = 0.25
"""So many seconds after it was told to, a source comes back: sooner than it should, but not at once."""


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
        self.answered = []
        """When there was an answer with 201, by a clock that only goes forward."""
        self.longest = 0.0
        """So many seconds the longest answer took, whichever it was; one that did not come counts, too."""

    def run(self):
        with httpx.Client(timeout=WAITS) as client:
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

    def longest_silence(self, since):
        """For how long there was no answer with 201, at most, from that moment on."""
        answered = list(self.answered)
        before = [at for at in answered[-2000:] if at < since]
        return max(
            (later - earlier for earlier, later in pairwise([*before[-1:], *(at for at in answered[-2000:] if at >= since)])), default=0.0
        )

    def _post(self, client, who, path, body):
        """The number of what was made; None when nobody can tell."""
        began = time.monotonic()
        with suppress(httpx.TransportError):
            headers = {"Authorization": f"Token {self._tokens[who]}"}
            try:
                answer = client.post(f"{self._mortal.url}/api/v2/incidents/{path}", json=body, headers=headers)
            finally:
                self.longest = max(self.longest, time.monotonic() - began)
            if answer.status_code == httpx.codes.CREATED:
                self.answered.append(time.monotonic())
                return answer.json()["pk"]
            if not may_be(answer):
                self.wrong.append(f"{answer.status_code} {answer.text}")
            self._stopping.wait(COMES_BACK)
        return None


def may_be(answer):
    """Whether one who asked was told when to come back, if not what was asked for."""
    return answer.is_success or (answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and answer.headers.get("retry-after", "").isdigit())


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
        told = self.arrived.keys() | self.refused
        return [id_ for id_ in self.deliveries if self.carrier(id_) not in told]

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
    """Wait until nothing waits any more, for as long as it becomes less."""
    fewest, until = math.inf, 0.0
    with psycopg.connect(dsn, autocommit=True) as connection:
        while (waiting := connection.execute(WAITING).fetchone()[0]) > 0:
            if waiting < fewest:
                fewest, until = waiting, time.monotonic() + PATIENCE
            assert time.monotonic() < until, connection.execute("select status, reason, count(*) from delivery group by 1, 2").fetchall()
            connection.execute(TIME_PASSES)
            time.sleep(0.2)

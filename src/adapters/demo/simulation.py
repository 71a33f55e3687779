"""The network goes on: sources report and people react through the HTTP API, until it is time to stop."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from adapters.demo import network
from adapters.demo.acts import Acknowledge, Act, AddTag, Escalate, Post, Report, Step, Ticket, Trouble
from adapters.demo.client import Client, NoAnswer, Refused
from adapters.demo.people import PEOPLE, People, steps_of
from adapters.demo.stories import CATALOGUE, Genre, Teller, hardware
from argus_core.domain.incidents import EventType

ZONE = ZoneInfo("Europe/Oslo")
HURRY = 20.0
"""So much faster than in life do stories go on, at pace 1: somebody is looking."""

GAP = 10.0
"""Seconds between the beginnings of two stories, on average, at pace 1."""

ADOPTED_END_WITHIN = 6 * 3600.0
"""So many seconds, at pace 1, until what was open at the start has ended."""

OFFICE_MORNING = datetime(2026, 3, 10, 10, tzinfo=ZONE)
"""People react as if it were always a Tuesday morning."""

RETRY = 1.0
"""Asks again after so many seconds when there is no answer."""

FIRST_INCIDENT = 1
FIRST_TICKET = 60_000
_BAD_REQUEST = 400

_log = logging.getLogger("argus.demo")

Call: TypeAlias = Callable[[], None]


@dataclass(slots=True)
class _Case:
    """An incident that the simulation looks after; its number is known when it has been reported."""

    source: str
    pk: int | None = None


class Simulation:
    """
    Everything that happens to a demo while it runs, in a thread of its own.

    `tokens` are those of the people and sources, by username. A server that does not answer is waited for.
    """

    def __init__(self, address: str, tokens: Mapping[str, str], *, pace: float = 1.0, seed: int | None = None) -> None:
        self._client = Client(address)
        self._tokens = tokens
        self._pace = pace
        rng = self._rng = Random(seed)  # noqa: S311 - nobody has to be kept from guessing
        self._began = datetime.now(UTC)
        first = int(self._began.timestamp() * 10)  # above all keys that were ever given
        self._teller = Teller(network.build(), rng, itertools.count(first))
        self._people = People(rng, FIRST_TICKET + first % 100_000)
        self._due: list[tuple[float, int, Call]] = []
        self._order = itertools.count()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)
        self._on_begun: Callable[[int], None] = lambda _: None

    def start(self, on_begun: Callable[[int], None]) -> None:
        """Begin; `on_begun` hears the number of an incident that stays open for somebody to try things on."""
        self._on_begun = on_begun
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until it has."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._unless_refused(self._adopt)
            self._on_begun(self._try_on())
            self._next_story()
            while self._due:
                moment, _, call = self._due[0]
                if self._stopping.wait(max(0.0, moment - time.monotonic())):
                    return
                heapq.heappop(self._due)
                call()
        except _Stopped:
            return

    # What is going to happen.

    def _later(self, seconds: float, call: Call) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds / self._pace, next(self._order), call))

    def _next_story(self) -> None:
        """Begin a story now, and the next one soon. What is rare in life comes often enough to be seen."""
        now = datetime.now(UTC)
        often = [(genre.per_month * genre.rhythm(now.astimezone(ZONE))) ** 0.5 for genre in CATALOGUE]
        self._tell(self._rng.choices(CATALOGUE, often)[0])
        self._later(self._rng.expovariate(1 / GAP), self._next_story)

    def _tell(self, genre: Genre) -> None:
        hurry = timedelta(seconds=(datetime.now(UTC) - self._began).total_seconds() * self._pace * HURRY)
        story = self._teller.tell(genre, self._began + hurry)
        cases = [_Case(happening.trouble.source) for happening in story.happenings]
        steps = [step for line, happening in enumerate(story.happenings) for step in steps_of(happening, line)]
        steps += self._people.reactions(story, OFFICE_MORNING)
        for step in sorted(steps, key=lambda step: step.due):
            self._later(step.due.total_seconds() / HURRY, self._doing(step, cases[step.line]))

    def _adopt(self) -> None:
        """Look after what is open already: some day it ends, and some of it is acknowledged."""
        path: str | None = "incidents/?open=true&page_size=1000"
        while path:
            page = self._ask("GET", path, self._anybody())
            for incident in page["results"]:
                self._adopt_one(incident)
            path = page["next"] and page["next"].partition("/api/v2/")[2]

    def _adopt_one(self, incident: Mapping[str, Any]) -> None:
        source = incident["source"]["name"]
        if source not in self._tokens:
            return
        case = _Case(source, incident["pk"])
        end = Step(due=timedelta(), line=0, who=None, act=Post(EventType.END, "Back to normal"))
        self._later(self._rng.uniform(60, ADOPTED_END_WITHIN), self._doing(end, case))
        if not incident["acked"] and self._rng.random() < 0.4:  # noqa: PLR2004 - a good part of them
            ack = Step(due=timedelta(), line=0, who=self._anybody(), act=Acknowledge("Found it in the list", None))
            self._later(self._rng.uniform(60, ADOPTED_END_WITHIN), self._doing(ack, case))

    # Doing it.

    def _doing(self, step: Step, case: _Case) -> Call:
        return lambda: self._unless_refused(lambda: self._do(step, case))

    def _unless_refused(self, call: Call) -> None:
        try:
            call()
        except Refused as refused:
            # Somebody who plays with the demo was faster, or has taken the token away.
            _log.debug("The server has refused: %s", refused)

    def _do(self, step: Step, case: _Case) -> None:
        if isinstance(step.act, Report):
            case.pk = self._report(step.act)
        elif case.pk is not None:
            self._act(step.act, case.pk, step.who or case.source, from_source=step.who is None)

    def _act(self, act: Act, pk: int, who: str, *, from_source: bool) -> None:
        path = f"incidents/{pk}/"
        match act:
            case Post(type_, text):
                body = {"type": type_.value, "description": text, **({"timestamp": _now()} if from_source else {})}
                self._ask("POST", f"{path}events/", who, body)
            case Acknowledge(text, holds):
                expiration = None if holds is None else (datetime.now(UTC) + holds).isoformat()
                self._ask("POST", f"{path}acks/", who, {"description": text, "expiration": expiration})
            case Escalate(level):
                self._ask("PATCH", path, who, {"level": int(level)})
            case Ticket(url):
                self._ask("PUT", f"{path}ticket_url/", who, {"ticket_url": url})
            case AddTag(tag):
                tags = [kept["tag"] for kept in self._ask("GET", path, who)["tags"]]
                self._ask("PATCH", path, who, {"tags": [{"tag": text} for text in (*tags, str(tag))]})
            case Report():
                raise ValueError("An incident begins once.")

    def _report(self, report: Report) -> int:
        trouble = report.trouble
        start = datetime.now(UTC)
        lasts = None if report.lasts is None else report.lasts / (HURRY * self._pace)
        end = None if lasts is None else (start + lasts).isoformat() if report.announced else "infinity"
        body = {
            "start_time": start.isoformat(),
            "end_time": end,
            "source_incident_id": trouble.key,
            "level": int(trouble.level),
            "description": trouble.description,
            "details_url": trouble.details_url,
            "tags": [{"tag": str(tag)} for tag in trouble.tags],
            "metadata": trouble.metadata,
        }
        try:
            return int(self._ask("POST", "incidents/", trouble.source, body)["pk"])
        except Refused as refused:
            if refused.status == _BAD_REQUEST:
                return self._reported(trouble, refused)
            raise

    def _reported(self, trouble: Trouble, refused: Refused) -> int:
        """The number of what was stored although nobody heard the answer: keys are never given twice."""
        found = self._ask("GET", f"incidents/mine/?source_incident_id={trouble.key}", trouble.source)["results"]
        if not found:
            raise refused
        return int(found[0]["pk"])

    def _try_on(self) -> int:
        """The number of an incident that nobody of ours will touch."""
        genre = next(genre for genre in CATALOGUE if genre.tell is hardware)
        happening = self._teller.tell(genre, self._began).happenings[0]
        try:
            return self._report(Report(trouble=happening.trouble, lasts=happening.lasts, announced=False))
        except Refused as refused:
            _log.warning("%s may not report: %s", happening.trouble.source, refused)
            return FIRST_INCIDENT

    def _ask(self, method: str, path: str, who: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Ask until there is an answer."""
        while not self._stopping.is_set():
            try:
                return self._client.call(method, path, self._tokens[who], body)
            except NoAnswer as gone:
                _log.debug("The server does not answer: %s", gone)
                self._stopping.wait(RETRY)
        raise _Stopped

    def _anybody(self) -> str:
        return self._rng.choice(PEOPLE).username


class _Stopped(Exception):
    """It is time to stop."""


def _now() -> str:
    return datetime.now(UTC).isoformat()

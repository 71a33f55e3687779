"""
A month of history: stories told in the order of time, each step a transition of the domain with the `now` of its moment.

Nothing is made up afterwards: what comes out are the incidents as `fold` gives them from their journals.
"""

import heapq
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import assert_never
from zoneinfo import ZoneInfo

from adapters.demo import network
from adapters.demo.acts import Acknowledge, Act, AddTag, Escalate, Happening, Post, Report, Step, Story, Ticket
from adapters.demo.people import People, steps_of
from adapters.demo.stories import CATALOGUE, Genre, Teller
from argus_core.domain import transitions
from argus_core.domain.actors import Actor
from argus_core.domain.ids import EventId, IncidentId
from argus_core.domain.incidents import Event, Incident
from argus_core.domain.sources import Source
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Change, Edit, IncidentReport, Timer

ZONE = ZoneInfo("Europe/Oslo")
DAYS = 30
SEED = 1876
FIRST_KEY = 412_000
FIRST_TICKET = 48_200

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who acts: sources by name, each with its actor, and people by username."""

    sources: Mapping[str, Source]
    reporters: Mapping[str, Actor]
    people: Mapping[str, Actor]


@dataclass(slots=True)
class _Life:
    """An incident while its story is told."""

    story: Story
    began: datetime
    line: int
    steps_left: int
    incident: Incident | None = None
    journal: list[Event] = field(default_factory=list)


def history(cast: Cast, *, until: datetime, incidents: int, seed: int = SEED) -> Iterator[Change]:
    """
    About so many incidents of the month before `until`, each as one change that holds its whole journal; ids count from 1.

    The same arguments give the same history. An incident comes when its story is over, those that are open last.
    """
    return _Month(cast, until, incidents, Random(seed)).run()  # noqa: S311 - it is to be guessed


class _Month:
    """The month while it passes: what is due next, and the incidents something is still going to happen to."""

    def __init__(self, cast: Cast, until: datetime, incidents: int, rng: Random) -> None:
        self._cast, self._until, self._wanted, self._rng = cast, until, incidents, rng
        self._teller = Teller(network.build(), rng, itertools.count(FIRST_KEY))
        self._people = People(rng, FIRST_TICKET)
        self._incident_ids = map(IncidentId, itertools.count(1))
        self._event_ids = map(EventId, itertools.count(1))
        self._due: list[tuple[datetime, int, _Life, Step | Timer]] = []
        self._order = itertools.count()
        self._lives: dict[int, _Life] = {}

    def run(self) -> Iterator[Change]:
        for moment, genre in self._beginnings():
            yield from self._pass(moment)
            self._begin(genre, moment)
        yield from self._pass(self._until)
        yield from (_whole(life) for life in self._lives.values() if life.incident is not None)

    def _beginnings(self) -> Iterator[tuple[datetime, Genre]]:
        """When which kind of story begins: hour by hour, as often as its rhythm has it."""
        hours = [self._until - timedelta(days=DAYS) + number * _HOUR for number in range(DAYS * 24)]
        often = [[genre.per_month * genre.rhythm(hour.astimezone(ZONE)) for genre in CATALOGUE] for hour in hours]
        incidents = sum(number * genre.size for row in often for number, genre in zip(row, CATALOGUE, strict=True))
        for hour, row in zip(hours, often, strict=True):
            beginnings = []
            for number, genre in zip(row, CATALOGUE, strict=True):
                # The fraction is left to chance, so that few incidents have all kinds of stories too.
                stories = int(number * self._wanted / incidents + self._rng.random())
                beginnings += [(hour + self._rng.random() * _HOUR, genre) for _ in range(stories)]
            yield from sorted(beginnings, key=lambda beginning: beginning[0])

    def _begin(self, genre: Genre, moment: datetime) -> None:
        story = self._teller.tell(genre, moment)
        steps = [step for line, happening in enumerate(story.happenings) for step in steps_of(happening, line)]
        steps += self._people.reactions(story, moment.astimezone(ZONE))
        lives = [_Life(story, moment, line, 0) for line in range(len(story.happenings))]
        for step in steps:
            self._plan(moment + step.due, lives[step.line], step)

    def _plan(self, due: datetime, life: _Life, what: Step | Timer) -> None:
        if due <= self._until:
            life.steps_left += 1
            heapq.heappush(self._due, (due, next(self._order), life, what))

    def _pass(self, moment: datetime) -> Iterator[Change]:
        """Let happen what is due by then; give the incidents that nothing more will happen to."""
        while self._due and self._due[0][0] <= moment:
            now, _, life, what = heapq.heappop(self._due)
            self._keep(life, self._noted(life, what, now) if isinstance(what, Timer) else self._done(life, what, now))
            life.steps_left -= 1
            if life.steps_left == 0 and life.incident is not None and not life.incident.is_open(now):
                del self._lives[life.incident.id]
                yield _whole(life)

    def _keep(self, life: _Life, change: Change) -> None:
        life.incident = change.incident
        life.journal += change.events
        self._lives[change.incident.id] = life
        for timer in change.timers:
            # The worker comes by every second.
            self._plan(timer.due + timedelta(seconds=self._rng.random()), life, timer)

    def _noted(self, life: _Life, timer: Timer, now: datetime) -> Change:
        return transitions.time_passes(_begun(life), timer, journal=life.journal, event_ids=self._event_ids, now=now)

    def _done(self, life: _Life, step: Step, now: datetime) -> Change:
        happening = life.story.happenings[step.line]
        if isinstance(step.act, Report):
            return self._reported(life, happening, now)
        source = happening.trouble.source
        actor = self._cast.reporters[source] if step.who is None else self._cast.people[step.who]
        return self._acted(_begun(life), step.act, actor, at=now - step.lag, now=now)

    def _reported(self, life: _Life, happening: Happening, now: datetime) -> Change:
        trouble = happening.trouble
        reporter = self._cast.reporters[trouble.source]
        start = life.began + happening.begins
        return transitions.start(
            report_of(happening, start),
            source=self._cast.sources[trouble.source],
            reporter=reporter.person,
            poster=reporter,
            incident_id=next(self._incident_ids),
            event_id=next(self._event_ids),
            now=now,
        )

    def _acted(self, incident: Incident, act: Act, actor: Actor, *, at: datetime, now: datetime) -> Change:
        match act:
            case Post(type_, text):
                return transitions.post(incident, type_, actor=actor, event_id=next(self._event_ids), at=at, now=now, why=text)
            case Acknowledge(text, holds):
                expiration = None if holds is None else now + holds
                return transitions.acknowledge(
                    incident, actor=actor, event_id=next(self._event_ids), at=now, now=now, why=text, expiration=expiration
                )
            case Escalate(level):
                return self._edited(incident, Edit(level=level), actor, now)
            case Ticket(url):
                return self._edited(incident, Edit(ticket_url=url), actor, now)
            case AddTag(tag):
                return self._edited(incident, Edit(tags=(*map(Tag.parse, (kept.tag for kept in incident.tags)), tag)), actor, now)
            case Report():
                raise ValueError("An incident begins once.")
            case _:
                assert_never(act)

    def _edited(self, incident: Incident, wanted: Edit, actor: Actor, now: datetime) -> Change:
        return transitions.edit(incident, wanted, actor=actor, event_ids=self._event_ids, now=now)


def report_of(happening: Happening, start: datetime) -> IncidentReport:
    """What the source says when it begins at `start`."""
    trouble, lasts = happening.trouble, happening.lasts
    return IncidentReport(
        start_time=start,
        end_time=start + lasts if happening.announced and lasts is not None else None,
        stateful=lasts is not None,
        source_incident_id=trouble.key,
        level=trouble.level,
        description=trouble.description,
        details_url=trouble.details_url,
        tags=trouble.tags,
        metadata=dict(trouble.metadata),
    )


def _begun(life: _Life) -> Incident:
    if life.incident is None:
        raise ValueError("Its source has not reported it yet.")
    return life.incident


def _whole(life: _Life) -> Change:
    return Change(incident=_begun(life), events=tuple(life.journal))

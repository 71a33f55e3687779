"""Who works with Argus here, and what they do about a story: look, take care, write tickets, close and reopen."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from adapters.demo.acts import Acknowledge, Act, AddTag, Happening, Post, Report, Step, Story, Talk, Ticket
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.tags import Tag

OPENS, CLOSES = 7.5, 16.0
FRIDAY = 5
AS_A_WHOLE = 4
"""Stories of so many incidents are acknowledged as one."""

TICKETS = "https://tickets.fjordnett.example/Ticket/Display.html?id={}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who looks at incidents."""

    username: str
    first_name: str
    last_name: str
    staff: bool = False
    superuser: bool = False
    on_call: bool = False


PEOPLE = (
    Person(username="admin", first_name="Astrid", last_name="Nygård", staff=True, superuser=True),
    Person(username="ingrid", first_name="Ingrid", last_name="Solberg", staff=True, on_call=True),
    Person(username="lars", first_name="Lars", last_name="Haugen", staff=True, on_call=True),
    Person(username="mari", first_name="Mari", last_name="Bakke", staff=True, on_call=True),
    Person(username="ole", first_name="Ole Jørgen", last_name="Eide", on_call=True),
    Person(username="kari", first_name="Kari", last_name="Strand", on_call=True),
    Person(username="nils", first_name="Nils Ánte", last_name="Sara"),
    Person(username="sofie", first_name="Sofie", last_name="Lund"),
    Person(username="jonas", first_name="Jonas", last_name="Berge"),
    Person(username="emma", first_name="Emma", last_name="Moen"),
    Person(username="henrik", first_name="Henrik", last_name="Dahl"),
    Person(username="guro", first_name="Guro", last_name="Vik"),
)

# Whether somebody takes care of it when it is seen in office hours, and after how many minutes it is seen, mostly.
_CARE = {
    Level.CRITICAL: (0.97, 4),
    Level.HIGH: (0.9, 7),
    Level.MODERATE: (0.6, 15),
    Level.LOW: (0.25, 30),
    Level.INFORMATION: (0.06, 45),
}
# Outside office hours somebody is woken up, or happens to look, with this chance.
_WOKEN = {Level.CRITICAL: (0.9, 8), Level.HIGH: (0.45, 18)}


def in_office(local: datetime) -> bool:
    """Whether people are at work."""
    return local.isoweekday() <= FRIDAY and OPENS <= local.hour + local.minute / 60 < CLOSES


def office_opens(local: datetime) -> datetime:
    """When people next come to work."""
    opening = local.replace(hour=int(OPENS), minute=int(OPENS % 1 * 60), second=0, microsecond=0)
    while opening <= local or opening.isoweekday() > FRIDAY:
        opening += timedelta(days=1)
    return opening


def steps_of(happening: Happening, line: int) -> Iterator[Step]:
    """What the source does."""
    report = Report(trouble=happening.trouble, lasts=happening.lasts, announced=happening.announced)
    yield Step(due=happening.begins + happening.lag, line=line, who=None, act=report, lag=happening.lag)
    for after, act in happening.later:
        yield Step(due=happening.begins + after + happening.lag, line=line, who=None, act=act, lag=happening.lag)
    if happening.lasts is not None and happening.ends:
        due = happening.begins + happening.lasts + happening.lag
        yield Step(due=due, line=line, who=None, act=Post(EventType.END, "Back to normal"), lag=happening.lag)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Care:
    """How a story is taken care of: when it begins, who looks at it and how long after, and the ticket there will be."""

    local: datetime
    talk: Talk
    who: str
    seen: timedelta | None
    whole: bool
    ticket: str


class People:
    """Those who react, in one time zone. The on-call duty passes on every week."""

    def __init__(self, rng: Random, first_ticket: int) -> None:
        self._rng = rng
        self._ticket = first_ticket

    def reactions(self, story: Story, local: datetime) -> Iterator[Step]:
        """What is done about a story that begins at this local time; each step fits the state that the steps before it lead to."""
        stateful = [(line, happening) for line, happening in enumerate(story.happenings) if happening.lasts is not None]
        if stateful:
            care = self._care(story, [happening for _, happening in stateful], local)
            for line, happening in stateful:
                for due, who, act in self._about(happening, care):
                    yield Step(due=due, line=line, who=who, act=act)

    def _care(self, story: Story, happenings: Sequence[Happening], local: datetime) -> _Care:
        seen = self._seen(min(happening.trouble.level for happening in happenings), local)
        return _Care(
            local=local,
            talk=story.talk,
            who=self._on_duty(local + (seen or timedelta())),
            seen=seen,
            whole=len(happenings) >= AS_A_WHOLE,
            ticket=self._ticket_url() if any(map(_is_long, happenings)) and self._chance(0.65) else "",
        )

    def _about(self, happening: Happening, care: _Care) -> Iterator[tuple[timedelta, str, Act]]:
        ends = _ends(happening)
        seen = self._taken(happening, care)
        if seen is not None and seen < ends:
            yield seen, care.who, self._ack(care)
            yield from self._meanwhile(happening, care, seen)
            if happening.ends and _is_long(happening) and self._chance(0.15):
                yield from self._closed_early(care, seen, ends)
        if not happening.ends and not happening.announced:
            # The source never ends it: some day somebody gives up waiting.
            due = office_opens(care.local + ends) - care.local + timedelta(hours=self._rng.uniform(0, 30))
            yield due, self._anybody(), Post(EventType.CLOSE, self._rng.choice(care.talk.closings))

    def _taken(self, happening: Happening, care: _Care) -> timedelta | None:
        """When somebody takes care of it, if anybody does: when the story is seen, or when the list is gone through in the morning."""
        chance = 0.85 if care.whole else _CARE[happening.trouble.level][0]
        if care.seen is not None and self._chance(chance):
            seen = max(care.seen, happening.begins + timedelta(minutes=2))
            if seen < _ends(happening):
                return seen
        if happening.lasts is None or happening.lasts < timedelta(days=1) or not self._chance(0.55):
            return None
        found = office_opens(care.local + happening.begins + timedelta(hours=self._rng.uniform(6, 60)))
        return found - care.local + self._minutes(30)

    def _seen(self, level: Level, local: datetime) -> timedelta | None:
        """How long after the beginning somebody looks at it."""
        if in_office(local):
            return self._minutes(_CARE[level][1])
        chance, minutes = _WOKEN.get(level, (0.0, 0.0))
        if self._chance(chance):
            return self._minutes(minutes)
        return office_opens(local) - local + self._minutes(25)

    def _ack(self, care: _Care) -> Act:
        holds = timedelta(hours=self._rng.choice((4, 8, 24, 24, 72, 168))) if self._chance(0.22) else None
        return Acknowledge(self._rng.choice(care.talk.acks), holds)

    def _meanwhile(self, happening: Happening, care: _Care, seen: timedelta) -> Iterator[tuple[timedelta, str, Act]]:
        ends = _ends(happening)
        if care.ticket and _is_long(happening):
            yield min(seen + self._minutes(12), ends), care.who, Ticket(care.ticket)
        if self._chance(0.12):
            yield min(seen + self._minutes(4), ends), care.who, AddTag(Tag("handled_by", care.who))
        if self._chance(0.3):
            who = care.who if self._chance(0.7) else self._anybody()
            note = Post(EventType.OTHER, self._rng.choice(care.talk.notes))
            yield seen + (ends - seen) * self._rng.uniform(0.1, 0.9), who, note

    def _closed_early(self, care: _Care, seen: timedelta, ends: timedelta) -> Iterator[tuple[timedelta, str, Act]]:
        """Closed by hand, and opened again when that was a mistake."""
        due = seen + (ends - seen) * self._rng.uniform(0.6, 0.95)
        yield due, care.who, Post(EventType.CLOSE, self._rng.choice(care.talk.closings))
        again = due + self._minutes(9)
        if self._chance(0.35) and again < ends:
            yield again, care.who, Post(EventType.REOPEN, "Closed the wrong one, still down")

    def _on_duty(self, looks: datetime) -> str:
        on_call = [person.username for person in PEOPLE if person.on_call]
        return self._anybody() if in_office(looks) else on_call[looks.isocalendar().week % len(on_call)]

    def _anybody(self) -> str:
        return self._rng.choice([person.username for person in PEOPLE if not person.superuser])

    def _ticket_url(self) -> str:
        self._ticket += self._rng.randint(1, 7)
        return TICKETS.format(self._ticket)

    def _chance(self, probability: float) -> bool:
        return self._rng.random() < probability

    def _minutes(self, median: float) -> timedelta:
        return timedelta(minutes=max(2.0, self._rng.lognormvariate(math.log(median), 0.7)))


def _ends(happening: Happening) -> timedelta:
    return happening.begins + (happening.lasts or timedelta())


def _is_long(happening: Happening) -> bool:
    return happening.lasts is not None and happening.lasts > timedelta(hours=2)

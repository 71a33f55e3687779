"""Incidents of every kind, whose moments lie on, just before and just after one another."""

import itertools
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from argus_core.domain import transitions
from argus_core.domain.accounts import User
from argus_core.domain.errors import DomainError
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Edit, IncidentReport
from argus_core.ports.incidents import Appended
from strategies import HOUR, MICROSECOND, NOON, begin, cast_of

ENDS = (None, timedelta(), MICROSECOND, HOUR, 30 * HOUR)
EXPIRATIONS = (None, NOON - HOUR, NOON, NOON + HOUR)
TAGS = tuple(map(Tag.parse, ("host=a", "host=b", "site=oslo", "a=b=c", "empty=", 'odd="\\{},')))


TEXTS = (
    "",
    "Netbox 11 <12345> down.",
    "100% of disk_full",
    "100 of diskifull",
    "C:\\temp\\%",
    "C:temp",
    "Ærlig talt 🔥 Straße",
    "STRASSE GROẞ ǅ ﬁ",
    "İstanbul ISTANBUL \u0131stanbul",
    "ΟΔΟΣ ὈΔΥΣΣΕΎΣ οδος",
    "K 4 kΩ 4 \u2126 \u212a \u212b",
    "e\u0301 É",
    "two\nlines\ttab",
)


@dataclass
class Population:
    """Some incidents in a store, the descriptions of each one's events, and who has to do with them."""

    cast: object
    incidents: list = field(default_factory=list)
    texts: dict = field(default_factory=dict)


async def cast_in(accounts):
    """Three sources with their users, and some people, kept."""
    async with accounts.begin() as work:
        cast = cast_of([await work.new_user_id() for _ in range(7)], [await work.new_source_id() for _ in range(3)])
        for actor in cast.actors:
            await work.add_user(User(id=actor.id, username=actor.username, staff=actor.staff, superuser=actor.superuser))
        for type_ in sorted({source.type for source in cast.sources}):
            await work.add_source_type(type_)
        for source in cast.sources:
            await work.add_source(source)
    return cast


async def populate(incidents, accounts, count, seed=1):
    """So many incidents around noon, the same ones for each seed."""
    cast = await cast_in(accounts)
    random = Random(seed)  # noqa: S311 - the same incidents each time
    population = Population(cast)
    event_ids = iter(list(itertools.islice(await incidents.event_ids(12 * count), 12 * count)))
    for number, incident_id in enumerate(await incidents.incident_ids(count)):
        source = random.choice(cast.sources)
        changes = [begin(_report(number, random), source=source, incident_id=incident_id, event_id=next(event_ids), cast=cast)]
        for move in _moves(cast, source, random):
            with suppress(DomainError):
                changes.append(move(changes[-1].incident, event_ids))
        for change in changes:
            assert Appended.STORED is await incidents.append(change)
        population.incidents.append(changes[-1].incident)
        population.texts[incident_id] = [event.description for change in changes for event in change.events]
    return population


def _moves(cast, source, random):
    """What happens to one incident: most is acknowledged, edited, ended or spoken of once or not at all."""
    for expiration in random.choice([(), (), (random.choice(EXPIRATIONS),), random.sample(EXPIRATIONS, 2)]):
        yield _acknowledging(cast.people[0], expiration, random.choice(TEXTS))
    if random.random() < 0.2:
        yield _posting(EventType.END, cast.robot_of(source), NOON - random.choice((timedelta(), HOUR, 48 * HOUR)), random.choice(TEXTS))
    if random.random() < 0.1:
        yield _posting(EventType.REOPEN, cast.people[0], NOON, random.choice(TEXTS))
    if random.random() < 0.3:
        yield _posting(EventType.OTHER, cast.people[1], NOON, random.choice(TEXTS))
    if random.random() < 0.3:
        yield _editing(cast.people[-1], Edit(level=random.choice(tuple(Level)), description=random.choice(TEXTS), tags=_tags(random)))


def _acknowledging(actor, expiration, why):
    return lambda incident, event_ids: transitions.acknowledge(
        incident, actor=actor, event_id=next(event_ids), at=NOON - 2 * HOUR, now=NOON, why=why, expiration=expiration
    )


def _posting(type_, actor, at, why):
    return lambda incident, event_ids: transitions.post(incident, type_, actor=actor, event_id=next(event_ids), at=at, now=NOON, why=why)


def _editing(actor, wanted):
    return lambda incident, event_ids: transitions.edit(incident, wanted, actor=actor, event_ids=event_ids, now=NOON)


def _report(number, random):
    start = NOON - random.choice((timedelta(), MICROSECOND, HOUR, 2 * HOUR, 24 * HOUR))
    span = random.choice(ENDS)
    return IncidentReport(
        start_time=start,
        end_time=None if span is None else start + span,
        stateful=random.random() < 0.8,
        source_incident_id=random.choice(("", f"key-{number}")),
        level=random.choice(tuple(Level)),
        description=random.choice(TEXTS),
        ticket_url=random.choice(("", "https://tickets.example.org/1")),
        tags=_tags(random),
    )


def _tags(random):
    return tuple(random.sample(TAGS, random.randrange(4)))

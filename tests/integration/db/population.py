"""Incidents of every kind, whose moments lie on, just before and just after one another."""

import itertools
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from argus_core.domain import transitions
from argus_core.domain.accounts import User
from argus_core.domain.incidents import Level
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import IncidentReport
from argus_core.ports.incidents import Appended
from strategies import HOUR, MICROSECOND, NOON, begin, cast_of

ENDS = (None, timedelta(), MICROSECOND, HOUR, 30 * HOUR)
EXPIRATIONS = (None, NOON - HOUR, NOON, NOON + HOUR)
TAGS = tuple(map(Tag.parse, ("host=a", "host=b", "site=oslo", "a=b=c", "empty=", 'odd="\\{},')))


@dataclass
class Population:
    """Some incidents in a store, and who has to do with them."""

    cast: object
    incidents: list


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
    population = Population(cast, [])
    event_ids = list(itertools.islice(await incidents.event_ids(4 * count), 4 * count))
    for number, incident_id in enumerate(await incidents.incident_ids(count)):
        source = random.choice(cast.sources)
        change = begin(_report(number, random), source=source, incident_id=incident_id, event_id=event_ids.pop(), cast=cast)
        assert Appended.STORED is await incidents.append(change)
        for expiration in random.choice([(), (), (random.choice(EXPIRATIONS),), random.sample(EXPIRATIONS, 2)]):
            change = transitions.acknowledge(
                change.incident, actor=cast.people[0], event_id=event_ids.pop(), at=NOON - 2 * HOUR, now=NOON, expiration=expiration
            )
            assert Appended.STORED is await incidents.append(change)
        population.incidents.append(change.incident)
    return population


def _report(number, random):
    start = NOON - random.choice((timedelta(), MICROSECOND, HOUR, 2 * HOUR, 24 * HOUR))
    span = random.choice(ENDS)
    return IncidentReport(
        start_time=start,
        end_time=None if span is None else start + span,
        stateful=random.random() < 0.8,
        source_incident_id=random.choice(("", f"key-{number}")),
        level=random.choice(tuple(Level)),
        ticket_url=random.choice(("", "https://tickets.example.org/1")),
        tags=tuple(random.sample(TAGS, random.randrange(4))),
    )

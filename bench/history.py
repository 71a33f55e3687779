"""Two years of incidents, the same at every call. Each is decided by the domain, so the database holds nothing that could not happen."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from argus_core.domain import transitions
from argus_core.domain.actors import Actor
from argus_core.domain.ids import EventId, IncidentId
from argus_core.domain.incidents import Level
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Change, IncidentReport

SPAN = timedelta(days=730)
OPEN_EVERY = 100
PROBLEMS = ("linkDown", "bgpDown", "boxDown", "psuFailure", "diskFull", "certExpiry", "latency", "packetLoss", "upsOnBattery", "ntpDrift")
HOSTS, OBJECTS, LOCATIONS, CUSTOMERS = 8000, 4000, 200, 500


def changes(incidents: int, robots: Sequence[Actor], person: Actor, until: datetime) -> Iterator[Change]:
    """
    So many incidents, oldest first, each with all its events as one change: one in a hundred is open, and of these seven in ten are not
    acknowledged.

    Ids begin at 1.
    """
    random = Random(1)
    event_ids = map(EventId, count(1))
    step = SPAN / incidents
    for number in range(1, incidents + 1):
        robot = random.choice(robots)
        start = until - SPAN + (number - 1) * step
        change = transitions.start(
            _report(random, start, number),
            source=robot.source,
            reporter=robot.person,
            poster=robot,
            incident_id=IncidentId(number),
            event_id=next(event_ids),
            now=start,
        )
        is_open = number % OPEN_EVERY == 0
        if random.random() < (0.3 if is_open else 0.4):
            at = start + timedelta(seconds=30)
            change = _and_then(
                change,
                transitions.acknowledge(change.incident, actor=person, event_id=next(event_ids), at=at, now=at, why="looking into it"),
            )
        if not is_open:
            at = min(start + timedelta(minutes=1) * 4000 ** random.random(), until)
            change = _and_then(
                change, transitions.end(change.incident, actor=robot, event_id=next(event_ids), at=at, now=at, why="alarm cleared")
            )
        yield change


def _and_then(change: Change, later: Change) -> Change:
    return Change(incident=later.incident, events=(*change.events, *later.events))


def _report(random: Random, start: datetime, number: int) -> IncidentReport:
    host, problem = random.randrange(HOSTS), random.choice(PROBLEMS)
    name, thing = f"sw{host % 97:02d}-{host:04d}.example.org", random.randrange(OBJECTS)
    key = f"{number:09d}"
    texts = {
        "host": name,
        "object": f"ge-{thing % 8}/{thing // 8 % 4}/{thing // 32}",
        "location": f"site-{host % LOCATIONS}",
        "customer": f"customer-{host * 7 % CUSTOMERS}",
        "problem_type": problem,
    }
    return IncidentReport(
        start_time=start.astimezone(UTC),
        source_incident_id=key,
        details_url=f"https://nms.example.org/alarm/{key}",
        description=f"{problem} on {name}: alarm {key} raised by a poller",
        level=Level(random.randint(1, 5)),
        tags=tuple(Tag(*pair) for pair in texts.items()),
    )

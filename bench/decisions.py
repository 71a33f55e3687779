"""Measure how long it takes to find out who hears of an event, by the index and by asking one profile after the other."""

import argparse
import itertools
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from statistics import median

from bench.runs import Run

from argus_core.domain import transitions
from argus_core.domain.actors import Actor
from argus_core.domain.audience import Audience
from argus_core.domain.decisions import who_hears
from argus_core.domain.destinations import Destination
from argus_core.domain.incidents import EventType, Happening, Level
from argus_core.domain.profiles import Belongings, Profile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.sources import Source
from argus_core.domain.tags import Tag
from argus_core.domain.timeslots import EVERY_DAY, Recurrence, Timeslot
from argus_core.domain.transitions import IncidentReport

NOW = datetime(2030, 3, 3, 12, tzinfo=UTC)
SOURCES = 20
ZONES = ("Europe/Oslo", "Europe/Berlin", "UTC")
EVENTS, ROUNDS = 200, 5
SLOWLY, MOST_ASKED = 20, 200_000
"""One after the other, profiles are asked about so many events, or fewer so that there are not more questions than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What there is to be asked for, and whether some ask for what is common everywhere."""

    customers: int = 1_000
    sites: int = 200
    all_kinds: bool = True


class Wrong(Exception):
    """The index finds others than the rules do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one decision takes, with so many profiles, of which so many hear of an event. All times are in milliseconds."""

    profiles: int
    hear: float
    by_index: float
    p99: float
    worst: float
    one_by_one: float
    learned: float


def main() -> None:
    options = _options()
    print(f"Medians of {ROUNDS} rounds of {EVENTS} events; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}.\n")
    print(f"{'profiles':>9} {'hear of one':>12} {'index ms':>9} {'one by one ms':>14} {'times':>7} {'to learn ms':>12}")
    for count in options.profiles:
        one = measured(count)
        print(
            f"{one.profiles:>9,} {one.hear:>12.1f} {one.by_index:>9.3f} {one.one_by_one:>14.2f} {one.one_by_one / one.by_index:>7.0f} "
            f"{one.learned:>12.0f}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.decisions", description=__doc__)
    parser.add_argument(
        "--profiles", type=int, nargs="+", default=[100, 1_000, 5_000, 10_000, 100_000], metavar="N", help="how many there are"
    )
    return parser.parse_args()


def measured(count: int, *, hear: int = 0) -> Result:
    """
    What it takes with so many profiles: in one and the same network, or in one that grows with them so that about so many hear of an event.

    Raises:
        Wrong: the answer is not right.
    """
    random = Random(1)
    network = Network(customers=max(count // hear, 1), sites=max(count // hear, 1), all_kinds=False) if hear else Network()
    everybodys = [belongings(owner, random, network) for owner in range(1, count + 1)]
    audience = Audience()
    began = time.perf_counter()
    for owner, owned in enumerate(everybodys, 1):
        audience.know(owner, owned)
    learned = time.perf_counter() - began
    events = [happening(number, random, network) for number in range(1, EVENTS + 1)]
    plain = [owned.whole(profile) for owned in everybodys for profile in owned.profiles]
    heard = [audience.who_hears(event) for event in events]
    slow = events[: max(min(SLOWLY, MOST_ASKED // count), 1)]
    if [who_hears(plain, event) for event in slow] != heard[: len(slow)]:
        raise Wrong(f"Of {count:,} profiles the index finds others than the rules do.")
    by_index = median(_seconds(lambda: [audience.who_hears(event) for event in events]) / len(events) for _ in range(ROUNDS))
    one_by_one = median(_seconds(lambda: [who_hears(plain, event) for event in slow]) / len(slow) for _ in range(2))
    each = Run.of([_seconds(lambda event=event: audience.who_hears(event)) for _ in range(ROUNDS) for event in events])
    return Result(
        profiles=count,
        hear=sum(map(len, heard)) / len(heard),
        by_index=1000 * by_index,
        p99=each.p99,
        worst=each.worst,
        one_by_one=1000 * one_by_one,
        learned=1000 * learned,
    )


def _seconds(do) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def belongings(owner: int, random: Random, network: Network) -> Belongings:
    """What people ask for: something of their customer or site, the worst of one source, now and then everything that is critical."""
    kind = random.random() * (1 if network.all_kinds else 0.9)
    if kind < 0.6:  # noqa: PLR2004 - shares of people
        asked = FilterDefinition(tags=(f"customer=c{random.randrange(network.customers)}",), open=True)
    elif kind < 0.9:  # noqa: PLR2004
        asked = FilterDefinition(tags=(f"site=s{random.randrange(network.sites)}",), max_level=3)
    elif kind < 0.99:  # noqa: PLR2004
        asked = FilterDefinition(source_ids=(1 + random.randrange(SOURCES),), max_level=1, event_types=(EventType.START, EventType.END))
    else:
        asked = FilterDefinition(max_level=1, acked=False)
    hours = random.choice(
        (
            (Recurrence(days=EVERY_DAY),),
            (Recurrence(days=frozenset(range(1, 6)), start=NOW.time().replace(hour=8), end=NOW.time().replace(hour=16)),),
        )
    )
    numbers = itertools.count(10 * owner)
    slot = Timeslot(id=next(numbers), owner=owner, name="hours", zone=random.choice(ZONES), recurrences=hours)
    filter_ = SavedFilter(id=next(numbers), owner=owner, name="mine", definition=asked)
    mail = Destination(id=next(numbers), owner=owner, medium="email", settings={"email_address": f"{owner}@example.org"})
    profile = Profile(id=next(numbers), owner=owner, name="mine", timeslot_id=slot.id, filter_ids=(filter_.id,), destination_ids=(mail.id,))
    return Belongings(timeslots=(slot,), filters=(filter_,), destinations=(mail,), profiles=(profile,))


def happening(number: int, random: Random, network: Network) -> Happening:
    """A new incident with five tags."""
    source = Source(id=1 + random.randrange(SOURCES), name="nav", type="nav", user_id=1)
    actor = Actor(id=1, username="nav", source=source)
    tags = (
        f"customer=c{random.randrange(network.customers)}",
        f"site=s{random.randrange(network.sites)}",
        f"host=h{number}",
        "object=ge1",
        "problem=linkdown",
    )
    report = IncidentReport(start_time=NOW, level=random.choice(tuple(Level)), description="Link down", tags=tuple(map(Tag.parse, tags)))
    change = transitions.start(report, source=source, reporter=actor.person, poster=actor, incident_id=number, event_id=number, now=NOW)
    return Happening(change.incident, change.events[0])


if __name__ == "__main__":
    main()

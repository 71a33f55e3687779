import itertools
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from adapters.demo.history import DAYS, ZONE, Cast, history
from adapters.demo.installation import SOURCES
from adapters.demo.people import PEOPLE
from argus_core.domain.actors import Actor
from argus_core.domain.ids import SourceId, UserId
from argus_core.domain.incidents import EventType, fold
from argus_core.domain.sources import Source

MANY = 10_000
UNTIL = datetime(2030, 3, 14, 13, 30, tzinfo=UTC)  # a Thursday


def cast():
    numbers = map(UserId, itertools.count(1))
    people = {person.username: Actor(id=next(numbers), username=person.username) for person in PEOPLE}
    sources = {
        name: Source(id=SourceId(id_), name=name, type=name.partition("-")[0], user_id=next(numbers)) for id_, name in enumerate(SOURCES, 1)
    }
    reporters = {name: Actor(id=source.user_id, username=name, source=source) for name, source in sources.items()}
    return Cast(sources=sources, reporters=reporters, people=people)


@pytest.fixture(scope="module")
def month():
    return list(history(cast(), until=UNTIL, incidents=MANY))


@pytest.fixture(scope="module")
def incidents(month):
    return [change.incident for change in month]


def told(incident):
    return dict(tag.tag.split("=", 1) for tag in incident.tags)


def share(things, wanted):
    return sum(map(wanted, things)) / len(things)


def test_the_same_seed_and_moment_give_the_same_history():
    once = list(history(cast(), until=UNTIL, incidents=600, seed=7))

    again = list(history(cast(), until=UNTIL, incidents=600, seed=7))

    assert once == again


@pytest.mark.parametrize("other", [{"seed": 8}, {"until": UNTIL + timedelta(hours=1)}])
def test_another_seed_or_moment_gives_another_history(other):
    once = list(history(cast(), until=UNTIL, incidents=600, seed=7))

    another = list(history(cast(), **{"until": UNTIL, "incidents": 600, "seed": 7} | other))

    assert once != another


def test_every_incident_is_what_its_journal_leads_to(month):
    for change in month[:: len(month) // 300]:
        assert fold(change.events, change.incident.source) == change.incident


def test_every_change_begins_its_incident(month):
    assert all(change.is_new and change.expected_version == 0 for change in month)


def test_nothing_is_in_the_future(month):
    assert all(event.received <= UNTIL and event.timestamp <= UNTIL for change in month for event in change.events)


def test_nothing_is_older_than_a_month(incidents):
    assert min(incident.start_time for incident in incidents) >= UNTIL - timedelta(days=DAYS)


def test_argus_hears_of_everything_when_it_has_happened(month):
    late = [event.received - event.timestamp for change in month for event in change.events]

    assert min(late) >= timedelta()
    assert max(late) <= timedelta(minutes=1)


def test_ids_count_in_the_order_in_which_argus_heard(month):
    firsts = sorted(month, key=lambda change: change.events[0].received)
    events = sorted((event for change in month for event in change.events), key=lambda event: event.id)

    assert list(range(1, len(month) + 1)) == [change.incident.id for change in firsts]
    assert list(range(1, len(events) + 1)) == [event.id for event in events]
    assert all(earlier.received <= later.received for earlier, later in itertools.pairwise(events))


def test_a_source_gives_no_key_twice(incidents):
    keys = Counter((incident.source.name, incident.source_incident_id) for incident in incidents)

    assert [1] == sorted(set(keys.values()))


def test_nothing_is_in_the_same_trouble_twice_at_once(incidents):
    times = defaultdict(list)
    for incident in incidents:
        tags = told(incident)
        if incident.stateful:
            times[incident.source.id, tags["host"], tags["object"], tags["problem_type"]].append(incident)

    for some in times.values():
        for earlier, later in itertools.pairwise(sorted(some, key=lambda incident: incident.start_time)):
            assert earlier.end_time <= later.start_time


def test_there_are_about_as_many_as_asked_for(month):
    assert MANY * 0.93 <= len(month) <= MANY * 1.07


def test_about_one_in_130_is_still_open(incidents):
    assert MANY / 200 <= sum(incident.is_open(UNTIL) for incident in incidents) <= MANY / 90


def test_somebody_takes_care_of_a_part_of_what_is_open(incidents):
    still_open = [incident for incident in incidents if incident.is_open(UNTIL)]

    assert 0.25 <= share(still_open, lambda incident: incident.is_acked(UNTIL)) <= 0.75


def test_an_eighth_has_been_acknowledged_and_some_have_a_ticket(incidents):
    assert 0.08 <= share(incidents, lambda incident: bool(incident.acks)) <= 0.18
    assert 0.015 <= share(incidents, lambda incident: bool(incident.ticket_url)) <= 0.06


def test_the_worst_is_rare(incidents):
    levels = Counter(int(incident.level) for incident in incidents)
    shares = {level: levels[level] / len(incidents) for level in range(1, 6)}

    assert 0.005 <= shares[1] <= 0.03
    assert 0.03 <= shares[2] <= 0.1
    assert all(0.2 <= shares[level] <= 0.45 for level in (3, 4, 5))


def test_a_fifth_never_was_open(incidents):
    assert 0.13 <= share(incidents, lambda incident: not incident.stateful) <= 0.27


def test_everything_that_can_happen_has_happened(month):
    kinds = Counter(event.type for change in month for event in change.events)

    assert set(EventType) - {EventType.ESCALATION_DUE} == set(kinds)  # none of the demo's people has a profile that waits
    assert min(kinds.values()) >= 10


def test_people_close_what_a_source_ends_later(month):
    assert any(event.type is EventType.END and not event.effect for change in month for event in change.events)


def test_every_source_reports(incidents):
    assert set(SOURCES) == {incident.source.name for incident in incidents}


def test_weekdays_are_busier_than_weekends_and_days_than_nights(incidents):
    local = [incident.start_time.astimezone(ZONE) for incident in incidents]
    days = Counter(moment.isoweekday() for moment in local)
    hours = Counter(moment.hour for moment in local)

    assert max(days[6], days[7]) < min(days[day] for day in range(1, 6))
    assert sum(hours[hour] for hour in range(8, 16)) > 2 * sum(hours[hour] for hour in range(8))


def test_a_power_failure_takes_a_site_down(incidents):
    sites = Counter()
    for incident in incidents:
        if told(incident)["problem_type"] == "boxDown":
            sites[told(incident)["location"], incident.start_time.replace(minute=0, second=0, microsecond=0)] += 1

    assert max(sites.values()) >= 3


def test_links_flap(incidents):
    ports = Counter(
        (tags["host"], tags["object"], incident.start_time.date())
        for incident in incidents
        if (tags := told(incident))["problem_type"] == "portDown"
    )

    assert max(ports.values()) >= 6

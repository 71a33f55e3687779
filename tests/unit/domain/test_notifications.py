"""What people are told of an incident."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain import transitions
from argus_core.domain.deliveries import Asking
from argus_core.domain.ids import EventId
from argus_core.domain.incidents import EventType, Happening, Level
from argus_core.domain.notifications import MOST_DESCRIPTION, MOST_SUBJECT, compose, details_of, sample
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import IncidentReport, Timer, TimerKind
from strategies import CAST, HOUR, NOON, begin, happenings

ROBOT, OLA = CAST.robots[0], CAST.people[0]
REPORT = IncidentReport(
    start_time=NOON,
    description="Router gw1 down\nsince the thunderstorm",
    level=Level.CRITICAL,
    details_url="/device/7",
    ticket_url="https://tickets.example.org/1",
    source_incident_id="42",
    tags=(Tag.parse("host=gw1"), Tag.parse("site=oslo")),
)
NEW = begin(REPORT)
NEXT_IDS = map(EventId, itertools.count(2))


def told(change, **options):
    return compose(id="1", incident=change.incident, events=change.events, **options)


def closed(change, **options):
    return transitions.close(change.incident, actor=OLA, event_id=EventId(2), at=NOON + HOUR, now=NOON + HOUR, **options)


def acked(change, expiration=None):
    return transitions.acknowledge(
        change.incident, actor=OLA, event_id=EventId(2), at=NOON, now=NOON, why="On my way", expiration=expiration
    )


def posted(change, type_, actor, why=""):
    return transitions.post(change.incident, type_, actor=actor, event_id=EventId(2), at=NOON, now=NOON, why=why)


class TestSubject:
    @pytest.mark.parametrize(
        ("change", "happened"),
        [
            (NEW, "new"),
            (begin(replace(REPORT, stateful=False)), "has happened"),
            (posted(NEW, EventType.END, ROBOT), "ended"),
            (closed(NEW), f"closed by {OLA.username}"),
            (acked(NEW), f"acknowledged by {OLA.username}, still open"),
            (posted(NEW, EventType.OTHER, OLA, "hm"), f"note by {OLA.username}, still open"),
            (posted(NEW, EventType.CHANGE, ROBOT), f"changed by {ROBOT.username}, still open"),
            (
                transitions.reopen(closed(NEW).incident, actor=OLA, event_id=EventId(3), at=NOON + HOUR, now=NOON + HOUR),
                f"open again by {OLA.username}",
            ),
        ],
    )
    def test_it_says_how_bad_it_is_where_and_what_happened(self, change, happened):
        assert f"[1 critical] {ROBOT.source.name}: {happened} \N{EN DASH} Router gw1 down" == told(change).subject

    @pytest.mark.parametrize(
        ("timer", "set_", "happened"),
        [
            (Timer(1, TimerKind.ACK_EXPIRED, 2, NOON + HOUR), acked(NEW, NOON + HOUR), "acknowledgement expired, still open"),
            (Timer(1, TimerKind.END_REACHED, 0, NOON + HOUR), begin(replace(REPORT, end_time=NOON + HOUR)), "end reached"),
        ],
    )
    def test_time_alone_may_have_changed_it(self, timer, set_, happened):
        journal = [*NEW.events, *set_.events] if set_.events[0].version > 1 else set_.events
        change = transitions.time_passes(set_.incident, timer, journal=journal, event_ids=iter([EventId(9)]), now=NOON + HOUR)

        message = told(change)

        assert f": {happened} " in message.subject
        assert "Argus saw" in message.text

    def test_without_a_description_it_says_which_incident(self):
        assert told(begin(replace(REPORT, description=""))).subject.endswith("incident 1")

    @given(happenings())
    def test_it_is_one_line_of_limited_length(self, some):
        (happening, _) = some
        subject = compose(id="1", incident=happening.incident, events=[happening.event]).subject

        assert [subject] == subject.splitlines()
        assert len(subject) <= MOST_SUBJECT


class TestText:
    def test_it_tells_what_whoever_is_woken_needs(self):
        text = told(NEW, frontend="https://argus.example.org/", zone="Europe/Oslo", profiles=[Asking(7, "Night"), Asking(8, None)]).text

        assert text.startswith("Router gw1 down\nsince the thunderstorm\n\nStill open, not acknowledged.\n\n")
        assert f"2030-03-03 13:00:00 +0100  {ROBOT.username} reported it" in text
        for line in (
            "Level:          1 (critical)",
            f"Source:         {ROBOT.source.name} ({ROBOT.source.type})",
            "Known there as: 42",
            "Started:        2030-03-03 13:00:00 +0100",
            "Tags:           host=gw1, site=oslo",
            "Ticket:         https://tickets.example.org/1",
            "In Argus: https://argus.example.org/incidents/1/",
            "Sent for the notification profile Night: https://argus.example.org/notificationprofiles/7/",
            "Sent for the notification profile #8: https://argus.example.org/notificationprofiles/8/",
        ):
            assert line in text.splitlines()
        assert "Ended" not in text

    @pytest.mark.parametrize(
        ("change", "state"),
        [
            (NEW, "Still open, not acknowledged."),
            (closed(NEW), "Closed since 2030-03-03 13:00:00 +0000, not acknowledged."),
            (acked(NEW), "Still open, acknowledged."),
            (acked(NEW, NOON + HOUR), "Still open, acknowledged until 2030-03-03 13:00:00 +0000."),
            (begin(replace(REPORT, end_time=NOON + HOUR)), "Open until 2030-03-03 13:00:00 +0000, not acknowledged."),
            (begin(replace(REPORT, stateful=False)), "A single moment, not acknowledged."),
        ],
    )
    def test_it_tells_the_state(self, change, state):
        assert state in told(change).text.splitlines()

    def test_it_tells_who_did_what_and_what_they_said(self):
        message = told(acked(NEW, NOON + HOUR))

        assert (f"2030-03-03 12:00:00 +0000  {OLA.username} acknowledged it until 2030-03-03 13:00:00 +0000: On my way",) == message.news
        assert message.news[0] in message.text

    def test_what_is_merely_recorded_is_said_to_be(self):
        close = closed(NEW)
        change = transitions.end(close.incident, actor=ROBOT, event_id=EventId(3), at=NOON, now=NOON + 2 * HOUR)

        assert "reported its end (without effect)" in told(change).text

    def test_earlier_events_of_the_message_are_told_too(self):
        ack = acked(NEW)

        message = compose(id="1", incident=ack.incident, events=[*NEW.events, *ack.events])

        assert ["reported it", "acknowledged it"] == [
            next(did for did in ("reported it", "acknowledged it") if did in new) for new in message.news
        ]
        assert f"acknowledged by {OLA.username}" in message.subject

    def test_links_appear_only_where_they_lead_somewhere(self):
        message = told(NEW, profiles=[Asking(7, "Night")])

        assert ("", "") == (message.link, message.profiles[0].link)
        assert "Sent for the notification profile Night\n" in f"{message.text}\n"

    def test_a_long_description_is_cut(self):
        assert len(told(begin(replace(REPORT, description="x" * 60_000))).text) < MOST_DESCRIPTION + 2_000

    @given(happenings(), st.sampled_from(["UTC", "Europe/Oslo"]))
    def test_everything_can_be_told(self, some, zone):
        happening: Happening = some[0]

        assert compose(id="1", incident=happening.incident, events=[happening.event], zone=zone).text


@pytest.mark.parametrize(
    ("base", "url", "leads_to"),
    [
        ("https://nav.example.org/x/", "/device/7", "https://nav.example.org/device/7"),
        ("https://nav.example.org/x/", "https://other.example.org/7", "https://other.example.org/7"),
        ("", "/device/7", "/device/7"),
        ("https://nav.example.org/", "", ""),
        ("https://[", "/device/7", "/device/7"),
    ],
)
def test_details_are_seen_from_the_source(base, url, leads_to):
    incident = replace(NEW.incident, source=replace(NEW.incident.source, base_url=base), details_url=url)

    assert leads_to == details_of(incident)


def test_a_test_says_that_it_is_one():
    message = sample(id="1", now=NOON + timedelta(days=1), frontend="https://argus.example.org", profiles=[Asking(7, "Night")])

    assert message.test
    assert message.subject.startswith("TEST ")
    assert message.text.startswith("This is a test of Argus.")
    assert "Nothing has happened" in message.text
    assert "/incidents/" not in message.text
    assert "https://argus.example.org/notificationprofiles/7/" in message.text

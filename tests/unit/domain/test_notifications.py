"""What people read: subject and text of a message about an incident."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain import transitions
from argus_core.domain.ids import EventId, ProfileId
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.notifications import SUBJECT_LENGTH, AskedBy, compose, footer, shortened
from argus_core.domain.profiles import Profile
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Edit, IncidentReport
from strategies import CAST, HOUR, NOON, SECOND, begin, histories, note_time, texts

OLA, NAV = CAST.people[0], CAST.robots[0]
OFFICE = Profile(id=ProfileId(7), owner=OLA.id, name="Office hours", timeslot_id=1, filter_ids=(1,))
NAMELESS = replace(OFFICE, id=ProfileId(8), name=None)
REPORT = IncidentReport(
    start_time=NOON - timedelta(minutes=2),
    source_incident_id="12345",
    level=Level.MODERATE,
    description="Netbox 11 <12345> down.\nIt has not answered for 5 minutes.",
    details_url="/alarms/12345",
    ticket_url="https://tickets.example.org/1",
    tags=(Tag.parse("host=gw1"), Tag.parse("site=oslo")),
)


class Story:
    """An incident, what happens to it at one-second steps, and what people read about that."""

    def __init__(self, report=REPORT, base_url="https://nav.example.org/"):
        self.ids = map(EventId, itertools.count(2))
        self.now = NOON
        change = begin(report, now=NOON)
        self.incident = replace(change.incident, source=replace(change.incident.source, base_url=base_url))
        self.journal = list(change.events)

    def add(self, change):
        self.incident = change.incident
        self.journal.extend(change.events)
        return self

    def post(self, type_, actor=OLA, at=None, why=""):
        self.now += SECOND
        event_id = next(self.ids)
        return self.add(transitions.post(self.incident, type_, actor=actor, event_id=event_id, at=at or self.now, now=self.now, why=why))

    def ack(self, expiration=None, why=""):
        self.now += SECOND
        event_id = next(self.ids)
        return self.add(
            transitions.acknowledge(self.incident, actor=OLA, event_id=event_id, at=self.now, now=self.now, why=why, expiration=expiration)
        )

    def edit(self, **fields):
        self.now += SECOND
        return self.add(transitions.edit(self.incident, Edit(**fields), actor=OLA, event_ids=self.ids, now=self.now))

    def wait(self, span):
        self.now += span
        note_time(self, self.ids)
        return self

    def message(self, last=1, zone="Europe/Oslo", **options):
        return compose(id="m", incident=self.incident, events=self.journal[-last:], zone=zone, **options)


@pytest.fixture
def story():
    return Story()


def test_a_message_says_what_happened_and_what_the_incident_is_like(story):
    message = story.message(frontend="https://argus.example.org/", profiles=[OFFICE])

    assert message.text == (
        "New incident, reported by north-nav\n"
        "2030-03-03 12:58:00 +01:00, reported 2030-03-03 13:00:00 +01:00\n"
        "\n"
        "Netbox 11 <12345> down.\n"
        "It has not answered for 5 minutes.\n"
        "\n"
        "State:    open\n"
        "Level:    3 moderate\n"
        "Source:   north (nav)\n"
        "Start:    2030-03-03 12:58:00 +01:00\n"
        "End:      still open\n"
        "Tags:     host=gw1\n"
        "          site=oslo\n"
        "Details:  https://nav.example.org/alarms/12345\n"
        "Ticket:   https://tickets.example.org/1\n"
        "In Argus: https://argus.example.org/incidents/1/\n"
        "\n"
        "You get this because of your notification profile:\n"
        "- Office hours: https://argus.example.org/notificationprofiles/7/\n"
    )


def test_a_message_has_what_it_was_made_of(story):
    message = story.message(frontend="https://argus.example.org", profiles=[OFFICE, NAMELESS], test=True)

    assert ("m", story.incident, tuple(story.journal), "Europe/Oslo", True) == (
        message.id,
        message.incident,
        message.events,
        message.zone,
        message.test,
    )
    assert message.link == ""  # a test is about no incident
    links = [f"https://argus.example.org/notificationprofiles/{number}/" for number in (7, 8)]
    assert (AskedBy("Office hours", links[0]), AskedBy("Profile 8", links[1])) == message.profiles


def test_without_a_frontend_there_are_no_links_into_argus(story):
    message = story.message(profiles=[OFFICE])

    assert ("", (AskedBy("Office hours"),)) == (message.link, message.profiles)
    assert message.text.endswith("profile:\n- Office hours\n")
    assert "In Argus" not in message.text


def test_a_message_that_nobody_asked_for_has_no_last_lines(story):
    assert story.message().text.endswith("Ticket:  https://tickets.example.org/1\n")
    assert footer(()) == ""


ZONES = [("UTC", "12:00:00 +00:00"), ("Europe/Oslo", "13:00:00 +01:00"), ("Asia/Kolkata", "17:30:00 +05:30")]


@pytest.mark.parametrize(("zone", "time"), ZONES)
def test_times_are_those_of_the_zone(story, zone, time):
    assert f"reported 2030-03-03 {time}" in story.message(zone=zone).text


def test_a_test_message_says_so_first(story):
    message = story.message(test=True)

    assert message.subject.startswith("[TEST] [3 moderate]")
    assert message.text.startswith("This is a test message: nothing has happened.")


def test_a_message_without_events_tells_the_state(story):
    message = compose(id="m", incident=story.incident, events=(), zone="UTC")

    assert message.subject == "[3 moderate] north: open: Netbox 11 <12345> down."
    assert message.text.startswith("Netbox 11 <12345> down.\n")


END = NOON + HOUR
SAID = [
    (lambda story: story, "open, new", "New incident, reported by north-nav"),
    (lambda story: story.post(EventType.OTHER), "open, comment by ola", "Comment by ola"),
    (lambda story: story.post(EventType.CLOSE), "closed by ola", "Closed by ola"),
    (lambda story: story.post(EventType.CLOSE).post(EventType.REOPEN), "open, reopened by ola", "Reopened by ola"),
    (lambda story: story.post(EventType.END, NAV), "closed, ended by north-nav", "Ended, reported by north-nav"),
    (
        lambda story: story.post(EventType.END, NAV).post(EventType.END, NAV),
        "closed, end reported by north-nav once more",
        "The end, reported by north-nav once more",
    ),
    (lambda story: story.post(EventType.CHANGE, NAV), "open, change reported by north-nav", "A change, reported by north-nav"),
    (lambda story: story.post(EventType.STATELESS, NAV), "open, reported by north-nav", "Something without an end, reported by north-nav"),
    (lambda story: story.post(EventType.OTHER, NAV), "open, comment by north-nav", "Comment by north-nav"),
    (lambda story: story.ack(), "open, acknowledged by ola", "Acknowledged by ola, for good"),
    (lambda story: story.ack(END), "open, acknowledged by ola", "Acknowledged by ola, until 2030-03-03 14:00:00 +01:00"),
    (lambda story: story.ack(END).wait(HOUR), "open, acknowledgement expired", "An acknowledgement has expired"),
    (lambda story: story.post(EventType.CLOSE, at=END), "open, closed by ola", "Closed by ola"),
    (
        lambda story: story.post(EventType.CLOSE, at=END).wait(HOUR),
        "closed, end reached",
        "The end that was announced is reached",
    ),
    (lambda story: story.edit(level=Level.CRITICAL), "open, level 3 to 1 by ola", "Level changed from 3 moderate to 1 critical, by ola"),
    (lambda story: story.edit(description="?"), "open, description changed by ola", "Description changed, by ola"),
    (lambda story: story.edit(details_url="/2"), "open, details changed by ola", "Details are now elsewhere, by ola"),
    (lambda story: story.edit(metadata={"a": 1}), "open, metadata changed by ola", "Metadata changed, by ola"),
    (lambda story: story.edit(ticket_url=""), "open, ticket changed by ola", "Ticket removed, by ola"),
    (
        lambda story: story.edit(ticket_url="https://tickets.example.org/2"),
        "open, ticket changed by ola",
        "Ticket is now https://tickets.example.org/2, by ola",
    ),
    (
        lambda story: story.edit(tags=(*REPORT.tags, Tag("a", "1"), Tag("b", "2"))),
        "open, tags changed by ola",
        "Tags added: a=1, b=2, by ola",
    ),
    (
        lambda story: story.edit(tags=(*REPORT.tags, Tag("a", "1"))).edit(tags=REPORT.tags),
        "open, tags changed by ola",
        "Tags removed: a=1, by ola",
    ),
]


@pytest.mark.parametrize(("happen", "short", "long"), SAID)
def test_everything_that_can_happen_has_words(story, happen, short, long):
    message = happen(story).message()

    assert message.subject.partition("] north: ")[2] == f"{short}: {message.incident.description.splitlines()[0]}"
    assert message.text.splitlines()[0] == long


def test_an_edit_is_not_told_in_the_words_for_clients(story):
    assert "Change: " not in story.edit(level=Level.CRITICAL).message().text


def test_a_moved_expiration_is_told(story):
    ack_id = story.ack(END).journal[-1].id
    change = transitions.move_expiration(story.incident, ack_id, None, actor=OLA, event_ids=story.ids, now=story.now)

    message = story.add(change).message()

    assert message.subject.startswith("[3 moderate] north: open, acknowledgement changed by ola: ")
    assert message.text.startswith("Acknowledgement is now for good, by ola\n")


@pytest.mark.parametrize(
    ("report", "lines"),
    [
        (REPORT, ["State:   open", "End:     still open"]),
        (replace(REPORT, end_time=END), ["State:   open until 2030-03-03 14:00:00 +01:00", "End:     2030-03-03 14:00:00 +01:00"]),
        (replace(REPORT, end_time=NOON), ["State:   closed since 2030-03-03 13:00:00 +01:00", "End:     2030-03-03 13:00:00 +01:00"]),
        (replace(REPORT, stateful=False), ["State:   stateless: it happened once and has no end"]),
    ],
    ids=["open", "open for now", "closed", "stateless"],
)
def test_the_state_is_never_a_magic_date(report, lines):
    text = Story(report).message().text

    assert lines == [line for line in text.splitlines() if line.startswith(("State:", "End:"))]


def test_a_stateless_incident_is_new_as_well():
    message = Story(replace(REPORT, stateful=False)).message()

    assert message.subject.startswith("[3 moderate] north: stateless, new: ")
    assert message.text.startswith("New incident without an end, reported by north-nav\n")


@pytest.mark.parametrize(
    ("happen", "last", "lines"),
    [
        (lambda story: story.ack(), 1, ["Acknowledged: by ola, for good"]),
        (lambda story: story.ack(END), 1, ["Acknowledged: by ola, until 2030-03-03 14:00:00 +01:00"]),
        (lambda story: story.ack().post(EventType.OTHER), 1, ["Acknowledged: for good"]),
        (lambda story: story.ack().post(EventType.OTHER), 2, ["Acknowledged: by ola, for good"]),
        (lambda story: story.ack(END).wait(HOUR), 1, []),
    ],
    ids=["for good", "for an hour", "before", "in the same message", "expired"],
)
def test_what_is_acknowledged_says_by_whom_and_until_when(story, happen, last, lines):
    text = happen(story).message(last).text

    assert lines == [line for line in text.splitlines() if line.startswith("Acknowledged:")]


def test_the_newest_event_comes_first_and_the_others_are_listed(story):
    message = story.ack(why="On my way.\nETA 20 min").post(EventType.CLOSE, why="New fuse").message(3)

    assert message.subject == "[3 moderate] north: closed by ola (and 2 before): Netbox 11 <12345> down."
    assert message.text.startswith("Closed by ola\n2030-03-03 13:00:02 +01:00\n    New fuse\n\nNetbox")
    assert message.text.endswith(
        "Before that:\n"
        "- 2030-03-03 12:58:00 +01:00, reported 2030-03-03 13:00:00 +01:00: New incident, reported by north-nav\n"
        "- 2030-03-03 13:00:01 +01:00: Acknowledged by ola, for good\n"
        "    On my way.\n"
        "    ETA 20 min\n"
    )


def test_of_very_many_events_the_last_are_listed_and_none_at_length(story):
    for number in range(60):
        story.post(EventType.OTHER, why=f"note {number} {'x ' * 1_000}")

    text = story.message(61).text

    assert "Before that:\n- until 2030-03-03 13:00:09 +01:00: 10 more events\n- 2030-03-03 13:00:10 +01:00: Comment by ola\n" in text
    assert ("note 9 x" in text, "note 58 x" in text) == (True, True)
    assert len(text) < 60 * 600


@pytest.mark.parametrize(
    ("base_url", "details_url", "shown"),
    [
        ("https://nav.example.org/a/", "b", "https://nav.example.org/a/b"),
        ("https://nav.example.org/", "ftp://example.org/x", "ftp://example.org/x"),
        ("https://nav.example.org/", "https://[", "https://["),
        ("https://nav.example.org/", "a b", "a b"),
        ("", "/a", "/a"),
    ],
)
def test_details_are_where_the_api_says_they_are(base_url, details_url, shown):
    story = Story(replace(REPORT, details_url=details_url), base_url)

    assert f"\nDetails: {shown}\n" in story.message().text


def test_without_details_and_ticket_there_are_no_lines_for_them():
    text = Story(replace(REPORT, details_url="", ticket_url="", tags=())).message().text

    assert [] == [line for line in text.splitlines() if line.startswith(("Details:", "Ticket:", "Tags:"))]


def test_an_incident_without_description_is_called_by_its_number():
    message = Story(replace(REPORT, description=" \n")).message()

    assert message.subject == "[3 moderate] north: open, new: Incident 1"
    assert "\n\nIncident 1\n\n" in message.text


def test_a_subject_begins_with_what_matters_and_is_cut_at_a_word(story):
    long = replace(REPORT, description="word " * 100)

    subject = Story(long).message().subject

    assert subject.startswith("[3 moderate] north: open, new: word word")
    assert subject.endswith(" word...")
    assert SUBJECT_LENGTH - 5 <= len(subject) <= SUBJECT_LENGTH


def test_a_long_name_leaves_room_for_the_description():
    story = Story()
    story.incident = replace(story.incident, source=replace(story.incident.source, name="n" * 1_000))

    subject = story.message().subject

    assert subject.endswith("n...: open, new: Netbox 11 <12345> down.")


@given(texts.filter(lambda text: len(text) > 3), st.integers(4, 20))
def test_what_is_cut_fits_and_is_the_beginning(text, most):
    """A cut text is as long as allowed at most, and what is left of it is its beginning."""
    short = shortened(text, most)

    assert len(short) <= most
    assert short == text or text.startswith(short.removesuffix("..."))


@given(histories(), st.integers(1, 4))
def test_whatever_has_happened_a_subject_is_one_short_line_and_the_text_has_the_whole_description(history, last):
    """No text of anybody's breaks the subject into lines, and none of the description is lost."""
    events = history.journal[-last:]

    message = compose(id="m", incident=history.incident, events=events, zone="Europe/Oslo", profiles=[OFFICE])

    assert len(message.subject.splitlines()) == 1
    assert message.subject.startswith(f"[{history.incident.level.value} ")
    assert len(message.subject) <= SUBJECT_LENGTH
    assert history.incident.description.strip() in message.text
    assert message.text.endswith(footer(message.profiles))


def test_a_subject_shows_no_character_that_turns_the_text_around():
    subject = Story(replace(REPORT, description="a\x1b\u202eb\u2066\r\nBcc: c@example.org")).message().subject

    assert subject.endswith(": a b")

"""What is told of an incident elsewhere becomes a journal of ours, by the rules that hold for what happens here."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from argus_core.domain.errors import Invalid
from argus_core.domain.ids import EventId, IncidentId
from argus_core.domain.incidents import EventType, Initial, Level, fold
from argus_core.domain.limits import DESCRIPTION_BYTES, EARLIEST
from argus_core.domain.retelling import Told, retell
from argus_core.domain.transitions import Change
from strategies import CAST, HOUR, MICROSECOND, NOON, histories, spans, texts

SOURCE, ROBOT, OLA = CAST.sources[0], CAST.robots[0].person, CAST.people[0].person
INITIAL = Initial(
    source_id=SOURCE.id,
    source_incident_id="",
    start_time=NOON,
    end_time=None,
    stateful=True,
    level=Level.LOW,
    description="",
    details_url="",
    ticket_url="",
    metadata={},
    tags=(),
)


def told(type_, hours=0, **fields):
    at = NOON + hours * HOUR
    return Told(**{"id": EventId(hours + 1), "type": type_, "actor": ROBOT, "timestamp": at, "received": at} | fields)


START = told(EventType.START)


def retold(*events, initial=INITIAL):
    return retell(IncidentId(1), SOURCE, initial, events)


def problems(*events, initial=INITIAL):
    with pytest.raises(Invalid) as caught:
        retold(*events, initial=initial)
    return caught.value.errors


tellings = st.lists(
    st.builds(
        Told,
        id=st.just(EventId(1)),
        type=st.sampled_from([type_ for type_ in EventType if not type_.internal and type_ is not EventType.START]),
        actor=st.sampled_from([ROBOT, OLA]),
        timestamp=spans.map(lambda span: NOON + span),
        received=spans.map(lambda span: NOON + span),
        description=texts,
    ),
    max_size=6,
)


@given(later=tellings, stateful=st.booleans(), announced=st.none() | spans.map(lambda span: NOON + span))
def test_the_journal_leads_to_the_incident(later, stateful, announced):
    """
    Whatever is told, the state is what its journal folds to; versions have no gaps and time does not run backwards.
    """
    first = START if stateful else replace(START, type=EventType.STATELESS)
    events = [replace(one, id=EventId(number)) for number, one in enumerate([first, *later], 1)]

    change = retold(*events, initial=replace(INITIAL, stateful=stateful, end_time=announced if stateful else None))

    assert fold(change.events, SOURCE) == change.incident
    assert list(range(1, len(events) + 1)) == [event.version for event in change.events]
    received = [event.received for event in change.events]
    assert sorted(received) == received


@given(history=histories())
def test_what_happened_here_is_decided_alike_when_it_is_told(history):
    """
    The journal of an incident that nobody edited, told anew, is the same journal; elsewhere acks only end at moments.
    """
    edits = (EventType.CHANGE, EventType.END_REACHED, EventType.ACK_EXPIRED, EventType.ESCALATION_DUE)
    assume(not any(event.type in edits or (event.changes.ack and event.changes.ack.until) for event in history.journal))
    first, *_ = history.journal

    change = retell(
        history.incident.id,
        history.source,
        first.changes.initial,
        [
            Told(
                id=event.id,
                type=event.type,
                actor=event.actor,
                timestamp=event.timestamp,
                received=event.received,
                description=event.description,
                expiration=event.changes.ack.new if event.changes.ack else None,
            )
            for event in history.journal
        ],
    )

    assert Change(incident=history.incident, events=tuple(history.journal)) == change


@pytest.mark.parametrize(
    ("types", "end"),
    [
        ((EventType.END,), 1),
        ((EventType.CLOSE,), 1),
        ((EventType.END, EventType.CLOSE), 1),
        ((EventType.CLOSE, EventType.REOPEN), None),
        ((EventType.REOPEN,), None),
        ((EventType.CLOSE, EventType.REOPEN, EventType.END), 3),
        ((EventType.END, EventType.REOPEN, EventType.END), None),  # a source reports the end once
        ((EventType.CHANGE, EventType.OTHER, EventType.STATELESS), None),
    ],
)
def test_events_open_and_close(types, end):
    change = retold(START, *(told(type_, hours) for hours, type_ in enumerate(types, 1)))

    assert (None if end is None else NOON + end * HOUR) == change.incident.end_time


def test_what_does_not_fit_is_kept_without_effect():
    change = retold(START, told(EventType.CLOSE, 1), told(EventType.CLOSE, 2), told(EventType.CHANGE, 3), told(EventType.OTHER, 4))

    assert [True, True, False, False, True] == [event.effect for event in change.events]


def test_an_acknowledgement_holds_until_it_expires():
    change = retold(START, told(EventType.ACKNOWLEDGE, 1, actor=OLA, expiration=NOON + 2 * HOUR))

    assert NOON + 2 * HOUR == change.incident.acked_until


@pytest.mark.parametrize(
    ("field", "event"),
    [
        ("type", told(EventType.START, 1)),
        ("type", told(EventType.END_REACHED, 1)),
        ("timestamp", told(EventType.OTHER, 1, timestamp=EARLIEST - MICROSECOND)),
        ("received", told(EventType.OTHER, 1, received=EARLIEST - MICROSECOND)),
        ("description", told(EventType.OTHER, 1, description="\0")),
        ("description", told(EventType.OTHER, 1, description="x" * (DESCRIPTION_BYTES + 1))),
        ("expiration", told(EventType.ACKNOWLEDGE, 1, expiration=NOON)),
    ],
)
def test_what_can_never_be_is_refused_with_its_place(field, event):
    assert [f"events/1/{field}"] == list(problems(START, event))


def test_the_first_event_says_how_it_begins():
    assert ["events/0/type"] == list(problems(told(EventType.STATELESS)))
    assert ["events/0/type"] == list(problems(START, initial=replace(INITIAL, stateful=False)))
    assert [""] == list(problems())


def test_fields_are_checked_as_those_of_a_report():
    assert ["description"] == list(problems(START, initial=replace(INITIAL, description="\0")))

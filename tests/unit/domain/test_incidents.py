"""Questions to incidents, and how a journal becomes a state."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain import transitions
from argus_core.domain.ids import EventId, IncidentId
from argus_core.domain.incidents import FOREVER, NOTHING, Acknowledgement, EventType, Incident, as_of, born, fold, rewound
from argus_core.domain.limits import LATEST
from argus_core.domain.transitions import IncidentReport
from argus_core.ports.incidents import event_row
from strategies import CAST, DAY, MICROSECOND, NOON, begin, histories, incidents, moments, reports, signed_spans, spans

SOURCE = CAST.sources[0]
OPEN = Incident(id=IncidentId(1), version=1, source=SOURCE, start_time=NOON, received=NOON)
expirations = st.lists(st.none() | signed_spans, max_size=4)


def acked(spans):
    return replace(OPEN, acks=tuple(Acknowledgement(EventId(n), None if span is None else NOON + span) for n, span in enumerate(spans)))


class TestOpen:
    @given(st.none() | moments, moments)
    def test_a_stateful_incident_is_open_until_its_end(self, end_time, now):
        assert (end_time is None or now < end_time) == replace(OPEN, end_time=end_time).is_open(now)

    @given(moments)
    def test_a_stateless_incident_is_never_open(self, now):
        assert not replace(OPEN, stateful=False).is_open(now)

    @given(incidents, spans)
    def test_what_has_closed_stays_closed_as_time_passes(self, incident, span):
        now = incident.received

        assert incident.is_open(now) or not incident.is_open(now + span)


class TestAcked:
    @given(expirations, signed_spans)
    def test_an_incident_is_acked_while_one_acknowledgement_holds(self, spans, lag):
        incident, now = acked(spans), NOON + lag

        assert any(ack.holds(now) for ack in incident.acks) == incident.is_acked(now)

    @given(expirations)
    def test_the_last_acknowledgement_to_expire_counts(self, spans):
        known = [FOREVER if span is None else NOON + span for span in spans]

        assert max(known, default=None) == acked(spans).acked_until

    def test_an_acknowledgement_holds_up_to_its_expiration(self):
        ack = Acknowledgement(EventId(1), NOON)

        assert [True, False] == [ack.holds(NOON - MICROSECOND), ack.holds(NOON)]

    @given(moments)
    def test_one_without_expiration_holds_for_good(self, now):
        assert Acknowledgement(EventId(1), None).holds(now)
        assert acked([None]).is_acked(now)

    def test_forever_lies_beyond_every_time_that_can_be_stored(self):
        assert FOREVER > LATEST

    def test_acknowledgements_are_found_by_id(self):
        incident = acked([DAY, None])

        assert [incident.acks[1], None] == [incident.ack(EventId(1)), incident.ack(EventId(2))]


class TestJournal:
    @given(histories())
    def test_leads_to_the_state(self, history):
        assert history.incident == fold(history.journal, history.source)
        assert history.incident.version == len(history.journal)

    @given(histories())
    def test_tells_the_state_at_any_version(self, history):
        for version in range(1, history.incident.version + 1):
            incident = fold(iter(history.journal[:version]), history.source)

            assert (version, history.journal[version - 1].received) == (incident.version, incident.received)

    @given(histories(), spans)
    def test_tells_what_was_known_at_any_moment(self, history, span):
        for event in history.journal:
            moment = event.received + span
            known = [other for other in history.journal if other.received <= moment]

            assert fold(known, history.source) == as_of(history.journal, history.source, moment)

    @given(histories())
    def test_knows_nothing_before_its_first_event(self, history):
        assert as_of(history.journal, history.source, NOON - MICROSECOND) is None

    def test_is_never_empty(self):
        with pytest.raises(ValueError, match="empty"):
            fold([], SOURCE)

    @given(histories())
    def test_has_no_gaps_and_one_beginning(self, history):
        first, *later = history.journal
        broken = [[first, first, *later], later]
        if len(later) > 1:
            broken += [[first, *later[1:]], [first, later[1], later[0], *later[2:]]]
        for journal in broken:
            with pytest.raises(ValueError, match=r"Event|empty"):
                fold(journal, history.source)

    @given(histories())
    def test_is_of_one_source(self, history):
        (other, *_) = (source for source in CAST.sources if source != history.source)

        with pytest.raises(ValueError, match=f"does not begin an incident of source {other.id}"):
            fold(history.journal, other)

    @given(histories())
    def test_is_of_one_incident(self, history):
        version = history.incident.version + 1
        for event in history.journal[1:]:
            with pytest.raises(ValueError, match="is not the next one of incident 1"):
                history.incident.after(replace(event, version=version, incident_id=IncidentId(2)))

    @pytest.mark.parametrize("broken", [{"version": 0}, {"version": 2}, {"changes": NOTHING}])
    def test_begins_with_what_was_reported_as_version_one(self, broken):
        (first,) = begin(IncidentReport(start_time=NOON)).events

        with pytest.raises(ValueError, match="does not begin"):
            born(replace(first, **broken), SOURCE)

    def test_begins_once(self):
        change = begin(IncidentReport(start_time=NOON))

        with pytest.raises(ValueError, match="is not the next one"):
            change.incident.after(replace(change.events[0], version=2))

    @given(reports)
    def test_the_first_event_says_it_all(self, report):
        change = begin(report)

        assert change.incident == born(change.events[0], SOURCE)

    @given(histories())
    def test_survives_that_its_source_is_renamed(self, history):
        renamed = replace(history.source, name="Something else", base_url="https://else.example.org")

        assert replace(history.incident, source=renamed) == fold(history.journal, renamed)


def test_only_the_passing_of_time_is_internal():
    assert {EventType.END_REACHED, EventType.ACK_EXPIRED, EventType.ESCALATION_DUE} == {type_ for type_ in EventType if type_.internal}


@given(histories())
def test_lists_show_all_but_internal_events(history):
    for event in (*history.journal, replace(history.journal[0], type=EventType.END_REACHED, actor=None)):
        if event.type.internal:
            with pytest.raises(ValueError, match="never listed"):
                event_row(event)
        else:
            assert (event.id, event.actor.username) == (event_row(event).id, event_row(event).username)


def without_order(incident):
    return replace(incident, tags=tuple(sorted(incident.tags, key=str)))


class TestRewound:
    @given(histories())
    def test_taking_changes_back_leads_where_the_journal_was(self, history):
        """
        At every version, but for the order of tags.
        """
        for version in range(1, history.incident.version + 1):
            before = rewound(history.incident, history.journal[version:], history.journal[version - 1])

            assert without_order(fold(history.journal[:version], history.source)) == without_order(before)

    @given(histories())
    def test_other_events_lead_nowhere(self, history):
        with pytest.raises(ValueError, match="are not the events"):
            rewound(history.incident, history.journal, history.journal[0])

    def test_an_expiration_that_was_moved_is_what_it_was(self):
        ack = transitions.acknowledge(OPEN, actor=CAST.people[0], event_id=EventId(2), at=NOON, now=NOON, expiration=NOON + DAY)
        other = transitions.acknowledge(ack.incident, actor=CAST.people[0], event_id=EventId(3), at=NOON, now=NOON)
        moved = transitions.move_expiration(other.incident, EventId(2), None, actor=CAST.people[0], event_ids=iter([EventId(4)]), now=NOON)

        assert other.incident == rewound(moved.incident, moved.events, other.events[0])

"""What filters mean; that SQL means the same is for the tests of the stores."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.expressions import parse
from argus_core.domain.filters import (
    EVERYTHING,
    All,
    DescriptionHas,
    Either,
    EndsSince,
    EndsUntil,
    HasTag,
    HasTicket,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    KeyIs,
    LastedAtLeast,
    LaterTextHas,
    LevelAtMost,
    Not,
    SourceIn,
    SourceNamed,
    SourceOf,
    SourceTyped,
    StartedSince,
    StartedUntil,
    TagsAre,
    TextHas,
    holds,
    tags_match,
)
from argus_core.domain.ids import IncidentId
from argus_core.domain.incidents import Incident, Level
from argus_core.domain.tags import TagOn
from strategies import CAST, DAY, HOUR, MICROSECOND, NOON, conditions, incidents, near_moments, signed_spans, tags

SOURCE = CAST.sources[0]
OPEN = Incident(id=IncidentId(1), version=1, source=SOURCE, start_time=NOON, received=NOON)
ENDED = replace(OPEN, end_time=NOON + HOUR)
STATELESS = replace(OPEN, stateful=False)
some_conditions = conditions([OPEN, ENDED])


def tagged(*tags):
    return replace(OPEN, tags=tuple(TagOn(tag, SOURCE.user_id, NOON) for tag in tags))


class TestLogic:
    @given(some_conditions, incidents, near_moments)
    def test_a_condition_holds_or_its_contrary_does(self, condition, incident, now):
        assert holds(condition, incident, now) != holds(Not(condition), incident, now)

    @given(st.lists(some_conditions, max_size=3), incidents, near_moments)
    def test_de_morgan(self, parts, incident, now):
        parts, contraries = tuple(parts), tuple(map(Not, parts))

        assert holds(Not(All(parts)), incident, now) == holds(Either(contraries), incident, now)
        assert holds(Not(Either(parts)), incident, now) == holds(All(contraries), incident, now)

    @given(some_conditions, some_conditions, some_conditions, incidents, near_moments)
    def test_conjunction_distributes_over_alternatives(self, one, two, three, incident, now):
        together = All((one, Either((two, three))))
        apart = Either((All((one, two)), All((one, three))))

        assert holds(together, incident, now) == holds(apart, incident, now)

    @given(incidents, near_moments)
    def test_everything_matches_and_no_alternative_does_not(self, incident, now):
        assert holds(EVERYTHING, incident, now)
        assert not holds(Either(()), incident, now)


class TestState:
    @given(incidents, near_moments)
    def test_an_incident_is_either_open_or_closed_or_stateless(self, incident, now):
        assert 1 == [holds(condition, incident, now) for condition in (IsOpen(), IsClosed(), Not(IsStateful()))].count(True)

    @given(incidents, near_moments)
    def test_acked_and_ticketed_ask_the_incident(self, incident, now):
        assert incident.is_acked(now) == holds(IsAcked(), incident, now)
        assert (incident.ticket_url != "") == holds(HasTicket(), incident, now)

    @given(incidents, st.floats(allow_nan=False), st.floats(allow_nan=False), near_moments)
    def test_a_wider_level_matches_more(self, incident, one, other, now):
        narrow, wide = sorted((one, other))

        assert holds(LevelAtMost(narrow), incident, now) <= holds(LevelAtMost(wide), incident, now)

    @pytest.mark.parametrize(("bound", "levels"), [(0, []), (1, [1]), (2.5, [1, 2]), (5, [1, 2, 3, 4, 5]), (6, [1, 2, 3, 4, 5])])
    def test_level_takes_any_number(self, bound, levels):
        assert levels == [level for level in Level if holds(LevelAtMost(bound), replace(OPEN, level=level), NOON)]


class TestOrigin:
    @given(st.sampled_from(CAST.sources), st.sampled_from(CAST.sources))
    def test_sources_are_known_by_id_name_type_and_user(self, one, other):
        incident = replace(OPEN, source=one)

        assert (one.id == other.id) == holds(SourceIn(frozenset({other.id, 99})), incident, NOON)
        assert (one.name == other.name) == holds(SourceNamed(frozenset({other.name, "?"})), incident, NOON)
        assert (one.type == other.type) == holds(SourceTyped(frozenset({other.type, "?"})), incident, NOON)
        assert (one.user_id == other.user_id) == holds(SourceOf(other.user_id), incident, NOON)

    @pytest.mark.parametrize("condition", [SourceIn(frozenset()), SourceNamed(frozenset()), SourceTyped(frozenset()), HasTag(frozenset())])
    def test_no_alternative_matches_nothing(self, condition):
        assert not holds(condition, tagged("a=1"), NOON)

    def test_the_key_is_compared_as_it_is(self):
        incident = replace(OPEN, source_incident_id="Ab")

        assert [True, False, False] == [holds(KeyIs(key), incident, NOON) for key in ("Ab", "ab", "")]


class TestTags:
    @given(st.frozensets(tags.map(str), max_size=3), st.frozensets(tags.map(str), max_size=3))
    def test_all_tags_are_these_and_no_others(self, asked, present):
        assert (asked == present) == holds(TagsAre(asked), tagged(*present), NOON)
        assert holds(TagsAre(present), tagged(*present), NOON)

    @given(st.lists(tags, max_size=5), st.lists(tags, max_size=4))
    def test_same_key_is_an_alternative_and_every_key_must_match(self, asked, present):
        condition = tags_match([str(tag) for tag in asked])

        expected = all(any(tag in present for tag in asked if tag.key == key) for key in {tag.key for tag in asked})
        assert expected == holds(condition, tagged(*map(str, present)), NOON)

    def test_what_is_blank_around_key_and_value_does_not_count(self):
        assert tags_match(["host = a", "host=b", " host=c "]) == tags_match(["host=a", "host=b", "host=c"])
        assert parse({"tags": ["host = a b "]}) == HasTag(frozenset({"host=a b"}))

    def test_the_example_of_the_document(self):
        condition = tags_match(("location=broomcloset", "location=understairs", "problem=onfire"))

        assert holds(condition, tagged("location=understairs", "problem=onfire", "a=b"), NOON)
        assert not holds(condition, tagged("location=understairs"), NOON)
        assert not holds(condition, tagged("problem=onfire", "location=elsewhere"), NOON)

    def test_values_may_hold_the_delimiter(self):
        assert holds(tags_match(["a=b=c"]), tagged("a=b=c"), NOON)
        assert not holds(tags_match(["a=b"]), tagged("a=b=c"), NOON)


class TestTimes:
    @given(near_moments, near_moments)
    def test_both_bounds_of_the_start_include_it(self, start_time, bound):
        incident = replace(OPEN, start_time=start_time)

        assert (start_time >= bound) == holds(StartedSince(bound), incident, NOON)
        assert (start_time <= bound) == holds(StartedUntil(bound), incident, NOON)

    @pytest.mark.parametrize(
        ("incident", "bound", "since", "until"),
        [
            (ENDED, NOON + HOUR - MICROSECOND, True, False),
            (ENDED, NOON + HOUR, True, True),
            (ENDED, NOON + HOUR + MICROSECOND, False, True),
            (OPEN, NOON + DAY, True, False),
            (STATELESS, NOON - DAY, False, False),
            (STATELESS, NOON + DAY, False, False),
        ],
    )
    def test_what_is_open_ends_late_and_what_is_stateless_never(self, incident, bound, since, until):
        assert (since, until) == (holds(EndsSince(bound), incident, NOON), holds(EndsUntil(bound), incident, NOON))

    @pytest.mark.parametrize(
        ("incident", "now", "lasted"),
        [
            (OPEN, NOON + HOUR, HOUR),
            (ENDED, NOON + DAY, HOUR),
            (ENDED, NOON + HOUR / 2, HOUR / 2),
            (OPEN, NOON - HOUR, -HOUR),
        ],
    )
    def test_an_incident_lasts_until_its_end_or_until_now(self, incident, now, lasted):
        assert holds(LastedAtLeast(lasted), incident, now)
        assert not holds(LastedAtLeast(lasted + MICROSECOND), incident, now)

    @given(signed_spans)
    def test_a_stateless_incident_has_no_duration(self, duration):
        assert not holds(LastedAtLeast(duration), STATELESS, NOON)


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        (DescriptionHas("DOWN"), True),
        (DescriptionHas("gone"), False),
        (LaterTextHas("down"), False),
        (LaterTextHas("gone"), True),
        (TextHas("down"), True),
        (TextHas("Gone"), True),
        (TextHas("up"), False),
    ],
)
def test_texts_are_the_description_and_what_was_said_later(condition, held):
    assert held is holds(condition, replace(OPEN, description="Router down"), NOON, texts=["Router down", "it is gone"])

"""What the journal writes down of a change is what it reads again."""

import json

from hypothesis import given
from hypothesis import strategies as st

from adapters.db import codec
from argus_core.domain.incidents import AckChange, Changes, Escalation, Initial, Replaced, Until
from argus_core.domain.limits import same_json
from argus_core.domain.tags import TagOn
from strategies import DAY, SECOND, any_moments, ids, json_values, levels, tags, texts

maybe_moments = st.none() | any_moments
tags_on = st.lists(st.builds(TagOn, tags.map(str), ids, any_moments), max_size=3).map(tuple)


def replaced(values):
    return st.none() | st.builds(Replaced, values, values)


initials = st.builds(
    Initial,
    source_id=ids,
    source_incident_id=texts,
    start_time=any_moments,
    end_time=maybe_moments,
    stateful=st.booleans(),
    level=levels,
    description=texts,
    details_url=texts,
    ticket_url=texts,
    metadata=json_values,
    tags=tags_on,
)
endings = st.just((None, None)) | st.just((Until.RESOLVED, None)) | levels.map(lambda level: (Until.LEVEL_RISES, level))
ack_changes = st.tuples(ids, maybe_moments, maybe_moments, st.booleans(), endings).map(lambda parts: AckChange(*parts[:4], *parts[4]))
changes = st.builds(
    Changes,
    initial=st.none() | initials,
    end_time=replaced(maybe_moments),
    level=replaced(levels),
    description=replaced(texts),
    details_url=replaced(texts),
    ticket_url=replaced(texts),
    metadata=replaced(json_values),
    tags_added=tags_on,
    tags_removed=tags_on,
    ack=st.none() | ack_changes,
    acks_ended=st.lists(ack_changes, max_size=2).map(tuple),
    escalation=st.none() | st.builds(Escalation, st.sampled_from([SECOND, 90 * SECOND, DAY]), st.integers(1, 99), any_moments),
    ended=st.booleans(),
)


def read_again(what):
    return codec.from_json(codec.load(codec.dump(codec.to_json(what))))


@given(changes)
def test_changes_are_read_as_they_were_written(what):
    again = read_again(what)

    assert what == again
    assert codec.to_json(what) == codec.to_json(again)


@given(changes)
def test_only_what_changed_is_written(what):
    written = codec.to_json(what)

    assert (what == Changes()) == (not written)
    assert all(getattr(what, name) for name in written)


@given(json_values)
def test_json_keeps_every_value(value):
    """
    What is true stays true, what is one stays one, for whoever reads it.
    """
    assert same_json(value, codec.load(codec.dump(value)))
    assert same_json(value, json.loads(codec.dump(value)))

"""What is stored of a plain incident is what the domain would have stored."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.db.bulk import packed
from adapters.neutral.files import DataSet
from adapters.neutral.journals import Journals
from adapters.neutral.plain import Plain
from adapters.refusals import Refusal
from strategies import CAST, texts

ROOT = Path(__file__).parents[3]
SINCE = datetime(2026, 11, 26, tzinfo=UTC)
SOURCES = {str(source.id): source for source in CAST.sources}
PEOPLE = {str(actor.id): actor.person for actor in CAST.actors}

few_texts = st.sampled_from(["", "Router down", 'Say "no"', "back\\slash", "æ 🔥", "\xa0", "tab\there", "x" * 20_000]) | texts
moments = st.sampled_from(
    [
        "2026-11-20T08:00:00+00:00",
        "2026-11-20T08:00:00.500000+00:00",
        "2026-11-20T09:00:00Z",
        "2026-11-20T10:00:00+01:00",
        "1026-11-20T08:00:00Z",
        "soon",
    ]
)
people = st.sampled_from([*PEOPLE, "99"])
sources = st.sampled_from([*SOURCES, "99"])
numbers = st.sampled_from(["1", "2", "03", "4", "0", "x"])
types = st.sampled_from(["STA", "LES", "OTH", "ACK", "ACK", "END", "END", "CLO", "REO", "CHI"])
urls = st.sampled_from(["", "https://tickets.example.org/1", "no url"])
rows = st.tuples(
    st.just("1"),
    moments,
    moments | st.sampled_from(["infinity", "infinity", ""]),
    sources,
    few_texts,
    few_texts,
    few_texts,
    st.sampled_from(["1", "5", "6"]),
    urls,
    st.just(""),
    st.sampled_from(["{}", "{}", '{"a": 1}', ""]),
).map(list)
tag_rows = st.lists(st.tuples(st.just("1"), st.sampled_from(["1", "2", "3", "4"]), people, moments).map(list), max_size=3)
events = st.tuples(numbers, st.just("1"), people, moments, moments, types, few_texts).map(list)
plain_events = st.lists(
    st.tuples(people, moments, st.sampled_from(["OTH", "ACK", "END"]), few_texts).map(
        lambda event: [event[0], event[1], event[1], *event[2:]]
    ),
    max_size=4,
).map(
    lambda later: [
        ["1", "1", "11", "2026-11-20T08:00:00+00:00", "2026-11-20T08:00:00+00:00", "STA", "x"],
        *([f"{n}", "1", *event] for n, event in enumerate(later, 2)),
    ]
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "tags.csv").write_text('1,host,gw1\n2,note,"a ""b"", c"\n3,host,gw1\n')
    for name in ("incidents", "incident_tags", "events", "acks"):
        (folder / f"{name}.csv").write_text("")
    return DataSet(folder, SOURCES, PEOPLE)


def both(data, expirations, row, tags, told):
    """What is stored of the incident if it is plain, else None; and what the domain says of it, None if it refuses."""
    plain = Plain(data, expirations)
    taken = plain.took(row, tags, told)
    journals = Journals(data)
    journals._expirations = expirations
    try:
        decided = packed([journals._change(0, row, tags, told)], since=SINCE)
    except (Refusal, StopIteration):
        return (plain.pack() if taken else None), None
    return (plain.pack() if taken else None), decided


@given(row=rows, tags=tag_rows, told=st.lists(events, max_size=4) | plain_events, acked=st.sets(st.integers(1, 5)))
def test_it_is_the_same_or_it_is_left_to_the_domain(data, row, tags, told, acked):
    plain, decided = both(data, dict.fromkeys(acked), row, tags, told)

    if plain is not None:
        assert decided is not None
        assert (dict(decided.texts) | {"timer": b""}, decided.holds) == (dict(plain.texts) | {"timer": b""}, plain.holds)
        assert not decided.texts["timer"]


def test_most_incidents_of_the_benchmark_are_plain(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT)
    from bench import neutral

    neutral.write(tmp_path, incidents=1000, profiles=0)
    known = neutral.SOURCES
    sources = {f"{n}": CAST.sources[0] for n in range(1, known + 1)}
    actors = [*range(neutral.OPERATOR, neutral.OPERATOR + neutral.OPERATORS), *range(neutral.ROBOT, neutral.ROBOT + known + 1)]
    journals = Journals(DataSet(tmp_path, sources, {f"{id_}": CAST.people[0].person for id_ in actors}))
    left = []
    monkeypatch.setattr(journals, "_change", lambda record, *_: left.append(record))
    monkeypatch.setattr("adapters.neutral.journals.packed", lambda batch, since: packed([], since=since))

    list(journals.packs(SINCE, 0, 1))

    assert [] == left

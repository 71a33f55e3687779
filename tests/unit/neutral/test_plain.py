"""What is stored of a plain incident is what the domain would have stored."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.db.bulk import packed
from adapters.neutral.files import DataSet, moment
from adapters.neutral.journals import Journals
from adapters.neutral.plain import Plain, written
from adapters.refusals import Refusal
from strategies import CAST, texts

ROOT = Path(__file__).parents[3]
SINCE = datetime(2026, 11, 20, tzinfo=UTC)
SOURCES = {str(source.id): source for source in CAST.sources}
PEOPLE = {str(actor.id): actor.person for actor in CAST.actors}

odd_texts = st.sampled_from(['Say "no"', "back\\slash", "\xa0", "tab\there", "x" * 70_000]) | texts
some_texts = st.sampled_from(["", "Router down", "æ 🔥"])
hours = st.integers(0, 5)


def at(hour):
    return f"2026-11-20T{hour:02}:00:00+00:00"


@st.composite
def lives(draw):
    """The lines of an incident, and which acknowledgements have lines: a plain one, in which hardly anything is odd."""

    def mostly(plain, odd):
        return draw(odd if draw(st.integers(0, 19)) == 7 else plain)

    def text():
        return mostly(some_texts, odd_texts)

    def moment(hour):
        odd = st.sampled_from(
            ["2026-11-20T09:30:00Z", "2026-11-20T04:00:00.500000+00:00", "2026-11-20T10:00:00+01:00", "1026-11-20T08:00:00Z", "soon"]
        )
        return mostly(st.just(at(hour)), odd)

    def person():
        return mostly(st.sampled_from([*PEOPLE]), st.just("99"))

    stateless = draw(st.booleans()) and draw(st.booleans())
    kinds = [mostly(st.just("LES" if stateless else "STA"), st.sampled_from(["STA", "LES", "OTH"]))]
    usual = st.sampled_from(["OTH", "ACK"] if stateless else ["OTH", "ACK", "END"])
    kinds += [mostly(usual, st.sampled_from(["CLO", "REO", "CHI", "STA", "LES", "END"])) for _ in range(draw(st.integers(0, 4)))]
    heard = sorted(draw(st.lists(hours, min_size=len(kinds), max_size=len(kinds))))
    if mostly(st.just(False), st.just(True)):
        heard = draw(st.permutations(heard))
    said = [moment(mostly(st.just(hour), hours)) for hour in heard]
    numbers = mostly(st.just([str(number) for number in range(1, 6)]), st.permutations(["1", "02", "3", "4", "5"]))
    told = [
        [number, "1", person(), *rest, text()] for number, *rest in zip(numbers[: len(kinds)], said, map(moment, heard), kinds, strict=True)
    ]
    ends = [timestamp for timestamp, kind in zip(said, kinds, strict=True) if kind == "END"]
    end = mostly(st.just("" if stateless else [*ends, "infinity"][0]), st.sampled_from(["", "infinity", at(4)]))
    source, level = mostly(st.sampled_from([*SOURCES]), st.just("99")), mostly(st.just("3"), st.just("6"))
    url = mostly(st.sampled_from(["", "https://tickets.example.org/1"]), st.just("no url"))
    metadata = mostly(st.just("{}"), st.sampled_from(['{"a": 1}', ""]))
    row = ["1", moment(0), end, source, text(), text(), text(), level, url, "", metadata]
    tags = [["1", mostly(st.just(f"{n}"), st.sampled_from("1234")), person(), moment(0)] for n in range(1, draw(hours) // 2 + 1)]
    acked = {int(one[0]) for one in told if one[5] == "ACK"}
    expirations = dict.fromkeys(mostly(st.just(acked), st.sets(st.integers(1, 5))))
    if expirations and mostly(st.just(False), st.just(True)):
        expirations[max(expirations)] = datetime(2030, 1, 1, tzinfo=UTC)
    return row, tags, told, expirations


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "tags.csv").write_text('1,host,gw1\n2,note,"a, b"\n3,note,"""c"""\n4,host,gw1\n')
    for name in ("incidents", "incident_tags", "events", "acks"):
        (folder / f"{name}.csv").write_text("")
    return DataSet(folder, SOURCES, PEOPLE)


def both(data, row, tags, told, expirations):
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


@settings(max_examples=300)
@given(life=lives())
def test_it_is_the_same_or_it_is_left_to_the_domain(data, life):
    plain, decided = both(data, *life)

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

    list(journals.packs(SINCE))

    assert [] == left


def test_an_end_that_is_still_to_come_is_not_plain(data):
    start = ["1", "1", "11", at(0), at(0), "STA", ""]
    row = ["1", at(0), at(3), "1", "", "", "", "3", "", "", "{}"]

    for heard, plain in ((3, True), (2, False)):
        assert plain is Plain(data, {}).took(row, [], [start, ["2", "1", "11", at(3), at(heard), "END", ""]])


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T04:00:00.500000+00:00",
        "2026-11-20T04:00:00+00:00",
        "2026-11-20T04:00:00.000000+00:00",
        "2026-11-20T04:00:00.500+00:00",
        "2026-11-20 04:00:00.500000+00:00",
        "2026-11-20T04:00:00,500000+00:00",
        "2026-11-20T04:00:00.500000-00:00",
        "2026-W47-5T04:00:00.500000+00:00",
        "20261120T04:00:00.500000+00:00",
        "1900-01-01T00:00:00.500000+00:00",
        "2026-11-20T04:00:00.500000Z",
    ],
)
def test_a_moment_is_written_in_one_way(text):
    assert moment(text).isoformat() == written(text)


@pytest.mark.parametrize(
    "text", ["1899-12-31T23:59:59.500000+00:00", "9999-01-01T00:00:00.500000+00:00", "2026-11-20T10:00:00.500000+01:00", "soon"]
)
def test_a_moment_that_is_not_plain_is_left_to_the_domain(text):
    with pytest.raises(ValueError, match=text[:4]):
        written(text)

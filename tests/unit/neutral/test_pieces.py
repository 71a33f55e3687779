"""What is read piece by piece is what the whole files say; where that is not sure, a piece cannot be read."""

import csv
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.neutral import pieces as module
from adapters.neutral.files import DataSet
from adapters.neutral.pieces import COLUMNS, pieces
from adapters.refusals import Refusal

TABLES = ("incidents", "incident_tags", "events")
MISLEADING = ["two\nlines", '"', ",", "\n7,7,7\n", "7\n7,7", '\n"', "æ\r\n", "\n" * 3]
texts = st.lists(st.sampled_from([*MISLEADING, "down", "🔥"]), max_size=4).map("".join)
ids = st.lists(st.integers(1, 40), unique=True, min_size=1, max_size=20).map(sorted)


@st.composite
def files(draw):
    """The records of three files, sorted by incident."""
    incidents = draw(ids)
    belonging = st.lists(st.sampled_from(incidents), max_size=40).map(sorted)
    return (
        [[f"{id_}", draw(texts), draw(texts)] for id_ in incidents],
        [[f"{id_}", draw(texts), ""] for id_ in draw(belonging)],
        [[draw(texts), f"{id_}", draw(texts)] for id_ in draw(belonging)],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name in ("tags", "acks", *TABLES):
        (folder / f"{name}.csv").write_text("")
    return folder


def write(folder, records, **how):
    for name, rows in zip(TABLES, records, strict=True):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file, lineterminator="\n", **how).writerows(rows)


def read(data):
    return [list(table.records()) for table in (data.incidents, data.incident_tags, data.events)]


@given(records=files(), size=st.integers(1, 200), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_pieces_that_can_be_read_are_the_whole(folder, records, size, quoting):
    write(folder, records, quoting=quoting)
    data = DataSet(folder, {}, {})

    found = pieces(folder, size)

    with suppress(Refusal):
        parts = [read(data.within(piece)) for piece in found]
        if found:
            assert list(records) == [[row for part in parts for row in part[table]] for table in range(3)]


@given(records=files(), size=st.integers(1, 200))
def test_what_belongs_together_is_in_one_piece_if_no_text_misleads(folder, records, size):
    columns = [*COLUMNS.values()]
    write(folder, [[["7"] * column + [row[column], "7"] for row in rows] for rows, column in zip(records, columns, strict=True)])
    data = DataSet(folder, {}, {})

    parts = [read(data.within(piece)) for piece in pieces(folder, size)]

    homes = [{(number, row[column]) for number, part in enumerate(parts) for row in part[table]} for table, column in enumerate(columns)]
    assert homes[0] >= homes[1] | homes[2]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_pieces_are_as_small_as_was_asked_for(folder, quoting):
    write(folder, ([[id_, "a", "b"] for id_ in "123"], [], []), quoting=quoting)

    found = pieces(folder, 1)

    assert 3 == sum(begin < end for (begin, end), _, _ in found)


def test_a_text_of_very_many_lines_is_not_searched_through(folder, monkeypatch):
    monkeypatch.setattr(module, "MOST_LINES", 3)
    write(folder, ([["1", "a\n" * 5, ""], ["2", "", ""]], [], []))

    assert () == pieces(folder, 1)


def test_files_that_are_not_there_are_not_cut(tmp_path):
    assert () == pieces(tmp_path, 1)

"""
Where the files of a data set can be cut, so that several processes each read some of the incidents and nothing of the others.

A cut is sought as in a dictionary: open it somewhere, see who comes there. A line break inside a text may mislead the search; then the
piece before ends within quotes, which no reader of CSV takes for an end. What can be read piece by piece is what the whole files say.
"""

import os
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, TypeAlias

Piece: TypeAlias = Sequence[tuple[int, int]]
"""The bytes of `incidents.csv`, `incident_tags.csv` and `events.csv` that belong together: where they begin and end."""

COLUMNS = {"incidents.csv": 0, "incident_tags.csv": 0, "events.csv": 1}
"""Where the id of the incident stands."""

MOST_LINES = 1_000
"""A text of more lines may be in the way of the search; then nothing is cut."""

_AFTER_ALL = 2**63


def pieces(folder: Path, size: int) -> Sequence[Piece]:
    """The files in pieces with about so many bytes of `incidents.csv`, in order; nothing if they cannot be cut."""
    try:
        with ExitStack() as stack:
            opened = [stack.enter_context((folder / name).open("rb")) for name in COLUMNS]
            files = [_Sorted(file, column) for file, column in zip(opened, COLUMNS.values(), strict=True)]
            cuts = [[0 for _ in files]]
            for place in range(size, files[0].size, size):
                _, id_ = files[0].line_after(place)
                cuts.append([file.first(id_, low) for file, low in zip(files, cuts[-1], strict=True)])
            cuts.append([file.size for file in files])
    except (OSError, ValueError):
        return ()
    return [list(zip(begin, end, strict=True)) for begin, end in pairwise(cuts)]


class _Sorted:
    """A file that is sorted by the ids of incidents."""

    def __init__(self, opened: BinaryIO, column: int) -> None:
        self.size = opened.seek(0, os.SEEK_END)
        self._opened, self._column = opened, column

    def first(self, id_: int, low: int) -> int:
        """Where the first line of this incident or of a later one begins, not before `low`."""
        places = range(-1, self.size)
        return self.line_after(places[bisect_left(places, id_, lo=low, key=lambda place: self.line_after(place)[1])])[0]

    def line_after(self, place: int) -> tuple[int, int]:
        """Where the first line begins that begins after this place, and whose it is."""
        self._opened.seek(max(place, 0))
        if place >= 0:
            self._opened.readline()
        for _ in range(MOST_LINES):
            begin, line = self._opened.tell(), self._opened.readline()
            if not line:
                return self.size, _AFTER_ALL
            fields = line.split(b",", self._column + 1)
            if len(fields) > self._column + 1 and (text := fields[self._column].strip(b'"')).isdigit():
                return begin, int(text)
        raise ValueError(place)

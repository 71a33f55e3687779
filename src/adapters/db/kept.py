"""Rows of incidents, kept as they were read last: lists are asked for again and again, and few of their incidents change meanwhile."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeAlias

from argus_core.ports.incidents import IncidentRow

MOST = 4096
"""So many rows are kept, each some three kilobytes."""

Seen: TypeAlias = tuple[int, bytes, bytes]
"""The id of an incident, and the transactions that last wrote its row and that of its source (`xmin`)."""


class KeptRows:
    """
    The rows that were read last, known by what wrote them: one that has been written since is another one, whoever wrote it.

    As long as nothing has changed it is the very same object that is given, so whoever makes something of it may keep that too.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._rows: dict[Seen, IncidentRow] = {}

    def find(self, seen: Iterable[Seen]) -> list[IncidentRow | None]:
        """For each the row, if it is kept."""
        return list(map(self._rows.get, seen))

    def keep(self, seen: Sequence[Seen], rows: Sequence[IncidentRow]) -> None:
        """Keep these instead of those that have been kept longest."""
        self._rows.update(zip(seen, rows, strict=True))
        for oldest in list(islice(self._rows, max(len(self._rows) - self._most, 0))):
            del self._rows[oldest]

    def clear(self) -> None:
        """Keep nothing: another server counts its transactions anew from where it took over."""
        self._rows.clear()

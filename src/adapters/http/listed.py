"""Incidents of lists as JSON, kept for as long as the store gives the very same rows."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar, cast

from msgspec import Raw, Struct

from adapters.http.answers import encode
from argus_core.ports.incidents import IncidentRow

MOST = 4096
"""So many are kept, each about a kilobyte."""

_TAILS = {(is_open, acked): encode({"open": is_open, "acked": acked})[1:] for is_open in (True, False) for acked in (True, False)}
"""How every incident ends in JSON: with what depends on the moment."""


_Shape = TypeVar("_Shape", bound=Struct)


class Listed(Generic[_Shape]):
    """Writes incidents of lists. `shape` makes what is shown of rows; its last two fields are `open` and `acked`."""

    def __init__(self, shape: Callable[[Sequence[IncidentRow], datetime], Sequence[_Shape]]) -> None:
        self._shape = shape
        self._kept: dict[int, tuple[IncidentRow, bytes]] = {}

    def __call__(self, rows: Sequence[IncidentRow], now: datetime) -> list[_Shape]:
        """The incidents as they are at this moment: written already, which the type does not tell."""
        kept = self._kept
        new = [row for row in rows if (known := kept.get(row.id)) is None or known[0] is not row]
        if new:
            kept = self._with(new, now)
        shown = []
        for row in rows:
            end, until = row.end_time, row.acked_until
            tail = _TAILS[row.stateful and (end is None or end > now), until is not None and until > now]
            shown.append(Raw(kept[row.id][1] + tail))
        return cast("list[_Shape]", shown)

    def _with(self, rows: Sequence[IncidentRow], now: datetime) -> dict[int, tuple[IncidentRow, bytes]]:
        """What is kept, and these."""
        for row, shape in zip(rows, self._shape(rows, now), strict=True):
            whole = encode(shape)
            self._kept[row.id] = (row, whole[: whole.rindex(b'"open":')])
        every = self._kept
        if len(every) > MOST:
            self._kept = dict(list(every.items())[-MOST:])
        return every

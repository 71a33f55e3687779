"""What a row of the list shows of an incident."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from adapters.web.links import list_link, web_link
from adapters.web.wording import LEVELS
from argus_core.domain.ids import IncidentId
from argus_core.domain.incidents import FOREVER, Level
from argus_core.domain.maintenance import Maintenance
from argus_core.domain.tags import tags_said
from argus_core.ports.incidents import IncidentRow

MOST_CHARACTERS = 200
MOST_TAGS = 6


class Shown(NamedTuple):
    """An incident, and what is known of it at a moment."""

    row: IncidentRow
    words: str
    is_open: bool
    acked: bool
    until: datetime | None
    """When the acknowledgement expires; None is never."""
    title: str
    tags: list[tuple[str, str]]
    """Each with the list of all incidents that have it."""
    more_tags: int
    ticket: str
    """Where the ticket is, if browsers may go there."""
    matches: bool
    flaps: bool
    maintenances: Sequence[Maintenance] = ()
    """What runs now that keeps back what happens to it."""

    @property
    def state(self) -> str:
        """Open, closed or neither."""
        return "stateless" if not self.row.stateful else "open" if self.is_open else "closed"


def shown(
    row: IncidentRow,
    now: datetime,
    flapping: Collection[IncidentId] = (),
    *,
    matches: bool = True,
    maintenances: Sequence[Maintenance] = (),
) -> Shown:
    """The incident as a row, which still belongs to the list or not, and is under these maintenances."""
    acked = row.acked_until is not None and row.acked_until > now
    first = " ".join(row.description[: 2 * MOST_CHARACTERS].split())
    return Shown(
        row=row,
        words=LEVELS[Level(row.level)],
        is_open=row.stateful and (row.end_time is None or row.end_time > now),
        acked=acked,
        until=row.acked_until if acked and row.acked_until != FOREVER else None,
        title=(first[:MOST_CHARACTERS] + "…" if len(first) > MOST_CHARACTERS else first) or f"Incident {row.id}",
        tags=[(tag[:MOST_CHARACTERS], _link(tag)) for tag in row.tags[:MOST_TAGS]],
        more_tags=max(len(row.tags) - MOST_TAGS, 0),
        ticket=web_link(row.ticket_url),
        matches=matches,
        flaps=row.id in flapping,
        maintenances=maintenances,
    )


@lru_cache(maxsize=4096)
def _link(tag: str) -> str:
    """The open incidents that have the tag; nothing for one that no address can name, or only a long one."""
    said = tags_said([tag]) if len(tag) <= MOST_CHARACTERS else None
    return list_link(open=True, tags=said) if said else ""

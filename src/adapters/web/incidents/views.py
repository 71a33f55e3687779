"""A view of the list: everything that its address says, by the names of the API wherever that has one."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from argus_core.ports.incidents import By, Order

PAGE_SIZE = 50
NEWEST_FIRST = "-start"
MOST_ROWS = 1_000

COLUMNS = {
    "level": "Level",
    "state": "State",
    "description": "Description",
    "source": "Source",
    "tags": "Tags",
    "start": "Start",
    "end": "End",
    "ticket": "Ticket",
    "key": "Key at the source",
    "id": "Number",
}
STANDARD = ("level", "state", "description", "source", "tags", "start", "ticket")
SORTS: Mapping[str, Order] = {
    "-start": Order(By.START),
    "start": Order(By.START, reverse=True),
    "-end": Order(By.END),
    "end": Order(By.END, reverse=True),
    "level": Order(By.LEVEL),
    "-level": Order(By.LEVEL, reverse=True),
}
"""By what the address says: a minus is from above, as numbers and moments go. The worst level has the smallest number."""

ORDER_WORDS = {
    "-start": "newest first",
    "start": "oldest first",
    "-end": "those that end last first",
    "end": "those that end first first",
    "level": "the worst first",
    "-level": "the mildest first",
}
FIRST = {"start": "-start", "end": "-end", "level": "level"}
"""How a column is sorted that was not before."""

CONDITIONS = (
    "open",
    "acked",
    "ticket",
    "stateful",
    "level__lte",
    "level__gte",
    "source__id__in",
    "source__type__in",
    "tags",
    "search",
    "start_time__gte",
    "start_time__lte",
    "end_time__gte",
    "end_time__lte",
    "duration__gte",
    "source__name__in",
    "source_incident_id",
    "id__in",
    "end_time__isnull",
    "filter_pk",
    "notificationprofile_pk",
    "where",
    "tags__exact",
    "duration__lte",
)
FIELDS = frozenset({*CONDITIONS[:15], "filter_pk"})
"""Those that the form has fields for; others stay as they are while the form is used."""

_LISTED = frozenset({"source__id__in", "source__type__in", "source__name__in", "id__in", "tags", "search", "columns"})
"""Values that are given several times are one list; of all others the last one counts."""

_KEPT = frozenset({*CONDITIONS, "columns", "page_size", "cursor", "sort"})


@dataclass(frozen=True, slots=True)
class View:
    """What an address asks for. Parameters that nobody knows, and empty ones, are left out."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, query: bytes) -> "View":
        """The view that the part of an address behind the question mark stands for."""
        values: dict[str, str] = {}
        for name, written in parse_qsl(query.decode("utf-8", "replace"), errors="replace"):
            value = written.strip()
            if name in _KEPT and value:
                values[name] = f"{values[name]},{value}" if name in _LISTED and name in values else value
        return cls(values)

    def get(self, name: str) -> str:
        """The value as it was asked for; empty when it was not."""
        return self.values.get(name, "")

    def has(self, name: str, value: str) -> bool:
        """Whether a list holds the value."""
        return value in (item.strip() for item in self.get(name).split(","))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to show, in their own order."""
        chosen = {item.strip() for item in self.get("columns").split(",")}
        return tuple(column for column in COLUMNS if column in chosen) or STANDARD

    @property
    def size(self) -> int:
        """How many rows a page has."""
        written = self.get("page_size")
        number = int(written) if written.isascii() and written.isdigit() and len(written) < len(str(MOST_ROWS)) + 1 else 0
        return min(number, MOST_ROWS) or PAGE_SIZE

    @property
    def sort(self) -> str:
        """The name of the order."""
        asked = self.get("sort")
        return asked if asked in SORTS else NEWEST_FIRST

    @property
    def order(self) -> Order:
        """In which order they come."""
        return SORTS[self.sort]

    def sorted_as(self, column: str) -> str:
        """How the column is sorted, in words of ARIA: of what can be sorted by it, else nothing."""
        if column not in FIRST:
            return ""
        return "none" if self.sort.lstrip("-") != column else "descending" if self.sort.startswith("-") else "ascending"

    def sorting(self, column: str) -> str:
        """The address of the same view sorted by this column, or the other way round if it is already; from its beginning."""
        here = self.sort
        wanted = FIRST[column] if here.lstrip("-") != column else here.removeprefix("-") if here.startswith("-") else f"-{here}"
        return self.link(sort="" if wanted == NEWEST_FIRST else wanted, cursor="")

    @property
    def conditions(self) -> Mapping[str, str]:
        """What is asked of incidents."""
        return {name: self.values[name] for name in CONDITIONS if name in self.values}

    @property
    def hidden(self) -> Mapping[str, str]:
        """What the form carries along without a field for it; where in the list one is, is forgotten."""
        return {name: value for name, value in self.values.items() if name not in FIELDS and name not in ("columns", "cursor")}

    @property
    def query(self) -> str:
        """The view as part of an address."""
        return urlencode(self.values)

    def asked(self) -> bytes:
        """The conditions alone, as part of an address."""
        return urlencode(self.conditions).encode()

    def without(self, name: str) -> "View":
        """The view without one of its values."""
        return View({known: value for known, value in self.values.items() if known != name})

    def link(self, **changes: str) -> str:
        """The address of the view with other values; an empty one is left out."""
        values = {name: value for name, value in {**self.values, **changes}.items() if value}
        return f"/incidents/?{urlencode(values)}" if values else "/incidents/"

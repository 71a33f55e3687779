"""
The CSV files of a data set: their columns, and what is said of a line that is wrong.

Reading is fast as long as all is well; where something is wrong is found out by reading the file once more.
"""

import csv
import io
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import msgspec

from adapters.neutral.pieces import Piece
from adapters.refusals import Refusal
from argus_core.domain.actors import Person
from argus_core.domain.errors import Invalid
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.limits import Json
from argus_core.domain.sources import Source
from argus_core.domain.tags import Tag

MOST_CHARACTERS = 1 << 28  # of a cell; what may be stored is far less, and is told so
BIGGEST_ID = 2**62
"""PostgreSQL knows ids twice as big; those that are given later need room."""

_SHOWN_CHARACTERS = 100

INFINITY = "infinity"
STATELESS = ""

Row = list[str]


class Column(NamedTuple):
    """A column: what makes a value of its text, and what the text has to be for that."""

    name: str
    parse: Callable[[str], Any] = str
    has_to_be: str = ""


class Table:
    """A file, and what its records consist of."""

    def __init__(self, folder: Path, name: str, *columns: Column) -> None:
        self.name, self.columns = name, columns
        self._path = folder / name
        self._parsers = [column.parse for column in columns]
        self.span: tuple[int, int] | None = None

    def within(self, span: tuple[int, int]) -> "Table":
        """These bytes of it alone. Of a line that is wrong it does not know the number."""
        part = copy(self)
        part.span = span
        return part

    def records(self) -> Generator[Row, None, None]:
        """
        All records, each as the texts of its columns.

        Raises:
            Refusal: the file cannot be read, or is no CSV.
        """
        csv.field_size_limit(min(MOST_CHARACTERS, sys.maxsize))
        try:
            with self._opened() as opened:
                reader = csv.reader(opened, strict=True)
                try:
                    yield from reader
                except csv.Error as error:
                    raise Refusal(f"{self.name}, line {reader.line_num}: This is no CSV ({error}).") from error
        except OSError as error:
            raise Refusal(f"The file {self._path} cannot be read: {error.strerror}.") from error

    def _opened(self) -> TextIO:
        # What is no UTF-8 becomes lone surrogates, which nothing may hold: so its line is told.
        if self.span is None:
            return self._path.open(encoding="utf-8", errors="surrogateescape", newline="")
        begin, end = self.span
        with self._path.open("rb") as opened:
            opened.seek(begin)
            return io.StringIO(opened.read(end - begin).decode("utf-8", "surrogateescape"), newline="")

    def parsed(self, row: Row) -> list[Any]:
        """
        The values of a record.

        Raises:
            LookupError, ValueError: one cannot be parsed, or there are too many or too few; `check` tells which.
        """
        return [parse(text) for parse, text in zip(self._parsers, row, strict=True)]

    def check(self, rows: Iterable[Row], first: int = 0) -> None:
        """
        Look closely at records of which one may not be parsed; the number of the first one is given.

        Raises:
            Refusal: one cannot be parsed.
        """
        for record, row in enumerate(rows, first):
            if len(row) != len(self.columns):
                names = ", ".join(column.name for column in self.columns)
                raise self.refusal(record, "", f"It has {len(row)} columns instead of {len(self.columns)} ({names}).")
            for column, text in zip(self.columns, row, strict=True):
                try:
                    column.parse(text)
                except (LookupError, ValueError) as error:
                    raise self.refusal(record, column.name, f"{shown(text)} is not {column.has_to_be}.") from error

    def line(self, record: int) -> int:
        """In which line a record begins."""
        with self._path.open(encoding="utf-8", errors="surrogateescape", newline="") as opened:
            reader = csv.reader(opened)
            for _ in zip(range(record), reader):  # noqa: B905 - no further than that
                pass
            return reader.line_num + 1

    def first(self, id_: int) -> int:
        """Which record is the first with this id."""
        return next(record for record, row in enumerate(self.records()) if int(row[0]) == id_)

    def refusal(self, record: int, column: str, problem: str) -> Refusal:
        """What is wrong with this record, as it is told to somebody who has the file before them."""
        return Refusal(f"{self.name}, line {self.line(record)}{f', column {column}' if column else ''}: {problem}")


class Groups:
    """The records of a table that is sorted by the incident they belong to."""

    def __init__(self, table: Table, column: str) -> None:
        self.first = 0  # the number of the first record that was given last
        self._table, self._column = table, column
        self._records = table.records()
        self._groups = groupby(self._records, itemgetter([known.name for known in table.columns].index(column)))
        self._rows: list[Row] = []
        self._next = 0
        self._incident_id = 0
        self._advance()

    def of(self, incident_id: int) -> Sequence[Row]:
        """
        The records of this incident; incidents are asked for in the order of their ids.

        Raises:
            Refusal: there are records of one that was not asked for.
        """
        if self._incident_id > incident_id:
            return ()
        if self._incident_id < incident_id:
            raise self._stray()
        rows, self.first = self._rows, self._next
        self._next += len(rows)
        self._advance()
        return rows

    def end(self) -> None:
        """
        There are no incidents any more.

        Raises:
            Refusal: but there are records.
        """
        if self._rows:
            raise self._stray()

    def close(self) -> None:
        """Read no further."""
        self._records.close()

    def _advance(self) -> None:
        try:
            text, rows = next(self._groups, ("", ()))
            self._rows = list(rows)
            incident_id = in_order(text) if self._rows else BIGGEST_ID + 1
        except (IndexError, ValueError):
            self._table.check(self._table.records())
            raise
        if incident_id <= self._incident_id:
            problem = f"{incident_id} comes after {self._incident_id}: sort the file by {self._column}."
            raise self._table.refusal(self._next, self._column, problem)
        self._incident_id = incident_id

    def _stray(self) -> Refusal:
        problem = f"There is no incident {self._incident_id} in incidents.csv: add it, or leave this line out."
        return self._table.refusal(self._next, self._column, problem)


class DataSet:
    """The tables of a folder. `sources` and `people` are those that records may name, by their ids as they are written."""

    def __init__(self, folder: Path, sources: Mapping[str, Source], people: Mapping[str, Person]) -> None:
        a_moment = "a moment with an offset from UTC, like 2026-11-20T08:00:00+00:00"
        a_number = f"a whole number from 1 to {BIGGEST_ID}"
        person = "the id of a user in world.json or profile_users.jsonl"
        self.tags = Table(folder, "tags.csv", Column("id", number, a_number), Column("key"), Column("value"))
        self.tag_of = dict(_read_tags(self.tags))
        self.sources, self.people = sources, people
        self.incidents = Table(
            folder,
            "incidents.csv",
            Column("id", number, a_number),
            Column("start_time", moment, a_moment),
            Column("end_time", _end, f'{a_moment}, nor "infinity" for an open incident, nor empty for a stateless one'),
            Column("source_id", sources.__getitem__, "the id of a source in world.json"),
            Column("source_incident_id"),
            Column("details_url"),
            Column("description"),
            Column("level", LEVELS.__getitem__, "a level from 1 (critical) to 5 (information)"),
            Column("ticket_url"),
            Column("search_text"),
            Column("metadata", _metadata, "a JSON object; write {} for none"),
        )
        self.incident_tags = Table(
            folder,
            "incident_tags.csv",
            Column("incident_id", number, a_number),
            Column("tag_id", self.tag_of.__getitem__, "the id of a tag in tags.csv"),
            Column("added_by_id", people.__getitem__, person),
            Column("added_time", moment, a_moment),
        )
        self.events = Table(
            folder,
            "events.csv",
            Column("id", number, a_number),
            Column("incident_id", number, a_number),
            Column("actor_id", people.__getitem__, person),
            Column("timestamp", moment, a_moment),
            Column("received", moment, a_moment),
            Column("type", TYPES.__getitem__, f"one of {', '.join(TYPES)}"),
            Column("description"),
        )
        self.acks = Table(
            folder,
            "acks.csv",
            Column("event_id", number, a_number),
            Column("expiration", _expiration, f"{a_moment}, nor empty for an acknowledgement that never expires"),
        )

    def within(self, piece: Piece) -> "DataSet":
        """Some of its incidents alone."""
        part = copy(self)
        part.incidents, part.incident_tags, part.events = map(Table.within, (self.incidents, self.incident_tags, self.events), piece)
        return part


def _read_tags(table: Table) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for record, row in enumerate(table.records()):
        table.check([row], record)
        try:
            tag = str(Tag.parse(f"{row[1]}={row[2]}"))
        except Invalid as invalid:
            raise table.refusal(record, "", invalid.errors["tag"]) from invalid
        if row[0] in seen:
            raise table.refusal(record, "id", f"{row[0]} is the id of an earlier line: give each tag an id of its own.")
        seen.add(row[0])
        yield row[0], tag


def shown(text: str) -> str:
    """A text, not too much of it, in quotes."""
    return f'"{text[:_SHOWN_CHARACTERS]}{"…" if len(text) > _SHOWN_CHARACTERS else ""}"'


def number(text: str) -> int:
    """An id."""
    found = in_order(text)
    if found <= 0:
        raise ValueError(text)
    return found


def in_order(text: str) -> int:
    """An id, or what would come before all ids: it is told as what is out of order."""
    found = int(text)
    if found > BIGGEST_ID:
        raise ValueError(text)
    return found


@lru_cache(maxsize=64)  # most moments of an incident are the same
def moment(text: str) -> datetime:
    """A moment in UTC."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error


def _end(text: str) -> datetime | str:
    return text if text in (INFINITY, STATELESS) else moment(text)


def _expiration(text: str) -> datetime | None:
    return moment(text) if text else None


_EMPTY: Mapping[str, Json] = {}


def _metadata(text: str) -> Mapping[str, Json]:
    if text == "{}":
        return _EMPTY
    try:
        found: Json = msgspec.json.decode(text)
    except RecursionError as error:
        raise ValueError(text) from error
    if not isinstance(found, dict):
        raise ValueError(text)  # noqa: TRY004 - as all that cannot be parsed
    return found


LEVELS = {str(level.value): level for level in Level}
TYPES = {type_.value: type_ for type_ in EventType if not type_.internal}

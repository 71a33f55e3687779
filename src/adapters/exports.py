"""What is taken along as CSV or JSON: the audit log, for command lines and for pages, and the lists of the pages."""

import csv
import io
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from argus_core.domain.audit import Record, as_plain

Cell: TypeAlias = str | int | bool | None
Pages: TypeAlias = AsyncIterable[Sequence[Mapping[str, Any]]]
"""A list, some objects at a time: nobody holds all of it in memory."""

COLUMNS = ("id", "created", "deed", "about", "outcome", "user_id", "username", "address", "details")
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH COMMERCIAL AT}")


async def audit_lines(records: AsyncIterable[Record], *, as_csv: bool) -> AsyncIterator[str]:
    """The audit log as CSV with a head, else as an object in each line."""
    if as_csv:
        yield csv_line(COLUMNS)
    async for record in records:
        plain = as_plain(record)
        yield csv_line(plain[column] for column in COLUMNS) if as_csv else json_line(plain)


def json_line(plain: Mapping[str, Cell]) -> str:
    """One object, and the end of its line."""
    return json.dumps(plain, ensure_ascii=False) + "\n"


def csv_line(cells: Iterable[object]) -> str:
    """One row. What spreadsheets would take for formulas gets an apostrophe before it: names are chosen by others."""
    texts = ["" if cell is None else str(cell) for cell in cells]
    line = io.StringIO()
    csv.writer(line).writerow([f"'{text}" if text.startswith(_FORMULA) else text for text in texts])
    return line.getvalue()


async def csv_of(fields: Sequence[str], pages: Pages) -> AsyncIterator[bytes]:
    """
    A head and a line for each object. Lists stand in one cell, tuples in a way that their parts may have blanks.

    Begins with the mark by which programs for tables know UTF-8.
    """
    yield (_MARK + csv_line(fields)).encode()
    async for page in pages:
        if page:
            yield "".join(csv_line(_cell(one[field]) for field in fields) for one in page).encode()


async def json_of(pages: Pages) -> AsyncIterator[bytes]:
    """A list of objects, one a line."""
    between = "[\n"
    async for page in pages:
        if page:
            yield (between + ",\n".join(json.dumps(one, ensure_ascii=False) for one in page)).encode()
            between = ",\n"
    yield b"\n]\n" if between != "[\n" else b"[]\n"


def moment(at: datetime | None) -> str | None:
    """When, if ever."""
    return at.isoformat() if at else None


def _cell(value: object) -> object:
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return "; ".join(map(str, value))
        case list():
            return " ".join(map(str, value))
        case dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return value

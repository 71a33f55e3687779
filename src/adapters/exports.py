"""What is taken along in lines, CSV or JSON: the audit log, for command lines and for pages, and lists of incidents."""

import csv
import io
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import TypeAlias

from argus_core.domain.audit import Record, as_plain

Cell: TypeAlias = str | int | bool | None

COLUMNS = ("id", "created", "deed", "about", "outcome", "user_id", "username", "address", "details")
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

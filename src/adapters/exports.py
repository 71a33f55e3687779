"""The audit log in lines: for command lines and for pages."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias

Cell: TypeAlias = str | int | bool | None

COLUMNS = ("id", "created", "deed", "about", "outcome", "user_id", "username", "address", "details")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def json_line(plain: Mapping[str, Cell]) -> str:
    """One object, and the end of its line."""
    return json.dumps(plain, ensure_ascii=False) + "\n"


def csv_line(cells: Iterable[object]) -> str:
    """One row. What spreadsheets would take for formulas gets an apostrophe before it: names are chosen by others."""
    texts = ["" if cell is None else str(cell) for cell in cells]
    line = io.StringIO()
    csv.writer(line).writerow([f"'{text}" if text.startswith(_FORMULA) else text for text in texts])
    return line.getvalue()

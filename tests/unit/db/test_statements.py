"""What every PostgreSQL since 15 understands is what our statements say."""

import re
from pathlib import Path

import pytest

import adapters

SOURCES = sorted(Path(adapters.__file__).parent.rglob("*.py"))
SUBQUERY = re.compile(r"(?<!\.)\b(?:from|join|lateral)\s*\(\s*(?:select\b|values\b|with\b|\{)", re.IGNORECASE)
ALIAS = re.compile(r"\s*(?:as\s+)?(?!(?:where|on|using|join|cross|left|order|group|limit|union|as)\b)[a-z_]\w*", re.IGNORECASE)


def nameless(text):
    """Every subquery in a FROM that has no name; only PostgreSQL 16 and later can do without."""
    for found in SUBQUERY.finditer(text):
        end = closing(text, text.index("(", found.start()))
        if not ALIAS.match(text, end):
            yield text[found.start() : end + 20]


def closing(text, start):
    """Where the parenthesis that opens here is closed, and the text goes on."""
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    raise AssertionError(text[start : start + 80])


@pytest.mark.parametrize("text", ["from i, lateral (select 1)", "from (select f(x)) where", "join (values (1)) on true"])
def test_a_subquery_without_a_name_is_found(text):
    assert list(nameless(text))


@pytest.mark.parametrize("text", ["from i, lateral (select 1) s", "from (select f(x)) as s where", "from ({found}) i", "exists (select 1)"])
def test_one_with_a_name_is_not(text):
    assert [] == list(nameless(text))


def test_every_subquery_has_a_name():
    found = {path.name: list(nameless(path.read_text())) for path in SOURCES}

    assert {} == {name: what for name, what in found.items() if what}
    assert any(SUBQUERY.search(path.read_text()) for path in SOURCES)

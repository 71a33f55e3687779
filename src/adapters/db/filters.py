"""
Conditions as SQL. The Python side of the same tree is `argus_core.domain.filters.holds`.

What compares with a column that may be null is null where `holds` says false. That does no harm at the top, in AND and in OR;
NOT is written as IS NOT TRUE.
"""

# ruff: noqa: S608 - values travel as parameters; what is put together here are our own words

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from typing import TypeAlias, assert_never

from argus_core.domain.filters import (
    All,
    Condition,
    DescriptionHas,
    Either,
    EndsSince,
    EndsUntil,
    EventTypeIn,
    HasTag,
    HasTicket,
    IdIn,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    KeyIs,
    LastedAtLeast,
    LaterTextHas,
    LevelAtMost,
    Not,
    SourceIn,
    SourceNamed,
    SourceOf,
    SourceTyped,
    StartedSince,
    StartedUntil,
    TagsAre,
    TextHas,
    folded,
)
from argus_core.domain.incidents import Level
from argus_core.domain.limits import DESCRIPTION_BYTES, EARLIEST, KEY_BYTES, TAG_BYTES, text_problem

Value: TypeAlias = object

NEVER, ALWAYS = "false", "true"

LATER_TEXT = "(case when t.version > 1 then t.description end)"
"""So spelled, PostgreSQL finds the index, and statistics of how often later events say something."""

AS_YOU_GO = " offset 0"
"""At the end of a subquery: it is looked into for one incident after the other, not for all at once."""
END = " /* end */"
"""Where that may stand."""

_INDEXED = re.compile(r"[^\W_]{3}")
"""What a text must have for the index of texts to be of use: three letters or digits in a row."""
_MOST_SPELLINGS = 16
_LETTERS = 0x20000
"""Beyond this no letter has a capital."""


class Where:
    """An SQL condition on the incident `i` that grows: what was added so far, and the values of its parameters."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.values: dict[str, Value] = {"now": now}

    def value(self, value: Value) -> str:
        """The placeholder for one more value."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"

    def sql(self, condition: Condition) -> str:  # noqa: C901, PLR0911, PLR0912 - one case for each clause
        """The condition in SQL."""
        match condition:
            case All(of):
                return " and ".join(f"({self.sql(part)})" for part in of) or ALWAYS
            case Either(of):
                # Among alternatives the planner would read all events that have a text, however many; an offset keeps it from that.
                return as_you_go(" or ".join(f"({self.sql(part)})" for part in of)) or NEVER
            case Not(LaterTextHas() as part):
                return f"not {self.sql(part)}"  # can be a join, which stops at the end of the page
            case Not(part):
                return f"({self.sql(part)}) is not true"
            case IsOpen():
                return "i.stateful and (i.end_time is null or i.end_time > %(now)s)"
            case IsClosed():
                return "i.stateful and i.end_time <= %(now)s"
            case IsAcked():
                return "i.acked_until > %(now)s"
            case IsStateful():
                return "i.stateful"
            case HasTicket():
                return "i.ticket_url <> ''"
            case LevelAtMost(level):
                return self._level(level)
            case SourceIn(ids):
                return f"i.source_id = any({self._numbers(ids)})"
            case SourceNamed(names):
                return f"i.source_id = any(array(select id from source where name = any({self._texts(names)})))"
            case SourceTyped(types):
                return f"i.source_id = any(array(select id from source where type = any({self._texts(types)})))"
            case SourceOf(user_id):
                return f"i.source_id = (select id from source where user_id = {self.value(user_id)})"
            case KeyIs(key):
                return NEVER if text_problem(key, KEY_BYTES) else f"i.source_incident_id = {self.value(key)}"
            case HasTag(tags):
                return f"i.tags && {self._texts(tags)}"
            case TagsAre(tags):
                return self._only(tags)
            case StartedSince(moment):
                return f"i.start_time >= {self.value(moment)}"
            case StartedUntil(moment):
                return f"i.start_time <= {self.value(moment)}"
            case EndsSince(moment):
                return f"i.stateful and (i.end_time is null or i.end_time >= {self.value(moment)})"
            case EndsUntil(moment):
                return f"i.end_time <= {self.value(moment)}"
            case LastedAtLeast(duration):
                return self._lasted(duration)
            case IdIn(ids):
                return f"i.id = any({self._numbers(ids)})"
            case TextHas(text):
                return self.sql(Either((DescriptionHas(text), LaterTextHas(text))))
            case DescriptionHas(text):
                return self._holds("i.description", text)
            case LaterTextHas(text):
                return self._told(text)
            case EventTypeIn():
                return NEVER  # a list is about incidents alone
            case _:
                assert_never(condition)

    def _told(self, text: str) -> str:
        return f"exists (select from event t where t.incident_id = i.id and t.version > 1 and {self._holds(LATER_TEXT, text)}{END})"

    def _holds(self, column: str, text: str) -> str:
        if text_problem(text, DESCRIPTION_BYTES):
            return NEVER
        if is_sought_by_time(text) and (spellings := _spellings(text)):
            # The planner would read the whole index and then all texts. In another collation there is no index, and texts compare faster.
            return f'({column} collate "C") like any({self.value([_pattern(spelling) for spelling in spellings])}::text[])'
        return f"{column} ilike {self.value(_pattern(text))}"

    def _lasted(self, duration: timedelta) -> str:
        lasted = f"i.stateful and least(i.end_time, %(now)s) - i.start_time >= {self.value(duration)}"
        if self.now - EARLIEST < duration:
            return NEVER
        if duration < timedelta():
            return lasted
        return f"{lasted} and i.start_time <= {self.value(self.now - duration)}"  # follows, but is found by index

    def _level(self, level: float) -> str:
        most = greatest_level(level)
        return NEVER if most is None else f"i.level <= {self.value(most)}"

    def _numbers(self, numbers: Iterable[int]) -> str:
        return f"{self.value(sorted(numbers))}::bigint[]"

    def _only(self, tags: frozenset[str]) -> str:
        if any(text_problem(tag, TAG_BYTES) for tag in tags):
            return NEVER
        told = self._texts(tags)
        return f"i.tags @> {told} and i.tags <@ {told}"

    def _texts(self, texts: Iterable[str]) -> str:
        storable = sorted(text for text in texts if not text_problem(text, max(KEY_BYTES, TAG_BYTES)))
        return f"{self.value(storable)}::text[]"


def greatest_level(level: float) -> int | None:
    """The number of the mildest level that is at least as bad; cut to what exists, as SQL need not know numbers of any size."""
    cut = min(max(level, Level.CRITICAL - 1), Level.INFORMATION)
    return None if math.isnan(cut) else math.floor(cut)


def as_you_go(sql: str) -> str:
    """The same, looking for what events say in one incident after the other."""
    return sql.replace(END, AS_YOU_GO)


def is_sought_by_time(text: str) -> bool:
    """Whether no index of texts is of use: incidents are looked through one after the other until there are enough."""
    return not _INDEXED.search(text)


def conjunction(condition: Condition) -> list[Condition]:
    """
    The conditions that must all hold, however deeply they are nested in conjunctions.

    Texts are taken apart into the incident's own and those of its events, which are found by different indexes.
    """
    match condition:
        case All(of):
            return [part for inner in of for part in conjunction(inner)]
        case TextHas() | Either():
            return [Either(tuple(_alternatives(condition)))]
        case Not(TextHas() | Either() as part):
            return [part for inner in _alternatives(part) for part in conjunction(Not(inner))]
        case Not(Not(part)):
            return conjunction(part)
        case _:
            return [condition]


def _alternatives(condition: Condition) -> Iterator[Condition]:
    match condition:
        case Either(of):
            for part in of:
                yield from _alternatives(part)
        case TextHas(text):
            yield DescriptionHas(text)
            yield LaterTextHas(text)
        case _:
            yield condition


def _pattern(text: str) -> str:
    return "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"


def _spellings(text: str) -> Sequence[str]:
    """The text with every choice of capitals; nothing when there are too many."""
    choices = [_same_letters().get(letter, letter) for letter in folded(text)]
    return list(map("".join, product(*choices))) if math.prod(map(len, choices)) <= _MOST_SPELLINGS else ()


@cache
def _same_letters() -> Mapping[str, str]:
    """By small letter, all letters that compare as it."""
    letters: dict[str, str] = {}
    for letter in _cased():
        small = folded(letter)
        letters[small] = letters.get(small, small) + letter
    return letters


def _cased() -> Iterator[str]:
    return (letter for letter in map(chr, range(_LETTERS)) if folded(letter) != letter)

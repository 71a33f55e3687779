"""
Conditions as SQL. The Python side of the same tree is `argus_core.domain.filters.holds`.

What compares with a column that may be null is null where `holds` says false. That does no harm at the top, in AND and in OR;
NOT is written as IS NOT TRUE.
"""

# ruff: noqa: S608 - values travel as parameters; what is put together here are our own words

import math
import re
from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias, assert_never

from argus_core.domain.filters import (
    All,
    Condition,
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
    LevelAtMost,
    Not,
    SourceIn,
    SourceNamed,
    SourceOf,
    SourceTyped,
    StartedSince,
    StartedUntil,
    TextHas,
)
from argus_core.domain.incidents import Level
from argus_core.domain.limits import DESCRIPTION_BYTES, KEY_BYTES, TAG_BYTES, text_problem

Value: TypeAlias = object

NEVER, ALWAYS = "false", "true"


class Where:
    """An SQL condition on the incident `i` that grows: what was added so far, and the values of its parameters."""

    def __init__(self, now: datetime) -> None:
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
                return self._joined(" and ", of, ALWAYS)
            case Either(of):
                return self._joined(" or ", of, NEVER)
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
                return f"i.source_id = any({self.value(sorted(ids))}::bigint[])"
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
            case StartedSince(moment):
                return f"i.start_time >= {self.value(moment)}"
            case StartedUntil(moment):
                return f"i.start_time <= {self.value(moment)}"
            case EndsSince(moment):
                return f"i.stateful and (i.end_time is null or i.end_time >= {self.value(moment)})"
            case EndsUntil(moment):
                return f"i.end_time <= {self.value(moment)}"
            case LastedAtLeast(duration):
                return f"i.stateful and least(i.end_time, %(now)s) - i.start_time >= {self.value(duration)}"
            case IdIn(ids):
                return f"i.id = any({self.value(sorted(ids))}::bigint[])"
            case TextHas(text):
                return self._told(text)
            case EventTypeIn():
                return NEVER  # a list is about incidents alone
            case _:
                assert_never(condition)

    def _joined(self, word: str, conditions: Iterable[Condition], otherwise: str) -> str:
        return word.join(f"({self.sql(condition)})" for condition in conditions) or otherwise

    def _told(self, text: str) -> str:
        if text_problem(text, DESCRIPTION_BYTES):
            return NEVER
        pattern = self.value("%" + re.sub(r"([\\\\%_])", r"\\\1", text) + "%")
        return f"exists (select from event t where t.incident_id = i.id and t.description ilike {pattern})"

    def _level(self, level: float) -> str:
        # Cut to what exists: SQL need not know numbers of any size.
        cut = float(min(max(level, Level.CRITICAL - 1), Level.INFORMATION))
        return NEVER if math.isnan(cut) else f"i.level <= {self.value(cut)}"

    def _texts(self, texts: Iterable[str]) -> str:
        storable = sorted(text for text in texts if not text_problem(text, max(KEY_BYTES, TAG_BYTES)))
        return f"{self.value(storable)}::text[]"


def conjunction(condition: Condition) -> list[Condition]:
    """The conditions that must all hold, however deeply they are nested in conjunctions."""
    if isinstance(condition, All):
        return [part for inner in condition.of for part in conjunction(inner)]
    return [condition]

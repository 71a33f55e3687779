"""
Conditions as JSON: what the key `expression` of a filter may hold, and how stores keep it.

An object with exactly one key: `all`, `any` (lists of such objects), `not` (one), or a clause: `open`, `closed`, `acked`, `stateful`,
`ticket` (true or false), `maxlevel` (1-5), `tags` (at least one of these), `sources` (ids), `sourceTypes` (names), `eventTypes`, `text`,
`minDuration` (minutes).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from argus_core.domain.errors import Invalid
from argus_core.domain.filters import (
    All,
    Condition,
    Either,
    EventTypeIn,
    HasTag,
    HasTicket,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    LastedAtLeast,
    LevelAtMost,
    Not,
    SourceIn,
    SourceTyped,
    TextHas,
    size,
    trimmed,
)
from argus_core.domain.ids import SourceId
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.limits import KEY_BYTES, Json, text_problem

DEPTH = 12
MEMBERS = 256
MOST_CLAUSES = 512
MOST_MINUTES = 60 * 24 * 366 * 100

_SWITCHES: Mapping[str, Condition] = {
    "open": IsOpen(),
    "closed": IsClosed(),
    "acked": IsAcked(),
    "stateful": IsStateful(),
    "ticket": HasTicket(),
}
_Value = TypeVar("_Value")


def parse(expression: Json, at: str = "expression") -> Condition:
    """
    The condition that the JSON describes.

    Raises:
        Invalid: the key is the path to what is wrong, its steps joined by `/`: `expression/any/0/maxlevel`.
    """
    condition = _parse(expression, at, DEPTH)
    if size(condition) > MOST_CLAUSES:
        raise Invalid({at: f"Ensure this has no more than {MOST_CLAUSES} clauses."})
    return condition


def written(condition: Condition) -> dict[str, Json]:  # noqa: C901, PLR0911, PLR0912 - one case for each clause
    """
    The JSON that describes the condition.

    Raises:
        ValueError: it has a clause that only queries have.
    """
    for name, switch in _SWITCHES.items():
        if condition == switch:
            return {name: True}
        if condition == Not(switch):
            return {name: False}
    match condition:
        case All(of):
            return {"all": [written(part) for part in of]}
        case Either(of):
            return {"any": [written(part) for part in of]}
        case Not(part):
            return {"not": written(part)}
        case LevelAtMost(level):
            return {"maxlevel": int(level)}
        case HasTag(tags):
            return {"tags": sorted(tags)}
        case SourceIn(ids):
            return {"sources": sorted(ids)}
        case SourceTyped(types):
            return {"sourceTypes": sorted(types)}
        case EventTypeIn(types):
            return {"eventTypes": sorted(type_.value for type_ in types)}
        case TextHas(text):
            return {"text": text}
        case LastedAtLeast(duration):
            return {"minDuration": duration // timedelta(minutes=1)}
        case _:
            raise ValueError(f"{type(condition).__name__} cannot be kept in a filter.")


def _parse(expression: Json, at: str, depth: int) -> Condition:
    if not isinstance(expression, Mapping) or len(expression) != 1:
        raise Invalid({at: "Expected an object with exactly one key."})
    (name, value), *_ = expression.items()
    at = f"{at}/{name}"
    if depth < 0:
        raise Invalid({at: f"Ensure this is nested no deeper than {DEPTH} levels."})
    if name in _SWITCHES:
        return _switch(name, value, at)
    if name in _CLAUSES:
        return _CLAUSES[name](value, at)
    match name:
        case "all":
            return All(_list(value, at, lambda part, here: _parse(part, here, depth - 1)))
        case "any":
            return Either(_list(value, at, lambda part, here: _parse(part, here, depth - 1)))
        case "not":
            return Not(_parse(value, at, depth - 1))
        case _:
            raise Invalid({at: f"Unknown key; use one of {', '.join(['all', 'any', 'not', *_SWITCHES, *_CLAUSES])}."})


def _switch(name: str, value: Json, at: str) -> Condition:
    if not isinstance(value, bool):
        raise Invalid({at: "Must be a valid boolean."})
    return _SWITCHES[name] if value else Not(_SWITCHES[name])


def _list(value: Json, at: str, read: Callable[[Json, str], _Value]) -> tuple[_Value, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise Invalid({at: "Expected a list of items."})
    if not value:
        raise Invalid({at: "This list may not be empty."})
    if len(value) > MEMBERS:
        raise Invalid({at: f"Ensure this field has no more than {MEMBERS} elements."})
    return tuple(read(member, f"{at}/{index}") for index, member in enumerate(value))


def _text(value: Json, at: str) -> str:
    if not isinstance(value, str):
        raise Invalid({at: "Not a valid string."})
    problem = text_problem(value, KEY_BYTES) if value.strip() else "This field may not be blank."
    if problem:
        raise Invalid({at: problem})
    return value


def _tag(value: Json, at: str) -> str:
    tag = _text(value, at)
    if "=" not in tag:
        raise Invalid({at: "The tag does not have its delimiter: =."})
    return trimmed(tag)


def _event_type(value: Json, at: str) -> EventType:
    known = [type_.value for type_ in EventType if not type_.internal]
    if value not in known:
        raise Invalid({at: f'"{value}" is not a valid choice; use one of {", ".join(known)}.'})
    return EventType(value)


def _id(value: Json, at: str) -> int:
    return _whole(value, at, 2**63 - 1)


def _whole(value: Json, at: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid({at: "A valid integer is required."})
    if not 1 <= value <= most:
        raise Invalid({at: f"Ensure this value lies between 1 and {most}."})
    return value


_CLAUSES: Mapping[str, Callable[[Json, str], Condition]] = {
    "tags": lambda value, at: HasTag(frozenset(_list(value, at, _tag))),
    "sources": lambda value, at: SourceIn(frozenset(SourceId(id_) for id_ in _list(value, at, _id))),
    "sourceTypes": lambda value, at: SourceTyped(frozenset(_list(value, at, _text))),
    "eventTypes": lambda value, at: EventTypeIn(frozenset(_list(value, at, _event_type))),
    "maxlevel": lambda value, at: LevelAtMost(_whole(value, at, Level.INFORMATION)),
    "minDuration": lambda value, at: LastedAtLeast(timedelta(minutes=_whole(value, at, MOST_MINUTES))),
    "text": lambda value, at: TextHas(_text(value, at)),
}

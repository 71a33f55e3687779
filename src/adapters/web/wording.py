"""Clauses of filters, and kinds of events, as people say them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from argus_core.domain.filters import (
    All,
    Condition,
    Either,
    EventTypeIn,
    Explanation,
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
)
from argus_core.domain.ids import SourceId
from argus_core.domain.incidents import EventType, Level

Names: TypeAlias = Mapping[SourceId, str]
"""What sources are called."""

EVENTS = {
    EventType.START: "reported",
    EventType.STATELESS: "reported, without an end",
    EventType.END: "ended by its source",
    EventType.CHANGE: "changed",
    EventType.CLOSE: "closed",
    EventType.REOPEN: "reopened",
    EventType.ACKNOWLEDGE: "acknowledged",
    EventType.OTHER: "commented on",
    EventType.END_REACHED: "end reached",
    EventType.ACK_EXPIRED: "acknowledgement expired",
    EventType.ESCALATION_DUE: "not acknowledged for long",
}
LEVELS = {level: f"{level.value} {level.name.lower()}" for level in Level}

_SWITCHES: Mapping[Condition, tuple[str, str]] = {
    IsOpen(): ("is open", "is not open"),
    IsClosed(): ("is closed", "is not closed"),
    IsAcked(): ("is acknowledged", "is not acknowledged"),
    IsStateful(): ("has a beginning and an end", "is one moment, without an end"),
    HasTicket(): ("has a ticket", "has no ticket"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """A clause in words, whether it held if that is known, its parts, and what is to be added."""

    words: str
    parts: "tuple[Said, ...]" = ()
    held: bool | None = None
    note: str = ""


def say(condition: Condition, names: Names) -> Said:
    """A condition in words."""
    parts = tuple(say(part, names) for part in _parts(condition))
    return parts[0] if isinstance(condition, All) and len(parts) == 1 else Said(_words(condition, names), parts)


def say_why(explanation: Explanation, names: Names) -> Said:
    """An explanation in words: what held, and what did not."""
    condition = explanation.clause
    if isinstance(condition, All) and len(explanation.parts) == 1:
        return say_why(explanation.parts[0], names)
    inner = explanation.parts if _parts(condition) else ()
    return Said(_words(condition, names), tuple(say_why(part, names) for part in inner), explanation.held, explanation.note)


def _parts(condition: Condition) -> tuple[Condition, ...]:
    match condition:
        case All(of) | Either(of):
            return of
        case Not(part) if part not in _SWITCHES:
            return (part,)
        case _:
            return ()


def _words(condition: Condition, names: Names) -> str:  # noqa: C901, PLR0911 - one case for each clause
    match condition:
        case All(of):
            return "meets all of these:" if of else "may be any"
        case Either():
            return "meets at least one of these:"
        case Not(part):
            return _SWITCHES[part][1] if part in _SWITCHES else "does not meet this:"
        case IsOpen() | IsClosed() | IsAcked() | IsStateful() | HasTicket():
            return _SWITCHES[condition][0]
        case LevelAtMost(level):
            return f"is of level {LEVELS[Level(int(level))]}{', or worse' if level > Level.CRITICAL else ''}"
        case HasTag(tags):
            return f"has the tag {_either(sorted(tags))}"
        case SourceIn(ids):
            return f"comes from {_either(sorted(names.get(id_, f'source {id_}') for id_ in ids))}"
        case SourceTyped(types):
            return f"comes from a source of type {_either(sorted(types))}"
        case EventTypeIn(types):
            return f"is just being {_either([EVENTS[type_] for type_ in EventType if type_ in types])}"
        case TextHas(text):
            return f"says “{text}”"
        case LastedAtLeast(duration):
            return f"is or was open for {int(duration.total_seconds() // 60)} minutes or longer"
        case _:
            return (type(condition).__doc__ or "").strip()


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "nobody"

"""Filters that people keep: what the JSON of both API versions can say, and the condition it amounts to."""

from dataclasses import dataclass

from argus_core.domain.filters import (
    All,
    Condition,
    EventTypeIn,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    LevelAtMost,
    Not,
    SourceIn,
    about_incidents,
    tags_match,
)
from argus_core.domain.ids import FilterId, SourceId, UserId
from argus_core.domain.incidents import EventType, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterDefinition:
    """
    What somebody asked for, as they asked for it; None was not given. All of it must hold.

    A bool means that, or the opposite of it, but `open=False` is closed: a stateless incident is neither.
    """

    source_ids: tuple[SourceId, ...] | None = None
    tags: tuple[str, ...] | None = None
    open: bool | None = None
    acked: bool | None = None
    stateful: bool | None = None
    max_level: int | None = None
    event_type: EventType | None = None
    event_types: tuple[EventType, ...] | None = None
    expression: Condition | None = None

    @classmethod
    def of(cls, condition: Condition) -> "FilterDefinition":
        """The definition that asks for this: what has a field of its own in fields, all else as an expression."""
        fields: dict[str, object] = {}
        rest: list[Condition] = []
        for part in condition.of if isinstance(condition, All) else (condition,):
            name, value = _field(part)
            if not name or name in fields:
                rest.append(part)
            else:
                fields[name] = value
        if rest:
            fields["expression"] = rest[0] if len(rest) == 1 else All(tuple(rest))
        return cls(**fields)  # type: ignore[arg-type]  # each name has a value of its type, see below

    @property
    def condition(self) -> Condition | None:
        """What must hold of incident and event; None when nothing was asked for, which matches nothing."""
        clauses: list[Condition] = []
        if self.source_ids:
            clauses.append(SourceIn(frozenset(self.source_ids)))
        if self.tags:
            clauses.append(tags_match(self.tags))
        if self.open is not None:
            clauses.append(IsOpen() if self.open else IsClosed())
        for wanted, clause in ((self.acked, IsAcked()), (self.stateful, IsStateful())):
            if wanted is not None:
                clauses.append(clause if wanted else Not(clause))
        if self.max_level is not None:
            clauses.append(LevelAtMost(self.max_level))
        if self.event_type is not None:
            clauses.append(EventTypeIn(frozenset({self.event_type})))
        if self.event_types:
            clauses.append(EventTypeIn(frozenset(self.event_types)))
        if self.expression is not None:
            clauses.append(self.expression)
        return All(tuple(clauses)) if clauses else None

    @property
    def incident_condition(self) -> Condition | None:
        """The part that is about incidents alone, for previews; None matches nothing."""
        condition = self.condition
        return None if condition is None else about_incidents(condition)


def _field(part: Condition) -> tuple[str, object]:
    """The field that says this, and its value; no name when none does."""
    match part:
        case IsOpen() | IsClosed():
            return "open", isinstance(part, IsOpen)
        case IsAcked() | Not(IsAcked()):
            return "acked", isinstance(part, IsAcked)
        case IsStateful() | Not(IsStateful()):
            return "stateful", isinstance(part, IsStateful)
        case LevelAtMost(level) if level in frozenset(Level):
            return "max_level", int(level)
        case SourceIn(ids) if ids:
            return "source_ids", tuple(sorted(ids))
        case _:
            return "", None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFilter:
    """
    A filter under a name that is unique for its owner.

    One that is `shared` is there for everybody to list incidents with. It stays its owner's, whose profiles alone can have it.
    """

    id: FilterId
    owner: UserId
    name: str
    definition: FilterDefinition
    shared: bool = False


@dataclass(frozen=True, slots=True)
class SharedFilter:
    """A filter that everybody may list incidents with, and what its owner is called. Names are not unique among these."""

    filter: SavedFilter
    owner: str

"""What stories are made of: troubles, when they begin and end, and what is done about them. Nothing here knows a store or a server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from argus_core.domain.incidents import EventType, Level
from argus_core.domain.limits import Json
from argus_core.domain.tags import Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An incident to be, in the words of the source that will report it."""

    source: str
    key: str
    level: Level
    description: str
    details_url: str
    tags: tuple[Tag, ...]
    metadata: Mapping[str, Json] = field(hash=False)

    @property
    def subject(self) -> str:
        """What is in trouble, and how: the same source does not report it twice at once."""
        return "|".join((self.source, *(tag.value for tag in self.tags if tag.key in ("host", "object", "problem_type"))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The source reports the trouble. Without `lasts` it is a moment; with `announced` it says at once when it will end."""

    trouble: Trouble
    lasts: timedelta | None
    announced: bool


@dataclass(frozen=True, slots=True)
class Post:
    """Somebody posts an event: the source an end, a person that it is closed or open again, anybody a remark."""

    type: EventType
    text: str


@dataclass(frozen=True, slots=True)
class Escalate:
    """The source finds it worse, or less bad, than before."""

    level: Level


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Somebody takes care, maybe only for a while."""

    text: str
    holds: timedelta | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """Somebody has written a ticket."""

    url: str


@dataclass(frozen=True, slots=True)
class AddTag:
    """Somebody adds a tag."""

    tag: Tag


Act: TypeAlias = Report | Post | Escalate | Acknowledge | Ticket | AddTag


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """
    One trouble within a story: it begins so long after the story does, and lasts.

    `ends` is whether the source ever reports the end, `lag` how long what the source says is under way to Argus, `later` what it says in
    between, so long after the beginning.
    """

    trouble: Trouble
    begins: timedelta
    lasts: timedelta | None
    lag: timedelta
    announced: bool = False
    ends: bool = True
    later: tuple[tuple[timedelta, Act], ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """Troubles with one cause, and what people say about it."""

    happenings: tuple[Happening, ...]
    talk: "Talk"


@dataclass(frozen=True, slots=True)
class Talk:
    """What people say when they take care, meanwhile, and when they close by hand."""

    acks: tuple[str, ...]
    notes: tuple[str, ...]
    closings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something is done about one happening of a story, so long after the story's beginning, by a person or (None) by the source."""

    due: timedelta
    line: int
    who: str | None
    act: Act
    lag: timedelta = timedelta()

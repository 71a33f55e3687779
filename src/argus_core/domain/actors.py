"""Who causes events: end users and source systems."""

from dataclasses import dataclass
from enum import Enum

from argus_core.domain.ids import UserId
from argus_core.domain.sources import Source


class Scope(Enum):
    """What a token may be used for, whatever its user may do; the values are what clients and stores know."""

    READ = "read"
    INCIDENTS = "incidents:write"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Person:
    """A user as events show one."""

    id: UserId
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks for something, with a token of which scope: an end user, or a source system through the user it has."""

    id: UserId
    username: str
    source: Source | None = None
    staff: bool = False
    superuser: bool = False
    scope: Scope = Scope.ALL

    @property
    def is_source(self) -> bool:
        """Whether a source system acts here rather than a person."""
        return self.source is not None

    @property
    def administers(self) -> bool:
        """Whether it is one of those who look after others: staff, or a superuser."""
        return self.staff or self.superuser

    @property
    def person(self) -> Person:
        """The actor as its events show it."""
        return Person(self.id, self.username)

"""Who causes events: end users and source systems."""

from dataclasses import dataclass

from argus_core.domain.errors import NotAllowed
from argus_core.domain.ids import UserId
from argus_core.domain.sources import Source


@dataclass(frozen=True, slots=True)
class Person:
    """A user as events show one."""

    id: UserId
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks for something: an end user, or a source system through the user it has."""

    id: UserId
    username: str
    source: Source | None = None
    staff: bool = False
    superuser: bool = False

    @property
    def is_source(self) -> bool:
        """Whether a source system acts here rather than a person."""
        return self.source is not None

    @property
    def person(self) -> Person:
        """The actor as its events show it."""
        return Person(self.id, self.username)


def require_superuser(actor: Actor) -> None:
    """
    Go on only for a superuser.

    Raises:
        NotAllowed: it is somebody else.
    """
    if not actor.superuser:
        raise NotAllowed("You do not have permission to perform this action.")

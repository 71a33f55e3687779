"""What the domain refuses, and why. The docstring of an error is its message unless it is raised with another one."""

from collections.abc import Mapping
from datetime import timedelta


class DomainError(Exception):
    """The request cannot be carried out."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())

    @property
    def message(self) -> str:
        """The sentence to show to whoever asked."""
        return str(self.args[0])


class NotFound(DomainError):
    """There is no such thing."""


class Invalid(DomainError):
    """
    A value is not acceptable.

    `errors` maps the name of each bad field to a sentence; the empty name stands for rules across fields.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{field}: {text}" if field else text for field, text in errors.items()))
        self.errors = dict(errors)


class NotAllowed(DomainError):
    """This actor may not do that."""


class ScopeTooNarrow(NotAllowed):
    """The scope of this token does not allow that."""


class NotAllowedNow(DomainError):
    """The state of the incident does not permit that."""


class Unauthenticated(DomainError):
    """Invalid token."""


class Unavailable(DomainError):
    """The store cannot be reached, or it is not known whether the change was stored."""


class NoRoom(Unavailable):
    """The disk of the database is nearly full: nothing is taken until there is room again."""


class ReadOnly(Unavailable):
    """The database takes no changes at the moment: it is read-only, as a standby is."""


class TooSlow(Unavailable):
    """The database has not answered in time. Ask for less, or try again."""


class EventNotAllowed(NotAllowed):
    """This actor may not post events of this type."""


class NeverEnds(NotAllowedNow):
    """A stateless incident cannot be closed or reopened."""


class AlreadyClosed(NotAllowedNow):
    """The incident is already closed."""


class AlreadyOpen(NotAllowedNow):
    """The incident is already open."""


class OnlyEndUsersAcknowledge(NotAllowed):
    """Only end users can acknowledge incidents."""


class AckHasExpired(NotAllowedNow):
    """The acknowledgement has expired and cannot be changed any more."""


class OnlySourcesReport(NotAllowed):
    """Only source systems can report incidents."""


class OnlySourcesBeat(NotAllowed):
    """Only source systems send heartbeats."""


class MayNotNameSource(NotAllowed):
    """Only superusers may name the source; leave `source` out."""


class DuplicateIncident(DomainError):
    """An incident with this source_incident_id exists already for this source."""


class ForeignTags(NotAllowed):
    """Tags that somebody else added can only be removed by them or by a superuser."""

    def __init__(self, tags: tuple[str, ...]) -> None:
        super().__init__()
        self.tags = tags


class SharedWithAll(NotAllowed):
    """This filter is shared with everybody, so only staff change it: ask somebody of them to stop sharing it first."""


class NameTaken(DomainError):
    """The name is taken."""


class BadLogin(DomainError):
    """Unable to log in with provided credentials."""


class NotAsBefore(NotAllowed):
    """This is not the present password."""


class ResetRefused(NotAllowed):
    """This link has been used already, or is too old. Ask for another one."""


class IdentityRefused(NotAllowed):
    """What the identity provider says cannot be believed."""


class ProviderTrouble(DomainError):
    """The identity provider cannot be reached, or does not answer as it should."""


class InUse(NotAllowedNow):
    """It is in use."""


class FilterInUse(InUse):
    """The filter is in use."""


class TooOften(NotAllowedNow):
    """That was done often enough for now; try again later."""

    def __init__(self, message: str | None = None, after: timedelta = timedelta()) -> None:
        super().__init__(message)
        self.after = after


class SyncedDestination(NotAllowedNow):
    """Cannot delete this email destination since it was defined by an outside source."""


class MaintenanceIsOver(NotAllowedNow):
    """This planned maintenance is over and stays as it was."""


class NoTicketSystem(NotAllowedNow):
    """No path to ticket plugin can be found in the settings. Please set ARGUS_TICKET_SYSTEM."""


def said(error: BaseException) -> str:
    """What an exception that nobody expected is called, in one line; of a stranger's, that may fail too."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - it is being told already that something failed
        return type(error).__name__

"""Where somebody can be reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from argus_core.domain.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """
    One address of one user on one medium, with settings and maybe a label.

    A synced one follows the e-mail address of the user's account.
    """

    owner: UserId
    medium: str
    settings: Mapping[str, str] = field(hash=False)
    label: str | None = None
    synced: bool = False


def synced_email(owner: UserId, address: str) -> Destination:
    """The destination that every user with an e-mail address has."""
    return Destination(owner=owner, medium="email", settings={"email_address": address}, synced=True)

"""Where somebody can be reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from argus_core.domain.ids import DestinationId, UserId
from argus_core.domain.limits import Json

EMAIL = "email"
SMS = "sms"
LABEL_LENGTH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """
    One address of one user on one medium, with the settings that medium understands, and maybe a label.

    A synced one follows the e-mail address of the user's account and cannot be deleted.
    """

    id: DestinationId
    owner: UserId
    medium: str
    settings: Mapping[str, Json] = field(hash=False)
    label: str | None = None
    synced: bool = False


def synced_email(id_: DestinationId, owner: UserId, address: str) -> Destination:
    """The destination that every user with an e-mail address has."""
    return Destination(id=id_, owner=owner, medium=EMAIL, settings={"email_address": address}, synced=True)

"""People as identity providers know them, and what they are here because of that."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from argus_core.domain.accounts import NAME_BYTES, User, is_email
from argus_core.domain.limits import storable

_CHARACTERS = NAME_BYTES // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """
    Somebody whom an identity provider vouches for; issuer and subject together never mean anybody else.

    `proof` is what the provider wants to see when they log out there.
    """

    issuer: str
    subject: str
    username: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    groups: frozenset[str] = frozenset()
    proof: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGroups:
    """Whose members are staff, and whose superusers. Where none is named the provider has no say, and the role stays as it is."""

    staff: Collection[str] = ()
    superuser: Collection[str] = ()

    def applied(self, user: User, groups: frozenset[str]) -> User:
        """The user with the roles that these groups give, and without those they do not."""
        return replace(
            user,
            staff=bool(groups.intersection(self.staff)) if self.staff else user.staff,
            superuser=bool(groups.intersection(self.superuser)) if self.superuser else user.superuser,
        )


def acceptable(identity: Identity) -> Identity:
    """The identity as it can be stored, whatever the provider says. Somebody without a name is called by the subject."""
    email = identity.email.strip()
    return replace(
        identity,
        username=_short(identity.username) or _short(identity.subject),
        first_name=_short(identity.first_name),
        last_name=_short(identity.last_name),
        email=email if is_email(email) else "",
    )


def known_as(user: User, identity: Identity) -> User:
    """The user called as the provider calls them now. What it does not tell stays; the name to log in with does, too."""
    return replace(
        user,
        first_name=identity.first_name or user.first_name,
        last_name=identity.last_name or user.last_name,
        email=identity.email or user.email,
    )


def _short(text: str) -> str:
    return storable(text.strip(), _CHARACTERS).strip()

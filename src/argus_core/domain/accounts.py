"""Users and their tokens. Passwords and tokens are known here only as hashes."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from argus_core.domain.actors import Actor, Scope
from argus_core.domain.ids import TokenId, UserId
from argus_core.domain.limits import require, text_problem
from argus_core.domain.sources import Source

NAME_BYTES = 254
PASSWORD_CHARACTERS = 10
PASSWORD_BYTES = 1_000

_EMAIL = re.compile(r"[^\s@<>\"(),:;\[\]\\]+@[^\s@<>\"(),:;\[\]\\]+\.[^\s@<>\"(),:;\[\]\\.]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who can log in: a person, or a source system."""

    id: UserId
    username: str
    password: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    active: bool = True
    staff: bool = False
    superuser: bool = False

    @property
    def administers(self) -> bool:
        """Whether it is one of those who look after others: staff, or a superuser."""
        return self.staff or self.superuser


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """
    A key to the API. Of the key itself only a digest and a few first characters are kept.

    A token without name is a login token: there is one of each user, replaced at the next login. `expires` None is never;
    `used` is when it was used last, give or take a minute or two.
    """

    id: TokenId
    user_id: UserId
    name: str
    prefix: str
    digest: bytes
    created: datetime
    expires: datetime | None
    scope: Scope = Scope.ALL
    used: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or self.expires > now


@dataclass(frozen=True, slots=True)
class Credential:
    """A live token and whom it speaks for."""

    token_id: TokenId
    actor: Actor
    expires: datetime | None


def actor_of(user: User, source: Source | None, scope: Scope = Scope.ALL) -> Actor:
    """The user as one who acts, with a token of that scope."""
    return Actor(id=user.id, username=user.username, source=source, staff=user.staff, superuser=user.superuser, scope=scope)


def check_user(username: str, email: str, first_name: str = "", last_name: str = "") -> None:
    """
    Check what a user shall be called; the e-mail address may be empty.

    Raises:
        Invalid: under `username`, `email`, `first_name`, `last_name`.
    """
    bare = bool(username) and username == username.strip()
    require(
        {
            "username": text_problem(username, NAME_BYTES) if bare else "Give a name without blanks around it.",
            "email": text_problem(email, NAME_BYTES) if not email or _EMAIL.fullmatch(email) else "Enter a valid email address.",
            "first_name": text_problem(first_name, NAME_BYTES),
            "last_name": text_problem(last_name, NAME_BYTES),
        }
    )


def check_token(name: str) -> None:
    """
    Check what somebody wants a token to be called.

    Raises:
        Invalid: under `name`.
    """
    require({"name": text_problem(name, NAME_BYTES) if name.strip() else "This field may not be blank."})


def is_email(text: str) -> bool:
    """Whether this can be somebody's address."""
    return text_problem(text, NAME_BYTES) is None and _EMAIL.fullmatch(text) is not None


def check_password(password: str, user: User) -> None:
    """
    Check what somebody wants to log in with from now on.

    Raises:
        Invalid: under `password`.
    """
    own = {text.casefold() for text in (user.username, user.email) if text}
    require(
        {
            "password": text_problem(password, PASSWORD_BYTES)
            or (f"Use at least {PASSWORD_CHARACTERS} characters." if len(password) < PASSWORD_CHARACTERS else None)
            or ("This is known to everybody: choose something else." if password.casefold() in own else None)
        }
    )


def lifetime_ends(now: datetime, days: float | None) -> datetime | None:
    """When something made now expires; None days is never."""
    return None if days is None else now + timedelta(days=days)

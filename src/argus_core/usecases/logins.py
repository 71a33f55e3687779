"""Log in with a browser and out, and look after one's own sessions and password."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from argus_core.domain import throttle
from argus_core.domain.accounts import User, check_password
from argus_core.domain.audit import Origin
from argus_core.domain.errors import BadLogin, NotAsBefore, ResetRefused, TooOften
from argus_core.domain.ids import SessionId, UserId
from argus_core.domain.limits import storable
from argus_core.domain.sessions import AGENT_CHARACTERS, Device, Session
from argus_core.ports.letters import Letters
from argus_core.ports.logins import NewSession, Sessions, Slips, Visit
from argus_core.usecases.accounts import AccountService

RESET = "reset"
RESET_LIVES = timedelta(hours=1)

_SUBJECT = "A new password for Argus"
_LETTER = """Somebody, probably you, asked for a new password for the account "{username}" at Argus.

To choose one, open this page within an hour:

    {link}

The link can be used once. If it was not you, there is nothing to do: the password stays as it is.
"""

_INVITATION = """Whoever looks after Argus asks you to choose a password for the account "{username}".

To do so, open this page within an hour:

    {link}

The link can be used once.
"""


class BegunSession(NamedTuple):
    """A session just begun, and its key, which is never told again."""

    key: str
    session: Session
    user: User


@dataclass(frozen=True, slots=True)
class LoginService:
    """Every method may raise `Unavailable`."""

    accounts: AccountService
    sessions: Sessions
    slips: Slips
    letters: Letters

    async def log_in(self, username: str, password: str, device: Device) -> BegunSession:
        """
        A new session for the right password.

        Raises:
            BadLogin: see `AccountService.prove`.
            TooOften: the same.
        """
        return await self.begin(await self._seen_on(device).prove(username, password), device)

    async def begin(self, user: User, device: Device, *, provider: str = "", proof: str = "") -> BegunSession:
        """
        A new session for somebody who has proven who they are.

        Raises:
            BadLogin: the user is inactive, or has had the password changed meanwhile.
        """
        secret = self.accounts.secrets.new()
        agent = storable(device.agent, AGENT_CHARACTERS)
        new = NewSession(digest=secret.digest, user=user, device=replace(device, agent=agent), provider=provider, proof=proof)
        session = await self.sessions.begin(new)
        if session is None:
            raise BadLogin
        async with self.accounts.accounts.begin() as work:
            await self._seen_on(device).note_login(work, user, f"by {provider}" if provider else "by password")
        return BegunSession(secret.key, session, user)

    async def find(self, key: str) -> Visit | None:
        """Who comes with this key, if the session goes on."""
        return await self.sessions.find(self.accounts.secrets.digest(key))

    async def peek(self, key: str) -> Visit | None:
        """The same for a page that asks by itself: that somebody left it open does not keep the session from ending."""
        return await self.sessions.peek(self.accounts.secrets.digest(key))

    async def sessions_of(self, user_id: UserId) -> Sequence[Session]:
        """The sessions of a user, the newest first."""
        return await self.sessions.of(user_id)

    async def end(self, user_id: UserId, session_id: SessionId) -> None:
        """End a session of this user's."""
        await self.sessions.end(user_id, session_id)

    async def change_password(self, user: User, present: str, new: str, device: Device) -> BegunSession:
        """
        Give somebody the password they want, log them out everywhere, and here in again.

        Raises:
            NotAsBefore: the present password is another one.
            Invalid: under `password`, it is none to have.
            TooOften: it was guessed at too often.
        """
        check_password(new, user)
        try:
            proven = await self._seen_on(device).prove(user.username, present)
        except BadLogin:
            raise NotAsBefore from None
        return await self.begin(await self._give_password(proven, new, device.address), device)

    async def admit_reset(self, email: str, address: str) -> None:
        """
        Let somebody ask for a mail with which the password can be reset; whether there is anybody of this address is not told.

        Raises:
            TooOften: it was asked for too often.
        """
        if wait := await self.accounts.attempts.attempt(throttle.reset_limits(email, address)):
            raise TooOften("A new password was asked for too often; try again later.", wait)

    async def send_reset(self, email: str, page: str) -> None:
        """Mail everybody of this address who has a password a link to the page, with a key behind it; it may take long."""
        for user in await self.accounts.users():
            if user.email and user.active and user.password and user.email.casefold() == email.casefold():
                await self._mail_link(user, _LETTER, page)

    async def invite(self, user: User, page: str) -> None:
        """Mail a user, who may have no password yet, a link to the page on which one can be chosen."""
        await self._mail_link(user, _INVITATION, page)

    async def reset_password(self, key: str, new: str, address: str = "") -> User:
        """
        Give whoever has the key that was mailed the password they want. All keys for the former one are void with that.

        Raises:
            Invalid: under `password`, it is none to have; the key is still good.
            ResetRefused: the key was used, is too old, or was made for a password that is not the present one.
        """
        check_password(new, User(id=UserId(0), username=""))
        content = await self.slips.take(self.accounts.secrets.digest(key), RESET)
        if content is None:
            raise ResetRefused
        user = await self.accounts.user(UserId(int(content["user"])))
        if not user.active or self._print(user) != content["password"]:
            raise ResetRefused
        changed = await self._give_password(user, new, address)
        await self.accounts.attempts.forget(throttle.login_limits(user.username, "")[0].subject)
        return changed

    def _seen_on(self, device: Device) -> AccountService:
        """The accounts on behalf of whoever sits at this device."""
        return self.accounts.seen_from(Origin(address=device.address))

    async def _give_password(self, user: User, password: str, address: str) -> User:
        themselves = Origin(user_id=user.id, username=user.username, address=address)
        await self.accounts.seen_from(themselves).set_password(user.username, password)
        return await self.accounts.user(user.id)

    async def _mail_link(self, user: User, letter: str, page: str) -> None:
        secret = self.accounts.secrets.new()
        content = {"user": str(user.id), "password": self._print(user)}
        await self.slips.keep(secret.digest, RESET, content, RESET_LIVES)
        await self.letters.write(user.email, _SUBJECT, letter.format(username=user.username, link=f"{page}{secret.key}"))

    def _print(self, user: User) -> str:
        """By what it is seen later that the password is the same."""
        return self.accounts.secrets.digest(user.password).hex()

"""What must be true of sessions, attempts and slips, wherever they are kept."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from argus_core.conformance import CALLERS
from argus_core.conformance.outbox import see
from argus_core.domain.accounts import User
from argus_core.domain.ids import SessionId
from argus_core.domain.sessions import Device, Lifetime, Session
from argus_core.domain.throttle import WINDOW, Limit
from argus_core.ports.accounts import Accounts
from argus_core.ports.logins import Attempts, NewSession, Sessions, Slips, Visit

SHORT = timedelta(milliseconds=400)
LONG = timedelta(days=1)
NO_TIME = timedelta()

Make = Callable[[Lifetime], Sessions]


@dataclass(frozen=True, slots=True)
class Door:
    """The stores, the first one made for any lifetime."""

    sessions: Make
    accounts: Accounts
    attempts: Attempts
    slips: Slips

    async def user(self) -> User:
        """Somebody new."""
        async with self.accounts.begin() as work:
            user = User(id=await work.new_user_id(), username=f"user {secrets.token_hex(8)}", password="one")  # noqa: S106
            await work.add_user(user)
            return user

    async def save(self, user: User) -> None:
        """Replace a user."""
        async with self.accounts.begin() as work:
            await work.save_user(user)


def new(user: User, **more: str) -> NewSession:
    """A session to begin."""
    return NewSession(digest=secrets.token_bytes(32), user=user, device=Device("192.0.2.7", "A browser"), **more)


async def a_session_goes_on(door: Door) -> None:
    """Whoever has the key is found, as they are now, and nobody else is."""
    sessions = door.sessions(Lifetime(LONG, LONG))
    user = await door.user()
    wanted = new(user, provider="feide", proof="signed")
    begun = await _begun(sessions, wanted)
    told = (begun.user_id, begun.device, begun.provider, begun.proof)
    see(told == (user.id, wanted.device, "feide", "signed"), f"A session began as {begun}.")
    see(begun.begun == begun.used, "A session was used before it began.")
    see(await sessions.find(wanted.digest) == Visit(begun, user), "A session was not found.")
    see(await sessions.find(secrets.token_bytes(32)) is None, "A session was found by another key.")
    staff = replace(user, staff=True)
    await door.save(staff)
    see(await sessions.find(wanted.digest) == Visit(begun, staff), "A user is not as they are now.")


async def sessions_are_listed_and_ended(door: Door) -> None:
    """A user's sessions are listed, the newest first, and ended one by one, by nobody else."""
    sessions = door.sessions(Lifetime(LONG, LONG))
    user, other = await door.user(), await door.user()
    keys = [new(user), new(user), new(other)]
    ids = [(await _begun(sessions, one)).id for one in keys]
    see([one.id for one in await sessions.of(user.id)] == [ids[1], ids[0]], "The sessions of a user are not listed.")
    await sessions.end(other.id, ids[0])
    await sessions.end(user.id, SessionId(2**62))
    see(len(await sessions.of(user.id)) == len(keys) - 1, "Somebody ended another user's session.")
    await sessions.end(user.id, ids[0])
    see([one.id for one in await sessions.of(user.id)] == [ids[1]], "An ended session is listed.")
    see(await sessions.find(keys[0].digest) is None, "An ended session was found.")
    see(await sessions.find(keys[1].digest) is not None, "Another session ended, too.")


async def a_session_that_is_not_used_ends(door: Door) -> None:
    """Use keeps a session alive; without it, it ends, however often a page that is left open asks whether it goes on."""
    sessions = door.sessions(Lifetime(SHORT, LONG))
    user = await door.user()
    used, unused, left_open = new(user), new(user), new(user)
    await sessions.begin(used)
    await sessions.begin(unused)
    begun = await _begun(sessions, left_open)
    see(await sessions.peek(left_open.digest) == Visit(begun, user), "A session that goes on was not found.")
    for _ in range(6):
        await asyncio.sleep(SHORT.total_seconds() / 4)
        see(await sessions.find(used.digest) is not None, "A session ended that was used.")
        await sessions.peek(left_open.digest)
    see(await sessions.find(unused.digest) is None, "A session goes on that was not used.")
    see(await sessions.peek(left_open.digest) is None, "A session goes on because a page of it is open.")
    see(len(await sessions.of(user.id)) == 1, "A session is listed that was not used.")


async def a_session_ends_in_the_end(door: Door) -> None:
    """However much it is used."""
    sessions = door.sessions(Lifetime(LONG, SHORT))
    user = await door.user()
    key = new(user)
    await sessions.begin(key)
    see(await sessions.find(key.digest) is not None, "A session ended early.")
    await asyncio.sleep(SHORT.total_seconds())
    see(await sessions.find(key.digest) is None, "A session never ends.")
    see(not await sessions.of(user.id), "A session is listed for ever.")
    await sessions.begin(new(user))
    see(len(await sessions.of(user.id)) == 1, "Another session does not begin afterwards.")


async def who_is_locked_out_is_logged_out(door: Door) -> None:
    """Another password and deactivation end all sessions of the user, for good, and nobody else's; another name or hash does not."""
    sessions = door.sessions(Lifetime(LONG, LONG))
    other = new(await door.user())
    await sessions.begin(other)
    user = await door.user()
    for changed in (replace(user, password="two"), replace(user, active=False)):  # noqa: S106
        key = new(user)
        await sessions.begin(key)
        await door.save(replace(user, first_name="Ola"))
        see(await sessions.find(key.digest) is not None, "A new name ended a session.")
        await door.save(changed)
        see(await sessions.find(key.digest) is None, "A session goes on of somebody who was locked out.")
        see(await sessions.begin(new(user)) is None, "A session began of somebody who was locked out.")
        await door.save(user)
        see(await sessions.find(key.digest) is None, "A session began again by itself.")
    key = new(user)
    await sessions.begin(key)
    async with door.accounts.begin() as work:
        await work.rehash(replace(user, password="older"), "lost")  # noqa: S106
        await work.rehash(user, "the same")
    visit = await sessions.find(key.digest)
    see(visit is not None and visit.user.password == "the same", f"After another hash, the session is {visit}.")  # noqa: S105
    see(await sessions.find(other.digest) is not None, "Somebody else was logged out.")


async def who_is_locked_out_meanwhile_is_logged_out(door: Door) -> None:
    """Of a session that begins while the password changes nothing is left, whichever comes first."""
    sessions = door.sessions(Lifetime(LONG, LONG))
    for _ in range(CALLERS):
        user = await door.user()
        keys = [new(user) for _ in range(CALLERS)]
        changed = replace(user, password="two")  # noqa: S106
        await asyncio.gather(*(sessions.begin(key) for key in keys[:4]), door.save(changed), *(sessions.begin(key) for key in keys[4:]))
        see(not await sessions.of(user.id), "A session began with a password that is none any more.")


async def attempts_are_limited(door: Door) -> None:
    """So many may be made at each subject; one refused at one subject counts at none."""
    one, other = Limit(secrets.token_hex(8), 3), Limit(secrets.token_hex(8), 5)
    for _ in range(one.most):
        see(await door.attempts.attempt([one, other]) == NO_TIME, "An attempt was refused early.")
    wait = await door.attempts.attempt([one, other])
    see(NO_TIME < wait <= WINDOW, f"After too many attempts one has to wait {wait}.")
    rest = [await door.attempts.attempt([other]) for _ in range(3)]
    see([bool(wait) for wait in rest] == [False, False, True], f"What was refused elsewhere counts: {rest}.")
    await door.attempts.take_back(other.subject)
    see(await door.attempts.attempt([other]) == NO_TIME, "An attempt was not taken back.")
    see(await door.attempts.attempt([other]) > NO_TIME, "More than one attempt was taken back.")
    await door.attempts.forget(one.subject)
    see(await door.attempts.attempt([one]) == NO_TIME, "Attempts were not forgotten.")
    see(await door.attempts.attempt([other]) > NO_TIME, "Others were forgotten, too.")
    await door.attempts.take_back(secrets.token_hex(8))


async def attempts_are_limited_together(door: Door) -> None:
    """No more get through at once than one after the other, in whatever order the subjects are named."""
    one, other = Limit(secrets.token_hex(8), 3), Limit(secrets.token_hex(8), 100)
    waits = await asyncio.gather(*(door.attempts.attempt([one, other][:: 1 if turn % 2 else -1]) for turn in range(CALLERS)))
    see(waits.count(NO_TIME) == one.most, f"Of {len(waits)} attempts at once {waits.count(NO_TIME)} got through.")


async def a_slip_is_good_once(door: Door) -> None:
    """It is found by its secret and purpose, by one of many who ask at once, and not when it is too old."""
    digest, old = secrets.token_bytes(32), secrets.token_bytes(32)
    await door.slips.keep(old, "test", {}, SHORT)
    await door.slips.keep(digest, "test", {"a": "1", "b": "\N{LATIN SMALL LETTER O WITH STROKE}"}, LONG)
    see(await door.slips.take(digest, "other") is None, "A slip was found for another purpose.")
    see(await door.slips.take(secrets.token_bytes(32), "test") is None, "A slip was found by another secret.")
    found = await asyncio.gather(*(door.slips.take(digest, "test") for _ in range(CALLERS)))
    given = [content for content in found if content is not None]
    see(len(given) == 1, f"A slip was given to {len(given)}.")
    see(given == [{"a": "1", "b": "\N{LATIN SMALL LETTER O WITH STROKE}"}], f"A slip says {given}.")
    await asyncio.sleep(SHORT.total_seconds())
    see(await door.slips.take(old, "test") is None, "An old slip is good.")


async def identities_mean_users(door: Door) -> None:
    """Issuer and subject together mean somebody, as they are now."""
    user = await door.user()
    subject = secrets.token_hex(8)
    async with door.accounts.begin() as work:
        see(await work.identified("one", subject) is None, "Somebody is meant who never was here.")
        await work.identify(user.id, "one", subject)
    async with door.accounts.begin() as work:
        see(await work.identified("one", subject) == user, "Nobody is meant.")
        see(await work.identified("other", subject) is None, "Somebody is meant by another issuer.")
        see(await work.identified("one", f"{subject} ") is None, "Somebody is meant by another subject.")


async def _begun(sessions: Sessions, wanted: NewSession) -> Session:
    session = await sessions.begin(wanted)
    if session is None:
        raise AssertionError("A session did not begin.")
    return session


LOGIN_CHECKS: Sequence[Callable[[Door], Awaitable[None]]] = (
    a_session_goes_on,
    sessions_are_listed_and_ended,
    a_session_that_is_not_used_ends,
    a_session_ends_in_the_end,
    who_is_locked_out_is_logged_out,
    who_is_locked_out_meanwhile_is_logged_out,
    attempts_are_limited,
    attempts_are_limited_together,
    a_slip_is_good_once,
    identities_mean_users,
)

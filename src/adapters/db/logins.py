"""Sessions, attempts and slips in PostgreSQL."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from adapters.db.database import Connection, Database
from adapters.db.rows import SESSION_COLUMNS, USER_COLUMNS, session_from, user_from
from argus_core.domain import throttle
from argus_core.domain.ids import SessionId, UserId
from argus_core.domain.sessions import Lifetime, Session
from argus_core.domain.throttle import Limit
from argus_core.ports.logins import Attempts, NewSession, Sessions, Slips, Visit

_GOES_ON = "s.used + %(idle)s > clock_timestamp() and s.begun + %(whole)s > clock_timestamp()"

# The lock makes whoever changes the user wait, and this wait for them: see `PgAccountsWork.save_user`.
_BEGIN = f"""
    with held as (
        select id from account where id = %(user_id)s and active and password = %(password)s for share
    ),
    moment as (select id, clock_timestamp() as now from held),
    s as (
        insert into session (digest, user_id, begun, used, address, agent, provider, proof)
        select %(digest)s, id, now, now, %(address)s, %(agent)s, %(provider)s, %(proof)s from moment
        returning *
    )
    select {SESSION_COLUMNS} from s"""  # noqa: S608 - names of columns
_OVER = "delete from session where used < clock_timestamp() - %(idle)s::interval or begun < clock_timestamp() - %(whole)s::interval"
_FIND = f"""
    select {SESSION_COLUMNS}, {USER_COLUMNS}, s.used + %(grain)s <= clock_timestamp()
    from session s join account u on u.id = s.user_id where s.digest = %(digest)s and u.active and {_GOES_ON}"""  # noqa: S608
_USED = f"with s as (update session set used = clock_timestamp() where id = %(id)s returning *) select {SESSION_COLUMNS} from s"  # noqa: S608
_OF = f"select {SESSION_COLUMNS} from session s where s.user_id = %(user_id)s and {_GOES_ON} order by s.id desc"  # noqa: S608
_END = "delete from session where user_id = %s and id = %s"

_ALONE = "select pg_advisory_xact_lock(hashtextextended('argus attempt', 0) # hashtextextended(encode(%s, 'hex'), 0))"
_MOMENTS = "select at, clock_timestamp() from attempt_at where subject = %s and at > clock_timestamp() - %s::interval"
_ATTEMPT = "insert into attempt_at (subject, at) values (%s, clock_timestamp())"
_FORGET = "delete from attempt_at where subject = %s"
_TAKE_BACK = "delete from attempt_at where ctid = (select ctid from attempt_at where subject = %s order by at desc limit 1)"
_TOO_OLD = """
    delete from attempt_at where ctid = any(array(
        select ctid from attempt_at where at < clock_timestamp() - %s::interval order by at limit 100 for update skip locked
    ))"""

_KEEP = "insert into slip (digest, purpose, until, content) values (%s, %s, clock_timestamp() + %s, %s::json)"
_TAKE = "delete from slip where digest = %s and purpose = %s returning content, until > clock_timestamp()"
_VOID = "delete from slip where until < clock_timestamp()"


class PgSessions(Sessions):
    """Sessions in a table, known to every process alike."""

    def __init__(self, database: Database, lifetime: Lifetime) -> None:
        self._database, self._lifetime = database, lifetime
        self._limits = {"idle": lifetime.idle, "whole": lifetime.whole}

    async def begin(self, new: NewSession) -> Session | None:
        values = {
            "digest": new.digest,
            "user_id": new.user.id,
            "password": new.user.password,
            "address": new.device.address,
            "agent": new.device.agent,
            "provider": new.provider,
            "proof": new.proof,
        }
        async with self._database.transaction() as connection:
            await connection.execute(_OVER, self._limits)
            row = await (await connection.execute(_BEGIN, values)).fetchone()
        return None if row is None else session_from(row)

    async def find(self, digest: bytes) -> Visit | None:
        async def look(connection: Connection, _: bool) -> Visit | None:
            visit, stale = await self._found(connection, digest)
            if visit and stale and (used := await (await connection.execute(_USED, {"id": visit.session.id})).fetchone()):
                return visit._replace(session=session_from(used))
            return visit

        return await self._database.run(look)

    async def peek(self, digest: bytes) -> Visit | None:
        async def look(connection: Connection, _: bool) -> Visit | None:
            visit, _stale = await self._found(connection, digest)
            return visit

        return await self._database.run(look)

    async def _found(self, connection: Connection, digest: bytes) -> tuple[Visit | None, bool]:
        """The session, and whether it is time to note that it is used."""
        values = {**self._limits, "digest": digest, "grain": self._lifetime.grain}
        row = await (await connection.execute(_FIND, values, prepare=True)).fetchone()
        return (Visit(session_from(row[:8]), user_from(row[8:17])), row[17]) if row else (None, False)

    async def of(self, user_id: UserId) -> Sequence[Session]:
        async def look(connection: Connection, _: bool) -> list[Session]:
            rows = await (await connection.execute(_OF, {**self._limits, "user_id": user_id})).fetchall()
            return [session_from(row) for row in rows]

        return await self._database.run(look)

    async def end(self, user_id: UserId, session_id: SessionId) -> None:
        await self._database.run(lambda connection, _: connection.execute(_END, (user_id, session_id)))


class PgAttempts(Attempts):
    """Attempts in a table. Whoever counts at a subject is alone with it, so nobody slips through between reading and writing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def attempt(self, limits: Sequence[Limit]) -> timedelta:
        subjects = sorted((_subject(limit.subject), limit.most) for limit in limits)  # in one order, so that two never wait for each other
        async with self._database.transaction() as connection:
            await connection.execute(_TOO_OLD, (throttle.WINDOW,))
            for subject, _ in subjects:
                await connection.execute(_ALONE, (subject,))
            wait = max([await _wait(connection, subject, most) for subject, most in subjects])
            for subject, _ in subjects if not wait else ():
                await connection.execute(_ATTEMPT, (subject,))
        return wait

    async def forget(self, subject: str) -> None:
        await self._database.run(lambda connection, _: connection.execute(_FORGET, (_subject(subject),)))

    async def take_back(self, subject: str) -> None:
        await self._database.run(lambda connection, _: connection.execute(_TAKE_BACK, (_subject(subject),)))


class PgSlips(Slips):
    """Slips in a table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, digest: bytes, purpose: str, content: Mapping[str, str], lives: timedelta) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(_VOID)
            await connection.execute(_KEEP, (digest, purpose, lives, json.dumps(dict(content))))

    async def take(self, digest: bytes, purpose: str) -> Mapping[str, str] | None:
        async with self._database.transaction() as connection:
            row: Any = await (await connection.execute(_TAKE, (digest, purpose))).fetchone()
        content, good = row or (None, False)
        return content if good else None


async def _wait(connection: Connection, subject: bytes, most: int) -> timedelta:
    rows = await (await connection.execute(_MOMENTS, (subject, throttle.WINDOW))).fetchall()
    return throttle.wait([at for at, _ in rows], most, rows[0][1]) if rows else timedelta()


def _subject(text: str) -> bytes:
    return sha256(text.encode(errors="surrogatepass")).digest()

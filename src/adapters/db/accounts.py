"""Users, tokens and sources on PostgreSQL: units of work in SQLAlchemy Core, and in one prepared statement what every request asks."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import fields
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db import audit, belongings, tables
from adapters.db.database import Connection, Database, given_up, is_broken, is_unavailable, refused, within
from adapters.db.listen import ACCOUNTS
from adapters.db.rows import credential_from
from argus_core.domain.accounts import Credential, Token, User
from argus_core.domain.actors import Scope
from argus_core.domain.audit import Entry
from argus_core.domain.destinations import EMAIL, Destination, synced_email
from argus_core.domain.errors import NameTaken
from argus_core.domain.ids import DestinationId, SourceId, TimeslotId, TokenId, UserId
from argus_core.domain.sources import Source
from argus_core.domain.timeslots import Timeslot
from argus_core.ports.accounts import Accounts, AccountsWork

WORK_LOCK = 0x61726775735F6163
"""The advisory lock of work that must be alone."""

_CREDENTIAL = """
    select t.id, t.expires, t.scope, u.id, u.username, u.staff, u.superuser, s.id, s.name, s.type, s.base_url
    from token t join account u on u.id = t.user_id left join source s on s.user_id = u.id
    where t.digest = %s and u.active and (t.expires is null or t.expires > clock_timestamp())"""

# In the order of their numbers, so that processes that note the same ones do not wait for each other in a ring.
_NOTE_USES = """
    update token set used = clock_timestamp() from (
        select id from token where id = any(%s) and (used is null or used < clock_timestamp() - interval '1 minute') order by id for update
    ) u where token.id = u.id"""

_TAKEN = {
    "uq_account_username": 'There is a user "{username}" already.',
    "pk_source_type": 'There is a source type "{name}" already.',
    "uq_source_type_name": 'There is a source "{name}" of type "{type}" already.',
    "uq_source_user_id": "This user has a source already.",
    "uq_timeslot_owner_id_name": 'There is a timeslot "{name}" already.',
    "uq_destination_owner_id_label": 'There is a destination "{label}" already.',
}

_USERS = sa.select(
    tables.account.c.id,
    tables.account.c.username,
    tables.account.c.password,
    tables.account.c.first_name,
    tables.account.c.last_name,
    tables.account.c.email,
    tables.account.c.active,
    tables.account.c.staff,
    tables.account.c.superuser,
)
_TOKENS = sa.select(
    tables.token.c.id,
    tables.token.c.user_id,
    tables.token.c.name,
    tables.token.c.prefix,
    tables.token.c.digest,
    tables.token.c.created,
    tables.token.c.expires,
    tables.token.c.scope,
    tables.token.c.used,
).order_by(tables.token.c.created, tables.token.c.id)
_SOURCES = sa.select(
    tables.source.c.id, tables.source.c.name, tables.source.c.type, tables.source.c.user_id, tables.source.c.base_url
).order_by(tables.source.c.id)


NAMES = (tables.account.c.username, tables.account.c.first_name, tables.account.c.last_name)


class PgAccounts(Accounts):
    """Accounts in PostgreSQL. Work that may take a right from somebody tells all processes on the channel `ACCOUNTS` when it is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self) -> AbstractAsyncContextManager[AccountsWork]:
        return self._begin()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[AccountsWork]:
        async with told_when_unavailable(), self._database.engine.begin() as connection:
            yield PgAccountsWork(connection, self._database.seconds)

    async def credential(self, digest: bytes) -> Credential | None:
        async def read(connection: Connection, _: bool) -> Credential | None:
            cursor = await connection.execute(_CREDENTIAL, (digest,), prepare=True, binary=True)
            row = await cursor.fetchone()
            return None if row is None else credential_from(row)

        return await self._database.run(read)

    async def note_uses(self, token_ids: Sequence[TokenId]) -> None:
        await self._database.run(lambda connection, _: connection.execute(_NOTE_USES, (list(token_ids),), prepare=True))

    async def now(self) -> datetime:
        async def read(connection: Connection, _: bool) -> datetime:
            cursor = await connection.execute("select clock_timestamp()", binary=True)
            moment: datetime
            ((moment,),) = await cursor.fetchall()
            return moment

        return await self._database.run(read)


class PgAccountsWork(AccountsWork):
    """One transaction. A name that is taken undoes only the statement that wanted it."""

    def __init__(self, connection: AsyncConnection, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds

    async def lock(self) -> None:
        await self._do(sa.select(sa.func.pg_advisory_xact_lock(WORK_LOCK)))

    async def note(self, entry: Entry) -> None:
        await self._do(sa.insert(tables.audit), audit.columns(entry))

    async def new_user_id(self) -> UserId:
        return UserId(await self._next(tables.account_ids))

    async def new_source_id(self) -> SourceId:
        return SourceId(await self._next(tables.source_ids))

    async def new_token_id(self) -> TokenId:
        return TokenId(await self._next(tables.token_ids))

    async def new_timeslot_id(self) -> TimeslotId:
        return TimeslotId(await self._next(tables.belonging_ids))

    async def new_destination_id(self) -> DestinationId:
        return DestinationId(await self._next(tables.belonging_ids))

    async def user(self, user_id: UserId) -> User | None:
        return await self._user(tables.account.c.id == user_id)

    async def user_named(self, username: str) -> User | None:
        return await self._user(tables.account.c.username == username)

    async def users(self) -> Sequence[User]:
        return [User(**row) for row in await self._rows(_USERS.order_by(tables.account.c.id))]

    async def users_with(self, user_ids: Collection[UserId]) -> Sequence[User]:
        wanted = tables.account.c.id == one_of(user_ids)
        return [User(**row) for row in await self._rows(_USERS.where(wanted).order_by(tables.account.c.id))]

    async def users_like(self, text: str, most: int, after: UserId) -> Sequence[User]:
        fitting = _USERS.where(tables.account.c.id > after, has_text(text, *NAMES, tables.account.c.email))
        return [User(**row) for row in await self._rows(fitting.order_by(tables.account.c.id).limit(most))]

    async def add_user(self, user: User) -> None:
        await self._do(sa.insert(tables.account), columns_of(user))

    async def save_user(self, user: User) -> None:
        # Held first: a session that begins beside this is one that is ended, or does not begin.
        await self._do(sa.select(tables.account.c.id).where(tables.account.c.id == user.id).with_for_update())
        await self._do(_ended_by(user))
        await self._do(sa.update(tables.account).where(tables.account.c.id == user.id), columns_of(user))
        await self._do(belongings.next_generation(user.id))  # whoever is not active is not told of anything
        await self._tell()

    async def rehash(self, user: User, hashed: str) -> None:
        same = (tables.account.c.id == user.id, tables.account.c.password == user.password)
        await self._do(sa.update(tables.account).where(*same), {"password": hashed})

    async def identified(self, issuer: str, subject: str) -> User | None:
        known = sa.select(tables.identity.c.user_id).where(tables.identity.c.issuer == issuer, tables.identity.c.subject == subject)
        return await self._user(tables.account.c.id == known.scalar_subquery())

    async def identify(self, user_id: UserId, issuer: str, subject: str) -> None:
        await self._do(sa.insert(tables.identity), {"issuer": issuer, "subject": subject, "user_id": user_id})

    async def add_timeslot(self, timeslot: Timeslot) -> None:
        await self._do(sa.insert(tables.timeslot), belongings.timeslot_columns(timeslot))
        for values in belongings.recurrence_columns(timeslot):
            await self._do(sa.insert(tables.recurrence), values)

    async def add_destination(self, destination: Destination) -> None:
        await self._do(sa.insert(tables.destination), belongings.destination_columns(destination))

    async def move_synced_email(self, owner: UserId, address: str) -> None:
        where = (tables.destination.c.owner_id == owner, tables.destination.c.medium == EMAIL, tables.destination.c.synced)
        present = await self._do(sa.select(tables.destination.c.id).where(*where))
        if not address:
            used = sa.delete(tables.profile_destination).where(tables.profile_destination.c.destination_id.in_([id_ for (id_,) in present]))
            await self._do(used)
            await self._do(sa.delete(tables.destination).where(*where))
        elif present:
            await self._do(
                sa.update(tables.destination).where(*where), {"settings": dict(synced_email(present[0][0], owner, address).settings)}
            )
        else:
            await self.add_destination(synced_email(await self.new_destination_id(), owner, address))
        await self._do(belongings.next_generation(owner))

    async def tokens(self, user_id: UserId) -> Sequence[Token]:
        return [_token_from(row) for row in await self._rows(_TOKENS.where(tables.token.c.user_id == user_id))]

    async def all_tokens(self) -> Sequence[Token]:
        return [_token_from(row) for row in await self._rows(_TOKENS)]

    async def tokens_of(self, user_ids: Collection[UserId]) -> Sequence[Token]:
        return [_token_from(row) for row in await self._rows(_TOKENS.where(tables.token.c.user_id == one_of(user_ids)))]

    async def tokens_like(self, text: str, most: int, before: TokenId) -> Sequence[Token]:
        whose = _TOKENS.join(tables.account, tables.account.c.id == tables.token.c.user_id)
        fitting = whose.where(tables.token.c.id < before, has_text(text, tables.token.c.name, tables.account.c.username))
        return [_token_from(row) for row in await self._rows(fitting.order_by(None).order_by(tables.token.c.id.desc()).limit(most))]

    async def token(self, token_id: TokenId) -> Token | None:
        rows = await self._rows(_TOKENS.where(tables.token.c.id == token_id))
        return _token_from(rows[0]) if rows else None

    async def add_token(self, token: Token) -> None:
        await self._do(sa.insert(tables.token), columns_of(token))

    async def drop_tokens(self, token_ids: Sequence[TokenId]) -> None:
        if token_ids:
            await self._do(sa.delete(tables.token).where(tables.token.c.id.in_(token_ids)))
            await self._tell()

    async def source_types(self) -> Sequence[str]:
        return [row["name"] for row in await self._rows(sa.select(tables.source_type.c.name).order_by(tables.source_type.c.name))]

    async def add_source_type(self, name: str) -> None:
        await self._do(sa.insert(tables.source_type), {"name": name})

    async def sources(self) -> Sequence[Source]:
        return [Source(**row) for row in await self._rows(_SOURCES)]

    async def source(self, source_id: SourceId) -> Source | None:
        return await self._source(tables.source.c.id == source_id)

    async def source_of(self, user_id: UserId) -> Source | None:
        return await self._source(tables.source.c.user_id == user_id)

    async def add_source(self, source: Source) -> None:
        await self._do(sa.insert(tables.source), columns_of(source))

    async def save_source(self, source: Source) -> None:
        await self._do(sa.update(tables.source).where(tables.source.c.id == source.id), columns_of(source))
        await self._tell()

    async def _user(self, which: sa.ColumnElement[bool]) -> User | None:
        rows = await self._rows(_USERS.where(which))
        return User(**rows[0]) if rows else None

    async def _source(self, which: sa.ColumnElement[bool]) -> Source | None:
        rows = await self._rows(_SOURCES.where(which))
        return Source(**rows[0]) if rows else None

    async def _next(self, sequence: sa.Sequence) -> int:
        ((id_,),) = await self._do(sa.select(sequence.next_value()))
        return int(id_)

    async def _tell(self) -> None:
        await self._do(sa.select(sa.func.pg_notify(ACCOUNTS, "")))

    async def _rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        async with within(self._seconds):
            result = await self._connection.execute(query)
        rows: Sequence[sa.RowMapping] = result.mappings().all()
        return rows

    async def _do(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Sequence[sa.Row[Any]]:
        async with within(self._seconds):
            if not values:
                return _rows_of(await self._connection.execute(statement))
            try:
                async with self._connection.begin_nested():
                    return _rows_of(await self._connection.execute(statement, values))
            except sa.exc.IntegrityError as error:
                taken = _TAKEN.get(error.orig.diag.constraint_name or "") if isinstance(error.orig, psycopg.Error) else None
                if taken is None:
                    raise
                raise NameTaken(taken.format_map(values)) from error


@asynccontextmanager
async def told_when_unavailable(seconds: float | None = None) -> AsyncIterator[None]:
    """What breaks is `Unavailable`, and what takes longer than so many seconds `TooSlow`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except sa.exc.DBAPIError as error:
        if isinstance(error.orig, psycopg.Error) and (is_broken(error.orig) or is_unavailable(error.orig)):
            raise refused(error.orig) from error
        raise
    except (TimeoutError, sa.exc.TimeoutError) as error:
        raise given_up(error) from error


def has_text(text: str, *columns: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """One of these columns has the text in it; case does not matter."""
    return sa.or_(*(column.icontains(text, autoescape=True) for column in columns)) if text else sa.true()


def one_of(ids: Collection[int]) -> sa.CollectionAggregate[Any]:
    """Any of these ids, however many they are."""
    return sa.any_(sa.cast(list(ids), pg.ARRAY(sa.BigInteger)))


def _ended_by(user: User) -> sa.Delete:
    """The sessions that go on only while the user is as before."""
    as_before = sa.exists().where(tables.account.c.id == user.id, tables.account.c.password == user.password)
    theirs = sa.delete(tables.session).where(tables.session.c.user_id == user.id)
    return theirs.where(~as_before) if user.active else theirs


def _rows_of(result: sa.CursorResult[Any]) -> Sequence[sa.Row[Any]]:
    return result.all() if result.returns_rows else ()


def _token_from(row: sa.RowMapping) -> Token:
    return Token(**{**row, "scope": Scope(row["scope"])})


def columns_of(thing: User | Token | Source) -> dict[str, object]:
    """The fields of a thing whose columns are called the same; of a scope its name."""
    values = {field.name: getattr(thing, field.name) for field in fields(thing)}
    return {name: value.value if isinstance(value, Scope) else value for name, value in values.items()}

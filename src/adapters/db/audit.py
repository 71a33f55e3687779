"""The audit log in PostgreSQL. A trigger refuses that anything in it is changed, and that anything leaves it but by `prune`."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from psycopg.rows import TupleRow

from adapters.db.database import Connection, Database
from argus_core.domain.audit import AuditQuery, Deed, Entry, Origin, Record
from argus_core.domain.ids import UserId
from argus_core.ports.audit import AuditLog, Tally

_NOTE = """
    insert into audit (deed, about, user_id, username, address, done, details)
    values (%(deed)s, %(about)s, %(user_id)s, %(username)s, %(address)s, %(done)s, %(details)s)"""
_PAGE = "select id, created, deed, about, user_id, username, address, done, details from audit where "
_ONE = _PAGE + "id = %s"
_NEWEST_FIRST = " order by created desc, id desc limit %(most)s"
_CONDITIONS: dict[str, LiteralString] = {
    "username": "username = %(username)s",
    "deed": "deed = %(deed)s",
    "about": "about = %(about)s",
    "done": "done = %(done)s",
    "since": "created >= %(since)s",
    "until": "created < %(until)s",
    "id": "(created, id) < (%(created)s, %(id)s)",
}
# The trigger looks at this: whoever deletes has to have said from when on, in the same transaction.
_MAY_PRUNE = "select set_config('argus.audit_prune_before', %s, true)"
_PRUNE = "delete from audit where created < %s"


class PgAudit(AuditLog):
    """The table `audit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: AuditQuery, most: int, before: Record | None = None) -> Sequence[Record]:
        values: dict[str, object] = {
            "username": query.username,
            "deed": query.deed and query.deed.value,
            "about": query.about,
            "done": query.done,
            "since": query.since,
            "until": query.until,
            "id": before and before.id,
            "created": before and before.created,
        }
        where = " and ".join(["true", *(condition for name, condition in _CONDITIONS.items() if values[name] is not None)])

        async def read(connection: Connection, _: bool) -> list[Record]:
            cursor = await connection.execute(_PAGE + where + _NEWEST_FIRST, {**values, "most": most}, binary=True)
            return list(map(_record_from, await cursor.fetchall()))

        return await self._database.run(read)

    async def record(self, number: int) -> Record | None:
        async def read(connection: Connection, _: bool) -> Record | None:
            row = await (await connection.execute(_ONE, (number,), binary=True)).fetchone()
            return None if row is None else _record_from(row)

        return await self._database.run(read)

    async def prune(self, before: datetime, note: Tally) -> int:
        async with self._database.transaction() as connection:
            await connection.execute(_MAY_PRUNE, (before.isoformat(),))
            count = (await connection.execute(_PRUNE, (before,))).rowcount
            await keep(connection, note(count))
        return count


async def keep(connection: Connection, *entries: Entry) -> None:
    """Note something within a transaction."""
    for entry in entries:
        await connection.execute(_NOTE, columns(entry))


def columns(entry: Entry) -> dict[str, object]:
    """The columns of an entry; the moment and the number come from the database."""
    return {
        "deed": entry.deed.value,
        "about": entry.about,
        "user_id": entry.origin.user_id,
        "username": entry.origin.username,
        "address": entry.origin.address,
        "done": entry.done,
        "details": entry.details,
    }


def _record_from(row: TupleRow) -> Record:
    id_, created, deed, about, user_id, username, address, done, details = row
    origin = Origin(user_id=None if user_id is None else UserId(user_id), username=username, address=address)
    return Record(id=id_, created=created, entry=Entry(deed=Deed(deed), about=about, origin=origin, done=done, details=details))

"""What probes ask of the database, in one round trip."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.db.database import Connection, Database

WORKER = "argus worker"
"""The name under which the worker connects. It asks for work every second, so when it last did is its heartbeat."""

_VITALS = """
    select clock_timestamp(), (select max(version_num) from alembic_version),
        (select clock_timestamp() - max(state_change) from pg_stat_activity
            where datname = current_database() and usename = current_user and application_name = %s),
        now() - least((select min(created) from outbox), (select min(since) from delivery where status = 'waiting'))"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The database's clock and last migration, how long ago the worker was heard of, and how long the oldest notification has waited."""

    now: datetime
    step: str | None
    worker: timedelta | None
    undelivered: timedelta | None


async def vitals(database: Database) -> Vitals:
    """
    How things are.

    Raises:
        Unavailable: the database cannot be asked.
    """

    async def look(connection: Connection, _: bool) -> Vitals:
        (row,) = await (await connection.execute(_VITALS, (WORKER,), prepare=True, binary=True)).fetchall()
        now, step, worker, undelivered = row
        return Vitals(now=now, step=step, worker=worker, undelivered=undelivered)

    return await database.run(look)

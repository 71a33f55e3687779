"""
The lists in which what was written waits to be sorted into the GIN indexes.

PostgreSQL sorts a list in when it is long enough, in the statement that happens to find it so, and whoever sent that waits a tenth of a
second or longer. Here it is done beside the statements, earlier.
"""

import asyncio
import logging

import psycopg

from adapters.db.database import Database
from argus_core.domain.errors import Unavailable

LONG = 8_000
"""So many changes are sorted in together: of fewer, each costs more; of more, whoever looks for tags and texts reads a long list."""

SOON = 5.0
"""After so many seconds the lists are sorted in however short they are."""

# Only the owner of an index may.
_SORT_IN = """
    select gin_clean_pending_list(c.oid)
    from pg_class c join pg_am m on m.oid = c.relam join pg_index x on x.indexrelid = c.oid
    where m.amname = 'gin' and x.indrelid in ('incident'::regclass, 'event'::regclass) and pg_has_role(c.relowner, 'usage')"""

_log = logging.getLogger(__name__)


class PendingLists:
    """Has the lists sorted in now and then while a process writes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes = 0
        self._soon: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def grew(self, changes: int) -> None:
        """So many changes were stored."""
        self._changes += changes
        if self._changes >= LONG:
            self._begin()
        elif self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(SOON, self._begin)

    def _begin(self) -> None:
        if self._task is not None:
            return
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        self._changes = 0
        self._task = asyncio.create_task(self._sort_in())
        self._task.add_done_callback(self._rest)

    async def _sort_in(self) -> None:
        try:
            await self._database.run(lambda connection, _: connection.execute(_SORT_IN))
        except (Unavailable, psycopg.Error) as error:
            _log.debug("The lists of the indexes were not sorted in; PostgreSQL will do so itself: %s", error)

    def _rest(self, _: asyncio.Task[None]) -> None:
        self._task = None

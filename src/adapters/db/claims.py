"""Who may make a ticket, as advisory locks of PostgreSQL (ADR 0002)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

import psycopg

from adapters.db.database import Database
from argus_core.domain.errors import Unavailable
from argus_core.domain.ids import IncidentId
from argus_core.ports.tickets import TicketClaims

SECONDS = 25.0
"""How long one waits for somebody who makes a ticket; longer than that takes."""
AT_ONCE = 4
"""So many connections, outside the pools, are held for claims by one process."""

_LOCK = "select pg_advisory_lock(hashtextextended('argus ticket ' || %s, 0))"


class PgTicketClaims(TicketClaims):
    """
    Session locks on connections of their own: the server lets go of one as soon as its process or connection is gone.

    Within a process callers queue for an incident first, so that however many there are, they hold one connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queues: WeakValueDictionary[IncidentId, asyncio.Lock] = WeakValueDictionary()
        self._room = asyncio.Semaphore(AT_ONCE)

    def claim(self, incident_id: IncidentId) -> AbstractAsyncContextManager[None]:
        return self._claim(incident_id)

    @asynccontextmanager
    async def _claim(self, incident_id: IncidentId) -> AsyncIterator[None]:
        queue = self._queues.setdefault(incident_id, asyncio.Lock())
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(SECONDS):
                    await held.enter_async_context(queue)
                    await held.enter_async_context(self._room)
                    connection = await self._database.connect(autocommit=True)
                    held.push_async_callback(connection.close)
                    await connection.execute(_LOCK, (str(incident_id),))
            except (TimeoutError, psycopg.Error) as error:
                raise Unavailable from error
            yield

"""Hints between processes: that something was stored, never what. Whoever misses one finds out by looking, a little later."""

import asyncio
import logging

from adapters.db.database import Database
from argus_core.domain.errors import Unavailable

OUTBOX = "argus_outbox"
"""Something has happened that nobody has decided about."""

AT_MOST_EVERY = 0.02
"""So many seconds lie between two hints of one process: each takes a lock that all commits of the database share."""

_log = logging.getLogger(__name__)


class Hints:
    """Sends the hint soon after it was asked to, however often that was."""

    def __init__(self, database: Database, channel: str = OUTBOX) -> None:
        self._database = database
        self._statement = f"notify {channel}"
        self._due = False
        self._task: asyncio.Task[None] | None = None

    def give(self) -> None:
        """Something was stored."""
        self._due = True
        if self._task is None:
            self._task = asyncio.create_task(self._send())
            self._task.add_done_callback(self._rest)

    async def _send(self) -> None:
        while self._due:
            self._due = False
            try:
                await self._database.run(lambda connection, _: connection.execute(self._statement))
            except Unavailable:
                _log.debug("A hint was lost; whoever waits for it looks by itself")
            await asyncio.sleep(AT_MOST_EVERY)

    def _rest(self, _: asyncio.Task[None]) -> None:
        self._task = None

"""Hints between processes: that something was stored, never what. Whoever misses one finds out by looking, a little later."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from functools import partial

from adapters.db.database import Connection, Database
from argus_core.domain.errors import Unavailable

OUTBOX = "argus_outbox"
"""Something has happened that nobody has decided about."""

URGENT = "argus_urgent"
"""The same, and what has happened is urgent."""

ANYTHING, SOMETHING_URGENT = (OUTBOX,), (OUTBOX, URGENT)
"""What is to be said of what happened."""

AT_MOST_EVERY = 0.02
"""So many seconds lie between two hints of one process: each takes a lock that all commits of the database share."""

_log = logging.getLogger(__name__)


class Hints:
    """Sends the hint soon after it was asked to, however often that was."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._due: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def give(self, what: Collection[str]) -> None:
        """Something was stored: hints of these kinds are due."""
        self._due.update(what)
        if self._task is None:
            self._task = asyncio.create_task(self._send())
            self._task.add_done_callback(self._rest)

    async def _send(self) -> None:
        while self._due:
            channels, self._due = sorted(self._due), set()
            try:
                await self._database.run(partial(_notify, channels))
            except Unavailable:
                _log.debug("A hint was lost; whoever waits for it looks by itself")
            await asyncio.sleep(AT_MOST_EVERY)

    def _rest(self, _: asyncio.Task[None]) -> None:
        self._task = None


async def _notify(channels: Sequence[str], connection: Connection, _: bool) -> None:
    await connection.execute("; ".join(f"notify {channel}" for channel in channels))

"""What processes tell each other through PostgreSQL: that something changed, never what."""

import asyncio
import logging
from collections.abc import Callable, Mapping

import psycopg
from psycopg.sql import SQL, Identifier

from adapters.db.database import Database, Seldom

logger = logging.getLogger(__name__)
logger.addFilter(Seldom(30))

ACCOUNTS = "argus_accounts"
"""Somebody may have lost a right: forget what was remembered of users, tokens and sources."""

ALIVE_AFTER = 5.0
"""After so many quiet seconds the listener asks whether the server is still there."""

PAUSE = 0.5


class Listener:
    """
    Keeps one connection that listens, and calls back when something was said.

    It also calls back whenever it has connected: what was said before then is lost. While `connected` is False nothing is heard.
    """

    def __init__(self, database: Database, heard: Mapping[str, Callable[[], None]]) -> None:
        self.connected = False
        self._database = database
        self._heard = heard

    async def run(self) -> None:
        """Listen until cancelled; connect again whenever the connection breaks."""
        while True:
            try:
                await self._listen()
            except (psycopg.Error, TimeoutError) as error:
                logger.warning("Listening to the database broke off: %s", str(error) or "no answer")
            finally:
                self.connected = False
            await asyncio.sleep(PAUSE)

    async def _listen(self) -> None:
        async with await self._database.connect(autocommit=True) as connection:
            for channel in self._heard:
                await connection.execute(SQL("listen {}").format(Identifier(channel)))
            self.connected = True
            for tell in self._heard.values():
                tell()
            while True:
                async for notification in connection.notifies(timeout=ALIVE_AFTER):
                    self._heard[notification.channel]()
                async with asyncio.timeout(ALIVE_AFTER):
                    await connection.execute("")

"""Waiting for PostgreSQL: as long as it gets on, and not in silence."""

import logging
import time
from pathlib import Path

from adapters.db.embedded import errors

LIMIT = 3600.0
STALLED = 600.0
SPEAK_EVERY = 10.0
PAUSES = (0.005, 0.05)

logger = logging.getLogger(__name__)


class Watch:
    """
    One wait. A crash recovery may take long, and PostgreSQL writes to its log every ten seconds while it gets on:
    so a wait ends when the log has not grown for a long time, or at a generous limit.
    """

    def __init__(self, log: Path, folder: Path, event: str) -> None:
        self._log, self._folder, self._event = log, folder, event
        self._began = self._moved = self._spoke = time.monotonic()
        self._size = self._log_size()

    def pause(self, culprit: str) -> None:
        """
        Sleep for a moment; `culprit` is the process that keeps us waiting.

        Raises:
            TooSlow: it has been waited for long enough.
        """
        now = time.monotonic()
        if (size := self._log_size()) != self._size:
            self._size, self._moved = size, now
        seconds = round(now - self._began)
        if now - self._began > LIMIT or now - self._moved > STALLED:
            raise errors.TooSlow(self._folder, event=self._event, seconds=seconds, log=self._log, culprit=culprit)
        if now - self._spoke > SPEAK_EVERY:
            self._spoke = now
            logger.warning("Still waiting for %s in %s after %d s (%s); see %s", self._event, self._folder, seconds, culprit, self._log)
        time.sleep(PAUSES[now - self._began > 1])

    def _log_size(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

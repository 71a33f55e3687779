"""Whether the disk under the private PostgreSQL has room: a full one would stop it for everybody, and in the middle of something."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from adapters.databases import data_folder
from adapters.http.services import Check, State
from adapters.settings import Settings
from argus_core.domain.errors import NoRoom

LEAST = 256 * 1024 * 1024
"""So many bytes shall be left: enough to go on with what has begun, and to clean up."""

KEPT = 1.0
"""So many seconds an answer is good for."""


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


@dataclass(slots=True)
class DiskRoom:
    """The room in a folder; without one, it is somebody else's care."""

    folder: Path | None
    free: Callable[[Path], int] = _free
    seconds: Callable[[], float] = monotonic
    _looked: float = float("-inf")
    _left: int | None = None

    def __call__(self) -> None:
        """See the port."""
        if self._is_scarce():
            raise NoRoom

    def check(self) -> Check:
        """What an operator is told."""
        if not self._is_scarce():
            return Check("room")
        return Check("room", State.FAILED, f"Nothing is taken from sources until more than 256 MB are free under {self.folder}.")

    def _is_scarce(self) -> bool:
        left = self._look()
        return left is not None and left < LEAST

    def _look(self) -> int | None:
        if self.folder is not None and self.seconds() - self._looked >= KEPT:
            self._looked = self.seconds()
            try:
                self._left = self.free(self.folder)
            except OSError:  # then there is more amiss than this, and others will say so
                self._left = None
        return self._left


def room_for(settings: Settings) -> DiskRoom:
    """The room that these settings make our care."""
    return DiskRoom(None if settings.database_url else data_folder(settings))

"""The folder in which the processes of a server count together (see `counts`), and what servers that were killed have left of theirs."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from adapters.child import COUNTS

PREFIX = "argus-counts-"
LOCK = "lock"
"""A file in such a folder that is locked as long as its server lives."""


@contextmanager
def counting() -> Iterator[Mapping[str, str]]:
    """What processes have to find in their environment to count together, for as long as they do."""
    sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        lock = os.open(Path(folder) / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield {COUNTS: folder}
        finally:
            os.close(lock)


def sweep(place: Path) -> None:
    """Remove the folders of our servers that were killed. One without a lock is left alone: its server may just be starting."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.lstat().st_uid == os.geteuid() and _is_dead(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_dead(folder: Path) -> bool:
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True

"""A small disk that can be filled up."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from adapters.room import LEAST

SIZE = LEAST + 1024**3
PER_SECOND = 300_000
"""So many bytes more for each second: what is kept grows by a third of that."""

ENOUGH = 4
"""So many times as large it is when there is no more to try: what is found out at the end needs room too."""


class Disk:
    """A file system of its own, and a file in it that takes what room there is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filling = folder / "filling"

    @contextmanager
    def leaving(self, least: int) -> Iterator[None]:
        """Leave so many bytes, until the end of the block."""
        try:
            with self._filling.open("wb") as file:
                while (size := shutil.disk_usage(self.folder).free - least) > 0:
                    with suppress(OSError):  # somebody else was faster
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)
            yield
        finally:
            self._filling.unlink()

    def make_room(self) -> None:
        """Let it be large enough from now on, whatever is written."""
        size = ENOUGH * shutil.disk_usage(self.folder).total
        subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=True)


@contextmanager
def small(seconds: float) -> Iterator[Disk | str]:
    """Such a disk in memory, for a run that takes so long; or why there is none."""
    folder = Path(tempfile.mkdtemp(prefix="argus-chaos-"))
    size = SIZE + int(seconds * PER_SECOND)
    told = "it takes root to mount a small file system"
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "argus", folder], check=False, capture_output=True, text=True)
        if os.geteuid() or done.returncode:
            yield f"{told}: {done.stderr.strip()}"
            return
        try:
            yield Disk(folder)
        finally:
            subprocess.run(["umount", folder], check=True)
    finally:
        folder.rmdir()

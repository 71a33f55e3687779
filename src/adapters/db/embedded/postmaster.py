"""What a server says about itself: `postmaster.pid`, the process with that number, the socket."""

import hashlib
import os
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.db.embedded import errors
from adapters.db.embedded.accounts import ROOT, Account

PID_FILE = "postmaster.pid"
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 103
LINES = 8
LARGEST_PID = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmaster:
    """A server's first process, as its pid file tells."""

    pid: int
    socket_folder: Path | None
    ready: bool

    def is_cut_off(self) -> bool:
        """Whether it runs, but its socket is gone: somebody cleaned up, or moved the data folder."""
        return self.ready and (self.socket_folder is None or not os.path.exists(self.socket_folder / SOCKET))  # noqa: PTH110 - takes all names


def postmaster(cluster: Path) -> Postmaster | None:
    """The server that wrote the pid file; nothing when there is no file, only the beginning of one, or no number that a process has."""
    try:
        lines = (cluster / PID_FILE).read_text(errors="surrogateescape").splitlines()
        pid = abs(int(lines[0]))
    except (FileNotFoundError, ValueError, IndexError):
        return None
    if pid > LARGEST_PID:
        return None
    complete = len(lines) >= LINES
    return Postmaster(
        pid=pid,
        socket_folder=Path(lines[4]) if complete and lines[4] else None,
        ready=complete and lines[7].strip() == "ready",
    )


def serves(pid: int, cluster: Path) -> bool:
    """Whether this process is a server of these data; a number may have gone to another process since it was written."""
    process = Path("/proc") / str(pid)
    if not Path("/proc/self").exists():
        found = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True)  # noqa: S603, S607 - a number
        return str(cluster) in found.stdout
    with suppress(OSError):
        if os.fsencode(cluster) in (process / "cmdline").read_bytes().split(b"\0"):
            return True
    with suppress(OSError):
        return (process / "cwd").readlink() == cluster
    return False


def forget_dead(cluster: Path, socket_folder: Path) -> None:
    """
    Remove what a killed server left and a new one would stumble over: a number in a pid file that another process has by now.

    The caller holds the server's lock, so no server of ours lives.

    Raises:
        StartedByHand: somebody else started one.
    """
    left = postmaster(cluster)
    if left is not None and _exists(left.pid):
        if serves(left.pid, cluster):
            raise errors.StartedByHand(cluster.parent, pid=left.pid)
        (cluster / PID_FILE).unlink()
    for name in (SOCKET, f"{SOCKET}.lock"):
        (socket_folder / name).unlink(missing_ok=True)


def socket_folder(data: Path, account: Account) -> Path:
    """
    A folder for the socket that only this account (and root) can enter: in the data folder, else a temporary one named after it.

    Raises:
        NoSocketFolder: neither takes a socket.
    """
    for folder in _candidates(data, account):
        if _fits(folder) and _made_private(folder, account) and _takes_sockets(folder):
            return folder
    raise errors.NoSocketFolder(data)


def _candidates(data: Path, account: Account) -> Iterator[Path]:
    yield data / "socket"
    name = f"argus-{account.uid}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and account.uid == os.geteuid():
        yield Path(runtime) / name
    yield Path(tempfile.gettempdir()).absolute() / name
    yield Path("/tmp") / name  # noqa: S108 - private, and checked to be


def _fits(folder: Path) -> bool:
    # libpq takes a comma for the end of a host
    return len(os.fsencode(folder / SOCKET)) <= LONGEST_SOCKET_PATH and "," not in str(folder)


def _made_private(folder: Path, account: Account) -> bool:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (account.uid, os.geteuid()) or stat.S_IMODE(found.st_mode) & 0o077:
            return False
        if os.geteuid() == ROOT:
            os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    except (FileNotFoundError, FileExistsError, PermissionError):
        return False
    return True


def _takes_sockets(folder: Path) -> bool:
    """Some file systems that containers mount do not."""
    probe = folder / ".probe"
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            probe.unlink(missing_ok=True)
            listener.bind(str(probe))
            probe.unlink()
        except OSError:
            return False
    return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True

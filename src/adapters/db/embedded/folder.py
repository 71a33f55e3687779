"""
The data folder: what lies where, whether it is ours, and the locks.

    argus.lock      held alone while the server is being started; its presence says that the folder is ours
    users.lock      shared by every process that uses the server; who gets it alone is the last one
    server.lock     inherited by every process of the server, so that it is free only when all of them are gone
    postgres/       the data; `postgres.new/` while initdb fills it
    postgres.log    what the server says; the one before it is `postgres.log.1`
    socket/         where the server listens, unless that path is too long for a socket
    upgrade/        a data folder with the copy for another version of PostgreSQL, while it is made
    postgres.15/    the data as they were before such an upgrade

The locks are `flock`s: the system drops them with the last process that holds them, however it ends, and they reach across containers that
share the folder.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.db.embedded import errors
from adapters.db.embedded.accounts import ROOT, Account, account_name
from adapters.db.embedded.binaries import Binaries
from adapters.db.embedded.waiting import Watch

if sys.platform != "win32":
    import fcntl

MARK, USERS, SERVER = "argus.lock", "users.lock", "server.lock"
VERSION = "PG_VERSION"
HARMLESS = frozenset({"lost+found", ".DS_Store"})  # what a folder may hold and still be empty
LOG_LIMIT = 1024 * 1024


def default_data_dir() -> Path:
    """
    Where this platform keeps the data of a user's programs.

    Raises:
        NoHome: this user has no home folder.
    """
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "argus"
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Application Support" / "argus"
        chosen = Path(os.environ.get("XDG_DATA_HOME", ""))
        return (chosen if chosen.is_absolute() else Path.home() / ".local" / "share") / "argus"
    except RuntimeError as homeless:
        raise errors.NoHome(Path("/var/lib/argus")) from homeless


@dataclass(frozen=True, slots=True)
class DataFolder:
    path: Path

    @property
    def cluster(self) -> Path:
        return self.path / "postgres"

    @property
    def unfinished(self) -> Path:
        return self.path / "postgres.new"

    @property
    def log(self) -> Path:
        return self.path / "postgres.log"

    def check(self, programs: Binaries) -> None:
        """
        Refuse what is not ours or not of this version, and touch nothing.

        Raises:
            ForeignFolder, BelongsToAnother, BetweenVersions, OtherVersion, Damaged: it is left as it is.
        """
        try:
            strangers = {entry.name for entry in self.path.iterdir()} - HARMLESS
        except FileNotFoundError:
            return
        if strangers and not self.is_ours():
            raise errors.ForeignFolder(self.path, example=min(strangers))
        if self.is_between():
            raise errors.BetweenVersions(self.path)
        if self.cluster.exists():
            self._check_cluster(programs)

    def is_there(self) -> bool:
        """Whether there are data, or somebody makes or upgrades them just now."""
        return self.cluster.exists() or self.unfinished.exists() or self.is_between()

    def is_ours(self) -> bool:
        """Whether Argus has made this folder what it is."""
        return (self.path / MARK).exists()

    def _check_cluster(self, programs: Binaries) -> None:
        if os.geteuid() not in (ROOT, self.owner()):
            raise errors.BelongsToAnother(self.path, owner=account_name(self.owner()))
        found = self.version()
        if found < programs.version:
            raise errors.OlderVersion(self.path, found=found, ours=programs.version, binaries=programs.folder)
        if found > programs.version:
            raise errors.OtherVersion(self.path, found=found, ours=programs.version, binaries=programs.folder)

    def version(self) -> int:
        """
        Which major version of PostgreSQL made the data.

        Raises:
            Damaged: they do not tell.
        """
        try:
            return int((self.cluster / VERSION).read_text(errors="replace"))
        except FileNotFoundError as missing:
            raise errors.Damaged(self.path, reason=f"{VERSION} is missing") from missing
        except ValueError as error:
            raise errors.Damaged(self.path, reason=f"{VERSION} is not a number") from error

    def owner(self) -> int:
        """Whose data these are."""
        return (self.cluster if self.cluster.exists() else self.path).stat().st_uid

    def give_to(self, account: Account) -> None:
        """
        Hand what is ours in the folder to the account.

        What decides about the owner comes last: after a kill in between it is done again.

        Raises:
            NoAccount: root may not do that here.
        """
        if account.uid == self.owner():
            return
        files = [self.path / name for name in (MARK, USERS, SERVER)] + [self.log, self.path]
        inside = [Path(parent, name) for parent, folders, names in os.walk(self.cluster) for name in (*folders, *names)]
        for path in (*files, *inside, self.cluster):
            if path.exists():
                try:
                    os.chown(path, account.uid, account.gid, follow_symlinks=False)
                except PermissionError as refused:
                    raise errors.NoAccount(self.path, user="root") from refused

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Hold the lock under which the server is started, one process at a time."""
        lock = self._open(MARK)
        try:
            watch = Watch(self.log, self.path, "another Argus process that is starting PostgreSQL")
            while not _hold(lock, fcntl.LOCK_EX):
                watch.pause(f"process {os.pread(lock, 20, 0).decode(errors='replace').strip()}")
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            _drop(lock)

    def join(self) -> int:
        """Become one of the users; waits while the one who was the last stops the server."""
        lock = self._open(USERS)
        watch = Watch(self.log, self.path, "another Argus process that is stopping PostgreSQL")
        try:
            while not _hold(lock, fcntl.LOCK_SH):
                watch.pause("that process")
        except BaseException:
            os.close(lock)
            raise
        return lock

    @contextmanager
    def leaving(self, users: int) -> Iterator[bool]:
        """Stop being one of the users; gives whether nobody else is one, and keeps it so meanwhile."""
        try:
            # Let go first: of two who leave at once, at least one then finds nobody else.
            fcntl.flock(users, fcntl.LOCK_UN)
            yield _hold(users, fcntl.LOCK_EX)
        finally:
            _drop(users)

    def take_server_lock(self) -> int | None:
        """The lock for a server to inherit, or nothing while another server has it."""
        lock = self._open(SERVER)
        if _hold(lock, fcntl.LOCK_EX):
            return lock
        os.close(lock)
        return None

    def server_lives(self) -> bool:
        """Whether any process of a server that we started is left, whoever started it."""
        lock = self._open(SERVER)
        try:
            return not _hold(lock, fcntl.LOCK_SH)
        finally:
            os.close(lock)

    def in_use(self) -> bool:
        """Whether any process uses the server, or it runs all the same."""
        users = self._open(USERS)
        try:
            return not _hold(users, fcntl.LOCK_EX) or self.server_lives()
        finally:
            _drop(users)

    # From one version of PostgreSQL to another

    @property
    def upgrading(self) -> "DataFolder":
        """Where the copy for the other version is made."""
        return DataFolder(self.path / "upgrade")

    def kept(self, version: int) -> Path:
        """Where the data of that version are put aside."""
        return self.path / f"{self.cluster.name}.{version}"

    def is_between(self) -> bool:
        """Whether somebody was killed after putting the old data aside, and before the new ones were there."""
        return not self.cluster.exists() and self.upgrading.cluster.exists()

    def put_in_place(self) -> Path:
        """
        Put the old data aside and the copy in their place; gives where the old ones are. Killed in between, it can be done again.

        Raises:
            InUse: somebody uses the old ones.
        """
        with self.starting():
            if self.in_use():
                raise errors.InUse(self.path)
            if self.cluster.exists():
                self.cluster.rename(self.kept(self.version()))
            self.upgrading.cluster.rename(self.cluster)
            sync(self.path)
            shutil.rmtree(self.upgrading.path)
        return max(self.path.glob(f"{self.cluster.name}.[0-9]*"), key=lambda path: path.stat().st_ctime_ns)

    def open_log(self) -> int:
        """The log to append to; the caller is about to start the server."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.rename(self.log.with_name("postgres.log.1"))
        return self._open(self.log.name, os.O_APPEND)

    def said_since(self, offset: int) -> str:
        """The log from there on."""
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read(LOG_LIMIT).decode(errors="replace")

    def _open(self, name: str, flags: int = 0) -> int:
        file = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | flags, 0o600)
        if os.geteuid() == ROOT:  # what root makes in the folder of an ordinary user is that user's
            os.fchown(file, self.owner(), -1)
        return file


def sync(path: Path) -> None:
    """Make sure that what is in a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hold(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _drop(lock: int) -> None:
    """Unlock and close: a forked child may have the lock open, too."""
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)

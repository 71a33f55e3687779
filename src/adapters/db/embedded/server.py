"""Starting, joining, reviving and stopping the embedded server."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from adapters.db.embedded import errors
from adapters.db.embedded.accounts import Account, account_for, reaching
from adapters.db.embedded.binaries import Binaries, binaries, environment, locales, settings, syncing
from adapters.db.embedded.folder import DataFolder, sync
from adapters.db.embedded.postmaster import forget_dead, postmaster, serves, socket_folder
from adapters.db.embedded.waiting import Watch, logger

ADMINISTRATOR = "postgres"
NAME = "argus"  # of the database, and of the role that owns it
RETRY_FOR = 5.0
STOP_WITHIN = 60.0


@contextmanager
def running(data: Path, *, bin: Path | None = None, fast: bool = False) -> Iterator["EmbeddedServer"]:  # noqa: A002 - the setting's name
    """
    A server for the data in this folder: the running one, else a new one, with a database `argus`.

    Any number of processes may use a folder at once; the last one to leave stops the server. What a killed process left is used or
    replaced.
    `bin` names a folder with PostgreSQL programs, else `bin_dir` finds one. `fast` gives up durability and is for tests.

    Raises:
        EmbeddedError: it cannot be; the message says why and what to do.
    """
    if sys.platform == "win32":
        raise errors.NotOnThisPlatform(data)
    with errors.explained(data):
        folder = DataFolder(data.expanduser().resolve())
    server = EmbeddedServer(folder, binaries(bin), fast=fast)
    try:
        server.join()
        yield server
    finally:
        server.leave()


class EmbeddedServer:
    """A server in use by this process. Call it from one thread, outside any event loop: it waits."""

    def __init__(self, folder: DataFolder, programs: Binaries, *, fast: bool) -> None:
        self._folder, self._programs, self._fast = folder, programs, fast
        self._socket_folder = folder.path / "socket"
        self._users: int | None = None
        self._child: int | None = None

    @property
    def data(self) -> Path:
        return self._folder.path

    @property
    def url(self) -> str:
        """Where psycopg, also in other processes of this user, reaches the database `argus` as the role that owns it."""
        return f"postgresql://{NAME}@/{NAME}?host={quote(str(self._socket_folder), safe='')}&port=5432"

    @property
    def pid(self) -> int | None:
        """The number of the server's first process."""
        found = postmaster(self._folder.cluster)
        return found.pid if found else None

    def revive(self) -> bool:
        """
        Start the server again, at the same address, if it has died; gives whether that was so.

        It costs next to nothing while the server lives, so it may be called every second.

        Raises:
            EmbeddedError: it does not start.
        """
        with errors.explained(self.data):
            if self._is_alive() or self._attached():
                return False
            with self._folder.starting():
                self._attach_or_start()
        return True

    def join(self) -> None:
        """Become one of its users and make sure that it runs; `running` does this."""
        with errors.explained(self.data):
            self._folder.check(self._programs)
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._folder.starting():
                self._users = self._folder.join()
                self._folder.check(self._programs)  # again: another process may have made it meanwhile
                self._attach_or_start()

    def leave(self) -> None:
        """Stop using it; the last one stops it. `running` does this."""
        if self._users is None:
            return
        with errors.explained(self.data), self._folder.leaving(self._users) as last:
            self._users = None
            if last:
                self._stop()

    def _attach_or_start(self) -> None:
        watch = self._watch("PostgreSQL, which is starting or stopping,")
        while not self._attached():
            lock = self._folder.take_server_lock()
            if lock is None:
                self._replace_cut_off()
                watch.pause(f"process {self.pid}")
                continue
            try:
                self._start(lock)
            finally:
                os.close(lock)
            return

    def _attached(self) -> bool:
        """Whether it answers; then its address is known, and its database is there."""
        connection = self._reached()
        if connection is None:
            return False
        with connection:
            self._ensure_database(connection)
        return True

    def _is_alive(self) -> bool:
        """Whether its first process is there and can be reached; said without asking it."""
        found = postmaster(self._folder.cluster)
        return found is not None and found.ready and not found.is_cut_off() and serves(found.pid, self._folder.cluster)

    def _reached(self) -> "psycopg.Connection[TupleRow] | None":
        found = postmaster(self._folder.cluster)
        if found is None or not found.ready or found.socket_folder is None or not self._folder.server_lives():
            return None
        self._socket_folder = found.socket_folder
        try:
            return psycopg.connect(
                host=str(self._socket_folder), port=5432, user=ADMINISTRATOR, dbname=ADMINISTRATOR, connect_timeout=5, autocommit=True
            )
        except psycopg.OperationalError:
            return None

    def _replace_cut_off(self) -> None:
        found = postmaster(self._folder.cluster)
        if found is not None and found.is_cut_off():
            logger.warning("PostgreSQL (process %s) in %s has lost its socket and is stopped", found.pid, self.data)
            self._stop()

    def _start(self, lock: int) -> None:
        folder = self._folder
        account = account_for(self.data, folder.owner())
        folder.give_to(account)
        account = reaching(account, self.data, self._programs.postgres, self.data)
        if not folder.cluster.exists():
            self._initialise(account, lock)
        self._socket_folder = socket_folder(self.data, account)
        until = time.monotonic() + RETRY_FOR
        while True:
            try:
                self._launch(account, lock)
            except errors.StillInMemory:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                break

    def _initialise(self, account: Account, lock: int) -> None:
        """Run initdb beside the place of the data: what is there is always whole."""
        folder = self._folder
        output = ""
        for options in locales(self._programs.version):
            if folder.unfinished.exists():
                shutil.rmtree(folder.unfinished)
            folder.unfinished.mkdir(mode=0o700)
            os.chown(folder.unfinished, account.uid, account.gid)
            done = self._initdb(account, lock, options)
            if done.returncode == 0:
                break
            output = done.stderr.decode(errors="replace")
            if "locale" not in output:
                raise errors.failure(self.data, output, folder.log)
        else:
            raise errors.failure(self.data, output, folder.log)
        folder.unfinished.rename(folder.cluster)
        if not self._fast:
            sync(self.data)

    def _initdb(self, account: Account, lock: int, options: tuple[str, ...]) -> "subprocess.CompletedProcess[bytes]":
        fixed = ("--encoding=UTF8", "--lc-messages=C", "--auth-local=trust", "--auth-host=reject", "--data-checksums", "--no-instructions")
        sync = syncing(self._programs.version, fast=self._fast)
        return subprocess.run(  # noqa: S603 - our programs
            [*account.prefix, self._programs.initdb, "-D", self._folder.unfinished, "-U", ADMINISTRATOR, *fixed, *sync, *options],
            check=False,
            cwd=self._folder.unfinished,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(),
            start_new_session=True,
            pass_fds=(lock,),
            **account.credentials(),
        )

    def _launch(self, account: Account, lock: int) -> None:
        """Start the server in a session of its own, where Ctrl-C does not reach it, and wait until it takes connections."""
        folder = self._folder
        self._reap()
        forget_dead(folder.cluster, self._socket_folder)
        log = folder.open_log()
        offset = os.fstat(log).st_size
        try:
            process = subprocess.Popen(  # noqa: S603 - our programs
                [
                    *account.prefix,
                    self._programs.postgres,
                    "-D",
                    folder.cluster,
                    *settings(socket_folder=self._socket_folder, fast=self._fast),
                ],
                cwd=folder.cluster,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                start_new_session=True,
                pass_fds=(lock,),
                umask=0o077,
                **account.credentials(),
            )
        finally:
            os.close(log)
        self._child = process.pid
        process.returncode = 0  # it may outlive us, and whoever is the last stops it: `Popen` need not warn that it still runs
        watch = self._watch("PostgreSQL to start")
        while not (self.pid == process.pid and self._attached()):
            if (ended := self._ended(process.pid)) is not None:
                raise errors.failure(self.data, f"{folder.said_since(offset)}\nerror: it ended with {ended}", folder.log)
            watch.pause(f"process {process.pid}")

    def _ensure_database(self, connection: "psycopg.Connection[TupleRow]") -> None:
        """Make the role and the database unless they are there; a kill in between is made up for at the next start."""
        query = "select exists (select from pg_roles where rolname = %(name)s), exists (select from pg_database where datname = %(name)s)"
        name = sql.Identifier(NAME)
        try:
            role, database = connection.execute(query, {"name": NAME}).fetchone() or (False, False)
            # PostgreSQL may still be making either for somebody who was killed; then ours fails when that one is there.
            if not role:
                with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                    connection.execute(sql.SQL("create role {} login createdb").format(name))
            if not database:
                with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(sql.SQL("create database {} owner {}").format(name, name))
        except psycopg.Error as error:
            raise errors.failure(self.data, f"error: {error}", self._folder.log) from error

    def _stop(self) -> None:
        """
        Stop it in order; at once when it does not answer or takes too long, which the next start makes up for.

        PostgreSQL 18 hangs for ever when it is asked to stop in order while it recovers from the crash of one of its processes.
        """
        connection = self._reached()
        if connection is not None:
            connection.close()
        for how in (signal.SIGINT, signal.SIGQUIT) if connection is not None else (signal.SIGQUIT,):
            if self._gone_after(how):
                break
        else:
            logger.error("PostgreSQL (process %s) in %s does not stop; see %s", self.pid, self.data, self._folder.log)
            return
        if self._socket_folder.parent != self.data:
            with suppress(OSError):
                self._socket_folder.rmdir()

    def _gone_after(self, how: signal.Signals) -> bool:
        for pid in {self._child, self.pid}:  # one that has only begun has no pid file yet
            if pid is not None and self._folder.server_lives() and serves(pid, self._folder.cluster):
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
        until = time.monotonic() + STOP_WITHIN
        while self._folder.server_lives():
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        self._reap()
        return True

    def _ended(self, child: int) -> str | None:
        """How the server that we have just started ended, if it has."""
        try:
            ended, status = os.waitpid(child, os.WNOHANG)
        except ChildProcessError:  # somebody else collected it
            ended, status = child, 0
        if ended != child:
            return None
        self._child = None
        code = os.waitstatus_to_exitcode(status)
        return f"code {code}" if code >= 0 else f"signal {-code}"

    def _reap(self) -> None:
        """Collect the server that we started once: the lock it held is free, so it is gone."""
        if self._child is not None:
            with suppress(ChildProcessError):
                os.waitpid(self._child, 0)
            self._child = None

    def _watch(self, event: str) -> Watch:
        return Watch(self._folder.log, self.data, event)

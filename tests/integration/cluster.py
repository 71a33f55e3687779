"""A PostgreSQL of one's own with a streaming replica: real servers that are killed, paused, cut off and promoted."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from adapters.db.embedded.binaries import bin_dir
from integration.serving import process

WITHIN = 60.0
NAME = "argus"
"""Of the role that may do everything, and of the database."""

SETTINGS = {
    "unix_socket_directories": "",
    "fsync": "off",  # what is killed is the server, not the machine
    "max_connections": "60",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "hot_standby_feedback": "on",
}


class Server:
    """One server, at an address; `within` is what runs its programs somewhere else, such as on another machine."""

    def __init__(self, folder: Path, name: str, host: str, port: int, within: Sequence[str] = ()) -> None:
        self.name, self.host, self.port = name, host, port
        self.data = folder / name
        self._folder, self._within = folder, within
        self._process: subprocess.Popen | None = None
        self._running = ExitStack()

    @property
    def url(self) -> str:
        return self.at(NAME)

    def at(self, database: str) -> str:
        """Another database of it."""
        return f"postgresql://{NAME}@{self.host}:{self.port}/{database}"

    @contextmanager
    def copy(self) -> Iterator[str]:
        """The name of a copy of the database, to which nobody may be connected, until the end of the block."""
        name = f"{NAME}_{uuid4().hex[:12]}"
        with psycopg.connect(self.at("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name} template {NAME}")
            try:
                yield name
            finally:
                connection.execute(f"drop database {name} with (force)")

    def make(self) -> None:
        """A server with an empty database."""
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", NAME, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
        with (self.data / "pg_hba.conf").open("a") as file:
            file.write("host all all 0.0.0.0/0 trust\nhost replication all 0.0.0.0/0 trust\n")
        self.start()
        with psycopg.connect(host=self.host, port=self.port, user=NAME, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"create database {NAME}")

    def follow(self, other: "Server") -> None:
        """A copy of another server, which follows it from then on."""
        source = f"host={other.host} port={other.port} user={NAME}"
        self._run("pg_basebackup", "-D", self.data, "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start it where it was, and wait until it answers."""
        told = {**SETTINGS, "listen_addresses": self.host, "port": str(self.port), "cluster_name": self.name}
        options = [part for name, value in told.items() for part in ("-c", f"{name}={value}")]
        log = self._running.enter_context((self._folder / f"{self.name}.log").open("ab"))
        command = (*self._within, *unprivileged(), bin_dir() / "postgres", "-D", self.data, *options)
        self._process = self._running.enter_context(process(*command, stdout=log, stderr=log, cwd=self._folder))
        until = time.monotonic() + WITHIN
        while True:
            try:
                psycopg.connect(host=self.host, port=self.port, user=NAME, dbname="postgres", connect_timeout=2).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self._folder / f"{self.name}.log").read_text()
                assert time.monotonic() < until, f"{self.name} does not answer"
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """kill -9 of the server and everything it has started."""
        if self._process is not None and self._process.poll() is None:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            for pid in (self._process.pid, *map(int, children)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait(WITHIN)
        self._running.close()

    def promote(self) -> None:
        """Let it take over, and wait until it can be written to."""
        self.execute("select pg_promote(true, 60)")

    def execute(self, statement: str, *values: object) -> list[tuple]:
        """What the server answers, in a connection of its own; nothing is said of what answers nothing."""
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def wait_for(self, position: str) -> None:
        """Wait until it has replayed the log up to there."""
        until = time.monotonic() + WITHIN
        while not self.execute("select pg_last_wal_replay_lsn() >= %s::pg_lsn", position)[0][0]:
            assert time.monotonic() < until, f"{self.name} does not follow"
            time.sleep(0.02)

    def _run(self, program: str, *arguments: object) -> None:
        command = [*self._within, *unprivileged(), bin_dir() / program, *arguments]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=WITHIN, cwd=self._folder)
        assert done.returncode == 0, f"{program} failed:\n{done.stdout}{done.stderr}"


def unprivileged() -> Sequence[str]:
    """What runs a program as somebody who is not root; PostgreSQL refuses to be."""
    if os.geteuid() != 0:
        return ()
    somebody = nobody()
    return ("setpriv", f"--reuid={somebody.pw_uid}", f"--regid={somebody.pw_gid}", "--clear-groups")


def nobody() -> pwd.struct_passwd:
    """Who that is."""
    with suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")


def free_port(host: str = "127.0.0.1") -> int:
    """A port where nobody listens now."""
    with socket.create_server((host, 0)) as found:
        return found.getsockname()[1]


@contextmanager
def folder_of_nobody() -> Iterator[Path]:
    """A folder that unprivileged programs can write to, gone after the block."""
    folder = Path(tempfile.mkdtemp(prefix="argus-test-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, nobody().pw_uid, nobody().pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Cluster:
    """A server that is written to, and one that follows it."""

    def __init__(self, primary: Server, replica: Server) -> None:
        self.primary, self.replica = primary, replica

    @property
    def url(self) -> str:
        """Whichever of them can be written to."""
        places = f"{self.primary.host}:{self.primary.port},{self.replica.host}:{self.replica.port}"
        return f"postgresql://{NAME}@{places}/{NAME}?target_session_attrs=read-write"

    def wait_for_both(self) -> None:
        """Nothing is confirmed from now on that the replica does not have."""
        self.primary.execute(f"alter system set synchronous_standby_names = '{self.replica.name}'")
        self.primary.execute("select pg_reload_conf()")
        until = time.monotonic() + WITHIN
        while self.primary.execute("select count(*) from pg_stat_replication where sync_state = 'sync'") != [(1,)]:
            assert time.monotonic() < until, "the replica is not waited for"
            time.sleep(0.05)

    def catch_up(self) -> None:
        """Wait until the replica has everything."""
        ((position,),) = self.primary.execute("select pg_current_wal_flush_lsn()::text")
        self.replica.wait_for(position)

    def fail_over(self, away: float = 0.0) -> None:
        """kill -9 of the server that is written to; after so many seconds the other one takes over."""
        self.primary.kill()
        time.sleep(away)
        self.replica.promote()
        self.primary, self.replica = self.replica, self.primary

    def rejoin(self) -> None:
        """The one that was killed follows the one that has taken over, as a new copy of it."""
        shutil.rmtree(self.replica.data)
        self.replica.follow(self.primary)
        self.wait_for_both()


@contextmanager
def cluster(
    here: tuple[str, int] | None = None,
    there: tuple[str, int] | None = None,
    within: Sequence[str] = (),
    within_there: Sequence[str] = (),
    *,
    alone: bool = False,
) -> Iterator[Cluster]:
    """Two such servers until the end of the block, or only the first; on this machine, unless they have addresses."""
    from adapters.db.migrate import upgrade

    if not (bin_dir() / "pg_basebackup").exists():
        pytest.skip(f"there is no pg_basebackup in {bin_dir()}")
    with folder_of_nobody() as folder:
        primary = Server(folder, "primary", *(here or ("127.0.0.1", free_port())), within)
        replica = Server(folder, "replica", *(there or ("127.0.0.1", free_port())), within_there)
        try:
            primary.make()
            upgrade(primary.url)
            if not alone:
                replica.follow(primary)
            yield Cluster(primary, replica)
        finally:
            replica.kill()
            primary.kill()

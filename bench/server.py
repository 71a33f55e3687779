"""A database with durability, a world in it, and `argus serve` before it: all private, gone afterwards."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg

from adapters.db.embedded import running
from argus_core.domain.actors import Actor
from argus_core.domain.sources import Source

SOURCES, TYPES = 100, 20
START_WITHIN = 30.0
STOP_WITHIN = 20.0


def heed_signals() -> None:
    """Stop in order when told to, as with Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def database(folder: Path | None = None) -> Iterator[tuple[str, int]]:
    """An embedded server as operators get it: its address and its first process. Without a folder it is a new one, and a temporary one."""
    if folder is not None:
        with running(folder) as server:
            yield server.url, server.pid
        return
    temporary = Path(tempfile.mkdtemp(prefix="argus-bench-"))
    try:
        with running(temporary / "data") as server:
            yield server.url, server.pid
    finally:
        shutil.rmtree(temporary)


def world(dsn: str) -> tuple[dict[str, str], list[Actor], Actor]:
    """Make sources and an operator, the way people do: their tokens by username, the sources' users, and the operator."""
    users = [{"actor": f"source{n}", "username": f"source{n}", "token": "valid"} for n in range(1, SOURCES + 1)]
    users.append({"actor": "operator", "username": "operator", "token": "valid"})
    types = [*(f"nms{n}" for n in range(TYPES)), "idle"]
    sources = [
        {"name": f"source{n}", "type": f"nms{n % TYPES}", "user": f"source{n}", "base_url": "https://nms.example.org/"}
        for n in range(1, SOURCES + 1)
    ]
    with tempfile.TemporaryDirectory(prefix="argus-bench-") as folder:
        told, made = Path(folder, "spec.json"), Path(folder, "world.json")
        told.write_text(json.dumps({"users": users, "source_types": types, "sources": sources}))
        subprocess.run([*_argus(), "migrate"], env=environment(dsn), check=True, capture_output=True)
        subprocess.run([*_argus(), "apply", told, "--out", made], env=environment(dsn), check=True, capture_output=True)
        tokens = {name: actor["token"] for name, actor in json.loads(made.read_text())["actors"].items()}
    return tokens, *actors(dsn)


def actors(dsn: str) -> tuple[list[Actor], Actor]:
    """The sources' users, and the operator, of a world that is there."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("select id, name, type, user_id, base_url from source order by id").fetchall()
        (operator,) = connection.execute("select id from account where username = 'operator'").fetchone()
    robots = [
        Actor(id=user, username=name, source=Source(id=id_, name=name, type=type_, user_id=user, base_url=url))
        for id_, name, type_, user, url in rows
    ]
    return robots, Actor(id=operator, username="operator")


@contextmanager
def serving(dsn: str, log: Path, telling: Mapping[str, str] | None = None, processes: int = 1) -> Iterator[tuple[str, int]]:
    """
    `argus serve` with so many processes for HTTP: its address and its first process.

    It tells people only if there are settings that say how.
    """
    with log.open("wb") as output, process(dsn, 0, telling, processes, output) as started:
        yield _announced(started, log), started.pid


@contextmanager
def process(
    dsn: str, port: int, telling: Mapping[str, str] | None = None, processes: int = 1, output: IO[bytes] | int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen]:
    """`argus serve`, which may not answer yet."""
    command = [*_argus(), "serve", "--port", str(port), "--workers", str(processes), *(["--no-worker"] if telling is None else [])]
    with subprocess.Popen(command, env=environment(dsn) | dict(telling or {}), stdout=output, stderr=output) as started:
        try:
            yield started
        finally:
            started.send_signal(signal.SIGTERM)
            try:
                started.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                started.kill()


def _argus() -> list[str]:
    return [str(Path(sys.executable).with_name("argus"))]


def environment(dsn: str) -> dict[str, str]:
    """Of a command of Argus for this database, without any other setting."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ARGUS_")}
    return bare | {"DATABASE_URL": dsn, "ARGUS_LOG_LEVEL": "warning"}


def _announced(process: subprocess.Popen, log: Path) -> str:
    """The address, once requests can be answered there."""
    until = time.monotonic() + START_WITHIN
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"(http://[\w.]+:\d+)\b", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise SystemExit(f"argus serve does not say where it listens:\n{log.read_text()}")


def user(dsn: str, name: str, password: str) -> None:
    """Somebody who can log in."""
    command = [*_argus(), "user", "create", name, "--password-stdin"]
    subprocess.run(command, env=environment(dsn), input=password.encode(), check=True, capture_output=True)

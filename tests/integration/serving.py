"""`argus` as people run it: in processes of its own, told by arguments and the environment."""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

ARGUS = str(Path(sys.executable).with_name("argus"))
START_WITHIN = 120.0
STOP_WITHIN = 60.0
SECRETS: set[str] = set()
"""Tokens, passwords and keys of everybody, in all tests so far: no log of a server holds one, and no answer to our clients."""

SHORTEST = 12
"""What is shorter may be in a log for other reasons."""

_SECRET_SETTING = re.compile(r"(PASSWORD|SECRET|TOKEN|KEY)$")
_ADDRESS = re.compile(rb"https?://[\w.\[\]:-]+:\d+(?=\D)")


class Served:
    """A running `argus serve`: where it listens, and its processes."""

    def __init__(self, process: subprocess.Popen, url: str, log: Path) -> None:
        self.process, self.url, self.log = process, url, log

    def client(self, token: str | None = None, **options) -> httpx.Client:
        """Somebody who speaks to API v2."""
        headers = {} if token is None else {"Authorization": f"Token {token}"}
        return httpx.Client(base_url=f"{self.url}/api/v2", headers=headers, event_hooks={"response": [_assert_silent]}, **options)

    def children(self) -> list[int]:
        """The processes it has started: HTTP processes and the worker, not PostgreSQL, which lives in a session of its own."""
        mine = os.getsid(self.process.pid)
        return [pid for pid in descendants(self.process.pid) if _session(pid) == mine]

    def kill(self) -> None:
        """kill -9 of everything but PostgreSQL; nobody listens any more afterwards."""
        children = self.children()
        for pid in (self.process.pid, *children):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(STOP_WITHIN)
        until = time.monotonic() + STOP_WITHIN
        while any(_session(pid) is not None for pid in children) and time.monotonic() < until:
            time.sleep(0.01)


@contextmanager
def process(*command: object, **options) -> Iterator[subprocess.Popen]:
    """A process that is gone after the block, whatever happens there: the end of a `Popen` alone would wait for it without limit."""
    with subprocess.Popen(list(map(str, command)), **options) as started:
        try:
            yield started
        finally:
            started.kill()


@contextmanager
def impatience(process: subprocess.Popen, seconds: float = START_WITHIN) -> Iterator[None]:
    """Kill the process when the block takes longer, so that nobody waits for ever for what it says."""
    end = threading.Timer(seconds, process.kill)
    end.start()
    try:
        yield
    finally:
        end.cancel()


@contextmanager
def serving(
    *arguments: object, environment: Mapping[str, str], folder: Path, port: int = 0, within: Sequence[str] = ()
) -> Iterator[Served]:
    """
    `argus serve`, on a free port unless one is named, until the end of the block; what it says is in a file in that folder.

    `within` is what runs it somewhere else, such as on another machine.
    """
    descriptor, name = tempfile.mkstemp(prefix="serve-", suffix=".log", dir=folder)
    with (
        os.fdopen(descriptor, "wb") as log,
        process(
            *(*within, ARGUS, "serve", "--port", port, *arguments), env=environ(environment), cwd=folder, stdout=subprocess.PIPE, stderr=log
        ) as started,
    ):
        SECRETS.update(value for setting, value in environment.items() if _SECRET_SETTING.search(setting) and len(value) >= SHORTEST)
        yield Served(started, _announced(started, Path(name)), Path(name))
        _stop(started)
    assert_nothing_betrayed(Path(name).read_text(errors="replace"))


def argus(*arguments: object, environment: Mapping[str, str], folder: Path, told: bool = False) -> str:
    """What another command prints, or what it tells beside that; it has to succeed."""
    done = subprocess.run(
        [ARGUS, *map(str, arguments)], env=environ(environment), cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"argus {' '.join(map(str, arguments))} failed:\n{done.stdout}{done.stderr}"
    return done.stderr if told else done.stdout


def applied(
    spec: Mapping[str, object], *arguments: object, environment: Mapping[str, str], folder: Path
) -> dict[str, dict[str, dict[str, object]]]:
    """The world that `argus apply` makes of a description: its actors with their tokens, and its sources."""
    told, made = folder / "spec.json", folder / "world.json"
    told.write_text(json.dumps(spec))
    argus("apply", told, "--out", made, *arguments, environment=environment, folder=folder)
    world = json.loads(made.read_text())
    secrets = [user.get("password") for user in spec.get("users", ())] + [actor.get("token") for actor in world["actors"].values()]
    SECRETS.update(secret for secret in secrets if secret and len(secret) >= SHORTEST)
    return world


def assert_nothing_betrayed(text: str) -> None:
    """No secret that a test has planted is in what a server has said. Those are tokens of the whole run, so it does not matter whose."""
    betrayed = [line for line in text.splitlines() if any(secret in line for secret in SECRETS)]
    assert [] == [line[:300] for line in betrayed[:3]]


def _assert_silent(answer: httpx.Response) -> None:
    if answer.headers.get("content-type", "").startswith("application/json"):
        answer.read()
        assert_nothing_betrayed(answer.text)


def environ(told: Mapping[str, str]) -> dict[str, str]:
    """The environment without settings of whoever runs the tests, and with these."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ARGUS_") and name != "DATABASE_URL"}
    return bare | dict(told)


def descendants(root: int) -> list[int]:
    """All processes that descend from this one."""
    children = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                children[int((entry / "stat").read_text().rpartition(")")[2].split()[1])].append(int(entry.name))
    found = []
    todo = [root]
    while todo:
        found += (mine := children[todo.pop()])
        todo += mine
    return found


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _announced(process: subprocess.Popen, log: Path) -> str:
    """The address on its standard output; what follows there stays unread, which is little."""
    said = b""
    until = time.monotonic() + START_WITHIN
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0 and selector.select(left):
            piece = os.read(process.stdout.fileno(), 4096)
            said += piece
            if found := _ADDRESS.search(said):
                return found[0].decode()
            if not piece:
                break
    raise AssertionError(f"argus serve does not announce where it listens:\n{said.decode()}{log.read_text()}")


def _stop(process: subprocess.Popen) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.wait(STOP_WITHIN)

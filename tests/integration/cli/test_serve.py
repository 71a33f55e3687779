"""`argus serve`: what is started comes, stays, and goes in order, however it is ended."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from adapters import databases, supervisor
from adapters.asgi import DRAIN_SECONDS
from adapters.db.embedded import running
from adapters.settings import load
from integration.serving import impatience, process

ARGUS = [sys.executable, "-m", "adapters.cli"]
IMPATIENT = [
    sys.executable,
    "-c",
    "from adapters import supervisor; supervisor.SILENT, supervisor.STARTING = 4.0, 20.0; from adapters.cli import main; main()",
]
PATIENCE = 60


def until(condition, what):
    """Wait for something to become true; gives what made it so."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited too long for {what}")


def children(pid):
    """The processes that this one started, and what they are."""
    numbers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = {}
    for number in numbers:
        words = command_line(int(number))
        if "adapters" in words:
            found[int(number)] = words[words.index("adapters") + 1]
    return found


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return []


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def postmaster(folder):
    return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


def said(environment, *words):
    """What a command prints, which has to succeed."""
    return subprocess.run([*ARGUS, *words], env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout


class Server:
    def __init__(self, process, folder):
        self.process = process
        self.folder = folder
        with impatience(process):
            line = process.stdout.readline()
        assert re.fullmatch(r"Argus \S+ serves http://127\.0\.0\.1:\d+/\n", line), (line, process.poll())
        self.url = line.split()[-1]

    @property
    def pid(self):
        return self.process.pid

    def children(self, role):
        return {pid for pid, its in children(self.pid).items() if its == role}

    def is_ready(self):
        try:
            return httpx.get(f"{self.url}health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


@pytest.fixture
def serve(environment, folder):
    with ExitStack() as stack:

        def serve(*options, command=ARGUS, **variables):
            settings = environment | {"ARGUS_DATA": str(folder / "data")} | variables
            words = [*command, "serve", "--port", "0", *options]
            started = stack.enter_context(process(*words, env=settings, cwd=folder, stdout=subprocess.PIPE, text=True))
            return Server(started, folder / "data")

        yield serve
    if (folder / "data").exists():  # becomes a user and leaves as the last one, which stops the server
        with running(folder / "data"):
            pass


def test_what_dies_or_hangs_is_replaced_and_sigterm_ends_everything_in_order(serve, environment):
    server = serve("--workers", "2", command=IMPATIENT)
    asked = said(environment, "health", server.url)
    hanging, dying = until(lambda: len(server.children("asgi")) == 2 and server.children("asgi"), "two HTTP processes")
    (worker,) = until(lambda: server.children("worker"), "the worker")

    for pid, how in ((hanging, signal.SIGSTOP), (dying, signal.SIGKILL), (worker, signal.SIGKILL)):
        os.kill(pid, how)
    until(lambda: len(server.children("asgi") - {hanging, dying}) == 2, "other HTTP processes")
    until(lambda: server.children("worker") - {worker}, "another worker")
    until(server.is_ready, "an answer")
    family = {*children(server.pid), postmaster(server.folder)}
    code = server.stop()

    assert "ready\n" == asked
    assert 0 == code
    assert set() == {pid for pid in {hanging, *family} if lives(pid)}


def test_a_killed_supervisor_takes_its_processes_along_and_the_next_one_attaches(serve):
    first = serve()
    until(lambda: first.children("worker"), "the worker")
    family = set(children(first.pid))
    database = postmaster(first.folder)

    first.process.kill()
    first.process.wait()
    until(lambda: not any(map(lives, family)), "the end of all processes")
    second = serve()
    attached = postmaster(second.folder)

    assert database == attached
    assert 0 == second.stop(signal.SIGINT)
    assert not lives(database)


def test_a_database_that_dies_is_started_again(serve):
    server = serve("--no-worker")
    until(server.is_ready, "an answer")
    database = postmaster(server.folder)

    os.kill(database, signal.SIGKILL)
    until(lambda: not lives(database), "its end")
    until(server.is_ready, "an answer from another one")

    assert set() == server.children("worker")
    assert 0 == server.stop()


@contextmanager
def half_a_login(server):
    """A connection on which a request has begun, and what is missing of it."""
    host, port = re.search(r"//(.*):(\d+)/", server.url).groups()
    body = json.dumps({"username": "alice", "password": "correct horse"}).encode()
    head = f"POST /api/v2/token-auth/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(head.encode() + body[:5])
        until(server.is_ready, "an answer")  # so that what was sent before has been read
        server.process.terminate()
        until(lambda: refuses(host, int(port)), "the end of listening")
        yield connection, body[5:]


def refuses(host, port):
    try:
        socket.create_connection((host, port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_request_that_has_begun_is_answered_before_the_end(serve, database_url):
    server = serve("--no-worker", DATABASE_URL=database_url)

    with half_a_login(server) as (connection, rest):
        connection.sendall(rest)
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert 0 == server.process.wait(PATIENCE)


def test_a_second_signal_waits_for_nobody_and_a_named_database_is_all_that_is_used(serve, database_url):
    server = serve("--no-worker", DATABASE_URL=database_url)

    with half_a_login(server):
        began = time.monotonic()
        code = server.stop()

    assert 0 == code
    assert time.monotonic() - began < DRAIN_SECONDS / 2
    assert not server.folder.exists()


class Dying:
    """Something that has to be cleared up after; a signal comes meanwhile."""

    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("moment", ["start", "look"])
def test_a_signal_is_obeyed_even_when_its_interruption_is_lost(moment, database_url, tmp_path, monkeypatch):
    """
    Python drops what is raised while it clears up after something: while the database starts, or while somebody looks whether it lives.
    """
    lost = []

    def revive():
        if moment == "look":
            Dying()
        return False

    @contextmanager
    def ready(_):
        if moment == "start":
            Dying()
        yield databases.Ready(database_url, database_url, revive)

    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: lost.append(dropped.exc_type))
    monkeypatch.setattr(databases, "ready", ready)
    settings = load(None, {"DATABASE_URL": database_url}, tmp_path).settings

    supervisor.serve(supervisor.Plan(settings=settings, port=0, with_worker=False), lambda _: None)

    assert [supervisor.Told] == lost


@contextmanager
def refused(environment, folder, *arguments, **variables):
    result = subprocess.run(
        [*ARGUS, *arguments], env=environment | variables, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert 1 == result.returncode
    assert 1 == len(result.stderr.splitlines()), result.stderr
    yield result.stderr


def test_what_keeps_it_from_starting_is_one_line(environment, folder, empty_database_url):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with refused(environment, folder, "serve", "--port", str(port)) as sentence:
            assert f"Error: Port {port} on 127.0.0.1 cannot be used (Address already in use)" in sentence
    with refused(environment, folder, "serve", "--port", "0", DATABASE_URL=empty_database_url) as sentence:
        assert "run `argus migrate`" in sentence
    with refused(environment, folder, "serve", "--port", "0", "--data", "/proc/argus") as sentence:
        assert "/proc/argus" in sentence
    with refused(environment, folder, "serve", ARGUS_POOL_SIZE="many") as sentence:
        assert "ARGUS_POOL_SIZE is 'many'" in sentence


def test_commands_start_the_embedded_server_for_the_moment(environment, folder):
    data = folder / "data"
    made = said(environment, "source", "create", "oslo", "--type", "nav", "--data", data)
    listed = said(environment, "source", "list", "--data", data)

    assert re.fullmatch(r"[\w-]{40,}\n", made)
    assert "oslo" in listed
    assert not (data / "postgres" / "postmaster.pid").exists()


NOTHING_MADE = [
    ("apply", "team.toml", "--dry-run"),
    ("migrate", "--plan"),
    ("migrate", "--to", "0007"),
    ("prune", "--dry-run"),
    ("prune",),
    ("user", "list"),
    ("user", "grant", "ola", "--staff"),
    ("source", "list"),
    ("source", "rename", "oslo", "bergen"),
    ("token", "list"),
    ("token", "create", "ola", "laptop"),
    ("deliveries", "list"),
    ("deliveries", "retry", "1"),
    ("audit", "list"),
    ("audit", "export"),
    ("audit", "prune", "--before", "2020-01-01"),
]


@pytest.mark.parametrize("words", NOTHING_MADE, ids=" ".join)
def test_a_mistyped_folder_is_no_new_database(environment, folder, words):
    (folder / "team.toml").write_text('[[users]]\nusername = "ola"\n')

    done = subprocess.run(
        [*ARGUS, *words, "--data", "typo"], env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE
    )

    assert (1, "") == (done.returncode, done.stdout)
    assert f"Error: There is no database in {folder / 'typo'}. If that is the right folder," in done.stderr.splitlines()[-1]
    assert ["team.toml"] == [path.name for path in folder.iterdir()]


def test_nor_is_the_usual_folder_or_a_strange_one(environment, folder):
    home = environment | {"HOME": str(folder), "XDG_DATA_HOME": ""}
    (folder / "photos").mkdir()
    (folder / "photos" / "one.jpg").touch()

    with refused(home, folder, "user", "list") as sentence:
        assert f"There is no database in {folder}/.local/share/argus." in sentence
    with refused(home, folder, "user", "list", "--data", "photos") as sentence:
        assert f"There is no database in {folder}/photos." in sentence
    with refused(home, folder, "user", "list", "--data", "photos/one.jpg/x") as sentence:
        assert "There is no database in" in sentence
    assert ["photos"] == [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("words", [("migrate",), ("apply", "team.toml"), ("user", "create", "eva", "--no-password")], ids=" ".join)
def test_a_command_that_may_makes_the_folder(environment, folder, words):
    (folder / "team.toml").write_text('[[users]]\nusername = "ola"\n')

    subprocess.run([*ARGUS, *words, "--data", "new"], env=environment, cwd=folder, check=True, timeout=PATIENCE, stderr=subprocess.DEVNULL)

    assert (folder / "new" / "postgres").is_dir()
    assert "NUMBER" in said(environment, "user", "list", "--data", folder / "new")


def test_a_token_made_by_a_command_opens_a_server_that_runs(serve, environment):
    server = serve("--no-worker")
    token = said(environment, "source", "create", "oslo", "--type", "nav", "--data", server.folder).strip()
    report = {"start_time": "2024-05-17T12:00:00Z", "description": "down", "tags": []}

    answer = httpx.post(f"{server.url}api/v2/incidents/", json=report, headers={"Authorization": f"Token {token}"})

    assert (201, "down") == (answer.status_code, answer.json()["description"])
    assert 0 == server.stop()


def test_without_the_server_s_packages_it_says_what_to_install(environment):
    missing = "import sys; sys.modules['click'] = None; from adapters.cli import main; main()"

    result = subprocess.run([sys.executable, "-c", missing], env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)

    assert (2, "Argus is installed without its server: pip install 'argus-core[server]'\n") == (result.returncode, result.stderr)


def test_a_worker_alone_ends_when_told(environment, folder, database_url):
    with process(
        *ARGUS, "worker", env=environment | {"DATABASE_URL": database_url}, cwd=folder, stdout=subprocess.PIPE, text=True
    ) as worker:
        with impatience(worker):
            line = worker.stdout.readline()
        worker.terminate()

        assert "The worker is ready.\n" == line
        assert 0 == worker.wait(PATIENCE)


def test_a_password_is_asked_for_twice_and_not_shown(environment, folder, database_url):
    import pty

    main, terminal = pty.openpty()
    with process(
        *(*ARGUS, "user", "create", "alice"),
        env=environment | {"DATABASE_URL": database_url},
        cwd=folder,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        start_new_session=True,
    ) as command:
        os.close(terminal)
        shown = b""
        with impatience(command):
            for prompt in (b"Password: ", b"Repeat for confirmation: "):
                while prompt not in shown:
                    shown += os.read(main, 1024)
                os.write(main, b"correct horse\n")
        command.wait(PATIENCE)
    os.close(main)

    with psycopg.connect(database_url) as connection:
        kept = connection.execute("select password from account where username = 'alice'").fetchone()
    assert b"correct horse" not in shown
    assert kept[0].startswith("$argon2id$")

"""`argus demo` as somebody meets it who wants to see Argus."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

import httpx
import pytest

from adapters.demo.people import PEOPLE
from integration.serving import ARGUS, START_WITHIN, STOP_WITHIN, argus, descendants, environ, impatience, process

LAST_LINE = "until Ctrl-C"


class Demo:
    """A demo that runs, and what it has said so far."""

    def __init__(self, process, errors):
        self.process, self.errors = process, errors
        self.greeting = ""
        with impatience(process):
            while LAST_LINE not in self.greeting and (line := process.stdout.readline()):
                self.greeting += line
        assert LAST_LINE in self.greeting, self.greeting + errors.read_text()

    @property
    def url(self):
        return re.search(r"http://[\d.:]+", self.greeting)[0]

    @property
    def commands(self):
        return [line for line in self.greeting.splitlines() if line.startswith("curl ")]

    def said(self, label):
        return re.search(rf"^ *{label} +(.+)$", self.greeting, re.MULTILINE)[1]

    def client(self):
        token = self.said("Token of ingrid")
        return httpx.Client(base_url=f"{self.url}/api/v2/", headers={"Authorization": f"Token {token}"}, timeout=30)

    def newest(self):
        """The highest number of an incident."""
        with self.client() as client:
            return max(incident["pk"] for incident in client.get("incidents/?page_size=100").raise_for_status().json()["results"])

    def wait_for_new(self, than):
        until = time.monotonic() + START_WITHIN
        while time.monotonic() < until:
            with suppress(httpx.HTTPError):  # a stand-in says 503 meanwhile
                if self.newest() > than:
                    return
            time.sleep(0.1)
        raise AssertionError(f"Nothing was reported after incident {than}:\n{self.errors.read_text()}")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(STOP_WITHIN)


@contextmanager
def started(data, *arguments, environment=None):
    errors = data.with_suffix(".log")
    command = [ARGUS, "demo", "--port", "0", "--data", data, *arguments]
    with errors.open("wb") as log, process(*command, env=environ(environment or {}), stdout=PIPE, stderr=log, text=True) as running:
        yield Demo(running, errors)
        if running.poll() is None:
            running.terminate()
            running.wait(STOP_WITHIN)


def run(*arguments):
    return subprocess.run(
        [ARGUS, "demo", *map(str, arguments)], env=environ({}), capture_output=True, text=True, check=False, timeout=START_WITHIN
    )


def pasted(command):
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def postgres_of(data):
    """The number of the server's first process, if there is one."""
    try:
        return int((data / "postgres" / "postmaster.pid").read_text().split()[0])
    except FileNotFoundError:
        return None


@pytest.fixture(scope="module")
def folder():
    path = Path(tempfile.mkdtemp(prefix="argus-demo-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def demo(folder):
    elsewhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "ARGUS_DATA": str(folder / "elsewhere")}
    with started(folder / "living", "--incidents", 500, "--pace", 20, environment=elsewhere) as demo:
        yield demo


@dataclass
class Stopped:
    """A demo that ran for a while and was told to stop."""

    data: Path
    demo: Demo
    newest: int
    processes: list[int]
    code: int


@pytest.fixture(scope="module")
def stopped(folder):
    data = folder / "stopped"
    with started(data, "--incidents", 300, "--pace", 20) as demo:
        demo.wait_for_new(demo.newest())
        processes = [*descendants(demo.process.pid), postgres_of(data)]
        newest = demo.newest()

        return Stopped(data, demo, newest, processes, demo.stop())


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_three_lines_can_be_pasted(demo):
    listing, reporting, acknowledging = demo.commands

    listed = pasted(listing)["results"]
    reported = pasted(reporting)
    acknowledged = pasted(acknowledging)

    assert listed
    assert all(incident["open"] and not incident["acked"] for incident in listed)
    assert reported["open"]
    assert acknowledged["event"]["type"]["value"] == "ACK"
    with demo.client() as client:
        assert client.get(f"incidents/{acknowledged['event']['incident']}/").json()["acked"]


@pytest.mark.parametrize("username", [person.username for person in PEOPLE[:2]])
def test_its_people_can_log_in(demo, username):
    answer = httpx.post(f"{demo.url}/api/v2/auth/token/login/", json={"username": username, "password": demo.said("Password")}, timeout=30)

    assert answer.status_code == 200, answer.text


def test_there_is_a_history(demo):
    with demo.client() as client:
        oldest = client.get("incidents/1/").json()
        events = client.get("incidents/1/events/").json()

    assert not oldest["open"]
    assert events


def test_it_has_a_mailbox_to_look_at(demo):
    answer = httpx.get(demo.said("Mailbox"), timeout=30)

    assert (200, demo.url) == (answer.status_code, demo.said("Mailbox").removesuffix("/demo/mailbox/"))
    assert "<h1>Mailbox</h1>" in answer.text


def test_people_want_to_be_told_by_mail(demo):
    with demo.client() as client:
        profiles = client.get("notificationprofiles/").json()

    assert {"Everything critical", "Bergen"} == {profile["name"] for profile in profiles}
    assert {"email"} == {destination["media"]["slug"] for profile in profiles for destination in profile["destinations"]}


def test_the_network_goes_on(demo):
    demo.wait_for_new(demo.newest())


def test_the_network_goes_on_after_the_server_was_killed(demo):
    newest = demo.newest()
    (server,) = [pid for pid in descendants(demo.process.pid) if "asgi" in _command(pid)]

    os.kill(server, signal.SIGKILL)

    demo.wait_for_new(newest)


def _command(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_it_ends_in_order_when_told_to(stopped):
    assert stopped.code == 0
    assert not [pid for pid in stopped.processes if Path(f"/proc/{pid}").exists()]
    assert postgres_of(stopped.data) is None


def test_it_says_little(stopped):
    line = r"Made up 30 days: \d+ incidents, \d+ events, \d+ acknowledgements, in [\d.]+ s\.\n"

    assert re.fullmatch(line, stopped.demo.errors.read_text())


def test_started_again_it_goes_on_where_it_was(stopped, folder):
    data = shutil.copytree(stopped.data, folder / "again", ignore=shutil.ignore_patterns("socket"))
    with started(data, "--incidents", 300) as again:
        assert again.errors.read_text() == ""
        assert stopped.newest < again.newest() < stopped.newest + 100
        labels = ("Password", "Token of ingrid", "Token of nav-south")
        assert [stopped.demo.said(label) for label in labels] == [again.said(label) for label in labels]


def test_it_can_begin_anew(stopped, folder):
    data = shutil.copytree(stopped.data, folder / "anew", ignore=shutil.ignore_patterns("socket"))
    with started(data, "--incidents", 300, "--fresh") as fresh:
        assert "Made up 30 days" in fresh.errors.read_text()
        assert stopped.demo.said("Password") != fresh.said("Password")
        login = {"username": "admin", "password": fresh.said("Password")}
        assert httpx.post(f"{fresh.url}/api/v2/auth/token/login/", json=login, timeout=30).is_success


def test_it_does_not_begin_anew_while_it_runs(demo, folder):
    refused = run("--data", folder / "living", "--port", 0, "--fresh")

    assert refused.returncode != 0
    assert "is running; stop it" in refused.stderr
    assert demo.newest()


def test_told_to_stop_while_it_makes_up_history_it_stops_and_begins_again_later(folder):
    data = folder / "early"
    log = data.with_suffix(".log")
    command = [ARGUS, "demo", "--port", "0", "--data", data, "--incidents", "200000"]
    with log.open("wb") as said, process(*command, env=environ({}), stdout=said, stderr=said) as early:
        until = time.monotonic() + START_WITHIN
        while not _is_loading(data) and time.monotonic() < until:
            time.sleep(0.05)

        early.send_signal(signal.SIGINT)

        assert early.wait(STOP_WITHIN) == 0
    assert log.read_text() == ""
    assert postgres_of(data) is None

    with started(data, "--incidents", 300) as demo:
        assert "Made up 30 days" in demo.errors.read_text()


def _is_loading(data):
    """Whether history is being made up: everybody has a token by then."""
    with suppress(FileNotFoundError):
        return json.loads((data / "demo.json").read_text())["tokens"] != {}
    return False


def test_a_port_that_is_taken_is_said_in_one_line_before_anything_is_done(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        refused = run("--data", folder / "nothing", "--port", port)

    assert refused.returncode != 0
    (line,) = refused.stderr.splitlines()
    assert str(port) in line
    assert "--port" in line
    assert not (folder / "nothing").exists()


def test_it_keeps_away_from_an_installation_in_earnest(folder):
    data = folder / "earnest"
    argus("user", "create", "alice", "--no-password", "--data", data, environment={}, folder=folder)

    for more in ([], ["--fresh"]):
        refused = run("--data", data, "--port", 0, *more)

        assert refused.returncode != 0
        (line,) = refused.stderr.splitlines()
        assert "is not a demo" in line
    assert "alice" in argus("user", "list", "--data", data, environment={}, folder=folder)


def test_it_does_not_touch_what_the_settings_name(demo, folder):
    assert demo.newest()
    assert not (folder / "elsewhere").exists()

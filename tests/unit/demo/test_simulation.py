"""The simulated network against a server of a few lines that keeps what it is told."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from adapters.demo.client import Client, NoAnswer, Refused
from adapters.demo.installation import SOURCES
from adapters.demo.people import PEOPLE
from adapters.demo.simulation import Simulation

TOKENS = {name: f"token-of-{name}" for name in (*SOURCES, *(person.username for person in PEOPLE))}
HURRIED = 300.0


class Server:
    """Answers as the API would, to what the simulation asks for; `down` makes it answer 503."""

    def __init__(self, *, open_incidents=()):
        self.open_incidents = list(open_incidents)
        self.asked = []
        self.down = False
        self.tokens = set(TOKENS.values())
        self.changed = threading.Condition()

    def answer(self, method, path, token, body):
        with self.changed:
            self.changed.notify_all()
            if self.down:
                return 503, {}
            if token not in self.tokens:
                return 401, {"detail": "Invalid token."}
            self.asked.append((method, path, token, body))
            if method == "POST" and path == "incidents/":
                return 201, {"pk": 1000 + len(self.asked)}
            if method == "GET" and path.startswith("incidents/?"):
                return 200, {"next": None, "results": self.open_incidents}
            if method == "GET":
                return 200, {"tags": [{"tag": "host=a"}]}
            return 201, {}

    def wait_for(self, wanted):
        """What was asked, when that suffices."""
        with self.changed:
            assert self.changed.wait_for(lambda: wanted(self.asked), timeout=20)
            return list(self.asked)


@contextmanager
def listening(server):
    class Handler(BaseHTTPRequestHandler):
        def do_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            token = self.headers["Authorization"].removeprefix("Token ")
            path = self.path.removeprefix("/api/v2/")
            status, said = server.answer(self.command, path, token, json.loads(body) if body else None)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        do_GET = do_POST = do_PUT = do_PATCH = do_any  # noqa: N815 - as the standard library has it

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/"
        finally:
            http.shutdown()
            thread.join()


@contextmanager
def simulated(server, *, pace=HURRIED, seed=1):
    """A simulation that runs; gives the list into which the number to try things on comes."""
    with listening(server) as address:
        simulation = Simulation(address, TOKENS, pace=pace, seed=seed)
        begun = []
        simulation.start(begun.append)
        try:
            yield begun
        finally:
            simulation.stop()


def by(kind):
    return lambda asked: [request for request in asked if request[0] == "POST" and request[1].endswith(kind)]


reports = by("incidents/")
acks, events = by("/acks/"), by("/events/")


def test_sources_report_and_people_acknowledge_each_with_a_token_of_their_own():
    server = Server()

    with simulated(server):
        asked = server.wait_for(lambda asked: len(acks(asked)) > 2 and len(events(asked)) > 5)

    of_sources = {TOKENS[name] for name in SOURCES}
    of_people = {TOKENS[person.username] for person in PEOPLE}
    assert {token for _, _, token, _ in reports(asked)} <= of_sources
    assert {token for _, _, token, _ in acks(asked)} <= of_people
    assert {token for _, _, token, body in events(asked) if body["type"] == "END"} <= of_sources
    assert {token for _, _, token, body in events(asked) if body["type"] in ("CLO", "REO")} <= of_people


def test_one_incident_is_left_to_whoever_looks():
    server = Server()

    with simulated(server) as begun:
        asked = server.wait_for(lambda asked: len(events(asked)) > 20)

    (try_on,) = begun
    assert reports(asked)
    assert not [path for _, path, _, _ in asked if path.startswith(f"incidents/{try_on}/")]


def test_what_is_open_at_the_start_ends_some_day():
    known = {"pk": 7, "source": {"name": "nav-north"}, "acked": True}
    foreign = {"pk": 8, "source": {"name": "somebody-elses"}, "acked": False}
    server = Server(open_incidents=[known, foreign])

    with simulated(server, pace=50_000.0):
        asked = server.wait_for(lambda asked: any(path == "incidents/7/events/" for _, path, _, _ in asked))

    assert ("END", TOKENS["nav-north"]) in [(body["type"], token) for _, path, token, body in asked if path == "incidents/7/events/"]
    assert not [path for _, path, _, _ in asked if path.startswith("incidents/8/")]


def test_a_server_that_is_away_is_waited_for(monkeypatch):
    monkeypatch.setattr("adapters.demo.simulation.RETRY", 0.01)
    server = Server()

    with simulated(server):
        before = len(server.wait_for(lambda asked: len(asked) > 5))
        server.down = True
        time.sleep(0.1)
        server.down = False
        server.wait_for(lambda asked: len(asked) > before + 5)


def test_a_token_that_was_taken_away_does_not_stop_the_others():
    server = Server()
    server.tokens -= {TOKENS["nav-south"], TOKENS["ingrid"]}

    with simulated(server):
        server.wait_for(lambda asked: len(asked) > 30)


def test_it_stops_at_once_even_when_nobody_answers():
    server = Server()
    server.down = True
    with listening(server) as address:
        simulation = Simulation(address, TOKENS)
        simulation.start(lambda _: None)
        with server.changed:
            server.changed.wait(5)
        began = time.monotonic()

        simulation.stop()

        assert time.monotonic() - began < 1


def test_a_refusal_tells_what_the_server_said():
    server = Server()
    with listening(server) as address, pytest.raises(Refused) as refused:
        Client(address).get("incidents/1/", "unknown")

    assert (401, {"detail": "Invalid token."}) == (refused.value.status, refused.value.said)


def test_no_server_is_no_answer():
    with listening(Server()) as address:
        gone = address

    with pytest.raises(NoAnswer):
        Client(gone).get("incidents/1/", "any")

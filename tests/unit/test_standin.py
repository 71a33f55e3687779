"""Who answers while no process can."""

import socket
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from adapters.standin import PATIENCE, StandIn


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@contextmanager
def standing_in(listener, serves):
    stand_in = StandIn(listener, serves)
    stand_in.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    stand_in.stop()


def test_whoever_asks_while_nobody_serves_is_told_to_come_back_in_time(listener):
    with standing_in(listener, lambda: False) as url:
        began = time.monotonic()
        answers = [httpx.post(url, json={"description": "x" * size}) for size in (1, 1000, 100_000)]
        took = time.monotonic() - began

    assert [(503, "1")] * 3 == [(answer.status_code, answer.headers["retry-after"]) for answer in answers]
    assert {"detail"} == set(answers[0].json())
    assert took < PATIENCE + 1.5


def test_one_who_says_nothing_does_not_keep_others_waiting(listener):
    with standing_in(listener, lambda: False) as url, socket.create_connection(listener.getsockname()):
        assert 503 == httpx.get(url).status_code


def test_connections_are_left_to_those_who_serve(listener):
    with standing_in(listener, lambda: True), socket.create_connection(listener.getsockname()) as asking:
        asking.settimeout(PATIENCE + 0.5)
        with pytest.raises(TimeoutError):
            asking.recv(1)
        listener.accept()[0].close()


def test_it_stops_standing_in_when_somebody_serves_and_begins_again_when_nobody_does(listener):
    served = threading.Event()
    with standing_in(listener, served.is_set) as url:
        first = httpx.get(url).status_code
        served.set()
        time.sleep(0.3)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(url, timeout=0.5)
        listener.accept()[0].close()
        served.clear()
        last = httpx.get(url).status_code

    assert [503, 503] == [first, last]

"""Metrics of a process that answers nothing else."""

import socket
from ipaddress import ip_network

import httpx
import pytest

from adapters.refusals import Refusal
from adapters.telling import telling


@pytest.mark.parametrize(
    ("allowed", "path", "status", "body"),
    [
        ("127.0.0.0/8", "/metrics", 200, b"argus_up 1\n"),
        ("127.0.0.0/8", "/metrics?a=1", 200, b"argus_up 1\n"),
        ("127.0.0.0/8", "/", 404, b""),
        ("10.0.0.0/8", "/metrics", 403, b""),
    ],
)
def test_those_who_may_ask_are_answered(allowed, path, status, body):
    with telling("127.0.0.1", 0, [ip_network(allowed)], lambda: b"argus_up 1\n") as port:
        answer = httpx.get(f"http://127.0.0.1:{port}{path}")

    assert (status, body) == (answer.status_code, answer.content)


def test_somebody_who_says_nothing_does_not_keep_it_from_ending_or_answering():
    with telling("127.0.0.1", 0, [ip_network("127.0.0.1")], lambda: b"argus_up 1\n") as port, socket.create_connection(("127.0.0.1", port)):
        assert 200 == httpx.get(f"http://127.0.0.1:{port}/metrics").status_code


def test_an_address_that_is_taken_is_refused():
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(Refusal, match="cannot be used"),
        telling("127.0.0.1", taken.getsockname()[1], [], bytes),
    ):
        pass

"""What somebody tries who wants headers of their own in answers, or to know who has an account."""

import math
import random
import re
import socket
import time
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest

from argus_core.domain import throttle
from integration.serving import applied

SECRET = "correct horse"
EVIL = "a\r\nX-Injected: 1"
ENCODED = quote(EVIL)


def answered(site, method, path, headers, body=b""):
    """The head of an answer as it comes over the wire: clients hide what they do not expect."""
    where = urlsplit(site.url)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {where.netloc}", "Connection: close", *headers, f"Content-Length: {len(body)}"]
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        said = b""
        while piece := connection.recv(65_536):
            said += piece
    return said.partition(b"\r\n\r\n")[0].decode("latin-1")


def headers_of(head):
    """The names of all headers, whatever ends a line for whoever reads them."""
    return {re.split(r"[:\s]", line.strip().lower(), maxsplit=1)[0] for line in re.split(r"[\r\n\v\f]+", head)[1:]}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"/login/?next=/{ENCODED}", []),
        (f"/admin/?a={ENCODED}", []),
        (f"/account/{ENCODED}", ["Accept: text/html"]),
        (f"/api/v2/incidents?a={ENCODED}", []),
        (f"/api/v2/incidents/1/tags/{ENCODED}", []),
        (f"/oidc/login/feide/?next=/{ENCODED}", []),
        (f"/oidc/login/{ENCODED}/", []),
        (f"/oidc/complete/feide/?state={ENCODED}&code={ENCODED}&error={ENCODED}", []),
        (f"/static/{ENCODED}", []),
        ("/login/", [f"X-Request-Id: {ENCODED}"]),
        ("/login/", ["X-Request-Id: a\r\n X-Injected: 1"]),
        ("/login/", ["X-Request-Id: a\rX-Injected: 1"]),
        ("/api/", [f"Origin: https://{ENCODED}"]),
        ("/account/", [f"Cookie: argus_visitor={ENCODED}; argus_session={ENCODED}"]),
        ("/account/", [f"X-Forwarded-Proto: {ENCODED}", f"X-Forwarded-For: {ENCODED}", f"X-Forwarded-Host: {ENCODED}"]),
    ],
)
def test_nobody_makes_headers(site, path, headers):
    assert "x-injected" not in headers_of(answered(site, "GET", path, headers))


@pytest.mark.parametrize("field", ["next", "username", "password"])
def test_nobody_makes_headers_with_forms(site, field):
    """
    A login that succeeds leads on to what the form says.
    """
    browser = site.browser()
    fields = {"csrf_token": browser.token(), "username": "alice", "password": SECRET, "next": "/account/"}
    fields[field] = f"/{EVIL}" if field == "next" else f"{fields[field]}{EVIL[1:]}"
    cookies = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    sent = ["Content-Type: application/x-www-form-urlencoded", f"Cookie: {cookies}"]

    head = answered(site, "POST", "/login/", sent, urlencode(fields).encode())

    assert f" {303 if field == 'next' else 400} " in head.partition("\r\n")[0]
    assert "x-injected" not in headers_of(head)


def apart(one, other):
    """How far the times lie apart: Mann and Whitney's U, in standard deviations of what chance alone makes of it."""
    wins = sum((a > b) + (a == b) / 2 for a in one for b in other)
    size = len(one) * len(other)
    return (wins - size / 2) / math.sqrt(size * (len(one) + len(other) + 1) / 12)


CHANCE = 4.0
"""Chance lies further apart once in sixteen thousand times; to send a mail meanwhile, or to hash no password, is close to 5."""


@pytest.fixture(scope="module")
def crowd(site):
    """People of whom nobody has tried anything so far."""
    names = [f"crowd-{number}" for number in range(7)]
    users = [{"actor": name, "username": name, "password": SECRET, "email": f"{name}@example.org"} for name in names]
    applied({"users": users}, environment=site.environment, folder=site.folder)
    return names


def clients(site, first):
    """Somebody on another address each time, as the limits for one of them are soon reached."""
    for number in range(first, 250):
        with httpx.Client(base_url=site.url, transport=httpx.HTTPTransport(local_address=f"127.0.0.{number}"), timeout=30) as client:
            form = re.search(r'name="csrf_token" value="(\w+)"', client.get("/login/").text)[1]
            yield client, form


def timed(site, first, per_client, path, fields):
    """How long each of these forms takes to be answered, in an order that nobody could guess."""
    order = list(range(len(fields)))
    random.Random(7).shuffle(order)  # noqa: S311 - the same each time
    seconds = {}
    coming = clients(site, first)
    for place, number in enumerate(order):
        if place % per_client == 0:
            client, form = next(coming)
        begin = time.perf_counter()
        answer = client.post(path, data={"csrf_token": form, **fields[number]})
        seconds[number] = time.perf_counter() - begin
        assert answer.status_code in (200, 400), answer.text
    coming.close()
    return [seconds[number] for number in range(len(fields))]


def test_a_login_takes_as_long_for_somebody_as_for_nobody(site, crowd):
    times = throttle.FAILURES_PER_ACCOUNT
    known = [{"username": crowd[0], "password": "wrong"}] * times
    unknown = [{"username": f"nobody-{number}", "password": "wrong"} for number in range(times)]

    seconds = timed(site, 10, 2 * times, "/login/", [*known, *unknown])

    assert abs(apart(seconds[:times], seconds[times:])) < CHANCE, seconds


def test_asking_for_a_new_password_takes_as_long_for_somebody_as_for_nobody(site, crowd):
    known = [{"email": f"{name}@example.org"} for name in crowd for _ in range(3)]
    unknown = [{"email": f"nobody-{number}@example.org"} for number in range(len(known))]

    seconds = timed(site, 20, 14, "/password-reset/", [*known, *unknown])

    assert abs(apart(seconds[: len(known)], seconds[len(known) :])) < CHANCE, seconds

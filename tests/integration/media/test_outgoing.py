"""Requests to URLs that users have given: where they go, what they say, and what becomes of servers that do not play along."""

import asyncio
import gzip
import ssl
import time
from contextlib import asynccontextmanager
from ipaddress import ip_network
from types import SimpleNamespace

import pytest
import trustme

from adapters.media.outgoing import MOST_BYTES, Outgoing, Refused, Unanswered, Unreachable

pytestmark = pytest.mark.anyio

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
FINE = b"HTTP/1.1 200 Fine\r\nX-Mood: Good\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def server(answer=FINE, *, tls=None, host="127.0.0.1"):
    """A server that keeps what it is asked; `answer` is bytes, or what writes them."""
    got = SimpleNamespace(requests=[], connections=0, names=[])

    async def serve(reader, writer):
        got.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *rest = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
            body = await reader.readexactly(int(headers["content-length"]))
            got.requests.append(SimpleNamespace(line=line, headers=headers, body=body))
            if callable(answer):
                await answer(writer)
            else:
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    if tls:
        tls.sni_callback = lambda connection, name, context: got.names.append(name)
    listening = await asyncio.start_server(serve, host, 0, ssl=tls)
    got.port = listening.sockets[0].getsockname()[1]
    try:
        yield got
    finally:
        listening.close()


def leading_to(*addresses):
    """A look-up that counts, and answers always the same."""

    async def resolve(host, port):
        resolve.asked.append(host)
        return addresses

    resolve.asked = []
    return resolve


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def client_tls(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def server_tls(authority, *names):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def test_the_request_goes_to_the_address_that_was_checked_and_names_the_host():
    resolve = leading_to("127.0.0.1")
    async with server() as got:
        answer = await Outgoing(LOOPBACK, resolve=resolve).post(
            f"http://hooks.example.org:{got.port}/a%2Fb?c=d%20e#f",
            b'{"a": 1}',
            {"Content-Type": "application/json", "X-One": "1"},
        )

    (request,) = got.requests
    assert request.line == "POST /a%2Fb?c=d%20e HTTP/1.1"
    assert request.headers["host"] == f"hooks.example.org:{got.port}"
    assert (request.headers["content-type"], request.headers["x-one"]) == ("application/json", "1")
    assert request.headers["accept-encoding"] == "identity"
    assert request.body == b'{"a": 1}'
    assert ["hooks.example.org"] == resolve.asked
    assert (200, "Good", b"ok") == (answer.status, answer.headers["x-mood"], answer.body)


async def test_a_certificate_is_checked_against_the_host_and_not_the_address(authority, client_tls):
    async with server(tls=server_tls(authority, "hooks.example.org")) as got:
        outgoing = Outgoing(LOOPBACK, tls=client_tls, resolve=leading_to("127.0.0.1"))
        answer = await outgoing.post(f"https://hooks.example.org:{got.port}/", b"", {})
        with pytest.raises(Unreachable, match=r"certificate verify failed: Hostname mismatch"):
            await outgoing.post(f"https://other.example.org:{got.port}/", b"", {})

    assert answer.status == 200
    assert ["hooks.example.org", "other.example.org"] == got.names
    assert [f"hooks.example.org:{got.port}"] == [request.headers["host"] for request in got.requests]


async def test_a_certificate_of_nobody_known_is_refused(authority):
    async with server(tls=server_tls(authority, "hooks.example.org")) as got:
        with pytest.raises(Unreachable, match="certificate verify failed"):
            await Outgoing(LOOPBACK, resolve=leading_to("127.0.0.1")).post(f"https://hooks.example.org:{got.port}/", b"", {})

    assert [] == got.requests


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["192.0.1.1", "127.0.0.1"], ["127.0.0.1", "192.0.1.1"], ["::1"], ["::ffff:127.0.0.1"]]
)
async def test_one_closed_address_among_all_is_enough_to_refuse(addresses):
    async with server() as got:
        with pytest.raises(Refused, match=r"hooks\.example\.org leads to an address that is not public"):
            await Outgoing(resolve=leading_to(*addresses)).post(f"http://hooks.example.org:{got.port}/", b"", {})

    assert 0 == got.connections


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0"])
async def test_no_way_of_writing_it_leads_into_this_machine(host):
    async with server() as got:
        with pytest.raises((Refused, Unreachable)):
            await Outgoing().post(f"http://{host}:{got.port}/", b"", {})

    assert 0 == got.connections


async def test_each_request_looks_the_host_up_once():
    answers = [["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]]

    async def moving(host, port):
        return answers.pop(0)

    async with server() as got:
        outgoing, url = Outgoing(LOOPBACK, resolve=moving), f"http://hooks.example.org:{got.port}/"
        await outgoing.post(url, b"1", {})
        with pytest.raises(Refused):
            await outgoing.post(url, b"2", {})
        await outgoing.post(url, b"3", {})

    assert ([b"1", b"3"], []) == ([request.body for request in got.requests], answers)


async def test_another_address_of_the_host_is_tried_when_one_is_dead():
    async with server(host="127.0.0.1") as got:
        outgoing = Outgoing(LOOPBACK, resolve=leading_to("::1", "127.0.0.1"))

        answer = await outgoing.post(f"http://hooks.example.org:{got.port}/", b"", {})

    assert (200, 1) == (answer.status, len(got.requests))


@pytest.mark.parametrize("addresses", [[], ["not an address"], ["127.0.0.1", "not an address"]])
async def test_a_host_without_an_address_may_get_one_later(addresses):
    with pytest.raises(Unreachable, match="has no address"):
        await Outgoing(LOOPBACK, resolve=leading_to(*addresses)).post("http://hooks.example.org/", b"", {})


async def test_a_host_that_nobody_knows_may_be_known_later():
    with pytest.raises(Unreachable, match=r"nobody\.invalid has no address"):
        await Outgoing().post("https://nobody.invalid/", b"", {})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_answers(status):
    async with server() as elsewhere:
        said = f"HTTP/1.1 {status} There\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\nContent-Length: 0\r\n\r\n".encode()
        async with server(said) as got:
            answer = await Outgoing(LOOPBACK).post(f"http://127.0.0.1:{got.port}/", b"", {})

    assert (status, 0) == (answer.status, elsewhere.connections)


async def test_proxies_of_the_environment_are_not_asked(monkeypatch):
    async with server() as proxy, server() as got:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await Outgoing(LOOPBACK).post(f"http://127.0.0.1:{got.port}/", b"", {})

    assert (1, 0) == (got.connections, proxy.connections)


async def test_a_huge_answer_is_cut():
    async def endless(writer):
        writer.write(b"HTTP/1.1 200 Fine\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with server(endless) as got:
        answer = await Outgoing(LOOPBACK).post(f"http://127.0.0.1:{got.port}/", b"", {})

    assert b"x" * MOST_BYTES == answer.body


async def test_a_packed_answer_is_not_unpacked():
    packed = gzip.compress(bytes(10_000_000))
    said = b"HTTP/1.1 200 Fine\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    async with server(said) as got:
        answer = await Outgoing(LOOPBACK).post(f"http://127.0.0.1:{got.port}/", b"", {})

    assert packed == answer.body


async def hanging(writer):
    await asyncio.sleep(5)


async def dripping(writer):
    writer.write(b"HTTP/1.1 200 Fine\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def dripping_headers(writer):
    writer.write(b"HTTP/1.1 200 Fine\r\n")
    while not writer.is_closing():
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def always_going_on(writer):
    while not writer.is_closing():
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("answer", [hanging, dripping, dripping_headers, always_going_on])
async def test_everything_together_has_to_be_done_in_time(answer):
    began = time.monotonic()
    async with server(answer) as got:
        with pytest.raises(Unanswered, match=r"did not answer within 0\.3 seconds"):
            await Outgoing(LOOPBACK, seconds=0.3).post(f"http://127.0.0.1:{got.port}/", b"", {})

    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n",
        b"\x00\xff" * 1_000,
        b"HTTP/1.1 999999 Odd\r\n\r\n",
        b"HTTP/1.1 200 Fine\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 Fine\r\n" + b"X: y\r\n" * 50_000,
        b"HTTP/1.1 200 Fine\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["nothing", "no http", "binary", "odd status", "too short", "too many headers", "negative", "bad chunk"],
)
async def test_what_is_no_answer_is_no_answer(answer):
    async with server(answer) as got:
        with pytest.raises(Unanswered, match=r"127\.0\.0\.1 cannot be asked: ."):
            await Outgoing(LOOPBACK).post(f"http://127.0.0.1:{got.port}/", b"", {})


async def test_a_look_up_that_hangs_is_given_up():
    async def resolve(host, port):
        await asyncio.sleep(5)

    with pytest.raises(Unreachable, match="did not answer") as caught:
        await Outgoing(LOOPBACK, seconds=0.1, resolve=resolve).post("http://hooks.example.org/", b"", {})

    assert caught.type is Unreachable


@pytest.mark.parametrize("tls", [False, True])
async def test_whoever_cannot_be_reached_has_not_been_asked(tls, client_tls):
    """Nor has a server that does not even know how to begin."""
    async with server(hanging) as got:
        pass
    if tls:
        listening = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", got.port)

    with pytest.raises(Unreachable) as caught:
        await Outgoing(LOOPBACK, tls=client_tls).post(f"http{'s' if tls else ''}://127.0.0.1:{got.port}/", b"", {})

    assert caught.type is Unreachable
    if tls:
        listening.close()


async def test_whoever_stops_a_request_that_is_under_way_is_told_so():
    async with server(hanging) as got:
        with pytest.raises(Unanswered, match="in time"):
            async with asyncio.timeout(0.3):
                await Outgoing(LOOPBACK).post(f"http://127.0.0.1:{got.port}/", b"", {})


async def test_whoever_stops_a_request_before_it_is_under_way_just_stops_it():
    async def resolve(host, port):
        await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await Outgoing(LOOPBACK, resolve=resolve).post("http://hooks.example.org/", b"", {})

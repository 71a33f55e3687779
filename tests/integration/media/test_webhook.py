"""What a receiver gets, and what becomes of each answer."""

import asyncio
import importlib.util
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from adapters.media.outgoing import Outgoing
from adapters.media.webhook import Webhook
from argus_core.conformance import sample_notification
from argus_core.ports.media import PerhapsDelivered, TryLater, Undeliverable

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NOTIFICATION = sample_notification()
LOOPBACK = (ip_network("127.0.0.0/8"),)


def webhook(**outgoing):
    return Webhook({}, outgoing=Outgoing(**{"allowed": LOOPBACK, **outgoing}), clock=lambda: NOW)


def receiver_module():
    spec = importlib.util.spec_from_file_location("receiver", Path(__file__).parents[3] / "examples/webhooks/receiver.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_receiver_gets_a_signed_notification(receiver, secret):
    async with receiver() as got:
        settings = webhook().clean({"url": f"http://127.0.0.1:{got.port}/argus?room=noc", "secret": secret})
        await webhook().send(NOTIFICATION, settings)

    (request,) = got.requests
    assert request.line == "POST /argus?room=noc HTTP/1.1"
    assert request.headers["host"] == f"127.0.0.1:{got.port}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("Argus/")
    assert (request.headers["webhook-id"], request.headers["webhook-timestamp"]) == ("42_2_7", str(int(NOW.timestamp())))
    assert receiver_module().is_genuine(secret, request.headers, request.body, NOW.timestamp())


async def test_a_receiver_notices_whatever_is_changed(receiver, secret):
    async with receiver() as got:
        await webhook().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/", "secret": secret})

    (request,) = got.requests
    is_genuine, now = receiver_module().is_genuine, NOW.timestamp()
    assert not is_genuine(secret, request.headers, request.body + b" ", now)
    assert not is_genuine(secret, {**request.headers, "webhook-id": "other"}, request.body, now)
    assert not is_genuine(secret, {**request.headers, "webhook-timestamp": str(int(now) + 1)}, request.body, now)
    assert not is_genuine("whsec_" + "A" * 44, request.headers, request.body, now)
    assert not is_genuine(secret, request.headers, request.body, now + 301)


async def test_the_body_tells_everything_under_the_names_of_the_api(receiver, secret):
    async with receiver() as got:
        await webhook().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/", "secret": secret})

    told = json.loads(got.requests[0].body)
    assert ["type", "version", "id", "timestamp", "data"] == list(told)
    assert ("argus.notification", 1, "2020-02-20T20:02:22.202021Z") == (told["type"], told["version"], told["timestamp"])
    assert got.requests[0].headers["webhook-id"] == told["id"]
    assert {key: value for key, value in told["data"].items() if key not in ("incident", "events")} == {
        "subject": NOTIFICATION.subject,
        "text": NOTIFICATION.text,
        "link": NOTIFICATION.link,
        "test": False,
        "roundup": False,
    }
    assert told["data"]["incident"] == {
        "pk": 42,
        "version": 2,
        "start_time": "2020-02-20T20:02:20.202021Z",
        "end_time": "infinity",
        "stateful": True,
        "source": {"pk": 1, "name": "nav-oslo", "type": {"name": "nav"}},
        "source_incident_id": "ключ-7",
        "level": 1,
        "description": NOTIFICATION.incident.description,
        "details_url": "https://nav.example.org/?id=7&a=%00",
        "ticket_url": "",
        "tags": [{"tag": "host=gw1"}],
        "metadata": {},
    }
    assert told["data"]["events"] == [
        {
            "pk": 77,
            "type": {"value": "OTH"},
            "actor": {"pk": 2, "username": "ola"},
            "timestamp": "2020-02-20T20:02:21.202021Z",
            "received": "2020-02-20T20:02:22.202021Z",
            "description": "On my way\n.\nQUIT",
        },
    ]


async def test_ends_are_told_apart(receiver, secret):
    incident = NOTIFICATION.incident
    ends = [(True, None), (True, NOW), (False, None)]
    async with receiver() as got:
        for stateful, end in ends:
            notification = replace(NOTIFICATION, incident=replace(incident, stateful=stateful, end_time=end), events=())
            await webhook().send(notification, {"url": f"http://127.0.0.1:{got.port}/", "secret": secret})

    told = [json.loads(request.body)["data"]["incident"]["end_time"] for request in got.requests]
    assert told == ["infinity", "2026-11-23T08:00:00Z", None]


async def test_a_repetition_has_the_same_id_and_body(receiver, secret):
    async with receiver() as got:
        for _ in range(2):
            await webhook().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/", "secret": secret})

    first, again = got.requests
    assert (first.headers["webhook-id"], first.body) == (again.headers["webhook-id"], again.body)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_whoever_says_yes_has_it(receiver, secret, status):
    async with receiver(b"HTTP/1.1 %d Fine\r\ncontent-length: 0\r\n\r\n" % status) as got:
        await webhook().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/", "secret": secret})

    assert len(got.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 405, 410, 413, 414, 415, 422])
async def test_whoever_will_never_take_it_is_not_asked_again(receiver, secret, status):
    async with receiver(b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n\r\n" % status) as got:
        with pytest.raises(Undeliverable, match=f"127.0.0.1 answered {status}"):
            await webhook().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/", "secret": secret})


@pytest.mark.parametrize("status", [401, 403, 408, 409, 425, 429, 500, 502, 503, 599])
async def test_whoever_may_take_it_later_is_asked_again(receiver, secret, status):
    async with receiver(b"HTTP/1.1 %d Wait\r\ncontent-length: 0\r\n\r\n" % status) as got:
        with pytest.raises(TryLater, match=f"127.0.0.1 answered {status}") as caught:
            await webhook().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/", "secret": secret})

    assert (None, status < 500) == (caught.value.after, caught.value.provider_works)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("9" * 400, 86_400.0),
        ((NOW + timedelta(minutes=5)).strftime("%a, %d %b %Y %H:%M:%S GMT"), 300.0),
        ((NOW - timedelta(minutes=5)).strftime("%a, %d %b %Y %H:%M:%S GMT"), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
    ],
)
async def test_whoever_says_when_is_asked_then(receiver, secret, said, seconds):
    async with receiver(f"HTTP/1.1 503 Wait\r\nRetry-After: {said}\r\ncontent-length: 0\r\n\r\n".encode()) as got:
        with pytest.raises(TryLater) as caught:
            await webhook().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/", "secret": secret})

    assert caught.value.after == seconds


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(receiver, secret, status):
    async with receiver() as elsewhere:
        answer = f"HTTP/1.1 {status} Over there\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\ncontent-length: 0\r\n\r\n"
        async with receiver(answer.encode()) as got:
            with pytest.raises(Undeliverable, match="redirect"):
                await webhook().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/", "secret": secret})

    assert (len(got.requests), elsewhere.requests) == (1, [])


async def test_private_addresses_are_not_asked(receiver, secret):
    async with receiver() as got:
        with pytest.raises(Undeliverable, match="public"):
            await webhook(allowed=()).send(NOTIFICATION, {"url": f"http://localhost:{got.port}/", "secret": secret})

    assert got.requests == []


async def test_a_name_that_moved_into_the_network_is_not_asked(receiver, secret):
    """The address is looked up again at each send: what was public when it was entered may not be any more."""
    answers = [["192.0.1.1"], ["127.0.0.1"]]

    async def resolve(_host, _port):
        return answers.pop(0)

    medium = webhook(allowed=(), resolve=resolve, seconds=0.2)
    async with receiver() as got:
        settings = medium.clean({"url": f"http://hooks.example.org:{got.port}/", "secret": secret})
        with pytest.raises(TryLater):
            await medium.send(NOTIFICATION, settings)
        with pytest.raises(Undeliverable, match="not public"):
            await medium.send(NOTIFICATION, settings)

    assert got.requests == []


async def test_whoever_does_not_answer_may_have_it_and_whoever_is_not_there_has_not(secret):
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(PerhapsDelivered, match=r"within 0\.2 seconds"):
        await webhook(seconds=0.2).send(NOTIFICATION, {"url": f"http://127.0.0.1:{port}/", "secret": secret})
    server.close()
    with pytest.raises(TryLater, match="cannot be asked"):
        await webhook().send(NOTIFICATION, {"url": f"http://127.0.0.1:{port}/", "secret": secret})


async def test_tests_and_roundups_say_what_they_are(receiver):
    async with receiver() as got:
        for marks in ({"test": True}, {"roundup": True}):
            await webhook().send(replace(NOTIFICATION, **marks), {"url": f"http://127.0.0.1:{got.port}/"})

    told = [json.loads(request.body)["data"] for request in got.requests]
    assert [(True, False), (False, True)] == [(data["test"], data["roundup"]) for data in told]


async def test_without_a_secret_it_is_not_signed_and_has_its_id_nevertheless(receiver):
    async with receiver() as got:
        await webhook().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/"})

    (request,) = got.requests
    assert ["webhook-id"] == [name for name in request.headers if name.startswith("webhook-")]
    assert "42_2_7" == request.headers["webhook-id"]


async def test_the_header_goes_along(receiver):
    async with receiver() as got:
        settings = webhook().clean({"url": f"http://127.0.0.1:{got.port}/", "header": "authorization", "header_value": "Bearer abc"})
        await webhook().send(NOTIFICATION, settings)

    assert "Bearer abc" == got.requests[0].headers["authorization"]


async def test_the_secret_is_in_no_reason(receiver, secret):
    settings = {"secret": secret, "header": "X-API-Key", "header_value": "hidden-value"}
    async with receiver(b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n") as got:
        with pytest.raises(TryLater) as caught:
            await webhook().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/hidden-path", **settings})

    assert secret not in str(caught.value)
    assert "hidden-value" not in str(caught.value)
    assert "hidden-path" not in str(caught.value)

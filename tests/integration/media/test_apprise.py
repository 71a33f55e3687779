"""
What Apprise sends, where to, and what becomes of each answer.

Providers that have a host of their own are reached through a proxy that stands in for them: it takes the name that is asked for and answers
with a certificate for it. Nothing in Argus is changed for that.
"""

import asyncio
import json
import logging
import os
import ssl
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import unquote

import pytest
import trustme

from adapters.media import children
from adapters.media.apprise import Apprise
from adapters.media.providers import is_one_of, read
from apprise_urls import URLS
from argus_core.conformance import sample_notification
from argus_core.ports.media import PerhapsDelivered, TryLater, Undeliverable
from integration.serving import descendants

pytestmark = pytest.mark.anyio

NOTIFICATION = sample_notification()
ALLOWED = {"ARGUS_OUTGOING_ALLOW": "127.0.0.0/8"}
FINE = b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
async def apprise(authority, tmp_path_factory):
    """
    The medium with these settings, always the same one: its processes take a second to begin. They end with the last test.

    They trust the authority of the stand-ins, as those of an installation may trust one of its own.
    """
    made = {}
    bundle = tmp_path_factory.mktemp("trusted") / "ca.pem"
    authority.cert_pem.write_to_path(bundle)

    def one(config, *, trusting=True, **more):
        key = (json.dumps(config), trusting, *more.items())
        if key not in made:
            with pytest.MonkeyPatch.context() as patch:
                if trusting:
                    patch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
                made[key] = Apprise(config, **more)
        return made[key]

    yield one
    for medium in made.values():
        await medium.close()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
async def provider(authority):
    """A proxy that stands in for every provider."""
    async with proxy(authority) as got:
        yield got


@pytest.fixture(scope="module")
async def closed():
    """A proxy that lets nobody through."""
    async with proxy() as got:
        yield got


@pytest.fixture(autouse=True)
def _forgotten(provider, closed):
    for got in (provider, closed):
        got.asked.clear()
        got.requests.clear()


@asynccontextmanager
async def proxy(authority=None, answer=FINE):
    """A proxy that is every server there is, or with no authority leads to none. It keeps who was asked for, and what."""
    got = SimpleNamespace(asked=[], requests=[])

    async def serve(reader, writer):
        try:
            line, *_ = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = line.split()
            got.asked.append(target)
            if method != "CONNECT":
                writer.write(answer)
            elif authority is None:
                writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 Go on\r\n\r\n")
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                authority.issue_cert(target.partition(":")[0]).configure_cert(context)
                await writer.start_tls(context)
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(dict(part.lower().split(": ") for part in head.split("\r\n")[1:] if part)["content-length"])
                got.requests.append((head.split("\r\n")[0], (await reader.readexactly(length)).decode()))
                writer.write(answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    got.config = {"ARGUS_EGRESS_PROXY": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}
    try:
        yield got
    finally:
        server.close()


async def test_a_message_arrives_with_its_subject_and_text(apprise, receiver):
    async with receiver(FINE) as got:
        medium = apprise(ALLOWED)
        settings = medium.clean({"url": f"json://me:hush@localhost:{got.port}/argus"})
        await medium.send(NOTIFICATION, settings)

    (request,) = got.requests
    told = json.loads(request.body)
    assert "POST /argus HTTP/1.1" == request.line
    assert (NOTIFICATION.subject, NOTIFICATION.text.replace("\r\n", "\n"), "failure") == (
        told["title"],
        told["message"].replace("\r\n", "\n"),
        told["type"],
    )
    assert "Argus" == request.headers["user-agent"]


async def test_one_process_sends_many(apprise, receiver):
    async with receiver(FINE) as got:
        medium = apprise(ALLOWED)
        await asyncio.gather(*(medium.send(NOTIFICATION, {"url": f"json://localhost:{got.port}/{number}"}) for number in range(20)))

        assert 20 == len(got.requests)
        assert 1 <= len(medium._children._idle) <= children.MOST_CHILDREN


async def test_a_provider_gets_what_apprise_makes_of_it(apprise, provider):
    await apprise(provider.config).send(NOTIFICATION, {"url": URLS["slack"]})

    assert ["hooks.slack.com:443"] == provider.asked
    ((line, body),) = provider.requests
    assert "POST /services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ HTTP/1.1" == line
    assert "gw1" in body
    assert "github" not in body, "no pictures from elsewhere"


@pytest.mark.parametrize("scheme", ["slack", "discord", "tgram", "gchat", "workflows", "webex", "ntfys"])
async def test_nobody_is_called_by_what_a_source_says(apprise, provider, scheme):
    loud = "<!channel> @everyone @all"
    with suppress(TryLater):  # the stand-in does not speak the language of each
        await apprise(provider.config).send(replace(NOTIFICATION, subject=loud, text=loud), {"url": read(URLS[scheme]).url})

    ((_, body),) = provider.requests
    body = body.encode().decode("unicode_escape", "replace") if "\\u" in body else unquote(body)
    assert "everyone" in body
    assert not {"<!channel", "@everyone", "@all"} & {word for word in ("<!channel", "@everyone", "@all") if word in body}


@pytest.mark.parametrize("scheme", URLS)
async def test_each_provider_for_everybody_is_asked_at_its_own_hosts_only(apprise, closed, scheme):
    way = read(URLS[scheme])
    with pytest.raises(TryLater):
        await apprise(closed.config).send(NOTIFICATION, {"url": way.url})

    assert closed.asked
    for asked in closed.asked:
        host, _, port = asked.partition(":")
        assert is_one_of(host, way.hosts)
        assert "443" == port


async def test_a_certificate_of_nobody_known_is_refused(apprise, provider):
    with pytest.raises(TryLater, match="Slack cannot be reached"):
        await apprise(provider.config, trusting=False).send(NOTIFICATION, {"url": URLS["slack"]})

    assert ["hooks.slack.com:443"] == provider.asked
    assert [] == provider.requests


async def test_with_a_proxy_nothing_goes_around_it(apprise, provider, receiver):
    async with receiver(FINE) as direct:
        await apprise(provider.config).send(NOTIFICATION, {"url": f"json://localhost:{direct.port}/"})

    assert [f"http://localhost:{direct.port}/"] == provider.asked
    assert [] == direct.requests


async def test_with_a_proxy_nobody_else_is_even_looked_up(apprise, closed, receiver):
    async with receiver(FINE) as direct:
        outcome = await ask(apprise(closed.config), url=f"irc://localhost:{direct.port}/#a")

    assert "It was to be asked around the proxy." == outcome["refused"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0"])
async def test_private_addresses_are_not_asked_however_they_are_written(apprise, receiver, host):
    async with receiver(FINE) as got:
        with pytest.raises((Undeliverable, TryLater)) as caught:
            await apprise({}).send(NOTIFICATION, {"url": f"json://{host}:{got.port}/hush"})

    assert [] == got.requests
    assert "hush" not in str(caught.value)


async def ask(medium, **changes):
    """Give the process a job that the medium would not."""
    job = {"url": "", "title": "T", "body": "B", "short": "S", "kind": "info", "hosts": ["localhost"], "tls_only": False, **changes}
    return json.loads(await medium._children.ask(json.dumps(job).encode() + b"\n", 30))


@pytest.mark.parametrize(
    ("url", "changes", "why"),
    [
        ("json://localhost:{}/", {"hosts": ["chat.example.org"]}, "Another host was to be asked than the one that is meant."),
        ("json://localhost:{}/", {"tls_only": True}, "It was to be asked without TLS."),
        ("jsons://localhost:{}/?verify=no", {}, "The certificate was not to be checked."),
        ("json://localhost:22/", {}, "The host leads to an address that is not public."),
        ("rsyslog://localhost:{}/", {}, "Something was to be sent around all that is known."),
        ("irc://localhost:{}/#a", {}, "The host leads to an address that is not public."),
    ],
)
async def test_the_process_is_held_to_its_bounds_whatever_it_is_given(apprise, receiver, url, changes, why):
    config = ALLOWED if "irc" not in url else {}
    async with receiver(FINE) as got:
        outcome = await ask(apprise(config), url=url.format(got.port), **changes)

    assert (False, why) == (outcome["sent"], outcome["refused"])
    assert [] == got.requests


@pytest.mark.parametrize("url", ["syslog://", "dbus://", "nonsense", "json://", "file:///etc/passwd"])
async def test_what_apprise_cannot_send_is_not_sent(apprise, url):
    assert not (await ask(apprise(ALLOWED), url=url))["sent"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(apprise, receiver, status):
    async with receiver(FINE) as elsewhere:
        answer = f"HTTP/1.1 {status} There\r\nLocation: http://localhost:{elsewhere.port}/\r\nContent-Length: 0\r\n\r\n"
        async with receiver(answer.encode()) as got:
            with pytest.raises(Undeliverable, match="redirect"):
                await apprise(ALLOWED).send(NOTIFICATION, {"url": f"json://localhost:{got.port}/"})

    assert (1, []) == (len(got.requests), elsewhere.requests)


@pytest.mark.parametrize(
    ("status", "means", "after"),
    [(400, Undeliverable, None), (404, Undeliverable, None), (401, TryLater, None), (429, TryLater, 7.0), (500, TryLater, 7.0)],
)
async def test_an_answer_means_what_it_means_for_webhooks(apprise, receiver, status, means, after):
    async with receiver(b"HTTP/1.1 %d No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n" % status) as got:
        with pytest.raises(means, match=f"JSON: localhost answered {status}") as caught:
            await apprise(ALLOWED).send(NOTIFICATION, {"url": f"json://localhost:{got.port}/"})

    assert after is None or after == caught.value.after
    assert means is Undeliverable or caught.value.provider_works == (status < 500)


async def test_whoever_is_not_there_has_not_got_it(apprise, receiver):
    async with receiver() as got:
        pass
    await asyncio.sleep(0)

    with pytest.raises(TryLater, match="JSON: localhost cannot be reached"):
        await apprise(ALLOWED).send(NOTIFICATION, {"url": f"json://localhost:{got.port}/"})


async def test_whoever_never_ends_an_answer_is_not_waited_for(apprise):
    """One byte after the other keeps every connection alive: the process is ended, and the next one works."""

    async def dripping(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 Fine\r\n")
        try:
            while True:
                writer.write(b"X-Y: z\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            writer.close()

    server = await asyncio.start_server(dripping, "127.0.0.1", 0)
    settings = {"url": f"json://localhost:{server.sockets[0].getsockname()[1]}/hush"}
    medium = apprise(ALLOWED, seconds=4)
    began = time.monotonic()
    with pytest.raises(PerhapsDelivered, match="did not answer within 4 seconds"):
        await medium.send(NOTIFICATION, settings)

    assert time.monotonic() - began < 9
    assert [] == medium._children._idle
    server.close()


async def test_a_huge_answer_fills_nothing(apprise, receiver):
    async with receiver(b"HTTP/1.1 200 Fine\r\nContent-Length: 9000000000\r\n\r\n" + b"x" * 1_000_000) as got:
        await apprise(ALLOWED).send(NOTIFICATION, {"url": f"json://localhost:{got.port}/"})

    assert 1 == len(got.requests)


async def test_an_answer_that_breaks_off_counts_by_its_status(apprise, receiver):
    async with receiver(b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\nzz") as got:
        await apprise(ALLOWED).send(NOTIFICATION, {"url": f"json://localhost:{got.port}/"})

    assert 1 == len(got.requests)


async def test_a_process_that_dies_is_replaced(apprise, receiver):
    async with receiver(FINE) as got:
        medium, settings = apprise(ALLOWED), {"url": f"json://localhost:{got.port}/"}
        await medium.send(NOTIFICATION, settings)
        for child in medium._children._idle:
            child.kill()
            await child.wait()
        failures = 0
        while medium._children._idle:
            with suppress(PerhapsDelivered):
                await medium.send(NOTIFICATION, settings)
                break
            failures += 1
        await medium.send(NOTIFICATION, settings)

    assert failures > 0
    assert len(got.requests) >= 2


async def test_who_stops_waiting_leaves_no_process_behind(apprise):
    asked = asyncio.Event()

    async def silent(reader, writer):
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    medium = apprise(ALLOWED | {"of": "its own"})
    sending = asyncio.create_task(medium.send(NOTIFICATION, {"url": f"json://localhost:{server.sockets[0].getsockname()[1]}/"}))
    await asyncio.wait_for(asked.wait(), 30)
    during = {*descendants(os.getpid())}
    sending.cancel()
    with pytest.raises(PerhapsDelivered, match="has not answered in time"):
        await sending

    assert [] == medium._children._idle
    assert 1 == len(during - {*descendants(os.getpid())})
    server.close()


async def test_who_is_idle_ends(apprise, receiver, monkeypatch):
    monkeypatch.setattr(children, "IDLE_SECONDS", 0.1)
    async with receiver(FINE) as got:
        medium = apprise(ALLOWED | {"of": "another"})
        await medium.send(NOTIFICATION, {"url": f"json://localhost:{got.port}/"})
        (child,) = medium._children._idle
        await asyncio.wait_for(child.wait(), 10)

        assert [] == medium._children._idle


WRONG = [b"HTTP/1.1 500 hush\r\nContent-Length: 4\r\n\r\nhush", b"hush\r\n\r\n", b"HTTP/1.1 302 X\r\nLocation: /hush\r\n\r\n"]


@pytest.mark.parametrize("answer", WRONG)
async def test_secrets_are_in_no_reason_and_no_log(apprise, receiver, caplog, answer):
    caplog.set_level(logging.DEBUG)
    async with receiver(answer) as got:
        medium = apprise(ALLOWED)
        settings = medium.clean({"url": f"json://hush:hush@localhost:{got.port}/hush/%68ush"})
        with pytest.raises((TryLater, Undeliverable, PerhapsDelivered)) as caught:
            await medium.send(NOTIFICATION, settings)

    assert 1 == len(got.requests)
    assert "hush" not in f"{caught.value} {medium.label(settings)} {medium.host(settings)} {caplog.text}"

"""What a reverse proxy says about a request is believed if it is one of ours."""

import httpx
import pytest

from adapters.asgi import behind

pytestmark = pytest.mark.anyio


async def seen(proxies, peer, **headers):
    """The scheme and the client's address as the application sees them."""
    found = []

    async def app(scope, receive, send):
        found.extend((scope["scheme"], scope["client"][0]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    transport = httpx.ASGITransport(behind(app, proxies), client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://argus.example.org") as client:
        await client.get("/", headers={name.replace("_", "-"): value for name, value in headers.items()})
    return tuple(found)


TOLD = {"x_forwarded_for": "192.0.2.9", "x_forwarded_proto": "https"}


@pytest.mark.parametrize(("proxies", "peer"), [((), "127.0.0.1"), (("10.0.0.0/8",), "127.0.0.1"), (("10.0.0.1",), "10.0.0.2")])
async def test_nobody_else_is_believed(proxies, peer):
    assert ("http", peer) == await seen(proxies, peer, **TOLD)


@pytest.mark.parametrize(("proxies", "peer"), [(("127.0.0.1",), "127.0.0.1"), (("10.0.0.0/8",), "10.1.2.3"), (("::1",), "::1")])
async def test_a_trusted_proxy_is_believed(proxies, peer):
    assert ("https", "192.0.2.9") == await seen(proxies, peer, **TOLD)


async def test_the_client_is_the_last_address_that_is_no_proxy_of_ours():
    """
    What stands further left was written by whoever asked.
    """
    chain = "127.0.0.1, 203.0.113.7, 192.0.2.9, 10.0.0.5"

    assert ("http", "192.0.2.9") == await seen(("10.0.0.0/8",), "10.0.0.1", x_forwarded_for=chain)


@pytest.mark.parametrize("scheme", ["javascript", "", "https, http", "https://evil.example.org/", "file"])
async def test_a_scheme_is_http_or_https(scheme):
    assert ("http", "10.0.0.1") == await seen(("10.0.0.1",), "10.0.0.1", x_forwarded_proto=scheme)


async def test_links_to_other_pages_begin_with_the_scheme_that_the_client_used(world):
    await world.incident()
    await world.incident()
    headers = {"Authorization": f"Token {world.tokens['alice']}", "X-Forwarded-Proto": "https"}

    transport = httpx.ASGITransport(behind(world.app, ("127.0.0.1",)))
    async with httpx.AsyncClient(transport=transport, base_url="http://argus.example.org", headers=headers) as client:
        page = await client.get("/api/v2/incidents/?page_size=1")

    assert page.json()["next"].startswith("https://argus.example.org/api/v2/incidents/?")

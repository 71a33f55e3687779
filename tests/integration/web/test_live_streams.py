"""Streams of many open pages: whatever is cut, each has the list that a fresh page shows; and none keeps a server from stopping."""

import asyncio
import json
import re
import signal
import time
from random import Random
from urllib.parse import urlsplit

import httpx
import pytest

from integration.serving import serving
from integration.web.conftest import SECRET, Browser
from integration.web.looking import source_token

PAGES, SECONDS, CHANGES = 30, 5.0, 20
VIEWS = ("open=true", "", "open=true&acked=false", "level__lte=2", "open=true&level__lte=1")
choice = Random(7).choice  # noqa: S311 - of what is cut and what is closed
ROW = re.compile(r'<tr data-id="(\d+)" data-version="(\d+)"')


class Page:
    """Keeps what it was told last, and connects again whenever it is cut."""

    def __init__(self, url, cookie, view):
        self.address, self.cookie, self.view = urlsplit(url), cookie, view
        self.rows, self.connected, self.writer = None, 0, None

    async def stay(self):
        host, port = self.address.hostname, self.address.port
        while True:
            reader, self.writer = await asyncio.open_connection(host, port)
            self.writer.write(f"GET /incidents/stream/?{self.view} HTTP/1.1\r\nHost: {host}\r\nCookie: {self.cookie}\r\n\r\n".encode())
            self.connected += 1
            try:
                while line := await reader.readline():
                    if line.startswith(b"data: {"):
                        self.rows = json.loads(line[6:])["rows"]
            except ConnectionError:
                await asyncio.sleep(0.1)
            finally:
                self.writer.transport.abort()

    def cut(self):
        if self.writer is not None:
            self.writer.transport.abort()


async def change(client, token, until):
    """Report, acknowledge and close, one after the other."""
    source, person = ({"Authorization": f"Token {one}"} for one in token)
    made, number = [], 0
    while time.monotonic() < until:
        number += 1
        if number % 3 == 1:
            body = {"start_time": f"2026-01-01T00:00:{number % 60:02}Z", "tags": [], "level": number % 5 + 1, "end_time": "infinity"}
            made.append((await client.post("/api/v2/incidents/", json=body, headers=source)).json()["pk"])
        elif number % 3 == 2:
            await client.post(f"/api/v2/incidents/{made[-1]}/acks/", json={}, headers=person)
        else:
            await client.post(f"/api/v2/incidents/{choice(made)}/events/", json={"type": "CLO"}, headers=person)
        await asyncio.sleep(1 / CHANGES)


@pytest.mark.anyio
async def test_every_page_has_the_list_of_a_fresh_one(site):
    """
    Half of the pages are served by one process and half of them by another one, while connections are cut at random.
    """
    cookies = dict(logged_in(site, site.url).client.cookies)
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    robot = source_token(site, "stream")
    async with httpx.AsyncClient(base_url=site.url, cookies=cookies) as here:
        person = (await here.post("/api/v2/token-auth/", json={"username": "sam", "password": SECRET})).json()["token"]
        pages = [Page((site.url, site.neighbour)[number % 2], cookie, VIEWS[number % len(VIEWS)]) for number in range(PAGES)]
        tasks = [asyncio.create_task(page.stay()) for page in pages]
        until = time.monotonic() + SECONDS
        changing = asyncio.create_task(change(here, (robot, person), until))
        while time.monotonic() < until:
            await asyncio.sleep(0.3)
            choice(pages).cut()
        await changing
        fresh = {}
        for _ in range(50):
            for view in VIEWS:
                text = (await here.get(f"/incidents/?{view}")).text
                fresh[view] = [[int(number), int(version)] for number, version in ROW.findall(text)]
            if all(page.rows == fresh[page.view] for page in pages):
                break
            await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    assert [] == [page.view for page in pages if page.rows != fresh[page.view]]
    assert sum(page.connected for page in pages) > PAGES


def test_open_pages_do_not_keep_a_server_from_stopping(site):
    with serving("--no-worker", environment=site.environment, folder=site.folder) as served:
        browser = logged_in(site, served.url)
        with browser.client.stream("GET", "/incidents/stream/") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry")
            began = time.monotonic()

            served.process.send_signal(signal.SIGTERM)

            assert [] == [line for line in lines if "over" in line]
            served.process.wait(20)
            assert time.monotonic() - began < 5


def logged_in(site, url) -> Browser:
    browser = site.browser(url)
    assert browser.log_in("sam").status_code == 303
    return browser

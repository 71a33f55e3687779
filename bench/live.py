"""
Hold many pages open while incidents change, cut their connections at random, and see whether each has the list it should have at the end.

It also asks how long the first page takes and how large it is.
"""

import argparse
import asyncio
import json
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import httpx
import psycopg
from bench import machine, server, world
from bench.client import Client

SECRET = "correct horse battery"
VIEWS = (
    *("open=true", "open=true&acked=false", "open=true&level__lte=2", "level__lte=1&open=true&acked=false", ""),
    *(
        "open=true&tags=location%3Dsite-1",
        "source__id__in=1%2C2%2C3",
        "open=true&source__id__in=1",
        "acked=true&open=true",
        "stateful=true",
    ),
)
ROW = re.compile(r'<tr data-id="(\d+)" data-version="(\d+)"')


@dataclass(slots=True)
class Page:
    """One open page: what it was told last, and how often."""

    view: str
    told: bytes = b"data: {}"
    messages: int = 0
    connected: int = 0
    writer: asyncio.StreamWriter | None = None

    @property
    def rows(self) -> object:
        """What the list has by what was told last."""
        return json.loads(self.told[6:]).get("rows")

    async def stay(self, host: str, port: int, cookie: str) -> None:
        """Listen, and connect again whenever the connection breaks."""
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, ValueError):
                reader, self.writer = await asyncio.open_connection(host, port)
                asked = f"GET /incidents/stream/?{self.view} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n\r\n"
                self.writer.write(asked.encode())
                self.connected += 1
                while line := await reader.readline():
                    if line.startswith(b"data: {"):
                        self.told, self.messages = line, self.messages + 1
            await asyncio.sleep(random.uniform(0.2, 2))


async def main(options: argparse.Namespace) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="argus-live-") as folder,
        world.opened(options.incidents, options.keep) as found,
        server.serving(found.dsn, Path(folder, "log"), processes=1) as (url, pid),
    ):
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            cookie = await _logged_in(client, found.dsn)
            await _first_page(client)
            before = machine.memory(pid)
            pages = [Page(VIEWS[number % len(VIEWS)]) for number in range(options.clients)]
            at = urlsplit(url)
            tasks = [asyncio.create_task(page.stay(at.hostname or "", at.port or 0, cookie)) for page in pages]
            await _until(lambda: all(page.messages for page in pages))
            with psycopg.connect(found.dsn, autocommit=True) as database:
                listening = database.execute("select count(*) from pg_stat_activity where query ilike 'listen%' or query = ''").fetchone()
            began, ours, theirs = time.monotonic(), machine.cpu_seconds(pid), machine.cpu_seconds(found.postgres_pid)
            posting = await _change(url, found, pages, options)
            seconds = time.monotonic() - began
            ours, theirs = machine.cpu_seconds(pid) - ours, machine.cpu_seconds(found.postgres_pid) - theirs
            after = machine.memory(pid)
            await asyncio.sleep(5)
            wrong = await _wrong(client, pages)
            print(
                f"{options.clients} pages of {len(VIEWS)} views, "
                f"{(posting.number - options.in_flight) / seconds:.1f} changes/s for {seconds:.0f} s "
                f"(the latest began {posting.latest * 1000:.0f} ms late), "
                f"{sum(page.connected for page in pages) - len(pages)} connections cut, {sum(page.messages for page in pages)} messages"
            )
            print(f"CPU: {ours / seconds:.2f} s/s of the server, {theirs / seconds:.2f} of PostgreSQL; idle listeners {listening}")
            print(f"memory: {before} before, {after} after; load {os.getloadavg()[0]:.1f}")
            print(f"pages that are not as a fresh one: {wrong}")
            for task in tasks:
                task.cancel()
            return 1 if wrong else 0


async def _logged_in(client: httpx.AsyncClient, dsn: str) -> str:
    server.user(dsn, "looker", SECRET)
    token = re.search(r'name="csrf_token" value="(\w+)"', (await client.get("/login/")).text)
    fields = {"csrf_token": token[1] if token else "", "username": "looker", "password": SECRET}
    answer = await client.post("/login/", data=fields)
    answer.raise_for_status() if answer.is_error else None
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


async def _first_page(client: httpx.AsyncClient) -> None:
    for path in ("/incidents/?open=true", "/incidents/", "/incidents/?open=true&acked=false&level__lte=1", "/incidents/tags/?tags=site"):
        took = []
        for _ in range(20):
            began = time.perf_counter()
            answer = await client.get(path)
            took.append(time.perf_counter() - began)
        print(f"{path}: first {took[0] * 1000:.0f} ms, then median {median(took) * 1000:.0f} ms, {len(answer.content) / 1000:.0f} kB")


@dataclass(slots=True)
class Posting:
    """
    Reports, acknowledges and closes, so many times a second: each at its moment, however long others before it take.

    `made` are the incidents that are open as far as is known.
    """

    url: str
    tokens: Mapping[str, str]
    rate: float
    until: float
    began: float = field(default_factory=time.monotonic)
    number: int = 0
    latest: float = 0
    made: list[int] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def go_on(self, name: str) -> None:
        """Be one of those who post at the same time, as a source of this name and as a person, until the time is over."""
        with Client(self.url, self.tokens[name]) as source, Client(self.url, self.tokens["operator"]) as person:
            while (due := self.began + (number := self._next()) / self.rate) < self.until:
                time.sleep(max(0.0, due - time.monotonic()))
                self.latest = max(self.latest, time.monotonic() - due)
                self._change(number, source, person)

    def _next(self) -> int:
        with self.turn:
            self.number += 1
            return self.number - 1

    def _known(self, *, take: bool) -> int:
        """One that is open; whoever takes it is the only one. None is 0."""
        with self.turn:
            at = random.randrange(len(self.made)) if self.made else 0
            return (self.made.pop(at) if take else self.made[at]) if self.made else 0

    def _change(self, number: int, source: Client, person: Client) -> None:
        known = self._known(take=number % 3 == 2) if number % 3 else 0  # noqa: PLR2004 - the third of three
        if not known:
            tags = [{"tag": f"location=site-{number % 5}"}]
            body = {"start_time": _now(), "tags": tags, "level": number % 5 + 1, "description": f"Number {number}", "end_time": "infinity"}
            made = source.post("/api/v2/incidents/", body)
            with self.turn:
                self.made.append(made["pk"])
        elif number % 3 == 1:
            person.post(f"/api/v2/incidents/{known}/acks/", {})
        else:
            person.post(f"/api/v2/incidents/{known}/events/", {"type": "CLO"})


async def _cut(pages: list[Page], share: float) -> None:
    """Cut connections without a word, at random moments: this share of them each second."""
    while True:
        await asyncio.sleep(random.expovariate(len(pages) * share))
        page = random.choice(pages)
        if page.writer:
            page.writer.transport.abort()


async def _change(url: str, found: world.World, pages: list[Page], options: argparse.Namespace) -> Posting:
    """Change so much, while connections are cut."""
    posting = Posting(url, found.tokens, options.changes, time.monotonic() + options.seconds)
    cutting = asyncio.create_task(_cut(pages, options.cut))
    names = [robot.username for robot in found.robots[: options.in_flight]]
    await asyncio.gather(*(asyncio.to_thread(posting.go_on, name) for name in names))
    cutting.cancel()
    return posting


async def _wrong(client: httpx.AsyncClient, pages: list[Page]) -> int:
    fresh = {}
    for view in VIEWS:
        text = (await client.get(f"/incidents/?{view}")).text
        fresh[view] = [[int(id_), int(version)] for id_, version in ROW.findall(text)]
    wrong = Counter(page.view for page in pages if page.rows != fresh[page.view])
    for view, number in wrong.items():
        print(f"wrong: {number} of {view}")
    return sum(wrong.values())


async def _until(reached) -> None:
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 - many pages are waited for, none of which knows of it
            await asyncio.sleep(0.1)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--incidents", type=int, default=10_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--clients", type=int, default=300)
    parser.add_argument("--changes", type=int, default=50, help="per second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--in-flight", type=int, default=8, help="so many change something at the same time")
    parser.add_argument("--cut", type=float, default=0.02, help="share of the connections that are cut each second")
    sys.exit(asyncio.run(main(parser.parse_args())))

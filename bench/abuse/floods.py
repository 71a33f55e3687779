"""More reports than can be taken."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping

from bench.abuse.watched import MOST_WAIT, Watched
from bench.abuse.wire import CREATED, PROMISED, answered, connected, report

FLOODING, GREEDY = 200, 600
"""Connections of all sources together, and of one that wants more than its share."""


def flooded(watched: Watched, incidents: int, tokens: Mapping[str, str]) -> bool:
    """Every source reports over two connections, the next as soon as there is an answer, and comes back when it is told to."""
    with watched.during():
        began = time.monotonic()
        statuses = asyncio.run(_flood(watched.url, incidents, list(tokens.values())))
        took = time.monotonic() - began
    more = f"{incidents:,} incidents in {took:.0f} s ({incidents / took:,.0f}/s) over {FLOODING} connections: {_listed(statuses)}"
    return watched.told("A flood", more) and set(statuses) <= PROMISED


def greedy(watched: Watched, incidents: int, tokens: Mapping[str, str]) -> bool:
    """One source reports over more connections than may wait of one; another, one at a time, does not suffer from it."""
    with watched.during():
        statuses, modest, waits = asyncio.run(_outdone(watched.url, incidents, *list(tokens.values())[:2]))
    longest = max(waits, default=0)
    told = watched.told(
        f"One source over {GREEDY} connections",
        f"{_listed(statuses)}; another was answered {_listed(modest)}, after {longest:.2f} s at most",
    )
    return told and set(statuses) == {CREATED, 429} and set(modest) == {CREATED} and longest <= MOST_WAIT


def _listed(statuses: Counter[int]) -> str:
    return ", ".join(f"{count:,} times {status}" for status, count in sorted(statuses.items()))


async def _flood(url: str, incidents: int, tokens: list[str]) -> Counter[int]:
    statuses: Counter[int] = Counter()
    numbers = iter(range(incidents))
    async with asyncio.TaskGroup() as group:
        for number in range(FLOODING):
            group.create_task(_report_each(url, tokens[number % len(tokens)], numbers, statuses))
    return statuses


async def _report_each(url: str, token: str, numbers: Iterator[int], statuses: Counter[int]) -> None:
    reader, writer = await connected(url)
    for number in numbers:
        status = 0
        while status != CREATED:
            writer.write(report(token, "flood", number))
            status, fields = await answered(reader)
            statuses[status] += 1
            if status not in PROMISED:
                break
            if status != CREATED:
                await asyncio.sleep(int(fields[b"retry-after"]))
    writer.close()


async def _outdone(url: str, incidents: int, greedy: str, modest: str) -> tuple[Counter[int], Counter[int], list[float]]:
    statuses, answers, waits = Counter[int](), Counter[int](), list[float]()
    numbers = iter(range(incidents))

    async def be_modest() -> None:
        reader, writer = await connected(url)
        number = 0
        while True:
            number += 1
            began = time.monotonic()
            writer.write(report(modest, "modest", number))
            answers[(await answered(reader))[0]] += 1
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.05)

    beside = asyncio.create_task(be_modest())
    async with asyncio.TaskGroup() as group:
        for _ in range(GREEDY):
            group.create_task(_report_each(url, greedy, numbers, statuses))
    beside.cancel()
    return statuses, answers, waits

"""What one run of the table has in hand, and the runs of both sides that every part of it makes."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from statistics import median
from typing import IO

from bench import plain, report, wrk
from bench.machine import Machine, cpu_seconds
from bench.marks import Figure
from bench.runs import Run
from bench.world import World
from psycopg import AsyncConnection

Action = Callable[[AsyncConnection, int], Awaitable[Callable[[], Awaitable[object]]]]


class Wrong(Exception):
    """What was measured is not what should have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A run, and what one request in it cost: CPU milliseconds of the side itself, and of the whole PostgreSQL server."""

    run: Run
    cpu: float
    postgres: float


@dataclass(slots=True, kw_only=True)
class Session:
    """A server before a world. `figures` and `limits` are what was found so far, by the names of the marks."""

    world: World
    url: str
    argus_pid: int
    seconds: float
    rounds: int
    lines: IO[str]
    circumstances: dict[str, object]
    figures: dict[str, Figure | str] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    numbers: count = field(default_factory=lambda: count(1))

    def mark(self) -> str:
        """What the keys of the next run's incidents begin with; no other run's do."""
        return f"b{os.getpid()}-{next(self.numbers)}"

    def wrk(
        self, what: str, script: str, target: str, tokens: Sequence[str], *, in_flight: int = 1, threads: int = 1, mark: str = ""
    ) -> Cost:
        """One run of Argus."""

        def run() -> tuple[Run, float]:
            cpu = cpu_seconds(self.argus_pid)
            found = wrk.run(script, self.url + target, in_flight=in_flight, seconds=self.seconds, tokens=tokens, mark=mark, threads=threads)
            return found, cpu_seconds(self.argus_pid) - cpu

        return self._kept(what, "argus", in_flight, run)

    def psycopg(self, what: str, action: Action, *, in_flight: int = 1) -> Cost:
        """One run of psycopg alone."""
        return self._kept(what, "psycopg", in_flight, lambda: asyncio.run(plain.measured(self.world.dsn, in_flight, self.seconds, action)))

    def in_turn(self, *sides: Callable[[], Cost]) -> list[list[Cost]]:
        """Each side once in each round; of each the runs."""
        rounds = [[side() for side in sides] for _ in range(self.rounds)]
        return [list(runs) for runs in zip(*rounds, strict=True)]

    def keep(self, **facts: object) -> None:
        """Write a line."""
        self.lines.write(json.dumps(self.circumstances | {"load": os.getloadavg()[0]} | facts) + "\n")
        self.lines.flush()

    def _kept(self, what: str, who: str, in_flight: int, run: Callable[[], tuple[Run, float]]) -> Cost:
        report.say(f"{what}, {in_flight} in flight, {who}")
        machine, postgres = Machine.now(), cpu_seconds(self.world.postgres_pid)
        found, cpu = run()
        postgres = cpu_seconds(self.world.postgres_pid) - postgres
        if found.errors:
            raise Wrong(f"{found.errors} of {found.requests} requests ({what}, {in_flight} in flight, {who}) failed")
        cost = Cost(run=found, cpu=1000 * cpu / found.requests, postgres=1000 * postgres / found.requests)
        busy = Machine.now().busy_since(machine)
        facts = {"what": what, "who": who, "in_flight": in_flight, "rate": round(found.rate, 1), "busy": round(busy, 2)}
        self.keep(**facts, cpu_ms=cost.cpu, postgres_cpu_ms=cost.postgres, **asdict(found))
        return cost


def middle(costs: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    """The median of all rounds."""
    return median(map(of, costs))


def p50(cost: Cost) -> float:
    """Half the answers took no longer."""
    return cost.run.p50


def rate(cost: Cost) -> float:
    """Requests per second."""
    return cost.run.rate


def figure(value: float, limit: float | None, costs: Sequence[Cost], more: str = "") -> Figure:
    """Of all rounds: the median of p99, and the worst answer."""
    return Figure(
        value=value, limit=limit, p99=middle(costs, lambda cost: cost.run.p99), worst=max(cost.run.worst for cost in costs), more=more
    )


def warm(do: Callable[[], object]) -> None:
    """Do it once before it counts."""
    with suppress(Wrong):
        do()

"""What is printed at the end, and the lines that are kept."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from statistics import median

from bench.wrk import Run

ARGUS, PSYCOPG = "argus", "psycopg"
AIM = 0.5

TITLES = {"post": "POST an incident with five tags", "list": "GET the newest 100 open and unacked"}
HEAD = f"{'':10}{'in flight':>9} {'per s':>9} {'p50 ms':>8} {'p95':>8} {'p99':>8}   {'CPU ms':>7} {'PostgreSQL':>11} {'ratio':>7}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run of one side. CPU is in milliseconds for one request: of the side itself, and of the whole PostgreSQL server."""

    what: str
    who: str
    in_flight: int
    round: int
    run: Run
    cpu_ms: float
    postgres_cpu_ms: float
    busy: float
    load: float


def line(result: Result, **circumstances: object) -> str:
    """The result as one line of JSON."""
    flat = asdict(result)
    run = flat.pop("run")
    return json.dumps(circumstances | flat | {"rate": round(result.run.rate, 1)} | run)


def table(results: Iterable[Result]) -> Iterator[str]:
    """The medians of all rounds, both sides under each other; the ratio is between the rates."""

    def place(result: Result) -> tuple[str, int]:
        return result.what, result.in_flight

    for what, group in groupby(sorted(results, key=place), key=lambda result: result.what):
        yield from ("", TITLES[what], HEAD)
        for in_flight, runs in groupby(group, key=lambda result: result.in_flight):
            sides = {who: [result for result in runs_ if result.who == who] for runs_ in [list(runs)] for who in (ARGUS, PSYCOPG)}
            yield _row(ARGUS, in_flight, sides[ARGUS], f"{ratio(sides[ARGUS], sides[PSYCOPG]):7.2f}")
            yield _row(PSYCOPG, in_flight, sides[PSYCOPG])


def ratio(one: Sequence[Result], other: Sequence[Result]) -> float:
    """How the median rates compare."""
    return median(result.run.rate for result in one) / median(result.run.rate for result in other)


def _row(who: str, in_flight: int, results: Sequence[Result], last: str = "") -> str:
    def of(value):
        return median(value(result) for result in results)

    rate = of(lambda result: result.run.rate)
    p50, p95, p99 = (of(lambda result, name=name: getattr(result.run, name)) for name in ("p50", "p95", "p99"))
    cpu, postgres = of(lambda result: result.cpu_ms), of(lambda result: result.postgres_cpu_ms)
    return f"{who:10}{in_flight:9} {rate:9,.0f} {p50:8.2f} {p95:8.2f} {p99:8.2f}   {cpu:7.3f} {postgres:11.3f} {last}".rstrip()


def say(what: str) -> None:
    """Say in the last line what is being done, to whoever watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)

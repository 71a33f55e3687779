"""
Measure what a storm of incidents costs those who post them, with thousands of people to tell and with none.

The two installations are alike, but for the people, and take turns.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit, urlunsplit

import psycopg
from bench import people, posting, report, server, sink

WITHIN = 600.0
TIMES_P50, TIMES_P99 = 1.25, 2.0
LEFT = "select (select count(*) from outbox), (select count(*) from lane)"
LEDGER = "select count(*), count(*) filter (where status = 'sent') from delivery"
EMPTY = "truncate incident, event, outbox, timer, lane, delivery, attempt"


class Wrong(Exception):
    """Not everything that was to happen has."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One that runs, and how many customers and sites its incidents are spread over."""

    people: int
    customers: int
    sites: int
    dsn: str
    url: str
    tokens: list[str]


@dataclass(frozen=True, slots=True)
class Result:
    """One storm: what posting took, in milliseconds, and how many seconds after the last answer all was decided, and all was sent."""

    people: int
    p50: float
    p99: float
    worst: float
    mails: int
    decided: float
    sent: float


def main() -> int:
    options = _options()
    results: list[Result] = []
    with ExitStack() as stack:
        mails = stack.enter_context(sink.running())
        dsn, _ = stack.enter_context(server.database())
        # Three in five people want to hear of a customer, two in five of the two worst levels of five at a site.
        customers, sites = (max(round(options.people * share / options.hear), 1) for share in (3 / 5 * 2, 2 / 5 * 2 / 5 * 2))
        both = [_installed(stack, dsn, mails, count=count, customers=customers, sites=sites) for count in (0, options.people)]
        try:
            for round_ in range(options.rounds):
                for one in both if round_ % 2 else both[::-1]:
                    report.say(f"round {round_ + 1} of {options.rounds}: {one.people:,} people")
                    results.append(_storm(one, options.incidents, options.seconds))
        except Wrong as wrong:
            print(f"\n{wrong}", file=sys.stderr)
            return 1
    report.say("")
    print(
        f"{options.incidents:,} incidents in {options.seconds:g} s, {options.rounds} rounds in turns; {os.cpu_count()} processors for "
        f"poster, server, worker, PostgreSQL and mail server, load {os.getloadavg()[0]:.1f}.\n"
    )
    print("\n".join(_table(results)))
    none, many = ([result for result in results if bool(result.people) is told] for told in (False, True))
    p50, p99 = (median(of(r) for r in many) / median(of(r) for r in none) for of in (lambda r: r.p50, lambda r: r.p99))
    print(f"\nWith people, medians: p50 {p50:.2f} times (at most {TIMES_P50:g}), p99 {p99:.2f} times (at most {TIMES_P99:g}).")
    return int(p50 > TIMES_P50 or p99 > TIMES_P99)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.storm", description=__doc__)
    parser.add_argument("--incidents", type=int, default=10_000, metavar="N", help="in each storm (10000)")
    parser.add_argument("--seconds", type=float, default=60, help="that a storm lasts (60)")
    parser.add_argument("--people", type=int, default=5_000, metavar="N", help="who have a profile each (5000)")
    parser.add_argument("--hear", type=float, default=1, metavar="N", help="of whom so many hear of an incident (1)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians are compared (3)")
    return parser.parse_args()


def _installed(stack: ExitStack, dsn: str, mails: sink.Sink, *, count: int, customers: int, sites: int) -> Installation:
    """A database of its own on the same server, and `argus serve` with a worker before it."""
    name = f"people_{count}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    own = urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
    tokens, _, _ = server.world(own)
    tokens.pop("operator")
    with psycopg.connect(own, autocommit=True) as connection:
        people.settle(connection, count, customers=customers, sites=sites)
    logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-")))
    url, _ = stack.enter_context(server.serving(own, logs / "argus.log", mails.settings))
    return Installation(count, customers, sites, own, url, list(tokens.values()))


def _storm(one: Installation, incidents: int, seconds: float) -> Result:
    """
    One storm, until everybody knows.

    Raises:
        Wrong: somebody was not told.
    """
    with psycopg.connect(one.dsn, autocommit=True) as connection:
        connection.execute(EMPTY)
        _, took = asyncio.run(posting.post(one.url, one.tokens, count=incidents, seconds=seconds, customers=one.customers, sites=one.sites))
        ended = time.monotonic()
        decided = sent = None
        while sent is None:
            undecided, lanes = connection.execute(LEFT).fetchone()
            passed = time.monotonic() - ended
            decided = passed if decided is None and not undecided else decided
            sent = passed if not undecided and not lanes else None
            if passed > WITHIN:
                raise Wrong(f"After {passed:.0f} s {undecided} events are not decided about, and {lanes} lanes wait.")
            time.sleep(0.05)
        deliveries, mails = connection.execute(LEDGER).fetchone()
        if not deliveries == mails == (due := people.due(connection)):
            raise Wrong(f"{due} mails were due, {deliveries} are in the ledger, {mails} of them sent.")
    cuts = quantiles([1000 * each for each in took], n=100)
    return Result(one.people, cuts[49], cuts[98], 1000 * max(took), mails, decided, sent)


def _table(results: list[Result]) -> Iterator[str]:
    yield f"{'people':>7} {'p50 ms':>8} {'p99 ms':>8} {'worst ms':>9} {'mails':>8} {'decided after s':>16} {'sent after s':>13}"
    for result in sorted(results, key=lambda one: one.people):
        yield (
            f"{result.people:7,} {result.p50:8.2f} {result.p99:8.2f} {result.worst:9.1f} {result.mails:8,} {result.decided:16.1f} "
            f"{result.sent:13.1f}"
        )


if __name__ == "__main__":
    sys.exit(main())

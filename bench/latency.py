"""Measure how long after an incident was posted its mails have arrived."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import psycopg
from bench import people, posting, server, sink
from bench.runs import Run

WITHIN = 60.0


class Wrong(Exception):
    """Not every mail that was due has arrived."""


def main() -> int:
    options = _options()
    try:
        found = measured(people_=options.people, hear=options.hear, incidents=options.incidents, per_second=options.per_second)
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 1
    print(
        f"{options.people:,} profiles, {options.incidents:,} incidents at {options.per_second:g} per second, {options.hear} mails "
        f"each; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}.\n"
    )
    print(f"{'from POST to':16} {'p50 ms':>8} {'p95 ms':>8} {'worst ms':>9}")
    for what, run in found.items():
        print(f"{what:16} {run.p50:8.2f} {run.p95:8.2f} {run.worst:9.1f}")
    return 0


def measured(*, people_: int, hear: int, incidents: int, per_second: float) -> dict[str, Run]:
    """
    How long it takes from a POST to the answer, to the first mail, and to the last mail about it.

    Raises:
        Wrong: mails are missing.
    """
    customers = max(people_ * 3 // 5 // hear, 1)
    with ExitStack() as stack:
        mails = stack.enter_context(sink.running())
        dsn, _ = stack.enter_context(server.database())
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-")))
        tokens, _, _ = server.world(dsn)
        tokens.pop("operator")
        connection = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        people.settle(connection, people_, customers=customers, sites=people_)
        url, _ = stack.enter_context(server.serving(dsn, logs / "argus.log", mails.settings))
        began, took = asyncio.run(
            posting.post(
                url,
                list(tokens.values()),
                count=incidents,
                seconds=incidents / per_second,
                customers=customers,
                sites=people_,
                connections=4,  # none of them is idle for so long that the server closes it
            )
        )
        due, until = people.due(connection), time.monotonic() + WITHIN
        while mails.received < due and time.monotonic() < until:
            time.sleep(0.1)
        arrivals = mails.arrivals()
    if len(arrivals) != due:
        raise Wrong(f"{due} mails were due, {len(arrivals)} have arrived.")
    after = defaultdict(list)
    for number, at in arrivals:
        after[number].append(at - began[number])
    return {
        "the answer": Run.of(took),
        "the first mail": Run.of([min(each) for each in after.values()]),
        "the last mail": Run.of([max(each) for each in after.values()]),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000, metavar="N", help="who have a profile each (1000)")
    parser.add_argument("--hear", type=int, default=20, metavar="N", help="who are to hear of one incident (20)")
    parser.add_argument("--incidents", type=int, default=300, metavar="N", help="posted in all (300)")
    parser.add_argument("--per-second", type=float, default=5, metavar="N", help="posted each second (5)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

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
from statistics import quantiles

import psycopg
from bench import people, posting, server, sink

WITHIN = 60.0


def main() -> int:
    options = _options()
    customers = max(options.people * 3 // 5 // options.hear, 1)
    with ExitStack() as stack:
        mails = stack.enter_context(sink.running())
        dsn, _ = stack.enter_context(server.database())
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-")))
        tokens, _, _ = server.world(dsn)
        tokens.pop("operator")
        connection = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        people.settle(connection, options.people, customers=customers, sites=options.people)
        url, _ = stack.enter_context(server.serving(dsn, logs / "argus.log", mails.settings))
        began, took = asyncio.run(
            posting.post(
                url,
                list(tokens.values()),
                count=options.incidents,
                seconds=options.incidents / options.per_second,
                customers=customers,
                sites=options.people,
                connections=4,  # none of them is idle for so long that the server closes it
            )
        )
        due, until = people.due(connection), time.monotonic() + WITHIN
        while mails.received < due and time.monotonic() < until:
            time.sleep(0.1)
        arrivals = mails.arrivals()
        if len(arrivals) != due:
            print(f"{due} mails were due, {len(arrivals)} have arrived.", file=sys.stderr)
            return 1
    after = defaultdict(list)
    for number, at in arrivals:
        after[number].append(1000 * (at - began[number]))
    print(
        f"{options.people:,} profiles, {options.incidents:,} incidents at {options.per_second:g} per second, {due / len(after):.1f} mails "
        f"each; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}.\n"
    )
    print(f"{'from POST to':16} {'p50 ms':>8} {'p95 ms':>8} {'worst ms':>9}")
    for what, values in (
        ("the answer", [1000 * each for each in took]),
        ("the first mail", [min(each) for each in after.values()]),
        ("the last mail", [max(each) for each in after.values()]),
    ):
        cuts = quantiles(values, n=100)
        print(f"{what:16} {cuts[49]:8.2f} {cuts[94]:8.2f} {max(values):9.1f}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000, metavar="N", help="who have a profile each (1000)")
    parser.add_argument("--hear", type=int, default=20, metavar="N", help="who are to hear of one incident (20)")
    parser.add_argument("--incidents", type=int, default=300, metavar="N", help="posted in all (300)")
    parser.add_argument("--per-second", type=float, default=5, metavar="N", help="posted each second (5)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

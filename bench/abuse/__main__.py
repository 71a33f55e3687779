"""
Abuse a server, and see that it goes on and does not swell.

The exit code is 1 when somebody was answered otherwise than promised, when a person waited longer than two seconds beside it, or when the
memory of all processes together grew by more than it may.
"""

import argparse
import os
import resource
import sys
import tempfile
from pathlib import Path

from bench import report, server, sink, world
from bench.abuse.bodies import bodies
from bench.abuse.connections import idle, slow, unread
from bench.abuse.floods import flooded, greedy
from bench.abuse.watched import Watched

AT_FIRST = 2_000
"""So many incidents are there, so that lists have something in them."""

PARTS = ("flood", "greedy", "idle", "slow", "unread", "bodies")


def main() -> int:
    options = _options()
    server.heed_signals()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = min(options.connections, hard - 1000)
    with tempfile.TemporaryDirectory(prefix="argus-bench-") as folder, sink.running() as mails, server.database() as (dsn, _):
        tokens = server.world(dsn)[0]
        world.load(dsn, AT_FIRST)
        person, source = tokens.pop("operator"), tokens["source1"]
        report.say("")
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {soft} open files were allowed, {hard} may be.", flush=True)
        with server.serving(dsn, Path(folder, "argus.log"), mails.settings) as (url, pid):
            watched = Watched(url, person, pid)
            print(f"Somebody waits {watched.settle():.2f} s at most as long as nobody abuses anything.", flush=True)
            parts = {
                "flood": lambda: flooded(watched, options.incidents, tokens),
                "greedy": lambda: greedy(watched, options.incidents // 10, tokens),
                "idle": lambda: idle(watched, connections),
                "slow": lambda: slow(watched, source),
                "unread": lambda: unread(watched, person),
                "bodies": lambda: bodies(watched, options.bodies, source),
            }
            bad = [name for name in options.only if not parts[name]()]
        print(f"load {os.getloadavg()[0]:.1f}; not as promised: {', '.join(bad) or 'none'}")
    return int(bool(bad))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.abuse", description=__doc__)
    parser.add_argument("--incidents", type=int, default=100_000, metavar="N", help="as fast as they come (100000)")
    parser.add_argument("--connections", type=int, default=10_000, metavar="N", help="that are idle (10000)")
    parser.add_argument("--bodies", type=int, default=1_200, metavar="N", help="too large, too deep or too wide (1200)")
    parser.add_argument("--only", type=_parts, default=PARTS, metavar="PARTS", help=f"some of {','.join(PARTS)}")
    return parser.parse_args()


def _parts(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(PARTS):
        raise argparse.ArgumentTypeError(f"there is no part {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    sys.exit(main())

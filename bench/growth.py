"""
Measure how the time of everything hot grows: with incidents, with profiles, with requests in flight, with one and two HTTP processes.

Each point is a line of JSON. Points that are there already are not measured again; with `--draw` none is.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from bench import decisions, filters, report, server, world, wrk
from bench.client import Client
from bench.fit import fit
from bench.plot import Axis, svg
from bench.reads import OPEN, eventful
from bench.runs import Run
from bench.writes import POST

from adapters.http.paging import cursor

TAG = filters.Case("tag", "tags=customer%3Dcustomer-7")
ALL = filters.Case("all", "")
HEAR = 20
IN_FLIGHT = (1, 2, 4, 8, 16, 32, 64)
PROCESSES = (1, 2)
INCIDENTS, PROFILES, REQUESTS = "incidents", "profiles", "in flight"
PLOTS = {
    INCIDENTS: ("How long answers take, 1 in flight", Axis(name="incidents in the database"), Axis(name="median, milliseconds")),
    PROFILES: ("How long it takes to decide who hears of an event", Axis(name="profiles"), Axis(name="median, milliseconds")),
    REQUESTS: ("How long an answer keeps the server, with many in flight", Axis(name="requests in flight"), Axis(name="milliseconds each")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What took so many milliseconds at which size. `by` is what grows."""

    by: str
    what: str
    size: int
    ms: float
    p99: float
    worst: float


def main() -> int:
    options = _options()
    points = read(options.out)
    if not options.draw:
        server.heed_signals()
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with options.out.open("a") as lines:
            for point in _measured(options, {(point.by, point.size) for point in points}):
                lines.write(json.dumps(asdict(point)) + "\n")
                lines.flush()
                points.append(point)
    report.say("")
    if not points:
        print(f"There is nothing in {options.out}.", file=sys.stderr)
        return 1
    options.images.mkdir(parents=True, exist_ok=True)
    for by, (title, x, y) in PLOTS.items():
        if drawn := curves(points, by):
            name = by.replace(" ", "-")
            (options.images / f"growth-{name}.svg").write_text(svg(title, x, y, drawn))
    holds, said = verdict(points)
    print("\n".join(said))
    return int(not holds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument(
        "--incidents", type=_numbers, default=[10_000, 100_000, 1_000_000, 5_000_000], metavar="N,N", help="sizes (up to 5000000)"
    )
    parser.add_argument("--profiles", type=_numbers, default=[10, 100, 1_000, 10_000, 100_000], metavar="N,N", help="sizes (up to 100000)")
    parser.add_argument("--flights", type=int, default=1_000_000, metavar="N", help="incidents while many are in flight (1000000)")
    parser.add_argument("--seconds", type=float, default=4, help="for each point (4)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the incidents here, and use a copy of those that are there")
    parser.add_argument("--out", type=Path, default=Path("build/growth.jsonl"), help="where the points are kept (%(default)s)")
    parser.add_argument("--images", type=Path, default=Path("docs/images"), metavar="DIR", help="where the plots go (%(default)s)")
    parser.add_argument("--draw", action="store_true", help="draw what is there, and measure nothing")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def read(file: Path) -> list[Point]:
    """The points that are there."""
    return [Point(**json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []


def curves(points: Iterable[Point], by: str) -> dict[str, list[tuple[float, float]]]:
    """Sizes and times under the name of what was measured; the last of several measurements counts."""
    found: dict[str, dict[int, float]] = {}
    for point in points:
        if point.by == by:
            found.setdefault(point.what, {})[point.size] = point.ms
    return {what: sorted(times.items()) for what, times in found.items()}


def verdict(points: Iterable[Point]) -> tuple[bool, list[str]]:
    """Whether nothing grows faster than log n, and what is said about each curve."""
    points = list(points)
    holds, said = True, [f"{'':34} {'exponent':>9} {'of log n':>9}   {'ms':>8} {'+ ms each ten times':>20} {'explained':>10}"]
    for by in PLOTS:
        for what, curve in curves(points, by).items():
            if len(curve) < 3:  # noqa: PLR2004 - two points are on every line
                said.append(f"{f'{what}, by {by}':34} too few points")
                continue
            found = fit(curve)
            holds = holds and found.holds
            said.append(
                f"{f'{what}, by {by}':34} {found.exponent:>9.3f} {found.allowed:>9.3f}   {found.at:>8.3f} {2.302585 * found.slope:>20.4f} "
                f"{found.explained:>10.0%}  {'ok' if found.holds else 'GROWS FASTER'}"
            )
    return holds, [*said, "", "Nothing grows faster than log n." if holds else "Something grows faster than log n."]


def _measured(options: argparse.Namespace, known: set[tuple[str, int]]) -> Iterator[Point]:
    for count in options.profiles:
        if (PROFILES, count) not in known:
            report.say(f"{count:,} profiles")
            one = decisions.measured(count, hear=HEAR)
            yield Point(by=PROFILES, what="who hears", size=count, ms=one.by_index, p99=one.p99, worst=one.worst)
    for count in options.incidents:
        flights = count == options.flights and any((REQUESTS, size) not in known for size in IN_FLIGHT)
        if (INCIDENTS, count) in known and not flights:
            continue
        with world.opened(count, options.keep) as found:
            if (INCIDENTS, count) not in known:
                yield from _by_incidents(found, options.seconds)
            if flights:
                yield from _by_requests(found, options.seconds)


def _by_incidents(found: world.World, seconds: float) -> list[Point]:
    """One after the other; all of a size or none, so that a size that was cut short is measured again."""
    with ExitStack() as stack:
        url = stack.enter_context(_serving(found.dsn))
        reader = stack.enter_context(Client(url, found.reader))
        deep = urlencode({"cursor": cursor(filters.middle(found.dsn, ALL.condition)[1])})
        pk = eventful(stack.enter_context(Client(url, found.posting[0])), f"growth-{time.time_ns()}")
        targets = {
            "list": OPEN,
            "deep page": f"/api/v2/incidents/?page_size=100&{deep}",
            "detail": f"/api/v2/incidents/{pk}/",
            "tag filter": f"/api/v2/incidents/?page_size=100&{TAG.asked}",
        }
        runs = {what: repeated(reader, target, seconds) for what, target in targets.items()}
        runs["POST"] = wrk.run("post", url + POST, in_flight=1, seconds=seconds, tokens=found.posting, mark=f"g{time.time_ns()}")
    return [Point(by=INCIDENTS, what=what, size=found.incidents, ms=run.p50, p99=run.p99, worst=run.worst) for what, run in runs.items()]


def _by_requests(found: world.World, seconds: float) -> Iterator[Point]:
    for processes in PROCESSES:
        with _serving(found.dsn, processes) as url:
            sides = {
                "list": partial(wrk.run, "list", url + OPEN, tokens=[found.reader]),
                "POST": partial(wrk.run, "post", url + POST, tokens=found.posting),
            }
            for what, run in sides.items():
                run(in_flight=8, seconds=1, mark=f"w{time.time_ns()}")
                for in_flight in IN_FLIGHT:
                    name = f"{what}, {processes} process{'' if processes == 1 else 'es'}"
                    report.say(f"{name}, {in_flight} in flight")
                    one = run(in_flight=in_flight, seconds=seconds, mark=f"f{time.time_ns()}")
                    yield Point(by=REQUESTS, what=name, size=in_flight, ms=1000 / one.rate, p99=one.p99, worst=one.worst)


@contextmanager
def _serving(dsn: str, processes: int = 1) -> Iterator[str]:
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-")))
        yield stack.enter_context(server.serving(dsn, logs / "argus.log", processes=processes))[0]


def repeated(client: Client, target: str, seconds: float) -> Run:
    """The same request again and again for so long; the first ones are to get warm."""
    for _ in range(10):
        client.timed("GET", target)
    took, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        took.append(client.timed("GET", target)[1])
    return Run.of(took)


if __name__ == "__main__":
    sys.exit(main())

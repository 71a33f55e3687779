"""
Keep an installation busy for minutes with everything that happens all the time, and see whether its memory stays flat.

Sources report, add to and end incidents, people acknowledge some and read lists and single ones, and are told by mail. Each kind is asked
for at a steady pace. What PostgreSQL said of itself around the worst answers is shown with them.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from bench import fit, people, plot, server, sink, world
from bench.client import Client
from bench.machine import memory
from bench.reads import OPEN
from bench.runs import Run

EVERY = 10.0
"""Seconds between two looks at the memory."""
WARM = 0.25
"""The first part of the run does not count: pools, caches and prepared statements fill."""
FLAT = 0.03
"""Memory is flat if the line through it rises by no more than this share in the whole run."""
WORST = 5
AROUND = 1.5
"""Seconds before and after a slow answer in which something may be its reason."""
PEOPLE, CUSTOMERS, SITES = 500, 100, 200
PACES = {"report": 40.0, "event": 40.0, "end": 35.0, "ack": 10.0, "list": 10.0, "detail": 20.0}
"""Requests per second."""
NOTED = re.compile(r"^(?P<at>\S+ \S+) .*?(?P<what>checkpoint (?:starting|complete)|automatic (?:vacuum|analyze) of table \S+)")
SETTINGS = ("log_checkpoints = on", "log_autovacuum_min_duration = 0", "log_line_prefix = '%m '", "log_timezone = 'UTC'")


@dataclass(slots=True)
class Load:
    """What is asked, by whom, and how long it took: kind, moment, seconds."""

    url: str
    found: world.World
    took: list[tuple[str, float, float]] = field(default_factory=list)
    begun: deque[int] = field(default_factory=deque)
    failed: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    number: int = 0

    def threads(self) -> list[threading.Thread]:
        """One for each kind of request."""
        works = {"report": self.report, "event": self.event, "end": self.end, "ack": self.ack, "list": self.list, "detail": self.detail}
        return [threading.Thread(target=self._run, args=(kind, work), name=kind) for kind, work in works.items()]

    def _run(self, kind: str, work: Callable[[Client], tuple[bytes, float] | None]) -> None:
        token = self.found.reader if kind in {"ack", "list", "detail"} else self.found.posting[0]
        try:
            with Client(self.url, token) as client:
                due = time.monotonic()
                while not self.stopping.is_set():
                    due = max(due + 1 / PACES[kind], time.monotonic() - 1)
                    time.sleep(max(due - time.monotonic(), 0))
                    if answer := work(client):
                        self.took.append((kind, time.time(), answer[1]))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is said at the end
            self.failed.append(f"{kind}: {error!r}")

    def report(self, client: Client) -> tuple[bytes, float]:
        self.number += 1
        n = self.number
        tags = [
            f"customer=customer-{n % CUSTOMERS}",
            f"location=site-{n % SITES}",
            f"host=sw{n % 997}",
            f"object=ge-{n % 97}",
            "problem_type=linkDown",
        ]
        body = {
            "start_time": datetime.now(UTC).isoformat(),
            "end_time": "infinity",
            "source_incident_id": f"soak-{n}",
            "description": f"linkDown: alarm {n} raised by a poller",
            "level": 1 + n % 5,
            "tags": [{"tag": tag} for tag in tags],
        }
        answer = client.timed("POST", "/api/v2/incidents/", json.dumps(body).encode())
        self.begun.append(json.loads(answer[0])["pk"])
        return answer

    def event(self, client: Client) -> tuple[bytes, float] | None:
        return self._about(client, -1, "events/", {"timestamp": datetime.now(UTC).isoformat(), "type": "OTH", "description": "still so"})

    def end(self, client: Client) -> tuple[bytes, float] | None:
        if len(self.begun) < 200:  # noqa: PLR2004 - so many stay open
            return None
        pk = self.begun.popleft()
        body = {"timestamp": datetime.now(UTC).isoformat(), "type": "END", "description": "alarm cleared"}
        return client.timed("POST", f"/api/v2/incidents/{pk}/events/", json.dumps(body).encode())

    def ack(self, client: Client) -> tuple[bytes, float] | None:
        return self._about(client, -10, "acks/", {"timestamp": datetime.now(UTC).isoformat(), "description": "seen"})

    def list(self, client: Client) -> tuple[bytes, float]:
        return client.timed("GET", OPEN)

    def detail(self, client: Client) -> tuple[bytes, float] | None:
        return self._about(client, -20, "", None)

    def _about(self, client: Client, which: int, path: str, body: object) -> tuple[bytes, float] | None:
        """Ask something about one of the newest."""
        try:
            pk = self.begun[which]
        except IndexError:
            return None
        method, data = ("GET", b"") if body is None else ("POST", json.dumps(body).encode())
        return client.timed(method, f"/api/v2/incidents/{pk}/{path}", data)


def main() -> int:
    options = _options()
    server.heed_signals()
    with ExitStack() as stack:
        found = stack.enter_context(world.opened(options.incidents, options.keep))
        mails = stack.enter_context(sink.running())
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-")))
        with psycopg.connect(found.dsn, autocommit=True) as connection:
            for setting in SETTINGS:
                connection.execute(f"alter system set {setting}")
            connection.execute("select pg_reload_conf()")
            people.settle(connection, PEOPLE, customers=CUSTOMERS, sites=SITES)
            (folder,) = connection.execute("show data_directory").fetchone()
        url, pid = stack.enter_context(server.serving(found.dsn, logs / "argus.log", mails.settings))
        load = Load(url, found)
        sizes = _watched(load, pid, options.minutes)
        noted = notes(Path(folder).parent.rglob("postgres.log"))
        received = mails.received
    asked = f"{options.minutes:g} minutes, {options.incidents:,} incidents before, {len(load.took):,} requests, {received:,} mails"
    print(f"{asked}; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}.\n")
    print("\n".join(answers(load.took)))
    print("\n".join(worst(load.took, noted)))
    flat, said = memory_verdict(sizes)
    print("\n".join(said))
    options.images.mkdir(parents=True, exist_ok=True)
    curves = {role: [(at / 60, size) for at, role_, size in sizes if role_ == role] for role in dict.fromkeys(role for _, role, _ in sizes)}
    picture = plot.svg(
        "Memory under load", plot.Axis(name="minutes", logarithmic=False), plot.Axis(name="PSS, MB", logarithmic=False), curves
    )
    (options.images / "soak-memory.svg").write_text(picture)
    print("\n".join(load.failed), file=sys.stderr)
    return int(not flat or bool(load.failed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, metavar="N", help="of load (20)")
    parser.add_argument("--incidents", type=int, default=1_000_000, metavar="N", help="how many there are before (1000000)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the incidents here, and use a copy of those that are there")
    parser.add_argument("--images", type=Path, default=Path("docs/images"), metavar="DIR", help="where the plot goes (%(default)s)")
    return parser.parse_args()


def _watched(load: Load, pid: int, minutes: float) -> list[tuple[float, str, float]]:
    """What each process held, and when: seconds since the beginning, its role, MB."""
    sizes, began = [], time.monotonic()
    threads = load.threads()
    for thread in threads:
        thread.start()
    while time.monotonic() < began + 60 * minutes and not load.failed:
        time.sleep(min(EVERY, 6 * minutes))
        sizes += [(time.monotonic() - began, role, size) for role, size in memory(pid).items()]
    load.stopping.set()
    for thread in threads:
        thread.join()
    return sizes


def notes(files: Iterator[Path]) -> list[tuple[float, str]]:
    """What PostgreSQL said of itself, and when."""
    found = []
    for file in files:
        for line in file.read_text(errors="replace").splitlines():
            if match := NOTED.match(line):
                at = datetime.strptime(match["at"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
                found.append((at.timestamp(), match["what"]))
    return found


def answers(took: Sequence[tuple[str, float, float]]) -> Iterator[str]:
    """How long each kind took, in all and in the worst minute."""
    kinds = defaultdict(list)
    for kind, at, seconds in took:
        kinds[kind].append((at, seconds))
    yield f"{'':8} {'per s':>6} {'p50 ms':>8} {'p99':>8} {'worst':>8}   {'p99 of the best and the worst minute':>36}"
    for kind, times in kinds.items():
        run = Run.of([seconds for _, seconds in times], times[-1][0] - times[0][0])
        minutes = defaultdict(list)
        for at, seconds in times:
            minutes[int((at - times[0][0]) / 60)].append(seconds)
        each = [Run.of(some).p99 for some in minutes.values()]
        yield f"{kind:8} {run.rate:6.1f} {run.p50:8.2f} {run.p99:8.2f} {run.worst:8.1f}   {min(each):24.2f} {max(each):11.2f}"


def worst(took: Sequence[tuple[str, float, float]], noted: Sequence[tuple[float, str]]) -> Iterator[str]:
    """The slowest answers, and what PostgreSQL did then."""
    yield "\nThe slowest:"
    for kind, at, seconds in sorted(took, key=lambda one: -one[2])[:WORST]:
        then = ", ".join(dict.fromkeys(what for moment, what in noted if at - seconds - AROUND <= moment <= at + AROUND))
        yield f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} {kind:8} {1000 * seconds:8.1f} ms   {then or 'nothing noted by PostgreSQL'}"


def memory_verdict(sizes: Sequence[tuple[float, str, float]]) -> tuple[bool, list[str]]:
    """Whether every process held no more at the end than when it was warm, and what is said about each."""
    holds, said = True, [f"\n{'PSS in MB':11} {'warm':>7} {'end':>7} {'MB per hour':>12}"]
    last = max((at for at, _, _ in sizes), default=0)
    for role in dict.fromkeys(role for _, role, _ in sizes):
        points = [(at, size) for at, role_, size in sizes if role_ == role and at >= WARM * last]
        slope, _ = fit.line([at for at, _ in points], [size for _, size in points])
        first = points[0][1]
        is_flat = slope * (last - points[0][0]) <= FLAT * first
        holds = holds and is_flat
        said.append(f"{role:11} {first:7.1f} {points[-1][1]:7.1f} {3600 * slope:12.1f}  {'flat' if is_flat else 'GROWS'}")
    return holds, said


if __name__ == "__main__":
    sys.exit(main())

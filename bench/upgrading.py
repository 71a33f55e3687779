"""
Take the steps of a database with millions of rows while it is used, and see what it costs those who use it.

The version before the first of the steps serves: it is posted to, lists and histories of notifications are read, and a worker decides. The
exit code is 1 when a request took longer than a second meanwhile, or failed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import httpx
import psycopg
from bench import report, server, world

from integration.releases import version_before

MOST = 1.0
AS_SLOW = 1.5
"""So many times as slow as before is as slow as before."""

BEFORE, AFTER = 10.0, 5.0
PAUSE = 0.02
DELIVERIES = """
    insert into delivery (id, incident_id, event_id, destination_id, owner_id, created, since, finished, version, medium, status, address,
        reason, profiles)
    select id, incident_id, id, 1, {operator}, received, received, received, version, 'email', 'sent', 'noc@example.org', '', '[]'
    from event where version = 1 and incident_id between {first} and {last}"""
ATTEMPTS = """
    insert into attempt (created, delivery_id, number, seconds, outcome, answer)
    select created, id, 1, 0.1, 'sent', '250 OK' from delivery where incident_id between {first} and {last}"""
STEP = "select version_num from alembic_version"


@dataclass(slots=True)
class Asked:
    """Requests of one kind: when they began by `time.monotonic`, how many seconds they took, and those that failed."""

    what: str
    took: list[tuple[float, float]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def between(self, first: float, last: float) -> list[float]:
        """What those took that were under way at some moment between these two."""
        return [took for began, took in self.took if began < last and began + took > first]


def main() -> int:
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-")))
        found = version_before(folder / "before", options.before)
        if found is None:
            print("The history of this checkout does not reach back to the version before.", file=sys.stderr)
            return 2
        code, step = found
        older = {"PYTHONPATH": str(code)}
        dsn, tokens = _database(stack, options, older, step)
        log = folder / "argus.log"
        url = stack.enter_context(_serving(dsn, log, older))
        asked, steps = _upgraded(dsn, url, tokens)
        return _told(options, step, asked, steps, log)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.upgrading", description=__doc__)
    parser.add_argument("--incidents", type=int, default=5_000_000, metavar="N", help="each with a delivery (5000000)")
    parser.add_argument("--before", metavar="STEP", help="the first of the steps that are taken, like 0009 (the newest)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the rows here, and use a copy of those that are there")
    return parser.parse_args()


def _database(stack: ExitStack, options: argparse.Namespace, older: Mapping[str, str], step: str) -> tuple[str, dict[str, str]]:
    """A database as the version before has left it: its address, and the tokens of its sources and of a person."""
    kept = (options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-")))) / f"{step}-{options.incidents}"
    if not (kept / "world.json").exists():
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        with server.database(kept / "data") as (dsn, _):
            tokens = _filled(dsn, options.incidents, older)
        (kept / "world.json").write_text(json.dumps(tokens))
    if options.keep:
        copied = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-"))) / "copy"
        subprocess.run(["cp", "-a", "--reflink=auto", kept, copied], check=True)
        kept = copied
    dsn, _ = stack.enter_context(server.database(kept / "data"))
    return dsn, json.loads((kept / "world.json").read_text())


def _filled(dsn: str, incidents: int, older: Mapping[str, str]) -> dict[str, str]:
    with _environment(older):
        tokens = server.world(dsn)[0]
    world.load(dsn, incidents)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for first in range(1, incidents + 1, world.CHUNK):
            chunk = {"first": first, "last": min(first + world.CHUNK - 1, incidents)}
            connection.execute(DELIVERIES.format(**chunk, operator=server.SOURCES + 1))
            connection.execute(ATTEMPTS.format(**chunk))
            report.say(f"{chunk['last']:,} of {incidents:,} deliveries written")
        connection.execute("select setval('delivery_ids', (select max(id) from delivery))")
        connection.execute("vacuum analyze")
    return tokens


@contextmanager
def _serving(dsn: str, log: Path, older: Mapping[str, str]) -> Iterator[str]:
    with _environment(older), server.serving(dsn, log, {}) as (url, _):
        yield url


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    former = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in former.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _upgraded(dsn: str, url: str, tokens: Mapping[str, str]) -> tuple[list[Asked], list[tuple[str, float]]]:
    """What was asked, and when each step was there; the first entry is when it began, the last when nobody asked any more."""
    stopping = threading.Event()
    asked = [Asked("POST"), Asked("list"), Asked("notifications of an incident")]
    threads = [
        threading.Thread(target=_post, args=(asked[0], url, tokens["source1"], stopping)),
        threading.Thread(target=_get, args=(asked[1], f"{url}/api/v2/incidents/?open=true&page_size=100", tokens["operator"], stopping)),
        threading.Thread(target=_get, args=(asked[2], f"{url}/api/v2/incidents/4711/notifications/", tokens["operator"], stopping)),
    ]
    for thread in threads:
        thread.start()
    time.sleep(BEFORE)
    steps = [("", time.monotonic())]
    command = [str(Path(sys.executable).with_name("argus")), "migrate"]
    newest = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"DATABASE_URL": dsn}
    with (
        psycopg.connect(dsn, autocommit=True) as connection,
        subprocess.Popen(command, env=newest, stdout=subprocess.DEVNULL) as migrating,
    ):
        last = connection.execute(STEP).fetchone()[0]
        while migrating.poll() is None:
            if (now := connection.execute(STEP).fetchone()[0]) != last:
                steps.append((now, time.monotonic()))
                last = now
            time.sleep(0.02)
        if (now := connection.execute(STEP).fetchone()[0]) != last:
            steps.append((now, time.monotonic()))
    if migrating.returncode or len(steps) == 1:
        raise SystemExit(f"argus migrate took {len(steps) - 1} steps and ended with {migrating.returncode}")
    time.sleep(AFTER)
    steps.append(("after", time.monotonic()))
    stopping.set()
    for thread in threads:
        thread.join()
    return asked, steps


def _post(asked: Asked, url: str, token: str, stopping: threading.Event) -> None:
    number = 0
    with httpx.Client(headers={"Authorization": f"Token {token}"}, timeout=60) as client:
        while not stopping.wait(PAUSE):
            number += 1
            body = {
                "start_time": datetime.now(UTC).isoformat(),
                "description": f"upgrading {number}",
                "tags": [{"tag": "host=gw1"}],
                "level": 3,
            }
            _time(asked, lambda: client.post(f"{url}/api/v2/incidents/", json=body))  # noqa: B023 - it is called at once


def _get(asked: Asked, url: str, token: str, stopping: threading.Event) -> None:
    with httpx.Client(headers={"Authorization": f"Token {token}"}, timeout=60) as client:
        while not stopping.wait(PAUSE):
            _time(asked, lambda: client.get(url))


def _time(asked: Asked, ask) -> None:
    began = time.monotonic()
    try:
        answer = ask()
    except httpx.HTTPError as error:
        asked.failed.append(repr(error))
    else:
        if not answer.is_success:
            asked.failed.append(f"{answer.status_code} {answer.text[:200]}")
    asked.took.append((began, time.monotonic() - began))


def _told(options: argparse.Namespace, step: str, asked: list[Asked], steps: list[tuple[str, float]], log: Path) -> int:
    report.say("")
    began = steps[0][1]
    print(f"{options.incidents:,} incidents and as many deliveries; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}.")
    print(f"{'step':>12} {'seconds':>8} " + " ".join(f"{one.what:>30}" for one in asked))
    _row(f"none ({step})", BEFORE, asked, began - BEFORE, began)
    for (_, first), (name, last) in pairwise(steps):
        _row(name, last - first, asked, first, last)
    # What is as slow without any step is slow for another reason.
    during = {one.what: max(one.between(began, steps[-1][1]), default=0) for one in asked}
    slow = [one.what for one in asked if during[one.what] > max(MOST, AS_SLOW * max(one.between(began - BEFORE, began), default=0))]
    failed = [text for one in asked for text in one.failed]
    print(
        f"\nThe slowest request took {max(during.values()):.2f} s (at most {MOST:g}), slower because of a step: "
        f"{', '.join(slow) or 'none'}; {len(failed)} failed."
    )
    if failed:
        print(*failed[:5], log.read_text()[-2000:], sep="\n")
    return int(bool(slow or failed))


def _row(name: str, seconds: float, asked: list[Asked], first: float, last: float) -> None:
    cells = (max(one.between(first, last), default=0) for one in asked)
    print(f"{name:>12} {seconds:8.1f} " + " ".join(f"{1000 * cell:30.0f}" for cell in cells))


if __name__ == "__main__":
    sys.exit(main())

"""Measure Argus next to psycopg alone, which does the same work on the same database in the same run."""

import argparse
import asyncio
import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path

import psycopg
from bench import history, plain, report, server, wrk
from bench.machine import Machine, cpu_seconds
from bench.report import ARGUS, PSYCOPG, Result
from bench.server import Bench
from bench.wrk import Run

from adapters.db import bulk

LIST = "/api/v2/incidents/?open=true&acked=false&page_size=100"
POST = "/api/v2/incidents/"
WARM_UP = 2
BODY = {"start_time": "2026-01-01T00:00:00Z", "description": "a first one", "tags": [{"tag": f"key{n}=value"} for n in range(5)]}


class Wrong(Exception):
    """What was measured is not what should have been."""


def main() -> int:
    options = _options()
    try:
        wrk.program()
    except FileNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 2
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with server.database() as (dsn, postgres_pid):
        tokens, robots, person = server.world(dsn)
        _load(dsn, options.incidents, robots, person)
        log = options.out.with_suffix(".log")
        with server.serving(dsn, log) as (url, argus_pid):
            reader = tokens.pop("operator")
            bench = Bench(
                dsn=dsn,
                url=url,
                argus_pid=argus_pid,
                postgres_pid=postgres_pid,
                tokens=list(tokens.values()),
                reader=reader,
                robots=robots,
                person=person,
            )
            circumstances = _circumstances(bench, options)
            results = []
            try:
                _check_answers(bench)
                with options.out.open("a") as lines:
                    for result in _rounds(bench, options):
                        results.append(result)
                        lines.write(report.line(result, **circumstances) + "\n")
                        lines.flush()
                _check_answers(bench)
            except Wrong as wrong:
                print(f"\n{wrong}", file=sys.stderr)
                return 1
    report.say("")
    print(_title(circumstances, options))
    print("\n".join(report.table(results)))
    print(f"\nThe ratio is Argus to psycopg, the aim {report.AIM}. Every run is in {options.out}; bench/README.md says how to read this.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--incidents", type=int, default=100_000, metavar="N", help="how many there are before (100000)")
    parser.add_argument("--seconds", type=float, default=5, help="of each run (5)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians are shown (3)")
    parser.add_argument("--in-flight", type=_numbers, default=[1, 8, 64], metavar="N,N", help="requests at a time (1,8,64)")
    parser.add_argument("--only", choices=["list", "post"], help="measure one thing")
    parser.add_argument(
        "--out", type=Path, default=Path("build/bench.jsonl"), help="where each run is kept as a line of JSON (build/bench.jsonl)"
    )
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _load(dsn: str, incidents: int, robots, person) -> None:
    with plain.connected(dsn) as connection:
        began = time.monotonic()
        bulk.load(connection, map(bulk.packed, bulk.batches(history.changes(incidents, robots, person, datetime.now(UTC)))), report.say)
    report.say(f"{incidents:,} incidents written in {time.monotonic() - began:.0f} s\n")


def _rounds(bench: Bench, options: argparse.Namespace) -> Iterator[Result]:
    """Lists come first, because posting makes the tables grow; both sides take turns."""
    sources = [(robot.source.id, robot.id) for robot in bench.robots]
    sides: dict[str, dict[str, Callable[..., tuple[Run, float]]]] = {
        "list": {ARGUS: partial(_argus_lists, bench), PSYCOPG: partial(_psycopg_lists, bench)},
        "post": {ARGUS: partial(_argus_posts, bench), PSYCOPG: partial(_psycopg_posts, bench, sources)},
    }
    for what in [options.only] if options.only else sides:
        for one in sides[what].values():
            one(8, WARM_UP, f"warm-{what}")
        for round_ in range(1, options.rounds + 1):
            for in_flight in options.in_flight:
                for who, one in sides[what].items():
                    report.say(f"round {round_} of {options.rounds}: {what}, {in_flight} in flight, {who}")
                    run = partial(one, in_flight, options.seconds, f"{what}-{round_}-{in_flight}")
                    yield _measured(bench, run, what=what, who=who, in_flight=in_flight, round_=round_)


def _measured(bench: Bench, run: Callable[[], tuple[Run, float]], *, what: str, who: str, in_flight: int, round_: int) -> Result:
    machine, postgres = Machine.now(), cpu_seconds(bench.postgres_pid)
    done, cpu = run()
    postgres = cpu_seconds(bench.postgres_pid) - postgres
    busy = Machine.now().busy_since(machine)
    if done.errors:
        raise Wrong(f"{done.errors} of {done.requests} requests ({what}, {in_flight} in flight, {who}) failed.")
    return Result(
        what=what,
        who=who,
        in_flight=in_flight,
        round=round_,
        run=done,
        cpu_ms=cpu * 1000 / done.requests,
        postgres_cpu_ms=postgres * 1000 / done.requests,
        busy=busy,
        load=os.getloadavg()[0],
    )


def _argus_lists(bench: Bench, in_flight: int, seconds: float, mark: str) -> tuple[Run, float]:
    cpu = cpu_seconds(bench.argus_pid)
    run = wrk.run("list", bench.url + LIST, in_flight=in_flight, seconds=seconds, tokens=[bench.reader], mark=mark)
    return run, cpu_seconds(bench.argus_pid) - cpu


def _argus_posts(bench: Bench, in_flight: int, seconds: float, mark: str) -> tuple[Run, float]:
    cpu = cpu_seconds(bench.argus_pid)
    run = wrk.run("post", bench.url + POST, in_flight=in_flight, seconds=seconds, tokens=bench.tokens, mark=f"a-{mark}")
    cpu = cpu_seconds(bench.argus_pid) - cpu
    _check_rows(bench, f"a-{mark}-", run.requests, in_flight)
    return run, cpu


def _psycopg_lists(bench: Bench, in_flight: int, seconds: float, _: str) -> tuple[Run, float]:
    return asyncio.run(plain.measured(bench.dsn, in_flight, seconds, lambda connection, __: plain.list_open(connection)))


def _psycopg_posts(bench: Bench, sources: list[tuple[int, int]], in_flight: int, seconds: float, mark: str) -> tuple[Run, float]:
    def action(connection, worker):
        return plain.post(connection, worker, sources, f"p-{mark}")

    run, cpu = asyncio.run(plain.measured(bench.dsn, in_flight, seconds, action))
    _check_rows(bench, f"p-{mark}-", run.requests, in_flight)
    return run, cpu


def _check_rows(bench: Bench, prefix: str, answered: int, in_flight: int) -> None:
    """
    What was answered is there: incident, event and outbox row. A little more may be, which was under way at the end or made warm.

    Raises:
        Wrong: it is not.
    """
    query = """
        select count(*), count(e.id), count(o.incident_id)
        from incident i
        left join event e on e.incident_id = i.id and e.version = 1
        left join outbox o on o.incident_id = i.id and o.version = 1
        where i.source_incident_id collate "C" >= %(prefix)s and i.source_incident_id collate "C" < %(prefix)s || '~'"""
    with plain.connected(bench.dsn) as connection:
        found = connection.execute(query, {"prefix": prefix}).fetchone()
    if len(set(found)) != 1 or not answered <= found[0] <= answered + in_flight:
        raise Wrong(
            f"{answered} incidents {prefix}… were answered with 201; there are {found} of them, their events and their outbox rows."
        )


def _check_answers(bench: Bench) -> None:
    """
    Look at one answer of each kind whole.

    Raises:
        Wrong: it is another one than expected.
    """
    status, incident = _answer(bench.url + POST, bench.tokens[0], BODY)
    if status != HTTPStatus.CREATED or len(incident["tags"]) != len(BODY["tags"]):
        raise Wrong(f"POST answers {status}: {incident}")
    status, page = _answer(bench.url + LIST, bench.reader)
    with plain.connected(bench.dsn) as connection:
        rows = connection.execute(plain.LIST).fetchmany(plain.ROWS)
    if status != HTTPStatus.OK or [row[0] for row in rows] != [row["pk"] for row in page["results"]]:
        raise Wrong(f"GET answers {status} and other rows than SQL finds.")


def _answer(url: str, token: str, body: object = None) -> tuple[int, dict]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"Token {token}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status, json.load(answer)


def _circumstances(bench: Bench, options: argparse.Namespace) -> dict[str, object]:
    with plain.connected(bench.dsn) as connection:
        version, commit, fsync = (
            connection.execute(f"show {name}").fetchone()[0] for name in ("server_version", "synchronous_commit", "fsync")
        )
    if (commit, fsync) != ("on", "on"):
        raise SystemExit("This PostgreSQL is not durable; nothing is measured.")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "incidents": options.incidents,
        "postgres": version,
        "python": ".".join(map(str, sys.version_info[:3])),
        "psycopg": psycopg.__version__,
        "processors": os.cpu_count(),
    }


def _title(circumstances: dict[str, object], options: argparse.Namespace) -> str:
    return (
        f"{options.incidents:,} incidents, PostgreSQL {circumstances['postgres']} with synchronous_commit and fsync on, "
        f"Python {circumstances['python']}, {circumstances['processors']} processors, load {os.getloadavg()[0]:.1f};\n"
        f"medians of {options.rounds} rounds of {options.seconds:g} s, one HTTP process, all on this machine."
    )


if __name__ == "__main__":
    sys.exit(main())

"""Measure Argus next to the reference server from PyPI (or another of API v2), on the same PostgreSQL and the same data, in turns."""

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import psycopg
from bench import machine, neutral, reference, report, server, sink, wrk
from bench.machine import cpu_seconds
from bench.runs import Run

ARGUS = "Argus"
OPEN = "/api/v2/incidents/?open=true&acked=false&page_size=100"
ALL = "/api/v2/incidents/?page_size=100"
INCIDENTS = "/api/v2/incidents/"
PROFILES, MAILS_WITHIN, BULK = 100, 120.0, 1000


class Wrong(Exception):
    """What was measured is not what should have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One server. The first process of one that somebody else has started is not known."""

    name: str
    url: str
    world: dict
    pid: int | None = None

    @property
    def person(self) -> str:
        return self.world["users"][0]["token"]

    @property
    def robots(self) -> list[str]:
        return [one["token"] for one in self.world["sources"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one run gave: more is better if it is a rate; CPU is in milliseconds for one request."""

    what: str
    who: str
    value: float
    unit: str
    cpu_ms: float | None = None
    postgres_ms: float | None = None


def main() -> int:
    options = _options()
    figures: list[Figure] = []
    try:
        wrk.program()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-")))
            programs = None if options.other else reference.install(folder / "venv", options.reference)
            neutral.write(folder / "data", incidents=options.incidents, profiles=PROFILES)
            dsn, postgres = stack.enter_context(server.database())
            for figure in _figures(_filled(options, folder / "data", dsn, postgres, programs)):
                figures.append(figure)
                report.say(f"{figure.what}: {figure.who} {figure.value:.4g} {figure.unit}")
    except (FileNotFoundError, reference.NotInstalled) as missing:
        print(missing, file=sys.stderr)
        return 2
    except Wrong as wrong:
        print(f"\n{wrong}", file=sys.stderr)
        return 1
    report.say("")
    print(
        f"{options.incidents:,} incidents, {options.rounds} rounds in turns, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}.\n"
    )
    print("\n".join(table(figures)))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--incidents", type=int, default=100_000, metavar="N", help="in both databases (100000)")
    parser.add_argument("--seconds", type=float, default=3, help="of each run (3)")
    parser.add_argument("--rounds", type=int, default=2, help="of which the medians are shown (2)")
    parser.add_argument("--logs", type=Path, default=Path("build"), metavar="DIR", help="where the servers' logs are kept (build)")
    parser.add_argument("--reference", default="2.10.2", metavar="VERSION", help="of argus-server on PyPI (2.10.2)")
    parser.add_argument("--with", dest="other", metavar="NAME=URL", help="measure this server instead of the reference; it runs already")
    parser.add_argument("--world", type=Path, metavar="FILE", help="its world.json, as docs/importing.md describes")
    options = parser.parse_args()
    if bool(options.other) != bool(options.world) or (options.other and "=" not in options.other):
        parser.error("--with NAME=URL and --world FILE go together")
    return options


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Both databases, filled, and what starts the servers before them; no programs if the other server runs elsewhere."""

    options: argparse.Namespace
    world: dict
    ours: str
    theirs: str
    postgres: int
    programs: Path | None

    @contextmanager
    def sides(self, mails: sink.Sink | None = None) -> Iterator[tuple[list[Side], list[Figure]]]:
        """Both servers, and how long they took to the first answer; they have workers if there is something that takes mails."""
        logs = self.options.logs
        with ExitStack() as stack:
            starts = {ARGUS: server.serving(self.ours, logs / "peers-argus.log", mails.settings if mails else None)}
            if self.programs:
                log = logs / "peers-reference.log"
                starts[f"argus-server {self.options.reference}"] = reference.serving(self.programs, self.theirs, log, mails and mails.port)
            sides, cold = [], []
            for name, start in starts.items():
                began = time.monotonic()
                url, pid = stack.enter_context(start)
                sides.append(Side(name=name, url=url, world=self.world, pid=pid))
                reference.wait(url, sides[-1].person, ask)
                cold.append(Figure(what="cold start", who=name, value=time.monotonic() - began, unit="s"))
            if not self.programs:
                name, _, url = self.options.other.partition("=")
                sides.append(Side(name=name, url=url.rstrip("/"), world=json.loads(self.options.world.read_text())))
            yield sides, cold


def _filled(options: argparse.Namespace, data: Path, dsn: str, postgres: int, programs: Path | None) -> Place:
    """The same data in both databases."""
    ours, theirs = (_database(dsn, name) for name in ("ours", "theirs"))
    _argus(ours, "migrate")
    _argus(ours, "import", "neutral", str(data))
    if programs:
        reference.fill(programs, theirs, data, profiles=PROFILES)
    options.logs.mkdir(parents=True, exist_ok=True)
    world = json.loads((data / "world.json").read_text())
    return Place(options=options, world=world, ours=ours, theirs=theirs, postgres=postgres, programs=programs)


def _figures(place: Place) -> Iterator[Figure]:
    rounds = place.options.rounds
    if place.programs:
        with sink.running() as mails, place.sides(mails) as (sides, _):
            for round_ in range(rounds):
                for side in sides:
                    yield _mails(side, mails, round_)
    with place.sides() as (sides, cold):
        yield from cold
        check(sides)
        for what, work in _works(place.options.seconds).items():
            for side in sides:  # makes warm
                _measured(side, place.postgres, what, work)
            for _ in range(rounds):
                for side in sides:
                    yield _measured(side, place.postgres, what, work)
        for side in sides:
            if side.pid:
                yield Figure(what="memory after all this (PSS)", who=side.name, value=memory(side.pid), unit="MB")


def _works(seconds: float) -> dict[str, Callable[[Side, str], tuple[float, str, int]]]:
    """What is done: each gives its figure, the unit, and how many requests these were. Reading comes first, because posting adds rows."""

    def reads(path: Callable[[dict], str]) -> Callable[[Side, str], tuple[float, str, int]]:
        def work(side: Side, _: str) -> tuple[float, str, int]:
            run = _run("list", side.url + path(side.world), in_flight=1, seconds=seconds, tokens=[side.person])
            return run.p50, "ms", run.requests

        return work

    def posts(in_flight: int) -> Callable[[Side, str], tuple[float, str, int]]:
        def work(side: Side, mark: str) -> tuple[float, str, int]:
            run = _run("post", side.url + INCIDENTS, in_flight=in_flight, seconds=seconds, tokens=side.robots, mark=mark)
            return run.rate, "/s", run.requests

        return work

    def cycles(side: Side, mark: str) -> tuple[float, str, int]:
        run = _run("lifecycle", side.url, in_flight=8, seconds=seconds, tokens=[*side.robots, side.person], mark=mark, threads=8)
        return run.rate / 3, "/s", max(run.requests // 3, 1)

    def many(world: dict) -> str:
        return f"{INCIDENTS}{world['ids']['many_events'][0]}/"

    return {
        "GET open, not acked, newest 100": reads(lambda _: OPEN),
        "GET with a common tag": reads(lambda world: f"{ALL}&tags={quote(world['query']['tag_common'])}"),
        "GET with two tags": reads(lambda world: f"{ALL}&tags={quote(world['query']['tags_and'])}"),
        "GET open of three sources": reads(lambda world: f"{OPEN}&source__id__in={quote(world['query']['source_ids'])}"),
        "GET a page deep in all": reads(lambda world: f"{ALL}&cursor={cursor(world['query']['middle_time'])}"),
        "GET one incident": reads(many),
        "GET its 50 events": reads(lambda world: f"{many(world)}events/"),
        "POST, 1 in flight": posts(1),
        "POST, 8 in flight": posts(8),
        "POST, 64 in flight": posts(64),
        "POST, END, ACK; 8 in flight": cycles,
        "ack 1,000 at once": _bulk,
    }


def _run(script: str, url: str, **how) -> Run:
    run = wrk.run(script, url, **how)
    if run.errors or not run.requests:
        raise Wrong(f"{run.errors} of {run.requests} requests to {url} failed ({script}).")
    return run


def _bulk(side: Side, _: str) -> tuple[float, str, int]:
    ids, url = [], side.url + ALL
    while url and len(ids) < BULK:
        page = ask(url, side.person)
        ids += [one["pk"] for one in page["results"]]
        following = page["next"] and urlsplit(page["next"])
        url = following and f"{side.url}{following.path}?{following.query}"
    body = {"ids": ids[:BULK], "ack": {"timestamp": datetime.now(UTC).isoformat(), "description": "all of them"}}
    began = time.monotonic()
    ask(f"{side.url}{INCIDENTS}acks/bulk/", side.person, body)
    return 1000 * (time.monotonic() - began), "ms", 1


def _measured(side: Side, postgres: int, what: str, work: Callable[[Side, str], tuple[float, str, int]]) -> Figure:
    before = (cpu_seconds(side.pid) if side.pid else 0, cpu_seconds(postgres))
    value, unit, requests = work(side, f"peers-{time.monotonic_ns()}")
    if not side.pid:
        return Figure(what=what, who=side.name, value=value, unit=unit)
    own, database = cpu_seconds(side.pid) - before[0], cpu_seconds(postgres) - before[1]
    return Figure(what=what, who=side.name, value=value, unit=unit, cpu_ms=1000 * own / requests, postgres_ms=1000 * database / requests)


def _mails(side: Side, mails: sink.Sink, round_: int) -> Figure:
    """From one POST to the last of the mails about it."""
    world, before = side.world, mails.received
    body = {
        "start_time": datetime.now(UTC).isoformat(),
        "source_incident_id": f"mail-{round_}",
        "description": "somebody is told",
        "level": 2,
        "tags": [{"tag": world["notify_tag"]}, {"tag": "location=site-001"}],
    }
    robot = next(one["token"] for one in world["sources"] if one["id"] == world["notify_source"])
    began = time.monotonic()
    ask(side.url + INCIDENTS, robot, body)
    while mails.received < before + world["matching_profiles"]:
        if time.monotonic() > began + MAILS_WITHIN:
            raise Wrong(f"{side.name} has sent {mails.received - before} of {world['matching_profiles']} mails.")
        time.sleep(0.001)
    what = f"POST to the last of {world['matching_profiles']} mails, {PROFILES} profiles"
    return Figure(what=what, who=side.name, value=1000 * (time.monotonic() - began), unit="ms")


def check(sides: list[Side]) -> None:
    """
    Look whether both know the same.

    Raises:
        Wrong: they do not.
    """
    query = sides[0].world["query"]
    for path in (OPEN, ALL, f"{ALL}&tags={quote(query['tags_and'])}", f"{OPEN}&source__id__in={query['source_ids']}"):
        answers = [ask(f"{side.url}{path}", side.person) for side in sides]
        found = [[one["pk"] for one in answer["results"]] for answer in answers]
        counts = [ask(f"{side.url}{path}&count=true", side.person).get("count") for side in sides]
        if found[0] != found[1] or counts[0] != counts[1]:
            differ = next((pair for pair in zip(*found, strict=False) if pair[0] != pair[1]), "none of the pks")
            raise Wrong(f"{path}: the answers differ; counts {counts}, first other pks {differ}.")


def ask(url: str, token: str, body: object = None) -> dict:
    """One answer, of a request that must succeed."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"Token {token}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def cursor(moment: str) -> str:
    """The one of a page that begins there, as API v2 writes it."""
    return quote(base64.b64encode(urlencode({"p": moment.replace("T", " ")}).encode()).decode())


def memory(root: int, proc: Path = machine.PROC) -> float:
    """Megabytes that a process and its descendants have for themselves, with their share of what several have."""
    lines = [line for pid in machine.tree(root, proc) for line in _lines(proc / str(pid) / "smaps_rollup") if line.startswith("Pss:")]
    return sum(int(line.split()[1]) for line in lines) / 1024


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []


def _database(dsn: str, name: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


def _argus(dsn: str, *words: str) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ARGUS_")}
    program = Path(sys.executable).with_name("argus")
    done = subprocess.run([program, *words], env=bare | {"DATABASE_URL": dsn}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)


def table(figures: list[Figure]) -> Iterator[str]:
    """The medians of both sides, and how many times as fast (or small) the first is."""
    names = list(dict.fromkeys(figure.who for figure in figures))
    yield f"{'':46}" + "".join(f"{name:>22}" for name in names) + f"{'times':>9}   CPU ms a request, server + PostgreSQL"
    for what in dict.fromkeys(figure.what for figure in figures):
        sides = [[figure for figure in figures if (figure.what, figure.who) == (what, name)] for name in names]
        cells = [f"{_median(side):,.4g} {side[0].unit}" if side else "-" for side in sides]
        times = f"{_times(*sides):9.1f}" if all(sides) and len(sides) > 1 else f"{'':9}"
        costs = [_cost(side) for side in sides if side and side[0].cpu_ms is not None]
        yield (f"{what:46}" + "".join(f"{cell:>22}" for cell in cells) + f"{times}   {' | '.join(costs)}").rstrip()


def _times(ours: list[Figure], theirs: list[Figure]) -> float:
    ratio = _median(ours) / _median(theirs)
    return ratio if ours[0].unit == "/s" else 1 / ratio


def _median(figures: list[Figure]) -> float:
    return median(figure.value for figure in figures)


def _cost(figures: list[Figure]) -> str:
    return f"{median(figure.cpu_ms or 0 for figure in figures):.2f} + {median(figure.postgres_ms or 0 for figure in figures):.2f}"


if __name__ == "__main__":
    sys.exit(main())

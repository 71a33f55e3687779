"""
Measure whether memory stays flat and answers stay quick under a mixed load, and what happened when they did not.

People are told by mail meanwhile. Checkpoints, autovacuum, emptied lists of GIN indexes and garbage collections are noted, so that each of
the worst answers can be explained.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
from bench import people, report, server, sink, world
from bench.client import Client
from bench.fit import line
from bench.machine import Machine, memory
from bench.plot import Axis, svg
from bench.reads import OPEN
from bench.runs import Run
from bench.writes import POST

from adapters.db.embedded.server import ADMINISTRATOR

FLAT = 6.0
"""Memory is flat if it grows by no more MB per hour."""
WARM = 0.25
"""So much of the time, at the beginning, is to get warm."""
EACH_MEMORY, EACH_LOOK = 10.0, 0.5
AROUND = EACH_LOOK
WORST = 3
PEOPLE = 500
COLLECTING = Path(__file__).parent / "collecting"

DOING = """
    select case backend_type when 'checkpointer' then 'checkpoint' else query end
    from pg_stat_activity
    where backend_type = 'checkpointer' and wait_event is distinct from 'CheckpointerMain'
        or backend_type = 'autovacuum worker' and query <> ''"""
GIN = """
    select c.oid::regclass::text from pg_class c join pg_am a on a.oid = c.relam where a.amname = 'gin'
        and c.relnamespace = 'public'::regnamespace order by 1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was asked for, when, in seconds since the beginning, and how many seconds the answer took."""

    what: str
    at: float
    took: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that may make answers late, and from when to when."""

    what: str
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The memory of a process, in MB."""

    role: str
    at: float
    mb: float


def main() -> int:
    options = _options()
    server.heed_signals()
    seconds = 60 * options.minutes
    machine = Machine.now()
    with ExitStack() as stack:
        found = stack.enter_context(world.opened(options.incidents, options.keep))
        mails = stack.enter_context(sink.running())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-")))
        collections = folder / "collections"
        with psycopg.connect(found.dsn, autocommit=True) as connection:
            people.settle(connection, PEOPLE, customers=PEOPLE, sites=PEOPLE)
        settings = mails.settings | {"PYTHONPATH": str(COLLECTING), "BENCH_COLLECTIONS": str(collections)}
        url, pid = stack.enter_context(server.serving(found.dsn, folder / "argus.log", settings))
        began = time.monotonic()
        loads = [_started(load, url, found, options.per_second, began + seconds) for load in (_lives, _lists, _details)]
        samples, notes = _watched(found.dsn, pid, began, seconds)
        answers = [Answer(what=what, at=at - began, took=took) for load in loads for what, at, took in _ended(load)]
        notes += collected(collections.read_text() if collections.exists() else "", began)
        sent = mails.received
    report.say("")
    _keep(options, answers, samples, notes)
    busy = Machine.now().busy_since(machine)
    print(
        f"{options.incidents:,} incidents, {options.minutes:g} minutes, {len(answers):,} answers, {sent:,} mails; {busy:.0%} busy, ", end=""
    )
    print(f"load {os.getloadavg()[0]:.1f}.\n")
    print("\n".join(minutes(answers)))
    print("\n".join(worst(answers, notes)))
    flat, said = verdict(samples, WARM * seconds)
    print("\n".join(said))
    options.images.mkdir(parents=True, exist_ok=True)
    (options.images / "soak-memory.svg").write_text(drawn(samples))
    return int(not flat)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, metavar="N", help="how long (20)")
    parser.add_argument("--incidents", type=int, default=1_000_000, metavar="N", help="how many there are before (1000000)")
    parser.add_argument("--per-second", type=float, default=20, metavar="N", help="lives of incidents, lists and details each (20)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the incidents here, and use a copy of those that are there")
    parser.add_argument("--out", type=Path, default=Path("build/soak.jsonl"), help="where everything is kept (%(default)s)")
    parser.add_argument("--images", type=Path, default=Path("docs/images"), metavar="DIR", help="where the plot goes (%(default)s)")
    return parser.parse_args()


def minutes(answers: Iterable[Answer]) -> Iterator[str]:
    """What each minute was like."""
    by: dict[tuple[str, int], list[float]] = {}
    for answer in answers:
        by.setdefault((answer.what, int(answer.at // 60)), []).append(answer.took)
    yield f"{'':8} {'minute':>6} {'answers':>8} {'p50 ms':>8} {'p99':>8} {'worst':>8}"
    for (what, minute), took in sorted(by.items()):
        run = Run.of(took)
        yield f"{what:8} {minute + 1:>6} {run.requests:>8,} {run.p50:>8.2f} {run.p99:>8.2f} {run.worst:>8.1f}"


def worst(answers: Sequence[Answer], notes: Sequence[Note]) -> Iterator[str]:
    """The worst answers of each kind, and what happened then."""
    yield "\nThe worst answers, and what happened then:"
    for what in sorted({answer.what for answer in answers}):
        for answer in sorted((one for one in answers if one.what == what), key=lambda one: -one.took)[:WORST]:
            reasons = ", ".join(explained(answer, notes)) or "nothing that was noted"
            yield f"{what:8} {1000 * answer.took:8.1f} ms after {answer.at:7.1f} s: {reasons}"


def explained(answer: Answer, notes: Iterable[Note]) -> list[str]:
    """What happened between question and answer, or so shortly before or after that it cannot be told apart."""
    first, last = answer.at - AROUND, answer.at + answer.took + AROUND
    return sorted({note.what for note in notes if note.since <= last and note.until >= first})


def verdict(samples: Sequence[Sample], warm: float) -> tuple[bool, list[str]]:
    """Whether memory is flat once all is warm, and what is said about each process."""
    flat, said = True, [f"\n{'memory':12} {'first MB':>9} {'last MB':>9} {'most MB':>9} {'MB per hour':>12}"]
    for role, points in curves(samples).items():
        late = [point for point in points if point[0] >= warm]
        slope = 3600 * line([at for at, _ in late], [mb for _, mb in late])[0] if len(late) > 1 else 0.0
        flat = flat and slope <= FLAT
        sizes = [mb for _, mb in points]
        said.append(
            f"{role:12} {sizes[0]:>9.1f} {sizes[-1]:>9.1f} {max(sizes):>9.1f} {slope:>12.2f}  {'flat' if slope <= FLAT else 'GROWS'}"
        )
    return flat, said


def curves(samples: Iterable[Sample]) -> dict[str, list[tuple[float, float]]]:
    """Memory over time, by process."""
    found: dict[str, list[tuple[float, float]]] = {}
    for sample in samples:
        found.setdefault(sample.role, []).append((sample.at, sample.mb))
    return found


def drawn(samples: Iterable[Sample]) -> str:
    """The plot of it."""
    points = {role: [(at / 60, mb) for at, mb in curve] for role, curve in curves(samples).items()}
    x, y = Axis(name="minutes of mixed load", logarithmic=False), Axis(name="memory (PSS), MB", logarithmic=False)
    return svg("Memory of each process under load", x, y, points)


def collected(lines: str, began: float) -> list[Note]:
    """The garbage collections that were noted."""
    notes = []
    for text in lines.splitlines():
        _, since, until, generation = text.split()
        took = 1000 * (float(until) - float(since))
        notes.append(Note(what=f"garbage collection {generation} ({took:.0f} ms)", since=float(since) - began, until=float(until) - began))
    return notes


def _watched(dsn: str, pid: int, began: float, seconds: float) -> tuple[list[Sample], list[Note]]:
    """Memory, and what PostgreSQL does besides answering, until it is over."""
    samples: list[Sample] = []
    notes: list[Note] = []
    next_memory = began
    with psycopg.connect(dsn, user=ADMINISTRATOR, autocommit=True) as connection:  # others do not see what its processes do
        waiting = _waiting(connection)
        before = waiting()
        while (now := time.monotonic()) < began + seconds:
            at = now - began
            if now >= next_memory:
                samples += [Sample(role=role, at=at, mb=mb) for role, mb in sorted(memory(pid).items())]
                report.say(f"{at / 60:.1f} of {seconds / 60:g} minutes")
                next_memory += EACH_MEMORY
            notes += [Note(what=doing, since=at, until=at + EACH_LOOK) for (doing,) in connection.execute(DOING)]
            pages = waiting()
            notes += [Note(what=f"emptied {name}", since=at - EACH_LOOK, until=at) for name in pages if pages[name] < before[name]]
            before = pages
            time.sleep(max(began + seconds - time.monotonic(), 0) if now + EACH_LOOK > began + seconds else EACH_LOOK)
    return samples, notes


def _waiting(connection: psycopg.Connection) -> Callable[[], dict[str, int]]:
    """What tells how many pages wait to be put into each GIN index; nothing where PostgreSQL has no pgstattuple."""
    try:
        connection.execute("create extension if not exists pgstattuple")
    except psycopg.Error as missing:
        print(f"Emptied lists of GIN indexes are not noted: {missing}", file=sys.stderr)
        return dict
    names = [name for (name,) in connection.execute(GIN)]
    return lambda: {name: connection.execute("select pending_pages from pgstatginindex(%s)", [name]).fetchone()[0] for name in names}


def _started(load, url: str, found: world.World, per_second: float, until: float) -> Connection:
    """A load in a process of its own, which says in the end how it was answered."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    context.Process(target=_run, args=(there, load, url, found, per_second, until), daemon=True).start()
    there.close()
    return here


def _ended(load: Connection) -> list[tuple[str, float, float]]:
    try:
        return load.recv()
    except EOFError:
        raise SystemExit("A load has failed; what it said stands above.") from None


def _run(told: Connection, load, url: str, found: world.World, per_second: float, until: float) -> None:  # noqa: PLR0917 - of a process
    answers: list[tuple[str, float, float]] = []
    due = time.monotonic()
    with Client(url, found.reader) as person, Client(url, found.posting[0]) as source:

        def ask(what: str, client: Client, method: str, target: str, body: object = None) -> object:
            began = time.monotonic()
            content, took = client.timed(method, target, b"" if body is None else json.dumps(body).encode())
            answers.append((what, began, took))
            return json.loads(content)

        step = load(ask, person, source)
        while time.monotonic() < until:
            next(step)
            due = max(due + 1 / per_second, time.monotonic() - 1)
            time.sleep(max(due - time.monotonic(), 0))
    told.send(answers)


def _lives(ask, person: Client, source: Client) -> Iterator[None]:
    """Incidents that are posted, end and are acknowledged."""
    number = 0
    while True:
        number += 1
        now = datetime.now(UTC).isoformat()
        tags = [f"customer=customer-{number % PEOPLE}", f"location=site-{number % PEOPLE}", f"host=h{number}", "object=o", "problem=p"]
        body = {
            "start_time": now,
            "end_time": "infinity",
            "source_incident_id": f"soak-{os.getpid()}-{number}",
            "description": f"alarm-{number}- link down",
            "level": 1 + number % 5,
            "tags": [{"tag": tag} for tag in tags],
        }
        incident = f"{POST}{ask('POST', source, 'POST', POST, body)['pk']}/"
        ask("END", source, "POST", f"{incident}events/", {"timestamp": now, "type": "END", "description": "alarm cleared"})
        ask("ACK", person, "POST", f"{incident}acks/", {"timestamp": now, "description": "seen"})
        yield


def _lists(ask, person: Client, _: Client) -> Iterator[None]:
    while True:
        ask("list", person, "GET", OPEN)
        yield


def _details(ask, person: Client, _: Client) -> Iterator[None]:
    pks = [incident["pk"] for incident in person.get(OPEN)["results"]]
    while True:
        for pk in pks:
            ask("detail", person, "GET", f"{POST}{pk}/")
            yield


def _keep(options: argparse.Namespace, answers: Sequence[Answer], samples: Iterable[Sample], notes: Iterable[Note]) -> None:
    """All of it, but of the answers only those that are among the worst one in a hundred of their kind."""
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w") as lines:
        for one in (*samples, *notes):
            lines.write(json.dumps(asdict(one)) + "\n")
        for what in sorted({answer.what for answer in answers}):
            mine = [answer for answer in answers if answer.what == what]
            bound = Run.of([answer.took for answer in mine]).p99 / 1000
            lines.writelines(json.dumps(asdict(answer)) + "\n" for answer in mine if answer.took >= bound)


if __name__ == "__main__":
    sys.exit(main())

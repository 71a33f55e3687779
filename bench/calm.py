"""
Measure what a storm of incidents does to those who are told: how many messages each person gets, and how soon all hear of what is critical.

Each run is a line of JSON under a name, `before` and `after` say; `--set` gives the server settings, and `--draw` draws all runs.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg
from bench import people, posting, report, server, sink
from bench.plot import Axis, svg

from adapters.db.vitals import WORKER

OUT = Path("build/calm.jsonl")
PLOT = Path("docs/images/calm-messages.svg")
WITHIN = 1_800.0
CRITICAL_WITHIN = 2.0
TITLE = "Messages that each of {people:,} people gets in a storm of {incidents:,} incidents"
# What is kept back is told later, whatever has kept it.
LEFT = """
    select (select count(*) from outbox), (select count(*) from lane),
        (select count(*) from delivery where status = 'suppressed' and merged_into is null)"""
LEDGER = (
    "select count(*), count(*) filter (where status in ('sent', 'merged') or merged_into is not null) from delivery where incident_id > 0"
)
CRITICAL = people.DUE + " where i.level = 1"
# By when a message was on its way so far: it was heard of, somebody began to decide who is told, it was begun to be sent.
WAY = """
    select i.source_incident_id, r.email, extract(epoch from e.received), extract(epoch from d.created),
        min(extract(epoch from a.created) - a.seconds)
    from incident i join delivery d on d.incident_id = i.id join account r on r.id = d.owner_id
    join event e on e.id = d.event_id join attempt a on a.delivery_id = d.id
    where i.level = 1 group by 1, 2, 3, 4"""
STAGES = ("to be heard of", "to be decided", "to be sent", "to arrive")
WORKS = "select exists (select from pg_stat_activity where application_name = %s and state_change > backend_start + interval '1 second')"
WORKS_WITHIN = 120.0


class Wrong(Exception):
    """Not everything that was to happen has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """
    One storm: how many messages each person got, most first, and how soon messages about critical incidents arrived, in seconds from the
    moment at which the incident was to be posted. `answered` is the 99th percentile of how soon such an incident was answered. `stages`
    says how long they waited for each step on their way: median, 99th percentile and longest.
    """

    name: str
    settings: dict[str, str]
    incidents: int
    seconds: float
    people: int
    deliveries: int
    messages: list[int]
    critical: int
    p50: float
    p99: float
    worst: float
    quiet_after: float
    load: float
    answered: float = 0
    stages: dict[str, list[float]] = field(default_factory=dict)


def main() -> int:
    options = _options()
    if not options.draw:
        server.heed_signals()
        try:
            run = storm(options)
        except Wrong as wrong:
            print(f"\n{wrong}", file=sys.stderr)
            return 1
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with options.out.open("a") as lines:
            lines.write(f"{json.dumps(asdict(run))}\n")
    runs = read(options.out)
    options.plot.write_text(drawn(runs))
    print("\n".join(table(runs)))
    late = [run.name for run in runs if run.worst > CRITICAL_WITHIN]
    if late:
        print(f"\nCritical ones came later than {CRITICAL_WITHIN:g} s in: {', '.join(late)}.")
    return int(runs[-1].name in late) if runs else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.calm", description=__doc__)
    parser.add_argument("--name", default="before", help="of the run; a later one of the same name takes its place (before)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="like ARGUS_DELIVERY_BUDGET=20/5m")
    parser.add_argument("--incidents", type=int, default=10_000, metavar="N", help="in the storm (10000)")
    parser.add_argument("--seconds", type=float, default=120, help="that it lasts (120)")
    parser.add_argument("--people", type=int, default=500, metavar="N", help="who have a profile each (500)")
    parser.add_argument("--customers", type=int, default=60, metavar="N", help="three in five people want to hear of one (60)")
    parser.add_argument("--sites", type=int, default=20, metavar="N", help="two in five, of the two worst levels at one (20)")
    parser.add_argument("--out", type=Path, default=OUT, help=f"the lines of all runs ({OUT})")
    parser.add_argument("--plot", type=Path, default=PLOT, help=f"what to draw ({PLOT})")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    return parser.parse_args()


def level_of(number: int) -> int:
    """One in fifty is critical, one in five high, and the others are less."""
    place = posting.scattered(number) % 50
    return 1 if place == 0 else 2 if place <= 10 else 3 + place % 3  # noqa: PLR2004 - see above


def storm(options: argparse.Namespace) -> Run:
    """
    One storm, until everybody knows everything.

    Raises:
        Wrong: somebody was not told.
    """
    settings = dict(one.split("=", 1) for one in options.set)
    with ExitStack() as stack:
        mails = stack.enter_context(sink.running())
        dsn, _ = stack.enter_context(server.database())
        tokens, _, _ = server.world(dsn)
        tokens.pop("operator")
        connection = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        people.settle(connection, options.people, customers=options.customers, sites=options.sites)
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-")))
        url, _ = stack.enter_context(server.serving(dsn, logs / "argus.log", mails.settings | settings))
        _until_it_works(connection)
        report.say(f"{options.name}: {options.incidents:,} incidents in {options.seconds:g} s, {options.people:,} people")
        began, took = asyncio.run(
            posting.post(
                url,
                list(tokens.values()),
                count=options.incidents,
                seconds=options.seconds,
                customers=options.customers,
                sites=options.sites,
                level=level_of,
            )
        )
        quiet_after = _until_quiet(connection)
        load = os.getloadavg()[0]
        due, (ledger, told) = people.due(connection), connection.execute(LEDGER).fetchone()
        if not due == ledger == told:
            raise Wrong(f"{due} deliveries were due, {ledger} are in the ledger, {told} of them told.")
        critical = connection.execute(CRITICAL).fetchone()[0]
        ledger_of_critical = connection.execute(WAY).fetchall()
        letters = mails.letters()
    late = latencies(letters, began, critical)
    answered = sorted(seconds for number, seconds in enumerate(took) if level_of(number) == 1)
    report.say("")
    return Run(
        name=options.name,
        settings=settings,
        incidents=options.incidents,
        seconds=options.seconds,
        people=options.people,
        deliveries=due,
        messages=per_person(letters, options.people),
        critical=critical,
        p50=late[len(late) // 2],
        p99=late[len(late) * 99 // 100],
        worst=late[-1],
        quiet_after=quiet_after,
        load=load,
        answered=answered[len(answered) * 99 // 100],
        stages=stages(ledger_of_critical, letters, began, time.time() - time.monotonic()),
    )


def _until_it_works(connection: psycopg.Connection) -> None:
    """
    Wait until the worker has begun: a storm does not wait for a start.

    Raises:
        Wrong: it does not begin.
    """
    until = time.monotonic() + WORKS_WITHIN
    while not connection.execute(WORKS, (WORKER,)).fetchone()[0]:
        if time.monotonic() > until:
            raise Wrong("The worker does not begin.")
        time.sleep(0.2)


def _until_quiet(connection: psycopg.Connection) -> float:
    """
    Wait until everything is told; how many seconds that took.

    Raises:
        Wrong: it does not come to an end.
    """
    ended = time.monotonic()
    while any(left := connection.execute(LEFT).fetchone()):
        passed, (undecided, waiting, kept) = time.monotonic() - ended, left
        how = f"{passed:.0f} s after the storm {undecided:,} events are undecided, {waiting:,} lanes wait, {kept:,} are kept back"
        if passed > WITHIN:
            raise Wrong(how)
        report.say(how)
        time.sleep(0.2)
    return time.monotonic() - ended


def arrivals(letters: Iterable[tuple[int, float, str]]) -> dict[tuple[int, str], float]:
    """When each person first heard of each incident."""
    first: dict[tuple[int, str], float] = {}
    for number, at, recipient in letters:
        first[number, recipient] = min(at, first.get((number, recipient), at))
    return first


def latencies(letters: Iterable[tuple[int, float, str]], began: Sequence[float], critical: int) -> list[float]:
    """
    How many seconds each person waited for each critical incident, the shortest first.

    Raises:
        Wrong: there are more or less of them than there have to be.
    """
    first = {way: at for way, at in arrivals(letters).items() if way[0] >= 0 and level_of(way[0]) == 1}
    if len(first) != critical:
        raise Wrong(f"Of critical incidents {critical} messages were due, {len(first)} have arrived.")
    return sorted(at - began[number] for (number, _), at in first.items())


def stages(
    ledger: Iterable[tuple[str, str, float, float, float]], letters: Iterable[tuple[int, float, str]], began: Sequence[float], epoch: float
) -> dict[str, list[float]]:
    """How long messages waited for each step: median, 99th percentile and longest. `epoch` is when `time.monotonic` was 0."""
    arrived, ways = arrivals(letters), []
    for name, recipient, *moments in ledger:
        number = int(name.removeprefix("alarm-"))
        ways.append([began[number], *(float(moment) - epoch for moment in moments), arrived[number, recipient]])
    spans = [sorted(way[step + 1] - way[step] for way in ways) for step in range(len(STAGES))]
    return {name: [each[len(each) // 2], each[len(each) * 99 // 100], each[-1]] for name, each in zip(STAGES, spans, strict=True) if each}


def per_person(letters: Iterable[tuple[int, float, str]], count: int) -> list[int]:
    """How many messages each of so many people got, most first."""
    found = sorted(Counter(recipient for _, _, recipient in letters).values(), reverse=True)
    return found + [0] * (count - len(found))


def read(path: Path) -> list[Run]:
    """The last run of each name, in the order of the lines."""
    runs: dict[str, Run] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        run = Run(**json.loads(line))
        runs.pop(run.name, None)
        runs[run.name] = run
    return list(runs.values())


def drawn(runs: Sequence[Run]) -> str:
    """The plot: people side by side, whoever gets most first. Whoever got nothing has no place where equal steps multiply."""
    curves: Mapping[str, list[tuple[float, float]]] = {
        run.name: [(place + 1, count) for place, count in enumerate(run.messages) if count] for run in runs
    }
    title = TITLE.format(people=runs[-1].people, incidents=runs[-1].incidents)
    return svg(title, Axis(name="people, whoever gets most first", logarithmic=False), Axis(name="messages"), curves)


def table(runs: Sequence[Run]) -> Iterator[str]:
    """What there is to say of each run."""
    names = ("due", "messages", "each", "most", "critical", "p50 s", "p99 s", "worst s", "answer s", "quiet s", "load")
    yield f"{'':10} {' '.join(f'{name:>9}' for name in names)}"
    for run in runs:
        counts = (run.deliveries, sum(run.messages), run.messages[len(run.messages) // 2], run.messages[0], run.critical)
        spans = (run.p50, run.p99, run.worst, run.answered, run.quiet_after, run.load)
        yield f"{run.name:10} {' '.join(f'{count:9,}' for count in counts)} {' '.join(f'{span:9.2f}' for span in spans)}"
    yield "\n`each` is the median of all people; seconds are from when a critical incident was to be posted to the arrival of its mails,"
    yield "`answer` is until posting it was answered (p99)."
    if any(run.stages for run in runs):
        yield f"\nWhere these seconds go{'':14} {' '.join(f'{name:>9}' for name in ('p50 s', 'p99 s', 'worst s'))}"
        for run in runs:
            for stage, spans in run.stages.items():
                yield f"{run.name:18} {stage:16} {' '.join(f'{span:9.2f}' for span in spans)}"


if __name__ == "__main__":
    sys.exit(main())

"""Measure everything that was promised, next to what psycopg and aiosmtplib manage alone on the same machine in the same run."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from bench import installation, marks, plain, reads, report, server, world, writes, wrk
from bench.machine import Machine
from bench.session import Session

PARTS: dict[str, tuple[Callable[[Session], None], tuple[str, ...]]] = {
    "encode": (reads.encoding, ()),
    "list": (reads.lists, ("list",)),
    "detail": (reads.details, ("detail", "events")),
    "filter": (reads.filtered, ("filter", "filter deep")),
    "post": (writes.posts, ("post 1", "post 8", "post 64", "post CPU")),
    "lifecycle": (writes.lives, ("lifecycle",)),
    "ack": (writes.acks, ("bulk ack",)),
    "memory": (installation.remembering, ("memory",)),
    "start": (installation.starting, ("start",)),
    "decision": (installation.hearing, ("decision 5,000", "decision 100,000")),
    "latency": (installation.told, ("last mail",)),
    "mails": (installation.sending, ("mails",)),
}
"""What measures, and which marks it is for. Lists come first, because posting makes the tables grow."""


def main() -> int:
    options = _options()
    try:
        wrk.program()
    except FileNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 2
    server.heed_signals()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    began, machine = time.monotonic(), Machine.now()
    with world.opened(options.incidents, options.keep) as found, options.out.open("a") as lines:
        with server.serving(found.dsn, options.out.with_suffix(".log")) as (url, pid):
            session = Session(
                world=found,
                url=url,
                argus_pid=pid,
                seconds=options.seconds,
                rounds=options.rounds,
                lines=lines,
                circumstances=_circumstances(found),
            )
            for part in options.only or PARTS:
                _measure(session, part)
        rows = list(marks.rows(session.figures, session.limits))
        lines.writelines(marks.line(row, **session.circumstances, load=os.getloadavg()[0]) + "\n" for row in rows)
    report.say("")
    busy, minutes = Machine.now().busy_since(machine), (time.monotonic() - began) / 60
    print(_title(session, busy, minutes))
    print("\n".join(marks.table(rows)))
    print()
    print("\n".join(marks.sentences(rows)))
    print(f"\nEvery run is in {options.out}; bench/README.md says how to read this.")
    return int(any(row.figure is None for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--incidents", type=int, metavar="N", help="how many there are before (1000000; 10000 if quick)")
    parser.add_argument("--seconds", type=float, help="of each run (4; 1 if quick)")
    parser.add_argument("--rounds", type=int, help="of which the medians are shown (3; 1 if quick)")
    parser.add_argument("--quick", action="store_true", help="only see that everything can be measured")
    parser.add_argument("--only", type=_parts, metavar="PART,PART", help=f"measure a part: {', '.join(PARTS)}")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the incidents here, and use a copy of those that are there")
    parser.add_argument(
        "--out", type=Path, default=Path("build/bench.jsonl"), help="where each run is kept as a line of JSON (%(default)s)"
    )
    options = parser.parse_args()
    for name, usual, quick in (("incidents", 1_000_000, 10_000), ("seconds", 4, 1), ("rounds", 3, 1)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)
    return options


def _parts(text: str) -> list[str]:
    asked = text.split(",")
    if unknown := set(asked) - set(PARTS):
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}")
    return [part for part in PARTS if part in asked]


def _measure(session: Session, part: str) -> None:
    """What fails is said in its rows, and the others are measured."""
    measure, names = PARTS[part]
    try:
        measure(session)
    except (Exception, SystemExit) as failure:  # noqa: BLE001 - of whatever kind
        print(f"\n{part}: {failure!r}", file=sys.stderr)
        session.keep(what=part, failed=repr(failure))
        for name in names:
            session.figures.setdefault(name, f"{type(failure).__name__}: {failure}")


def _circumstances(found: world.World) -> dict[str, object]:
    with plain.connected(found.dsn) as connection:
        version, commit, fsync = (
            connection.execute(f"show {name}").fetchone()[0] for name in ("server_version", "synchronous_commit", "fsync")
        )
    if (commit, fsync) != ("on", "on"):
        raise SystemExit("This PostgreSQL is not durable; nothing is measured.")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "incidents": found.incidents,
        "postgres": version,
        "python": ".".join(map(str, sys.version_info[:3])),
        "psycopg": psycopg.__version__,
        "processors": os.cpu_count(),
    }


def _title(session: Session, busy: float, minutes: float) -> str:
    told = session.circumstances
    durable = f"PostgreSQL {told['postgres']} with synchronous_commit and fsync on"
    return (
        f"{session.world.incidents:,} incidents, {durable}, Python {told['python']}, {told['processors']} processors,\n"
        f"{busy:.0%} busy, load {os.getloadavg()[0]:.1f}; medians of {session.rounds} rounds of {session.seconds:g} s, "
        f"one HTTP process, all on this machine; {minutes:.0f} minutes.\n"
    )


if __name__ == "__main__":
    sys.exit(main())

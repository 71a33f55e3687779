"""
Measure how long `argus import neutral` takes next to the limit: psycopg alone, which copies the same bytes and makes the same indexes.

The bytes are made before, which is not measured; Argus makes them of lines while it copies, and checks everything meanwhile.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, pairwise
from operator import itemgetter
from pathlib import Path

import psycopg
from bench import neutral, report, server
from bench.machine import Machine, cpu_seconds

from adapters import databases
from adapters.db import bulk
from adapters.neutral.importing import data_set
from adapters.neutral.journals import Journals
from adapters.neutral.people import Circumstances, Files
from adapters.plugins import load_media

START, ROWS, INDEXES, ANALYZE, REST = "start and people", "rows", "indexes", "analyze", "rest"
PHASES = (START, ROWS, INDEXES, ANALYZE, REST)
SAID = {r"\d+ incidents": ROWS, "Making the index": INDEXES, "Looking at": ANALYZE, "Letting the database": REST}
"""What `argus import` says when it begins something."""

CHUNK = 1 << 20
_CONSTRAINTS = """
    select format('alter table %%s drop constraint %%I', conrelid::regclass, conname),
        format('alter table %%s add constraint %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_constraint where conrelid = any(%s::regclass[]) and contype in ('p', 'u')"""
_INDEXES = """
    select format('drop index %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    from pg_index where indrelid = any(%s::regclass[]) and not exists (select from pg_constraint where conindid = indexrelid)"""


@dataclass(slots=True, kw_only=True)
class Side:
    """What one side did: when each phase began, and the CPU seconds of itself and of PostgreSQL until the end."""

    moments: list[tuple[str, float]] = field(default_factory=list)
    cpu: float = 0
    postgres: float = 0

    def begin(self, phase: str) -> None:
        """From now on it is in this phase; it may be in it already."""
        if not self.moments or self.moments[-1][0] != phase:
            self.moments.append((phase, time.perf_counter()))

    @property
    def seconds(self) -> dict[str, float]:
        """How long each phase took."""
        return {phase: until - began for (phase, began), (_, until) in pairwise(self.moments)}


def main() -> int:
    options = _options()
    server.heed_signals()
    with tempfile.TemporaryDirectory(prefix="argus-bench-") as temporary:
        folder, bytes_ = options.folder or Path(temporary, "neutral"), Path(temporary, "bytes")
        if not (folder / "world.json").exists():
            report.say(f"writing {options.incidents:,} incidents")
            neutral.write(folder, incidents=options.incidents)
        report.say("making the bytes for the limit")
        texts = written(folder, bytes_)
        machine, load = Machine.now(), os.getloadavg()[0]
        report.say("psycopg")
        alone = limit(texts)
        report.say("argus import neutral")
        argus = imported(folder)
        busy = Machine.now().busy_since(machine)
    report.say("")
    print(f"{os.cpu_count()} processors, {busy:.0%} busy; load {load:.1f} at first and {os.getloadavg()[0]:.1f} at last.\n")
    print("\n".join(table(argus, alone)))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.importing", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", metavar="DIR", help="a data set, which is made there if there is none (a temporary one)"
    )
    parser.add_argument("--incidents", type=int, default=1_000_000, metavar="N", help="so many, if it is made (1000000)")
    return parser.parse_args()


def written(folder: Path, out: Path) -> Mapping[str, Path]:
    """For each table the file with what Argus would copy into it."""
    out.mkdir()
    circumstances = Circumstances(
        now=datetime.now(UTC), token_ids=count(1), belonging_ids=count(1 << 32), zone="UTC", media=load_media(("email",), {})
    )
    population = Files(folder, None).population(circumstances)
    files = {table: out / table for table in bulk.TABLES}
    for pack in Journals(data_set(folder, population)).packs(circumstances.now):
        for table, text in filter(itemgetter(1), pack.texts.items()):
            with files[table].open("ab") as file:
                file.write(text)
    return {table: file for table, file in files.items() if file.exists()}


def limit(texts: Mapping[str, Path]) -> Side:
    """All at once into a new database: COPY, constraints and indexes, ANALYZE."""
    side = Side()
    with server.database() as (dsn, postgres), psycopg.connect(dsn) as connection:
        databases.migrate(dsn)
        cpu, used = time.process_time(), cpu_seconds(postgres)
        side.begin(ROWS)
        made = [connection.execute(query, ([*bulk.TABLES],)).fetchall() for query in (_CONSTRAINTS, _INDEXES)]
        connection.execute(f"truncate {', '.join(bulk.TABLES)}")
        for drop, _ in (*made[0], *made[1]):
            connection.execute(drop)
        for table, file in texts.items():
            columns = ", ".join(f'"{column}"' for column in bulk.COLUMNS[table])
            with connection.cursor().copy(f"copy {table} ({columns}) from stdin (freeze)") as copy, file.open("rb") as opened:
                while chunk := opened.read(CHUNK):
                    copy.write(chunk)
        side.begin(INDEXES)
        for _, make in (*made[0], *made[1]):
            connection.execute(make)
        side.begin(ANALYZE)
        connection.execute(f"analyze {', '.join(bulk.TABLES)}")
        side.begin(REST)
        connection.commit()
        side.begin("")
        side.cpu, side.postgres = time.process_time() - cpu, cpu_seconds(postgres) - used
    return side


def imported(folder: Path) -> Side:
    """The command, into a new database."""
    side = Side()
    with server.database() as (dsn, postgres):
        databases.migrate(dsn)
        used, cpu = cpu_seconds(postgres), os.times()
        side.begin(START)
        command = [Path(sys.executable).with_name("argus"), "import", "neutral", folder]
        with subprocess.Popen(command, env=server.environment(dsn), stderr=subprocess.PIPE, text=True) as process:
            said = [line for line in process.stderr if not heard(side, line)]
        side.begin("")
        if process.returncode:
            raise SystemExit("".join(said))
        ended = os.times()
        side.cpu = ended.children_user + ended.children_system - cpu.children_user - cpu.children_system
        side.postgres = cpu_seconds(postgres) - used
    return side


def heard(side: Side, line: str) -> bool:
    """Note what a line of the command says to begin; whether it says so."""
    phase = next((phase for words, phase in SAID.items() if re.match(rf"\s*[\d.]+ s  {words}", line)), None)
    if phase:
        side.begin(phase)
    return phase is not None


def table(argus: Side, alone: Side) -> Iterator[str]:
    """What is told of both."""
    yield f"{'seconds':18} {'argus':>8} {'limit':>8} {'ratio':>6}"
    took, limits = argus.seconds, alone.seconds
    for phase in PHASES:
        if phase in limits:
            yield f"{phase:18} {took[phase]:>8.1f} {limits[phase]:>8.1f} {took[phase] / limits[phase]:>6.2f}"
        else:
            yield f"{phase:18} {took[phase]:>8.1f}"
    total, least = sum(took.values()), sum(limits.values())
    yield f"{'total':18} {total:>8.1f} {least:>8.1f} {total / least:>6.2f}"
    yield ""
    yield f"{'CPU, itself':18} {argus.cpu:>8.1f} {alone.cpu:>8.1f}"
    yield f"{'CPU, PostgreSQL':18} {argus.postgres:>8.1f} {alone.postgres:>8.1f}"


if __name__ == "__main__":
    sys.exit(main())

"""Measure pages of the list of incidents under every kind of filter, next to the plain list of open ones."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import psycopg

from adapters.db.database import Database
from adapters.db.embedded import running
from adapters.db.filters import Where
from adapters.db.journal import PgIncidents
from adapters.db.migrate import upgrade
from adapters.db.pages import to_read_page
from argus_core.domain.filters import (
    EVERYTHING,
    All,
    Condition,
    Either,
    EndsSince,
    EndsUntil,
    HasTag,
    HasTicket,
    IdIn,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    KeyIs,
    LastedAtLeast,
    LevelAtMost,
    Not,
    SourceIn,
    SourceNamed,
    SourceOf,
    SourceTyped,
    StartedSince,
    StartedUntil,
    TextHas,
    tags_match,
)
from argus_core.ports.incidents import Position

PAGE = 100
TIMES_PLAIN = 5.0
ONE_PERCENT = 0.009  # as chance has it, it is a little more or less
SECONDS_FOR_NOTHING = 1.0
FEWEST, MOST = 7, 100
"""So often each page is read, as time allows."""
SPAN = timedelta(days=730)
NOW = datetime(2030, 3, 3, 12, tzinfo=UTC)
SOURCES, CUSTOMERS, HOSTS = 100, 100, 8000

# `pick(id, what, n)`: a number below n that looks random, the same at each run, and for each `what` another one.
WORLD = f"""
    create function pg_temp.pick(id bigint, what int, n int) returns int immutable parallel safe language sql
        return ((hashint8extended(id, what) >> 8) & 9007199254740991) % n;
    insert into account select id, 'source' || id, '', '', '', '', true, false, false from generate_series(1, {SOURCES}) id;
    insert into account values ({SOURCES + 1}, 'operator', '', '', '', '', true, false, false);
    insert into source_type select 'nms' || n from generate_series(0, 19) n;
    insert into source select id, id, 'nms' || id % 20, 'source' || id, 'https://nms.example.org/' from generate_series(1, {SOURCES}) id;
"""

# Evenly over two years: of a hundred, one is open, one stateless, one critical, one has a ticket, one is acknowledged (and three in ten of
# the open ones), one is of each source and one of each customer; one in ten is of each problem.
INCIDENTS = """
    insert into incident (id, version, source_id, source_incident_id, start_time, end_time, stateful, level, description, details_url,
        ticket_url, metadata, tags, tags_by, tags_at, acked_until, ended, received)
    select id, case when open or stateless then 1 else 2 end + case when acked then 1 else 0 end, source_id, lpad(id::text, 9, '0'), start,
        case when not (open or stateless) then ending end,
        not stateless, level, problem || ' on ' || host || ': alarm ' || lpad(id::text, 9, '0') || ' raised by ' || poller,
        'https://nms.example.org/alarm/' || id,
        case when pg_temp.pick(id, 4, 100) = 0 then 'https://tickets.example.org/' || id else '' end, '{{}}',
        array['host=' || host, 'object=ge-' || pg_temp.pick(id, 5, 4000), 'location=site-' || number % 200,
            'customer=customer-' || customer, 'problem_type=' || problem],
        array_fill(source_id, array[5]), array_fill(start, array[5]),
        case when acked then timestamptz '9999-12-31 23:59:59.999999+00' end, not (open or stateless), coalesce(ending, start)
    from (
        select id, start, number, customer, open, not open and pg_temp.pick(id, 1, 100) = 0 as stateless,
            pg_temp.pick(id, 2, 100) < case when open then 30 else 1 end as acked,
            case pg_temp.pick(id, 3, 100) when 0 then 1 else 2 + pg_temp.pick(id, 6, 4) end as level,
            1 + pg_temp.pick(id, 7, {sources}) as source_id,
            'sw' || lpad(number::text, 4, '0') || '.example.org' as host,
            (array['linkDown', 'bgpDown', 'boxDown', 'psuFailure', 'diskFull', 'certExpiry', 'latency', 'packetLoss', 'upsOnBattery',
                'ntpDrift'])[1 + pg_temp.pick(id, 8, 10)] as problem,
            case pg_temp.pick(id, 9, 100) when 0 then 'a satellite' else 'a poller' end as poller,
            least(start + interval '1 minute' * power(4000, pg_temp.pick(id, 10, 10000) / 10000.0), {now}) as ending
        from (
            select id, {now}::timestamptz - {span}::interval * (({count} - id) / {count}::float) as start,
                pg_temp.pick(id, 11, {hosts}) as number, pg_temp.pick(id, 12, {customers}) as customer, id % 100 = 0 as open
            from generate_series({first}, {last}) id
        ) begun
    ) made
"""
EVENTS = """
    insert into event (id, incident_id, actor_id, "timestamp", received, version, effect, type, description, changes)
    select 3 * id + kind, id, case when kind = 1 then {operator} else source_id end, moment, moment, version, true, type, description,
        '{{}}'
    from (
        select id, source_id, 0 as kind, start_time as moment, 1 as version, case when stateful then 'STA' else 'LES' end as type,
            description
        from incident where id between {first} and {last}
        union all
        select id, source_id, 1, start_time, 2, 'ACK', 'looking into it'
        from incident where id between {first} and {last} and acked_until is not null
        union all
        select id, source_id, 2, end_time, version, 'END', 'alarm cleared'
        from incident where id between {first} and {last} and end_time is not null
    ) told
"""
ACKS = "insert into ack (event_id, incident_id, version) select id, incident_id, version from event where type = 'ACK'"


@dataclass(frozen=True, slots=True)
class Case:
    """A condition under a name."""

    name: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Measured:
    """What a case costs, in seconds: its first page, one in its middle, and the plain list of open ones in turn with them."""

    case: Case
    matching: int
    first: float
    deep: float | None
    worst: float
    plain: float

    @property
    def times(self) -> float:
        """How many times the plain list."""
        return max(self.first, self.deep or 0) / self.plain

    def verdict(self, incidents: int) -> str:
        """Whether it is as fast as it shall be; nothing is asked of what matches few."""
        if not self.matching:
            return "too slow" if self.worst > SECONDS_FOR_NOTHING else "ok"
        if self.matching < ONE_PERCENT * incidents:
            return "-"
        return "too slow" if self.times > TIMES_PLAIN else "ok"


def cases(count: int) -> list[Case]:
    """Every kind of clause, alone and in trees, with a value that matches one in a hundred or more, and one that matches nothing."""
    hundredth, eternity = NOW - SPAN / 100, timedelta(days=40_000)
    oldest, before, after = NOW - SPAN * 0.99, NOW - 2 * SPAN, NOW + SPAN
    rare, common, nowhere = (
        HasTag(frozenset({"host=sw0007.example.org"})),
        HasTag(frozenset({"customer=customer-7"})),
        HasTag(frozenset({"a=b"})),
    )
    one = IdIn(frozenset({count // 2}))
    return [
        Case("all", EVERYTHING),
        Case("closed", IsClosed()),
        Case("open, not acked", All((IsOpen(), Not(IsAcked())))),
        Case("acked", IsAcked()),
        Case("not acked", Not(IsAcked())),
        Case("open, acked", All((IsOpen(), IsAcked()))),
        Case("stateful", IsStateful()),
        Case("stateless", Not(IsStateful())),
        Case("ticket", HasTicket()),
        Case("no ticket", Not(HasTicket())),
        Case("level at most 1", LevelAtMost(1)),
        Case("level at most 2", LevelAtMost(2)),
        Case("open, level at most 1", All((IsOpen(), LevelAtMost(1)))),
        Case("source", SourceIn(frozenset({7}))),
        Case("three sources", SourceIn(frozenset({7, 8, 9}))),
        Case("source by name", SourceNamed(frozenset({"source7"}))),
        Case("source by type", SourceTyped(frozenset({"nms7"}))),
        Case("source of user", SourceOf(7)),
        Case("open, source", All((IsOpen(), SourceIn(frozenset({7}))))),
        Case("tag", common),
        Case("two tags", tags_match(["customer=customer-7", "problem_type=linkDown"])),
        Case("two of a key", tags_match(["customer=customer-7", "customer=customer-8"])),
        Case("open, tag", All((IsOpen(), common))),
        Case("rare tag", rare),
        Case("start since", StartedSince(hundredth)),
        Case("start until", StartedUntil(oldest)),
        Case("end since", EndsSince(hundredth)),
        Case("end until", EndsUntil(oldest)),
        Case("lasted an hour", LastedAtLeast(timedelta(hours=1))),
        Case("lasted two days", LastedAtLeast(timedelta(days=2))),
        Case("lasted half a year", LastedAtLeast(timedelta(days=180))),
        Case("a thousand ids", IdIn(frozenset(range(1, count, count // 1000)))),
        Case("one key", KeyIs(f"{count // 2:09d}")),
        Case("text of one in 10", TextHas("PSUFAILURE")),
        Case("text of one in 100", TextHas("raised by a satellite")),
        Case("short text", TextHas("ps")),
        Case("open, text", All((IsOpen(), TextHas("psuFailure")))),
        Case("not tag", Not(common)),
        Case("not text", Not(TextHas("psufailure"))),
        Case("tag or source", Either((common, SourceIn(frozenset({7}))))),
        Case("tag or text", Either((common, TextHas("psufailure")))),
        Case("tag or level", Either((common, LevelAtMost(1)))),
        Case("open or ticket", Either((IsOpen(), HasTicket()))),
        Case("open, tag or not source", All((IsOpen(), Either((common, Not(SourceIn(frozenset({7, 8})))))))),
        Case("no tag", nowhere),
        Case("no tag of two", All((common, nowhere))),
        Case("no open tag", All((IsOpen(), nowhere))),
        Case("no source", SourceIn(frozenset({SOURCES + 9}))),
        Case("no name", SourceNamed(frozenset({"nobody"}))),
        Case("no type", SourceTyped(frozenset({"nothing"}))),
        Case("no user", SourceOf(SOURCES + 1)),
        Case("no key", KeyIs("nothing")),
        Case("no id", IdIn(frozenset({10 * count}))),
        Case("no level", LevelAtMost(0)),
        Case("no start since", StartedSince(after)),
        Case("no start until", StartedUntil(before)),
        Case("no end until", EndsUntil(before)),
        Case("no end since, closed", All((IsClosed(), EndsSince(after)))),
        Case("lasted for ever", LastedAtLeast(eternity)),
        Case("closed, lasted ten days", All((IsClosed(), LastedAtLeast(timedelta(days=10))))),
        Case("no text", TextHas("nowhere to be found")),
        Case("no short text", TextHas("§")),
        Case("acked and not", All((IsAcked(), Not(IsAcked())))),
        Case("ticket and not", All((HasTicket(), Not(HasTicket())))),
        Case("neither stateful nor not", Not(Either((IsStateful(), Not(IsStateful()))))),
        Case("not level at most 5", Not(LevelAtMost(5))),
        Case("no tag or no text", Either((nowhere, TextHas("nowhere to be found")))),
        Case("no tag or no source", Either((nowhere, SourceIn(frozenset({SOURCES + 9}))))),
        Case("one, but not level 5", All((one, Not(LevelAtMost(5))))),
        Case("ticket, no text", All((HasTicket(), TextHas("nowhere to be found")))),
        Case("closed, no text", All((IsClosed(), TextHas("nowhere to be found")))),
    ]


def main() -> int:
    options = _options()
    with _database(options.folder) as dsn:
        _load(dsn, options.incidents)
        chosen = [case for case in cases(options.incidents) if options.only in case.name]
        results = asyncio.run(_measure(dsn, chosen, options.seconds))
        if options.plans:
            for case in chosen:
                _print_plans(dsn, case)
    verdicts = [result.verdict(options.incidents) for result in results]
    print(
        f"{options.incidents:,} incidents, one in a hundred open; pages of {PAGE}, medians; {os.cpu_count()} processors, "
        f"load {os.getloadavg()[0]:.1f}.\n`x plain` is the slower page next to the first of the open ones, read in turn with it. Aim: "
        f"{TIMES_PLAIN:g} for what matches one in a hundred or more,\nand {SECONDS_FOR_NOTHING:g} s at worst where nothing matches.\n"
    )
    print(f"{'filter':32} {'matching':>9} {'first ms':>9} {'deep ms':>9} {'worst ms':>9} {'plain ms':>9} {'x plain':>8}")
    for result, verdict in zip(results, verdicts, strict=True):
        deep = "" if result.deep is None else f"{1000 * result.deep:.2f}"
        print(
            f"{result.case.name:32} {result.matching:>9,} {1000 * result.first:>9.2f} {deep:>9} {1000 * result.worst:>9.1f} "
            f"{1000 * result.plain:>9.2f} {result.times:>8.1f}  {verdict}"
        )
    return int("too slow" in verdicts)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.filters", description=__doc__)
    parser.add_argument("--incidents", type=int, default=1_000_000, metavar="N", help="how many there are (1000000)")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each page (0.5)")
    parser.add_argument("--only", default="", metavar="TEXT", help="the filters with this in their names")
    parser.add_argument("--plans", action="store_true", help="print the plans of all pages, too")
    parser.add_argument("--folder", type=Path, help="keep the database here, and use the one that is there (a temporary one)")
    return parser.parse_args()


@contextmanager
def _database(folder: Path | None) -> Iterator[str]:
    """An embedded server as operators get it."""
    if folder is not None:
        with running(folder) as server:
            yield server.url
        return
    temporary = Path(tempfile.mkdtemp(prefix="argus-bench-"))
    try:
        with running(temporary / "data") as server:
            yield server.url
    finally:
        shutil.rmtree(temporary)


def _load(dsn: str, count: int) -> None:
    """Write the incidents, unless they are there."""
    upgrade(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        if (found := connection.execute("select max(id) from incident").fetchone()[0]) == count:
            return
        if found:
            raise SystemExit(f"There are {found:,} incidents in this folder; --incidents {found} measures them.")
        began = time.monotonic()
        connection.execute(WORLD)
        indexes = connection.execute(
            "select indexname, indexdef from pg_indexes where tablename in ('incident', 'event', 'ack') and indexname !~ '^(pk|uq)_'"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"drop index {name}")
        figures = {"count": count, "now": f"timestamptz '{NOW.isoformat()}'", "span": f"interval '{SPAN.days} days'"}
        for first in range(1, count + 1, 50_000):
            chunk = {"first": first, "last": min(first + 49_999, count)}
            connection.execute(INCIDENTS.format(**figures, **chunk, sources=SOURCES, customers=CUSTOMERS, hosts=HOSTS))
            connection.execute(EVENTS.format(**chunk, operator=SOURCES + 1))
            _say(f"{chunk['last']:,} of {count:,} incidents written")
        connection.execute(ACKS)
        for name, definition in indexes:
            _say(f"index {name}")
            connection.execute(definition)
        connection.execute("vacuum analyze")
        _say(f"{count:,} incidents written in {time.monotonic() - began:.0f} s\n")


async def _measure(dsn: str, chosen: list[Case], seconds: float) -> list[Measured]:
    """All cases, each in turn with the plain list of open ones."""
    results = []
    async with Database(dsn, connections=1, seconds=60, statement_seconds=60).opened() as database:
        incidents = PgIncidents(database)

        async def once(condition: Condition, position: Position | None = None) -> float:
            began = time.perf_counter()
            await incidents.page(condition, NOW, PAGE, position)
            return time.perf_counter() - began

        async def often(condition: Condition, position: Position | None, plain: list[float]) -> list[float]:
            await once(condition, position)
            took: list[float] = []
            while len(took) < FEWEST or (sum(took) < seconds and len(took) < MOST):
                took.append(await once(condition, position))
                plain.append(await once(IsOpen()))
            return took

        for case in chosen:
            _say(case.name)
            matching, middle = _middle(dsn, case.condition)
            plain: list[float] = []
            first = await often(case.condition, None, plain)
            deep = [] if middle is None else await often(case.condition, middle, plain)
            results.append(Measured(case, matching, median(first), median(deep) if deep else None, max(first + deep), median(plain)))
    _say("")
    return results


def _middle(dsn: str, condition: Condition) -> tuple[int, Position | None]:
    """How many incidents match, and the place of the one in the middle."""
    where = Where(NOW)
    found = f"from incident i where {where.sql(condition)}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        (count,) = connection.execute(f"select count(*) {found}", where.values).fetchone()
        if count < 2 * PAGE:
            return count, None
        row = connection.execute(
            f"select start_time, id {found} order by start_time desc, id desc limit 1 offset {count // 2}", where.values
        ).fetchone()
        return count, Position(*row)


def _print_plans(dsn: str, case: Case) -> None:
    _, middle = _middle(dsn, case.condition)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name, position in [("first", None), ("deep", middle)][: 1 if middle is None else 2]:
            statement, values = to_read_page(case.condition, NOW, PAGE + (1 if position is None else 2), position)
            print(f"== {case.name}, {name} page")
            for (line,) in connection.execute(f"explain (analyze, costs off, timing off, buffers off) {statement}", values):
                print(f"   {line[:200]}")
            print()


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

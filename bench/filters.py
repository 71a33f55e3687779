"""Measure pages of the list of incidents under every kind of filter over HTTP, next to the plain list of open ones."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import psycopg
from bench import report, server
from bench.client import Client
from bench.runs import Run
from bench.server import SOURCES
from bench.world import NOW, SPAN, World, opened

from adapters.db.database import Database
from adapters.db.filters import Where
from adapters.db.journal import PgIncidents
from adapters.db.pages import to_read_page
from adapters.http.paging import cursor
from adapters.http.queries import Query, Setting, condition
from argus_core.domain.expressions import written
from argus_core.domain.filters import (
    All,
    Condition,
    Either,
    HasTag,
    HasTicket,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    LevelAtMost,
    Not,
    SourceIn,
    SourceOf,
    TextHas,
)
from argus_core.ports.incidents import Position

PAGE = 100
TIMES_PLAIN = 5.0
ONE_PERCENT = 0.009  # as chance has it, it is a little more or less
SECONDS_FOR_NOTHING = 1.0
FEWEST, MOST = 7, 100
"""So often each page is read, as time allows."""
TYPES = [*(f"nms{n}" for n in range(server.TYPES)), "idle"]
USERS = {"source7": 7, "operator": SOURCES + 1}
"""Who asks, and the ids of their accounts."""


@dataclass(frozen=True, slots=True)
class Case:
    """A list under a name: the parameters that ask for it or, where there are none for it, a condition that a saved filter holds."""

    name: str
    asked: str | Condition
    mine: str = ""
    """Whose own incidents are listed; empty for everybody's."""
    usual: bool = False
    """Whether people ask for it, however few match."""

    @property
    def documented(self) -> bool:
        """Whether the API's documents know its parameters: neither texts nor trees."""
        return isinstance(self.asked, str) and "search=" not in self.asked

    @property
    def condition(self) -> Condition:
        """What the incidents of the list have in common."""
        asked = self.asked if isinstance(self.asked, Condition) else condition(Query(self.asked.encode()), Setting(UTC, NOW, TYPES))
        return All((SourceOf(USERS[self.mine]), asked)) if self.mine else asked


@dataclass(frozen=True, slots=True)
class Measured:
    """What a case costs, in seconds: its first page, one in its middle, and the plain list of open ones in turn with them."""

    case: Case
    matching: int
    first: float
    deep: float | None
    worst: float
    p99: float
    plain: float
    half: Position | None = None
    """The place of its deep page."""

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
    hundredth, oldest, before, after = (
        f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (NOW - SPAN / 100, NOW - SPAN * 0.99, NOW - 2 * SPAN, NOW + SPAN)
    )
    ids = ",".join(map(str, range(1, count, count // 1000)))
    common, nowhere, ticket = HasTag(frozenset({"customer=customer-7"})), HasTag(frozenset({"a=b"})), HasTicket()
    nothing = TextHas("nowhere to be found")
    return [
        Case("all", ""),
        Case("closed", "open=false"),
        Case("open, not acked", "open=true&acked=false", usual=True),
        Case("open, not acked, tag", "open=true&acked=false&tags=customer%3Dcustomer-7", usual=True),
        Case("open, not acked, sources", "open=true&acked=false&source__id__in=3,4,5", usual=True),
        Case("open, not acked, level", "open=true&acked=false&level__lte=2", usual=True),
        Case("open, not acked, an hour", "open=true&acked=false&duration__gte=60", usual=True),
        Case("closed, acked", "open=false&acked=true", usual=True),
        Case("acked", "acked=true"),
        Case("not acked", "acked=false"),
        Case("open, acked", "open=true&acked=true"),
        Case("stateful", "stateful=true"),
        Case("stateless", "stateful=false"),
        Case("ticket", "ticket=true"),
        Case("no ticket", "ticket=false"),
        Case("level at most 1", "level__lte=1"),
        Case("level at most 2", "level__lte=2"),
        Case("open, level at most 1", "open=true&level__lte=1"),
        Case("source", "source__id__in=7"),
        Case("three sources", "source__id__in=7,8,9"),
        Case("source by name", "source__name__in=source7"),
        Case("source by type", "source__type__in=nms7"),
        Case("one's own", "", mine="source7"),
        Case("open, source", "open=true&source__id__in=7"),
        Case("tag", "tags=customer%3Dcustomer-7"),
        Case("two tags", "tags=customer%3Dcustomer-7,problem_type%3DlinkDown"),
        Case("two of a key", "tags=customer%3Dcustomer-7,customer%3Dcustomer-8"),
        Case("open, tag", "open=true&tags=customer%3Dcustomer-7"),
        Case("rare tag", "tags=host%3Dsw0007.example.org", usual=True),
        Case("start since", f"start_time__gte={hundredth}"),
        Case("start until", f"start_time__lte={oldest}"),
        Case("end since", f"end_time__gte={hundredth}"),
        Case("end until", f"end_time__lte={oldest}"),
        Case("lasted an hour", "duration__gte=60"),
        Case("lasted two days", "duration__gte=2880"),
        Case("lasted half a year", "duration__gte=259200"),
        Case("a thousand ids", f"id__in={ids}"),
        Case("one key", f"source_incident_id={count // 2:09d}"),
        Case("text of one in 10", "search=PSUFAILURE"),
        Case("text of one in 100", "search=raised+by+a+satellite"),
        Case("short text", "search=ps"),
        Case("open, text", "open=true&search=psuFailure"),
        Case("not tag", Not(common)),
        Case("not text", Not(TextHas("psufailure"))),
        Case("tag or source", Either((common, SourceIn(frozenset({7}))))),
        Case("tag or text", Either((common, TextHas("psufailure")))),
        Case("tag or level", Either((common, LevelAtMost(1)))),
        Case("open or ticket", Either((IsOpen(), ticket))),
        Case("open, tag or not source", All((IsOpen(), Either((common, Not(SourceIn(frozenset({7, 8})))))))),
        Case("no tag", "tags=a%3Db"),
        Case("no tag of two", "tags=customer%3Dcustomer-7,a%3Db"),
        Case("no open tag", "open=true&tags=a%3Db"),
        Case("no source", f"source__id__in={SOURCES + 9}"),
        Case("no name", "source__name__in=nobody"),
        Case("no type", "source__type__in=idle"),
        Case("nothing of one's own", "", mine="operator"),
        Case("no key", "source_incident_id=nothing"),
        Case("no id", f"id__in={10 * count}"),
        Case("no level", "level__lte=0"),
        Case("no start since", f"start_time__gte={after}"),
        Case("no start until", f"start_time__lte={before}"),
        Case("no end until", f"end_time__lte={before}"),
        Case("no end since, closed", f"open=false&end_time__gte={after}"),
        Case("lasted for ever", "duration__gte=57600000"),
        Case("closed, lasted ten days", "open=false&duration__gte=14400"),
        Case("no text", "search=nowhere+to+be+found"),
        Case("no short text", "search=%C2%A7"),
        Case("acked and not", All((IsAcked(), Not(IsAcked())))),
        Case("ticket and not", All((ticket, Not(ticket)))),
        Case("neither stateful nor not", Not(Either((IsStateful(), Not(IsStateful()))))),
        Case("not level at most 5", Not(LevelAtMost(5))),
        Case("no tag or no text", Either((nowhere, nothing))),
        Case("no tag or no source", Either((nowhere, SourceIn(frozenset({SOURCES + 9}))))),
        Case("ticket, no text", All((ticket, nothing))),
        Case("closed, no text", All((IsClosed(), nothing))),
    ]


PLAIN = Case("the open ones", "open=true")


def main() -> int:
    options = _options()
    with opened(options.incidents, options.keep) as world, tempfile.TemporaryDirectory(prefix="argus-bench-") as logs:
        chosen = [case for case in cases(options.incidents) if options.only in case.name]
        if options.store:
            results = asyncio.run(_measured_at_the_store(world.dsn, chosen, options.seconds))
        else:
            with server.serving(world.dsn, Path(logs, "argus.log")) as (url, _):
                results = asyncio.run(measured(world, url, chosen, options.seconds))
        if options.plans:
            for case in chosen:
                _print_plans(world.dsn, case)
    verdicts = [result.verdict(options.incidents) for result in results]
    print(
        f"{options.incidents:,} incidents, one in a hundred open; pages of {PAGE} {'at the store' if options.store else 'over HTTP'}, "
        f"medians; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}.\n`x plain` is the slower page next to the first of the "
        f"open ones, read in turn with it. Aim: {TIMES_PLAIN:g} for what matches one in a hundred or more,\nand "
        f"{SECONDS_FOR_NOTHING:g} s at worst where nothing matches.\n"
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
    parser.add_argument("--store", action="store_true", help="ask the store alone, without HTTP")
    parser.add_argument("--plans", action="store_true", help="print the plans of all pages, too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the incidents here, and use those that are there")
    return parser.parse_args()


async def measured(world: World, url: str, chosen: list[Case], seconds: float) -> list[Measured]:
    """All cases as clients ask for them, on connections that are kept."""
    with ExitStack() as stack:
        clients = {name: stack.enter_context(Client(url, world.tokens[name])) for name in USERS}

        def saved(case: Case) -> str:
            wanted = {"name": f"{case.name[:20]} {time.time_ns()}", "filter": {"expression": written(case.condition)}}
            return f"filter_pk={clients['operator'].post('/api/v2/notificationprofiles/filters/', wanted)['pk']}"

        queries = {case.name: case.asked if isinstance(case.asked, str) else saved(case) for case in [*chosen, PLAIN]}

        async def once(case: Case, position: Position | None) -> float:
            place = "" if position is None else "&" + urlencode({"cursor": cursor(position)})
            path = f"/api/v2/incidents/{'mine/' if case.mine else ''}?{queries[case.name]}&page_size={PAGE}{place}"
            return clients[case.mine or "operator"].timed("GET", path)[1]

        return await _measured(world.dsn, chosen, seconds, once)


async def _measured_at_the_store(dsn: str, chosen: list[Case], seconds: float) -> list[Measured]:
    """All cases as the use case asks for them."""
    async with Database(dsn, connections=1, seconds=60, statement_seconds=60).opened() as database:
        incidents = PgIncidents(database)

        async def once(case: Case, position: Position | None) -> float:
            condition = case.condition
            began = time.perf_counter()
            await incidents.page(condition, datetime.now(UTC), PAGE, position)
            return time.perf_counter() - began

        return await _measured(dsn, chosen, seconds, once)


async def _measured(
    dsn: str, chosen: list[Case], seconds: float, once: Callable[[Case, Position | None], Awaitable[float]]
) -> list[Measured]:
    """All cases, each in turn with the plain list of open ones."""
    results = []

    async def often(case: Case, position: Position | None, plain: list[float]) -> list[float]:
        await once(case, position)
        took: list[float] = []
        while len(took) < FEWEST or (sum(took) < seconds and len(took) < MOST):
            took.append(await once(case, position))
            plain.append(await once(PLAIN, None))
        return took

    for case in chosen:
        report.say(case.name)
        matching, half = middle(dsn, case.condition)
        plain: list[float] = []
        first = await often(case, None, plain)
        deep = [] if half is None else await often(case, half, plain)
        both = Run.of(first + deep)
        deep_page = median(deep) if deep else None
        results.append(Measured(case, matching, median(first), deep_page, both.worst / 1000, both.p99 / 1000, median(plain), half))
    report.say("")
    return results


def middle(dsn: str, condition: Condition) -> tuple[int, Position | None]:
    """How many incidents match, and the place of the one in the middle."""
    where = Where(datetime.now(UTC))
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
    _, half = middle(dsn, case.condition)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name, position in [("first", None), ("deep", half)][: 1 if half is None else 2]:
            statement, values = to_read_page(case.condition, datetime.now(UTC), PAGE + (1 if position is None else 2), position)
            print(f"== {case.name}, {name} page")
            for (line,) in connection.execute(f"explain (analyze, costs off, timing off, buffers off) {statement}", values):
                print(f"   {line[:200]}")
            print()


if __name__ == "__main__":
    sys.exit(main())

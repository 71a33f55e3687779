"""
The world that is measured: who there is, and two years of incidents, the same at every call.

`load` alone knows how the incidents come into the database.
"""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from bench import report, server
from bench.server import SOURCES

from argus_core.domain.actors import Actor

SPAN = timedelta(days=730)
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
"""When the last incident began; the server reads them later, and nothing has happened since."""
CUSTOMERS, HOSTS = 100, 8000
CHUNK = 50_000
POSTING = 16
"""So many of the sources post while it is measured."""

# `pick(id, what, n)`: a number below n that looks random, the same at each run, and for each `what` another one.
PICK = """
    create function pg_temp.pick(id bigint, what int, n int) returns int immutable parallel safe language sql
        return ((hashint8extended(id, what) >> 8) & 9007199254740991) % n"""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A database with incidents in it, its first process, and who may ask."""

    incidents: int
    dsn: str
    postgres_pid: int
    tokens: dict[str, str]
    robots: list[Actor]
    person: Actor

    @property
    def reader(self) -> str:
        """The token of a person."""
        return self.tokens["operator"]

    @property
    def posting(self) -> list[str]:
        """The tokens of those sources that post."""
        return [self.tokens[robot.username] for robot in self.robots[:POSTING]]


@contextmanager
def opened(incidents: int, keep: Path | None = None) -> Iterator[World]:
    """A server of its own with so many incidents; those of `keep` are copied, and made there when they are not there yet."""
    with tempfile.TemporaryDirectory(prefix="argus-bench-") as temporary:
        folder = Path(temporary, "world")
        if keep is None:
            folder.mkdir()
        else:
            kept = keep / f"incidents-{incidents}"
            if not (kept / "world.json").exists():
                shutil.rmtree(kept, ignore_errors=True)
                kept.mkdir(parents=True)
                with server.database(kept / "data") as (dsn, _):
                    _made(dsn, incidents, kept / "world.json")
            report.say(f"copying {kept}")
            subprocess.run(["cp", "-a", "--reflink=auto", kept, folder], check=True)
        with server.database(folder / "data") as (dsn, pid):
            if keep is None:
                _made(dsn, incidents, folder / "world.json")
            robots, person = server.actors(dsn)
            tokens = json.loads((folder / "world.json").read_text())
            yield World(incidents=incidents, dsn=dsn, postgres_pid=pid, tokens=tokens, robots=robots, person=person)


def _made(dsn: str, incidents: int, tokens: Path) -> None:
    found = server.world(dsn)[0]
    load(dsn, incidents)
    tokens.write_text(json.dumps(found))  # the last, so that what is half done is not taken for whole


def load(dsn: str, incidents: int) -> None:
    """Write so many incidents with their events and acknowledgements into a database where there are only users and sources."""
    began = time.monotonic()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(PICK)
        indexes = connection.execute(
            "select indexname, indexdef from pg_indexes where tablename in ('incident', 'event', 'ack') and indexname !~ '^(pk|uq)_'"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"drop index {name}")
        figures = {"count": incidents, "now": f"timestamptz '{NOW.isoformat()}'", "span": f"interval '{SPAN.days} days'"}
        for first in range(1, incidents + 1, CHUNK):
            chunk = {"first": first, "last": min(first + CHUNK - 1, incidents)}
            connection.execute(INCIDENTS.format(**figures, **chunk, sources=SOURCES, customers=CUSTOMERS, hosts=HOSTS))
            connection.execute(EVENTS.format(**chunk, operator=SOURCES + 1))
            report.say(f"{chunk['last']:,} of {incidents:,} incidents written")
        connection.execute(ACKS)
        for name, definition in indexes:
            report.say(f"index {name}")
            connection.execute(definition)
        for table in ("incident", "event"):
            connection.execute(f"select setval('{table}_ids', (select max(id) from {table}))")
        connection.execute("vacuum analyze")
    report.say(f"{incidents:,} incidents written in {time.monotonic() - began:.0f} s")

"""The rows of the table that read: lists, filters, an incident, its events."""

import asyncio
import time
from datetime import UTC, datetime
from functools import partial

import psycopg
from bench import filters, plain
from bench.client import Client
from bench.marks import THERE, Figure
from bench.session import Session, Wrong, figure, middle, p50
from bench.wrk import Run

from adapters.db.pages import to_read_page

OPEN = "/api/v2/incidents/?open=true&acked=false&page_size=100"
EVENTS = 50


def lists(session: Session) -> None:
    """The newest 100 that are open and not acknowledged."""
    with Client(session.url, session.world.reader) as client, plain.connected(session.world.dsn) as connection:
        found = [row["pk"] for row in client.get(OPEN)["results"]]
        if found != [row[0] for row in connection.execute(plain.LIST).fetchmany(plain.ROWS)]:
            raise Wrong("the list holds other rows than SQL finds")
    argus, psycopg_ = session.in_turn(
        partial(session.wrk, "list", "list", OPEN, [session.world.reader]),
        partial(session.psycopg, "list", lambda connection, _: plain.list_open(connection)),
    )
    session.limits["list 1"] = middle(psycopg_, p50)
    session.figures["list"] = figure(middle(argus, p50), middle(psycopg_, p50), argus)


def details(session: Session) -> None:
    """An incident, and the fifty events of it."""
    with Client(session.url, session.world.posting[0]) as client:
        pk = eventful(client, session.mark())
    target = f"/api/v2/incidents/{pk}/"
    for name, path, action in (("detail", target, plain.detail), ("events", f"{target}events/", plain.events)):
        argus, psycopg_ = session.in_turn(
            partial(session.wrk, name, "list", path, [session.world.reader]),
            partial(session.psycopg, name, lambda connection, _, action=action: action(connection, pk)),
        )
        session.figures[name] = figure(middle(argus, p50), middle(psycopg_, p50), argus)


def eventful(client: Client, key: str) -> int:
    """Post an incident with fifty events."""
    now = datetime.now(UTC).isoformat()
    tags = [{"tag": f"key{n}=value{n}"} for n in range(5)]
    pk = client.post(
        "/api/v2/incidents/",
        {"start_time": now, "end_time": "infinity", "source_incident_id": key, "description": "much happens", "level": 3, "tags": tags},
    )["pk"]
    for number in range(EVENTS - 1):
        client.post(f"/api/v2/incidents/{pk}/events/", {"timestamp": now, "type": "OTH", "description": f"progress report {number}"})
    return pk


def filtered(session: Session) -> None:
    """Every documented filter, its first page and one in its middle: the slowest count, next to psycopg with the same statement."""
    incidents = session.world.incidents
    chosen = [case for case in filters.cases(incidents) if case.documented]
    found = asyncio.run(filters.measured(session.world, session.url, chosen, min(session.seconds / 10, 0.4)))
    for one in found:
        deep = None if one.deep is None else 1000 * one.deep
        facts = {"first": 1000 * one.first, "deep": deep, "p99": 1000 * one.p99, "worst": 1000 * one.worst}
        session.keep(what="filter", who="argus", filter=one.case.name, matching=one.matching, **facts)
    common = [one for one in found if one.case.usual or one.matching >= filters.ONE_PERCENT * incidents]
    for name, pages in (
        ("filter", [(one.first, one) for one in common]),
        ("filter deep", [(one.deep, one) for one in common if one.deep is not None]),
    ):
        value, slowest = max(pages, key=lambda page: page[0])
        limit = alone(session, slowest.case, slowest.half if name == "filter deep" else None)
        session.figures[name] = Figure(
            value=1000 * value,
            limit=limit.p50,
            p99=1000 * slowest.p99,
            worst=max(1000 * one.worst for one in common),
            more=f"“{slowest.case.name}”, of {len(common)} filters; {slowest.matching:,} match.",
        )


def alone(session: Session, case: filters.Case, position: object) -> Run:
    """The rows of a page by psycopg, which is given the statement."""
    statement, values = to_read_page(case.condition, datetime.now(UTC), filters.PAGE + (1 if position is None else 2), position)
    took = []
    with psycopg.connect(session.world.dsn, autocommit=True) as connection:
        for _ in range(filters.FEWEST * 3):
            began = time.perf_counter()
            connection.execute(statement, values, prepare=True, binary=True).fetchall()
            took.append(time.perf_counter() - began)
    return Run.of(took[filters.FEWEST :])


def encoding(session: Session) -> None:
    """What the processor alone is good for."""
    session.limits["encode"] = plain.encoding(min(session.seconds, 1)).p50
    session.keep(what="encode", who="msgspec", p50=session.limits["encode"], there=THERE["encode"])

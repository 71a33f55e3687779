"""The rows of the table that write: posting, the life of an incident, acknowledging many."""

from functools import partial
from itertools import islice

from bench import plain
from bench.client import Client
from bench.marks import Figure
from bench.runs import Run
from bench.session import Cost, Session, Wrong, figure, middle, p50, rate, warm

POST = "/api/v2/incidents/"
BATCH, BATCHES = 64, 2
"""So many incidents in a statement, on so many connections."""
STEPS = 3
"""Requests in the life of an incident."""
MANY = 1_000


def posts(session: Session) -> None:
    """POST with 1, 8 and 64 in flight, next to psycopg with one statement for each, and with batches."""
    warm(partial(_argus, session, 8))
    warm(partial(_psycopg, session, 8))
    one, one_, eight, eight_, many, many_, batches = session.in_turn(
        *(partial(side, session, in_flight) for in_flight in (1, 8, 64) for side in (_argus, _psycopg)), partial(_batches, session)
    )
    batch = BATCH * middle(batches, rate)
    best = max(middle(eight_, rate), middle(many_, rate))
    session.limits |= {
        "post 1": middle(one_, p50),
        "post 8": 1000 / middle(eight_, rate),
        "post batch": 1000 / batch,
        "post CPU": middle(eight_, _cpu),
    }
    in_batches = f"In batches of {BATCH} on {BATCHES} connections psycopg writes {batch:,.0f}/s"
    session.figures |= {
        "post 1": figure(middle(one, p50), middle(one_, p50), one),
        "post 8": figure(middle(eight, rate), middle(eight_, rate), eight),
        "post 64": figure(
            middle(many, rate),
            best,
            many,
            f"{in_batches}: {middle(many, rate) / batch:.0%}. On 64 connections {middle(many_, rate):,.0f}/s.",
        ),
        "post CPU": Figure(
            value=middle(many, _cpu),
            limit=middle(batches, _cpu) / BATCH,
            more=f"The limit is psycopg in batches; one by one it is {middle(eight_, _cpu):.3f} ms.",
        ),
    }


def lives(session: Session) -> None:
    """POST, END and ACK, eight incidents at a time."""
    sources = _sources(session)
    tokens = [*session.world.posting, session.world.reader]

    def argus() -> Cost:
        return session.wrk("lifecycle", "lifecycle", POST, tokens, in_flight=8, threads=8, mark=session.mark())

    def psycopg() -> Cost:
        mark = session.mark()

        def action(connection, worker):
            return plain.lifecycle(connection, worker, sources, mark, session.world.person.id)

        return session.psycopg("lifecycle", action, in_flight=8)

    mine, other = session.in_turn(argus, psycopg)
    session.figures["lifecycle"] = figure(middle(mine, rate) / STEPS, middle(other, rate), mine)


def acks(session: Session) -> None:
    """Acknowledge a thousand at once, five times; those who are asked last are by psycopg."""
    rounds = max(session.rounds + 2, 3)
    with plain.connected(session.world.dsn) as connection:
        query = """
            select id from incident where stateful and end_time is null and acked_until is null
            order by start_time desc, id desc limit %s"""
        ids = iter([row[0] for row in connection.execute(query, [2 * rounds * MANY])])
        parts = list(iter(lambda: list(islice(ids, MANY)), []))
        pairs = list(zip(parts[::2], parts[1::2], strict=False))
        if not pairs or len(pairs[0][1]) < MANY:
            raise Wrong("there are not enough incidents to acknowledge")
        with Client(session.url, session.world.reader) as client:
            took, took_ = [], []
            for mine, other in pairs:
                if len(other) < MANY:
                    break
                took.append(client.acked(mine))
                took_.append(plain.acked(connection, other, session.world.person.id))
        query = "select count(*) from ack where incident_id = any(%s)"
        found = connection.execute(query, [[id_ for part in pairs[: len(took)] for id_ in part[0]]]).fetchone()[0]
    if found != MANY * len(took):
        raise Wrong(f"{MANY * len(took)} were acknowledged, {found} are")
    run, run_ = Run.of(took), Run.of(took_)
    session.keep(what="bulk ack", who="argus", requests=len(took), p50=run.p50, worst=run.worst, limit=run_.p50)
    session.figures["bulk ack"] = Figure(value=run.p50, limit=run_.p50, p99=run.p99, worst=run.worst)


def _argus(session: Session, in_flight: int) -> Cost:
    mark = session.mark()
    cost = session.wrk("post", "post", POST, session.world.posting, in_flight=in_flight, mark=mark)
    _check(session, mark, cost.run.requests, in_flight)
    return cost


def _psycopg(session: Session, in_flight: int) -> Cost:
    mark, sources = session.mark(), _sources(session)
    cost = session.psycopg("post", lambda connection, worker: plain.post(connection, worker, sources, mark), in_flight=in_flight)
    _check(session, mark, cost.run.requests, in_flight)
    return cost


def _batches(session: Session) -> Cost:
    mark, sources = session.mark(), _sources(session)
    return session.psycopg(
        "post in batches", lambda connection, worker: plain.post_many(connection, worker, sources, mark, BATCH), in_flight=BATCHES
    )


def _sources(session: Session) -> list[tuple[int, int]]:
    return [(robot.source.id, robot.id) for robot in session.world.robots]


def _cpu(cost: Cost) -> float:
    return cost.cpu + cost.postgres


def _check(session: Session, mark: str, answered: int, in_flight: int) -> None:
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
        where i.source_incident_id collate "C" >= %(prefix)s and i.source_incident_id collate "C" < %(prefix)s || '~'
            and i.id > %(before)s"""
    with plain.connected(session.world.dsn) as connection:
        found = connection.execute(query, {"prefix": f"{mark}-", "before": session.world.incidents}).fetchone()
    if len(set(found)) != 1 or not answered <= found[0] <= answered + in_flight:
        raise Wrong(f"{answered} incidents {mark}… were answered with 201; there are {found} of them, their events and their outbox rows")

"""The rows of the table about a whole installation: who hears, mails, memory, starting."""

import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from urllib.error import URLError
from urllib.request import Request, urlopen

from bench import decisions, latency, mails, plain, server, sink, wrk
from bench.machine import memory
from bench.marks import Figure
from bench.reads import OPEN
from bench.session import Session, Wrong
from bench.writes import POST

STACK = "aiosmtplib, httptools, jinja2, litestar, msgspec, psycopg, psycopg_pool, sqlalchemy.ext.asyncio, uvicorn, uvloop"
DRAINED_WITHIN = 120.0
TIMES = 5


def hearing(session: Session) -> None:
    """Who hears of an event, of many profiles."""
    for count in (5_000, 100_000):
        found = decisions.measured(count)
        session.keep(what="decision", who="argus", profiles=count, ms=found.by_index, one_by_one=found.one_by_one)
        more = f"{found.hear:.1f} hear of one; asked one by one it takes {found.one_by_one:.1f} ms."
        session.figures[f"decision {count:,}"] = Figure(value=found.by_index, p99=found.p99, worst=found.worst, more=more)


def told(session: Session) -> None:
    """From a POST to the last of twenty mails about it."""
    found = latency.measured(people_=5_000, hear=20, incidents=max(round(20 * session.seconds), 20), per_second=5)
    last = found["the last mail"]
    session.keep(what="last mail", who="argus", requests=last.requests, p50=last.p50, p99=last.p99, worst=last.worst)
    more = f"The answer came after {found['the answer'].p50:.2f} ms, the first mail after {found['the first mail'].p50:.2f} ms."
    session.figures["last mail"] = Figure(value=last.p50, p99=last.p99, worst=last.worst, more=more)


def sending(session: Session) -> None:
    """Mails of one worker, next to aiosmtplib alone."""
    found = mails.measured(2_000, session.rounds)
    worker, medium, alone = (mails.rate(found, who) for who in ("worker", "medium", "aiosmtplib"))
    session.keep(what="mails", who="argus", rate=worker, medium=medium, limit=alone)
    session.figures["mails"] = Figure(
        value=worker, limit=alone, more=f"Writing and sending alone {medium:,.0f}/s, {medium / alone:.2f} of aiosmtplib."
    )


def remembering(session: Session) -> None:
    """What one HTTP process, one worker and their supervisor hold after load: everything that was posted so far, and more of all kinds."""
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-bench-")))
        settings = stack.enter_context(sink.running()).settings
        url, pid = stack.enter_context(server.serving(session.world.dsn, logs / "argus.log", settings))
        wrk.run("post", url + POST, in_flight=64, seconds=session.seconds, tokens=session.world.posting, mark=session.mark())
        wrk.run("list", url + OPEN, in_flight=8, seconds=session.seconds, tokens=[session.world.reader])
        _drained(session)
        found = memory(pid)
    session.keep(what="memory", who="argus", **found)
    total = sum(found.values())
    each = ", ".join(f"{role} {size:.0f}" for role, size in sorted(found.items()))
    session.figures["memory"] = Figure(value=total, more=f"In MB: {each}.")


def _drained(session: Session) -> None:
    """
    Wait until nothing is to be decided any more.

    Raises:
        Wrong: it takes too long.
    """
    until = time.monotonic() + DRAINED_WITHIN
    with plain.connected(session.world.dsn) as connection:
        while left := connection.execute("select count(*) from outbox").fetchone()[0]:
            if time.monotonic() > until:
                raise Wrong(f"{left:,} events are not decided about after {DRAINED_WITHIN:.0f} s")
            time.sleep(0.5)


def starting(session: Session) -> None:
    """From nothing to the first answer of `argus serve`, its database being there; next to importing what it is made of."""
    took, imports = [], []
    for _ in range(TIMES):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-P", "-c", f"import {STACK}"], check=True)
        imports.append(time.perf_counter() - began)
        took.append(_start(session))
    session.limits["import"] = median(imports)
    session.keep(what="start", who="argus", p50=median(took), worst=max(took), limit=median(imports))
    session.figures["start"] = Figure(
        value=median(took), limit=median(imports), worst=1000 * max(took), more="The limit is importing the stack."
    )


def _start(session: Session) -> float:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    request = Request(f"http://127.0.0.1:{port}/api/v2/incidents/?page_size=1", headers={"Authorization": f"Token {session.world.reader}"})
    began = time.perf_counter()
    with server.process(session.world.dsn, port):
        while True:
            try:
                with urlopen(request, timeout=10):
                    return time.perf_counter() - began
            except URLError as refused:
                if time.perf_counter() - began > server.START_WITHIN:
                    raise Wrong(f"argus serve does not answer: {refused}") from refused
                time.sleep(0.005)

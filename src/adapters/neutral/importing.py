"""
Fill a database with a data set, in one transaction; while it writes, other processes make rows of lines.

Each of these reads every second piece of the files. When something is wrong, they only say so; then all is read in order, which tells what.
"""

import gc
import itertools
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import sqlalchemy as sa
from psycopg import sql

from adapters.db import bulk, tables
from adapters.db.accounts import WORK_LOCK
from adapters.db.bulk import Loaded, Pack
from adapters.db.populations import Population, Taken, free_ids, settle
from adapters.neutral.files import DataSet
from adapters.neutral.journals import Journals, check_acks, twice
from adapters.neutral.people import WORLD, Circumstances, Files
from adapters.neutral.pieces import Piece, pieces
from adapters.refusals import Refusal
from argus_core.domain.actors import Person
from argus_core.ports.media import Media

PARTS = 2
PIECE = 600_000
"""So many bytes of `incidents.csv` are read at once, some 2,000 incidents."""

WORTH_PROCESSES = 4_000_000
"""Bytes of `incidents.csv` from which on starting processes takes less time than it saves."""

FIRST = "A data set comes before everything else: import it into a new database."
NOT_EMPTY = f"The database holds incidents already. {FIRST}"
IN_USE = "The database is in use: stop `argus serve` and `argus worker`, let another import end, and start again."

_SECONDS_TO_WAIT = 10
_FIGURES = """
    select count(*) filter (where is_open), count(*) filter (where is_open and acked_until is null), coalesce(sum(cardinality(tags)), 0)
    from incident, lateral (select stateful and end_time is null as is_open) state"""

Packs: TypeAlias = Iterator[Pack]
Say: TypeAlias = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What somebody wants: which folder, so many of its profiles (None is all), and how it shall be told how far it is."""

    folder: Path
    profiles: int | None = None
    say: Say = lambda _: None
    show: Callable[[Packs, int], Packs] = lambda packs, _: packs


class Doubt(Exception):
    """One of the other processes cannot go on."""


@dataclass(frozen=True, slots=True)
class Here:
    """This installation, and its clock."""

    url: str
    zone: str
    media: Media
    now: datetime


def neutral(wishes: Wishes, here: Here) -> Mapping[str, int]:
    """
    Write all of it, and count what was written. When something is wrong, nothing is.

    Raises:
        Refusal: there are incidents already, somebody uses the database, or a line is wrong.
    """
    files = Files(wishes.folder, wishes.profiles)
    with _transaction(here.url) as connection:
        _check_empty(connection)
        circumstances = Circumstances(
            now=here.now,
            token_ids=free_ids(connection, tables.token_ids),
            belonging_ids=free_ids(connection, tables.belonging_ids, files.belonging_ids),
            zone=here.zone,
            media=here.media,
        )
        population = files.population(circumstances)
        data = data_set(wishes.folder, population)
        lines = _lines_of(wishes.folder / data.incidents.name)
        with _made(wishes.folder, data, here.now) as ways:
            settle(connection, population)
            wishes.say(f"{lines} incidents")
            loaded = _load(connection, data, (wishes.show(packs, lines) for packs in ways), wishes.say)
        check_acks(data, loaded.acks)
        figures = _figures(connection, data, loaded)
        _compare(figures, files.world.dataset)
    _finish(here.url, wishes.say)
    return figures | {"users": len(population.users), "sources": len(population.sources), "profiles": len(files.profiles)}


@contextmanager
def _transaction(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=sa.NullPool)
    with engine.begin() as connection, _explained():
        connection.execute(sa.text(f"set local lock_timeout = '{_SECONDS_TO_WAIT}s'"))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WORK_LOCK)))  # before anything is looked at: of two imports one waits
        yield connection


@contextmanager
def _explained() -> Iterator[None]:
    """What stands in the way of all, in a sentence. SQLAlchemy wraps what psycopg says."""
    try:
        yield
    except Taken as taken:
        raise Refusal(f"{taken} {FIRST}") from taken
    except bulk.NotEmpty as error:
        raise Refusal(NOT_EMPTY) from error
    except psycopg.errors.LockNotAvailable as error:
        raise Refusal(IN_USE) from error
    except sa.exc.DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise Refusal(IN_USE) from error
        if isinstance(error.orig, psycopg.errors.UniqueViolation):
            raise Refusal(f"The database holds some of it already ({error.orig.diag.constraint_name}). {FIRST}") from error
        raise


def _check_empty(connection: sa.Connection) -> None:
    if connection.execute(sa.select(sa.exists(sa.select(tables.incident.c.id)))).scalar_one():
        raise Refusal(NOT_EMPTY)


def _load(connection: sa.Connection, data: DataSet, ways: Iterator[Packs], say: Say) -> Loaded:
    """By the first of the ways on which there is no doubt."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)  # noqa: S101 - it is what was created above
    try:
        while True:
            with suppress(Doubt):
                return bulk.load(raw, next(ways), say)
    except psycopg.errors.UniqueViolation as error:
        if error.diag.constraint_name == "pk_event":
            raise twice(data.events, ("id",)) from error
        raise twice(data.incidents, ("source_id", "source_incident_id")) from error


def _figures(connection: sa.Connection, data: DataSet, loaded: Loaded) -> dict[str, int]:
    is_open, unacked, tags = connection.execute(sa.text(_FIGURES)).one()
    return {
        "incidents": loaded.incidents,
        "open": is_open,
        "open_unacked": unacked,
        "events": loaded.events,
        "acks": loaded.acks,
        "tags": len(data.tag_of),
        "incident_tags": int(tags),
    }


def _compare(figures: Mapping[str, int], expected: Mapping[str, Any]) -> None:
    for what, number in figures.items():
        if expected.get(what, number) != number:
            raise Refusal(f"{WORLD}, dataset.{what}: It says {expected[what]}, but the files hold {number}. Are they whole?")


def _finish(url: str, say: Say) -> None:
    """What cannot be done in a transaction, and is not missed if it is not done."""
    say("Letting the database come to rest")
    with psycopg.connect(url, autocommit=True) as connection:
        others = map(sql.Identifier, sorted(tables.metadata.tables.keys() - set(bulk.TABLES)))
        connection.execute(sql.SQL("analyze {}").format(sql.SQL(", ").join(others)))
        if connection.execute("select pg_has_role('pg_checkpoint', 'usage')").fetchone() == (True,):
            connection.execute("checkpoint")


def data_set(folder: Path, population: Population) -> DataSet:
    """What the folder holds, of this population."""
    return DataSet(
        folder,
        {str(source.id): source for source in population.sources},
        {str(user.id): Person(user.id, user.username) for user in population.users},
    )


def _lines_of(file: Path) -> int:
    try:
        with file.open("rb") as opened:
            return sum(block.count(b"\n") for block in iter(lambda: opened.read(1 << 20), b""))
    except OSError as error:
        raise Refusal(f"The file {file} cannot be read: {error.strerror}.") from error


@contextmanager
def _made(folder: Path, data: DataSet, now: datetime) -> Iterator[Iterator[Packs]]:
    """What other processes make of the files, beginning at once, if they are worth it; then what this one makes, which is beyond doubt."""
    cut = pieces(folder, PIECE) if (folder / data.incidents.name).stat().st_size >= WORTH_PROCESSES else ()

    def both() -> Iterator[Packs]:
        if cut:
            yield _in_turn([receiver for receiver, _ in ways], len(cut))
        yield Journals(data).packs(now)

    context = multiprocessing.get_context("spawn")
    ways = [context.Pipe(duplex=False) for _ in range(PARTS)] if cut else []
    processes = [
        context.Process(target=_work, args=(way, partial(DataSet, folder, data.sources, data.people), now, cut[part::PARTS]), daemon=True)
        for part, (_, way) in enumerate(ways)
    ]
    try:
        with _deaf():
            for process, (_, way) in zip(processes, ways, strict=True):
                process.start()
                way.close()
        yield both()
    finally:
        for process in processes:
            process.terminate()
            process.join()


@contextmanager
def _deaf() -> Iterator[None]:
    """Whoever is started here never hears of Ctrl-C: it is for this process, which ends them. What comes meanwhile comes afterwards."""
    resource_tracker.ensure_running()  # it would be started with the first of them, and let the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_turn(receivers: Sequence[Connection], count: int) -> Packs:
    for receiver in itertools.islice(itertools.cycle(receivers), count):
        try:
            pack = receiver.recv()
        except EOFError as error:
            raise Refusal("A process that reads the files was ended from outside; is there enough memory?") from error
        if pack is None:
            raise Doubt
        yield pack


def _work(way: Connection, data: Callable[[], DataSet], now: datetime, mine: Sequence[Piece]) -> None:
    """What one of the processes does: send a pack for each piece, or None when something is wrong."""
    gc.disable()  # there are no cycles
    try:
        with ThreadPoolExecutor(1) as sender:  # the next pack is made while the last one waits to be taken
            journals = Journals(data())
            sent: list[Future[None]] = []
            for piece in mine:
                pack = journals.piece(piece, now)
                for one in sent:
                    one.result()
                sent = [sender.submit(way.send, pack)]
    except BrokenPipeError:
        return  # nobody waits any more
    except Exception:  # noqa: BLE001 - it is found again where all is read
        way.send(None)

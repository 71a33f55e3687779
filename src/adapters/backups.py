"""
Backups: a folder with the whole database in it, and with what is needed to tell that it is whole.

    database.dump   what PostgreSQL's pg_dump wrote
    backup.json     when, by which versions, the digest of that file, and what each table held
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import psycopg

from adapters import databases
from adapters.db.dumps import TABLES, DumpFailed, Table, dump, load
from adapters.db.embedded import EmbeddedError, running
from adapters.db.embedded.binaries import Binaries, binaries, usual
from adapters.db.embedded.folder import sync
from adapters.db.migrate import ADVISORY_LOCK
from adapters.refusals import UNREADABLE, Refusal
from adapters.settings import Settings, masked

# What a killed one has left goes on by itself.
_RESTORING = "select 1 from pg_stat_activity where datname = current_database() and application_name = 'pg_restore'"

DUMP, ABOUT = "database.dump", "backup.json"
FORMAT = 1


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says about itself."""

    format: int
    made: datetime
    argus: str
    sha256: str
    tables: dict[str, Table]


def back_up(settings: Settings, folder: Path, now: datetime) -> Backup:
    """
    Write a backup, and prove it by restoring it into a server of its own; under its name it is there whole or not at all.

    It may be done while Argus serves. The proof takes as much room as the database, in the folder for temporary files.

    Raises:
        Refusal: there is something under that name already, there is nothing to back up, or it could not be done.
    """
    if os.path.lexists(folder):
        raise Refusal(f"{folder} is there already, and backups overwrite nothing: choose another name.")
    not_made = f"The backup {folder} was not made"
    with _explained(not_made):
        if not settings.database_url and not (databases.data_folder(settings) / "postgres").exists():
            raise Refusal(f"There is no database in {databases.data_folder(settings)}.")
    ours = _binaries(settings)
    with _explained(not_made), _beside(folder) as unfinished:
        with databases.reached(settings) as database:
            server = _Server.at(database.direct)
            with server.explained(ours):
                tables = dump(database.direct, server.programs(ours), unfinished / DUMP)
        if not tables:
            raise Refusal("The database has no tables: there is nothing to back up.")
        with server.explained(ours):
            _prove(unfinished / DUMP, tables, settings, ours)
        about = Backup(
            format=FORMAT, made=now, argus=version("argus-core"), sha256=_digest(unfinished / DUMP), tables=dict(sorted(tables.items()))
        )
        (unfinished / ABOUT).write_bytes(msgspec.json.format(msgspec.json.encode(about)) + b"\n")
        for path in (unfinished / DUMP, unfinished / ABOUT, unfinished):
            sync(path)
        unfinished.rename(folder)
        sync(folder.parent)
    return about


def restore(settings: Settings, folder: Path) -> Backup:
    """
    Fill an empty database with a backup, whole or not at all, and compare it with what was backed up.

    Raises:
        Refusal: that is no backup, it is damaged, the database is not empty, or it could not be done.
    """
    about = _read(folder)
    ours = _binaries(settings)
    with _explained(f"{folder} was not restored"), databases.reached(settings) as database, _empty(settings, database.direct):
        server = _Server.at(database.direct)
        with server.explained(ours):
            different = _differences(about.tables, load(database.direct, server.programs(ours), folder / DUMP))
    if different:
        raise Refusal(f"What was restored is not what was backed up ({different}): drop the database, and look for another backup.")
    return about


@dataclass(frozen=True, slots=True)
class _Server:
    """Whose database it is, and whose programs have to do with it: its own where it is older than ours, if they are installed."""

    major: int
    minor: int

    @staticmethod
    def at(url: str) -> "_Server":
        with psycopg.connect(url) as connection:
            return _Server(*divmod(connection.info.server_version, 10_000))

    def programs(self, ours: Binaries) -> Path:
        own = (folder for folder in usual(self.major) if self.major < ours.version and (folder / "pg_restore").exists())
        return next(own, ours.folder)

    @contextmanager
    def explained(self, ours: Binaries) -> Iterator[None]:
        """An older server may note in its catalogues what newer programs cannot make sense of, and does not know what these tell it."""
        try:
            yield
        except DumpFailed as error:
            if self.major >= ours.version:
                raise
            raise DumpFailed(
                f"{error}; PostgreSQL {self.major}.{self.minor} has to be dumped and filled by its own programs, at least as new as it: "
                f"install or renew them here (Debian: apt install postgresql-client-{self.major})"
            ) from error


def _binaries(settings: Settings) -> Binaries:
    try:
        return binaries(settings.postgres_bin)
    except EmbeddedError as error:
        raise Refusal(str(error)) from error


def _read(folder: Path) -> Backup:
    try:
        about = msgspec.json.decode((folder / ABOUT).read_bytes(), type=Backup)
    except OSError as error:
        raise Refusal(f"{folder} is not a backup that `argus backup` made: {error.strerror} ({ABOUT}).") from error
    except UNREADABLE as error:
        raise Refusal(f"{folder} is not a backup that can be read here: {ABOUT}: {error}.") from error
    if about.format != FORMAT:
        raise Refusal(f"{folder} was made by Argus {about.argus}, whose backups this version cannot read: restore it with that one.")
    try:
        whole = _digest(folder / DUMP) == about.sha256
    except OSError as error:
        raise Refusal(f"{folder / DUMP} cannot be read: {error.strerror}.") from error
    if not whole:
        raise Refusal(f"{folder / DUMP} is not what was written by `argus backup`: it is damaged, look for another backup.")
    return about


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder next to that one, which nobody else can read, to become it; it is gone after the block unless it was renamed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _prove(file: Path, tables: Mapping[str, Table], settings: Settings, ours: Binaries) -> None:
    with tempfile.TemporaryDirectory(prefix="argus-") as scratch, running(Path(scratch), bin=settings.postgres_bin, fast=True) as server:
        if different := _differences(tables, load(server.url, ours.folder, file)):
            raise Refusal(f"A restored copy of the backup differs from the database ({different}): the backup is not kept.")


def _differences(expected: Mapping[str, Table], found: Mapping[str, Table]) -> str:
    return ", ".join(name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name))


@contextmanager
def _empty(settings: Settings, url: str) -> Iterator[None]:
    """Make sure that the database has no tables, and that nobody makes some meanwhile: who migrates waits for the same lock."""
    with psycopg.connect(url, autocommit=True) as connection:
        (free,) = connection.execute("select pg_try_advisory_lock(%s)", [ADVISORY_LOCK]).fetchone() or (False,)
        if not free or connection.execute(TABLES).fetchone() or connection.execute(_RESTORING).fetchone():
            raise Refusal(_not_empty(settings, url))
        yield


def _not_empty(settings: Settings, url: str) -> str:
    if settings.database_url:
        where, elsewhere, again = f"The database at {masked(url)}", "an empty database", "drop that database and create it again"
    else:
        where, elsewhere, again = (
            str(databases.data_folder(settings)),
            "an empty database, or with --data into a new folder",
            "remove that folder",
        )
    return f"{where} is in use or holds data already: restore into {elsewhere}. If a restore that was killed has left them, {again} first."


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except (DumpFailed, EmbeddedError, psycopg.Error) as error:
        raise Refusal(f"{what}: {str(error).strip().partition(chr(10))[0].rstrip('.')}.") from error
    except OSError as error:
        raise Refusal(f"{what}: {error.strerror} ({error.filename}).") from error


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

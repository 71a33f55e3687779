"""Which database the settings mean, and making sure that it can be used: it runs, it answers, its tables are those we know."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.refusals import Refusal
from adapters.settings import Settings, masked
from argus_core.domain.errors import ReadOnly

if TYPE_CHECKING:
    import psycopg

    from adapters.db.planning import Planned

_STEPS = Path(__file__).parent / "db" / "migrations" / "versions"
_CONNECT_SECONDS = 10
_EVERY_TEXT = "UTF8"
_READ_ONLY, _MAY_NOT = "25006", "42501"


@dataclass(frozen=True, slots=True)
class Ready:
    """
    A database that can be used; `direct` leads there past a pooler.

    `revive` starts its server again if that is ours and has died, and tells whether it was so; it may raise `Refusal`.
    """

    url: str
    direct: str
    revive: Callable[[], bool]


def data_folder(settings: Settings) -> Path:
    """
    Where the embedded server keeps its data.

    Raises:
        Refusal: this user has no home folder.
    """
    from adapters.db.embedded import default_data_dir

    with _refusing():
        return settings.data or default_data_dir()


def check_there(settings: Settings) -> None:
    """
    Look whether the embedded server has data, for those who shall not make some. One that is named shows when it is reached.

    Raises:
        Refusal: it has none, or that cannot be seen.
    """
    if settings.database_url:
        return
    from adapters.db.embedded.errors import explained
    from adapters.db.embedded.folder import DataFolder

    folder = data_folder(settings).expanduser()
    with _refusing(), explained(folder):
        there = DataFolder(folder).is_there()
    if not there:
        raise Refusal(f"There is no database in {folder}. If that is the right folder, `argus serve` or `argus migrate` makes one there.")


@contextmanager
def reached(settings: Settings) -> Iterator[Ready]:
    """
    The database that the settings name; else the embedded one, for as long as somebody needs it.

    Raises:
        Refusal: there is none.
    """
    if settings.database_url:
        yield Ready(settings.database_url, settings.database_direct_url or settings.database_url, lambda: False)
        return
    from adapters.db.embedded import running

    with _refusing(), running(data_folder(settings), bin=settings.postgres_bin) as server:

        def revive() -> bool:
            with _refusing():
                return server.revive()

        yield Ready(server.url, server.url, revive)


@contextmanager
def ready(settings: Settings) -> Iterator[Ready]:
    """
    The same, with tables as we know them. Ours is brought up to date; one that is named is not touched.

    Raises:
        Refusal: there is none, it lacks steps, there is no way to it past a pooler, or it does not let us do what was tried.
    """
    with reached(settings) as database:
        if not is_current(database.direct):
            if settings.database_url:
                raise Refusal(f"The database at {masked(database.direct)} is not up to date: run `argus migrate`.")
            migrate(database.direct)
        with _permitted(database.url):
            yield database


def is_current(url: str) -> bool:
    """
    Whether the database has all the steps we know. It may have more: the version before runs on it too.

    `adapters.db.migrate` would take a second just to be imported.

    Raises:
        Refusal: it cannot be reached, it is in another encoding, or a pooler is in between.
    """
    import psycopg

    try:
        with _connected(url) as connection:
            if connection.execute("select pg_backend_pid()").fetchone() != (connection.info.backend_pid,):
                raise Refusal(f"A pooler is in front of the database at {masked(url)}: DATABASE_DIRECT_URL has to name it without.")
            row = connection.execute("select max(version_num) from alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return False
    except psycopg.Error as error:
        raise _unreachable(url, error) from error
    return row is not None and row[0] is not None and row[0] >= newest_step()


@contextmanager
def _connected(url: str) -> "Iterator[psycopg.Connection[tuple[Any, ...]]]":
    """A connection to a database that can keep every text."""
    import psycopg

    with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding not in (None, _EVERY_TEXT):
            raise Refusal(
                f"The database at {masked(url)} is in the encoding {encoding}, which cannot keep every text: "
                f"make another one with `createdb --encoding {_EVERY_TEXT} --template template0`."
            )
        yield connection


def newest_step() -> str:
    """The number of the last step, as its file is called."""
    return max(found[1] for path in _STEPS.iterdir() if (found := re.fullmatch(r"m(\d+)_\w+\.py", path.name)))


def migrate(url: str) -> list[str]:
    """
    Take all steps that the database lacks; gives what they are.

    Raises:
        Refusal: it cannot be reached, it is in another encoding, or one of them fails; those before it stay.
    """
    import psycopg
    import sqlalchemy as sa

    from adapters.db.migrate import pending, upgrade

    try:
        with _connected(url):
            steps = pending(url)
        upgrade(url)
    except sa.exc.DBAPIError as error:
        raise Refusal(f"The database at {masked(url)} could not be brought up to date: {_first_line(error.orig or error)}") from error
    except psycopg.Error as error:
        raise _unreachable(url, error) from error
    return steps


def go_back(url: str, step: str) -> None:
    """
    Take steps back, until this one is the last.

    Raises:
        Refusal: the database has no such step, it cannot be reached, or a step cannot be taken back.
    """
    import psycopg
    import sqlalchemy as sa

    from adapters.db.migrate import UnknownStep, downgrade

    try:
        downgrade(url, step)
    except UnknownStep as error:
        raise Refusal(f"The database at {masked(url)} has no step {step}.") from error
    except sa.exc.DBAPIError as error:
        raise Refusal(f"The database at {masked(url)} could not be taken back: {_first_line(error.orig or error)}") from error
    except psycopg.Error as error:
        raise _unreachable(url, error) from error


def planned(settings: Settings, url: str) -> "list[Planned]":
    """
    What `migrate` would do, found out on a server of its own.

    Raises:
        Refusal: the database cannot be reached, it is in another encoding, or that server does not start.
    """
    import tempfile

    import psycopg

    from adapters.db.embedded import running
    from adapters.db.planning import plan

    with (
        _refusing(),
        tempfile.TemporaryDirectory(prefix="argus-") as folder,
        running(Path(folder), bin=settings.postgres_bin, fast=True) as server,
    ):
        try:
            with _connected(url):
                return plan(url, server.url)
        except psycopg.Error as error:
            raise _unreachable(url, error) from error


@contextmanager
def _refusing() -> Iterator[None]:
    from adapters.db.embedded import EmbeddedError

    try:
        yield
    except EmbeddedError as error:
        raise Refusal(str(error)) from error


@contextmanager
def _permitted(url: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        cause = getattr(error, "orig", None) or error  # SQLAlchemy has wrapped it
        state = getattr(cause, "sqlstate", None)
        if isinstance(error, ReadOnly) or state == _READ_ONLY:
            raise Refusal(
                f"The database at {masked(url)} is read-only (a standby?): DATABASE_URL has to name the one that is written to."
            ) from error
        if state == _MAY_NOT:
            raise Refusal(f"Argus may not do that in the database at {masked(url)}: {_first_line(cause)}") from error
        raise


def _unreachable(url: str, error: "psycopg.Error") -> Refusal:
    return Refusal(f"The database at {masked(url)} cannot be used: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") + "."

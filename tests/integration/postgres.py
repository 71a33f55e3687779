"""A real PostgreSQL for tests, and databases that live as long as one of them."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from adapters.db.embedded import running

PATIENCE_MS = 60_000
"""So long may making or dropping a database take on a busy machine."""

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is private
ENOUGH = 4 * 1024**3


@contextmanager
def server() -> Iterator[str]:
    """The server that DATABASE_URL names, as a role that may create databases; else a private one without durability, gone afterwards."""
    if named := os.environ.get("DATABASE_URL"):
        yield named
        return
    # In memory, if there is enough of it: a database has hundreds of files, and there making one takes a tenth of the time.
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    folder = Path(tempfile.mkdtemp(prefix="argus-test-", dir=MEMORY if roomy else None))
    try:
        with running(folder, fast=True) as embedded:
            yield embedded.url
    finally:
        shutil.rmtree(folder)


@contextmanager
def fresh_database(admin_dsn: str, template: str | None = None, encoding: str | None = None) -> Iterator[str]:
    """
    The DSN of a new database, dropped at the end.

    It is a copy of the one that the DSN `template` names (nobody may be connected to it), or empty and in this encoding.
    """
    name = f"argus_test_{uuid4().hex[:12]}"
    new = sql.SQL("create database {}").format(sql.Identifier(name))
    if template is not None:
        source = sql.Identifier(str(conninfo_to_dict(template)["dbname"]))
        new += sql.SQL(" template {} strategy file_copy").format(source)
    if encoding is not None:
        new += sql.SQL(" template template0 encoding {} locale 'C'").format(encoding)
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(f"set statement_timeout = {PATIENCE_MS}")
        _do(admin, new)
        try:
            yield _naming(admin_dsn, name)
        finally:
            # `with (force)` is refused while autovacuum is in the database; without it, PostgreSQL ends autovacuum itself.
            ours = "select pg_terminate_backend(pid, %s) from pg_stat_activity where datname = %s and usename = current_user"
            admin.execute(ours, [PATIENCE_MS // 2, name])
            _do(admin, sql.SQL("drop database {}").format(sql.Identifier(name)))


def _do(admin: psycopg.Connection, statement: sql.Composed) -> None:
    """Make or drop a database; when that takes too long, the error tells what else goes on in the server."""
    try:
        admin.execute(statement)
    except psycopg.errors.QueryCanceled as error:
        others = "select pid, datname, usename, state, wait_event, query from pg_stat_activity where pid <> pg_backend_pid()"
        error.add_note("Meanwhile:\n" + "\n".join(map(str, admin.execute(others).fetchall())))
        raise


def _naming(dsn: str, database: str) -> str:
    """The same server, another database; by hand because urllib drops the slashes of `postgresql:///name`."""
    return re.sub(r"^(\w+://[^/?]*)(/[^?]*)?", rf"\g<1>/{database}", dsn, count=1)

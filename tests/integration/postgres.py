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
"""To make or drop a database waits for everybody on the server; whoever never answers is to be found out."""


@contextmanager
def server() -> Iterator[str]:
    """The server that DATABASE_URL names, as a role that may create databases; else a private one without durability, gone afterwards."""
    if named := os.environ.get("DATABASE_URL"):
        yield named
        return
    folder = Path(tempfile.mkdtemp(prefix="argus-test-"))
    try:
        with running(folder, fast=True) as embedded:
            yield embedded.url
    finally:
        shutil.rmtree(folder)


@contextmanager
def fresh_database(admin_dsn: str, template: str | None = None) -> Iterator[str]:
    """The DSN of a new database, a copy of the one that the DSN `template` names (nobody may be connected to it); dropped at the end."""
    name = f"argus_test_{uuid4().hex[:12]}"
    new = sql.SQL("create database {}").format(sql.Identifier(name))
    if template is not None:
        source = sql.Identifier(str(conninfo_to_dict(template)["dbname"]))
        new += sql.SQL(" template {} strategy file_copy").format(source)
    with psycopg.connect(admin_dsn, autocommit=True, options=f"-c statement_timeout={PATIENCE_MS}") as admin:
        admin.execute(new)
        try:
            yield _naming(admin_dsn, name)
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _naming(dsn: str, database: str) -> str:
    """The same server, another database; by hand because urllib drops the slashes of `postgresql:///name`."""
    return re.sub(r"^(\w+://[^/?]*)(/[^?]*)?", rf"\g<1>/{database}", dsn, count=1)

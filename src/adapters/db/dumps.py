"""The whole of a database as a file, by PostgreSQL's own programs, and what tells two databases from each other."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

TABLES = "select relname from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace order by relname"

# The same rows are the same text, whatever the server's own settings are; and nobody interrupts what may take an hour.
ALIKE = """
    select set_config(name, value, true) from (values ('timezone', 'UTC'), ('datestyle', 'ISO, MDY'), ('intervalstyle', 'postgres'),
        ('bytea_output', 'hex'), ('extra_float_digits', '1'), ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'))
    as setting (name, value)"""

# Of a sum the order does not matter.
TALLY = """
    select count(*), coalesce(sum(('x' || substr(md5(whole_row::text), 1, 15))::bit(60)::bigint), 0)::text from {} as whole_row"""


class Table(msgspec.Struct, frozen=True):
    """What a table holds: so many rows, and a number that no other rows have."""

    rows: int
    digest: str


class DumpFailed(Exception):
    """One of PostgreSQL's programs could not do it; the message is what it said."""


def dump(url: str, programs: Path, file: Path) -> Mapping[str, Table]:
    """
    Write the database, as it is at one moment, while others go on changing it; gives what each table held at that moment.

    Raises:
        DumpFailed: what was written is of no use.
        psycopg.Error: the database cannot be asked.
    """
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        (snapshot,) = connection.execute("select pg_export_snapshot()").fetchone() or ("",)
        connection.execute(ALIKE)
        _run(programs / "pg_dump", url, "--format=custom", f"--snapshot={snapshot}", *_PLAIN, "--no-comments", f"--file={file}")
        return _tallied(connection)


def load(url: str, programs: Path, file: Path) -> Mapping[str, Table]:
    """
    Fill an empty database from what `dump` wrote, whole or not at all; gives what each table holds afterwards.

    Raises:
        DumpFailed: the database is as empty as before.
        psycopg.Error: the database cannot be asked.
    """
    _run(programs / "pg_restore", url, "--exit-on-error", "--single-transaction", *_PLAIN, str(file))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("analyze")  # without figures, PostgreSQL would choose bad ways until it happens by itself
    return contents(url)


def contents(url: str) -> Mapping[str, Table]:
    """What each table holds."""
    with psycopg.connect(url) as connection:
        connection.execute(ALIKE)
        return _tallied(connection)


# Whoever loads it owns it: other servers have other roles.
_PLAIN = ("--no-owner", "--no-privileges")


def _tallied(connection: "psycopg.Connection[TupleRow]") -> Mapping[str, Table]:
    names = [name for (name,) in connection.execute(TABLES).fetchall()]
    return {name: Table(*connection.execute(sql.SQL(TALLY).format(sql.Identifier(name))).fetchone() or (0, "")) for name in names}


def _run(program: Path, url: str, *options: str) -> None:
    """Run one of PostgreSQL's programs on a database. Its password is not for everybody who lists processes."""
    parameters: dict[str, Any] = conninfo_to_dict(url)
    password = parameters.pop("password", None)
    environment = {**os.environ, "LC_ALL": "C"} | ({"PGPASSWORD": str(password)} if password else {})
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own programs
            [program, f"--dbname={make_conninfo(**parameters)}", "--no-password", *options],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
        )
    except OSError as error:
        raise DumpFailed(f"{program} cannot be run: {error.strerror}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error:" in line] or done.stderr.splitlines() or [f"code {done.returncode}"]
        raise DumpFailed(said[0].strip().rstrip("."))

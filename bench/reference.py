"""The reference server, as PyPI has it, in a virtual environment of its own: installed, filled and run, never imported."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError

import psycopg

PACKAGES = ("gunicorn", "psycopg[binary]", "psycopg2-binary")
SETTINGS = """\
from argus.site.settings.prod import *

ALLOWED_HOSTS = ["127.0.0.1"]
"""
STOP_WITHIN = 20.0
CSV = {
    "tags": ("argus_incident_tag", "id,key,value"),
    "incidents": (
        "argus_incident_incident",
        "id,start_time,end_time,source_id,source_incident_id,details_url,description,level,ticket_url,search_text,metadata",
    ),
    "incident_tags": ("argus_incident_incidenttagrelation", "incident_id,tag_id,added_by_id,added_time"),
    "events": ("argus_incident_event", "id,incident_id,actor_id,timestamp,received,type,description"),
    "acks": ("argus_incident_acknowledgement", "event_id,expiration"),
}
NOTIFY = "argus_notificationprofile_"


class NotInstalled(Exception):
    """It cannot be had from PyPI."""


def install(folder: Path, version: str) -> Path:
    """
    Put it and its server into a new virtual environment: where its programs are.

    Raises:
        NotInstalled: that failed; the message is one sentence.
    """
    programs = folder / "bin"
    wanted = [f"argus-server=={version}", *PACKAGES]
    for command in ([sys.executable, "-m", "venv", folder], [programs / "pip", "install", "--quiet", *wanted]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            raise NotInstalled(f"argus-server {version} cannot be installed from PyPI: {last}")
    (folder / "bench_settings.py").write_text(SETTINGS)
    return programs


def fill(programs: Path, dsn: str, folder: Path, *, profiles: int) -> None:
    """Make its tables, and write a neutral data set into them."""
    command = [programs / "django-admin", "migrate", "--verbosity", "0"]
    done = subprocess.run(command, env=environment(programs, dsn), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The reference cannot migrate its database:\n{done.stderr}")
    with psycopg.connect(dsn, autocommit=True) as connection:
        with connection.transaction():
            _actors(connection, json.loads((folder / "world.json").read_text()))
            for name, (table, columns) in CSV.items():
                _copy(connection, folder / f"{name}.csv", table, columns)
            _profiles(connection, folder, profiles)
            _sequences(connection)
        connection.execute("vacuum analyze")


@contextmanager
def serving(programs: Path, dsn: str, log: Path, mail_port: int | None = None) -> Iterator[tuple[str, int]]:
    """gunicorn with three processes, as its container has, and its worker if mails are wanted: its address and gunicorn's process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = environment(programs, dsn, mail_port)
    with ExitStack() as stack:
        output = stack.enter_context(log.open("ab"))
        commands = [[programs / "gunicorn", "--no-control-socket", "-w", "3", "-b", f"127.0.0.1:{port}", "argus.site.wsgi"]]
        if mail_port:
            commands.append([programs / "django-admin", "db_worker"])
        pids = [stack.enter_context(_process(command, told, output)) for command in commands]
        yield f"http://127.0.0.1:{port}", pids[0]


def environment(programs: Path, dsn: str, mail_port: int | None = None) -> dict[str, str]:
    """Its production settings."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("ARGUS_", "DJANGO_", "PYTHON"))}
    return bare | {
        "DJANGO_SETTINGS_MODULE": "bench_settings",
        "PYTHONPATH": str(programs.parent),
        "DATABASE_URL": dsn,
        "SECRET_KEY": "of a benchmark, which nobody can reach",
        "STATIC_ROOT": str(programs.parent / "static"),
        "ARGUS_FRONTEND_URL": "http://127.0.0.1",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mail_port or 9),
        "EMAIL_USE_TLS": "0",
        "DEFAULT_FROM_EMAIL": "argus@example.org",
        "ARGUS_SEND_NOTIFICATIONS": "1",
    }


@contextmanager
def _process(command: list[str | Path], told: dict[str, str], output) -> Iterator[int]:
    with subprocess.Popen(command, env=told, stdout=output, stderr=output) as process:
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()


def insert(connection: psycopg.Connection, table: str, rows: list[dict[str, object]]) -> None:
    """Write rows; of the columns of older and newer versions those that the table has, and what must be there but is not told as empty."""
    if not rows:
        return
    query = """
        select column_name, data_type, is_nullable = 'YES' or column_default is not null or is_identity = 'YES'
        from information_schema.columns where table_schema = 'public' and table_name = %s"""
    found = connection.execute(query, [table]).fetchall()
    columns = {name: type_ for name, type_, may_miss in found if name in rows[0] or not may_miss}
    full = [[row.get(name, EMPTY.get(type_, "")) for name, type_ in columns.items()] for row in rows]
    names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(f"insert into {table} ({names}) overriding system value values ({marks})", full)


EMPTY: dict[str, object] = {"boolean": False, "timestamp with time zone": "now", "jsonb": "{}", "ARRAY": [], "integer": 0, "bigint": 0}


def _actors(connection: psycopg.Connection, world: dict) -> None:
    connection.execute("delete from argus_incident_sourcesystem")
    robots = [{"id": one["user_id"], "username": one["username"], "token": one["token"]} for one in world["sources"]]
    people = [*world["users"], *robots]
    users = [{"is_superuser": one.get("superuser", False), "password": "!", "is_active": True, **one} for one in people]
    columns = ("id", "username", "password", "is_superuser", "is_active")
    insert(connection, "argus_auth_user", [{name: one[name] for name in columns} for one in users])
    insert(connection, "authtoken_token", [{"key": one["token"], "user_id": one["id"]} for one in people])
    insert(connection, "argus_incident_sourcesystemtype", [{"name": name} for name in sorted({one["type"] for one in world["sources"]})])
    sources = [{name: one[name] for name in ("id", "name", "base_url", "user_id")} | {"type_id": one["type"]} for one in world["sources"]]
    insert(connection, "argus_incident_sourcesystem", sources)


def _copy(connection: psycopg.Connection, file: Path, table: str, columns: str) -> None:
    texts = [name for name in columns.split(",") if name in {"source_incident_id", "details_url", "description", "ticket_url", "value"}]
    kept = f", force_not_null ({', '.join(texts)})" if texts else ""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy {table} ({columns}) from stdin (format csv{kept})") as copy,
        file.open("rb") as data,
    ):
        while chunk := data.read(1 << 20):
            copy.write(chunk)


def _profiles(connection: psycopg.Connection, folder: Path, count: int) -> None:
    def read(name: str) -> list[dict]:
        return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()[:count]]

    def only(rows: list[dict], *names: str) -> list[dict[str, object]]:
        return [{name: row[name] for name in names} for row in rows]

    users = [one | {"password": "!", "is_active": True} for one in read("profile_users")]
    insert(connection, "argus_auth_user", users)
    slots, profiles = read("timeslots"), read("profiles")
    insert(connection, f"{NOTIFY}timeslot", only(slots, "id", "user_id", "name"))
    hours = [{"timeslot_id": one["id"], "days": one["days"], "start": one["start"], "end": one["end"]} for one in slots]
    insert(connection, f"{NOTIFY}timerecurrence", hours)
    destinations = [
        {
            "id": one["id"],
            "user_id": one["user_id"],
            "media_id": one["media"],
            "label": one["label"],
            "settings": json.dumps(one["settings"]),
        }
        for one in read("destinations")
    ]
    insert(connection, f"{NOTIFY}destinationconfig", destinations)
    filters = [one | {"filter": json.dumps(one["filter"])} for one in read("filters")]
    insert(connection, f"{NOTIFY}filter", filters)
    named = [one | {"timeslot_id": one["timeslot"]} for one in profiles]
    insert(connection, f"{NOTIFY}notificationprofile", only(named, "id", "user_id", "name", "active", "timeslot_id"))
    for what, column in (("filters", "filter_id"), ("destinations", "destinationconfig_id")):
        links = [{"notificationprofile_id": one["id"], column: id_} for one in profiles for id_ in one[what]]
        insert(connection, f"{NOTIFY}notificationprofile_{what}", links)


def _sequences(connection: psycopg.Connection) -> None:
    """What comes later gets later ids."""
    query = (
        "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'id' and table_name ~ '^argus_'"
    )
    for (table,) in connection.execute(query).fetchall():
        if re.fullmatch(r"\w+", table):
            connection.execute(
                f"select setval(pg_get_serial_sequence('{table}', 'id'), (select coalesce(max(id), 0) + 1 from {table}), false)"
            )


def wait(url: str, token: str, ask, within: float = 60) -> None:
    """Until it answers."""
    until = time.monotonic() + within
    while True:
        try:
            ask(f"{url}/api/v2/incidents/?page_size=1&open=true", token)
        except HTTPError as refusal:
            raise SystemExit(f"{url} answers {refusal.code}: {refusal.read(500).decode(errors='replace')}") from None
        except OSError as error:
            if time.monotonic() > until:
                raise SystemExit(f"{url} does not answer: {error}") from None
            time.sleep(0.01)
        else:
            return

"""A real PgBouncer in transaction mode."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import psycopg
import pytest

from integration.cluster import NAME, Server, folder_of_nobody, free_port, unprivileged
from integration.serving import process

WITHIN = 20.0
SESSIONS = 4
"""So many connections to PostgreSQL are shared by everybody: fewer than a process has."""

CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 500
server_lifetime = 2
query_wait_timeout = 5
log_connections = 0
log_disconnections = 0
"""


def program() -> str:
    """Where it is; the test is skipped where it is not."""
    found = which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if found is None:
        pytest.skip("there is no pgbouncer here")
    return found


@contextmanager
def pooled(server: Server) -> Iterator[str]:
    """The way to the server through a pooler, until the end of the block."""
    bouncer, port = program(), free_port()
    url = f"postgresql://{NAME}@127.0.0.1:{port}/{NAME}"
    with folder_of_nobody() as folder:
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(CONFIGURATION.format(host=server.host, port=server.port, user=NAME, own=port, sessions=SESSIONS))
        configuration.chmod(0o644)
        log = folder / "pgbouncer.log"
        with log.open("wb") as told, process(*unprivileged(), bouncer, configuration, stdout=told, stderr=told, cwd=folder) as started:
            until = time.monotonic() + WITHIN
            while not _answers(url):
                assert started.poll() is None, _said(log)
                assert time.monotonic() < until, _said(log)
                time.sleep(0.05)
            yield url


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _said(log: Path) -> str:
    return f"pgbouncer does not answer:\n{log.read_text()}"

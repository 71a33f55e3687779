"""
A private PostgreSQL server for installations that have none: started when needed, stopped by the last one who leaves.

    with running(default_data_dir()) as server:
        psycopg.connect(server.url)

Linux and macOS; elsewhere `DATABASE_URL` has to name a server.
"""

from adapters.db.embedded.binaries import bin_dir
from adapters.db.embedded.errors import EmbeddedError
from adapters.db.embedded.folder import default_data_dir
from adapters.db.embedded.server import EmbeddedServer, running

__all__ = ["EmbeddedError", "EmbeddedServer", "bin_dir", "default_data_dir", "running"]

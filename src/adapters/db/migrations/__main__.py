"""
Write a new step from what has changed in the tables, on a server of its own.

    python -m adapters.db.migrations "Remember why a delivery failed"
"""

import sys
import tempfile
from pathlib import Path

from adapters.db import migrate
from adapters.db.embedded import running


def main(what: str) -> None:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), fast=True) as server:
        migrate.upgrade(server.url)
        print(migrate.revise(server.url, what))  # noqa: T201 - the answer


if __name__ == "__main__":
    main(sys.argv[1])

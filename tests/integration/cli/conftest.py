import os
import shutil
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters import logs
from adapters.cli.commands import argus
from integration.postgres import fresh_database


@pytest.fixture
def environment():
    """That of a shell in which nobody has set anything for Argus."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ARGUS_") and name != "DATABASE_URL"}


@pytest.fixture
def folder():
    """An empty folder whose path is short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="argus-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def run(environment, tmp_path, monkeypatch, database_url):
    """Run a command in this process, with a database of its own; gives what click's runner gives."""
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(logs, "configure", lambda *_: None)

    def run(*arguments, stdin=None, code=0):
        result = CliRunner().invoke(argus, [str(argument) for argument in arguments], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert code == result.exit_code, result.output
        return result

    return run


@pytest.fixture
def empty_database_url(postgres):
    """The DSN of a database without tables."""
    with fresh_database(postgres) as dsn:
        yield dsn

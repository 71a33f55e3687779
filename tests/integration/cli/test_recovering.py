"""What is backed up comes back the same, and nothing that is there already is touched."""

import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from adapters import backups
from adapters.databases import migrate
from adapters.db import dumps
from adapters.db.embedded import bin_dir, binaries, errors, running
from adapters.db.embedded.folder import DataFolder
from adapters.refusals import Refusal
from adapters.settings import Settings
from integration.postgres import fresh_database
from integration.serving import ARGUS, argus, environ, process, serving

OLDER = sorted(Path("/usr/lib/postgresql").glob("1[5-7]/bin"))
KILLED = """
import os, sys
from pathlib import Path
from adapters.db.embedded.folder import DataFolder
from adapters.settings import Settings
from adapters.upgrades import upgrade_data

DataFolder.put_in_place = lambda _: os.kill(os.getpid(), 9)
upgrade_data(Settings(data=Path(sys.argv[1])), Path(sys.argv[2]))
"""
DOCUMENT = Path(__file__).parents[3] / "docs" / "recovering.md"


@pytest.fixture
def typed(folder):
    """Type a command in an empty folder; gives what it tells."""
    return lambda *arguments: argus(*arguments, environment={}, folder=folder, told=True)


@pytest.fixture(scope="session")
def made():
    """A data folder with a source and its user in it, which nobody uses, and a backup of it."""
    with tempfile.TemporaryDirectory(prefix="argus-") as name:
        folder = Path(name)
        argus("source", "create", "oslo", "--type", "nav", "--data", "data", environment={}, folder=folder)
        argus("backup", "kept", "--data", "data", environment={}, folder=folder)
        yield folder


@pytest.fixture
def data(folder, made):
    """That data folder, for this test alone."""
    return copied(made / "data", folder)


@pytest.fixture
def kept(folder, made):
    """That backup, for this test alone."""
    return copied(made / "kept", folder)


def copied(what, folder):
    subprocess.run(["cp", "-a", what, folder], check=True)
    return folder / what.name


def refused(folder, *arguments):
    """The one line that a command which fails tells."""
    done = subprocess.run(
        [ARGUS, *map(str, arguments)], env=environ({}), cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert 1 == done.returncode, done.stderr
    (line,) = done.stderr.splitlines()
    return line.removeprefix("Error: ")


def contents(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if not path.name.endswith((".lock", ".log"))}


def tables(data, **options):
    with running(data, **options) as server:
        return dumps.contents(server.url)


def test_a_backup_made_while_argus_serves_comes_back_as_it_was_at_one_moment(folder, typed):
    """
    What was acknowledged before is in it, and what is in it is whole: each incident with its first event.
    """
    token = argus("source", "create", "oslo", "--type", "nav", "--data", "data", environment={}, folder=folder).strip()
    reported, enough = [], threading.Event()

    def report(client):
        while not enough.is_set():
            told = {"start_time": "2026-11-23T08:00:00Z", "description": f"Number {len(reported)}", "tags": []}
            reported.append(client.post("/incidents/", json=told).raise_for_status().json()["pk"])

    with serving("--data", "data", environment={}, folder=folder) as served, served.client(token) as client:
        reporting = threading.Thread(target=report, args=(client,))
        reporting.start()
        while len(reported) < 20:
            enough.wait(0.01)
        before = list(reported)
        typed("backup", "kept", "--data", "data")
        enough.set()
        reporting.join()
    typed("restore", "kept", "--data", "restored")

    with running(folder / "restored") as server, psycopg.connect(server.url) as connection:
        found = {pk for (pk,) in connection.execute("select id from incident")}
        orphans = connection.execute("select count(*) from incident full join event on incident.id = incident_id where incident_id is null")
        assert set(before) <= found <= set(reported)
        assert (0,) == orphans.fetchone()


def test_a_restored_installation_goes_on(folder, kept, typed):
    typed("restore", kept, "--data", "restored")

    typed("source", "rename", "oslo", "bergen", "--data", "restored")


def test_a_backup_is_for_nobody_else_and_says_what_is_in_it(kept):
    about = json.loads((kept / "backup.json").read_text())

    assert 0o700 == kept.stat().st_mode & 0o777
    assert 1 == about["tables"]["source"]["rows"]


@pytest.fixture
def hanging(folder):
    """PostgreSQL's programs, of which pg_dump and pg_restore never end; the second is the file in which they leave their numbers."""
    programs, begun = folder / "bin", folder / "begun"
    programs.mkdir()
    for program in bin_dir().iterdir():
        (programs / program.name).symlink_to(program)
    for name in ("pg_dump", "pg_restore"):
        (programs / name).unlink()
        (programs / name).write_text(f"#!/bin/sh\necho $$ > {begun}.new; mv {begun}.new {begun}; exec sleep 300\n")
        (programs / name).chmod(0o755)
    return programs, begun


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_command_that_is_ended_leaves_nothing_behind(data, kept, hanging, command, number):
    """
    A dropped connection, or `timeout`, ends it as Ctrl-C does: no server goes on, no program of PostgreSQL, and no folder stays.
    """
    folder, (programs, begun) = kept.parent, hanging
    place = data if command == "backup" else folder / "new"
    (folder / "tmp").mkdir()
    environment = environ({"ARGUS_POSTGRES_BIN": str(programs), "TMPDIR": str(folder / "tmp")})
    name = "other" if command == "backup" else "kept"
    before = {*folder.iterdir(), begun, place}

    with process(ARGUS, command, name, "--data", place, env=environment, cwd=folder) as started:
        until = time.monotonic() + 60
        while not begun.exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        started.send_signal(number)
        assert 128 + number == started.wait(60)

    assert not Path(f"/proc/{begun.read_text().strip()}").exists()
    assert not DataFolder(place).server_lives()
    assert (before, []) == (set(folder.iterdir()), list((folder / "tmp").iterdir()))


def test_after_a_restore_that_was_killed_it_is_said_how_to_begin_anew(folder, kept, hanging):
    programs, begun = hanging
    with process(ARGUS, "restore", kept, "--data", "new", env=environ({"ARGUS_POSTGRES_BIN": str(programs)}), cwd=folder) as started:
        while not begun.exists():
            assert started.poll() is None
            time.sleep(0.02)
    os.kill(int(begun.read_text()), signal.SIGKILL)
    with running(folder / "new") as server, psycopg.connect(server.url, application_name="pg_restore"):
        said = refused(folder, "restore", kept, "--data", "new")

    assert "in use or holds data already" in said
    assert "remove that folder first" in said


def test_a_backup_overwrites_nothing(folder, data, kept):
    before = contents(kept)

    assert "is there already" in refused(folder, "backup", kept, "--data", data)

    assert before == contents(kept)


def test_a_backup_of_a_folder_that_may_not_be_looked_into_says_so(folder, monkeypatch):
    def stat(path, **_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", stat)

    with pytest.raises(Refusal, match=r"The backup .*/kept was not made: Permission denied \(.*/private/d1/postgres\)\."):
        backups.back_up(Settings(data=folder / "private/d1"), folder / "kept", datetime.now(UTC))


def test_without_a_database_there_is_nothing_to_back_up_and_none_is_made(folder):
    assert "There is no database in" in refused(folder, "backup", "kept", "--data", "data")

    assert [] == list(folder.iterdir())


def test_a_backup_that_does_not_come_back_the_same_is_not_kept(folder, data, monkeypatch):
    monkeypatch.setattr(backups, "load", lambda *_: {"incident": dumps.Table(rows=7, digest="0")})

    with pytest.raises(Refusal, match=r"differs from the database .*account"):
        backups.back_up(Settings(data=data), folder / "kept", datetime(2026, 1, 1, tzinfo=UTC))

    assert ["data"] == [path.name for path in folder.iterdir()]


def test_a_database_that_is_in_use_is_not_restored_into(folder, data, kept):
    before = tables(data)

    with running(data):
        said = refused(folder, "restore", kept, "--data", data)

    assert f"{data} is in use or holds data already" in said
    assert before == tables(data)


def test_a_folder_of_others_is_not_restored_into(folder, kept):
    (folder / "photos").mkdir()
    (folder / "photos" / "beach.jpg").touch()
    before = contents(folder / "photos")

    assert "holds files that Argus did not put there" in refused(folder, "restore", kept, "--data", "photos")

    assert before == contents(folder / "photos")


@pytest.mark.parametrize(
    ("name", "damaged", "sentence"),
    [
        ("database.dump", lambda whole: whole[:-9] + b"?" + whole[-8:], "it is damaged"),
        ("database.dump", lambda whole: whole[: len(whole) // 2], "it is damaged"),
        ("database.dump", None, "cannot be read"),
        ("backup.json", lambda _: b"{}", "is not a backup that can be read here"),
        ("backup.json", lambda whole: whole.replace(b'"format": 1', b'"format": 2'), "was made by Argus"),
        ("backup.json", None, "is not a backup that `argus backup` made"),
    ],
    ids=["flipped", "cut", "no dump", "nonsense", "newer", "no backup"],
)
def test_what_is_no_whole_backup_is_refused_before_anything_is_done(folder, kept, name, damaged, sentence):
    whole = (kept / name).read_bytes()
    (kept / name).unlink()
    if damaged:
        (kept / name).write_bytes(damaged(whole))

    assert sentence in refused(folder, "restore", kept, "--data", "restored")

    assert not (folder / "restored").exists()


def test_a_restore_that_breaks_off_leaves_the_database_empty(kept, postgres):
    os.truncate(kept / "database.dump", (kept / "database.dump").stat().st_size // 2)

    with fresh_database(postgres) as url:
        with pytest.raises(dumps.DumpFailed):
            dumps.load(url, bin_dir(), kept / "database.dump")

        assert {} == dumps.contents(url)


# A server of one's own


def test_a_server_of_one_s_own_is_backed_up_and_restored_alike(run, tmp_path, monkeypatch, database_url, postgres):
    run("source", "create", "oslo", "--type", "nav")
    run("backup", tmp_path / "kept")

    with fresh_database(postgres) as other:
        monkeypatch.setenv("DATABASE_URL", other)
        run("restore", tmp_path / "kept")

        assert dumps.contents(database_url) == dumps.contents(other)
        assert "is in use or holds data already" in run("restore", tmp_path / "kept", code=1).stderr


def test_the_documented_way_with_the_tools_of_postgresql_leads_to_the_same(run, tmp_path, monkeypatch, database_url, postgres):
    run("source", "create", "oslo", "--type", "nav")
    dumping, restoring = (shlex.split(line) for line in re.findall(r"^ {4}(pg_(?:dump|restore) .*)$", DOCUMENT.read_text(), re.MULTILINE))

    with fresh_database(postgres) as other:
        for (program, *words), url in ((dumping, database_url), (restoring, other)):
            told = [url if word == "$DATABASE_URL" else str(tmp_path / "argus.dump") if word == "argus.dump" else word for word in words]
            subprocess.run([bin_dir() / program, *told], check=True, timeout=60)

        assert dumps.contents(database_url) == dumps.contents(other)


# Servers of other versions


@pytest.fixture(params=OLDER or [None], ids=str)
def old(request, folder):
    """A data folder that an older PostgreSQL made, its programs, and what is in it."""
    if request.param is None:
        pytest.skip("this machine has no PostgreSQL 15, 16 or 17")
    with running(folder / "data", bin=request.param) as server:
        migrate(server.url)
        with psycopg.connect(server.url) as connection:
            connection.execute("insert into source_type (name) values ('nav')")
    return folder / "data", request.param


def test_a_database_of_an_older_server_comes_back_there_and_in_the_private_one(folder, old):
    """
    Its own programs are used: they leave out what only their server knows, and tell it nothing that it does not know.
    """
    data, programs = old
    with running(data, bin=programs) as server, running(folder / "empty", bin=programs) as empty:
        argus("backup", "kept", environment={"DATABASE_URL": server.url}, folder=folder)

        argus("restore", "kept", environment={"DATABASE_URL": empty.url}, folder=folder)
        argus("restore", "kept", "--data", "private", environment={}, folder=folder)

        assert dumps.contents(server.url) == dumps.contents(empty.url) == tables(folder / "private")


def test_where_the_programs_of_an_older_server_are_not_it_is_said_what_to_install(folder, old, kept, monkeypatch):
    """
    The private PostgreSQL knows a setting that servers before 17 do not, and its programs name it.
    """
    _, programs = old
    version = binaries.binaries(programs).version
    if version >= 17:
        pytest.skip("this one knows all that our programs tell it")
    monkeypatch.setattr(binaries, "USUAL", ())
    with running(folder / "empty", bin=programs) as empty:
        with pytest.raises(Refusal, match=rf"apt install postgresql-client-{version}\)\.$"):
            backups.restore(Settings(database_url=empty.url), kept)

        assert {} == dumps.contents(empty.url)


def test_data_of_an_older_postgresql_are_upgraded_and_kept(folder, old, typed):
    data, programs = old
    before = tables(data, bin=programs)
    version = DataFolder(data).version()
    assert "run `argus upgrade-data`" in refused(folder, "user", "list", "--data", data)

    told = typed("upgrade-data", "--data", data, "--from", programs)

    assert f"{data / f'postgres.{version}'}: delete them" in told
    assert before == tables(data)
    assert f"{version}\n" == (data / f"postgres.{version}" / "PG_VERSION").read_text()
    assert not (data / "upgrade").exists()
    assert "of this version already" in typed("upgrade-data", "--data", data)


def test_an_upgrade_that_was_killed_before_the_end_is_done_again(folder, old, typed):
    data, programs = old
    before = tables(data, bin=programs)
    subprocess.run([sys.executable, "-c", KILLED, data, programs], check=False, timeout=120)
    assert (data / "upgrade").exists()

    typed("upgrade-data", "--data", data, "--from", programs)

    assert before == tables(data)


def test_an_upgrade_that_was_killed_between_old_and_new_goes_on_and_nobody_starts_with_nothing(folder, old, typed):
    data, programs = old
    before = tables(data, bin=programs)
    typed("upgrade-data", "--data", data, "--from", programs)
    (data / "upgrade").mkdir()
    (data / "postgres").rename(data / "upgrade" / "postgres")

    with pytest.raises(errors.BetweenVersions, match="was interrupted"), running(data):
        pytest.fail("there is no database yet")
    typed("upgrade-data", "--data", data)

    assert before == tables(data)


def test_data_in_use_are_not_upgraded(folder, old):
    data, programs = old
    with running(data, bin=programs):
        assert "is in use: stop all of Argus" in refused(folder, "upgrade-data", "--data", data, "--from", programs)


def test_a_folder_of_others_is_not_upgraded(folder):
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("15\n")
    before = contents(folder)

    assert "There is no database in" in refused(folder, "upgrade-data", "--data", folder)

    assert before == contents(folder)


def test_where_the_old_programs_are_not_it_is_said_what_to_install(folder, old):
    data, _ = old

    said = refused(folder, "upgrade-data", "--data", data, "--from", folder)

    assert f"are not in {folder}: install them" in said

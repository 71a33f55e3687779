"""The embedded server on real PostgreSQL programs: of the package, and of every other version this machine has."""

import errno
import fcntl
import os
import pwd
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from adapters.db.embedded import accounts, bin_dir, binaries, default_data_dir, errors, postmaster, running, server, waiting
from adapters.db.embedded.folder import LOG_LIMIT, DataFolder
from integration.postgres import fresh_database
from integration.serving import STOP_WITHIN, impatience, process

MAKING = "select count(*) from pg_stat_activity where state = 'active' and query like 'create database%'"
PEER = Path(__file__).with_name("embedded_peer.py")
VERSIONS = [bin_dir(), *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has other accounts to run it under")


@pytest.fixture
def folder():
    """A data folder, with a short path, where nothing runs in the end."""
    parent = Path(tempfile.mkdtemp(prefix="argus-test-"))
    yield parent / "data"
    left = postmaster.postmaster(parent / "data" / "postgres") if (parent / "data").is_dir() else None
    if left and postmaster.serves(left.pid, parent / "data" / "postgres"):
        os.kill(left.pid, signal.SIGQUIT)
        wait_until(lambda: not DataFolder(parent / "data").server_lives())
    shutil.rmtree(parent)


@pytest.fixture(scope="session")
def made():
    parent = Path(tempfile.mkdtemp(prefix="argus-test-"))
    with running(parent / "data", fast=True):
        pass
    yield parent / "data"
    shutil.rmtree(parent)


@pytest.fixture
def used(folder, made):
    """A data folder where a server has run."""
    subprocess.run(["cp", "-a", made, folder], check=True)
    return folder


@pytest.fixture
def peers(folder):
    """Starts other processes on the folder; none is left in the end."""
    started = []

    def start(**options):
        started.append(Peer(folder, **options))
        return started[-1]

    yield start
    for peer in started:
        peer.kill()


@pytest.fixture
def nobody():
    """An ordinary user who can reach the programs."""
    uid = pwd.getpwnam("nobody").pw_uid
    if subprocess.run(["test", "-x", bin_dir() / "postgres"], user=uid, extra_groups=(), check=False).returncode:
        pytest.skip("an ordinary user cannot reach this installation")
    return uid


class Peer:
    def __init__(self, folder, *, user="", only_setuid=False):
        self.process = subprocess.Popen(
            [sys.executable, PEER, folder, "yes" if only_setuid else "", str(user)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.hear()

    def say(self, words):
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def hear(self):
        with impatience(self.process):
            return self.process.stdout.readline().strip()

    def do(self, words):
        self.say(words)
        return self.hear()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        with suppress(BrokenPipeError):
            self.process.stdin.close()


def wait_until(true, seconds=60):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def ask(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()


def change(url, statements):
    with psycopg.connect(url) as connection:
        connection.execute(statements)


def lives(folder):
    return DataFolder(folder).server_lives()


def contents(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in (folder, *folder.rglob("*"))}


# What applications get


@pytest.mark.parametrize("programs", VERSIONS, ids=str)
def test_a_new_database_belongs_to_an_ordinary_role_and_keeps_what_is_committed(folder, programs):
    with running(folder, bin=programs) as first:
        role = ask(first.url, "select rolsuper, rolcreatedb, current_database() from pg_roles where rolname = current_user")
        durable = ask(first.url, "select current_setting('fsync'), current_setting('synchronous_commit'), current_setting('jit')")
        zone = ask(first.url, "select current_setting('timezone'), current_setting('server_encoding')")
        change(first.url, "create table kept as select 1 as number")

    with running(folder, bin=programs) as second:
        kept = ask(second.url, "select number from kept")

    assert (False, True, "argus") == role
    assert ("on", "on", "off") == durable
    assert ("UTC", "UTF8") == zone
    assert (1,) == kept


@pytest.mark.parametrize("programs", VERSIONS, ids=str)
def test_text_sorts_by_code_point_and_letters_of_all_languages_are_letters(folder, programs):
    with running(folder, bin=programs, fast=True) as embedded:
        change(embedded.url, "create extension pg_trgm")

        order = ask(embedded.url, "select array(select unnest('{b,B,a,é,Z}'::text[]) as letter order by letter)")
        upper = ask(embedded.url, "select upper('žluť'), similarity('жук', 'жук'), similarity('жук', 'куж')")

    assert (["B", "Z", "a", "b", "é"],) == order
    assert ("ŽLUŤ", 1.0, 0.0) == upper


def test_durability_is_given_up_only_on_request(used):
    with running(used, fast=True) as embedded:
        settings = [ask(embedded.url, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]

    assert [("off",)] * 3 == settings


def test_the_first_start_takes_less_than_two_seconds(folder):
    busy = max(1, os.getloadavg()[0] / (os.cpu_count() or 1))  # with something else
    took = []
    for attempt in range(3):
        began = time.perf_counter()
        with running(folder.with_name(f"data{attempt}")):
            took.append(time.perf_counter() - began)
        if took[-1] < 2 * busy:
            break

    assert min(took) < 2 * busy


def test_the_server_sees_nothing_of_our_environment_that_might_be_secret(used, monkeypatch):
    monkeypatch.setenv("SMTP_PASSWORD", "swordfish")
    monkeypatch.setenv("PGPORT", "1")

    with running(used, fast=True) as embedded:
        process = Path(f"/proc/{embedded.pid}/environ")
        if not process.exists():
            pytest.skip("this system does not show the environment of a process")
        environment = process.read_bytes()

    assert b"swordfish" not in environment
    assert b"PGPORT" not in environment


# Who uses it, and who stops it


def test_ctrl_c_does_not_reach_the_server(used, peers):
    peer = peers()
    pid = int(peer.do("join"))

    os.killpg(peer.process.pid, signal.SIGINT)

    assert "committed" == peer.do("insert 1")
    assert os.getsid(pid) == pid != os.getsid(peer.process.pid)


def test_the_last_one_to_leave_stops_the_server(used, peers):
    peer = peers()
    with running(used, fast=True) as mine:
        pid = mine.pid
        theirs = int(peer.do("join"))
        with running(used, fast=True) as again:
            assert pid == theirs == again.pid
    assert lives(used)

    peer.do("leave")

    assert not lives(used)


def test_two_processes_that_start_at_once_share_one_server(folder, peers):
    pair = peers(), peers()
    for number in range(10):
        for peer in pair:
            peer.say("join")
        pids = {peer.hear() for peer in pair}
        committed = [peer.do(f"insert {number}") for peer in pair]
        for peer in pair:
            peer.say("leave")
        gone = [peer.hear() for peer in pair]

        assert (1, ["committed"] * 2, ["gone"] * 2) == (len(pids), committed, gone)
        assert not lives(folder)

    with running(folder, fast=True) as embedded:
        assert (20,) == ask(embedded.url, "select count(*) from witness")


def test_a_process_that_waits_says_so_and_gives_up_in_the_end(folder, monkeypatch, caplog):
    monkeypatch.setattr(waiting, "LIMIT", 0.3)
    monkeypatch.setattr(waiting, "SPEAK_EVERY", 0.1)
    folder.mkdir()
    with (folder / "argus.lock").open("w") as lock:
        lock.write("4711\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(errors.TooSlow, match=f"process 4711.*{folder}|{folder}.*process 4711"), running(folder):
            pytest.fail("the lock is held")

    assert "Still waiting for another Argus process" in caplog.text


# After a kill


def test_a_server_that_outlived_its_user_is_used_and_then_stopped(used, peers):
    peer = peers()
    pid = int(peer.do("join"))
    peer.do("insert 1")
    peer.kill()

    with running(used, fast=True) as embedded:
        assert (pid, (1,)) == (embedded.pid, ask(embedded.url, "select number from witness"))

    assert not lives(used)


def test_a_killed_server_is_replaced_at_the_same_address(used):
    with running(used) as embedded:
        url, pid = embedded.url, embedded.pid
        change(url, "create table kept as select 1 as number")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not lives(used))

        revived = embedded.revive()

        assert (True, url, (1,)) == (revived, embedded.url, ask(url, "select number from kept"))
        assert pid != embedded.pid
        assert not embedded.revive()


def test_no_kill_at_any_moment_of_a_start_loses_a_row_or_blocks_the_next_start(folder, peers):
    """
    Whatever is killed with -9 while a server starts, the next start succeeds and every committed row is there.
    """
    dice = random.Random(20261123)  # noqa: S311 - no secret
    committed = 0
    for number in range(10):
        if number in (2, 4):  # the first starts are the long ones
            shutil.rmtree(folder)
            committed = 0
        peer = peers()
        peer.say("join")
        time.sleep(dice.uniform(0, 0.5 if committed == 0 else 0.1))
        victims = dice.choice([("us",), ("server",), ("server", "us")])
        found = postmaster.postmaster(folder / "postgres") if "server" in victims else None
        if found and postmaster.serves(found.pid, folder / "postgres"):
            os.kill(found.pid, signal.SIGKILL)
        if "us" in victims or not found:
            peer.kill()

        with running(folder, fast=True) as embedded:
            # What the system has been given outlives a kill; `fast` would keep it in the server's memory for a moment.
            change(embedded.url, "set synchronous_commit = on; create table if not exists kept (number int); insert into kept values (1)")
            committed += 1
            assert (committed,) == ask(embedded.url, "select count(*) from kept")
        peer.kill()


def test_a_database_that_is_still_being_made_for_somebody_who_was_killed_is_taken_as_it_comes(used):
    """
    Whoever is killed while PostgreSQL makes the database leaves a server that goes on making it.
    """
    with running(used, fast=True) as embedded:
        address = {"host": str(used / "socket"), "user": server.ADMINISTRATOR, "dbname": server.ADMINISTRATOR, "autocommit": True}
        with psycopg.connect(**address) as left, psycopg.connect(**address) as ours, ThreadPoolExecutor() as pool:
            left.execute("drop database argus")
            making = pool.submit(left.execute, "create database argus owner argus")
            wait_until(lambda: (1,) == ours.execute(MAKING).fetchone())

            embedded._ensure_database(ours)

            making.result()
        assert (1,) == ask(embedded.url, "select 1")


def test_leaving_a_server_that_recovers_from_the_crash_of_one_of_its_processes_takes_no_longer(folder):
    with running(folder) as embedded:
        change(embedded.url, "create table kept as select 1 as number")
        with psycopg.connect(embedded.url) as victim:
            os.kill(victim.info.backend_pid, signal.SIGKILL)
            with suppress(psycopg.OperationalError):
                victim.execute("select 1")
        began = time.monotonic()
    took = time.monotonic() - began

    with running(folder) as embedded:
        assert (1,) == ask(embedded.url, "select number from kept")
    assert took < server.STOP_WITHIN / 2


def test_an_interrupted_initdb_is_done_again(folder):
    (folder / "postgres.new" / "base").mkdir(parents=True)
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    (folder / "argus.lock").touch()

    with running(folder, fast=True) as embedded:
        assert (1,) == ask(embedded.url, "select 1")

    assert not (folder / "postgres.new").exists()


def test_a_pid_that_went_to_another_process_does_not_block_a_start(used):
    with running(used, fast=True):
        left = [path.read_text() for path in (used / "postgres" / "postmaster.pid", used / "socket" / ".s.PGSQL.5432.lock")]
    other = [text.replace(text.splitlines()[0], str(os.getpid()), 1) for text in left]
    (used / "postgres" / "postmaster.pid").write_text(other[0])
    (used / "socket" / ".s.PGSQL.5432.lock").write_text(other[1])

    with running(used, fast=True) as embedded:
        assert (1,) == ask(embedded.url, "select 1")


def test_a_server_that_lost_its_socket_is_replaced(used, peers):
    peer = peers()
    peer.do("join")
    peer.kill()
    shutil.rmtree(used / "socket")

    with running(used, fast=True) as embedded:
        assert (1,) == ask(embedded.url, "select 1")


def test_a_table_that_is_filled_where_it_is_made_is_not_written_to_the_log_too(used):
    with running(used, fast=True) as embedded, psycopg.connect(embedded.url) as connection:
        (before,) = connection.execute("select pg_current_wal_insert_lsn()").fetchone()
        connection.execute("create table filled as select repeat('x', 1000) as text from generate_series(1, 10000)")
        connection.commit()
        logged = connection.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)::int", (before,)).fetchone()

    assert logged < (1_000_000,)


def test_a_server_that_somebody_else_started_is_left_alone(used):
    programs = binaries.binaries(None)
    account = accounts.account_for(used, used.stat().st_uid)
    options = binaries.settings(socket_folder=used / "socket", fast=True)
    command = [*account.prefix, programs.postgres, "-D", used / "postgres", *options]
    with process(*command, stderr=subprocess.DEVNULL) as stranger:
        wait_until(lambda: (found := postmaster.postmaster(used / "postgres")) and found.ready)

        with pytest.raises(errors.StartedByHand, match=str(stranger.pid)), running(used, fast=True):
            pytest.fail("it is not ours")

        assert stranger.poll() is None
        stranger.send_signal(signal.SIGINT)
        stranger.wait(STOP_WITHIN)


# Folders


@pytest.mark.parametrize("name", ["letter.txt", "PG_VERSION"])
def test_a_folder_with_files_of_others_is_refused_and_not_touched(folder, name):
    folder.mkdir()
    (folder / name).write_text("18\n")
    before = contents(folder)

    with pytest.raises(errors.ForeignFolder, match=f"{folder} .*{name}"), running(folder):
        pytest.fail("it is not ours")

    assert before == contents(folder)


@pytest.mark.parametrize("version", ["14", "99"])
def test_data_of_another_version_are_refused_and_not_touched(used, version):
    (used / "postgres" / "PG_VERSION").write_text(f"{version}\n")
    before = contents(used)

    with pytest.raises(errors.OtherVersion, match=f"{used} belong to PostgreSQL {version}"), running(used):
        pytest.fail("it is another version")

    assert before == contents(used)


def test_data_without_a_version_are_damaged(folder):
    (folder / "postgres").mkdir(parents=True)
    (folder / "argus.lock").touch()

    with pytest.raises(errors.Damaged, match=f"{folder} are damaged"), running(folder):
        pytest.fail("there are no data")


def test_a_mount_point_counts_as_an_empty_folder(folder):
    (folder / "lost+found").mkdir(parents=True)

    with running(folder, fast=True) as embedded:
        assert (1,) == ask(embedded.url, "select 1")


@pytest.mark.parametrize("name", ['a, "quoted" %d folder', "ordner-für-daten", "deep/" * 20 + "data"], ids=["odd", "umlaut", "long"])
def test_any_path_will_do_and_leaves_nothing_elsewhere(folder, made, name):
    data = folder.parent / name
    data.mkdir(parents=True)
    subprocess.run(["cp", "-a", f"{made}/.", data], check=True)

    with running(data, fast=True) as embedded:
        socket_folder = embedded._socket_folder
        mode = stat.S_IMODE(socket_folder.stat().st_mode)
        answer = ask(embedded.url, "select 1")

    assert (0o700, (1,)) == (mode, answer)
    assert socket_folder.parent == data or not socket_folder.exists()


def test_a_socket_folder_that_others_can_enter_is_not_used(folder):
    data = folder.parent / ("deep/" * 20 + "data")
    account = accounts.Account(uid=os.geteuid(), gid=os.getegid())
    (folder.parent / "runtime").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder.parent / "runtime"))
        safe = postmaster.socket_folder(data, account)
        safe.chmod(0o755)

        other = postmaster.socket_folder(data, account)

    other.rmdir()
    assert (folder.parent / "runtime", False) == (safe.parent, other == safe)


def test_a_log_that_has_grown_is_put_aside_at_the_next_start(used):
    with (used / "postgres.log").open("a") as log:
        log.truncate(LOG_LIMIT + 1)

    with running(used, fast=True):
        assert (used / "postgres.log").stat().st_size < LOG_LIMIT < (used / "postgres.log.1").stat().st_size


# Accounts


@needs_root
@pytest.mark.parametrize("way", ["namespace", "setuid", "private"])
def test_root_has_three_ways_to_run_it(folder, peers, way, monkeypatch):
    """
    In a user namespace; else as an ordinary user; and that also when a private folder lies on the way.
    """
    if way == "namespace" and not accounts._works(("unshare", "--user", "--map-user=nobody")):
        pytest.skip("user namespaces are forbidden here")
    folder.parent.chmod(0o711 if way == "setuid" else 0o700)
    peer = peers(only_setuid=way != "namespace")

    pid = int(peer.do("join"))
    owners = {path.stat().st_uid for path in (folder / "postgres", folder / "socket", folder / "postgres.log")}
    process = Path(f"/proc/{pid}").stat().st_uid

    assert ("committed", {process}) == (peer.do("insert 1"), owners)
    assert (way == "namespace") == (process == 0)
    assert "gone" == peer.do("leave")
    with running(folder, fast=True) as embedded:  # whichever way comes next can use it
        assert (1,) == ask(embedded.url, "select number from witness")


@needs_root
def test_data_of_root_are_given_to_the_ordinary_user_where_namespaces_are_forbidden(used, peers):
    with running(used, fast=True) as embedded:
        change(embedded.url, "create table witness as select 1 as number; grant all on witness to public")
    peer = peers(only_setuid=True)

    peer.do("join")

    assert "committed" == peer.do("insert 2")


@needs_root
def test_root_leaves_the_folder_of_an_ordinary_user_to_that_user(folder, peers, nobody):
    folder.parent.chmod(0o711)
    folder.mkdir()
    os.chown(folder, nobody, -1)
    peer = peers(user=nobody)
    assert ("committed", "gone") == (peer.do("join") and peer.do("insert 1"), peer.do("leave"))

    with running(folder, fast=True) as embedded:
        assert (1,) == ask(embedded.url, "select number from witness")
    owners = {path.lstat().st_uid for path in folder.rglob("*")}

    assert {nobody} == owners
    assert ("committed", "gone") == (peer.do("join") and peer.do("insert 2"), peer.do("leave"))


@needs_root
def test_an_ordinary_user_is_told_whose_folder_it_is(used, peers, nobody):
    used.parent.chmod(0o711)

    answer = peers(user=nobody).do("join")

    assert answer.startswith(f"BelongsToAnother {used} belongs to the user root: ")


@needs_root
def test_a_user_without_a_name_as_containers_have_them_gets_one_in_a_namespace(folder, peers, nobody):
    if not accounts._works(("unshare", "--user", "--map-user=nobody")):
        pytest.skip("user namespaces are forbidden here")
    nameless = next(uid for uid in range(30000, 60000) if not accounts._is_named(uid))
    folder.parent.chmod(0o711)
    folder.mkdir()
    os.chown(folder, nameless, -1)
    peer = peers(user=nameless)

    assert ("committed", "gone") == (peer.do("join") and peer.do("insert 1"), peer.do("leave"))


# What an operator may run into


def test_a_long_recovery_is_waited_for_while_the_log_grows(used, monkeypatch):
    monkeypatch.setattr(waiting, "STALLED", 0.5)

    with running(used, bin=slow(used, "for i in 1 2 3 4 5 6; do echo redo in progress >&2; sleep 0.2; done"), fast=True) as embedded:
        assert (1,) == ask(embedded.url, "select 1")


def test_a_start_that_does_not_get_on_is_given_up_and_ended(used, monkeypatch):
    monkeypatch.setattr(waiting, "STALLED", 0.3)

    with pytest.raises(errors.TooSlow, match=f"PostgreSQL to start in {used}"), running(used, bin=slow(used, "exec sleep 60")):
        pytest.fail("it has not started")

    assert not lives(used)


def slow(folder, what):
    """Programs of which the server does something else first."""
    programs = folder.parent / "slow"
    programs.mkdir()
    real = bin_dir()
    (programs / "initdb").symlink_to(real / "initdb")
    (programs / "postgres").write_text(f'#!/bin/sh\n[ "$1" = -V ] || {{ {what}; }}\nexec "{real}/postgres" "$@"\n')
    (programs / "postgres").chmod(0o755)
    return programs


@needs_root
def test_a_full_disk_is_named(folder):
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        with pytest.raises(errors.DiskFull, match=f"^The disk under {folder} is full"), running(folder):
            pytest.fail("there is no room")
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("initdb: error: could not create directory: No space left on device", errors.DiskFull),
        ('FATAL:  could not open file "base/1": Permission denied', errors.NotPermitted),
        ('FATAL:  data directory "x" has wrong ownership', errors.NotPermitted),
        ("initdb: error: could not change permissions: Read-only file system", errors.ReadOnly),
        ("FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use", errors.StillInMemory),
        ('LOG:  starting\nFATAL:  parameter "x" is wrong.\nHINT:  mend it', errors.StartFailed),
        ("", errors.StartFailed),
    ],
)
def test_what_postgresql_says_becomes_a_sentence_about_the_folder(output, expected):
    error = errors.failure(Path("/the/folder"), output, Path("/the/log"))

    assert expected is type(error)
    assert "/the/folder" in str(error)


def test_the_reason_of_a_failed_start_is_the_first_thing_that_was_fatal():
    output = 'LOG:  starting\nFATAL:  parameter "x" is wrong.\nHINT:  mend it'

    error = errors.failure(Path("/data"), output, Path("/log"))

    assert 'PostgreSQL does not start in /data (parameter "x" is wrong): read /log and start again.' == str(error)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, errors.DiskFull),
        (errno.EROFS, errors.ReadOnly),
        (errno.ENOTDIR, errors.NotAFolder),
        (errno.EACCES, errors.NotPermitted),
        (errno.ENOLCK, errors.Unusable),
    ],
)
def test_what_the_system_refuses_becomes_a_sentence_about_the_folder(folder, number, expected):
    with pytest.raises(expected, match=str(folder)), errors.explained(folder):
        raise OSError(number, os.strerror(number), "some file")


def test_a_file_is_no_data_folder(folder):
    folder.write_text("")

    with pytest.raises(errors.NotAFolder, match=f"{folder} is not a folder"), running(folder):
        pytest.fail("it is a file")


def test_other_platforms_are_told_what_to_do(folder, monkeypatch):
    monkeypatch.setattr(server.sys, "platform", "win32")

    with pytest.raises(errors.NotOnThisPlatform, match="set DATABASE_URL"), running(folder):
        pytest.fail("it cannot run")


# Where things are


def test_programs_are_those_named_then_of_the_package_then_of_the_system(folder, monkeypatch):
    system, named = folder.parent / "system", folder.parent / "named"
    for programs in (system, named):
        programs.mkdir()
        for program in ("postgres", "initdb", "pg_config"):
            (programs / program).write_text(f"#!/bin/sh\necho {programs}\n")
            (programs / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{system}:{os.environ['PATH']}")

    package = bin_dir()
    monkeypatch.setattr(binaries.importlib.util, "find_spec", lambda name: None)

    assert (named, system) == (bin_dir(named), bin_dir())
    assert (True, False) == ((package / "postgres").exists(), package in (named, system))


def test_missing_and_broken_programs_are_named(folder):
    programs = folder.parent / "empty"
    programs.mkdir()
    with pytest.raises(errors.BinariesMissing, match=f"no PostgreSQL server in {programs}"):
        bin_dir(programs)

    for program in ("postgres", "initdb"):
        (programs / program).write_text("#!/bin/sh\necho 'cannot find libpq' >&2; exit 127\n")
        (programs / program).chmod(0o755)
    with pytest.raises(errors.BinariesBroken, match="cannot find libpq"), running(folder, bin=programs):
        pytest.fail("they do not run")

    (programs / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
    with pytest.raises(errors.BinariesTooOld, match=f"{programs} is version 14"):
        binaries.binaries(programs)


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "/xdg"}, "/xdg/argus"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/h/ann/.local/share/argus"),
        ("linux", {}, "/h/ann/.local/share/argus"),
        ("darwin", {"XDG_DATA_HOME": "/xdg"}, "/h/ann/Library/Application Support/argus"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/argus"),
    ],
)
def test_data_are_kept_where_the_platform_keeps_them(monkeypatch, platform, environment, expected):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for name, value in (environment | {"HOME": "/h/ann"}).items():
        monkeypatch.setenv(name, value)

    assert Path(expected) == default_data_dir()


def test_a_container_has_the_memory_of_its_limit(folder):
    limit, unlimited = folder.parent / "limit", folder.parent / "unlimited"
    limit.write_text(f"{300 * 1024 * 1024}\n")
    unlimited.write_text("max\n")

    assert 300 == binaries.machine_memory((limit, unlimited, folder))
    assert 300 < binaries.machine_memory((unlimited,))


# What other tests get


def test_a_fresh_database_is_a_copy_that_is_dropped_even_while_in_use(postgres):
    with fresh_database(postgres) as template:
        change(template, "create table copied as select 1 as number")

        with fresh_database(postgres, template=template) as dsn:
            copied = ask(dsn, "select number from copied")
            name = ask(dsn, "select current_database()")[0]
            lingering = psycopg.connect(dsn)

        lingering.close()
        left = ask(postgres, "select array_agg(datname) from pg_database")[0]

    assert ((1,), True) == (copied, name not in left)


def test_a_database_that_is_not_made_in_time_tells_what_else_goes_on(postgres, monkeypatch):
    with fresh_database(postgres) as template, psycopg.connect(template) as busy:
        with monkeypatch.context() as patch:
            patch.setattr("integration.postgres.PATIENCE_MS", 300)

            with pytest.raises(psycopg.errors.QueryCanceled) as stuck, fresh_database(postgres, template=template):
                pytest.fail("its template is in use")

        assert str(busy.info.backend_pid) in stuck.value.__notes__[0]


def test_a_process_does_not_outlive_its_block_even_when_that_fails():
    with pytest.raises(ZeroDivisionError), process("sleep", 60) as started:
        raise ZeroDivisionError

    assert started.returncode == -signal.SIGKILL

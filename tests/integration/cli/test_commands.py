"""What is typed happens, and what cannot be is one line on standard error."""

import csv
import errno
import json
import os
import pwd
import re
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import click
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from adapters import worlds
from adapters.cli.doing import new_password
from adapters.exports import csv_line
from integration.postgres import fresh_database
from integration.serving import ARGUS


def rows(result):
    return [re.split(r"\s{2,}", line) for line in result.stdout.splitlines()[1:]]


@pytest.fixture
def alice(run):
    run("user", "create", "alice", "--email", "alice@example.org", "--first-name", "Alice", "--password-stdin", stdin="correct horse\n")


def refused(result):
    """The only line there is."""
    (line,) = result.stderr.splitlines()
    return line.removeprefix("Error: ")


def test_users_are_made_and_listed(run, alice):
    run("user", "create", "bob", "--no-password", "--staff", "--superuser")

    first, second = rows(run("user", "list"))

    assert ["alice", "Alice", "alice@example.org", "active"] == first[1:]
    assert ["bob", "active", "staff,superuser"] == second[1:]


def test_a_user_s_name_is_taken_once(run, alice):
    assert 'There is a user "alice" already.' == refused(run("user", "create", "alice", "--no-password", code=1))


def test_a_bad_address_is_named(run):
    assert "email: Enter a valid email address." == refused(run("user", "create", "bob", "--email", "bob", "--no-password", code=1))


def test_without_a_terminal_the_password_has_to_be_sent(run):
    assert "--password-stdin" in run("user", "create", "bob", code=2).stderr
    assert "empty" in run("user", "create", "bob", "--password-stdin", stdin="\n", code=2).stderr


def test_roles_come_and_go(run, alice):
    run("user", "grant", "alice", "--superuser", "--staff")
    run("user", "revoke", "alice", "--staff")

    assert "superuser" == rows(run("user", "list"))[0][-1]
    assert "Say which role" in run("user", "grant", "alice", code=2).stderr


def test_a_user_is_kept_out_and_let_in_again(run, alice):
    run("user", "deactivate", "alice")
    kept_out = rows(run("user", "list"))[0][-1]
    run("user", "activate", "alice")

    assert ("inactive", "active") == (kept_out, rows(run("user", "list"))[0][-1])
    assert 'There is no user "carol".' == refused(run("user", "deactivate", "carol", code=1))


def test_a_password_is_replaced(run, alice):
    assert "another password" in run("user", "password", "alice", "--password-stdin", stdin="battery staple").stderr


def test_a_source_has_a_user_and_a_token_alone_on_standard_output(run):
    made = run("source", "create", "oslo", "--type", "nav", "--base-url", "https://nav.example.org/")

    assert re.fullmatch(r"[\w-]{40,}\n", made.stdout)
    assert [["oslo", "nav", "oslo", "active", "https://nav.example.org/"]] == [row[1:] for row in rows(run("source", "list"))]
    assert ["oslo", "oslo", made.stdout[:8]] == rows(run("token", "list"))[0][1:4]
    assert ["never", "live"] == rows(run("token", "list"))[0][-2:]


def test_a_source_is_renamed_deactivated_and_given_another_token(run):
    first = run("source", "create", "oslo", "--type", "nav").stdout
    run("source", "rename", "oslo", "oslo-1")
    run("source", "deactivate", "oslo-1")

    second = run("source", "rotate-token", "oslo-1").stdout

    assert first != second
    assert [second[:8]] == [row[3] for row in rows(run("token", "list"))]
    assert ["oslo-1", "nav", "oslo", "inactive"] == rows(run("source", "list"))[0][1:]
    run("source", "activate", "oslo-1")
    assert "active" == rows(run("source", "list"))[0][-1]


def test_a_source_flaps_by_a_threshold_of_its_own(run):
    run("source", "create", "oslo", "--type", "nav")

    said = [run("source", "flapping", "oslo", *(("--above", above) if above else ())).stderr for above in (None, "5/30m", "off", "usual")]
    wrong = refused(run("source", "flapping", "oslo", "--above", "often", code=1))

    assert "ARGUS_FLAPPING is off" in said[0]
    assert "more often than 5/30m flaps at oslo (nav)" in said[1]
    assert "Nothing of oslo (nav) is held to flap" in said[2]
    assert said[0] == said[3]
    assert "5/30m, or off" in wrong


def test_sources_of_one_name_are_told_apart_by_their_type(run):
    run("source", "create", "oslo", "--type", "nav")
    run("source", "create", "oslo", "--type", "zabbix", "--user", "oslo.zabbix")

    ambiguous = refused(run("source", "rename", "oslo", "bergen", code=1))
    run("source", "rename", "oslo", "bergen", "--type", "zabbix")

    assert "nav, zabbix" in ambiguous
    assert [("oslo", "nav"), ("bergen", "zabbix")] == [(row[1], row[2]) for row in rows(run("source", "list"))]
    assert 'There is no source "trondheim".' == refused(run("source", "deactivate", "trondheim", code=1))


@pytest.mark.parametrize(("expires", "shown"), [("never", r"never"), ("90d", r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"), (None, r"\d{4}-.* UTC")])
def test_a_token_lives_as_long_as_is_said(run, alice, expires, shown):
    run("token", "create", "alice", "laptop", *(("--expires", expires) if expires else ()))

    assert re.fullmatch(shown, rows(run("token", "list"))[0][-2])


def test_a_token_of_a_source_lives_for_good_unless_something_else_is_said(run):
    run("source", "create", "oslo", "--type", "nav")

    run("token", "create", "oslo", "glue")

    assert ["never", "never"] == [row[-2] for row in rows(run("token", "list"))]


@pytest.mark.parametrize("expires", ["90", "d", "-1d", "0h", "1y", "99999999d", ""])
def test_a_lifetime_that_is_none_is_refused(run, expires):
    assert "give one like 90d, 12h or never" in run("token", "create", "alice", "laptop", "--expires", expires, code=2).stderr


def test_a_token_is_revoked_once(run, alice):
    run("token", "create", "alice", "laptop")
    number = rows(run("token", "list"))[0][0]

    run("token", "revoke", number)

    assert [] == rows(run("token", "list"))
    assert "There is no such token." == refused(run("token", "revoke", number, code=1))


def test_two_live_tokens_of_a_user_have_different_names(run, alice):
    run("token", "create", "alice", "laptop")

    assert "revoke it first" in refused(run("token", "create", "alice", "laptop", code=1))


def test_settings_are_shown_without_secrets(run, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://argus:geheim@db/argus")

    told = run("settings")

    assert "postgresql://argus:***@db/argus" in told.stdout
    assert "geheim" not in told.stdout
    assert "ARGUS_EMAIL_HOST is not set, so mail waits." in told.stderr


def test_wrong_settings_are_named_line_by_line(run, monkeypatch):
    monkeypatch.setenv("ARGUS_TIMEZONE", "UTC")
    monkeypatch.setenv("ARGUS_LOG_LEVEL", "loud")

    lines = run("user", "list", code=1).stderr.splitlines()

    assert ["ARGUS_TIMEZONE", "ARGUS_LOG_LEVEL"] == [line.removeprefix("Error: ").split()[0] for line in lines]


def test_two_databases_at_once_are_refused(run, tmp_path):
    assert "two different databases" in refused(run("user", "list", "--data", tmp_path, code=1))


def test_a_database_out_of_reach_is_named_without_its_password(run, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", f"postgresql://argus:geheim@/argus?host={tmp_path}")

    sentence = refused(run("user", "list", code=1))

    assert sentence.startswith(f"The database at postgresql://argus:***@/argus?host={tmp_path} cannot be used: ")


def test_a_database_that_lacks_steps_is_refused_until_it_is_migrated(run, monkeypatch, empty_database_url):
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    sentence = refused(run("user", "list", code=1))
    first = run("migrate").stderr
    second = run("migrate").stderr

    assert sentence.endswith("is not up to date: run `argus migrate`.")
    assert first.startswith("Took step 0001 ")
    assert "The database is up to date.\n" == second
    assert [] == rows(run("user", "list"))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
@pytest.mark.parametrize("command", [["migrate"], ["migrate", "--plan"], ["user", "list"]])
def test_a_database_that_cannot_keep_every_text_is_refused(run, monkeypatch, postgres, encoding, command):
    with fresh_database(postgres, encoding=encoding) as url:
        monkeypatch.setenv("DATABASE_URL", url)

        sentence = refused(run(*command, code=1))

    assert f"is in the encoding {encoding}, which cannot keep every text" in sentence
    assert "createdb --encoding UTF8" in sentence


def test_what_would_be_done_is_told_and_not_done(run, monkeypatch, empty_database_url):
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    plan = run("migrate", "--plan").stdout

    assert plan.startswith("Step 0001 Keep incidents, their journal and accounts\n  It can be taken back; then this is lost: account, ack,")
    assert "  source: cannot be changed for a moment\n" in plan
    assert run("migrate").stderr.startswith("Took step 0001 ")
    assert "" == run("migrate", "--plan").stdout


def test_steps_are_taken_back(run):
    run("migrate", "--to", "0007")

    assert "is not up to date" in refused(run("user", "list", code=1))
    assert "has no step 0099." in refused(run("migrate", "--to", "0099", code=1))
    assert run("migrate").stderr.startswith("Took step 0008 ")
    assert "exclude each other" in run("migrate", "--plan", "--to", "0007", code=2).stderr


def test_an_empty_step_is_none(run):
    run("migrate", "--to", "0007")

    assert "--to needs a step, such as 0007." in run("migrate", "--to", "", code=2).stderr
    assert "exclude each other" in run("migrate", "--plan", "--to", "", code=2).stderr
    assert "is not up to date" in refused(run("user", "list", code=1))


def test_the_newest_step_is_known_without_asking_alembic():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from adapters.databases import newest_step
    from adapters.db.migrate import FOLDER

    config = Config()
    config.set_main_option("script_location", str(FOLDER))

    assert ScriptDirectory.from_config(config).get_current_head() == newest_step()


def test_every_command_explains_itself(run):
    from adapters.cli.commands import WHERE

    for command in ("version", *(name for name in WHERE if name != "demo")):
        assert run(command, "--help").stdout


@pytest.mark.parametrize(
    "command", [("user", "list"), ("user", "create", "bob", "--no-password"), ("deliveries", "list"), ("apply", "a.json")]
)
def test_what_the_database_does_not_allow_is_one_sentence(run, database_url, tmp_path, command):
    (tmp_path / "a.json").write_text('{"users": [{"username": "bob"}]}')
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("revoke all on account, delivery, event from current_user")

    said = refused(run(*command, code=1))

    assert re.fullmatch(
        r"Argus may not do that in the database at postgresql://\S+: permission denied for table (account|delivery|event)\.", said
    )


@pytest.mark.parametrize("command", ["user create bob --no-password", "prune"])
def test_a_database_that_is_only_read_is_said_to_be(run, alice, database_url, command):
    """
    As the standby of a database is.
    """
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f'alter database "{conninfo_to_dict(database_url)["dbname"]}" set default_transaction_read_only = on')

    said = refused(run(*command.split(), code=1))

    assert re.fullmatch(r"The database at \S+ is read-only \(a standby\?\): DATABASE_URL has to name the one that is written to\.", said)
    assert "alice" == rows(run("user", "list"))[0][1]


@pytest.mark.parametrize(
    "command", ["user grant \udcff --staff", "deliveries list --user \udcff", "token create \udcff laptop", "audit list --who \udcff"]
)
def test_what_is_typed_is_utf_8(run, command):
    assert "What was typed or read is not in UTF-8." == refused(run(*command.split(), code=1))


def test_a_full_disk_is_said_to_be_the_reason(environment, tmp_path):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [ARGUS, "settings"], env=environment, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert (1, "Error: What was to be printed could not be written: No space left on device.\n") == (done.returncode, done.stderr)


def test_without_standard_input_there_is_no_password(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)

    with pytest.raises(click.UsageError, match="no standard input"):
        new_password(from_stdin=True)


def test_health_of_a_server_that_is_not_there(run):
    assert "There is no answer from http://127.0.0.1:1/" in refused(run("health", "http://127.0.0.1:1/", code=1))
    assert "is no address" in run("health", "localhost", code=2).stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:x/", "http://[", "http://[x]/", "http://a b/", "http://", "http://a..b/"])
def test_health_of_an_address_that_is_none(run, url):
    assert f"There is no answer from {url}: " in refused(run("health", url, code=1))


@contextmanager
def answering(answer):
    """Somebody who answers the first question with these bytes, and goes; gives where."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def once():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        asked = threading.Thread(target=once)
        asked.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        asked.join()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "There is no answer from http://127.0.0.1:"),
        (b"\x15\x03\x01\n\x00", "There is no answer from http://127.0.0.1:"),
        (b"", "There is no answer from http://127.0.0.1:"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "There is no answer from http://127.0.0.1:"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "There is no answer from http://127.0.0.1:"),
        (b'HTTP/1.1 503 Oh\r\nContent-Length: 100\r\n\r\n{"problems"', "not ready: the answer was 503 Oh"),
        (b"HTTP/1.1 503 Oh\r\nContent-Length: 50000\r\n\r\n" + b"[" * 50_000, "not ready: the answer was 503 Oh"),
    ],
)
def test_health_where_somebody_else_answers(run, answer, said):
    with answering(answer) as url:
        assert refused(run("health", url, code=1)).startswith(said)


WORLD = {
    "server": {"time_zone": "Europe/Oslo", "media_plugins": ["email", "sms"], "token_lifetime_days": 14, "send_notifications": False},
    "users": [
        {"actor": "alice", "username": "alice", "password": "correct-horse-1", "email": "alice@example.org", "token": "valid"},
        {"actor": "dora", "username": "dora", "password": "correct-horse-6", "is_active": False, "token": "valid"},
        {"actor": "eve", "username": "eve", "password": "correct-horse-7", "token": "expired", "note": "for tests"},
        {"actor": "source1", "username": "nav.oslo", "password": "correct-horse-8", "token": "valid"},
    ],
    "source_types": ["nav", "zabbix"],
    "sources": [{"name": "nav-oslo", "type": "nav", "user": "source1", "base_url": "https://nav-oslo.example.org/"}],
}


@pytest.fixture
def world(tmp_path):
    file = tmp_path / "world.spec.json"
    file.write_text(json.dumps(WORLD))
    return file


def test_applying_twice_makes_everything_once(run, world):
    first = run("apply", world)
    second = run("apply", world)

    assert "Created: 11, changed: 0, kept: 0." in first.stderr
    assert "Created: 0, changed: 0, kept: 11." in second.stderr
    assert ["alice", "dora", "eve", "nav.oslo"] == [row[0] for row in rows(first)[-4:]]
    assert "shown only now" not in second.stderr


def test_a_dry_run_shows_the_plan_and_does_nothing(run, world):
    tried = run("apply", world, "--dry-run")

    assert "+ user alice" in tried.stdout
    assert "+ source nav-oslo (nav)" in tried.stdout
    assert "Nothing was done." in tried.stderr
    assert [] == rows(run("user", "list"))


def test_what_the_server_should_be_like_is_compared(run, world, monkeypatch):
    warned = run("apply", world, "--dry-run").stderr
    monkeypatch.setenv("ARGUS_TIME_ZONE", "Europe/Oslo")
    monkeypatch.setenv("ARGUS_SEND_NOTIFICATIONS", "false")

    at_ease = run("apply", world, "--dry-run").stderr

    assert "Warning: the file expects ARGUS_TIME_ZONE to be Europe/Oslo, the setting is UTC.\n" in warned
    assert 2 == warned.count("Warning")
    assert "Warning" not in at_ease


def test_the_file_that_is_written_has_fresh_tokens_and_is_nobody_else_s(run, world, tmp_path):
    out = tmp_path / "world.json"

    run("apply", world, "--out", out)
    first = json.loads(out.read_text())
    run("apply", world, "--out", out)
    second = json.loads(out.read_text())

    assert 0o600 == out.stat().st_mode & 0o777
    assert {"alice", "dora", "eve", "source1"} == set(second["actors"])
    assert {"pk", "username", "password", "token"} == set(second["actors"]["alice"])
    assert {"nav-oslo": {"pk": first["sources"]["nav-oslo"]["pk"], "name": "nav-oslo", "type": "nav"}} == second["sources"]
    tokens = [row[1:4] for row in rows(run("token", "list"))]
    assert sorted(actor["token"][:8] for actor in second["actors"].values()) == sorted(row[2] for row in tokens)
    assert {"apply"} == {row[1] for row in tokens}
    states = {row[1]: row[-1] for row in rows(run("token", "list"))}
    assert {"alice": "live", "dora": "user inactive", "eve": "expired", "nav.oslo": "live"} == states


def test_a_dry_run_writes_no_file(run, world, tmp_path):
    run("apply", world, "--dry-run", "--out", tmp_path / "world.json")

    assert ["world.spec.json"] == [path.name for path in tmp_path.iterdir()]


def test_what_cannot_be_written_shows_before_anything_is_done(run, world, tmp_path):
    assert "cannot be written" in refused_last(run("apply", world, "--out", tmp_path / "missing" / "world.json", code=1))
    assert "no ordinary file" in refused_last(run("apply", world, "--out", "/dev/null", code=1))
    assert [] == rows(run("user", "list"))


@pytest.fixture
def out(run, world, tmp_path):
    """A file with the tokens that are live now."""
    file = tmp_path / "out" / "world.json"
    file.parent.mkdir()
    run("apply", world, "--out", file)
    return file


def fail(number):
    def failing(*_):
        raise OSError(number, os.strerror(number))

    return failing


def live(run):
    """The tokens that are live, as they begin."""
    return sorted(row[3] for row in rows(run("token", "list")) if row[-1] == "live")


def test_tokens_are_not_lost_with_a_file_that_cannot_be_written(run, world, out, monkeypatch):
    before, tokens = out.read_bytes(), live(run)
    monkeypatch.setattr(worlds, "sync", fail(errno.ENOSPC))

    said = refused_last(run("apply", world, "--out", out, code=1))

    assert f"Error: {out} cannot be written: No space left on device." == said
    assert (before, tokens) == (out.read_bytes(), live(run))
    assert [out] == list(out.parent.iterdir())


def test_nor_with_one_that_cannot_be_put_in_its_place(run, world, out, monkeypatch):
    before = out.read_bytes()
    monkeypatch.setattr(Path, "replace", fail(errno.EIO))

    said = refused_last(run("apply", world, "--out", out, code=1))

    (kept,) = set(out.parent.iterdir()) - {out}
    assert f"Error: Everything is done, but {out} cannot be written: Input/output error. What it was to tell is in {kept}." == said
    assert (before, 0o600) == (out.read_bytes(), kept.stat().st_mode & 0o777)
    assert json.loads(kept.read_text())["actors"]["alice"]["token"][:8] in live(run)


@pytest.mark.parametrize(("field", "actor"), [("actor", {"actor": "\ud800"}), ("password", {"password": "correct-\udfff-1"})])
def test_nor_by_a_text_that_no_file_can_hold(run, world, out, field, actor):
    before, tokens = out.read_bytes(), live(run)
    users = [*WORLD["users"], {"username": "zoe", **actor}]
    world.write_text(json.dumps({"users": users}))

    said = refused_last(run("apply", world, "--out", out, code=1))

    assert f"Error: users[4].{field}: The file that --out writes cannot hold lone surrogates." == said
    assert (before, tokens) == (out.read_bytes(), live(run))
    run("apply", world)


def test_a_place_that_cannot_be_looked_at_is_one_line(run, world, tmp_path):
    out = tmp_path / ("x" * 300)

    assert f"Error: {out} cannot be written: File name too long." == refused_last(run("apply", world, "--out", out, code=1))


def refused_last(result):
    """The last line, after warnings."""
    return result.stderr.splitlines()[-1]


def test_toml_says_the_same(run, tmp_path):
    file = tmp_path / "team.toml"
    file.write_text('[[users]]\nusername = "oslo"\ntoken = "valid"\n\n[[sources]]\nname = "oslo"\ntype = "nav"\nuser = "oslo"\n')

    run("apply", file)

    assert ["oslo", "nav", "oslo", "active"] == rows(run("source", "list"))[0][1:]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not valid JSON"),
        ('{"users": [{"user_name": "a"}]}', "users[0]: There is no user_name here; is it username?"),
        ('{"people": []}', "There is no people here, but users, source_types, sources, server, about, defaults_for_every_user."),
        ('{"server": {"timezone": "UTC"}}', "server: There is no timezone here; is it time_zone?"),
        ('{"users": [{"username": "a"}, {"username": 5}]}', "users[1].username: Expected `str`, got `int`"),
        ('{"users": [{"username": "a", "token": "maybe"}]}', "users[0].token: Invalid enum value 'maybe'"),
        ('{"users": [{"username": "a", "email": "b"}]}', "users[0].email: Enter a valid email address."),
        ('{"sources": [{"name": "a", "type": "b", "user": "c"}]}', 'sources[0].user: There is no user "c" in this description.'),
        ("[]", "Expected `object`, got `array`"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(run, tmp_path, text, says):
    file = tmp_path / "world.json"
    file.write_text(text)

    sentence = refused(run("apply", file, code=1))

    assert sentence.startswith(str(file))
    assert says in sentence


def test_a_file_that_is_not_there_is_named(run, tmp_path):
    assert f"The file {tmp_path}/none.json cannot be read: No such file or directory." == refused(
        run("apply", tmp_path / "none.json", code=1)
    )


def test_a_world_file_cannot_tell_sources_of_one_name_apart(run, tmp_path):
    file = tmp_path / "world.json"
    users = [{"username": name} for name in ("a", "b")]
    file.write_text(
        json.dumps({"users": users, "sources": [{"name": "x", "type": user["username"], "user": user["username"]} for user in users]})
    )

    assert 'Two sources are called "x"' in refused(run("apply", file, "--out", tmp_path / "out.json", code=1))
    run("apply", file)


def test_what_is_typed_is_in_the_audit_log(run, alice):
    """
    With the user of the system, and newest first.
    """
    run("user", "grant", "alice", "--staff")

    grant, create = rows(run("audit", "list"))

    account = pwd.getpwuid(os.getuid()).pw_name
    assert ["-", f"command line ({account})", "user.change", "user alice", "done", "staff: yes"] == grant[2:]
    assert ["user.create", "user alice", "done"] == create[4:]


def test_the_audit_log_is_read_page_by_page_and_by_what_it_says(run, alice):
    for flag in ("--staff", "--superuser"):
        run("user", "grant", "alice", flag)
    page = run("audit", "list", "--most", "2")
    number = page.stderr.split()[-1]

    assert ["user.create"] == [row[4] for row in rows(run("audit", "list", "--before", number))]
    assert 3 == len(rows(run("audit", "list", "--about", "user alice", "--since", "2020-01-01", "--until", "2999-01-01T12:00+01:00")))
    assert [] == rows(run("audit", "list", "--refused"))
    assert [] == rows(run("audit", "list", "--who", "alice"))
    assert 1 == len(rows(run("audit", "list", "--deed", "user.create")))
    assert "is no moment" in run("audit", "list", "--since", "yesterday", code=2).stderr
    assert "There is no such record." == refused(run("audit", "list", "--before", "999", code=1))


@pytest.mark.parametrize("arguments", [("list", "--since"), ("list", "--until"), ("export", "--since"), ("prune", "--before")])
@pytest.mark.parametrize("when", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", "10000-01-01", ""])
def test_a_moment_that_no_calendar_has_is_refused(run, arguments, when):
    assert "is no moment; give one like" in run("audit", *arguments, when, code=2).stderr.splitlines()[-1]


def test_the_audit_log_has_no_number_that_is_too_big(run):
    assert "99999999999999999999 is not in the range" in run("audit", "list", "--before", "9" * 20, code=2).stderr.splitlines()[-1]
    assert "There is no such record." == refused(run("audit", "list", "--before", 2**63 - 1, code=1))


def test_the_audit_log_is_exported_in_two_forms(run, alice):
    """
    What a spreadsheet would take for a formula is a text.
    """
    run("user", "create", "=1+2", "--no-password", "--staff")

    lines = [json.loads(line) for line in run("audit", "export").stdout.splitlines()]
    table = list(csv.DictReader(run("audit", "export", "--format", "csv").stdout.splitlines()))

    assert ["user =1+2", "user alice"] == [line["about"] for line in lines]
    assert [{name: "" if value is None else str(value) for name, value in line.items()} for line in lines] == table


def test_cells_that_look_like_formulas_are_texts():
    assert "'=1+2,a,,7" == csv_line(["=1+2", "a", None, 7]).strip()


def test_what_is_young_stays_in_the_audit_log(run, alice):
    assert "30 days" in refused(run("audit", "prune", "--before", "2999-01-01", code=1))
    assert "0 records are forgotten" in run("audit", "prune", "--before", "2020-01-01").stderr

    assert ["audit.prune", "user.create"] == [row[4] for row in rows(run("audit", "list"))]


def test_tokens_have_a_scope_which_is_listed(run, alice):
    run("token", "create", "alice", "laptop", "--scope", "incidents:write")
    run("token", "create", "alice", "desk")

    assert [("laptop", "incidents:write", "never"), ("desk", "all", "never")] == [
        (row[2], row[4], row[6]) for row in rows(run("token", "list"))
    ]
    assert "--scope" in run("token", "create", "alice", "other", "--scope", "everything", code=2).stderr


def test_a_file_gives_tokens_a_scope(run, tmp_path):
    file = tmp_path / "team.toml"
    file.write_text('[[users]]\nusername = "oslo"\ntoken = "valid"\nscope = "read"\n')

    run("apply", file)

    assert "read" == rows(run("token", "list"))[0][4]


@pytest.mark.parametrize("command", ["serve", "settings"])
def test_two_packages_that_offer_one_medium_are_refused_before_anything_starts(run, tmp_path, monkeypatch, command):
    for name in ("one", "other"):
        info = tmp_path / f"argus_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: argus-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[argus.media]\npigeon = nowhere:Pigeon\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ARGUS_MEDIA", "email,pigeon")
    monkeypatch.setattr("adapters.supervisor.serve", lambda *_: pytest.fail("It was started."))

    said = run(command, code=1).output

    assert "Error: pigeon of argus.media is offered by argus-one 1.0 and by argus-other 1.0; uninstall all but one." in said

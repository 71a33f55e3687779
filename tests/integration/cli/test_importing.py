"""A neutral data set becomes a database that Argus could have made itself, or nothing at all."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from adapters.databases import migrate
from adapters.db.accounts import WORK_LOCK
from adapters.db.embedded import running
from adapters.neutral import importing
from integration.journals import assert_whole, journals
from integration.postgres import fresh_database
from integration.serving import ARGUS, argus, environ, process, serving

ROOT = Path(__file__).parents[3]
OLDER = sorted(Path("/usr/lib/postgresql").glob("1[5-7]/bin"))

USERS = [{"id": 1001, "username": "ola", "token": "ola-token", "email": "ola@example.org"}, {"id": 1002, "username": "kari"}]
SOURCES = [
    {
        "id": 3,
        "name": "oslo",
        "type": "nav",
        "base_url": "https://nav.example.org/",
        "user_id": 2003,
        "username": "nav",
        "token": "nav-token",
    },
    {"id": 4, "name": "bergen", "type": "nav", "user_id": 2004, "username": "bergen"},
]
WORLD = {"users": USERS, "sources": SOURCES}
FILES = {
    "tags.csv": """\
7,host,gw1
8,note,"a, b=c"
""",
    "incidents.csv": """\
1,2026-11-20T08:00:00+00:00,infinity,3,oslo-1,https://nav.example.org/1,Router down,1,,,{}
2,2026-11-20T09:00:00+01:00,2026-11-20T09:30:00Z,3,oslo-2,,"Said ""no"", twice",2,https://tickets.example.org/2,,"{""rack"": 7}"
3,2026-11-20T10:00:00+00:00,,4,oslo-1,,A moment,5,,,{}
4,2026-11-20T11:00:00+00:00,infinity,3,,,Æøå 🔥,3,,,{}
5,2026-11-20T12:00:00+00:00,2126-01-01T00:00:00+00:00,3,,,Maintenance,4,,,{}
""",
    "incident_tags.csv": """\
1,7,2003,2026-11-20T08:00:00+00:00
1,8,1001,2026-11-20T08:05:00+00:00
3,7,2004,2026-11-20T10:00:00+00:00
""",
    "events.csv": """\
11,1,2003,2026-11-20T08:00:00+00:00,2026-11-20T08:00:01+00:00,STA,Router down
12,1,1001,2026-11-20T08:10:00+00:00,2026-11-20T08:10:00+00:00,ACK,Looking
13,1,1002,2026-11-20T08:20:00+00:00,2026-11-20T08:20:00+00:00,ACK,Until later
21,2,2003,2026-11-20T08:00:00+00:00,2026-11-20T08:00:00+00:00,STA,down
23,2,2003,2026-11-20T09:30:00+00:00,2026-11-20T09:30:00+00:00,END,up
22,2,2003,2026-11-20T08:30:00+00:00,2026-11-20T08:30:00+00:00,OTH,"two
lines"
31,3,2004,2026-11-20T10:00:00+00:00,2026-11-20T10:00:00+00:00,LES,A moment
41,4,2003,2026-11-20T11:00:00+00:00,2026-11-20T11:00:00+00:00,STA,
42,4,1001,2026-11-20T11:10:00+00:00,2026-11-20T11:10:00+00:00,CLO,done
43,4,1001,2026-11-20T11:20:00+00:00,2026-11-20T11:20:00+00:00,REO,not done
51,5,2003,2026-11-20T12:00:00+00:00,2026-11-20T12:00:00+00:00,STA,Maintenance
""",
    "acks.csv": """\
12,
13,2126-01-01T00:00:00+00:00
""",
    "world.json": json.dumps(WORLD),
}
PEOPLE = {
    "profile_users.jsonl": [{"id": 5000, "username": "oncall0", "email": "oncall0@example.org"}, {"id": 5001, "username": "oncall1"}],
    "timeslots.jsonl": [
        {
            "id": 50000 + n,
            "user_id": 5000 + n,
            "name": "All the time",
            "days": [1, 2, 3, 4, 5, 6, 7],
            "start": "00:00:00",
            "end": "23:59:59.999999",
        }
        for n in range(2)
    ],
    "destinations.jsonl": [
        {
            "id": 50000 + n,
            "user_id": 5000 + n,
            "media": "email",
            "label": "mail",
            "settings": {"email_address": f"on{n}@example.org", "synced": False},
        }
        for n in range(2)
    ],
    "filters.jsonl": [
        {"id": 50000 + n, "user_id": 5000 + n, "name": "f", "filter": {"sourceSystemIds": [3 + n], "tags": ["host=gw1"]}} for n in range(2)
    ],
    "profiles.jsonl": [
        {
            "id": 50000 + n,
            "user_id": 5000 + n,
            "name": f"profile {n}",
            "active": True,
            "timeslot": 50000 + n,
            "filters": [50000 + n],
            "destinations": [50000 + n],
        }
        for n in range(2)
    ],
}


def written(folder, **files):
    """A folder with these files, and the usual ones beside them."""
    for name, text in {**FILES, **files}.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def peopled(folder):
    for name, objects in PEOPLE.items():
        (folder / name).write_text("".join(json.dumps(one) + "\n" for one in objects))
    return written(folder)


def rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def refused(result):
    """The only line there is about it."""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    return line.removeprefix("Error: ")


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def neutral(monkeypatch):
    """The generator of the benchmark, which is no package that is installed."""
    monkeypatch.syspath_prepend(ROOT)
    from bench import neutral

    return neutral


def test_every_incident_is_what_its_journal_leads_to(run, data, database_url):
    run("import", "neutral", written(data))

    found = journals(database_url)
    assert [1, 2, 3, 4, 5] == list(found)
    assert_whole(found)


@pytest.mark.parametrize("programs", OLDER, ids=lambda path: path.parent.name)
def test_an_older_postgresql_is_filled_like_the_newest(folder, run, data, monkeypatch, programs):
    with running(folder / "older", bin=programs, fast=True) as older:
        migrate(older.url)
        monkeypatch.setenv("DATABASE_URL", older.url)

        told = run("import", "neutral", peopled(data)).stderr

        assert "5 incidents, 11 events" in told.splitlines()[-1]
        assert_whole(journals(older.url))


def test_so_is_every_incident_of_the_benchmark(run, data, database_url, neutral):
    neutral.write(data, incidents=500, profiles=25)

    run("import", "neutral", data)

    found = journals(database_url)
    assert 500 == len(found)
    assert_whole(found)


def test_what_was_told_is_kept(run, data, database_url):
    run("import", "neutral", written(data))

    (first, journal), (second, history) = [journals(database_url)[id_] for id_ in (1, 2)]
    assert ("oslo", "oslo-1", "Router down", 1) == (first.source.name, first.source_incident_id, first.description, first.level)
    assert [("host=gw1", 2003), ("note=a, b=c", 1001)] == [(tag.tag, tag.added_by) for tag in first.tags]
    assert [11, 12, 13] == [event.id for event in journal]
    assert ('Said "no", twice', {"rack": 7}, 2) == (second.description, second.metadata, second.level)
    assert ["down", "two\nlines", "up"] == [event.description for event in history]


def test_nobody_is_told_of_history_but_what_is_to_come_is_waited_for(run, data, database_url):
    run("import", "neutral", written(data))

    assert [(0,)] == rows(database_url, "select count(*) from outbox")
    assert [(1, "ack-expired"), (5, "end-reached")] == rows(database_url, "select incident_id, kind from timer order by 1")


def test_everybody_has_what_a_new_user_gets(run, data, database_url):
    run("import", "neutral", written(data))

    assert [(1001,), (1002,), (2003,), (2004,)] == rows(
        database_url, "select owner_id from timeslot where name = 'All the time' order by 1"
    )
    assert [(1001, True, {"email_address": "ola@example.org"})] == rows(database_url, "select owner_id, synced, settings from destination")


def test_what_comes_later_has_later_ids(run, data, database_url):
    run("import", "neutral", peopled(data))

    later = rows(database_url, "select nextval('incident_ids'), nextval('event_ids'), nextval('account_ids'), nextval('source_ids')")
    assert [(6, 52, 5002, 5)] == later
    assert [(True,)] == rows(database_url, "select nextval('belonging_ids') > 50001")


def test_it_says_what_was_written(run, data):
    told = run("import", "neutral", peopled(data)).stderr

    assert "6 users, 2 sources, 5 incidents, 11 events, 2 acks, 2 tags, 2 profiles." in told.splitlines()[-1]


def test_of_profiles_only_some_are_taken(run, data, database_url):
    run("import", "neutral", peopled(data), "--profiles", 1)

    assert [(50000,)] == rows(database_url, "select id from profile")
    assert [("oncall0",)] == rows(database_url, "select username from account where id >= 5000")


def test_tokens_open_the_door_and_profiles_decide(postgres, migrated, data):
    with fresh_database(postgres, template=migrated) as dsn:
        environment = {"DATABASE_URL": dsn}
        argus("import", "neutral", peopled(data), environment=environment, folder=data)
        with serving("--no-worker", environment=environment, folder=data) as served:
            with served.client("ola-token") as ola:
                assert {3, 4} == {source["pk"] for source in ola.get("/incidents/sources/").json()}
            with served.client("nav-token") as nav:
                body = {"start_time": "2026-11-26T08:00:00Z", "description": "x", "tags": [{"tag": "host=gw1"}], "level": 1}
                posted = nav.post("/incidents/", json=body)
        argus("worker", "--once", environment=environment, folder=data)

        assert 201 == posted.status_code
        assert [(6, 50000)] == rows(dsn, "select incident_id, destination_id from delivery")


def test_several_processes_do_the_same(run, data, database_url, neutral, monkeypatch):
    monkeypatch.setattr(importing, "WORTH_PROCESSES", 0)
    neutral.write(data, incidents=4100, profiles=0)

    told = run("import", "neutral", data).stderr

    assert "4,100 incidents" in told.splitlines()[-1]
    assert [(4100, 4100)] == rows(database_url, "select count(*), max(id) from incident")


def test_texts_that_look_like_lines_lead_nobody_astray(run, data, database_url, monkeypatch):
    monkeypatch.setattr(importing, "WORTH_PROCESSES", 0)
    monkeypatch.setattr(importing, "PIECE", 100)
    text = "9,9,9\n" * 200
    written(data, **{"events.csv": FILES["events.csv"].replace("two\nlines", text)})

    run("import", "neutral", data)

    assert [(5, 11)] == rows(database_url, "select (select count(*) from incident), (select count(*) from event)")
    assert [(text,)] == rows(database_url, "select description from event where id = 22")


def test_a_database_with_incidents_is_left_alone(run, data, database_url):
    run("import", "neutral", written(data))

    assert "holds incidents already" in refused(run("import", "neutral", data, code=1))
    assert [(5,)] == rows(database_url, "select count(*) from incident")


@pytest.mark.parametrize(
    "argument", [("user", "create", "ola", "--no-password"), ("source", "create", "elsewhere", "--type", "nav", "--user", "nav")]
)
def test_a_name_that_is_taken_is_told(run, data, argument):
    run(*argument)

    assert "already" in refused(run("import", "neutral", written(data), code=1))


def test_somebody_who_uses_the_journal_is_not_waited_for_forever(run, data, database_url, monkeypatch):
    monkeypatch.setattr(importing, "_SECONDS_TO_WAIT", 1)
    with psycopg.connect(database_url) as connection:
        connection.execute("lock table event in row exclusive mode")

        assert "stop `argus serve`" in refused(run("import", "neutral", written(data), code=1))


@pytest.mark.parametrize(
    "does",
    [
        "update generation set number = number + 1",
        f"select pg_advisory_xact_lock({WORK_LOCK})",
        "lock table incident",
        "lock table account",
    ],
)
def test_nor_is_another_import_or_whoever_else_writes(run, data, database_url, monkeypatch, does):
    monkeypatch.setattr(importing, "_SECONDS_TO_WAIT", 1)
    with psycopg.connect(database_url) as connection:
        connection.execute(does)

        assert "let another import end" in refused(run("import", "neutral", written(data), code=1))


def test_of_two_imports_at_once_one_is_refused(data, database_url):
    """
    Which of them, and whether it still sees the other at work, is a matter of luck.
    """
    command = (ARGUS, "import", "neutral", written(data))
    settings = {"env": environ({"DATABASE_URL": database_url}), "stderr": subprocess.PIPE, "text": True}
    with process(*command, **settings) as first, process(*command, **settings) as second:
        told = [one.communicate(timeout=60)[1] for one in (first, second)]

    assert [0, 1] == sorted((first.returncode, second.returncode)), told
    assert ["Error: " in one.splitlines()[-1] for one in told] == [first.returncode == 1, second.returncode == 1]
    assert "Traceback" not in "".join(told)
    assert [(5,)] == rows(database_url, "select count(*) from incident")


def test_a_token_that_opens_the_door_already_is_refused(run, data, database_url):
    run("user", "create", "eva", "--no-password")
    run("token", "create", "eva", "laptop")
    with psycopg.connect(database_url) as connection:
        connection.execute("update token set digest = sha256('ola-token')")

    assert "into a new database" in refused(run("import", "neutral", written(data), code=1))


def test_ctrl_c_ends_it_with_a_word(data, database_url, neutral):
    """
    It reaches every process at once; only the first speaks.
    """
    neutral.write(data, incidents=20_000, profiles=0)
    assert importing.WORTH_PROCESSES < (data / "incidents.csv").stat().st_size
    with psycopg.connect(database_url) as connection:
        connection.execute("lock table event in row exclusive mode")
        command = (ARGUS, "import", "neutral", data)
        options = {"env": environ({"DATABASE_URL": database_url}), "stderr": subprocess.PIPE, "text": True, "process_group": 0}
        with process(*command, **options) as importer:
            said = importer.stderr.readline()
            time.sleep(1)  # its readers read, and it waits
            os.killpg(importer.pid, signal.SIGINT)
            told = importer.communicate(timeout=60)[1]

    assert "20000 incidents" in said
    assert "Aborted!" == told.strip()


LONG = "x" * 70_000
# file, what is there, what is there instead, what is said of it
WRONG = [
    ("tags.csv", "7,host,gw1", "7,host", "tags.csv, line 1: It has 2 columns instead of 3 (id, key, value)."),
    ("tags.csv", "7,host", "7,Host", 'tags.csv, line 1: The key "Host" is not valid'),
    ("tags.csv", "8,note", "7,note", "tags.csv, line 2, column id: 7 is the id of an earlier line"),
    ("incidents.csv", ",,A moment,5,,,{}", ",,A moment,5,,{}", "incidents.csv, line 3: It has 10 columns instead of 11 (id, start_time"),
    (
        "incidents.csv",
        "2,2026-11-20T09:00:00+01:00",
        "2,yesterday",
        'incidents.csv, line 2, column start_time: "yesterday" is not a moment',
    ),
    ("incidents.csv", "T09:00:00+01:00", "T09:00:00", "incidents.csv, line 2, column start_time: "),
    ("incidents.csv", "T09:00:00+01:00", "T0900", "line 2, column start_time: "),
    ("incidents.csv", "1,2026-11-20", "1,1826-11-20", "incidents.csv, line 1, column start_time: Ensure this time lies between"),
    ("incidents.csv", "infinity,3,oslo-1", "soon,3,oslo-1", 'line 1, column end_time: "soon" is not a moment'),
    (
        "incidents.csv",
        "2026-11-20T09:30:00Z",
        "infinity",
        "incidents.csv, line 2, column end_time: Its events lead to 2026-11-20T09:30:00+00:00",
    ),
    ("incidents.csv", "infinity,3,,,Æøå", "2026-11-20T10:00:00Z,3,,,Æøå", "line 4: 'end_time' must not be before 'start_time'."),
    ("incidents.csv", ",4,oslo-1", ",99,oslo-1", 'incidents.csv, line 3, column source_id: "99" is not the id of a source in world.json.'),
    ("incidents.csv", "oslo-2", "oslo-1", 'line 2, column source_id and source_incident_id: "3" and "oslo-1" is in line 1 already'),
    ("incidents.csv", "3,2026", "2,2026", "incidents.csv, line 3, column id: 2 comes after 2"),
    ("incidents.csv", "5,2026", "0,2026", "incidents.csv, line 5, column id: 0 comes after 4"),
    (
        "incidents.csv",
        "5,2026",
        f"{2**62 + 1},2026",
        'incidents.csv, line 5, column id: "4611686018427387905" is not a whole number from 1',
    ),
    ("incidents.csv", "5,2026", "five,2026", 'incidents.csv, line 5, column id: "five" is not a whole number'),
    ("incidents.csv", "down,1,", "down,6,", 'incidents.csv, line 1, column level: "6" is not a level from 1'),
    ("incidents.csv", "Router", "Rou\0ter", "incidents.csv, line 1, column description: Null characters"),
    ("incidents.csv", "Router", LONG, "incidents.csv, line 1, column description: Ensure this field has no more than 65536 bytes."),
    ("incidents.csv", "oslo-2", LONG, "incidents.csv, line 2, column source_incident_id: Ensure this field has no more than 1024"),
    ("incidents.csv", "https://tickets.example.org/2", "ticket 2", "incidents.csv, line 2, column ticket_url: Enter a valid URL."),
    ("incidents.csv", "{}\n2", "[1]\n2", 'incidents.csv, line 1, column metadata: "[1]" is not a JSON object'),
    ("incidents.csv", "{}\n2", "{\n2", 'incidents.csv, line 1, column metadata: "{" is not a JSON object'),
    ("incidents.csv", "A moment,5", '"A moment,5', "incidents.csv, line 5: This is no CSV"),
    ("incident_tags.csv", "3,7,", "3,9,", 'incident_tags.csv, line 3, column tag_id: "9" is not the id of a tag in tags.csv.'),
    ("incident_tags.csv", "2003", "77", 'incident_tags.csv, line 1, column added_by_id: "77" is not the id of a user'),
    ("incident_tags.csv", "3,7,", "6,7,", "incident_tags.csv, line 3, column incident_id: There is no incident 6 in incidents.csv"),
    ("incident_tags.csv", "1,7,", "4,7,", "incident_tags.csv, line 2, column incident_id: 1 comes after 4: sort the file"),
    ("incident_tags.csv", ",2004,", ",", "incident_tags.csv, line 3: It has 3 columns instead of 4"),
    ("events.csv", "31,3,2004", "31,3", "events.csv, line 8: It has 6 columns instead of 7"),
    (
        "events.csv",
        "51,5,",
        "51,6,2003,2026-11-20T12:00:00Z,2026-11-20T12:00:00Z,STA,\n51,5,",
        "incidents.csv, line 5: No event of incident 5 is in events.csv, or not in its place",
    ),
    (
        "events.csv",
        "51,5,",
        "31,3,2003,2026-11-20T12:00:00Z,2026-11-20T12:00:00Z,OTH,\n51,5,",
        "line 12, column incident_id: 3 comes after 4",
    ),
    (
        "events.csv",
        "31,3,",
        "30,0,2003,2026-11-20T12:00:00Z,2026-11-20T12:00:00Z,OTH,\n31,3,",
        "line 8, column incident_id: 0 comes after 2",
    ),
    (
        "events.csv",
        "STA,Maintenance\n",
        "STA,\n61,6,2003,2026-11-20T12:00:00Z,2026-11-20T12:00:00Z,STA,\n",
        "line 13, column incident_id: There is no incident 6",
    ),
    ("events.csv", "51,5,", f"51,{2**62 + 1},", 'line 12, column incident_id: "4611686018427387905" is not a whole number from 1'),
    ("events.csv", "51,5,", "51,x,", 'events.csv, line 12, column incident_id: "x" is not a whole number'),
    ("events.csv", "51,5,", "11,5,", 'events.csv, line 12, column id: "11" is in line 1 already: it may be there only once.'),
    ("events.csv", "42,4,1001", "42,4,7", 'events.csv, line 10, column actor_id: "7" is not the id of a user in world.json'),
    ("events.csv", "CLO", "GONE", 'events.csv, line 10, column type: "GONE" is not one of STA, END'),
    ("events.csv", "LES", "STA", "events.csv, line 8, column type: The first event of this incident has to be LES."),
    ("events.csv", "REO", "STA", "events.csv, line 11, column type: An incident starts once"),
    ("events.csv", "not done", LONG, "events.csv, line 11, column description: Ensure this field has no more than 65536 bytes."),
    ("events.csv", "not done", b"\xff", "events.csv, line 11, column description: Null characters and lone surrogates"),
    (
        "events.csv",
        "51,5,2003,2026-11-20T12:00:00+00:00,2026-11-20T12:00:00+00:00,STA,Maintenance\n",
        "",
        "incidents.csv, line 5: No event of incident 5 is in events.csv",
    ),
    ("events.csv", "OTH", "ACK", 'events.csv, line 6, column id: There is no line for it in acks.csv: add one, "22," if it never expires.'),
    ("acks.csv", "12,", "42,", "events.csv, line 2, column id: There is no line for it in acks.csv"),
    ("acks.csv", "12,\n", "12,\n42,\n", "acks.csv, line 2, column event_id: Event 42 is of type CLO, but only those of type ACK"),
    ("acks.csv", "12,\n", "12,\n99,\n", "acks.csv, line 2, column event_id: There is no event 99 in events.csv"),
    ("acks.csv", "12,\n", "12,\n12,\n", "acks.csv, line 2, column event_id: 12 is the id of an earlier line"),
    ("acks.csv", "2126-01-01T00:00:00+00:00", "never", 'acks.csv, line 2, column expiration: "never" is not a moment'),
    ("acks.csv", "2126-01-01T00:00:00+00:00", "2020-01-01T00:00:00Z", "acks.csv, line 2, column expiration: It has to be later"),
    ("world.json", '"id": 1001', '"id": "ola"', "world.json, users[0].id: Expected `int`, got `str`."),
    ("world.json", '"id": 1001', '"id": 4611686018427387905', "world.json, users[0].id: Expected `int` <= 4611686018427387904."),
    ("world.json", '"id": 1001', '"id": 9223372036854775808', "world.json, users[0].id: Expected `int` <= 4611686018427387904."),
    ("world.json", '"id": 1001', '"id": 99999999999999999999', "world.json, users[0].id: "),
    ("world.json", '"user_id": 2003', '"user_id": 9223372036854775807', "world.json, sources[0].user_id: Expected `int` <="),
    ("world.json", "ola-token", "ola\\u0000token", "world.json, users[0], token: Null characters and lone surrogates are not allowed."),
    ("world.json", "nav-token", "\\u0000", "world.json, sources[0], token: Null characters"),
    ("world.json", "ola-token", "\\ud800", "world.json: "),
    ("world.json", '"username": "kari"', '"username": "ola"', "world.json, users[1]: world.json, users[0] has the same username"),
    ("world.json", '"token": "ola-token"', '"tokn": "x"', "world.json, users[0]: Object contains unknown field `tokn`."),
    (
        "world.json",
        '"type": "nav", "base',
        '"type": "NAV!", "base',
        "world.json, sources[0], type, name: Use at most 64 lower case letters",
    ),
    ("world.json", "ola@example.org", "ola", "world.json, users[0], email: Enter a valid email address."),
    ("world.json", '"sources"', '"dataset": {"events": 12}, "sources"', "world.json, dataset.events: It says 12, but the files hold 11."),
]


def _left(url):
    tables = ("account", "token", "source", "source_type", "timeslot", "destination", "incident", "event", "ack", "timer", "outbox")
    with psycopg.connect(url) as connection:
        return {table: connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone() for table in tables}


@pytest.mark.parametrize("case", WRONG)
def test_a_line_that_is_wrong_is_named_and_nothing_is_left(run, data, database_url, case):
    file, was, instead, said = case
    before = _left(database_url)
    text = FILES[file].encode()
    assert was.encode() in text
    new = instead if isinstance(instead, bytes) else instead.encode()

    told = refused(run("import", "neutral", written(data, **{file: text.replace(was.encode(), new, 1)}), code=1))

    assert said in told
    assert before == _left(database_url)


WRONG_PEOPLE = [
    ("filters.jsonl", "host=gw1", "gw1", "filters.jsonl, line 1, filter, tag: The tag does not have its delimiter"),
    ("filters.jsonl", '"sourceSystemIds"', '"sources"', "filters.jsonl, line 1, filter: Object contains unknown field `sources`."),
    ("profiles.jsonl", '"filters": [50001]', '"filters": [50000]', 'profiles.jsonl, line 2, filters: Invalid pk "50000"'),
    ("profiles.jsonl", '"timeslot": 50001', '"timeslot": 1', 'profiles.jsonl, line 2, timeslot: Invalid pk "1"'),
    ("timeslots.jsonl", "00:00:00", "noon", "timeslots.jsonl, line 1, start: Invalid RFC3339 encoded time."),
    ("timeslots.jsonl", '"00:00:00"', '"08:00:00+01:00"', "timeslots.jsonl, line 1, start: Expected `time` with no timezone component."),
    ("timeslots.jsonl", "23:59:59.999999", "16:00:00Z", "timeslots.jsonl, line 1, end: Expected `time` with no timezone component."),
    ("timeslots.jsonl", '"id": 50000', '"id": 9223372036854775808', "timeslots.jsonl, line 1, id: Expected `int` <="),
    ("profiles.jsonl", '"id": 50001', '"id": 9223372036854775807', "profiles.jsonl, line 2, id: Expected `int` <="),
    ("profiles.jsonl", '"timeslot": 50001', '"timeslot": 9223372036854775808', "profiles.jsonl, line 2, timeslot"),
    ("profiles.jsonl", '"filters": [50001]', '"filters": [9223372036854775808]', "profiles.jsonl, line 2, filters"),
    (
        "filters.jsonl",
        '"sourceSystemIds": [3]',
        '"sourceSystemIds": [9223372036854775808]',
        "filters.jsonl, line 1, filter.sourceSystemIds[0]: Expected",
    ),
    ("destinations.jsonl", '"email",', '"pigeon",', 'destinations.jsonl, line 1, media: The medium "pigeon" is not enabled'),
    ("destinations.jsonl", "on0@example.org", "on0", "destinations.jsonl, line 1, settings, email_address: Enter a valid email address."),
    ("destinations.jsonl", '"user_id": 5001', '"user_id": 7', "destinations.jsonl, line 2, user_id: There is no user 7"),
    ("profile_users.jsonl", "5001", "2003", "has the same id of a user; give each its own."),
]


@pytest.mark.parametrize("case", WRONG_PEOPLE)
def test_so_is_an_object(run, data, database_url, case):
    file, was, instead, said = case
    before = _left(database_url)
    text = (peopled(data) / file).read_text()
    assert was in text
    (data / file).write_text(text.replace(was, instead, 1))

    told = refused(run("import", "neutral", data, code=1))

    assert said in told
    assert before == _left(database_url)


@pytest.mark.parametrize("file", [*FILES])
def test_a_file_that_is_missing_is_named(run, data, file):
    (written(data) / file).unlink()

    assert f"{file} cannot be read" in refused(run("import", "neutral", data, code=1))


def test_a_line_is_named_by_whichever_process_reads_it(run, data, database_url, neutral, monkeypatch):
    monkeypatch.setattr(importing, "WORTH_PROCESSES", 0)
    neutral.write(data, incidents=4100, profiles=0)
    lines = (data / "incidents.csv").read_text().splitlines(keepends=True)
    lines[3000] = lines[3000].replace("https", "", 1).replace(",{}", ",[]")
    (data / "incidents.csv").write_text("".join(lines))

    assert "incidents.csv, line 3001, column metadata" in refused(run("import", "neutral", data, code=1))
    assert [(0,)] == rows(database_url, "select count(*) from incident")

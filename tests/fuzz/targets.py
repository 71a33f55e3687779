"""The parsers, what each may refuse by, and what well-formed input looks like."""

import atexit
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from adapters import backups
from adapters.db.embedded import postmaster
from adapters.durations import LONGEST, duration
from adapters.http import fields, incident_fields, paging, profile_fields, queries, times
from adapters.http.auth import token_in
from adapters.http.bodies import mapping, parsed_json
from adapters.http.errors import Refused
from adapters.http.v2.inputs import Inputs
from adapters.media import outgoing, providers
from adapters.media.addresses import for_envelope, is_address
from adapters.neutral import people
from adapters.neutral.files import Column, Table, _metadata, moment, number
from adapters.refusals import Refusal
from adapters.settings import described, load, masked
from adapters.web.guests import own_path
from argus_core.domain import expressions
from argus_core.domain.errors import DomainError
from argus_core.domain.limits import metadata_problem, text_problem, url_problem
from argus_core.domain.tags import Tag
from argus_core.domain.timeslots import Recurrence, check_recurrences, check_zone

OSLO = ZoneInfo("Europe/Oslo")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FOLDER = Path(tempfile.mkdtemp(prefix="argus-fuzz-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Target:
    """A parser: it may raise these refusals and nothing else; `seeds` are input it takes."""

    take: Callable[[bytes], None]
    refusals: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]

    def __call__(self, data: bytes) -> None:
        with suppress(*self.refusals):
            self.take(data)


def text(data: bytes) -> str:
    """What Python makes of bytes that somebody sends: lone surrogates are among it."""
    return data.decode("utf-8", "surrogateescape")


def file(name: str, data: bytes) -> Path:
    """A file with these bytes."""
    path = FOLDER / name
    path.write_bytes(data)
    return path


# Bodies


def incident(data: bytes) -> None:
    short = Inputs(OSLO).well_formed_incident(data)
    long = incident_fields.incident(mapping(parsed_json(data)), OSLO, metadata=True)
    assert short is None or short == long


def event(data: bytes) -> None:
    incident_fields.event(mapping(parsed_json(data)), OSLO, from_source=True)


def edit(data: bytes) -> None:
    body = mapping(parsed_json(data))
    for read in (incident_fields.edit, incident_fields.ticket, incident_fields.tag, incident_fields.login):
        with suppress(Refused, DomainError):
            read(body)


def expression(data: bytes) -> None:
    condition = expressions.parse(parsed_json(data))
    assert condition == expressions.parse(expressions.written(condition))


def definition(data: bytes) -> None:
    taken = fields.Fields(mapping(parsed_json(data)))
    made = profile_fields.definition(taken, event_types=True)
    taken.check()
    made.condition  # noqa: B018 - what it means is found out by asking


def recurrences(data: bytes) -> None:
    found = profile_fields.recurrences(over_midnight=True)(parsed_json(data))
    check_recurrences(found)
    assert all(isinstance(one, Recurrence) for one in found)


def metadata(data: bytes) -> None:
    metadata_problem(parsed_json(data))


# Queries and headers


def query(data: bytes) -> None:
    asked = queries.Query(data)
    with suppress(Refused):
        asked.page_size(100)
    with suppress(Refused):
        paging.position(asked.cursor())
    queries.condition(asked, queries.Setting(OSLO, NOON, ("nav", "zabbix")))


def cursor(data: bytes) -> None:
    position = paging.position(text(data))
    assert position is None or position == paging.position(paging.cursor(position))


def time(data: bytes) -> None:
    for read in (times.moment, times.end):
        with suppress(times.NotAMoment):
            read(text(data), OSLO)


def token(data: bytes) -> None:
    token_in([(b"authorization", data)])


def path(data: bytes) -> None:
    led = own_path(text(data))
    assert led.startswith("/")
    assert not led.startswith(("//", "/\\"))


# Single values


def tag(data: bytes) -> None:
    found = Tag.parse(text(data))
    assert found == Tag.parse(str(found))


def span(data: bytes) -> None:
    assert timedelta() < duration(text(data)) <= LONGEST


def zone(data: bytes) -> None:
    check_zone(text(data))


def url(data: bytes) -> None:
    given = text(data)
    text_problem(given, 1024)
    if url_problem(given) is None:
        assert "\0" not in given
    outgoing.Outgoing().check(given)


def provider(data: bytes) -> None:
    way = providers.read(text(data))
    assert way == providers.read(way.url)
    assert way.hosts
    assert way.url.isascii()
    assert way.url.isprintable()
    assert " " not in way.url


def address(data: bytes) -> None:
    if is_address(text(data)):
        assert for_envelope(text(data)).isascii()


# Files


def settings(data: bytes) -> None:
    list(described(load(file("argus.toml", data), {}, FOLDER), FOLDER))


def environment(data: bytes) -> None:
    names = [line.partition("=") for line in text(data).splitlines()]
    given = {name: value for name, _, value in names if name.isidentifier()}
    masked(given.get("DATABASE_URL", ""))
    list(described(load(None, given, FOLDER / "nowhere"), FOLDER))


def table(data: bytes) -> None:
    file("rows.csv", data)
    rows = Table(
        FOLDER, "rows.csv", Column("id", number, "a number"), Column("at", moment, "a moment"), Column("more", _metadata, "a JSON object")
    )
    for record, row in enumerate(rows.records()):
        rows.check([row], record)


def lines(data: bytes) -> None:
    for _ in people._lines(file("filters.jsonl", data), people.FilterIn):
        pass


def world(data: bytes) -> None:
    file(people.WORLD, data)
    people._world(FOLDER)


def backup(data: bytes) -> None:
    file(backups.DUMP, b"")
    file(backups.ABOUT, data)
    backups._read(FOLDER)


def pid_file(data: bytes) -> None:
    file(postmaster.PID_FILE, data)
    found = postmaster.postmaster(FOLDER)
    if found is not None:
        postmaster._exists(found.pid)
        postmaster.serves(found.pid, FOLDER)
        found.is_cut_off()


REPORT = {
    "start_time": "2026-11-23T08:00:00+01:00",
    "end_time": "infinity",
    "source_incident_id": "42",
    "description": "Router down",
    "details_url": "https://nav.example.org/42",
    "level": 3,
    "metadata": {"a": [1.5, None, {"b": "c"}]},
    "tags": [{"tag": "host=gw1"}],
}
EXPRESSION = {"all": [{"any": [{"maxlevel": 3}, {"tags": ["host=gw1"]}]}, {"not": {"open": True}}, {"sources": [1]}]}
DEFINITION = {
    "sourceSystemIds": [1],
    "tags": ["host=gw1"],
    "open": True,
    "acked": None,
    "maxlevel": 3,
    "event_types": ["STA"],
    "event_type": "END",
}
RECURRENCES = [{"days": [1, 7], "start": "08:00:00", "end": "23:59:59.999999", "ends_next_day": False, "all_day": False}]
PID_FILE = b"4711\n/var/lib/argus/postgres\n1763884800\n5432\n/var/lib/argus/socket\n\n  0 0\nready   \n"
SETTINGS = (
    b'time_zone = "Europe/Oslo"\nmedia = ["email"]\npool_size = 10\n[oidc.feide]\nissuer = "https://auth.example.org"\nclient_id = "a"\n'
)
BACKUP = (
    b'{"format": 1, "made": "2026-11-23T08:00:00Z", "argus": "1", "sha256": "%s", "tables": {"event": {"rows": 1, "digest": "2"}}}'
    % hashlib.sha256().hexdigest().encode()
)


def _json(*values: object) -> tuple[bytes, ...]:
    return tuple(json.dumps(value).encode() for value in values)


BODY = (Refused, DomainError)
TARGETS = {
    "address": Target(address, (), (b"ola@example.org", "ola@blåbær.no".encode())),
    "backup": Target(backup, (Refusal,), (BACKUP,)),
    "cursor": Target(cursor, (Refused,), (paging.cursor(paging.Position(NOON, 7, False)).encode(), b"cj0xJnA9MjAyMC0wOS0yMw==")),
    "definition": Target(definition, BODY, _json(DEFINITION)),
    "duration": Target(span, (ValueError,), (b"90d", b"1.5h")),
    "edit": Target(edit, BODY, _json({"level": 1, "ticket_url": "https://a.example/"}, {"tag": "a=b"}, {"username": "a", "password": "b"})),
    "environment": Target(environment, (Refusal,), (b"DATABASE_URL=postgresql://a:b@c/d\nARGUS_TIME_ZONE=UTC\nARGUS_POOL_SIZE=3",)),
    "event": Target(event, BODY, _json({"timestamp": "2026-11-23 08:00", "type": "END", "description": ""})),
    "expression": Target(expression, BODY, _json(EXPRESSION)),
    "incident": Target(incident, BODY, _json(REPORT)),
    "lines": Target(lines, (Refusal,), _json({"id": 3, "user_id": 5, "name": "Routers", "filter": {"tags": ["a=b"]}})),
    "metadata": Target(metadata, BODY, _json(REPORT["metadata"])),
    "path": Target(path, (), (b"/account/?a=b", b"//evil.example/")),
    "pid_file": Target(pid_file, (), (PID_FILE,)),
    "provider": Target(
        provider,
        (providers.NotTaken,),
        (b"slack://a/b/c/#noc", b"tgram://1:a/2?silent=yes", b"jsons://a:b@chat.example.org:8443/", b"ntfys://noc"),
    ),
    "query": Target(
        query, BODY, (b"open=true&tags=a%3D1,b%3D2&source__id__in=1,2&start_time__gte=2026-11-23&page_size=10&duration__gte=5&cursor=null",)
    ),
    "recurrences": Target(recurrences, (*BODY, fields.Wrong), _json(RECURRENCES)),
    "settings": Target(settings, (Refusal,), (SETTINGS,)),
    "table": Target(table, (Refusal,), (b'1,2026-11-23T08:00:00+00:00,"{""a"": ""b, c""}"\r\n',)),
    "tag": Target(tag, (DomainError,), (b"host=gw1", b"a=b=c")),
    "time": Target(time, (), (b"2026-11-23T08:00:00.5+01:00", b"9999-12-31T23:59:59.999999", b"infinity")),
    "token": Target(token, (DomainError,), (b"Token abc", b"Bearer abc")),
    "url": Target(url, (outgoing.Refused,), (b"https://user@[::1]:8080/a?b#c", "http://blåbær.no/".encode())),
    "world": Target(world, (Refusal,), _json({"users": [{"id": 1, "username": "ola"}], "sources": []})),
    "zone": Target(zone, (DomainError,), (b"Europe/Oslo", b"../../etc/passwd")),
}

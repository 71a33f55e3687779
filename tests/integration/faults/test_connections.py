"""What happens to requests when the way to PostgreSQL is cut, closed or dead."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from integration.interference import proxied
from integration.journals import assert_nothing_lost, assert_nothing_twice, assert_whole, journals
from integration.postgres import fresh_database
from integration.serving import applied, serving

CALLERS = 8
REPORTS = 300
CHANGES = 128
CUT = 0.15
QUICKLY = 4.0
"""So many seconds may pass until a request is answered when PostgreSQL is gone."""

AT_LAST = 13.0
"""So many may pass when nobody can tell whether it is."""

BACK_WITHIN = 20.0


@pytest.fixture(scope="module")
def installation(postgres, migrated, spec, tmp_path_factory):
    """A server that reaches PostgreSQL by a proxy; the proxy, and somebody to speak for each actor."""
    folder = tmp_path_factory.mktemp("connections")
    with ExitStack() as stack:
        dsn = stack.enter_context(fresh_database(postgres, template=migrated))
        world = applied(spec, environment={"DATABASE_URL": dsn}, folder=folder)
        proxy = stack.enter_context(proxied(dsn))
        served = stack.enter_context(serving("--no-worker", environment={"DATABASE_URL": proxy.url}, folder=folder))
        tokens = {name: actor["token"] for name, actor in world["actors"].items()}
        clients = {name: stack.enter_context(served.client(token, timeout=60)) for name, token in tokens.items()}
        yield proxy, served, clients


@pytest.fixture
def proxy(installation):
    return installation[0]


@pytest.fixture
def served(installation):
    return installation[1]


@pytest.fixture
def nav(installation):
    return installation[2]["nav"]


@pytest.fixture
def alice(installation):
    return installation[2]["alice"]


def report(description, key=""):
    return {"start_time": "2026-01-01T00:00:00Z", "source_incident_id": key, "description": description, "tags": [{"tag": "a=b"}]}


def all_at_once(do, count):
    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(do, range(count)))


def timed(do):
    """The answer, and how many seconds it took."""
    began = time.monotonic()
    return do(), time.monotonic() - began


def test_a_report_whose_confirmation_was_lost_is_there_once(proxy, nav):
    """PostgreSQL has committed, and nobody hears of it: the source is told 201 or, at worst, to try again; never of a duplicate."""
    descriptions = [f"report {n}" for n in range(REPORTS)]
    proxy.cut = CUT

    answers = all_at_once(lambda n: nav.post("/incidents/", json=report(descriptions[n], key=descriptions[n] if n % 2 else "")), REPORTS)

    proxy.cut = 0
    statuses = [answer.status_code for answer in answers]
    assert {201, 503} >= set(statuses), [answer.text for answer in answers if answer.status_code not in (201, 503)]
    assert REPORTS / 20 < proxy.cuts
    assert REPORTS / 2 < statuses.count(201)
    assert_nothing_lost(proxy.dsn, [text for text, status in zip(descriptions, statuses, strict=True) if status == 201])
    assert_nothing_twice(proxy.dsn)


def test_a_change_whose_confirmation_was_lost_is_made_once(proxy, nav, alice):
    pks = [nav.post("/incidents/", json=report(f"incident {n}")).json()["pk"] for n in range(4)]
    kinds = {
        "remark": lambda n, text: nav.post(
            f"/incidents/{pks[n % 4]}/events/", json={"type": "OTH", "timestamp": "2026-01-01T01:00:00Z", "description": text}
        ),
        "ack": lambda n, text: alice.post(f"/incidents/{pks[n % 4]}/acks/", json={"description": text}),
        "edit": lambda n, text: nav.patch(f"/incidents/{pks[n % 4]}/", json={"details_url": text}),
        "bulk": lambda n, text: alice.post("/incidents/acks/bulk/", json={"ids": pks, "ack": {"description": text}}),
    }
    texts = [f"{list(kinds)[n // 4 % 4]} {n}" for n in range(CHANGES)]
    proxy.cut = CUT

    answers = all_at_once(lambda n: kinds[texts[n].split()[0]](n, texts[n]), len(texts))

    proxy.cut = 0
    done = {text: answer.status_code for text, answer in zip(texts, answers, strict=True)}
    found = journals(proxy.dsn)
    assert_whole(found)
    assert {200, 201, 503} >= set(done.values()), [answer.text for answer in answers if answer.status_code not in (200, 201, 503)]
    for text, status in done.items():
        times = [sum(_says(event, text) for event in journal) for _, journal in found.values()]
        wanted = len(pks) if text.startswith("bulk") else 1
        assert (sum(times), max(times)) == (wanted, 1) if status < 300 else max(times) <= 1, (text, status, times)


def _says(event, text):
    return event.description == text or (event.changes.details_url is not None and event.changes.details_url.new == text)


def test_without_postgres_everybody_is_told_to_come_back(proxy, served, nav, alice):
    assert nav.post("/incidents/", json=report("before it went")).status_code == 201
    proxy.down()

    answers = all_at_once(
        lambda n: timed(lambda: nav.post("/incidents/", json=report(f"gone {n}")) if n % 2 else alice.get("/incidents/")), 8
    )
    ready, live = (timed(lambda name=name: alice.get(f"{served.url}/health/{name}")) for name in ("ready", "live"))

    assert [503] * 8 == [answer.status_code for answer, _ in answers]
    assert all(int(answer.headers["retry-after"]) > 0 and "detail" in answer.json() for answer, _ in answers)
    assert QUICKLY > max(seconds for _, seconds in [*answers, ready, live])
    assert (503, 200) == (ready[0].status_code, live[0].status_code)

    proxy.up()

    assert _again(nav, "after it went") < BACK_WITHIN
    assert_nothing_lost(proxy.dsn, ["before it went", "after it went"])


def test_a_silent_postgres_hangs_nobody_and_is_not_called_ready(proxy, served, nav, alice):
    """The network swallows everything: no connection breaks, no answer comes."""
    assert nav.post("/incidents/", json=report("before the silence")).status_code == 201
    proxy.silent()

    answers = all_at_once(
        lambda n: timed(lambda: nav.post("/incidents/", json=report(f"silent {n}")) if n % 2 else alice.get("/incidents/")), 8
    )

    assert [503] * 8 == [answer.status_code for answer, _ in answers]
    assert AT_LAST > max(seconds for _, seconds in answers)

    ready = timed(lambda: httpx.get(f"{served.url}/health/ready", timeout=30))
    at_the_door = timed(lambda: httpx.post(f"{served.url}/api/v2/token-auth/", json={"username": "alice", "password": "x"}, timeout=30))

    assert (503, 503) == (ready[0].status_code, at_the_door[0].status_code)
    assert QUICKLY > ready[1]
    assert AT_LAST > at_the_door[1]

    proxy.up()

    assert _again(nav, "after the silence") < BACK_WITHIN
    assert_nothing_lost(proxy.dsn, ["before the silence", "after the silence"])


def _again(nav, description):
    """How many seconds it takes until a report is taken again."""
    began = time.monotonic()
    while nav.post("/incidents/", json=report(description, key=description)).status_code != 201:
        assert time.monotonic() - began < BACK_WITHIN
        time.sleep(0.05)
    return time.monotonic() - began

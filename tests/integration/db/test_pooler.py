"""Everything works through PgBouncer in transaction mode, as long as there is a way past it for what holds a connection."""

import asyncio
import logging
import subprocess

import pytest

from adapters.db.accounts import PgAccounts
from adapters.db.claims import PgTicketClaims
from adapters.db.database import Database, IsShared
from adapters.db.hints import OUTBOX, URGENT, Hints
from adapters.db.journal import PgIncidents
from adapters.db.listen import Listener
from adapters.db.profiles import PgProfiles
from argus_core.conformance import check_profiles, check_store, check_ticket_claims
from integration.cluster import NAME, cluster
from integration.hearing import want
from integration.journals import assert_nothing_twice, assert_whole, journals
from integration.notifications.people import Installation
from integration.pooling import SESSIONS, pooled
from integration.serving import ARGUS, applied, environ, serving
from integration.sink import sink

pytestmark = pytest.mark.anyio

BUSY = 24
REPORTS = 40


@pytest.fixture(scope="module")
def server():
    with cluster(alone=True) as found:
        yield found.primary


@pytest.fixture(scope="module")
def pooler(server):
    with pooled(server) as url:
        yield url


@pytest.fixture
def ways(server, pooler):
    """The way to a database through the pooler, and the one past it."""
    with server.copy() as name:
        yield pooler.removesuffix(NAME) + name, server.at(name)


@pytest.fixture
async def database(ways):
    through, past = ways
    async with Database(through, direct=past).opened() as database:
        yield database


async def test_the_journal_keeps_its_promises(database):
    await check_store(PgIncidents(database), PgAccounts(database))


async def test_profiles_keep_their_promises(database):
    await check_profiles(PgProfiles(database), PgAccounts(database))


async def test_what_was_prepared_for_one_is_not_asked_of_another(database):
    """
    Many at once share few sessions, so each statement may meet one that has never heard of it.
    """

    async def ask(number):
        async def work(connection, _):
            cursor = await connection.execute("select %s::bigint, pg_sleep(0.005)", (number,), prepare=True, binary=True)
            return (await cursor.fetchall())[0][0]

        return [await database.run(work) for _ in range(10)]

    answers = await asyncio.gather(*(ask(number) for number in range(BUSY)))

    assert [[number] * 10 for number in range(BUSY)] == answers


async def test_nothing_that_is_set_for_one_stays_for_others(database, ways):
    async def timeout(connection, _):
        ((value,),) = await (await connection.execute("show statement_timeout")).fetchall()
        return value

    assert {"0"} == {await database.run(timeout) for _ in range(SESSIONS * 2)}


async def test_hints_are_heard_and_claims_hold_past_the_pooler(database, ways):
    heard, urgent = asyncio.Event(), asyncio.Event()
    listener = Listener(database, {OUTBOX: heard.set, URGENT: urgent.set})
    listening = asyncio.create_task(listener.run())
    async with asyncio.timeout(10):
        await heard.wait()  # it has connected
        heard.clear()
        urgent.clear()
        Hints(database).give([OUTBOX])
        await heard.wait()
        assert not urgent.is_set()
        Hints(database).give([OUTBOX, URGENT])
        await urgent.wait()
    listening.cancel()

    other = Database(ways[0], direct=ways[1])
    await check_ticket_claims(PgTicketClaims(database), PgTicketClaims(other))


async def test_without_a_way_past_it_nobody_believes_to_hold_or_hear_something(ways, caplog):
    async with Database(ways[0]).opened() as database:
        with pytest.raises(IsShared, match="DATABASE_DIRECT_URL"):
            await database.connect()
        listener = Listener(database, {OUTBOX: lambda: None})
        listening = asyncio.create_task(listener.run())
        await asyncio.sleep(0.5)
        listening.cancel()

    assert not listener.connected
    assert [True] == ["DATABASE_DIRECT_URL" in record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["worker"]])
def test_a_pooler_alone_is_refused_in_a_sentence(command, pooler, tmp_path):
    done = subprocess.run(
        [ARGUS, *command], env=environ({"DATABASE_URL": pooler}), cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )

    assert 1 == done.returncode
    assert f"Error: A pooler is in front of the database at {pooler}: DATABASE_DIRECT_URL has to name it without.\n" == done.stderr


def test_reports_arrive_and_people_are_told(ways, tmp_path):
    """
    A server of two processes and a worker, with fewer sessions than connections.
    """
    with sink() as mailbox:
        environment = {
            "DATABASE_URL": ways[0],
            "DATABASE_DIRECT_URL": ways[1],
            "ARGUS_FRONTEND_URL": "https://argus.example.org",
            **mailbox.settings,
        }
        world = applied(Installation.SPEC, environment=environment, folder=tmp_path)
        tokens = {name: one["token"] for name, one in world["actors"].items()}
        with serving("--workers", 2, environment=environment, folder=tmp_path) as served:
            installation = Installation(served, tokens, environment, tmp_path)
            want(installation.as_("alice"))
            pks = [installation.report(f"Trouble {number}") for number in range(REPORTS)]
            acked = installation.ask("bob", "POST", "/incidents/acks/bulk/", {"ids": pks, "ack": {"description": "seen"}})
            listed = installation.ask("bob", "GET", "/incidents/?acked=true&page_size=1000")
            mailbox.wait_for(lambda mails: len(mails) >= REPORTS, 60)
            ready = installation.ask("bob", "GET", f"{served.url}/health/ready")
            installation.close()

    assert set(pks) == {incident["pk"] for incident in listed["results"]} == {int(pk) for pk in acked["changes"]}
    assert [] == [check for check in ready["checks"] if check["state"] != "ok"]
    assert_nothing_twice(ways[1])
    assert_whole(journals(ways[1]))

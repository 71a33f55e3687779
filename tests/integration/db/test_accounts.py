"""What only PostgreSQL can get wrong of accounts: constraints, transactions, and telling other processes."""

import asyncio
import secrets
from contextlib import asynccontextmanager, suppress
from datetime import time

import psycopg
import pytest

from adapters.db.accounts import PgAccounts
from adapters.db.database import Database
from adapters.db.listen import ACCOUNTS, Listener
from argus_core.domain.accounts import Token, User
from argus_core.domain.destinations import Destination, synced_email
from argus_core.domain.errors import NameTaken
from argus_core.domain.sources import Source
from argus_core.domain.timeslots import Recurrence, Timeslot, all_the_time

pytestmark = pytest.mark.anyio


async def rows(database, query, *values):
    async def read(connection, _):
        return await (await connection.execute(query, values)).fetchall()

    return await database.run(read)


async def test_a_name_that_is_taken_undoes_only_what_wanted_it(accounts, world):
    """
    The work goes on after the refusal, and what was done before is kept.
    """
    owner = world.person.id
    async with accounts.begin() as work:
        user = User(id=await work.new_user_id(), username="new")
        await work.add_user(user)
        source = Source(id=await work.new_source_id(), name=world.source.name, type=world.source.type, user_id=user.id)
        twin = Source(id=source.id, name="other", type=world.source.type, user_id=world.source.user_id)
        await work.add_timeslot(all_the_time(await work.new_timeslot_id(), owner, "UTC"))
        await work.add_destination(Destination(id=await work.new_destination_id(), owner=owner, medium="sms", settings={}, label="mine"))
        taken = [
            (work.add_user(User(id=await work.new_user_id(), username="new")), 'There is a user "new" already.'),
            (work.save_user(User(id=user.id, username=world.person.username)), f'There is a user "{world.person.username}" already.'),
            (work.add_source_type(world.source.type), f'There is a source type "{world.source.type}" already.'),
            (work.add_source(source), f'There is a source "{source.name}" of type "{source.type}" already.'),
            (work.add_source(twin), "This user has a source already."),
            (work.add_timeslot(all_the_time(await work.new_timeslot_id(), owner, "UTC")), 'There is a timeslot "All the time" already.'),
            (
                work.add_destination(
                    Destination(id=await work.new_destination_id(), owner=owner, medium="email", settings={}, label="mine")
                ),
                'There is a destination "mine" already.',
            ),
        ]
        for adding, message in taken:
            with pytest.raises(NameTaken) as refusal:
                await adding
            assert message == str(refusal.value)

    async with accounts.begin() as work:
        assert user == await work.user_named("new")


async def test_an_id_that_is_taken_is_not_called_a_name(accounts, world):
    """
    It cannot happen; should it, nobody is told to choose another name.
    """
    taken = User(id=world.person.id, username="another")

    with pytest.raises(Exception, match="pk_account"):
        await in_work(accounts, lambda work: work.add_user(taken))


async def in_work(accounts, do):
    async with accounts.begin() as work:
        await do(work)


async def test_timeslots_and_destinations_are_kept_whole(accounts, world, database):
    owner = world.person.id
    weekdays = Recurrence(days=frozenset({1, 2, 5}), start=time(8, 0, 0, 1), end=time.max)
    async with accounts.begin() as work:
        id_ = await work.new_timeslot_id()
        both = (weekdays, Recurrence(days=frozenset({7})))
        await work.add_timeslot(Timeslot(id=id_, owner=owner, name="Work", zone="Europe/Oslo", recurrences=both))
        await work.add_timeslot(Timeslot(id=await work.new_timeslot_id(), owner=owner, name="Never", zone="UTC", recurrences=()))
        for settings in ({"phone_number": "+4712345678"}, {"phone_number": "+4787654321"}):
            await work.add_destination(Destination(id=await work.new_destination_id(), owner=owner, medium="sms", settings=settings))
        await work.add_destination(synced_email(await work.new_destination_id(), owner, "a@example.org"))
        await work.move_synced_email(owner, "b@example.org")

    kept = await rows(
        database,
        """select name, zone, days, start_time, end_time from timeslot left join recurrence on timeslot_id = timeslot.id
        where owner_id = %s order by name, days""",
        owner,
    )
    destinations = await rows(database, "select medium, label, settings, synced from destination where owner_id = %s order by id", owner)

    assert [
        ("Never", "UTC", None, None, None),
        ("Work", "Europe/Oslo", [1, 2, 5], time(8, 0, 0, 1), time.max),
        ("Work", "Europe/Oslo", [7], time.min, time.max),
    ] == kept
    assert [
        ("sms", None, {"phone_number": "+4712345678"}, False),
        ("sms", None, {"phone_number": "+4787654321"}, False),
        ("email", None, {"email_address": "b@example.org"}, True),
    ] == destinations


async def test_work_that_locks_is_alone(database_url):
    """
    Whoever looks first and then adds does it once, however many try at the same time.
    """

    async def ensure(name):
        async with Database(database_url).opened() as database, PgAccounts(database).begin() as work:
            await work.lock()
            if name not in await work.source_types():
                await asyncio.sleep(0.01)
                await work.add_source_type(name)

    await asyncio.gather(*(ensure("nav") for _ in range(5)))

    async with Database(database_url).opened() as database, PgAccounts(database).begin() as work:
        assert ["nav"] == await work.source_types()


@pytest.fixture
async def heard(database_url):
    """How often another process was told that rights have changed, and its listener."""
    async with Database(database_url, application_name="listening").opened() as database:
        calls = asyncio.Queue()
        listener = Listener(database, {ACCOUNTS: lambda: calls.put_nowait(ACCOUNTS)})
        async with running(listener):
            await asyncio.wait_for(calls.get(), 30)  # it has connected
            yield calls, listener


@asynccontextmanager
async def running(listener):
    task = asyncio.create_task(listener.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_other_processes_hear_that_rights_have_changed(accounts, world, heard):
    """
    Each kind of work that may take a right away is told once when it is kept, and not at all when it is not.
    """
    calls, listener = heard
    assert listener.connected
    async with accounts.begin() as work:
        user = await work.user(world.person.id)
    changes = [
        lambda work: work.save_user(user),
        lambda work: work.save_source(world.source),
        lambda work: work.drop_tokens([world.token_id]),
    ]

    for change in changes:
        await in_work(accounts, change)
        await asyncio.wait_for(calls.get(), 30)
    with pytest.raises(ZeroDivisionError):
        await in_work(accounts, lambda work: drop_and_fail(work, world.token_id))
    async with accounts.begin() as work:
        await work.drop_tokens([])
    await in_work(accounts, lambda work: work.save_user(user))
    await asyncio.wait_for(calls.get(), 30)

    assert calls.empty()


async def drop_and_fail(work, token_id):
    await work.drop_tokens([token_id])
    raise ZeroDivisionError


async def test_a_lost_listener_comes_back_and_forgets(database_url, accounts, world, heard):
    """
    It knows that it hears nothing; when it is back, it does as if something had been said.
    """
    calls, listener = heard
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as other:
        await other.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'listening'")
    while listener.connected:  # noqa: ASYNC110 - it tells nobody that it lost its connection
        await asyncio.sleep(0.01)

    await asyncio.wait_for(calls.get(), 30)

    assert listener.connected
    async with accounts.begin() as work:
        await work.drop_tokens([world.token_id])
    await asyncio.wait_for(calls.get(), 30)


async def test_a_listener_that_ends_is_not_connected(database):
    connected = asyncio.Event()
    listener = Listener(database, {ACCOUNTS: connected.set})
    async with running(listener):
        await asyncio.wait_for(connected.wait(), 30)
        assert listener.connected

    assert not listener.connected


async def test_a_credential_is_found_by_its_whole_digest(accounts, world):
    digest = secrets.token_bytes(32)
    now = await accounts.now()
    async with accounts.begin() as work:
        token = Token(
            id=await work.new_token_id(), user_id=world.reporter.id, name="", prefix="abcd", digest=digest, created=now, expires=None
        )
        await work.add_token(token)

    credential = await accounts.credential(digest)

    assert (token.id, world.reporter, None) == (credential.token_id, credential.actor, credential.expires)
    assert [None] * 3 == [await accounts.credential(other) for other in (digest[:-1], b"", digest + b"\0")]

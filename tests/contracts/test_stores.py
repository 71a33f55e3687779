"""Every store keeps the promises of its ports; the one in dicts is held to them in the unit tests."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from psycopg import errors

from adapters.db import claims
from adapters.db.accounts import PgAccounts
from adapters.db.audit import PgAudit
from adapters.db.claims import PgTicketClaims
from adapters.db.database import Database
from adapters.db.journal import PgIncidents
from adapters.db.logins import PgAttempts, PgSessions, PgSlips
from adapters.db.outbox import PgOutbox
from adapters.db.profiles import PgProfiles
from adapters.db.statistics import PgStatistics
from adapters.db.watching import PgWatch
from argus_core.conformance import LONG_AGO, PROFILE_CHECKS, STORE_CHECKS, check_profiles, check_store, check_ticket_claims, make_world
from argus_core.conformance.audit import AUDIT_CHECKS
from argus_core.conformance.logins import LOGIN_CHECKS, Door
from argus_core.conformance.outbox import OUTBOX_CHECKS, check_outbox, make_post
from argus_core.conformance.statistics import STATISTICS_CHECKS
from argus_core.conformance.watching import WATCH_CHECKS
from argus_core.domain.audit import AuditQuery, Deed, Entry
from argus_core.domain.deliveries import DeliveryStatus
from argus_core.domain.errors import Unavailable
from argus_core.domain.ids import IncidentId
from argus_core.domain.maintenance import Maintenance
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import all_the_time

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stores(database_url):
    async with Database(database_url).opened() as database:
        yield PgIncidents(database), PgAccounts(database)


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
async def test_postgresql_keeps_each_promise(check, stores):
    await check(await make_world(*stores))


async def test_postgresql_keeps_all_promises_in_one_database(stores):
    await check_store(*stores)


@pytest.fixture
async def profiles(database_url):
    async with Database(database_url).opened() as database:
        yield PgProfiles(database), PgAccounts(database)


@pytest.mark.parametrize("check", PROFILE_CHECKS, ids=lambda check: check.__name__)
async def test_postgresql_keeps_each_promise_about_profiles(check, profiles):
    await check(*profiles)


async def test_postgresql_keeps_all_promises_about_profiles_in_one_database(profiles):
    await check_profiles(*profiles)


async def test_claims_exclude_each_other_in_several_processes(database_url):
    here, there = Database(database_url), Database(database_url)

    await check_ticket_claims(PgTicketClaims(here), PgTicketClaims(there))


async def test_a_claim_ends_with_its_connection(database_url):
    """
    When a process dies the server lets go of what it held.
    """
    database = Database(database_url)
    async with PgTicketClaims(database).claim(IncidentId(1)):
        async with await database.connect(autocommit=True) as other:
            await other.execute("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()")

        async with asyncio.timeout(30), PgTicketClaims(database).claim(IncidentId(1)):
            pass


async def test_whoever_waits_too_long_for_a_claim_is_told_so(database_url, monkeypatch):
    database = Database(database_url)
    async with PgTicketClaims(database).claim(IncidentId(1)):
        monkeypatch.setattr(claims, "SECONDS", 0.1)
        with pytest.raises(Unavailable):
            async with PgTicketClaims(database).claim(IncidentId(1)):
                pass


async def test_claims_without_a_database_are_unavailable():
    with pytest.raises(Unavailable):
        async with PgTicketClaims(Database("host=127.0.0.1 port=1 dbname=none")).claim(IncidentId(1)):
            pass


@pytest.fixture
async def outbox(database_url):
    async with Database(database_url).opened() as database:
        yield PgIncidents(database), PgAccounts(database), PgProfiles(database), PgOutbox(database)


@pytest.mark.parametrize("check", OUTBOX_CHECKS, ids=lambda check: check.__name__)
async def test_postgresql_keeps_each_promise_about_the_outbox(check, outbox):
    await check(await make_post(*outbox))


async def test_postgresql_keeps_all_promises_about_the_outbox_in_one_database(outbox):
    await check_outbox(*outbox)


async def test_a_damaged_incident_is_left_out_and_the_others_are_taken(outbox, database_url):
    """
    Whatever it is that cannot be read, it must not keep the rest from being sent.
    """
    post = await make_post(*outbox)
    damaged, whole = await post.waiting(), await post.waiting()
    async with await Database(database_url).connect(autocommit=True) as other:
        await other.execute("update event set type = '???' where incident_id = %s", [damaged.id])

    sendings = {sending.incident_id: sending for sending in await post.take()}

    assert ("KeyError: '???'", ()) == (sendings[damaged.id].damaged, sendings[damaged.id].happenings)
    assert ("", [1]) == (sendings[whole.id].damaged, [one.event.version for one in sendings[whole.id].happenings])


async def test_what_cannot_be_read_of_a_source_or_of_maintenance_holds_up_nobody(outbox, database_url):
    """
    It keeps nothing back: too much is told rather than too little.
    """
    post = await make_post(*outbox)
    async with await Database(database_url).connect(autocommit=True) as other:
        await other.execute("update source set flapping = '5/2w' where id = %s", [post.world.source.id])
        await other.execute(
            "insert into maintenance (id, created_by, created, start_time, zone, description, filters, windows) "
            """values (99, %s, now(), now(), 'UTC', '', '[{"id": 1, "owner": 1, "name": "f"}]', '[{"days": [1]}]')""",
            [post.world.person.id],
        )

    edition = await outbox[2].since(-1)

    assert {} == edition.thresholds == await outbox[2].thresholds()
    (planned,) = edition.maintenances
    days = [datetime(2026, 11, day, 12, tzinfo=UTC) for day in range(1, 29)]
    assert not any(replace(planned, start=days[0]).runs(day) for day in days)
    assert [FilterDefinition(max_level=0)] == [filter_.definition for filter_ in planned.filters]


async def test_a_filter_and_a_zone_that_cannot_be_read_hold_up_nobody(outbox, database_url):
    """
    Whoever they belong to is told too much rather than too little, and can replace them.
    """
    post = await make_post(*outbox)
    profiles, owner = outbox[2], post.world.person.id
    async with profiles.begin(owner) as work:
        slot = all_the_time(await work.new_id(), owner, "Europe/Oslo")
        for thing in (slot, SavedFilter(id=await work.new_id(), owner=owner, name="f", definition=FilterDefinition(open=False))):
            await work.keep(thing)
    async with await Database(database_url).connect(autocommit=True) as other:
        await other.execute("""update filter set definition = '{"expression": {"of": "tomorrow"}}' where owner_id = %s""", [owner])
        await other.execute("update timeslot set zone = 'Mars/Olympus' where owner_id = %s", [owner])

    owned = (await profiles.since(-1)).belongings[owner]

    assert [replace(slot, zone="UTC")] == list(owned.timeslots)
    assert [FilterDefinition(max_level=5)] == [filter_.definition for filter_ in owned.filters]


@pytest.mark.parametrize("check", WATCH_CHECKS, ids=lambda check: check.__name__)
async def test_postgresql_keeps_each_promise_about_watching(check, database_url):
    async with Database(database_url).opened() as database:
        stores = PgIncidents(database), PgAccounts(database), PgProfiles(database), PgOutbox(database)

        await check(PgWatch(database), await make_post(*stores))


@pytest.mark.parametrize("check", STATISTICS_CHECKS, ids=lambda check: check.__name__)
async def test_postgresql_keeps_each_promise_about_statistics(check, stores, database_url):
    async with Database(database_url).opened() as database:
        await check(PgStatistics(database), await make_world(*stores))


@pytest.mark.parametrize("check", AUDIT_CHECKS, ids=lambda check: check.__name__)
async def test_postgresql_keeps_each_promise_about_the_audit_log(check, database_url):
    async with Database(database_url).opened() as database:
        await check(PgAudit(database), PgAccounts(database))


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set username = 'eve'",
        "delete from audit",
        "delete from audit where created > now() - interval '1 day'",
        "truncate audit",
    ],
)
async def test_the_audit_log_cannot_be_changed(statement, database_url):
    """
    Not even by whoever owns the tables, unless they take the trigger away.
    """
    async with Database(database_url).opened() as database:
        async with PgAccounts(database).begin() as work:
            await work.note(Entry(deed=Deed.LOGIN, about="user ola"))
        async with await database.connect(autocommit=False) as other:
            await other.execute("select set_config('argus.audit_prune_before', '2020-01-01T00:00:00Z', true)")
            with pytest.raises(errors.RestrictViolation, match="append-only"):
                await other.execute(statement)
            await other.rollback()

        assert 1 == len(await PgAudit(database).page(AuditQuery(), 10))


async def test_deliveries_are_dropped_and_retried_together_with_what_is_noted_of_it(outbox, database_url):
    """
    When it cannot be noted it is not done.
    """
    post, (_, _, _, ledger) = await make_post(*outbox), outbox
    incident = await post.waiting()
    (delivery,) = await ledger.of_incident(incident.id)

    def note(delivery_id):
        return Entry(deed=Deed.DELIVERY_DROP, about=f"delivery {delivery_id}")

    def fail(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ledger.drop([delivery.id], "no", fail)
    still = [one.status for one in await ledger.of_incident(incident.id)]
    await ledger.drop([delivery.id], "no", note)
    await ledger.retry([delivery.id], {}, note)

    assert [DeliveryStatus.WAITING] == still
    async with Database(database_url).opened() as database:
        assert 2 == len(await PgAudit(database).page(AuditQuery(about=f"delivery {delivery.id}"), 10))


async def test_whoever_rounds_up_at_the_same_moment_waits_and_finds_nothing(outbox, database_url):
    """
    Both begin while somebody else holds what is kept back, so neither can be done before the other begins.
    """
    post = await make_post(*outbox)
    await post.happen()
    keeping = Maintenance(id=1, created_by=1, created=LONG_AGO, description="", start=LONG_AGO, end=None, filters=())
    async with post.outbox.claim(10) as undecided:
        await undecided.decide([post.order(happening).kept_back(keeping.hold) for happening in await undecided.happenings()])
    async with await Database(database_url).connect(autocommit=False) as other:
        await other.execute("select from delivery where maintenance_id = 1 for update")
        racing = [asyncio.create_task(post.outbox.round_up(keeping.id, "Over", {})) for _ in range(2)]
        await asyncio.sleep(1)
        await other.rollback()

    assert [0, 1] == sorted(await asyncio.gather(*racing))


async def test_what_is_expected_of_a_source_is_noted(outbox, database_url):
    post = await make_post(*outbox)
    async with Database(database_url).opened() as database:
        await PgWatch(database).expect(post.world.source.id, None, Entry(deed=Deed.SOURCE_CHANGE, about="source"))

        assert 1 == len(await PgAudit(database).page(AuditQuery(about="source"), 10))


async def test_uses_of_tokens_are_noted_once_a_minute(stores, database_url):
    world, accounts = await make_world(*stores), stores[1]

    async def used():
        async with accounts.begin() as work:
            return (await work.token(world.token_id)).used

    before = await used()
    await accounts.note_uses([world.token_id, 2**62])
    first = await used()
    await accounts.note_uses([world.token_id])
    again = await used()
    async with await Database(database_url).connect(autocommit=True) as other:
        await other.execute("update token set used = used - interval '61 seconds'")
    await accounts.note_uses([world.token_id])

    assert (None, first) == (before, again)
    assert first <= await used() <= await accounts.now()


@pytest.mark.parametrize("check", LOGIN_CHECKS, ids=lambda check: check.__name__)
async def test_postgresql_keeps_each_promise_about_logins(check, database_url):
    async with Database(database_url).opened() as database:
        await check(Door(partial(PgSessions, database), PgAccounts(database), PgAttempts(database), PgSlips(database)))

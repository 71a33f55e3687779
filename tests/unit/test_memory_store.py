"""The stores in dicts keep the promises that every store makes."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import settings

from argus_core import conformance
from argus_core.conformance import NOWHERE, PROFILE_CHECKS, STORE_CHECKS, check_profiles, check_store, check_ticket_claims, make_world
from argus_core.conformance.audit import AUDIT_CHECKS
from argus_core.conformance.logins import LOGIN_CHECKS, Door
from argus_core.conformance.outbox import OUTBOX_CHECKS, check_outbox, make_post
from argus_core.conformance.statistics import STATISTICS_CHECKS
from argus_core.conformance.watching import WATCH_CHECKS
from argus_core.domain.audit import AuditQuery
from argus_core.domain.sessions import Lifetime
from argus_core.memory import MemoryAccounts, MemoryIncidents, MemoryProfiles, MemoryTicketClaims
from argus_core.memory.audit import MemoryAudit
from argus_core.memory.logins import MemoryAttempts, MemorySessions, MemorySlips
from argus_core.memory.outbox import MemoryOutbox
from argus_core.memory.statistics import MemoryStatistics
from argus_core.memory.watching import MemoryWatch
from argus_core.ports.incidents import Appended
from argus_core.ports.outbox import NO_ROOM
from state_machine import Lives, Stores

pytestmark = pytest.mark.anyio


@pytest.fixture
def stores():
    accounts = MemoryAccounts()
    return MemoryIncidents(accounts), accounts


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
async def test_a_store_in_dicts_keeps_each_promise(check, stores):
    await check(await make_world(*stores))


async def test_a_store_in_dicts_keeps_all_promises_together(stores):
    await check_store(*stores)


@pytest.mark.parametrize("check", PROFILE_CHECKS, ids=lambda check: check.__name__)
async def test_profiles_in_dicts_keep_each_promise(check):
    accounts = MemoryAccounts()

    await check(MemoryProfiles(accounts), accounts)


async def test_profiles_in_dicts_keep_all_promises_together():
    accounts = MemoryAccounts()

    await check_profiles(MemoryProfiles(accounts), accounts)


@pytest.fixture
def all_stores():
    accounts = MemoryAccounts()
    incidents = MemoryIncidents(accounts)
    return incidents, accounts, MemoryProfiles(accounts), MemoryOutbox(incidents, accounts)


@pytest.mark.parametrize("check", OUTBOX_CHECKS, ids=lambda check: check.__name__)
async def test_an_outbox_in_dicts_keeps_each_promise(check, all_stores):
    await check(await make_post(*all_stores))


async def test_an_outbox_in_dicts_keeps_all_promises_together(all_stores):
    await check_outbox(*all_stores)


@pytest.mark.parametrize("check", WATCH_CHECKS, ids=lambda check: check.__name__)
async def test_a_watch_in_dicts_keeps_each_promise(check, all_stores):
    _, accounts, _, outbox = all_stores

    await check(MemoryWatch(accounts, outbox), await make_post(*all_stores))


@pytest.mark.parametrize("check", STATISTICS_CHECKS, ids=lambda check: check.__name__)
async def test_statistics_of_dicts_keep_each_promise(check, stores):
    await check(MemoryStatistics(stores[0]), await make_world(*stores))


@pytest.mark.parametrize("check", AUDIT_CHECKS, ids=lambda check: check.__name__)
async def test_an_audit_log_in_a_list_keeps_each_promise(check):
    accounts = MemoryAccounts()

    await check(MemoryAudit(accounts), accounts)


class Shortening(MemoryAudit):
    """Shows less than it was asked for."""

    async def page(self, query, most, before=None):
        return (await super().page(query, most, before))[1:]


class Talkative(MemoryAudit):
    """Shows whatever there is."""

    async def page(self, query, most, before=None):
        return await super().page(AuditQuery(about=query.about), most, before)


class Stubborn(MemoryAudit):
    """Lets nothing go."""

    async def prune(self, before, note):
        self._accounts.note(note(2))
        return 2


@pytest.mark.parametrize("log", [Shortening, Talkative, Stubborn])
async def test_an_audit_log_that_breaks_a_promise_is_found_out(log):
    accounts = MemoryAccounts()
    outcomes = [await outcome_of(check, log(accounts), accounts) for check in AUDIT_CHECKS]

    assert outcomes.count(None) < len(outcomes)


async def outcome_of(check, *stores):
    try:
        await check(*stores)
    except (AssertionError, ValueError) as broken:
        return broken


def door(sessions=MemorySessions, attempts=MemoryAttempts, slips=MemorySlips):
    accounts = MemoryAccounts()
    return Door(partial(sessions, accounts), accounts, attempts(), slips())


@pytest.mark.parametrize("check", LOGIN_CHECKS, ids=lambda check: check.__name__)
async def test_logins_in_dicts_keep_each_promise(check):
    await check(door())


class Careless(MemorySessions):
    """Lets anybody in who ever was."""

    async def begin(self, new):
        return await super().begin(replace(new, user=self._accounts.tables.users[new.user.id]))


class Closed(MemorySessions):
    """Lets nobody in."""

    async def begin(self, new):
        return None


class Everlasting(MemorySessions):
    """Never sees that a session is over."""

    def __init__(self, accounts, lifetime):
        super().__init__(accounts, Lifetime(timedelta(days=9), timedelta(days=9)))


class Unused(MemorySessions):
    """Does not note that a session is used."""

    def __init__(self, accounts, lifetime):
        super().__init__(accounts, lifetime)
        self._lifetime = Grainless(lifetime.idle, lifetime.whole)


class Nosy(MemorySessions):
    """Takes a question for use."""

    async def peek(self, digest):
        visit = await super().peek(digest)
        if visit is not None and visit.session.used + self._lifetime.grain <= self._clock():
            self._accounts.tables.sessions[digest] = replace(visit.session, used=self._clock())
        return visit


class Grainless(Lifetime):
    """Longer than anything."""

    grain = timedelta(days=9)


class Generous(MemorySessions):
    """Ends sessions for anybody."""

    async def end(self, user_id, session_id):
        for session in list(self._accounts.tables.sessions.values()):
            if session.id == session_id:
                await super().end(session.user_id, session_id)


class Hasty(MemoryAttempts):
    """Looks first, and counts afterwards."""

    async def attempt(self, limits):
        before = {limit.subject: list(self._moments[limit.subject]) for limit in limits}
        await asyncio.sleep(0)
        self._moments, now = {**self._moments, **before}, self._moments
        wait = await super().attempt(limits)
        for subject, moments in self._moments.items():
            now[subject].extend(moments[len(before.get(subject, moments)) :])
        self._moments = now
        return wait


class Forgetful(MemoryAttempts):
    """Forgets everything."""

    async def forget(self, subject):
        self._moments.clear()


class Lasting(MemorySlips):
    """Gives a slip again and again."""

    async def take(self, digest, purpose):
        return (self._slips.get((digest, purpose)) or (None, None))[1]


@pytest.mark.parametrize(
    ("stores", "promise"),
    [
        ({"sessions": Careless}, "A session began of somebody who was locked out."),
        ({"sessions": Closed}, "A session did not begin."),
        ({"sessions": Everlasting}, "A session goes on that was not used."),
        ({"sessions": Everlasting}, "A session never ends."),
        ({"sessions": Unused}, "A session ended that was used."),
        ({"sessions": Nosy}, "A session goes on because a page of it is open."),
        ({"sessions": Generous}, "Somebody ended another user's session."),
        ({"attempts": Hasty}, "attempts at once"),
        ({"attempts": Forgetful}, "Others were forgotten, too."),
        ({"slips": Lasting}, "A slip was given to"),
    ],
)
async def test_logins_that_break_a_promise_are_found_out(stores, promise):
    # At the same time, as most of it is waiting.
    said = await asyncio.gather(*(check(door(**stores)) for check in LOGIN_CHECKS), return_exceptions=True)

    broken = [str(error) for error in said if isinstance(error, AssertionError)]
    assert any(promise in one for one in broken), said


class HardOfHearing(MemoryWatch):
    """Hears no heartbeat."""

    async def beat(self, source_id):
        self._last.setdefault(source_id, self._clock())


class Blind(MemoryWatch):
    """Sees nothing wrong."""

    async def signs(self):
        return replace(await super().signs(), media=(), undelivered=None)


@pytest.mark.parametrize(
    ("watch", "promise"), [(HardOfHearing, "A heartbeat was not noted."), (Blind, "An undecided event"), (Blind, "Two failures show")]
)
async def test_a_watch_that_breaks_a_promise_is_found_out(watch, promise, all_stores):
    _, accounts, _, outbox = all_stores
    kept = 0
    for check in WATCH_CHECKS:
        try:
            await check(watch(accounts, outbox), await make_post(*all_stores))
        except AssertionError as broken:
            if promise in str(broken):
                return
        kept += 1
    pytest.fail(f"{kept} promises were kept.")


class Disorderly(MemoryOutbox):
    """Takes the latest event of an incident first."""

    def claim(self, most):
        self._incidents.outbox.reverse()
        return super().claim(most)


class Shared(MemoryOutbox):
    """Lets several claim the same."""

    def claim(self, most):
        self._claimed.clear()
        return super().claim(most)


class Hasty(MemoryOutbox):
    """Looks at no lease."""

    async def take(self, free, lease, budget=None, spare=NO_ROOM):
        return await super().take(free, timedelta(), budget, spare)


class Forgetful(MemoryOutbox):
    """Empties a lane whatever has come meanwhile."""

    def _keep_lane(self, key, lane):
        self._lanes.pop(key, None)
        self._routes.pop(key, None)


class Curious(MemoryOutbox):
    """Lets everything join a message, also one that may have arrived."""

    async def take(self, free, lease, budget=None, spare=NO_ROOM):
        self._lanes = {key: lane.cleared() for key, lane in self._lanes.items()}
        return await super().take(free, lease, budget, spare)


class Deaf(MemoryOutbox):
    """Takes every answer for one in time."""

    async def finish(self, sending, report):
        lane = self._lanes[sending.incident_id, sending.destination_id]
        return await super().finish(replace(sending, attempt=lane.attempt), report)


class Endless(MemoryOutbox):
    """Gives nothing up."""

    async def give_up(self, after, why):
        return 0


class Tidy(MemoryOutbox):
    """Forgets what waits as well."""

    async def prune(self, older_than, most, *, dry_run=False):
        if not dry_run:
            self._ledger.clear()
        return 0


class Impatient(MemoryOutbox):
    """Lets what was put aside come again at once."""

    def _may_be_claimed(self, place):
        return True


class Overtaking(MemoryOutbox):
    """Lets later events go past one that was put aside."""

    async def put_aside(self, place, why):
        await super().put_aside(place, why)
        self._incidents.outbox = sorted(self._incidents.outbox, key=lambda row: row in self._aside)


class Queueing(MemoryOutbox):
    """Lets everything be decided in its turn, whatever its level."""

    def claim(self, most):
        self._incidents.urgent.clear()
        return super().claim(most)


class Patient(MemoryOutbox):
    """Lets everything be sent in its turn, whatever its level."""

    async def take(self, free, lease, budget=None, spare=NO_ROOM):
        self._lanes = {key: replace(lane, urgent=False) for key, lane in self._lanes.items()}
        return await super().take(free, lease, budget, spare)


class Mixing(MemoryOutbox):
    """Calls everything urgent when it is asked for what is."""

    def claim_urgent(self, most):
        return self.claim(most)


class Cramped(MemoryOutbox):
    """Has no room to spare for what is urgent."""

    async def take(self, free, lease, budget=None, spare=NO_ROOM):
        return await super().take(free, lease, budget)


class Lavish(MemoryOutbox):
    """Lets others have what room is to spare for what is urgent."""

    async def take(self, free, lease, budget=None, spare=NO_ROOM):
        return await super().take({route: most + spare.get(route, 0) for route, most in free.items()}, lease, budget)


class Generous(MemoryOutbox):
    """Lets everybody test as often as they like."""

    async def order_tests(self, orders, most, within):
        return await super().order_tests(orders, 1_000, within)


@pytest.mark.parametrize(
    "broken",
    [
        *(Disorderly, Shared, Hasty, Forgetful, Curious, Deaf, Endless, Tidy, Impatient, Overtaking, Queueing, Patient, Generous),
        *(Mixing, Cramped, Lavish),
    ],
)
async def test_an_outbox_that_breaks_a_promise_is_found_out(broken):
    accounts = MemoryAccounts()
    incidents = MemoryIncidents(accounts)

    with pytest.raises((AssertionError, KeyError, ValueError)):
        await check_outbox(incidents, accounts, MemoryProfiles(accounts), broken(incidents, accounts))


async def test_what_has_passed_to_somebody_else_cannot_be_let_go(all_stores):
    post = await make_post(*all_stores)
    await post.waiting()
    lost = await post.take_one(lease=timedelta())
    await post.take_one()

    await post.outbox.release([lost])

    assert [] == await post.take()


async def test_claims_in_one_process_exclude_each_other():
    claims = MemoryTicketClaims()

    await check_ticket_claims(claims, claims)


class Hesitant(MemoryIncidents):
    """Lets others in between reading and writing, as a store behind a network does."""

    async def get(self, incident_id):
        incident = await super().get(incident_id)
        await asyncio.sleep(0)
        return incident

    async def append_each(self, incident_ids, decide, clock, *, warrant=None):
        await asyncio.sleep(0)
        return await super().append_each(incident_ids, decide, clock, warrant=warrant)


async def test_a_store_that_takes_its_time_keeps_all_promises_too():
    accounts = MemoryAccounts()

    await check_store(Hesitant(accounts), accounts)


class Overwriting(Hesitant):
    async def append(self, change, *, warrant=None):
        self._store(change)
        return Appended.STORED


class Careless(MemoryIncidents):
    async def append(self, change, *, warrant=None):
        self._keys.clear()
        return await super().append(change, warrant=warrant)


class Trusting(MemoryIncidents):
    def _is_live(self, warrant):
        return True


class Repetitive(MemoryIncidents):
    async def incident_ids(self, count):
        return [NOWHERE] * count


class Inventive(MemoryIncidents):
    async def event(self, incident_id, event_id):
        return None


class Stuck(MemoryIncidents):
    async def page(self, condition, now, size, position=None):
        return replace(await super().page(condition, now, size), next=None)


class Absentminded(MemoryIncidents):
    async def forget(self, timers):
        self._timers.clear()


class Backward(MemoryIncidents):
    async def journal(self, incident_id):
        return tuple(reversed(self._journal.get(incident_id, ())))


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (Overwriting, conformance.a_stale_change_is_a_conflict),
        (Overwriting, conformance.racing_callers_lose_nothing),
        (Careless, conformance.a_key_is_taken_once),
        (Trusting, conformance.a_warrant_must_be_live),
        (Repetitive, conformance.ids_are_given_once),
        (Inventive, conformance.what_does_not_exist_is_not_found),
        (Stuck, conformance.pages_show_everything_once),
        (Absentminded, conformance.timers_wait_until_forgotten),
        (Backward, conformance.expirations_move),
    ],
    ids=lambda value: value.__name__,
)
async def test_a_store_that_breaks_a_promise_is_found_out(kind, check):
    accounts = MemoryAccounts()
    world = await make_world(kind(accounts), accounts)

    with pytest.raises((AssertionError, ValueError)):
        await check(world)


def run(coroutine):
    """Stores in dicts never wait."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("A store in dicts has waited for something.")


class MemoryLives(Lives):
    def open_stores(self):
        accounts = MemoryAccounts()
        incidents = MemoryIncidents(accounts)

        async def outbox(incident_id):
            return [version for id_, version in incidents.outbox if id_ == incident_id]

        return Stores(incidents, accounts, run, outbox)


TestMemoryLives = MemoryLives.TestCase
TestMemoryLives.settings = settings(stateful_step_count=30)

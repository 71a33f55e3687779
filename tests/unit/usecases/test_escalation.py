"""Escalation from the report to the message, over the stores in dicts."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from argus_core.conformance import make_world
from argus_core.domain.actors import Actor
from argus_core.domain.destinations import Destination
from argus_core.domain.incidents import EventType, Level, Until
from argus_core.domain.profiles import Profile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import Recurrence, Timeslot, all_the_time
from argus_core.domain.transitions import Edit, IncidentReport
from argus_core.memory import MemoryAccounts, MemoryIncidents, MemoryProfiles
from argus_core.memory.outbox import MemoryOutbox
from argus_core.ports.media import EnabledMedium, Media
from argus_core.usecases.dispatch import Dispatcher
from argus_core.usecases.flapping import KnownThresholds
from argus_core.usecases.incidents import IncidentService
from argus_core.usecases.notifications import NotificationService
from argus_core.usecases.sending import Letterhead, Sender
from calm import NOON, Clock

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
ANYTHING = FilterDefinition(max_level=5)


class Post:
    """Keeps what it is given."""

    def __init__(self):
        self.sent = []

    def label(self, settings):
        return settings["to"]

    async def send(self, notification, settings):
        self.sent += [(settings["to"], event.type) for event in notification.events]


@dataclass
class Site:
    """`boss` waits for a quarter of an hour, `desk` hears at once; each by a profile of the same person."""

    clock: Clock = field(default_factory=Clock)
    post: Post = field(default_factory=Post)

    async def open(self, asked=ANYTHING, recurrences=None):
        self.accounts = MemoryAccounts(self.clock)
        self.incidents = MemoryIncidents(self.accounts)
        self.profiles = MemoryProfiles(self.accounts)
        self.outbox = MemoryOutbox(self.incidents, self.accounts, self.clock)
        self.media = Media((EnabledMedium(slug="post", name="Post", medium=self.post),))
        self.dispatcher = Dispatcher(self.outbox, self.profiles, self.media)
        self.sender = Sender(self.outbox, self.media, Letterhead(), seconds=self.clock.seconds, chance=lambda: 0.5)
        known = KnownThresholds(self.profiles, self.clock)
        self.desk = NotificationService(self.outbox, self.incidents, self.profiles, self.media, self.clock, known)
        self.world = await make_world(self.incidents, self.accounts)
        self.service = IncidentService(self.incidents, self.accounts, self.clock)
        owner = self.world.person.id
        self.owner = Actor(id=owner, username="ola")
        async with self.profiles.begin(owner) as work:
            always = all_the_time(await work.new_id(), owner, "UTC")
            hours = Timeslot(id=await work.new_id(), owner=owner, name="h", zone="UTC", recurrences=recurrences or always.recurrences)
            filters = [
                SavedFilter(id=await work.new_id(), owner=owner, name=name, definition=definition)
                for name, definition in (("any", ANYTHING), ("asked", asked))
            ]
            places = [Destination(id=await work.new_id(), owner=owner, medium="post", settings={"to": name}) for name in ("desk", "boss")]
            self.at_once, self.waiting = [
                Profile(
                    id=await work.new_id(),
                    owner=owner,
                    name=place.settings["to"],
                    timeslot_id=slot.id,
                    filter_ids=(filter_.id,),
                    destination_ids=(place.id,),
                    escalate_after=after,
                )
                for place, slot, filter_, after in zip(places, (always, hours), filters, (None, QUARTER), strict=True)
            ]
            for thing in (always, hours, *filters, *places, self.at_once, self.waiting):
                await work.keep(thing)
        report = IncidentReport(start_time=NOON, level=Level.LOW)
        self.incident = (await self.service.report(report, actor=self.world.reporter)).incident
        return self

    async def pass_by(self, time):
        """Let time pass; whoever works does so every minute, and twice."""
        until = self.clock.now + time
        while self.clock.now <= until:
            for _ in range(2):
                await self.service.pass_time(cares=self.dispatcher.cares)
                while await self.dispatcher.decide(10):
                    pass
            while await self.sender.start() or self.sender.busy:
                await self.sender.one_done(5)
            self.clock.now += MINUTE
        self.clock.now = until

    def told(self, to="boss"):
        """What was told since this was asked last, in short."""
        told = [type_.value for place, type_ in self.post.sent if place == to]
        self.post.sent = [one for one in self.post.sent if one[0] != to]
        return told

    async def do(self, type_):
        await self.service.post(self.incident.id, type_, actor=self.world.person)
        await self.pass_by(MINUTE)

    async def ack(self, **fields):
        await self.service.acknowledge(self.incident.id, actor=self.world.person, **fields)
        await self.pass_by(MINUTE)


@pytest.fixture
async def site():
    return await Site().open()


async def test_what_nobody_acknowledges_is_told_once_and_then_its_end(site):
    await site.pass_by(14 * MINUTE)
    assert ([], ["STA"]) == (site.told(), site.told("desk"))

    await site.pass_by(timedelta(hours=2))
    assert (["escalation-due"], []) == (site.told(), site.told("desk"))

    await site.do(EventType.CLOSE)
    assert (["CLO"], ["CLO"]) == (site.told(), site.told("desk"))


async def test_what_is_acknowledged_or_over_in_time_is_not_told_at_all(site):
    await site.pass_by(10 * MINUTE)
    await site.ack()
    await site.pass_by(timedelta(hours=2))
    await site.do(EventType.CLOSE)

    assert ([], ["STA", "ACK", "CLO"]) == (site.told(), site.told("desk"))
    assert [] == await site.incidents.due_timers(NOON + timedelta(days=3650), 10)


async def test_each_time_it_is_left_alone_it_is_told(site):
    """
    Until somebody acknowledges; again when that expires, when a level rises that ended another, and when it is reopened.
    """
    await site.pass_by(20 * MINUTE)
    await site.ack(expiration=site.clock() + timedelta(hours=1))
    assert ["escalation-due", "ACK"] == site.told()
    await site.pass_by(timedelta(minutes=70))
    assert [] == site.told()
    await site.pass_by(QUARTER)
    assert ["escalation-due"] == site.told()

    await site.ack(until=Until.LEVEL_RISES)
    await site.pass_by(timedelta(hours=1))
    assert ["ACK"] == site.told()
    await site.service.edit(site.incident.id, Edit(level=Level.CRITICAL), actor=site.world.person)
    await site.pass_by(QUARTER + MINUTE)
    assert ["escalation-due"] == site.told()

    await site.do(EventType.CLOSE)
    await site.do(EventType.REOPEN)
    await site.do(EventType.CLOSE)
    assert ["CLO"] == site.told()
    await site.do(EventType.REOPEN)
    await site.pass_by(QUARTER + MINUTE)
    assert ["escalation-due"] == site.told()


async def test_an_expired_acknowledgement_is_told_once_to_those_who_hear_at_once(site):
    await site.ack(expiration=site.clock() + timedelta(hours=1))
    await site.ack(expiration=site.clock() + timedelta(hours=1))
    site.told("desk")

    await site.pass_by(timedelta(hours=2))

    assert ["ack-expired"] == site.told("desk")


async def test_filters_and_hours_are_judged_when_it_is_due():
    worse = await Site().open(FilterDefinition(max_level=2))
    await worse.pass_by(5 * MINUTE)
    await worse.service.edit(worse.incident.id, Edit(level=Level.HIGH), actor=worse.world.person)
    await worse.pass_by(20 * MINUTE)
    assert ["escalation-due"] == worse.told()

    same = await Site().open(FilterDefinition(max_level=2))
    await same.pass_by(timedelta(hours=1))
    assert [] == same.told()
    assert EventType.ESCALATION_DUE not in [event.type for event in await same.incidents.journal(same.incident.id)]

    never = await Site().open(recurrences=(Recurrence(days=frozenset()),))
    await never.pass_by(timedelta(hours=1))
    assert [] == never.told()


async def test_a_profile_that_is_changed_in_time_counts_as_it_is_then(site):
    await site.pass_by(5 * MINUTE)
    async with site.profiles.begin(site.owner.id) as work:
        await work.keep(replace(site.waiting, active=False))
    await site.pass_by(timedelta(hours=1))

    assert [] == site.told()


async def test_it_is_explained_why_nothing_is_told_yet_and_why_it_is(site):
    await site.pass_by(QUARTER - MINUTE)
    (start,) = await site.incidents.journal(site.incident.id)
    _, waiting = (await site.desk.explain(site.incident.id, start.id, site.owner)).verdicts
    assert (False, start.received + QUARTER) == (waiting.fired, waiting.waits_until)
    assert "It waits for 15 minutes, unless somebody acknowledges the incident or it ends." == waiting.escalation

    await site.pass_by(2 * MINUTE)
    await site.do(EventType.CLOSE)
    _, due, close = await site.incidents.journal(site.incident.id)
    for event, fired in ((start, [True, False]), (due, [False, True]), (close, [True, True])):
        explained = await site.desk.explain(site.incident.id, event.id, site.owner)
        assert fired == [verdict.fired for verdict in explained.verdicts]
        assert sum(fired) == len(explained.deliveries)


async def test_a_dry_run_tells_what_would_have_been_due(site):
    await site.pass_by(QUARTER)
    await site.do(EventType.CLOSE)

    run = await site.desk.dry_run(site.owner, site.waiting.id, 24)

    assert [EventType.CLOSE, EventType.ESCALATION_DUE] == [one.event.type for one in run.fired]


async def test_whoever_decides_late_loses_nothing_and_repeats_nothing(site):
    """
    Nobody works for an hour: the wait is over when somebody does.
    """
    site.clock.now += timedelta(hours=1)
    await site.pass_by(timedelta(hours=1))

    assert ["escalation-due"] == site.told()


async def test_a_clock_that_goes_back_takes_nothing_away(site):
    await site.pass_by(MINUTE)
    site.clock.now -= timedelta(hours=1)
    await site.pass_by(timedelta(minutes=70))
    assert [] == site.told()

    await site.pass_by(10 * MINUTE)

    assert ["escalation-due"] == site.told()


async def test_without_anybody_to_ask_every_escalation_is_noted(site):
    await site.dispatcher.decide(10)
    site.clock.now += QUARTER

    await site.service.pass_time()

    assert [EventType.START, EventType.ESCALATION_DUE] == [event.type for event in await site.incidents.journal(site.incident.id)]


async def test_a_clock_that_goes_back_while_it_is_looked_at_loses_no_timer(site):
    """
    What was due a moment ago is not any more, and is looked at again later.
    """
    await site.dispatcher.decide(10)
    early, due = NOON + MINUTE, NOON + QUARTER
    moments = iter([due, early])

    await replace(site.service, clock=lambda: next(moments)).pass_time()
    site.clock.now = due
    await site.pass_by(MINUTE)

    assert ["escalation-due"] == site.told()


async def test_a_dry_run_leaves_out_what_nobody_waits_for(site):
    """
    An escalation that does not match by then is not told.
    """
    async with site.profiles.begin(site.owner.id) as work:
        await work.keep(
            replace(next(one for one in work.belongings.filters if one.name == "asked"), definition=FilterDefinition(max_level=1))
        )
    site.clock.now += timedelta(hours=1)

    assert () == (await site.desk.dry_run(site.owner, site.waiting.id, 24)).fired


async def test_a_report_sets_no_timers_and_a_decision_one_for_each_delay(site):
    """
    However many profiles wait: a report costs what it does without them.
    """
    async with site.profiles.begin(site.owner.id) as work:
        for number in range(20):
            profile = replace(site.waiting, id=await work.new_id(), name=None, escalate_after=QUARTER if number % 2 else MINUTE)
            await work.keep(profile)
    before = await site.incidents.due_timers(NOON + QUARTER, 100)

    await site.dispatcher.decide(10)

    after = await site.incidents.due_timers(NOON + QUARTER, 100)
    assert ([], [60, 900]) == (before, [timer.subject_id for timer in after])

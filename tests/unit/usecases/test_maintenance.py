"""Maintenance from the plan to the roundup, over the stores in dicts."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.conformance import make_world
from argus_core.domain.actors import Actor
from argus_core.domain.audit import AuditQuery, Origin
from argus_core.domain.deliveries import DeliveryStatus
from argus_core.domain.destinations import Destination
from argus_core.domain.errors import Invalid, NotAllowed, NotAllowedNow, NotFound
from argus_core.domain.expressions import parse
from argus_core.domain.incidents import EventType
from argus_core.domain.maintenance import SETTLING
from argus_core.domain.profiles import Profile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import all_the_time
from argus_core.memory import MemoryAccounts, MemoryIncidents, MemoryProfiles
from argus_core.memory.audit import MemoryAudit
from argus_core.memory.outbox import MemoryOutbox
from argus_core.ports.media import EnabledMedium, Media
from argus_core.usecases.dispatch import Dispatcher
from argus_core.usecases.flapping import KnownThresholds
from argus_core.usecases.incidents import IncidentService
from argus_core.usecases.maintenance import MaintenanceService
from argus_core.usecases.notifications import NotificationService
from argus_core.usecases.sending import NOTHING_LEFT, Letterhead, Sender
from calm import NOON, Clock, Post

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
LEVEL_AT_MOST_5 = FilterDefinition(max_level=5)


@dataclass
class Site:
    """Somebody who wants to hear of everything, and staff that plans maintenance."""

    clock: Clock = field(default_factory=Clock)
    post: Post = field(default_factory=Post)

    def __post_init__(self):
        self.accounts = MemoryAccounts(self.clock)
        self.incidents = MemoryIncidents(self.accounts)
        self.profiles = MemoryProfiles(self.accounts)
        self.outbox = MemoryOutbox(self.incidents, self.accounts, self.clock)
        self.media = Media((EnabledMedium(slug="post", name="Post", medium=self.post),))
        self.dispatcher = Dispatcher(self.outbox, self.profiles, self.media)
        self.sender = Sender(self.outbox, self.media, Letterhead(), seconds=self.clock.seconds, chance=lambda: 0.5)
        known = KnownThresholds(self.profiles, self.clock)
        self.desk = NotificationService(self.outbox, self.incidents, self.profiles, self.media, self.clock, known)
        self.plans = MaintenanceService(self.profiles, self.outbox, self.media, self.clock)

    async def open(self, definition=LEVEL_AT_MOST_5, **planned):
        self.world = await make_world(self.incidents, self.accounts)
        self.service = IncidentService(self.incidents, self.accounts, self.clock)
        owner = self.world.person.id
        self.staff = Actor(id=owner, username="stan", staff=True)
        async with self.profiles.begin(owner) as work:
            slot = all_the_time(await work.new_id(), owner, "UTC")
            self.everything, self.filter = [
                SavedFilter(id=await work.new_id(), owner=owner, name=name, definition=asked)
                for name, asked in (("all", LEVEL_AT_MOST_5), ("planned", definition))
            ]
            place = Destination(id=await work.new_id(), owner=owner, medium="post", settings={"to": "a"})
            self.profile = Profile(
                id=await work.new_id(),
                owner=owner,
                name="P",
                timeslot_id=slot.id,
                filter_ids=(self.everything.id,),
                destination_ids=(place.id,),
            )
            for thing in (slot, self.everything, self.filter, place, self.profile):
                await work.keep(thing)
        self.planned = await self.plan(**{"start": NOON, "end": NOON + HOUR, **planned})
        return self

    async def plan(self, actor=None, **planned):
        return await self.plans.plan(actor or self.staff, **{"filter_ids": [self.filter.id], "start": NOON, "end": None, **planned})

    async def report(self, **fields):
        return await self.world.report(**fields)

    async def act(self, incident_id, type_):
        """Somebody does something, if that is allowed now."""
        with suppress(NotAllowedNow):
            await self.service.post(incident_id, type_, actor=self.world.person)

    async def decide(self):
        while await self.dispatcher.decide(10):
            pass

    async def finish(self):
        """Decide and send all there is, and round up what is over."""
        await self.decide()
        ordered = await self.plans.round_up()
        while await self.sender.start() or self.sender.busy:
            await self.sender.one_done(5)
        return ordered

    async def statuses(self, incident):
        return [one.status for one in reversed(await self.outbox.of_incident(incident.id))]

    @property
    def roundups(self):
        return [notification for _, notification in self.post.sent if notification.roundup]

    @property
    def told(self):
        return [event.type for _, notification in self.post.sent for event in notification.events]


@pytest.fixture
async def site():
    return await Site().open()


def at(site, moment):
    """World's own service has the real clock, so reports are made by one that has this one."""
    site.clock.now = moment
    object.__setattr__(site.world, "service", site.service)


async def test_while_it_runs_nobody_is_told_and_at_its_end_everybody_once(site):
    at(site, NOON)
    incident = await site.report(description="Router down")
    before = await site.finish()
    site.clock.now = NOON + HOUR + SETTLING

    assert [0, 1, 0] == [before, await site.finish(), await site.finish()]
    assert [DeliveryStatus.SUPPRESSED] == await site.statuses(incident)
    (roundup,) = site.roundups
    assert "1 still open" in roundup.subject
    assert "Router down" in roundup.text
    assert "- P" in roundup.text


async def test_a_roundup_of_what_is_gone_says_so_instead_of_telling_nothing(site, monkeypatch):
    at(site, NOON)
    await site.report()
    await site.decide()
    site.clock.now = NOON + HOUR + SETTLING
    monkeypatch.setattr(site.outbox, "_shown", lambda _: [])

    await site.finish()

    (roundup, *_) = await site.outbox.listed()
    assert ([], DeliveryStatus.WAITING, [NOTHING_LEFT]) == (site.roundups, roundup.status, [one.answer for one in roundup.attempts])


async def test_it_waits_until_everything_is_decided(site):
    at(site, NOON)
    await site.report()
    await site.decide()
    at(site, NOON + HOUR - SETTLING)
    await site.report()
    site.clock.now = NOON + 2 * HOUR

    assert [0, 1] == [await site.plans.round_up(), await site.finish()]
    assert 2 == site.roundups[0].text.count("- [")


async def test_an_end_is_told_to_whoever_was_told_of_the_start(site):
    at(site, NOON - HOUR)
    known, cut = await site.report(), await site.report()
    await site.finish()
    at(site, NOON + HOUR / 2)
    new = await site.report()
    await site.finish()
    for incident in (known, new):
        await site.act(incident.id, EventType.CLOSE)
        await site.finish()
    await site.act(cut.id, EventType.OTHER)
    await site.finish()

    assert [EventType.START] * 2 + [EventType.CLOSE] == site.told
    assert [[DeliveryStatus.SENT] * 2, [DeliveryStatus.SUPPRESSED] * 2] == [await site.statuses(one) for one in (known, new)]
    assert [DeliveryStatus.SENT, DeliveryStatus.SUPPRESSED] == await site.statuses(cut)


async def test_what_ends_later_is_told_as_ever(site):
    at(site, NOON)
    incident = await site.report()
    await site.finish()
    at(site, NOON + 2 * HOUR)
    await site.finish()
    await site.act(incident.id, EventType.CLOSE)
    await site.finish()

    assert [EventType.CLOSE] == site.told
    assert 1 == len(site.roundups)


async def test_filters_may_read_texts():
    site = await Site().open(FilterDefinition(expression=parse({"text": "drill"})))
    at(site, NOON)
    await site.report(description="This is a drill")
    await site.report(description="This is none")
    await site.finish()
    dry = await site.desk.dry_run(site.staff, site.profile.id, 1)

    assert [EventType.START] == site.told
    assert (1, 1) == (len(dry.fired), dry.kept_back)


async def test_explanations_and_dry_runs_know_it(site):
    at(site, NOON - HOUR)
    known = await site.report()
    at(site, NOON)
    new = await site.report()
    for incident in (known, new):
        await site.act(incident.id, EventType.CLOSE)
    await site.finish()

    explained = [
        [(await site.desk.explain(one.id, event.id, site.staff)).maintenance for event in await site.incidents.journal(one.id)]
        for one in (known, new)
    ]
    dry = await site.desk.dry_run(site.staff, site.profile.id, 2)

    assert [[None, site.planned], [site.planned, site.planned]] == explained
    assert ([(known.id, EventType.CLOSE), (known.id, EventType.START)], 2) == (
        [(one.incident.id, one.event.type) for one in dry.fired],
        dry.kept_back,
    )


async def test_edits_count_at_once(site):
    at(site, NOON)
    await site.report()
    await site.decide()
    await site.plans.change(site.staff, site.planned.id, lambda present: present, [site.everything.id])
    changed = await site.plans.one(site.planned.id)
    await site.plans.cancel(site.staff, site.planned.id)
    await site.report()
    at(site, NOON + SETTLING)
    await site.finish()

    assert [site.everything] == list(changed.filters)
    assert ([EventType.START], 1) == (site.told, len(site.roundups))


async def test_what_is_called_off_is_rounded_up(site):
    at(site, NOON + HOUR / 2)
    await site.report()
    await site.decide()
    await site.plans.cancel(site.staff, site.planned.id)
    site.clock.now += SETTLING
    await site.finish()

    assert 1 == len(site.roundups)


async def test_what_nobody_knows_any_more_is_rounded_up_too(site):
    """
    Clocks of processes differ: what one has kept back another may have taken for something that had not begun.
    """
    at(site, NOON)
    await site.report()
    await site.decide()
    site.clock.now = NOON - SETTLING
    await site.plans.cancel(site.staff, site.planned.id)
    site.clock.now = NOON + SETTLING
    await site.finish()

    assert [f"Planned maintenance {site.planned.id} is over: 1 still open"] == [one.subject for one in site.roundups]


async def test_only_staff_plans_and_everything_is_noted(site):
    origin = Origin(username="stan", address="192.0.2.1")
    service, later = site.plans.seen_from(origin), await site.plan(start=NOON + HOUR)
    await service.change(site.staff, later.id, lambda present: present)
    await service.cancel(site.staff, later.id)
    person = site.world.person

    for act in (
        lambda: site.plan(person),
        lambda: service.change(person, later.id, lambda present: present),
        lambda: service.cancel(person, later.id),
    ):
        with pytest.raises(NotAllowed):
            await act()
    with pytest.raises(NotFound):
        await service.cancel(site.staff, later.id)
    with pytest.raises(Invalid):
        await site.plan(filter_ids=[99])
    records = await MemoryAudit(site.accounts).page(AuditQuery(about=f"planned maintenance {later.id}"), 10)
    assert ["maintenance.cancel", "maintenance.change", "maintenance.plan"] == [one.entry.deed.value for one in records]
    assert origin == records[0].entry.origin
    assert [site.planned] == list(await site.plans.all())


async def test_it_cannot_be_dropped_twice_at_once(site):
    """
    Whoever is slower finds nothing.
    """
    later = await site.plan(start=NOON + HOUR)
    found = await site.plans.one(later.id)
    await site.plans.cancel(site.staff, later.id)
    blind = MaintenanceService(_Remembering(site.profiles, found), site.outbox, site.media, site.clock)

    with pytest.raises(NotFound):
        await blind.cancel(site.staff, later.id)


class _Remembering:
    """Profiles of which somebody read what has gone since."""

    def __init__(self, profiles, found):
        self.begin, self._found = profiles.begin, found

    async def maintenances(self):
        return [self._found]


KINDS = {"close": EventType.CLOSE, "reopen": EventType.REOPEN, "note": EventType.OTHER}
acts = st.lists(
    st.tuples(st.sampled_from(["report", "report", "moment", *KINDS]), st.integers(0, 5), st.integers(0, 40), st.booleans()), max_size=14
)


@given(acts, st.integers(0, 120), st.integers(1, 60))
def test_a_roundup_is_what_the_journal_says(acts, begins, minutes):
    """
    All that was to be told is told once: by itself or in the one roundup, which shows each incident as the journal leaves it.
    """
    start = NOON + timedelta(minutes=begins)
    asyncio.run(check_that_a_roundup_is_true(acts, start, start + timedelta(minutes=minutes)))


async def check_that_a_roundup_is_true(acts, start, end):
    site = await Site().open(start=start, end=end)
    at(site, NOON)
    incidents = []
    for act, which, minutes, works in acts:
        # What happens is decided about at some time, but a roundup comes only when nothing happens any more.
        site.clock.now += timedelta(minutes=minutes)
        if act in ("report", "moment"):
            incidents.append((await site.report(stateful=act == "report")).id)
        elif incidents:
            await site.act(incidents[which % len(incidents)], KINDS[act])
        if works:
            await site.decide()
    site.clock.now = max(site.clock.now, end) + HOUR
    await site.finish()

    ledger = [one for id_ in incidents for one in await site.outbox.of_incident(id_)]
    kept = [one for one in ledger if one.status is DeliveryStatus.SUPPRESSED]
    told = {event.id for _, notification in site.post.sent for event in notification.events}
    journal = {event.id for id_ in incidents for event in await site.incidents.journal(id_)}
    assert journal == {one.event_id for one in kept} | told
    assert not {one.event_id for one in kept} & told
    assert [bool(kept)] == [bool(site.roundups)]
    assert {one.merged_into for one in kept} == {int(roundup.id.partition(".")[0]) for roundup in site.roundups}
    present = [await site.incidents.get(id_) for id_ in sorted({one.incident_id for one in kept})]
    counts = {
        "Still open": sum(one.is_open(site.clock.now) for one in present),
        "Resolved": sum(one.stateful and not one.is_open(site.clock.now) for one in present),
        "Without an end": sum(not one.stateful for one in present),
    }
    assert [f"{name} ({count}):" for name, count in counts.items() if count] == [
        line for roundup in site.roundups for line in roundup.text.splitlines() if line.endswith("):")
    ]

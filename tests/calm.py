"""Somebody who wants to hear of everything, over the stores in dicts, with a clock that goes on when it is told to."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from argus_core.conformance import make_world
from argus_core.domain.destinations import Destination
from argus_core.domain.errors import NotAllowedNow
from argus_core.domain.profiles import Profile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import all_the_time
from argus_core.memory import MemoryAccounts, MemoryIncidents, MemoryProfiles
from argus_core.memory.outbox import MemoryOutbox
from argus_core.ports.media import EnabledMedium, Media
from argus_core.usecases.dispatch import Dispatcher
from argus_core.usecases.flapping import KnownThresholds
from argus_core.usecases.incidents import IncidentService
from argus_core.usecases.notifications import NotificationService
from argus_core.usecases.roundups import RoundupService
from argus_core.usecases.sending import Letterhead, Sender

NOON = datetime(2030, 3, 3, 12, tzinfo=UTC)
EVERYTHING = FilterDefinition(max_level=5)


class Clock:
    """Goes on when it is told to."""

    now = NOON

    def __call__(self):
        return self.now

    def seconds(self):
        return self.now.timestamp()


class Post:
    """Keeps what it is given."""

    def __init__(self):
        self.sent = []

    def label(self, settings):
        return settings["to"]

    async def send(self, notification, settings):
        self.sent.append((settings["to"], notification))


@dataclass
class Quiet:
    """Whoever wants to hear has one destination, and profiles as they are asked for."""

    budget: object = None
    threshold: object = None
    clock: Clock = field(default_factory=Clock)
    post: Post = field(default_factory=Post)

    async def open(self, *profiles):
        """Ready, with a profile for each of these sets of fields."""
        self.accounts = MemoryAccounts(self.clock)
        self.incidents = MemoryIncidents(self.accounts)
        self.profiles = MemoryProfiles(self.accounts)
        self.outbox = MemoryOutbox(self.incidents, self.accounts, self.clock)
        self.media = Media((EnabledMedium(slug="post", name="Post", medium=self.post),))
        self.dispatcher = Dispatcher(self.outbox, self.profiles, self.media, flapping=self.threshold)
        letterhead = Letterhead()
        self.sender = Sender(self.outbox, self.media, letterhead, seconds=self.clock.seconds, chance=lambda: 0.5, budget=self.budget)
        self.thresholds = KnownThresholds(self.profiles, self.clock, self.threshold)
        self.desk = NotificationService(
            self.outbox, self.incidents, self.profiles, self.media, self.clock, self.thresholds, budget=self.budget
        )
        self.roundups = RoundupService(self.outbox, self.profiles, self.media)
        world = await make_world(self.incidents, self.accounts)
        self.service = IncidentService(self.incidents, self.accounts, self.clock)
        self.world = replace(world, service=self.service)
        owner = self.world.person.id
        self.made = []
        async with self.profiles.begin(owner) as work:
            slot = all_the_time(await work.new_id(), owner, "UTC")
            place = Destination(id=await work.new_id(), owner=owner, medium="post", settings={"to": "a"})
            for thing in (slot, place):
                await work.keep(thing)
            for number, fields in enumerate(profiles or [{}]):
                filter_ = SavedFilter(id=await work.new_id(), owner=owner, name=f"F{number}", definition=EVERYTHING)
                profile = Profile(
                    id=await work.new_id(),
                    owner=owner,
                    name=f"P{number}",
                    timeslot_id=slot.id,
                    filter_ids=(filter_.id,),
                    destination_ids=(place.id,),
                )
                self.made.append(replace(profile, **fields))
                for thing in (filter_, self.made[-1]):
                    await work.keep(thing)
        return self

    async def report(self, **fields):
        return await self.world.report(**{"start_time": self.clock.now, **fields})

    async def act(self, incident_id, type_):
        """Somebody does something, if that is allowed now."""
        with suppress(NotAllowedNow):
            await self.service.post(incident_id, type_, actor=self.world.person)

    async def work(self):
        """Do all that is due now, as the worker does."""
        while await self.dispatcher.decide(10):
            pass
        await self.roundups.round_up()
        while await self.sender.start() or self.sender.busy:
            await self.sender.one_done(5)

    async def ledger(self, *incident_ids):
        """The deliveries of these incidents, oldest first."""
        return [one for id_ in incident_ids for one in reversed(await self.outbox.of_incident(id_))]

    @property
    def told(self):
        """What arrived, in order: a number of an incident with its event types, or the numbers in a roundup."""
        return [
            notification.subject if notification.roundup else (notification.incident.id, [event.type for event in notification.events])
            for _, notification in self.post.sent
        ]

    @property
    def rounded_up(self):
        return [notification for _, notification in self.post.sent if notification.roundup]

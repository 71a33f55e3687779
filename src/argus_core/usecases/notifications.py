"""Look at notifications: what became of them, why somebody is told or not, and what would have been told."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from argus_core.domain.actors import Actor
from argus_core.domain.audit import ITSELF, Deed, Entry, Origin
from argus_core.domain.budgets import Budget
from argus_core.domain.calendars import Calendar
from argus_core.domain.decisions import Verdict, fires, judge
from argus_core.domain.deliveries import Delivery, DeliveryStatus
from argus_core.domain.destinations import Destination
from argus_core.domain.digests import Digest
from argus_core.domain.errors import Invalid, NotFound
from argus_core.domain.escalation import rehearsed
from argus_core.domain.filters import reads_texts
from argus_core.domain.flapping import FlapKey, flap_key, key_of
from argus_core.domain.ids import DeliveryId, DestinationId, EventId, IncidentId, ProfileId, SourceId, UserId
from argus_core.domain.incidents import Event, EventType, Happening, Incident, Level, fold
from argus_core.domain.maintenance import Maintenance, ends
from argus_core.domain.permissions import Act, confined_to, keeping, require, require_within
from argus_core.domain.profiles import Profile, WholeProfile
from argus_core.ports.clock import Clock
from argus_core.ports.incidents import IncidentRow, Incidents
from argus_core.ports.media import Media
from argus_core.ports.outbox import Note, Outbox, Setback
from argus_core.ports.profiles import Profiles
from argus_core.usecases.dispatch import routes_of, trial_of
from argus_core.usecases.flapping import KnownThresholds

MOST_HOURS = 24 * 7
DROPPED = "An operator has taken it away."
MOST_TESTS = 10
TESTED_WITHIN = timedelta(minutes=5)
"""Whoever has ordered so many test messages within this time has to wait."""

MOST_LISTED = 200
"""So many deliveries of one user are looked at, at least, for those that are asked for by id."""

PORTION = 500
"""So many deliveries are read at a time when all are."""

MOST_EVENTS = 20_000
"""A dry run looks at no more events than this, the newest ones."""


@dataclass(frozen=True, slots=True)
class Explained:
    """
    An event, what each profile of somebody says of it, and the deliveries that they got of it.

    The `maintenance`, if any, keeps it back from those to whom nothing else was told of the incident.
    """

    event: Event
    verdicts: tuple[Verdict, ...]
    deliveries: tuple[Delivery, ...]
    maintenance: Maintenance | None = None


@dataclass(frozen=True, slots=True)
class DryRun:
    """
    The events since then for which a profile would have fired, newest first; not `complete` if older ones were not looked at.

    An escalation is there with the id of the event with which the wait for it began.
    Those that planned maintenance keeps back are not among them; it is said how many `kept_back` there are. Of those that fired so many are
    `above_budget`, if nothing else goes to the same destinations: these would be told in roundups. With a `digest` all would be in one.
    """

    since: datetime
    fired: tuple[Happening, ...]
    looked_at: int
    complete: bool
    kept_back: int = 0
    above_budget: int = 0
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class NotificationService:
    """What people may know about notifications: their own, and staff everybody's. Every method may raise `Unavailable`."""

    outbox: Outbox
    incidents: Incidents
    profiles: Profiles
    media: Media
    clock: Clock
    thresholds: KnownThresholds
    sends: bool = True
    own_only: bool = False
    origin: Origin = ITSELF
    budget: Budget | None = None

    def seen_from(self, origin: Origin) -> "NotificationService":
        """The same, on behalf of somebody: whom the audit log names for what is retried or dropped."""
        return replace(self, origin=origin)

    async def of_incident(self, incident_id: IncidentId, actor: Actor) -> Sequence[Delivery]:
        """
        What became of the notifications about an incident, newest first.

        Raises:
            NotFound: there is no such incident.
        """
        row = await self.incidents.row(incident_id)
        require_within(confined_to(actor, own_only=self.own_only), row.source_id)
        everybodys = actor.administers
        return self._told(await self.outbox.of_incident(incident_id, None if everybodys else actor.id))

    async def explain(self, incident_id: IncidentId, event_id: EventId, by: Actor, of: UserId | None = None) -> Explained:
        """
        Why a user's profiles, as they are now, fire for an event or not. It is asked `by` that user, or by staff `of` another one.

        Raises:
            NotFound: the incident has no such event.
            NotAllowed: only staff may ask of others.
        """
        owner = by.id if of is None else of
        if owner != by.id:
            require(by, Act.ADMINISTER)
        incident = await self.incidents.get(incident_id)
        require_within(confined_to(by, own_only=self.own_only), incident.source.id)
        journal = await self.incidents.journal(incident_id)
        event = next((event for event in journal if event.id == event_id), None)
        if event is None:
            raise NotFound("No Event matches the given query.")
        until = journal[: event.version]
        happening = Happening(fold(until, incident.source), event)
        texts = [event.description for event in until]
        belongings = await self.profiles.belongings(owner)
        all_got = await self.outbox.of_incident(incident_id, owner)
        last = _told_last(all_got, journal, event.version)
        verdicts = tuple(judge(belongings.whole(one), happening, texts, last.get(one.id)) for one in belongings.profiles)
        got = [delivery for delivery in all_got if delivery.event_id == event_id]
        maintenance = Calendar(await self.profiles.maintenances()).keeping_back(happening, texts)
        return Explained(event, verdicts, tuple(self._told(got)), maintenance)

    async def dry_run(self, owner: Actor, profile_id: ProfileId, hours: int) -> DryRun:
        """
        What a profile would have told in the last hours, were it as it is now and active.

        Raises:
            NotFound: the user has no such profile.
            Invalid: under `hours`.
        """
        if not 1 <= hours <= MOST_HOURS:
            raise Invalid({"hours": f"Ensure this value lies between 1 and {MOST_HOURS}."})
        belongings = await self.profiles.belongings(owner.id)
        whole = belongings.whole(belongings.profile(profile_id))
        active = replace(whole, profile=replace(whole.profile, active=True))
        since = self.clock() - timedelta(hours=hours)
        everything = await self.outbox.happened(since, MOST_EVENTS)
        confines = confined_to(owner, own_only=self.own_only)
        happened = [one for one in everything if confines is None or one.incident.source.id == confines.id]
        calendar = Calendar(await self.profiles.maintenances())
        condition = active.condition
        reads = calendar.reads_texts or (condition is not None and reads_texts(condition))
        texts = await self.outbox.texts(sorted({happening.incident.id for happening in happened})) if reads else {}
        until = {one.event.id: texts.get(one.incident.id, ())[: one.event.version] for one in happened}
        if active.profile.escalate_after is None:
            fired = [happening for happening in happened if fires(active, happening, until[happening.event.id])]
        else:
            fired = _rehearsed(active, happened, until, self.clock())
        told = _not_kept_back(calendar, fired, until)
        counted = [happening.event.received for happening in reversed(told) if happening.incident.level is not Level.CRITICAL]
        digest = active.profile.digest
        above = 0 if self.budget is None or digest is not None else self.budget.above(counted)
        return DryRun(since, told, len(happened), len(everything) < MOST_EVENTS, len(fired) - len(told), above, digest)

    async def test(self, owner: Actor, profile_id: ProfileId) -> Sequence[Delivery]:
        """
        Send a marked message to each destination of a profile, by the way of all others; what waits now, in the order of destinations.

        Raises:
            NotFound: the user has no such profile.
            Invalid: it has no destinations.
            TooOften: the user has to wait.
            ScopeTooNarrow: the token is not good for that.
        """
        belongings = await self.profiles.belongings(keeping(owner))
        whole = belongings.whole(belongings.profile(profile_id))
        if not whole.destinations:
            raise Invalid({"destinations": "This profile has no destinations to test."})
        return await self._test(owner, whole.destinations, (whole.profile,))

    async def test_destination(self, owner: Actor, destination_id: DestinationId) -> Sequence[Delivery]:
        """
        Send a marked message to one destination, whatever profiles lead to it; what waits now.

        Raises:
            NotFound: the user has no such destination.
            TooOften: the user has to wait.
            ScopeTooNarrow: the token is not good for that.
        """
        belongings = await self.profiles.belongings(keeping(owner))
        return await self._test(owner, [belongings.destination(destination_id)], ())

    async def own(self, owner: Actor, delivery_ids: Collection[DeliveryId]) -> Sequence[Delivery]:
        """Those of these deliveries that go to this user and are among the latest, in the order in which they were decided."""
        listed = await self.outbox.listed(owner=owner.id, most=max(MOST_LISTED, 10 * len(delivery_ids)))
        return self._told(sorted((delivery for delivery in listed if delivery.id in delivery_ids), key=lambda delivery: delivery.id))

    async def _test(self, owner: Actor, destinations: Sequence[Destination], profiles: tuple[Profile, ...]) -> Sequence[Delivery]:
        trials = [trial_of(self.media, destination, profiles, sends=self.sends) for destination in destinations]
        return await self.own(owner, await self.outbox.order_tests(trials, MOST_TESTS, TESTED_WITHIN))

    async def listed(
        self,
        status: DeliveryStatus | None = None,
        owner: UserId | None = None,
        most: int = 100,
        before: DeliveryId | None = None,
        incident_id: IncidentId | None = None,
    ) -> Sequence[Delivery]:
        """Deliveries, newest first: of everybody or one owner, about everything or one incident."""
        return self._told(await self.outbox.listed(status, owner, most, before, incident_id))

    async def all_listed(
        self, status: DeliveryStatus | None = None, owner: UserId | None = None, incident_id: IncidentId | None = None
    ) -> AsyncIterator[Sequence[Delivery]]:
        """All of these, newest first, some at a time, without holding them all at once."""
        before: DeliveryId | None = None
        while portion := await self.listed(status, owner, PORTION, before, incident_id):
            yield portion
            before = portion[-1].id

    async def flapping(self, rows: Sequence[IncidentRow]) -> Collection[IncidentId]:
        """Which of these incidents open and end again and again, so that what happens to them is told when it is quiet."""
        return await self._flapping({row.id: (row.source_id, key_of(row.id, row.source_id, row.tags)) for row in rows})

    async def flaps(self, incident: Incident) -> bool:
        """Whether this one does."""
        return bool(await self._flapping({incident.id: (incident.source.id, flap_key(incident))}))

    async def _flapping(self, keys: Mapping[IncidentId, tuple[SourceId, FlapKey]]) -> Collection[IncidentId]:
        thresholds = await self.thresholds.get()
        may = {id_: key for id_, (source_id, key) in keys.items() if thresholds.of(source_id) is not None}
        marked = await self.outbox.flapping(sorted(set(may.values()))) if may else frozenset()
        return {id_ for id_, key in may.items() if key in marked}

    async def stuck(self, most: int) -> Sequence[Setback]:
        """Events about which nobody can decide, and why; their incidents wait, and nobody else."""
        return await self.outbox.aside(most)

    async def retry(self, delivery_ids: Sequence[DeliveryId]) -> Sequence[DeliveryId]:
        """Let deliveries be tried at once that wait, or were given up, dropped or not sent; gives those that wait now."""
        return await self.outbox.retry(delivery_ids, await routes_of(self.profiles, self.media), self._noting(Deed.DELIVERY_RETRY))

    async def drop(self, delivery_ids: Sequence[DeliveryId]) -> Sequence[DeliveryId]:
        """Take waiting deliveries away that nobody is sending right now; gives those that are gone."""
        return await self.outbox.drop(delivery_ids, DROPPED, self._noting(Deed.DELIVERY_DROP))

    def _noting(self, deed: Deed) -> Note:
        return lambda delivery_id: Entry(deed=deed, about=f"delivery {delivery_id}", origin=self.origin)

    def _told(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """The same; of what waits it is said what it waits for, if that is known."""
        return [replace(delivery, reason=self._why_waiting(delivery)) for delivery in deliveries]

    def _why_waiting(self, delivery: Delivery) -> str:
        if delivery.status is not DeliveryStatus.WAITING:
            return delivery.reason
        why = self.media.why_waits(delivery.medium)
        if why or not delivery.attempts:
            return why
        return f"It will be tried again: {delivery.attempts[-1].answer}"


def _told_last(deliveries: Sequence[Delivery], journal: Sequence[Event], version: int) -> Mapping[ProfileId, EventType]:
    """What each profile told last of an incident before this version, at whatever destination."""
    earlier = [one for one in deliveries if 0 < one.version < version and not one.is_kept_back]
    earlier.sort(key=lambda one: one.version)
    return {asking.id: journal[one.version - 1].type for one in earlier for asking in one.profiles}


def _rehearsed(
    profile: WholeProfile, happened: Sequence[Happening], texts: Mapping[EventId, Sequence[str]], now: datetime
) -> list[Happening]:
    """What an escalating profile would have told, newest first."""
    of: dict[IncidentId, list[Happening]] = {}
    for one in reversed(happened):
        of.setdefault(one.incident.id, []).append(one)

    def judged(happening: Happening, last: EventType | None) -> bool:
        return fires(profile, happening, texts[happening.event.id], last)

    fired = [one for events in of.values() for one in rehearsed(profile.profile, events, now, judged)]
    return sorted(fired, key=lambda one: (one.event.received, one.event.id), reverse=True)


def _not_kept_back(calendar: Calendar, fired: Sequence[Happening], texts: Mapping[EventId, Sequence[str]]) -> tuple[Happening, ...]:
    """Those, newest first, that no maintenance keeps back: an end is told when anything was told of the incident before."""
    told: list[Happening] = []
    known: set[IncidentId] = set()
    for happening in reversed(fired):
        id_ = happening.incident.id
        if (id_ in known and ends(happening)) or not calendar.keeping_back(happening, texts[happening.event.id]):
            known.add(id_)
            told.append(happening)
    return tuple(reversed(told))

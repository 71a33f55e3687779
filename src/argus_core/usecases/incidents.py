"""Report, change and close incidents. Whoever only reads asks the journal itself."""

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, assert_never

from argus_core.domain import transitions
from argus_core.domain.actors import Actor, Person
from argus_core.domain.errors import (
    DomainError,
    DuplicateIncident,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
    said,
)
from argus_core.domain.ids import EventId, IncidentId, SourceId, TokenId
from argus_core.domain.incidents import Event, EventType, Happening, Incident, Until, born, fold
from argus_core.domain.permissions import Act, confined_to, require, require_scope, require_within
from argus_core.domain.sources import Source
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Change, Edit, EventIds, IncidentReport, Timer, TimerKind
from argus_core.ports.accounts import Accounts
from argus_core.ports.clock import Clock
from argus_core.ports.incidents import Appended, Decide, Incidents
from argus_core.ports.room import Room

ATTEMPTS = 3
"""So often is a change decided on what was read without a lock; then the incident is locked."""

Cares: TypeAlias = Callable[[Happening, Sequence[str]], Awaitable[bool]]
"""Whether anybody waits for an escalation; the texts are those of all events up to it."""

_log = logging.getLogger("argus.incidents")


async def everybody(_happening: Happening, _texts: Sequence[str]) -> bool:
    """Note every escalation that is due, whoever waits for it."""
    return True


@dataclass(frozen=True, slots=True)
class History:
    """An incident, and every event that led to it, oldest first."""

    incident: Incident
    events: Sequence[Event]

    def until(self, version: int) -> "History":
        """The same as of that version; of the first one at least, and of the last one at most."""
        events = self.events[: max(version, 1)]
        return History(fold(events, self.incident.source), events)

    def states(self) -> Iterator[Incident]:
        """The incident as it was after each of its events."""
        incident = born(self.events[0], self.incident.source)
        yield incident
        for event in self.events[1:]:
            incident = incident.after(event)
            yield incident


@dataclass(frozen=True, slots=True)
class IncidentService:
    """
    What actors do to incidents, one method each.

    `warrant` is the token on whose behalf something is done; the store refuses the change when it is no longer live. With `own_only`,
    sources find incidents of their own only. Every method may raise `Unauthenticated` and `Unavailable`, those that take an incident's id
    `NotFound`, those that take an actor `ScopeTooNarrow`, those that take it from a source `NoRoom`, and what the transition refuses.
    """

    incidents: Incidents
    accounts: Accounts
    clock: Clock
    own_only: bool = False
    room: Room = lambda: None

    async def report(
        self,
        report: IncidentReport,
        *,
        actor: Actor,
        names_source: bool = False,
        source_id: SourceId | None = None,
        warrant: TokenId | None = None,
    ) -> Change:
        """
        Begin an incident of the actor's own source, or of the one a superuser names.

        Raises:
            Invalid: a field is not acceptable.
            MayNotNameSource, OnlySourcesReport: this actor may not.
            DuplicateIncident: the source has reported this `source_incident_id` before.
        """
        require_scope(actor, Act.REPORT)
        self.room()
        if names_source or actor.source is None:
            transitions.check_report(report)  # what is wrong with it is said before who may not report
        source, reporter = await self._source_for(actor, source_id, names_source=names_source)
        incident_id = (await self.incidents.incident_ids(1))[0]
        event_id = next(await self.incidents.event_ids(1))
        change = transitions.start(
            report, source=source, reporter=reporter, poster=actor, incident_id=incident_id, event_id=event_id, now=self.clock()
        )
        outcome = await self.incidents.append(change, warrant=warrant)
        match outcome:
            case Appended.STORED:
                return change
            case Appended.DUPLICATE_KEY:
                raise DuplicateIncident
            case Appended.UNAUTHENTICATED:
                raise Unauthenticated
            case Appended.CONFLICT:
                raise Unavailable(f"The id {incident_id} was given twice.")
            case _:
                assert_never(outcome)

    async def post(
        self,
        incident_id: IncidentId,
        type_: EventType,
        *,
        actor: Actor,
        at: datetime | None = None,
        why: str = "",
        warrant: TokenId | None = None,
    ) -> Change:
        """Post an event; without `at` it happens now."""
        return await self._change(incident_id, Act.POST, actor, _posting(type_, actor, at, why), warrant)

    async def post_to_each(
        self,
        incident_ids: Sequence[IncidentId],
        type_: EventType,
        *,
        actor: Actor,
        at: datetime | None = None,
        why: str = "",
        warrant: TokenId | None = None,
    ) -> Sequence[Change | DomainError | None]:
        """Post the same event to several incidents: for each a change, a refusal, or None where there is no such incident."""
        return await self._change_each(incident_ids, Act.POST, actor, _posting(type_, actor, at, why), warrant)

    async def acknowledge(
        self,
        incident_id: IncidentId,
        *,
        actor: Actor,
        at: datetime | None = None,
        why: str = "",
        expiration: datetime | None = None,
        until: Until | None = None,
        warrant: TokenId | None = None,
    ) -> Change:
        """Acknowledge an incident; without `at` it happens now, without `expiration` and `until` it holds for good."""
        return await self._change(incident_id, Act.ACKNOWLEDGE, actor, _acknowledging(actor, at, why, expiration, until), warrant)

    async def acknowledge_each(
        self,
        incident_ids: Sequence[IncidentId],
        *,
        actor: Actor,
        at: datetime | None = None,
        why: str = "",
        expiration: datetime | None = None,
        until: Until | None = None,
        warrant: TokenId | None = None,
    ) -> Sequence[Change | DomainError | None]:
        """
        Acknowledge several incidents alike: for each a change, a refusal, or None where there is no such incident.

        Raises:
            OnlyEndUsersAcknowledge: a source asks.
        """
        return await self._change_each(incident_ids, Act.ACKNOWLEDGE, actor, _acknowledging(actor, at, why, expiration, until), warrant)

    async def move_expiration(
        self,
        incident_id: IncidentId,
        ack_id: EventId,
        expiration: datetime | None,
        *,
        actor: Actor,
        warrant: TokenId | None = None,
    ) -> Change:
        """Give an acknowledgement another expiration; None is never."""

        def decide(incident: Incident, now: datetime, event_ids: EventIds) -> Change:
            return transitions.move_expiration(incident, ack_id, expiration, actor=actor, event_ids=event_ids, now=now)

        return await self._change(incident_id, Act.ACKNOWLEDGE, actor, decide, warrant)

    async def edit(self, incident_id: IncidentId, wanted: Edit, *, actor: Actor, warrant: TokenId | None = None) -> Change:
        """Replace some fields of an incident."""
        return await self._change(incident_id, Act.CHANGE, actor, _editing(wanted, actor), warrant)

    async def retag(
        self,
        incident_id: IncidentId,
        retagged: Callable[[tuple[Tag, ...]], tuple[Tag, ...]],
        *,
        actor: Actor,
        warrant: TokenId | None = None,
    ) -> Change:
        """
        Replace the tags by what `retagged` makes of those that the incident has at the moment of the change, so that none gets lost.

        Raises:
            NotFound: there is no such incident, or `retagged` misses something and says so.
        """

        def decide(incident: Incident, now: datetime, event_ids: EventIds) -> Change:
            present = tuple(Tag.parse(tag.tag) for tag in incident.tags)
            return transitions.edit(incident, Edit(tags=retagged(present)), actor=actor, event_ids=event_ids, now=now)

        return await self._change(incident_id, Act.CHANGE, actor, decide, warrant)

    async def edit_each(
        self, incident_ids: Sequence[IncidentId], wanted: Edit, *, actor: Actor, warrant: TokenId | None = None
    ) -> Sequence[Change | DomainError | None]:
        """Edit several incidents alike: for each a change, a refusal, or None where there is no such incident."""
        return await self._change_each(incident_ids, Act.CHANGE, actor, _editing(wanted, actor), warrant)

    async def pass_time(self, most: int = 500, cares: Cares = everybody) -> int:
        """
        Let timers that are due take effect; gives how many were taken care of. The others come again, and hold up nobody.

        An escalation that nobody `cares` about leaves nothing in the journal.
        """
        done = []
        for timer in await self.incidents.due_timers(self.clock(), most):
            try:
                if await self._passes(timer, cares):
                    done.append(timer)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one incident, the others' time passes
                about = {"incident": timer.incident_id}
                _log.warning("Time cannot pass for incident %d: %s", timer.incident_id, said(error), extra=about)
        await self.incidents.forget(done)
        return len(done)

    async def _source_for(self, actor: Actor, source_id: SourceId | None, *, names_source: bool) -> tuple[Source, Person]:
        if actor.source is not None and not names_source:
            return actor.source, actor.person
        require(actor, Act.NAME_SOURCE if names_source else Act.REPORT)
        if not names_source:
            raise Invalid({"source": "This field is required."})
        async with self.accounts.begin() as work:
            source = None if source_id is None else await work.source(source_id)
            user = None if source is None else await work.user(source.user_id)
        if source is None or user is None:
            missing = "This field is required." if source_id is None else f'Invalid pk "{source_id}" - object does not exist.'
            raise Invalid({"source": missing})
        return source, Person(user.id, user.username)

    async def _passes(self, timer: Timer, cares: Cares) -> bool:
        """Note in the journal that a time has come, once; whether that is settled."""
        for _ in range(ATTEMPTS):
            journal = await self.incidents.journal(timer.incident_id)
            if not journal:
                return True  # an incident that was removed by hand has no time left to pass
            incident = await self.incidents.get(timer.incident_id)
            if incident.version != len(journal):
                continue
            event_ids, now = await self.incidents.event_ids(1), self.clock()
            if timer.due > now:
                return False  # a clock was set back meanwhile
            change = transitions.time_passes(incident, timer, journal=journal, event_ids=event_ids, now=now)
            if timer.kind is TimerKind.ESCALATION_DUE and change.events:
                happening = Happening(change.incident, change.events[-1])
                if not await cares(happening, [event.description for event in (*journal, *change.events)]):
                    return True
            if await self.incidents.append(change) is Appended.STORED:
                return True
        return False

    async def get(self, incident_id: IncidentId, *, actor: Actor) -> Incident:
        """An incident that is there for the actor."""
        incident = await self.incidents.get(incident_id)
        require_within(confined_to(actor, own_only=self.own_only), incident.source.id)
        return incident

    async def history(self, incident_id: IncidentId, *, actor: Actor) -> History:
        """All that happened to an incident that is there for the actor, and what that has made of it."""
        source = (await self.get(incident_id, actor=actor)).source
        events = await self.incidents.journal(incident_id)
        return History(fold(events, source), events)

    async def _change_each(
        self, incident_ids: Sequence[IncidentId], act: Act, actor: Actor, decide: Decide, warrant: TokenId | None
    ) -> Sequence[Change | DomainError | None]:
        require(actor, act)
        self._require_room(actor)
        done = await self.incidents.append_each(incident_ids, self._within_confines(actor, decide), self.clock, warrant=warrant)
        return [None if isinstance(one, NotFound) else one for one in done]

    def _require_room(self, actor: Actor) -> None:
        if actor.source is not None:
            self.room()

    def _within_confines(self, actor: Actor, decide: Decide) -> Decide:
        confines = confined_to(actor, own_only=self.own_only)
        if confines is None:
            return decide

        def decide_within(incident: Incident, now: datetime, event_ids: EventIds) -> Change:
            require_within(confines, incident.source.id)
            return decide(incident, now, event_ids)

        return decide_within

    async def _change(self, incident_id: IncidentId, act: Act, actor: Actor, decide: Decide, warrant: TokenId | None) -> Change:
        """Read, decide, append; again when somebody was faster, and at last under a lock."""
        require(actor, act)
        self._require_room(actor)
        decide = self._within_confines(actor, decide)
        for _ in range(ATTEMPTS):
            incident = await self.incidents.get(incident_id)
            event_ids = await self.incidents.event_ids(transitions.MOST_EVENTS_PER_CHANGE)
            change = decide(incident, self.clock(), event_ids)
            outcome = await self.incidents.append(change, warrant=warrant)
            if outcome is Appended.STORED:
                return change
            if outcome is Appended.UNAUTHENTICATED:
                raise Unauthenticated
        change_or_refusal = (await self.incidents.append_each([incident_id], decide, self.clock, warrant=warrant))[0]
        if change_or_refusal is None:
            raise NotFound("No Incident matches the given query.")
        if isinstance(change_or_refusal, DomainError):
            raise change_or_refusal
        return change_or_refusal


def _posting(type_: EventType, actor: Actor, at: datetime | None, why: str) -> Decide:
    def decide(incident: Incident, now: datetime, event_ids: EventIds) -> Change:
        return transitions.post(incident, type_, actor=actor, event_id=next(event_ids), at=at or now, now=now, why=why)

    return decide


def _acknowledging(actor: Actor, at: datetime | None, why: str, expiration: datetime | None, until: Until | None) -> Decide:
    def decide(incident: Incident, now: datetime, event_ids: EventIds) -> Change:
        return transitions.acknowledge(
            incident, actor=actor, event_id=next(event_ids), at=at or now, now=now, why=why, expiration=expiration, until=until
        )

    return decide


def _editing(wanted: Edit, actor: Actor) -> Decide:
    def decide(incident: Incident, now: datetime, event_ids: EventIds) -> Change:
        return transitions.edit(incident, wanted, actor=actor, event_ids=event_ids, now=now)

    return decide

"""The outbox in dicts, beside the journal in dicts that fills it."""

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from argus_core.domain.deliveries import (
    RETRIED,
    TESTS,
    Asking,
    Attempt,
    Delivery,
    DeliveryStatus,
    Lane,
    LaneKey,
    Order,
    Outcome,
    Report,
    first_lane,
    patience_after,
    rounded_up,
    settled,
    too_many_tests,
)
from argus_core.domain.destinations import Destination
from argus_core.domain.errors import said
from argus_core.domain.escalation import Heard, Hearing
from argus_core.domain.ids import DeliveryId, DestinationId, IncidentId, MaintenanceId, UserId
from argus_core.domain.incidents import EventType, Happening
from argus_core.domain.roundups import Kept, Roundup
from argus_core.domain.transitions import Timer
from argus_core.memory import MemoryAccounts, MemoryIncidents, utc_now
from argus_core.ports.outbox import Backlog, Note, Outbox, Place, Sending, Setback, Undecided


class MemoryOutbox(Outbox):
    """The outbox of a journal in dicts, its lanes, and the ledger."""

    def __init__(self, incidents: MemoryIncidents, accounts: MemoryAccounts, clock: Callable[[], datetime] = utc_now) -> None:
        self._incidents, self._accounts, self._clock = incidents, accounts, clock
        self._ids = itertools.count(1)
        self._claimed: set[IncidentId] = set()
        self._aside: dict[Place, Setback] = {}
        self._ledger: dict[DeliveryId, Delivery] = {}
        self._lanes: dict[LaneKey, Lane] = {}
        self._routes: dict[LaneKey, str] = {}

    def claim(self, most: int) -> AbstractAsyncContextManager[Undecided]:
        """See the port."""
        return self._claim(most)

    @asynccontextmanager
    async def _claim(self, most: int) -> AsyncIterator[Undecided]:
        earliest: dict[IncidentId, int] = {}
        for incident_id, version in self._incidents.outbox:
            if incident_id not in self._claimed:
                earliest.setdefault(incident_id, version)
        taken = list(itertools.islice(filter(self._may_be_claimed, earliest.items()), most))
        claimed = {incident_id for incident_id, _ in taken}
        self._claimed |= claimed
        try:
            undecided = MemoryUndecided(self, taken)
            yield undecided
            if undecided.orders is not None:
                self._keep(taken, undecided.orders)
                self._incidents.set_timers(undecided.timers)
        finally:
            self._claimed -= claimed

    def _may_be_claimed(self, place: Place) -> bool:
        setback = self._aside.get(place)
        return setback is None or setback.due <= self._clock()

    def _keep(self, done: Sequence[Place], orders: Sequence[Order]) -> None:
        """What deciding does."""
        self._incidents.outbox = [row for row in self._incidents.outbox if row not in done]
        for place in done:
            self._aside.pop(place, None)
        for order in orders:
            self._order(order)

    async def put_aside(self, place: Place, why: str) -> None:
        """See the port."""
        if place in self._incidents.outbox:
            failures = self._aside[place].failures + 1 if place in self._aside else 1
            due = self._clock() + patience_after(failures)
            self._aside[place] = Setback(incident_id=place[0], version=place[1], failures=failures, reason=why, due=due)

    async def aside(self, most: int) -> Sequence[Setback]:
        """See the port."""
        return [self._aside[place] for place in sorted(self._aside)[:most]]

    def _order(self, order: Order) -> DeliveryId:
        now, id_ = self._clock(), DeliveryId(next(self._ids))
        destination = order.told.destination
        waits = order.status is DeliveryStatus.WAITING
        self._ledger[id_] = Delivery(
            id=id_,
            incident_id=order.incident_id,
            event_id=order.event_id,
            version=order.version,
            destination_id=destination.id,
            owner=destination.owner,
            medium=destination.medium,
            address=order.address,
            profiles=tuple(Asking(profile.id, profile.name) for profile in order.told.profiles),
            created=now,
            since=now,
            status=order.status,
            reason=order.reason,
            finished=None if waits else now,
            maintenance_id=order.maintenance.id if order.maintenance else None,
        )
        if waits:
            self._lanes[order.lane] = self._lanes.get(order.lane, first_lane(now)).heard(now)
            self._routes[order.lane] = order.route
        return id_

    async def order_tests(self, orders: Sequence[Order], most: int, within: timedelta) -> Sequence[DeliveryId]:
        """See the port."""
        now, owner = self._clock(), orders[0].told.destination.owner
        tests = sorted(one.created for one in self._ledger.values() if (one.lane[0], one.owner) == (TESTS, owner))
        if len(tests) >= most and (after := tests[-most] + within - now) > timedelta():
            raise too_many_tests(most, within, after)
        return [self._order(order) for order in orders]

    async def kept_back(self) -> AbstractSet[MaintenanceId]:
        """See the port."""
        return {one.maintenance_id for one in self._ledger.values() if one.is_kept_back and one.maintenance_id is not None}

    async def is_decided(self, age: timedelta) -> bool:
        """See the port."""
        until, aside = self._clock() - age, {incident_id for incident_id, _ in self._aside}
        return all(place[0] in aside or self.at(*place).event.received > until for place in self._incidents.outbox)

    async def round_up(self, maintenance_id: MaintenanceId, title: str, routes: Mapping[DestinationId, str]) -> int:
        """See the port."""
        kept: dict[DestinationId, list[Delivery]] = {}
        for delivery in self._ledger.values():
            if delivery.is_kept_back and delivery.maintenance_id == maintenance_id:
                kept.setdefault(delivery.destination_id, []).append(delivery)
        for destination_id, deliveries in kept.items():
            self._round_up(deliveries, title, routes.get(destination_id))
        return len(kept)

    def _round_up(self, deliveries: Sequence[Delivery], title: str, route: str | None) -> None:
        now, id_ = self._clock(), DeliveryId(next(self._ids))
        roundup = rounded_up(id_, deliveries, title, now)
        self._ledger[id_] = roundup
        self._lanes[roundup.lane] = first_lane(now)
        self._routes[roundup.lane] = route or f"{roundup.medium}:"
        for delivery in deliveries:
            self._ledger[delivery.id] = replace(delivery, merged_into=id_)

    async def routes(self) -> Sequence[str]:
        """See the port."""
        return sorted(set(self._routes.values()))

    async def take(self, free: Mapping[str, int], lease: timedelta) -> Sequence[Sending]:
        """See the port."""
        now, room, taken = self._clock(), dict(free), []
        for key, lane in sorted(self._lanes.items(), key=lambda item: item[1].due):
            route = self._routes[key]
            if lane.may_be_claimed(now) and room.get(route, 0) > 0:
                room[route] -= 1
                taken.append(self._take(key, route, lane.claimed(self._waiting(key)[-1].id, now, lease)))
        return taken

    def _take(self, key: LaneKey, route: str, lane: Lane) -> Sending:
        before = self._lanes[key]
        self._lanes[key] = lane
        deliveries = tuple(delivery for delivery in self._waiting(key) if delivery.id <= (lane.upto or delivery.id))
        places = [(delivery.incident_id, delivery.version) for delivery in deliveries if delivery.incident_id is not None]
        happenings, damaged = self._readable(places)
        return Sending(
            incident_id=deliveries[-1].incident_id,
            destination_id=key[1],
            route=route,
            attempt=lane.attempt,
            failures=lane.failures,
            repeats=before.upto is not None,
            deliveries=deliveries,
            happenings=happenings,
            destination=self._destination(key[1]),
            damaged=damaged,
            roundup=self._roundup(deliveries[-1]) if deliveries[-1].is_roundup else None,
        )

    def _roundup(self, delivery: Delivery) -> Roundup:
        merged = [other for other in self._ledger.values() if other.merged_into == delivery.id and other.incident_id is not None]
        kept = [
            Kept(self._incidents.present(id_), any(other.version == 1 for other in merged if other.incident_id == id_))
            for id_ in sorted({other.incident_id for other in merged if other.incident_id is not None})
        ]
        return Roundup(title=delivery.title, now=self._clock(), kept=tuple(kept))

    def _readable(self, places: Sequence[Place]) -> tuple[tuple[Happening, ...], str]:
        try:
            return tuple(self.at(*place) for place in places), ""
        except Exception as error:  # noqa: BLE001 - whatever it is, others are not to wait for it
            return (), said(error)

    async def finish(self, sending: Sending, report: Report) -> bool:
        """See the port."""
        now, key = self._clock(), sending.newest.lane
        newest = self._ledger[sending.newest.id]
        attempt = Attempt(number=sending.attempt, at=now, outcome=report.outcome, answer=report.answer, seconds=report.seconds)
        self._ledger[newest.id] = replace(newest, attempts=(*newest.attempts, attempt))
        lane = self._lanes.get(key)
        if lane is None or lane.attempt != sending.attempt:
            return False
        if report.outcome in (Outcome.SENT, Outcome.REFUSED):
            present = [self._ledger[delivery.id] for delivery in sending.deliveries]
            self._ledger.update((delivery.id, delivery) for delivery in settled(present, report, now))
            self._keep_lane(key, lane.succeeded(now))
        else:
            lane = lane.failed(now, report.again, unknown=report.outcome is Outcome.UNKNOWN)
            newer = any(delivery.id > sending.newest.id for delivery in self._waiting(key))
            self._keep_lane(key, lane.heard(now) if newer else lane)
        return True

    async def release(self, sendings: Sequence[Sending]) -> None:
        """See the port."""
        for sending in sendings:
            key = sending.newest.lane
            lane = self._lanes.get(key)
            if lane is not None and lane.attempt == sending.attempt:
                self._keep_lane(key, lane.released(self._clock(), repeats=sending.repeats))

    async def drop(self, delivery_ids: Sequence[DeliveryId], why: str, note: Note | None = None) -> Sequence[DeliveryId]:
        """See the port."""
        dropped = [id_ for id_ in delivery_ids if self._end(id_, DeliveryStatus.DROPPED, why)]
        self._note(dropped, note)
        return dropped

    def _note(self, delivery_ids: Sequence[DeliveryId], note: Note | None) -> None:
        if note is not None:
            for delivery_id in delivery_ids:
                self._accounts.note(note(delivery_id))

    async def retry(
        self, delivery_ids: Sequence[DeliveryId], routes: Mapping[DestinationId, str], note: Note | None = None
    ) -> Sequence[DeliveryId]:
        """See the port."""
        now, again = self._clock(), []
        for delivery in map(self._ledger.get, delivery_ids):
            if delivery is None or delivery.status not in RETRIED:
                continue
            again.append(delivery.id)
            key = delivery.lane
            self._ledger[delivery.id] = replace(delivery, status=DeliveryStatus.WAITING, reason="", finished=None, since=now)
            self._lanes[key] = replace(self._lanes.get(key, first_lane(now)), due=now)
            self._routes[key] = routes.get(delivery.destination_id, self._routes.get(key, f"{delivery.medium}:"))
        self._note(again, note)
        return again

    async def give_up(self, after: timedelta, why: Mapping[str, str]) -> int:
        """See the port."""
        too_old = self._clock() - after
        old = [(self._routes[key], delivery) for key in self._lanes for delivery in self._waiting(key) if delivery.since <= too_old]
        return sum(self._end(delivery.id, DeliveryStatus.GIVEN_UP, why.get(route) or _last_answer(delivery)) for route, delivery in old)

    async def of_incident(self, incident_id: IncidentId, owner: UserId | None = None) -> Sequence[Delivery]:
        """See the port."""
        return self._newest_first(lambda delivery: delivery.incident_id == incident_id and owner in (None, delivery.owner))

    async def listed(
        self,
        status: DeliveryStatus | None = None,
        owner: UserId | None = None,
        most: int = 100,
        before: DeliveryId | None = None,
        incident_id: IncidentId | None = None,
    ) -> Sequence[Delivery]:
        """See the port."""
        return self._newest_first(
            lambda delivery: (
                status in (None, delivery.status)
                and owner in (None, delivery.owner)
                and incident_id in (None, delivery.incident_id)
                and (before is None or delivery.id < before)
            )
        )[:most]

    async def happened(self, since: datetime, most: int) -> Sequence[Happening]:
        """See the port."""
        events = [event for journal in self._incidents.journals() for event in journal if event.received >= since]
        newest = sorted(events, key=lambda event: (event.received, event.id), reverse=True)[:most]
        return [self.at(event.incident_id, event.version) for event in newest]

    async def texts(self, incident_ids: Sequence[IncidentId]) -> Mapping[IncidentId, Sequence[str]]:
        """See the port."""
        return {id_: [event.description for event in await self._incidents.journal(id_)] for id_ in incident_ids}

    async def backlog(self) -> Backlog:
        """See the port."""
        now, undecided, waiting = self._clock(), self._undecided_since(), self._waiting_since()
        return Backlog(
            undecided=len(undecided),
            undecided_for=now - min(undecided, default=now),
            waiting=len(waiting),
            waiting_for=now - min(waiting, default=now),
        )

    @property
    def oldest(self) -> datetime | None:
        """Since when the oldest event or delivery waits."""
        return min([*self._undecided_since(), *self._waiting_since()], default=None)

    def _undecided_since(self) -> list[datetime]:
        return [self.at(*row).event.received for row in self._incidents.outbox]

    def _waiting_since(self) -> list[datetime]:
        return [delivery.since for delivery in self._ledger.values() if delivery.status is DeliveryStatus.WAITING]

    async def prune(self, older_than: timedelta, most: int, *, dry_run: bool = False) -> int:
        """See the port."""
        too_old = self._clock() - older_than
        old = [
            id_
            for id_, delivery in self._ledger.items()
            if delivery.finished is not None and delivery.finished <= too_old and not delivery.is_kept_back
        ][:most]
        if not dry_run:
            for id_ in old:
                del self._ledger[id_]
        return len(old)

    def told(self, incident_ids: Sequence[IncidentId]) -> AbstractSet[LaneKey]:
        """See the port of what is undecided."""
        return {one.lane for one in self._ledger.values() if one.incident_id in incident_ids and not one.is_kept_back}

    def heard(self, incident_ids: Sequence[IncidentId]) -> Heard:
        """See the port of what is undecided."""
        found: dict[Hearing, EventType] = {}
        for one in sorted(self._ledger.values(), key=lambda one: one.version):
            if one.incident_id in incident_ids and one.incident_id is not None and not one.is_kept_back:
                type_ = self._type_of(one.incident_id, one.version)
                found.update(((one.incident_id, one.destination_id, profile.id), type_) for profile in one.profiles)
        return found

    def at(self, incident_id: IncidentId, version: int) -> Happening:
        """That event, with the incident as it was right after it."""
        return self._incidents.happening(incident_id, version)

    def _destination(self, id_: DestinationId) -> Destination | None:
        everybodys = (destination for owned in self._accounts.tables.belongings.values() for destination in owned.destinations)
        return next((destination for destination in everybodys if destination.id == id_), None)

    def _waiting(self, key: LaneKey) -> list[Delivery]:
        return [delivery for delivery in self._ledger.values() if delivery.status is DeliveryStatus.WAITING and delivery.lane == key]

    def _keep_lane(self, key: LaneKey, lane: Lane) -> None:
        """Keep it as long as something waits in it."""
        if self._waiting(key):
            self._lanes[key] = lane
        else:
            del self._lanes[key], self._routes[key]

    def _end(self, id_: DeliveryId, status: DeliveryStatus, why: str) -> bool:
        delivery = self._ledger.get(id_)
        if delivery is None or delivery.status is not DeliveryStatus.WAITING:
            return False
        key = delivery.lane
        now = self._clock()
        if self._lanes[key].leased_until > now:
            return False
        self._ledger[id_] = replace(delivery, status=status, reason=why, finished=now)
        self._keep_lane(key, self._lanes[key].cleared())
        return True

    def _newest_first(self, wanted: Callable[[Delivery], bool]) -> list[Delivery]:
        return [self._typed(delivery) for _, delivery in sorted(self._ledger.items(), reverse=True) if wanted(delivery)]

    def _typed(self, one: Delivery) -> Delivery:
        return replace(one, event_type=self._type_of(one.incident_id, one.version)) if one.incident_id else one

    def _type_of(self, incident_id: IncidentId, version: int) -> EventType:
        return self._incidents.journal_of(incident_id)[version - 1].type


class MemoryUndecided(Undecided):
    """Some events that one caller has claimed."""

    def __init__(self, outbox: MemoryOutbox, places: Sequence[Place]) -> None:
        self.places = places
        self.orders: Sequence[Order] | None = None
        self.timers: Sequence[Timer] = ()
        self._outbox = outbox

    async def happenings(self) -> Sequence[Happening]:
        """See the port."""
        return [self._outbox.at(*place) for place in self.places]

    async def texts(self, incident_ids: Sequence[IncidentId]) -> Mapping[IncidentId, Sequence[str]]:
        """See the port."""
        upto = dict(self.places)
        return {id_: texts[: upto[id_]] for id_, texts in (await self._outbox.texts(incident_ids)).items()}

    async def told(self, incident_ids: Sequence[IncidentId]) -> AbstractSet[LaneKey]:
        """See the port."""
        return self._outbox.told(incident_ids)

    async def heard(self, incident_ids: Sequence[IncidentId]) -> Heard:
        """See the port."""
        return self._outbox.heard(incident_ids)

    async def decide(self, orders: Sequence[Order], timers: Sequence[Timer] = ()) -> None:
        """See the port."""
        self.orders, self.timers = orders, timers


def _last_answer(delivery: Delivery) -> str:
    return delivery.attempts[-1].answer if delivery.attempts else ""

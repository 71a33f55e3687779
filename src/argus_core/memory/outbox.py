"""The outbox in dicts, beside the journal in dicts that fills it."""

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from argus_core.domain.budgets import Budget, Goes, Held, Judgement, Message, Purse, Waits
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
    urgent_share,
)
from argus_core.domain.destinations import Destination
from argus_core.domain.digests import OVER, is_left_out
from argus_core.domain.errors import said
from argus_core.domain.escalation import Heard, Hearing
from argus_core.domain.flapping import FORGOTTEN, FlapKey, Flaps
from argus_core.domain.holds import Hold, Keeper
from argus_core.domain.ids import DeliveryId, DestinationId, IncidentId, MaintenanceId, UserId
from argus_core.domain.incidents import EventType, Happening
from argus_core.domain.roundups import Kept, Roundup
from argus_core.domain.transitions import Timer
from argus_core.memory import MemoryAccounts, MemoryIncidents, utc_now
from argus_core.ports.outbox import NO_FLAPS, NO_ROOM, Backlog, Note, Outbox, Place, Sending, Setback, Undecided, Withheld

_Pending: TypeAlias = tuple[DestinationId, Keeper, int]


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
        self._roundups: dict[_Pending, tuple[datetime, str]] = {}
        self.known_flaps: dict[FlapKey, Flaps] = {}
        self._purses: dict[DestinationId, Purse] = {}

    def claim(self, most: int) -> AbstractAsyncContextManager[Undecided]:
        """See the port."""
        return self._claim(urgent_share(most), most)

    def claim_urgent(self, most: int) -> AbstractAsyncContextManager[Undecided]:
        """See the port."""
        return self._claim(most, 0)

    @asynccontextmanager
    async def _claim(self, share: int, most: int) -> AsyncIterator[Undecided]:
        earliest: dict[IncidentId, int] = {}
        for incident_id, version in self._incidents.outbox:
            if incident_id not in self._claimed:
                earliest.setdefault(incident_id, version)
        urgent = {incident_id for incident_id, _ in self._incidents.urgent}
        may = list(filter(self._may_be_claimed, earliest.items()))
        first = [place for place in may if place[0] in urgent][:share]
        taken = first + [place for place in may if place[0] not in urgent][: max(most - len(first), 0)]
        claimed = {incident_id for incident_id, _ in taken}
        self._claimed |= claimed
        try:
            undecided = MemoryUndecided(self, taken)
            yield undecided
            if undecided.orders is not None:
                self._keep(taken, undecided.orders)
                self.known_flaps |= undecided.known
                self._incidents.set_timers(undecided.timers)
        finally:
            self._claimed -= claimed

    def _may_be_claimed(self, place: Place) -> bool:
        setback = self._aside.get(place)
        return setback is None or setback.due <= self._clock()

    def _keep(self, done: Sequence[Place], orders: Sequence[Order]) -> None:
        """What deciding does."""
        self._incidents.outbox = [row for row in self._incidents.outbox if row not in done]
        self._incidents.urgent.difference_update(done)
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
            keeper=order.hold.keeper if order.hold else None,
            subject=order.hold.subject if order.hold else 0,
            urgent=order.urgent,
        )
        if order.hold is not None:
            self._pend(destination.id, order.hold)
        if waits:
            self._lanes[order.lane] = self._lanes.get(order.lane, first_lane(now)).heard(now, urgent=order.urgent)
            self._routes[order.lane] = order.route
        return id_

    def _pend(self, destination_id: DestinationId, hold: Hold) -> None:
        """Something is kept back: so the roundup comes at some time."""
        if hold.due is not None:
            key = (destination_id, hold.keeper, hold.subject)
            self._roundups[key] = hold.put_off(self._roundups.get(key, (hold.due, ""))[0]), hold.title

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

    async def has_due(self) -> bool:
        """See the port."""
        return any(due <= self._clock() for due, _ in self._roundups.values())

    async def round_up_due(self, most: int, routes: Mapping[DestinationId, str]) -> int:
        """See the port."""
        now = self._clock()
        due = [key for key, (moment, _) in sorted(self._roundups.items(), key=lambda item: item[1][0]) if moment <= now][:most]
        for key in due:
            _, title = self._roundups.pop(key)
            if key[1] is Keeper.DIGEST:
                self._leave_out(key)
            kept = self._kept_by(key)
            if kept:
                self._round_up(kept, title, routes.get(key[0]))
        return len(due)

    def _kept_by(self, key: "_Pending") -> list[Delivery]:
        return [one for one in self._ledger.values() if one.is_kept_back and (one.destination_id, one.keeper, one.subject) == key]

    def _leave_out(self, key: "_Pending") -> None:
        now, kept = self._clock(), self._kept_by(key)
        over = {one.incident.id for one in self._shown(kept) if is_left_out(one.incident, now, started=one.started)}
        for one in kept:
            if one.incident_id in over:
                self._ledger[one.id] = replace(one, status=DeliveryStatus.DROPPED, reason=OVER)

    def _round_up(self, deliveries: Sequence[Delivery], title: str, route: str | None) -> None:
        now, id_ = self._clock(), DeliveryId(next(self._ids))
        roundup = rounded_up(id_, deliveries, title, now)
        self._ledger[id_] = roundup
        self._lanes[roundup.lane] = first_lane(now)
        self._routes[roundup.lane] = route or f"{roundup.medium}:"
        for delivery in deliveries:
            self._ledger[delivery.id] = replace(delivery, merged_into=id_)

    async def flapping(self, keys: Sequence[FlapKey]) -> AbstractSet[FlapKey]:
        """See the port."""
        now = self._clock()
        return {key for key in keys if self.known_flaps.get(key, Flaps()).flaps(now)}

    async def routes(self) -> Sequence[str]:
        """See the port."""
        return sorted(set(self._routes.values()))

    async def take(
        self, free: Mapping[str, int], lease: timedelta, budget: Budget | None = None, spare: Mapping[str, int] = NO_ROOM
    ) -> Sequence[Sending]:
        """See the port."""
        while True:
            due = self._due(free, spare)
            taken = [self._take(key, lease) for key in due] if budget is None else self._take_within(budget, due, lease)
            if taken or not due:
                return taken

    def _due(self, free: Mapping[str, int], spare: Mapping[str, int]) -> Sequence[LaneKey]:
        now, due = self._clock(), []
        room, share = dict(free), {route: urgent_share(most) for route, most in free.items()}
        spared = {route: spare.get(route, 0) for route in free}
        for key, lane in sorted(self._lanes.items(), key=lambda item: (not item[1].urgent, item[1].due)):
            route = self._routes[key]
            if not lane.may_be_claimed(now):
                continue
            if lane.urgent and spared.get(route, 0) > 0:
                spared[route] -= 1
                due.append(key)
            elif (share if lane.urgent else room).get(route, 0) > 0:
                share[route] -= 1
                room[route] -= 1
                due.append(key)
        return due

    def _take_within(self, budget: Budget, due: Sequence[LaneKey], lease: timedelta) -> list[Sending]:
        now, judged = self._clock(), dict[LaneKey, Judgement]()
        going: list[tuple[LaneKey, datetime | None]] = []
        for destination_id in {key[1] for key in due}:
            keys = [key for key in due if key[1] == destination_id]
            purse = self._purses.get(destination_id, Purse())
            self._purses[destination_id], judgements = budget.judge(purse, list(map(self._message, keys)), now)
            judged |= zip(keys, judgements, strict=True)
        for key, verdict in judged.items():
            match verdict:
                case Waits(until):
                    self._lanes[key] = self._lanes[key].put_off(until)
                case Held(until):
                    self._hold(key, budget.hold(until))
                case Goes(counted):
                    going.append((key, now if counted else None))
                case _:
                    assert_never(verdict)
        return [replace(self._take(key, lease), counted=counted) for key, counted in going]

    def _message(self, key: LaneKey) -> Message:
        before = (one for _, one in sorted(self._ledger.items()) if one.lane == key and one.status is not DeliveryStatus.WAITING)
        untold = itertools.takewhile(lambda one: one.status is DeliveryStatus.SUPPRESSED, before)
        held = any(one.keeper is Keeper.BUDGET for one in untold)
        return Message(
            free=key[0] == TESTS or any(one.urgent for one in self._waiting(key)),
            whole=key[0] < TESTS or self._lanes[key].upto is not None,
            follows=held,
        )

    def _hold(self, key: LaneKey, hold: Hold) -> None:
        for delivery in self._waiting(key):
            self._ledger[delivery.id] = replace(
                delivery,
                status=DeliveryStatus.SUPPRESSED,
                reason=hold.reason,
                keeper=hold.keeper,
                subject=hold.subject,
                finished=self._clock(),
            )
        del self._lanes[key], self._routes[key]
        self._pend(key[1], hold)

    def _refund(self, sending: Sending) -> None:
        if sending.counted is not None:
            self._purses[sending.destination_id] = self._purses[sending.destination_id].without(sending.counted)

    def _take(self, key: LaneKey, lease: timedelta) -> Sending:
        before, route = self._lanes[key], self._routes[key]
        lane = self._lanes[key] = before.claimed(self._waiting(key)[-1].id, self._clock(), lease)
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
        merged = [other for other in self._ledger.values() if other.merged_into == delivery.id]
        return Roundup(title=delivery.title, now=self._clock(), kept=tuple(self._shown(merged)))

    def _shown(self, deliveries: Sequence[Delivery]) -> list[Kept]:
        """The incidents of these, each once and as it is now."""
        return [
            Kept(self._incidents.present(id_), any(one.version == 1 for one in deliveries if one.incident_id == id_))
            for id_ in sorted({one.incident_id for one in deliveries if one.incident_id is not None})
        ]

    def _readable(self, places: Sequence[Place]) -> tuple[tuple[Happening, ...], str]:
        try:
            return tuple(self.at(*place) for place in places), ""
        except Exception as error:  # noqa: BLE001 - whatever it is, others are not to wait for it
            return (), said(error)

    async def finish(self, sending: Sending, report: Report) -> bool:
        """See the port."""
        now, key = self._clock(), sending.newest.lane
        if report.outcome is Outcome.FAILED:
            self._refund(sending)
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
            self._refund(sending)

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
            self._lanes[key] = replace(self._lanes.get(key, first_lane(now)).heard(now, urgent=delivery.urgent), due=now)
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
        *,
        maintenance_id: MaintenanceId | None = None,
    ) -> Sequence[Delivery]:
        """See the port."""
        return self._newest_first(
            lambda delivery: (
                status in (None, delivery.status)
                and owner in (None, delivery.owner)
                and incident_id in (None, delivery.incident_id)
                and maintenance_id in (None, delivery.maintenance_id)
                and (before is None or delivery.id < before)
            )
        )[:most]

    async def withheld(self, maintenance_id: MaintenanceId, owner: UserId | None = None) -> Withheld:
        """See the port."""
        kept = [
            one
            for one in self._ledger.values()
            if one.status is DeliveryStatus.SUPPRESSED and one.maintenance_id == maintenance_id and owner in (None, one.owner)
        ]
        return Withheld(
            deliveries=len(kept),
            untold=sum(one.is_kept_back for one in kept),
            incidents=len({one.incident_id for one in kept}),
            destinations=len({one.destination_id for one in kept}),
        )

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
            if delivery.finished is not None and delivery.finished <= too_old and not self._is_to_be_told(delivery)
        ][:most]
        if not dry_run:
            for id_ in old:
                del self._ledger[id_]
            forgotten = self._clock() - FORGOTTEN
            self.known_flaps = {key: one for key, one in self.known_flaps.items() if one.changed and one.changed > forgotten}
        return len(old)

    def _is_to_be_told(self, delivery: Delivery) -> bool:
        """Whether it is kept back, or a roundup that tells it has not gone yet."""
        roundup = self._ledger.get(delivery.merged_into) if delivery.merged_into is not None else None
        return delivery.is_kept_back or (roundup is not None and roundup.status is DeliveryStatus.WAITING)

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
        tables = self._accounts.tables
        present = (owned.destinations for owner, owned in tables.belongings.items() if tables.users[owner].active)
        return next((destination for destinations in present for destination in destinations if destination.id == id_), None)

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
        self.known: Mapping[FlapKey, Flaps] = {}
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

    async def flaps(self, ended: AbstractSet[FlapKey], opened: AbstractSet[FlapKey]) -> Mapping[FlapKey, Flaps]:
        """See the port."""
        known = self._outbox.known_flaps
        return {key: known.get(key, Flaps()) for key in ended | (opened & known.keys())}

    async def decide(self, orders: Sequence[Order], timers: Sequence[Timer] = (), flaps: Mapping[FlapKey, Flaps] = NO_FLAPS) -> None:
        """See the port."""
        self.orders, self.timers, self.known = orders, timers, flaps


def _last_answer(delivery: Delivery) -> str:
    return delivery.attempts[-1].answer if delivery.attempts else ""

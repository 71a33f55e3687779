"""The outbox on PostgreSQL: what nobody has decided about, lanes, and the ledger."""

from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import TupleRow

from adapters.db import audit, codec
from adapters.db import outbox_statements as statements
from adapters.db.budgets import Candidates, candidates_in, rooms
from adapters.db.database import Connection, Database
from adapters.db.gathering import Gathering
from adapters.db.happenings import happenings_at, readable_at, texts_of
from adapters.db.statements import timer_values
from argus_core.domain.budgets import Budget
from argus_core.domain.deliveries import (
    RETRIED,
    TESTS,
    Asking,
    Attempt,
    Delivery,
    DeliveryStatus,
    LaneKey,
    Order,
    Outcome,
    Report,
    settled,
    too_many_tests,
    urgent_share,
)
from argus_core.domain.destinations import Destination
from argus_core.domain.digests import OVER
from argus_core.domain.escalation import Heard
from argus_core.domain.flapping import FORGOTTEN, FlapKey, Flaps
from argus_core.domain.holds import Hold, Keeper
from argus_core.domain.ids import DeliveryId, DestinationId, EventId, IncidentId, MaintenanceId, ProfileId, UserId
from argus_core.domain.incidents import EventType, Happening
from argus_core.domain.roundups import Kept, Roundup
from argus_core.domain.transitions import Timer
from argus_core.ports.outbox import NO_FLAPS, NO_ROOM, Backlog, Note, Outbox, Place, Sending, Setback, Undecided, Withheld

_OF_A_SEND = ("incidents", "destinations", "attempts", "newest", "outcomes", "answers", "seconds")
_OF_A_DELIVERY = ("lanes", "ids", "statuses", "reasons", "merged")


class PgOutbox(Outbox):
    """The outbox in PostgreSQL. Whoever takes something holds row locks while deciding, and a lease while sending."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settle = Gathering(self._settle_together)

    def claim(self, most: int) -> AbstractAsyncContextManager[Undecided]:
        return self._claim(statements.CLAIM, {"urgent": urgent_share(most), "most": most})

    def claim_urgent(self, most: int) -> AbstractAsyncContextManager[Undecided]:
        return self._claim(statements.CLAIM_URGENT, {"urgent": most})

    @asynccontextmanager
    async def _claim(self, statement: str, values: Mapping[str, object]) -> AsyncIterator[Undecided]:
        async with self._database.transaction() as connection:
            cursor = await connection.execute(statement, values, prepare=True, binary=True)
            places: list[Place] = [(IncidentId(id_), version) for id_, version in await cursor.fetchall()]
            yield PgUndecided(connection, places)

    async def put_aside(self, place: Place, why: str) -> None:
        await self._do(statements.PUT_ASIDE, [(*place, why)])

    async def aside(self, most: int) -> Sequence[Setback]:
        return [
            Setback(incident_id=IncidentId(id_), version=version, failures=failures, reason=reason, due=due)
            for id_, version, failures, reason, due in await self._rows(statements.ASIDE, {"most": most})
        ]

    async def order_tests(self, orders: Sequence[Order], most: int, within: timedelta) -> Sequence[DeliveryId]:
        owner = orders[0].told.destination.owner
        async with self._database.transaction() as connection:
            await connection.execute(statements.ONE_TESTER, (owner,))
            cursor = await connection.execute(statements.TESTED, {"owner": owner, "within": within, "before": most - 1}, binary=True)
            for (after,) in await cursor.fetchall():
                raise too_many_tests(most, within, after)
            cursor = await connection.execute(statements.ORDER, {"orders": codec.dump(list(map(_ordered, orders)))}, binary=True)
            return [DeliveryId(id_) for (id_,) in await cursor.fetchall()]

    async def kept_back(self) -> AbstractSet[MaintenanceId]:
        return {MaintenanceId(id_) for (id_,) in await self._rows(statements.KEPT_BACK)}

    async def is_decided(self, age: timedelta) -> bool:
        ((decided,),) = await self._rows(statements.IS_DECIDED, {"age": age})
        return bool(decided)

    async def round_up(self, maintenance_id: MaintenanceId, title: str, routes: Mapping[DestinationId, str]) -> int:
        values = {"maintenance": maintenance_id, "title": title, "routes": _routed(routes)}
        ((count,),) = await self._rows(statements.ROUND_UP, values)
        return int(count)

    async def has_due(self) -> bool:
        ((due,),) = await self._rows(statements.HAS_DUE)
        return bool(due)

    async def round_up_due(self, most: int, routes: Mapping[DestinationId, str]) -> int:
        async with self._database.transaction() as connection:
            due = await (await connection.execute(statements.DUE, (most,), binary=True)).fetchall()
            if due:
                names = ("destinations", "keepers", "subjects", "titles")
                values: dict[str, object] = dict(zip(names, map(list, zip(*due, strict=True)), strict=True))
                if any(keeper == Keeper.DIGEST.value for _, keeper, *_ in due):
                    await connection.execute(statements.LEAVE_OUT, values | {"why": OVER})
                await connection.execute(statements.ROUND_UP_DUE, values | {"routes": _routed(routes)}, binary=True)
        return len(due)

    async def flapping(self, keys: Sequence[FlapKey]) -> AbstractSet[FlapKey]:
        return {FlapKey(key) for (key,) in await self._rows(statements.FLAPPING, {"keys": list(keys)})} if keys else frozenset()

    async def routes(self) -> Sequence[str]:
        return [route for (route,) in await self._rows(statements.ROUTES)]

    async def take(
        self, free: Mapping[str, int], lease: timedelta, budget: Budget | None = None, spare: Mapping[str, int] = NO_ROOM
    ) -> Sequence[Sending]:
        if budget is not None:
            return await self._take_within(budget, free, spare, lease)

        async def work(connection: Connection, _: bool) -> list[Sending]:
            cursor = await connection.execute(statements.TAKE, rooms(free, spare) | {"lease": lease}, prepare=True, binary=True)
            taken = await cursor.fetchall()
            return await _sendings(connection, taken) if taken else []

        return await self._database.run(work)

    async def _take_within(self, budget: Budget, free: Mapping[str, int], spare: Mapping[str, int], lease: timedelta) -> Sequence[Sending]:
        """The same; what is held makes room for what is due behind it."""
        while True:
            async with self._database.transaction() as connection:
                candidates = Candidates(connection, await candidates_in(connection, free, spare))
                taken = await candidates.take(budget, lease)
                if taken:
                    return [replace(one, counted=candidates.counted.get(one.newest.lane)) for one in await _sendings(connection, taken)]
            if not candidates.lanes:
                return []

    async def finish(self, sending: Sending, report: Report) -> bool:
        if report.outcome is Outcome.FAILED:
            await self._refund(sending)
        if report.outcome in (Outcome.SENT, Outcome.REFUSED):
            return await self._settle((sending, report))
        about, destination_id = sending.newest.lane
        values = {
            "incident": about,
            "destination": destination_id,
            "attempt": sending.attempt,
            "newest": sending.newest.id,
            "outcome": report.outcome.value,
            "answer": report.answer,
            "seconds": report.seconds,
            "unknown": report.outcome is Outcome.UNKNOWN,
            "again": report.again,
        }
        ((held,),) = await self._rows(statements.FAIL, values)
        return bool(held)

    async def _refund(self, sending: Sending) -> None:
        if sending.counted is not None:
            await self._do(statements.REFUND, [(sending.destination_id, sending.counted)])

    async def _settle_together(self, finished: Sequence[tuple[Sending, Report]]) -> Sequence[bool]:
        """Whoever locks several lanes does so in one order."""
        places = sorted(range(len(finished)), key=lambda place: finished[place][0].newest.lane)
        held = await self._rows(statements.SETTLE, _settled([finished[place] for place in places]))
        return [answer for _, (answer,) in sorted(zip(places, held, strict=True))]

    async def release(self, sendings: Sequence[Sending]) -> None:
        rows = [(*sending.newest.lane, sending.attempt, sending.repeats) for sending in sendings]
        await self._do(statements.RELEASE, rows)
        for sending in sendings:
            await self._refund(sending)

    async def drop(self, delivery_ids: Sequence[DeliveryId], why: str, note: Note | None = None) -> Sequence[DeliveryId]:
        dropped = await self._noted(statements.DROP, {"ids": list(delivery_ids), "why": why}, note)
        await self._leave_empty()
        return dropped

    async def retry(
        self, delivery_ids: Sequence[DeliveryId], routes: Mapping[DestinationId, str], note: Note | None = None
    ) -> Sequence[DeliveryId]:
        values = {
            "ids": list(delivery_ids),
            "statuses": sorted(status.value for status in RETRIED),
            "routes": _routed(routes),
        }
        return await self._noted(statements.RETRY, values, note)

    async def _noted(self, statement: str, values: Mapping[str, object], note: Note | None) -> Sequence[DeliveryId]:
        async with self._database.transaction() as connection:
            cursor = await connection.execute(statement, values, binary=True)
            done = sorted(DeliveryId(id_) for (id_,) in await cursor.fetchall())
            await audit.keep(connection, *(note(id_) for id_ in done if note is not None))
        return done

    async def give_up(self, after: timedelta, why: Mapping[str, str]) -> int:
        given_up = await self._rows(statements.GIVE_UP, {"after": after, "why": codec.dump(dict(why))})
        await self._leave_empty()
        return len(given_up)

    async def of_incident(self, incident_id: IncidentId, owner: UserId | None = None) -> Sequence[Delivery]:
        where = "d.incident_id = %(incident)s and (%(owner)s::bigint is null or d.owner_id = %(owner)s::bigint)"
        return await self._listed(where, {"incident": incident_id, "owner": owner, "most": None})

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
        values = {
            "status": status and status.value,
            "owner": owner,
            "before": before,
            "incident": incident_id,
            "maintenance": maintenance_id,
        }
        columns = {
            "status": "d.status = %(status)s",
            "owner": "d.owner_id = %(owner)s",
            "before": "d.id < %(before)s",
            "incident": "d.incident_id = %(incident)s",
            "maintenance": "d.maintenance_id = %(maintenance)s",
        }
        where = " and ".join(["true", *(columns[name] for name, value in values.items() if value is not None)])
        return await self._listed(where, {**values, "most": most})

    async def withheld(self, maintenance_id: MaintenanceId, owner: UserId | None = None) -> Withheld:
        ((deliveries, untold, incidents, destinations),) = await self._rows(
            statements.WITHHELD, {"maintenance": maintenance_id, "owner": owner}
        )
        return Withheld(deliveries=deliveries, untold=untold, incidents=incidents, destinations=destinations)

    async def _listed(self, where: str, values: Mapping[str, object]) -> Sequence[Delivery]:
        async def read(connection: Connection, _: bool) -> list[Delivery]:
            cursor = await connection.execute(statements.LISTED.format(where), values, binary=True)
            deliveries = [replace(delivery_from(row), event_type=row[-1] and EventType(row[-1])) for row in await cursor.fetchall()]
            cursor = await connection.execute(statements.ATTEMPTS, ([delivery.id for delivery in deliveries],), binary=True)
            attempts: dict[int, list[Attempt]] = {}
            for id_, number, at, outcome, answer, seconds in await cursor.fetchall():
                attempt = Attempt(number=number, at=at, outcome=Outcome(outcome), answer=answer, seconds=seconds)
                attempts.setdefault(id_, []).append(attempt)
            return [replace(delivery, attempts=tuple(attempts.get(delivery.id, ()))) for delivery in deliveries]

        return await self._database.run(read)

    async def happened(self, since: datetime, most: int) -> Sequence[Happening]:
        async def read(connection: Connection, _: bool) -> list[Happening]:
            cursor = await connection.execute(statements.HAPPENED, (since, most), binary=True)
            places: list[Place] = [(IncidentId(id_), version) for id_, version in await cursor.fetchall()]
            found = await happenings_at(connection, places)
            return [found[place] for place in places]

        return await self._database.run(read)

    async def texts(self, incident_ids: Sequence[IncidentId]) -> Mapping[IncidentId, Sequence[str]]:
        return await self._database.run(lambda connection, _: texts_of(connection, incident_ids))

    async def backlog(self) -> Backlog:
        ((undecided, undecided_for, waiting, waiting_for),) = await self._rows(statements.BACKLOG)
        return Backlog(undecided=undecided, undecided_for=undecided_for, waiting=waiting, waiting_for=waiting_for)

    async def prune(self, older_than: timedelta, most: int, *, dry_run: bool = False) -> int:
        if not dry_run:
            await self._do(statements.FORGET_FLAPS, [(FORGOTTEN,)])
        ((count,),) = await self._rows(statements.COUNT_OLD if dry_run else statements.PRUNE, {"age": older_than, "most": most})
        return int(count)

    async def _leave_empty(self) -> None:
        await self._do(statements.LEAVE, await self._rows(statements.EMPTY))

    async def _rows(self, statement: str, values: Mapping[str, object] | None = None) -> list[TupleRow]:
        async def work(connection: Connection, _: bool) -> list[TupleRow]:
            cursor = await connection.execute(statement, values, prepare=True, binary=True)
            return await cursor.fetchall()

        return await self._database.run(work)

    async def _do(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            await self._database.run(lambda connection, _: connection.execute(statement, columns, prepare=True))


class PgUndecided(Undecided):
    """Rows of the outbox that this transaction has locked."""

    def __init__(self, connection: Connection, places: Sequence[Place]) -> None:
        self.places = places
        self._connection = connection

    async def happenings(self) -> Sequence[Happening]:
        found = await happenings_at(self._connection, self.places)
        return [found[place] for place in self.places]

    async def texts(self, incident_ids: Sequence[IncidentId]) -> Mapping[IncidentId, Sequence[str]]:
        upto = dict(self.places)
        return {id_: texts[: upto[id_]] for id_, texts in (await texts_of(self._connection, incident_ids)).items()}

    async def told(self, incident_ids: Sequence[IncidentId]) -> AbstractSet[LaneKey]:
        cursor = await self._connection.execute(statements.TOLD, (list(incident_ids),), binary=True)
        return {(id_, DestinationId(destination_id)) for id_, destination_id in await cursor.fetchall()}

    async def heard(self, incident_ids: Sequence[IncidentId]) -> Heard:
        cursor = await self._connection.execute(statements.HEARD, (list(incident_ids),), binary=True)
        return {
            (IncidentId(id_), DestinationId(destination_id), ProfileId(profile_id)): EventType(type_)
            for id_, destination_id, profile_id, type_ in await cursor.fetchall()
        }

    async def flaps(self, ended: AbstractSet[FlapKey], opened: AbstractSet[FlapKey]) -> Mapping[FlapKey, Flaps]:
        if ended:
            await self._connection.execute(statements.NEW_FLAPS, (sorted(ended),), prepare=True)
        cursor = await self._connection.execute(statements.FLAPS, (sorted(ended | opened),), prepare=True, binary=True)
        return {FlapKey(key): Flaps(tuple(times), changed, until) for key, times, changed, until in await cursor.fetchall()}

    async def decide(self, orders: Sequence[Order], timers: Sequence[Timer] = (), flaps: Mapping[FlapKey, Flaps] = NO_FLAPS) -> None:
        if flaps:
            columns = (
                list(flaps),
                [codec.array(one.ended) for one in flaps.values()],
                [one.changed for one in flaps.values()],
                [one.until for one in flaps.values()],
            )
            await self._connection.execute(statements.KEEP_FLAPS, columns, prepare=True)
        values = {
            "orders": codec.dump(list(map(_ordered, orders))),
            "timers": codec.dump(list(map(timer_values, timers))),
            "incidents": [incident_id for incident_id, _ in self.places],
            "versions": [version for _, version in self.places],
        }
        await self._connection.execute(statements.DECIDE, values, prepare=True)


def delivery_from(columns: Sequence[Any]) -> Delivery:
    """The columns of a delivery as one, without its attempts."""
    (id_, incident_id, event_id, version, destination_id, owner, medium, address, profiles, created, since, *rest) = columns
    status, reason, merged_into, finished, maintenance_id, title, kept_by, subject_id, urgent, *_ = rest
    return Delivery(
        id=DeliveryId(id_),
        incident_id=IncidentId(incident_id) if incident_id > TESTS else None,
        event_id=EventId(event_id) if event_id is not None else None,
        version=version,
        destination_id=DestinationId(destination_id),
        owner=UserId(owner),
        medium=medium,
        address=address,
        profiles=tuple(Asking(ProfileId(profile_id), name) for profile_id, name in profiles),
        created=created,
        since=since,
        status=DeliveryStatus(status),
        reason=reason,
        merged_into=DeliveryId(merged_into) if merged_into is not None else None,
        finished=finished,
        keeper=Keeper(kept_by) if kept_by is not None else Keeper.MAINTENANCE if maintenance_id is not None else None,
        subject=subject_id or maintenance_id or 0,
        title=title,
        urgent=urgent,
    )


async def _sendings(connection: Connection, taken: Sequence[TupleRow]) -> list[Sending]:
    lanes = [(incident_id, destination_id, upto) for incident_id, destination_id, *_, upto in taken]
    columns = [list(column) for column in zip(*lanes, strict=True)]
    waiting: dict[tuple[int, int], list[Delivery]] = {}
    for delivery in map(delivery_from, await (await connection.execute(statements.WAITING, columns, prepare=True, binary=True)).fetchall()):
        waiting.setdefault(delivery.lane, []).append(delivery)
    places = [
        (delivery.incident_id, delivery.version) for some in waiting.values() for delivery in some if delivery.incident_id is not None
    ]
    happenings, damaged = await readable_at(connection, places)
    roundups = await _roundups(connection, [delivery for some in waiting.values() for delivery in some if delivery.is_roundup])
    destinations = await _destinations(connection, sorted({destination_id for _, destination_id in waiting}))
    empty, sendings = [], []
    for incident_id, destination_id, route, attempt, failures, repeats, upto in taken:
        deliveries = waiting.get((incident_id, destination_id))
        if not deliveries:
            empty.append((incident_id, destination_id, attempt, upto))
            continue
        sending = Sending(
            incident_id=deliveries[0].incident_id,
            destination_id=DestinationId(destination_id),
            route=route,
            attempt=attempt,
            failures=failures,
            repeats=repeats,
            deliveries=tuple(deliveries),
            happenings=tuple(happenings[place] for delivery in deliveries if (place := (incident_id, delivery.version)) in happenings),
            destination=destinations.get(destination_id),
            damaged=damaged.get(incident_id, ""),
            roundup=roundups.get(deliveries[-1].id),
        )
        sendings.append(sending)
    if empty:
        await connection.execute(statements.LEAVE, [list(column) for column in zip(*empty, strict=True)])
    return sendings


async def _roundups(connection: Connection, deliveries: Sequence[Delivery]) -> Mapping[DeliveryId, Roundup]:
    """What these tell; an incident that cannot be read is left out of them, and found in the ledger."""
    if not deliveries:
        return {}
    cursor = await connection.execute(statements.ROUNDED_UP, ([delivery.id for delivery in deliveries],), binary=True)
    rows = await cursor.fetchall()
    happenings, _ = await readable_at(connection, sorted({(IncidentId(id_), version) for _, id_, _, version, _ in rows}))
    kept: dict[int, list[Kept]] = {}
    for into, id_, started, version, _ in rows:
        if (IncidentId(id_), version) in happenings:
            kept.setdefault(into, []).append(Kept(happenings[IncidentId(id_), version].incident, started))
    now = {into: now for into, *_, now in rows}
    return {one.id: Roundup(title=one.title, now=now.get(one.id, one.created), kept=tuple(kept.get(one.id, ()))) for one in deliveries}


def _settled(finished: Sequence[tuple[Sending, Report]]) -> dict[str, object]:
    """The values of a statement that settles these."""
    sends = [
        (*sending.newest.lane, sending.attempt, sending.newest.id, report.outcome.value, report.answer, report.seconds)
        for sending, report in finished
    ]
    ended = [
        (place, delivery.id, delivery.status.value, delivery.reason, delivery.merged_into)
        for place, (sending, report) in enumerate(finished, 1)
        for delivery in settled(sending.deliveries, report, sending.newest.created)
    ]
    names = (*_OF_A_SEND, *_OF_A_DELIVERY)
    return dict(zip(names, map(list, (*zip(*sends, strict=True), *zip(*ended, strict=True))), strict=True))


async def _destinations(connection: Connection, ids: Sequence[int]) -> dict[int, Destination]:
    cursor = await connection.execute(statements.OF_DESTINATIONS, (list(ids),), prepare=True, binary=True)
    return {
        id_: Destination(id=DestinationId(id_), owner=UserId(owner), medium=medium, label=label, settings=settings, synced=synced)
        for id_, owner, medium, label, settings, synced in await cursor.fetchall()
    }


def _routed(routes: Mapping[DestinationId, str]) -> str:
    return codec.dump({str(id_): route for id_, route in routes.items()})


def _ordered(order: Order) -> dict[str, object]:
    """What is null is left out: there are many orders, and most are not kept back."""
    destination = order.told.destination
    ordered: dict[str, object] = {
        "incident_id": order.incident_id or TESTS,
        "event_id": order.event_id,
        "version": order.version,
        "destination_id": destination.id,
        "owner_id": destination.owner,
        "medium": destination.medium,
        "address": order.address,
        "route": order.route,
        "profiles": [(profile.id, profile.name) for profile in order.told.profiles],
        "status": order.status.value,
        "reason": order.reason,
    }
    if order.urgent:
        ordered["urgent"] = True
    return ordered if order.hold is None else ordered | _held(order.hold)


def _held(hold: Hold) -> dict[str, object]:
    if hold.keeper is Keeper.MAINTENANCE:
        return {"maintenance_id": hold.subject}
    return {
        "kept_by": hold.keeper.value,
        "subject_id": hold.subject,
        "due": hold.due.isoformat() if hold.due else None,
        "put_off": hold.keeper.waits_for_quiet,
        "title": hold.title,
    }

"""Taking lanes within a budget: what is due is looked at, judged by the domain, and what comes of it written, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from psycopg.rows import TupleRow

from adapters.db import codec
from adapters.db import outbox_statements as statements
from adapters.db.database import Connection
from argus_core.domain.budgets import Budget, Goes, Held, Judgement, Message, Purse, Waits
from argus_core.domain.deliveries import TESTS, LaneKey, urgent_share
from argus_core.domain.ids import DestinationId


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lane that is due, and what the budget has to know of it."""

    lane: LaneKey
    repeats: bool
    message: Message


def rooms(free: Mapping[str, int], spare: Mapping[str, int]) -> dict[str, object]:
    """
    The values of a statement that looks for lanes.

    They are routes, how many lanes each has room for, how many of these for what is urgent, and how many more for that alone.
    """
    return {
        "routes": list(free),
        "rooms": list(free.values()),
        "shares": [urgent_share(room) for room in free.values()],
        "spares": [spare.get(route, 0) for route in free],
    }


async def candidates_in(connection: Connection, free: Mapping[str, int], spare: Mapping[str, int]) -> Sequence[Candidate]:
    """The lanes that are due and for which there is room, longest due first; nobody else gets them until the transaction ends."""
    cursor = await connection.execute(statements.CANDIDATES, rooms(free, spare), prepare=True, binary=True)
    return [
        Candidate(
            (about, DestinationId(destination_id)),
            repeats,
            Message(free=is_free, whole=repeats or about < TESTS, follows=follows),
        )
        for about, destination_id, repeats, is_free, follows in await cursor.fetchall()
    ]


@dataclass(slots=True)
class Candidates:
    """Lanes that this transaction has locked; `counted` are those that the budget counts, and the moments at which it did."""

    connection: Connection
    lanes: Sequence[Candidate]
    counted: dict[LaneKey, datetime] = field(default_factory=dict)

    async def take(self, budget: Budget, lease: timedelta) -> Sequence[TupleRow]:
        """Claim those that the budget lets go, put off or hold the others."""
        if not self.lanes:
            return []
        judged: list[tuple[Candidate, Judgement]] = []
        spent: list[tuple[int, Purse]] = []
        for destination_id, purse, now in await self._purses():
            own = [candidate for candidate in self.lanes if candidate.lane[1] == destination_id]
            left, judgements = budget.judge(purse, [candidate.message for candidate in own], now)
            judged += zip(own, judgements, strict=True)
            spent += [(destination_id, left)] if left != purse else []
            self.counted |= {one.lane: now for one, verdict in zip(own, judgements, strict=True) if verdict == Goes(counted=True)}
        await self._spend(spent)
        await self._put_off([(one.lane, verdict) for one, verdict in judged if isinstance(verdict, Waits)])
        await self._hold(budget, [(one.lane, verdict) for one, verdict in judged if isinstance(verdict, Held)])
        return await self._claim([one for one, verdict in judged if isinstance(verdict, Goes)], lease)

    async def _purses(self) -> Sequence[tuple[int, Purse, datetime]]:
        ids = sorted({candidate.lane[1] for candidate in self.lanes})
        rows = await self._locked(ids)
        missing = sorted(set(ids) - {row[0] for row in rows})
        if missing:
            await self.connection.execute(statements.NEW_PURSES, (missing,))
            rows = await self._locked(ids)
        return [(id_, Purse(tuple(sent), closed_until), now) for id_, sent, closed_until, now in rows]

    async def _locked(self, ids: Sequence[int]) -> Sequence[TupleRow]:
        return await (await self.connection.execute(statements.PURSES, (ids,), prepare=True, binary=True)).fetchall()

    async def _spend(self, spent: Sequence[tuple[int, Purse]]) -> None:
        if spent:
            columns = (
                [id_ for id_, _ in spent],
                [codec.array(purse.sent) for _, purse in spent],
                [purse.closed_until for _, purse in spent],
            )
            await self.connection.execute(statements.SPEND, columns, prepare=True)

    async def _put_off(self, waiting: Sequence[tuple[LaneKey, Waits]]) -> None:
        if waiting:
            columns = [list(column) for column in zip(*((*lane, verdict.until) for lane, verdict in waiting), strict=True)]
            await self.connection.execute(statements.PUT_OFF, columns, prepare=True)

    async def _hold(self, budget: Budget, held: Sequence[tuple[LaneKey, Held]]) -> None:
        if not held:
            return
        hold = budget.hold(held[0][1].until)
        values = {
            "incidents": [lane[0] for lane, _ in held],
            "destinations": [lane[1] for lane, _ in held],
            "dues": [verdict.until for _, verdict in held],
            "keeper": hold.keeper.value,
            "subject": hold.subject,
            "reason": hold.reason,
            "title": hold.title,
        }
        await self.connection.execute(statements.HOLD, values, prepare=True)

    async def _claim(self, going: Sequence[Candidate], lease: timedelta) -> Sequence[TupleRow]:
        if not going:
            return []
        lanes = [(*candidate.lane, candidate.repeats) for candidate in going]
        columns = [list(column) for column in zip(*lanes, strict=True)]
        cursor = await self.connection.execute(statements.CLAIM_LANES, (lease, *columns), prepare=True, binary=True)
        return await cursor.fetchall()

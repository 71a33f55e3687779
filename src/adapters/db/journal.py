"""The journal on PostgreSQL."""

# ruff: noqa: S608 - values travel as parameters; what is put together here are our own words

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from psycopg import errors
from psycopg.rows import TupleRow

from adapters.db.blocks import Blocks
from adapters.db.database import Connection, Database, Runs, Work
from adapters.db.gathering import Gathering
from adapters.db.hints import ANYTHING, SOMETHING_URGENT
from adapters.db.kept import KeptRows, Seen
from adapters.db.pages import is_at, is_kept, page_of, to_count
from adapters.db.pending import PendingLists
from adapters.db.rows import (
    EVENT_COLUMNS,
    INCIDENT_COLUMNS,
    WHOLE_EVENT_COLUMNS,
    WHOLE_INCIDENT_COLUMNS,
    ack_row_from,
    event_from,
    event_row_from,
    incident_from,
    timer_from,
)
from adapters.db.sorting import to_read_list
from adapters.db.statements import IS_LIVE, STEP_TOGETHER, Values, is_step, to_step_together, to_store, to_store_many
from adapters.db.together import Together
from argus_core.domain.errors import DomainError, NotFound, Unauthenticated
from argus_core.domain.filters import Condition
from argus_core.domain.ids import EventId, IncidentId, TokenId
from argus_core.domain.incidents import Event, EventType, Incident, Level
from argus_core.domain.transitions import MOST_EVENTS_PER_CHANGE, Change, EventIds, Timer, TimerKind
from argus_core.ports.incidents import NEWEST, AckRow, Appended, Decide, EventRow, IncidentRow, Incidents, Order, Page, Position

CHUNK = 1_000
"""So many incidents are locked at once."""

FEW = 20

ATTEMPTS = 3
"""So often a page of one moment is tried for, while its incidents change all the time."""

NO_INCIDENT = "No Incident matches the given query."
NO_EVENT = "No Event matches the given query."
NO_ACK = "No Acknowledgement matches the given query."

_LISTED = f"e.type not in ({', '.join(repr(type_.value) for type_ in EventType if type_.internal)})"

_INCIDENT = f"select {WHOLE_INCIDENT_COLUMNS} from incident i join source s on s.id = i.source_id where i.id = %s"
_INCIDENTS = f"select {WHOLE_INCIDENT_COLUMNS} from incident i join source s on s.id = i.source_id where i.id = any(%s)"
_ROW = f"select {INCIDENT_COLUMNS} from incident i join source s on s.id = i.source_id where i.id = %s"
_ROWS = f"select i.id, i.xmin, s.xmin, {INCIDENT_COLUMNS} from incident i join source s on s.id = i.source_id where i.id = any(%s)"
_LOCK = "select id from incident where id = any(%s) order by id for update"
_JOURNAL = f"""
    select {WHOLE_EVENT_COLUMNS} from event e left join account u on u.id = e.actor_id where e.incident_id = %s order by e.version"""
_EVENTS = f"""
    select {EVENT_COLUMNS} from event e join account u on u.id = e.actor_id
    where e.incident_id = %s and {_LISTED} order by e.timestamp desc, e.id desc"""
_EVENT = f"""
    select {EVENT_COLUMNS} from event e join account u on u.id = e.actor_id where e.incident_id = %s and e.id = %s and {_LISTED}"""
_ACKS = f"""
    select {EVENT_COLUMNS}, a.expiration
    from incident i left join (ack a join event e on e.id = a.event_id join account u on u.id = e.actor_id) on a.incident_id = i.id
    where i.id = %s order by e.timestamp desc, e.id desc"""
_ACK = f"""
    select {EVENT_COLUMNS}, a.expiration from ack a join event e on e.id = a.event_id join account u on u.id = e.actor_id
    where a.incident_id = %s and a.event_id = %s"""
_LIVE = f"select exists ({IS_LIVE})"
# The ids alone would not do: a server that has taken over may have given them to somebody else.
_KNOWN = """
    select count(*) from event join unnest(%s::bigint[], %s::timestamptz[]) as k (id, received) using (id)
    where event.received = k.received"""
# Kinds that only a newer version knows are left to that.
_DUE = f"""
    select incident_id, kind, subject_id, due from timer
    where due <= %s and kind in ({", ".join(repr(kind.value) for kind in TimerKind)}) order by due limit %s"""
_FORGET = """
    delete from timer using unnest(%s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[]) as f (incident_id, kind, subject_id, due)
    where timer.incident_id = f.incident_id and timer.kind = f.kind and timer.subject_id = f.subject_id and timer.due = f.due"""


class PgIncidents(Incidents):
    """
    The journal in PostgreSQL. What breaks on the way is repeated with the same ids, and asked for before it is called a failure.

    `stored` is called after each change that was stored, with the hints to give of it. `reads` does what only reads, if that is not the
    database itself.
    """

    def __init__(self, database: Database, stored: Callable[[Collection[str]], None] = lambda _: None, reads: Runs | None = None) -> None:
        self._database, self._reads = database, reads or database
        self._stored = stored
        self._incident_ids = Blocks(database, "incident_ids")
        self._event_ids = Blocks(database, "event_ids")
        self._kept = KeptRows()
        database.taken_over.append(self._kept.clear)
        self._pending = PendingLists(database)
        self._together = Together(database, self._append)
        self._get = Gathering(self._get_together, patience=database.connect_seconds)

    async def incident_ids(self, count: int) -> Sequence[IncidentId]:
        ids = await self._incident_ids.ready(count)
        return [IncidentId(next(ids)) for _ in range(count)]

    async def event_ids(self, count: int) -> EventIds:
        return cast("Iterator[EventId]", await self._event_ids.ready(count))

    async def get(self, incident_id: IncidentId) -> Incident:
        incident = await self._get(incident_id)
        if incident is None:
            raise NotFound(NO_INCIDENT)
        return incident

    async def _get_together(self, incident_ids: Sequence[IncidentId]) -> Sequence[Incident | None]:
        rows = await self._rows(_INCIDENT, *incident_ids) if len(incident_ids) == 1 else await self._rows(_INCIDENTS, list(incident_ids))
        found = {incident.id: incident for incident in map(incident_from, rows)}
        return list(map(found.get, incident_ids))

    async def append(self, change: Change, *, warrant: TokenId | None = None) -> Appended:
        if not change.events:
            return Appended.STORED
        outcome = await self._together.store(change, warrant)
        if outcome is Appended.STORED:
            self._pending.grew(1)
            self._stored(_hints([change]))
        return outcome

    async def _append(self, change: Change, warrant: TokenId | None) -> Appended:
        statement, values = to_store(change, warrant)

        async def store(connection: Connection, again: bool) -> Appended:
            outcome = await _store(connection, statement, values, otherwise=Appended.DUPLICATE_KEY if change.is_new else Appended.CONFLICT)
            if again and outcome is not Appended.STORED and await _are_known(connection, [change]):
                return Appended.STORED
            return outcome

        return await self._database.run(store)

    async def append_each(
        self, incident_ids: Sequence[IncidentId], decide: Decide, clock: Callable[[], datetime], *, warrant: TokenId | None = None
    ) -> Sequence[Change | DomainError | None]:
        distinct = sorted(set(incident_ids))
        decided: dict[IncidentId, Change | DomainError] = {}
        for first in range(0, len(distinct), CHUNK):
            decided |= await self._append_chunk(distinct[first : first + CHUNK], decide, clock, warrant)
        return [decided.get(incident_id) for incident_id in incident_ids]

    async def _append_chunk(
        self, incident_ids: list[IncidentId], decide: Decide, clock: Callable[[], datetime], warrant: TokenId | None
    ) -> dict[IncidentId, Change | DomainError]:
        decided: dict[IncidentId, Change | DomainError] = {}

        async def lock_and_store(connection: Connection, again: bool) -> bool:
            nonlocal decided
            async with connection.transaction():
                await connection.execute(_LOCK, (incident_ids,), prepare=True)
                # Whoever held the locks is through with it, be it an earlier attempt of ours.
                if again and await _are_known(connection, _changes(decided)):
                    return True
                cursor = await connection.execute(_INCIDENTS, (incident_ids,), prepare=True, binary=True)
                incidents = map(incident_from, await cursor.fetchall())
                event_ids = await self._event_ids.fill(connection, MOST_EVENTS_PER_CHANGE * len(incident_ids))
                decided = _decisions(incidents, decide, clock(), cast("Iterator[EventId]", event_ids))
                return await _store_all(connection, _changes(decided), warrant)

        if not await self._database.run(lock_and_store):
            raise Unauthenticated
        self._pending.grew(len(_changes(decided)))
        self._stored(_hints(_changes(decided)))
        return decided

    async def row(self, incident_id: IncidentId) -> IncidentRow:
        return IncidentRow._make(_only(await self._listed(_ROW, incident_id), NO_INCIDENT))

    async def page(
        self, condition: Condition, now: datetime, size: int, position: Position | None = None, order: Order = NEWEST
    ) -> Page[IncidentRow]:
        if position is None:
            return page_of(await self._read(condition, now, size + 1, None, order), size, backwards=False, behind=False, by=order.by)
        found = await self._read(condition, now, size + 2, position, order)
        # A page begins behind the last incident of another one. When that is still there, nobody has to look for one.
        behind = bool(found) and is_at(position, found[0], order.by)
        rows = found[behind:]
        if rows and not behind:
            behind = bool(await self._read(condition, now, 1, replace(position, backwards=not position.backwards), order))
        return page_of(rows, size, backwards=position.backwards, behind=behind, by=order.by)

    async def _read(self, condition: Condition, now: datetime, most: int, position: Position | None, order: Order) -> list[IncidentRow]:
        """Which incidents they are is asked for first, and then only what is not kept of them."""
        statement, values = to_read_list(condition, now, most, position, order)
        kept = is_kept(condition, most, position, order)

        async def read(connection: Connection, _: bool) -> list[IncidentRow]:
            seen: list[Seen] = []
            for _attempt in range(ATTEMPTS):
                # Planned for its values each time, but for a few: a plan for any value may look at every incident.
                cursor = await connection.execute(statement, values, prepare=kept, binary=True)
                seen = cast("list[Seen]", await cursor.fetchall())
                rows = self._kept.find(seen)
                if missing := [one for one, row in zip(seen, rows, strict=True) if row is None]:
                    found = await self._keep(connection, missing)
                    rows = [row or found.get(one) for one, row in zip(seen, rows, strict=True)]
                if None not in rows:
                    return cast("list[IncidentRow]", rows)
                # Some have been written in between: a page is of one moment, so it is read again.
            newest = {row.id: row for row in (await self._keep(connection, seen)).values()}
            return [newest[IncidentId(id_)] for id_, _, _ in seen]

        return await self._reads.run(read)

    async def _keep(self, connection: Connection, missing: Sequence[Seen]) -> Mapping[Seen, IncidentRow]:
        cursor = await connection.execute(_ROWS, ([id_ for id_, _, _ in missing],), prepare=True, binary=True)
        found = {(id_, written, of_source): IncidentRow._make(columns) for id_, written, of_source, *columns in await cursor.fetchall()}
        self._kept.keep(list(found), list(found.values()))
        return found

    async def count(self, condition: Condition, now: datetime, most: int | None = None) -> int:
        statement, values = to_count(condition, now, most)

        async def read(connection: Connection, _: bool) -> int:
            cursor = await connection.execute(statement, values, prepare=False, binary=True)
            return int(_only(await cursor.fetchall(), "")[0])

        return await self._reads.run(read)

    async def journal(self, incident_id: IncidentId) -> Sequence[Event]:
        return tuple(map(event_from, await self._rows(_JOURNAL, incident_id)))

    async def events(self, incident_id: IncidentId) -> Sequence[EventRow]:
        rows = await self._listed(_EVENTS, incident_id)
        if not rows:  # every incident has its first event
            raise NotFound(NO_INCIDENT)
        return list(map(event_row_from, rows))

    async def event(self, incident_id: IncidentId, event_id: EventId) -> EventRow:
        return event_row_from(_only(await self._listed(_EVENT, incident_id, event_id), NO_EVENT))

    async def acks(self, incident_id: IncidentId) -> Sequence[AckRow]:
        rows = await self._listed(_ACKS, incident_id)
        if not rows:
            raise NotFound(NO_INCIDENT)
        return [ack_row_from(row) for row in rows if row[0] is not None]

    async def ack(self, incident_id: IncidentId, ack_id: EventId) -> AckRow:
        return ack_row_from(_only(await self._listed(_ACK, incident_id, ack_id), NO_ACK))

    async def due_timers(self, now: datetime, most: int) -> Sequence[Timer]:
        return list(map(timer_from, await self._rows(_DUE, now, most)))

    async def forget(self, timers: Sequence[Timer]) -> None:
        columns = [(timer.incident_id, timer.kind.value, timer.subject_id, timer.due) for timer in timers]
        values = [list(column) for column in zip(*columns, strict=True)]
        if values:
            await self._database.run(lambda connection, _: connection.execute(_FORGET, values, prepare=True))

    async def _rows(self, statement: str, *values: object) -> list[TupleRow]:
        return await self._database.run(_reading(statement, values))

    async def _listed(self, statement: str, *values: object) -> list[TupleRow]:
        """The same for what nothing is decided on."""
        return await self._reads.run(_reading(statement, values))


def _reading(statement: str, values: Sequence[object]) -> "Work[list[TupleRow]]":
    async def read(connection: Connection, _: bool) -> list[TupleRow]:
        cursor = await connection.execute(statement, values, prepare=True, binary=True)
        return await cursor.fetchall()

    return read


def _only(rows: Sequence[TupleRow], otherwise: str) -> TupleRow:
    if not rows:
        raise NotFound(otherwise)
    return rows[0]


def _changes(decided: dict[IncidentId, Change | DomainError]) -> list[Change]:
    """What has to be written."""
    return [change for change in decided.values() if isinstance(change, Change) and change.events]


def _decisions(incidents: Iterator[Incident], decide: Decide, now: datetime, event_ids: EventIds) -> dict[IncidentId, Change | DomainError]:
    decided: dict[IncidentId, Change | DomainError] = {}
    for incident in incidents:
        try:
            decided[incident.id] = decide(incident, now, event_ids)
        except DomainError as refusal:
            decided[incident.id] = refusal
    return decided


def _hints(changes: Sequence[Change]) -> Collection[str]:
    return SOMETHING_URGENT if any(change.incident.level is Level.CRITICAL for change in changes) else ANYTHING


async def _store(connection: Connection, statement: str, values: Values, *, otherwise: Appended) -> Appended:
    try:
        cursor = await connection.execute(statement, values, prepare=True, binary=True)
    except errors.UniqueViolation:
        return Appended.CONFLICT  # an id was given before; that the key is taken is no error of the statement
    live, written = _only(await cursor.fetchall(), "")
    if not live:
        return Appended.UNAUTHENTICATED
    return Appended.STORED if written else otherwise


async def _store_all(connection: Connection, changes: Sequence[Change], warrant: TokenId | None) -> bool:
    """Write all changes of incidents that are locked; False when the warrant is not live."""
    if not changes:
        if warrant is None:
            return True
        cursor = await connection.execute(_LIVE, {"warrant": warrant}, prepare=True, binary=True)
        return bool(_only(await cursor.fetchall(), "")[0])
    if all(map(is_step, changes)):
        values = to_step_together([(change, warrant) for change in changes])
        # A plan that is kept is one for the few that come together; for many it is made anew, since it compares each with each.
        cursor = await connection.execute(STEP_TOGETHER, values, prepare=len(changes) <= FEW, binary=True)
        outcomes = await cursor.fetchall()
        live, written = all(live for live, _ in outcomes), sum(written for _, written in outcomes)
    else:
        statement, values = to_store_many(changes, warrant)
        cursor = await connection.execute(statement, values, prepare=True, binary=True)
        live, written = _only(await cursor.fetchall(), "")
    if live and written != len(changes):
        raise ValueError(f"{len(changes) - written} changes were not decided on the incidents they were given.")
    return bool(live)


async def _are_known(connection: Connection, changes: Sequence[Change]) -> bool:
    """Whether exactly these changes are stored already."""
    events = [event for change in changes for event in change.events]
    if not events:
        return False
    values = [event.id for event in events], [event.received for event in events]
    cursor = await connection.execute(_KNOWN, values, prepare=True, binary=True)
    return bool(_only(await cursor.fetchall(), "")[0] == len(events))

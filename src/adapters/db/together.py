"""Changes that arrive at the same time are stored by the same statement, so that they share its round trip and its commit."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import psycopg
from psycopg import errors

from adapters.db.database import Connection, Database
from adapters.db.gathering import Gathering
from adapters.db.statements import BEGIN_TOGETHER, STEP_TOGETHER, Values, is_beginning, is_step, to_begin_together, to_step_together
from argus_core.domain.ids import SourceId, TokenId
from argus_core.domain.transitions import Change
from argus_core.ports.incidents import Appended

# The data of one was at fault; the others shall not suffer.
OF_THE_DATA = (psycopg.DataError, psycopg.IntegrityError, errors.ProgramLimitExceeded)

MOST_OF_SOURCE = 256
"""So many beginnings, and so many steps, of one source may wait."""

_KNOWN = """
    select id from event join unnest(%s::bigint[], %s::timestamptz[]) as k (id, received) using (id)
    where event.received = k.received"""

Warranted: TypeAlias = tuple[Change, TokenId | None]
Alone: TypeAlias = Callable[[Change, TokenId | None], Awaitable[Appended]]


class Together:
    """
    Stores beginnings and steps one at a time while there is one at a time, and as many at once as there are while a statement is under way.

    Sources take turns. `alone` stores one change, whatever it is.
    """

    def __init__(self, database: Database, alone: Alone) -> None:
        self._database, self._alone = database, alone
        self._begin = Gathering(self._begin_together, turn=_source, patience=database.connect_seconds, share=MOST_OF_SOURCE)
        self._step = Gathering(self._step_together, turn=_source, patience=database.connect_seconds, share=MOST_OF_SOURCE)

    async def store(self, change: Change, warrant: TokenId | None) -> Appended:
        """
        Store a change.

        Raises:
            Unavailable: as of `Database.run`, or its turn did not come in the time that one waits for a connection, or too much waits.
            TooOften: too much of the same source waits.
        """
        if is_beginning(change):
            return await self._begin((change, warrant))
        if is_step(change):
            return await self._step((change, warrant))
        return await self._alone(change, warrant)

    async def _begin_together(self, some: Sequence[Warranted]) -> Sequence[Appended]:
        if len(some) == 1:
            return [await self._alone(*some[0])]
        # Whoever inserts the same keys does so in the same order, and never waits for one who waits for it.
        ordered = sorted(some, key=lambda one: (one[0].incident.source.id, one[0].incident.source_incident_id))
        stored = await self._store(BEGIN_TOGETHER, to_begin_together(ordered), ordered, otherwise=Appended.DUPLICATE_KEY)
        return [stored[change.events[0].id] for change, _ in some]

    async def _step_together(self, some: Sequence[Warranted]) -> Sequence[Appended]:
        if len(some) == 1:
            return [await self._alone(*some[0])]
        # Of several changes of one incident, decided on the same version of it, only one can be stored.
        firsts = {change.incident.id: (change, warrant) for change, warrant in reversed(some)}
        ordered = list(firsts.values())
        stored = await self._store(STEP_TOGETHER, to_step_together(ordered), ordered, otherwise=Appended.CONFLICT)
        return [stored.get(change.events[0].id, Appended.CONFLICT) for change, _ in some]

    async def _store(self, statement: str, values: Values, some: Sequence[Warranted], *, otherwise: Appended) -> dict[int, Appended]:
        """What became of each change, by the id of its event."""
        repeated = False

        async def store(connection: Connection, again: bool) -> dict[int, Appended]:
            nonlocal repeated
            repeated = again
            cursor = await connection.execute(statement, values, prepare=True, binary=True)
            rows = await cursor.fetchall()
            known = await _known(connection, some) if again else frozenset()
            outcomes = {}
            for (change, _), (live, written) in zip(some, rows, strict=True):
                is_stored = written or change.events[0].id in known
                outcomes[int(change.events[0].id)] = Appended.STORED if is_stored else otherwise if live else Appended.UNAUTHENTICATED
            return outcomes

        try:
            return await self._database.run(store)
        except OF_THE_DATA:
            # A repetition of what was stored without anybody hearing of it ends here too, since its ids are taken.
            known = await self._database.run(lambda connection, _: _known(connection, some)) if repeated else frozenset()
            if not known:
                raise
            return {
                int(change.events[0].id): Appended.STORED if change.events[0].id in known else await self._alone(change, warrant)
                for change, warrant in some
            }


def _source(one: Warranted) -> SourceId:
    return one[0].incident.source.id


async def _known(connection: Connection, some: Sequence[Warranted]) -> frozenset[int]:
    events = [change.events[0] for change, _ in some]
    values = [event.id for event in events], [event.received for event in events]
    cursor = await connection.execute(_KNOWN, values, prepare=True, binary=True)
    return frozenset(id_ for (id_,) in await cursor.fetchall())

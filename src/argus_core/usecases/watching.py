"""Argus watches itself: sources say that they are alive, and what goes wrong becomes incidents of Argus's own."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from argus_core.domain.accounts import actor_of
from argus_core.domain.actors import Actor
from argus_core.domain.audit import Deed, Origin, called
from argus_core.domain.errors import DuplicateIncident, Invalid, OnlySourcesBeat
from argus_core.domain.filters import All, IsOpen, SourceIn
from argus_core.domain.ids import SourceId
from argus_core.domain.incidents import EventType
from argus_core.domain.permissions import Act, require_scope
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import IncidentReport
from argus_core.domain.watching import LONGEST, SHORTEST, concerns, is_interval, plan
from argus_core.ports.media import Media
from argus_core.ports.watching import Watch
from argus_core.usecases.accounts import AccountService
from argus_core.usecases.incidents import IncidentService

MOST = 1_000
"""So many own incidents are looked after at a time."""

OVER = "This is over."


@dataclass(frozen=True, slots=True)
class WatchService:
    """
    Looks for what somebody should look after. `warning` is how long before its end a token is spoken of, `limit` how long a notification
    may wait.
    """

    watch: Watch
    accounts: AccountService
    incidents: IncidentService
    media: Media
    warning: timedelta
    limit: timedelta

    def seen_from(self, origin: Origin) -> "WatchService":
        """The same, on behalf of somebody: whom the audit log names."""
        return replace(self, accounts=self.accounts.seen_from(origin))

    async def beat(self, actor: Actor) -> None:
        """
        Note that the actor's source is alive.

        Raises:
            OnlySourcesBeat: the actor is none.
        """
        require_scope(actor, Act.BEAT)
        if actor.source is None:
            raise OnlySourcesBeat
        await self.watch.beat(actor.source.id)

    async def expect(self, source_id: SourceId, every: timedelta | None) -> None:
        """
        Expect heartbeats of a source so often from now on; None expects none.

        Raises:
            Invalid: under `every`, it is too short or too long.
        """
        if every is not None and not is_interval(every):
            raise Invalid({"every": f"Give a span from {SHORTEST.total_seconds():.0f} seconds to {LONGEST.days} days."})
        source = await self.accounts.source(source_id)
        details = "no heartbeat is expected" if every is None else f"a heartbeat is expected every {every}"
        await self.watch.expect(source_id, every, self.accounts.entry(Deed.SOURCE_CHANGE, called(source), details))

    async def look(self) -> int:
        """
        Open and end incidents of Argus's own as things are; how many were changed.

        Any number may look at once: an incident has the same key whoever opens it, and one that somebody has closed stays closed.
        """
        signs = await self.watch.signs()
        tokens = [(user.username, token) for user, token in await self.accounts.tokens() if user.active]
        worrying = concerns(signs, tokens, warning=self.warning, limit=self.limit, why=self.media.lacks)
        own = await self.accounts.own_source(make=bool(worrying))
        if own is None:
            return 0
        actor = actor_of(await self.accounts.user(own.user_id), own)
        page = await self.incidents.incidents.page(All((SourceIn(frozenset({own.id})), IsOpen())), self.incidents.clock(), MOST)
        todo = plan(worrying, {row.id: row.source_incident_id for row in page.rows})
        for concern in todo.open:
            report = IncidentReport(
                start_time=concern.since,
                source_incident_id=concern.key,
                level=concern.level,
                description=concern.description,
                tags=tuple(map(Tag.parse, concern.tags)),
            )
            with suppress(DuplicateIncident):
                await self.incidents.report(report, actor=actor)
        await self.incidents.post_to_each(todo.close, EventType.END, actor=actor, why=OVER)
        return len(todo.open) + len(todo.close)

"""Decide about what has happened: who is to be told, and where that leads. Sending is in `sending`."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import datetime
from typing import TypeAlias

from argus_core.domain.audience import Audience
from argus_core.domain.calendars import Calendar
from argus_core.domain.decisions import Told, gathered
from argus_core.domain.deliveries import DeliveryStatus, Order
from argus_core.domain.destinations import Destination
from argus_core.domain.digests import gathered_by
from argus_core.domain.errors import Unavailable, said
from argus_core.domain.escalation import Heard, asks, may_follow, timers
from argus_core.domain.flapping import Flaps, Threshold, Thresholds, changes, flap_key
from argus_core.domain.holds import Hold, Keeper
from argus_core.domain.ids import DestinationId, IncidentId, SourceId, UserId
from argus_core.domain.incidents import Happening, Level
from argus_core.domain.limits import storable
from argus_core.domain.maintenance import Maintenance, ends
from argus_core.domain.profiles import Profile, WholeProfile
from argus_core.domain.transitions import Timer
from argus_core.ports.media import Media, Medium, host_of
from argus_core.ports.outbox import Outbox, Place, Undecided
from argus_core.ports.profiles import Profiles

BEFORE_ALL = -1
MOST_REASON = MOST_NAME = 1_000

_log = logging.getLogger("argus.dispatch")

_Claim: TypeAlias = Callable[[int], AbstractAsyncContextManager[Undecided]]


class Dispatcher:
    """
    Takes events from the outbox and gives each to those who hear of it.

    It remembers everybody's profiles, and looks each time, after it has claimed, for what has changed: what was edited before then counts.
    With `sends` off all is decided all the same, and the ledger says that nothing was sent. With `own_only`, sources hear of incidents of
    their own only.

    What flaps is kept back until it is quiet: by the threshold of its source, or by this one where the source has none of its own.

    What is urgent may be decided beside everything else, at the same time, so that it waits for no portion of others.
    """

    def __init__(
        self,
        outbox: Outbox,
        profiles: Profiles,
        media: Media,
        *,
        sends: bool = True,
        own_only: bool = False,
        flapping: Threshold | None = None,
    ) -> None:
        self._thresholds = Thresholds(flapping)
        self._outbox, self._profiles, self._media, self._sends, self._own_only = outbox, profiles, media, sends, own_only
        self._audience = Audience()
        self._calendar = Calendar()
        self._confined: dict[UserId, SourceId] = {}
        self._generation = BEFORE_ALL
        self._portions, self._urgent_portions = _Portions(), _Portions()
        self._learning = asyncio.Lock()

    async def decide(self, most: int) -> int:
        """
        Decide about at most so many events, or find one about which nobody can; how many were looked at.

        Raises:
            Unavailable: nothing was decided.
        """
        return await self._decide(self._outbox.claim, self._portions, most)

    async def decide_urgent(self, most: int) -> int:
        """
        The same of what is urgent alone.

        Raises:
            Unavailable: nothing was decided.
        """
        return await self._decide(self._outbox.claim_urgent, self._urgent_portions, most)

    async def _decide(self, claim: _Claim, portions: "_Portions", most: int) -> int:
        portion = portions.of(most)
        blamed: Sequence[Place] = ()
        try:
            async with claim(portion) as undecided:
                if undecided.places or self._generation == BEFORE_ALL:  # of thousands of profiles, before an event waits for them
                    await self._learn()
                if not undecided.places:
                    return 0
                blamed = undecided.places
                happenings = await undecided.happenings()
                texts = await self._texts(undecided)
                matching = [(one, self._matching(one, texts.get(one.incident.id, ()))) for one in happenings]
                heard = await _heard(undecided, matching)
                orders = [order for one, profiles in matching for order in self._orders(one, profiles, heard)]
                waits = [timer for one in happenings for timer in timers(one, self._audience.delays)]
                orders = list(await self._kept_back(undecided, happenings, texts, orders))
                await self._decide_quietly(undecided, happenings, orders, waits)
        except Exception as error:
            portions.failed()
            if isinstance(error, Unavailable) or not blamed:
                raise
            if len(blamed) == 1:
                await self._put_aside(blamed[0], error)
        else:
            portions.went_well(portion)
        return len(blamed)

    async def _put_aside(self, place: Place, error: Exception) -> None:
        _log.error("Nobody can decide about event %d of incident %d", place[1], place[0], exc_info=error, extra={"incident": place[0]})
        await self._outbox.put_aside(place, storable(said(error), MOST_REASON))

    async def cares(self, happening: Happening, texts: Sequence[str]) -> bool:
        """Whether anybody waits for this escalation; if not, there is no need to note it."""
        await self._learn()
        return any(asks(whole.profile, happening, None) for whole in self._matching(happening, texts))

    async def _learn(self) -> None:
        async with self._learning:
            await self._learn_alone()

    async def _learn_alone(self) -> None:
        edition = await self._profiles.since(self._generation)
        for owner, belongings in edition.belongings.items():
            self._audience.know(owner, belongings)
        if edition.generation != self._generation:
            self._calendar = Calendar(edition.maintenances)
            self._thresholds = Thresholds.spelled(self._thresholds.usual, edition.thresholds)
        self._confined = {owner: own for owner, own in self._confined.items() if owner not in edition.belongings} | dict(edition.confined)
        self._generation = edition.generation

    def _matching(self, happening: Happening, texts: Sequence[str]) -> Sequence[WholeProfile]:
        """The profiles that fire if they are asked, and those that cannot be judged: better that somebody hears too much than nothing."""
        try:
            return self._audience.matching(happening, texts)
        except Exception:  # whatever is wrong with one profile, the others are asked; what is wrong with all is raised
            judged = self._audience.judged_singly(happening, texts)
            doubtful = [(whole, found) for whole, found in judged if isinstance(found, Exception)]
            if len(doubtful) == len(judged):  # then it is no profile's fault
                raise
            for whole, error in doubtful:
                _log.error(
                    "Profile %d is told of incident %d since it cannot be found out whether it wants to be",
                    whole.profile.id,
                    happening.incident.id,
                    exc_info=error,
                    extra={"incident": happening.incident.id},
                )
            return [whole for whole, found in judged if found]

    async def _texts(self, undecided: Undecided) -> Mapping[IncidentId, Sequence[str]]:
        if not self._audience.reads_texts and not self._calendar.reads_texts:
            return {}
        return await undecided.texts([incident_id for incident_id, _ in undecided.places])

    def _orders(self, happening: Happening, matching: Sequence[WholeProfile], heard: Heard) -> Iterator[Order]:
        source_id = happening.incident.source.id
        for told in gathered(matching, happening, heard):
            if self._own_only and self._confined.get(told.destination.owner, source_id) != source_id:
                continue
            yield _order(self._media, told, happening, sends=self._sends)

    async def _kept_back(
        self, undecided: Undecided, happenings: Sequence[Happening], texts: Mapping[IncidentId, Sequence[str]], orders: Sequence[Order]
    ) -> Sequence[Order]:
        """The orders, of which those are kept back that planned maintenance keeps back; an end is told to whoever was told before."""
        keeping: dict[IncidentId | None, Maintenance] = {
            happening.incident.id: maintenance
            for happening in happenings
            if (maintenance := self._calendar.keeping_back(happening, texts.get(happening.incident.id, ())))
        }
        received: dict[IncidentId | None, datetime] = {happening.incident.id: happening.event.received for happening in happenings}
        over = [happening.incident.id for happening in happenings if happening.incident.id in keeping and ends(happening)]
        told = await undecided.told(over) if over else frozenset()
        return [
            order.kept_back(maintenance.hold)
            if (maintenance := keeping.get(order.incident_id)) and order.lane not in told
            else _gathered(order, received)
            for order in orders
        ]

    async def _decide_quietly(
        self, undecided: Undecided, happenings: Sequence[Happening], orders: Sequence[Order], waits: Sequence[Timer]
    ) -> None:
        """Decide, and keep back what flaps."""
        found = ((one, self._thresholds.of(one.incident.source.id)) for one in happenings)
        judged = [(one, threshold) for one, threshold in found if threshold is not None]
        if not judged:
            await undecided.decide(orders, waits)
            return
        keys = {happening.incident.id: flap_key(happening.incident) for happening, _ in judged}
        changed = [(one, threshold, over) for one, threshold in judged if (over := changes(one)) is not None]
        ended = {keys[happening.incident.id] for happening, _, over in changed if over}
        known = await undecided.flaps(ended, frozenset(keys.values()) - ended)
        flaps = dict(known)
        for happening, threshold, over in sorted(changed, key=lambda change: change[0].event.received):
            key = keys[happening.incident.id]
            if key in flaps:
                flaps[key] = threshold.after(flaps[key], happening.event.received, ended=over)
        holds: dict[IncidentId | None, Hold] = {}
        for happening, threshold in judged:
            key = keys[happening.incident.id]
            one = flaps.get(key, Flaps())
            if one.until is not None and one.flaps(happening.event.received):
                holds[happening.incident.id] = threshold.hold(key, one.until)
        quiet = [
            order.kept_back(hold) if (hold := holds.get(order.incident_id)) is not None and _may_be_rolled_up(order) else order
            for order in orders
        ]
        await undecided.decide(quiet, waits, {key: one for key, one in flaps.items() if one != known[key]})


class _Portions:
    """
    How many events are decided at once.

    When a portion fails, the next ones are of one event, then of twice as many each time: so the one that fails by itself is found, and put
    aside, and what was too much at once becomes less.
    """

    def __init__(self) -> None:
        self._most: int | None = None

    def of(self, most: int) -> int:
        """The size of the next one, if nothing is wrong so many."""
        return min(most, self._most or most)

    def failed(self) -> None:
        """Nothing came of one."""
        self._most = 1

    def went_well(self, portion: int) -> None:
        """One of so many was decided."""
        if self._most is not None:
            self._most = 2 * portion


def _may_be_rolled_up(order: Order) -> bool:
    waits = order.status is DeliveryStatus.WAITING or (order.hold is not None and order.hold.keeper is Keeper.DIGEST)
    return waits and not order.urgent


def _gathered(order: Order, received: Mapping[IncidentId | None, datetime]) -> Order:
    """The order, kept back if only digests ask for it."""
    if not order.told.gathering or order.status is not DeliveryStatus.WAITING:
        return order
    hold = gathered_by(order.told.gathering, received[order.incident_id])
    return order if hold is None else order.kept_back(hold)


async def _heard(undecided: Undecided, matching: Sequence[tuple[Happening, Sequence[WholeProfile]]]) -> Heard:
    """What was told before, where that matters."""
    following = {one.incident.id for one, profiles in matching if any(may_follow(whole.profile, one) for whole in profiles)}
    return await undecided.heard(sorted(following)) if following else {}


def trial_of(media: Media, destination: Destination, profiles: tuple[Profile, ...], *, sends: bool) -> Order:
    """A test that goes to a destination on behalf of these profiles, by the way of everything else."""
    return _order(media, Told(destination, profiles), None, sends=sends)


def _order(media: Media, told: Told, happening: Happening | None, *, sends: bool) -> Order:
    return Order(
        incident_id=happening.incident.id if happening else None,
        event_id=happening.event.id if happening else None,
        version=happening.event.version if happening else 0,
        told=told,
        address=address_of(media, told.destination),
        route=route_of(media, told.destination),
        status=DeliveryStatus.WAITING if sends else DeliveryStatus.OFF,
        urgent=happening is not None and happening.incident.level is Level.CRITICAL,
    )


def route_of(media: Media, destination: Destination) -> str:
    """What a destination shares with others that wait for the same provider: medium and host."""
    medium = _medium_of(media, destination)
    host = ""
    if medium is not None:
        with suppress(Exception):  # a stranger's code may fail in any way, and must hold up nobody
            host = storable(host_of(medium, destination.settings), MOST_NAME)
    return f"{destination.medium}:{host}"


async def routes_of(profiles: Profiles, media: Media) -> Mapping[DestinationId, str]:
    """The routes of everybody's destinations."""
    everybodys = (await profiles.since(BEFORE_ALL)).belongings.values()
    return {destination.id: route_of(media, destination) for owned in everybodys for destination in owned.destinations}


def address_of(media: Media, destination: Destination) -> str:
    """What a destination is called in the ledger: what its medium calls it, if it is there; else its label."""
    medium = _medium_of(media, destination)
    if medium is not None:
        with suppress(Exception):  # the same
            return storable(medium.label(destination.settings), MOST_NAME)
    return destination.label or destination.medium


def _medium_of(media: Media, destination: Destination) -> Medium | None:
    enabled = media.get(destination.medium)
    return enabled.medium if enabled else None

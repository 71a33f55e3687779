"""What every outbox must do: nothing is decided twice or out of order, nothing that waits is lost or sent by two at once."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from argus_core.conformance import LONG_AGO, NOWHERE, World, make_world
from argus_core.domain.accounts import User
from argus_core.domain.budgets import Budget
from argus_core.domain.decisions import Told
from argus_core.domain.deliveries import Delivery, DeliveryStatus, Order, Outcome, Report, patience_after
from argus_core.domain.destinations import Destination
from argus_core.domain.digests import OVER
from argus_core.domain.errors import TooOften
from argus_core.domain.flapping import FlapKey, Flaps
from argus_core.domain.holds import Hold, Keeper
from argus_core.domain.ids import DestinationId, FilterId, MaintenanceId, ProfileId, UserId
from argus_core.domain.incidents import EventType, Happening, Incident, Level, fold
from argus_core.domain.maintenance import Maintenance
from argus_core.domain.profiles import Profile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.transitions import Edit, Timer, TimerKind
from argus_core.ports.accounts import Accounts
from argus_core.ports.incidents import Incidents
from argus_core.ports.outbox import NO_ROOM, Outbox, Sending, Withheld
from argus_core.ports.profiles import Profiles

LEASE = timedelta(minutes=5)
NO_TIME = timedelta()
A_MOMENT = timedelta(minutes=1)
SENT = Report(outcome=Outcome.SENT, answer="", seconds=0.5)
REFUSED = Report(outcome=Outcome.REFUSED, answer="550 nobody", seconds=0.5)
FAILED = Report(outcome=Outcome.FAILED, answer="451 later", seconds=0.5)
UNKNOWN = Report(outcome=Outcome.UNKNOWN, answer="gone after DATA", seconds=0.5)
MANY = 1_000
STORM, AT_ONCE = 500, 20
LONG_HENCE = LONG_AGO.replace(year=2999)


@dataclass(frozen=True, slots=True)
class Post:
    """A world, its outbox, and one destination. Whatever the outbox holds of others is left alone: routes are the world's own."""

    world: World
    outbox: Outbox
    told: Told
    route: str

    async def happen(self, *, times: int = 1, why: str = "", level: Level = Level.INFORMATION) -> Incident:
        """Report an incident, and let so many events happen in all."""
        incident = await self.world.report(description=why, level=level)
        for number in range(1, times):
            await self.world.service.post(incident.id, EventType.OTHER, actor=self.world.person, why=f"{why}{number}")
        return await self.world.incidents.get(incident.id)

    def order(self, happening: Happening | None, status: DeliveryStatus = DeliveryStatus.WAITING) -> Order:
        """The one destination shall hear of it; None is a test."""
        return Order(
            incident_id=happening.incident.id if happening else None,
            event_id=happening.event.id if happening else None,
            version=happening.event.version if happening else 0,
            told=self.told,
            address="Email: ola@example.org",
            route=self.route,
            status=status,
            urgent=happening is not None and happening.incident.level is Level.CRITICAL,
        )

    async def storm(self) -> Sequence[Incident]:
        """Many incidents, none of level 1, some at once."""
        together = [await asyncio.gather(*(self.happen() for _ in range(AT_ONCE))) for _ in range(STORM // AT_ONCE)]
        return [incident for some in together for incident in some]

    async def decide(self, *, status: DeliveryStatus = DeliveryStatus.WAITING) -> None:
        """Order everything that is undecided, event by event."""
        while True:
            async with self.outbox.claim(MANY) as undecided:
                await undecided.decide([self.order(happening, status) for happening in await undecided.happenings()])
                if not undecided.places:
                    return

    async def waiting(self, *, times: int = 1, why: str = "", level: Level = Level.INFORMATION) -> Incident:
        """An incident with so many deliveries that wait."""
        incident = await self.happen(times=times, why=why, level=level)
        await self.decide()
        return incident

    async def take(self, most: int = MANY, lease: timedelta = LEASE, budget: Budget | None = None, spare: int = 0) -> Sequence[Sending]:
        """Take what is due on the world's own route."""
        return await self.outbox.take({self.route: most}, lease, budget, {self.route: spare} if spare else NO_ROOM)

    async def take_one(self, lease: timedelta = LEASE, budget: Budget | None = None) -> Sending:
        """Take what is due, which is one message."""
        (sending,) = await self.take(lease=lease, budget=budget)
        return sending

    async def ledger(self, incidents: Sequence[Incident]) -> Sequence[Delivery]:
        """The deliveries of these incidents."""
        return [delivery for incident in incidents for delivery in await self.outbox.of_incident(incident.id)]

    async def states(self, incident: Incident) -> list[DeliveryStatus]:
        """What has become of the deliveries of an incident, oldest first."""
        return [delivery.status for delivery in reversed(await self.outbox.of_incident(incident.id))]


async def make_post(incidents: Incidents, accounts: Accounts, profiles: Profiles, outbox: Outbox) -> Post:
    """A world with somebody who wants to be told of everything, and nothing left undecided."""
    world = await make_world(incidents, accounts)
    owner = world.person.id
    async with profiles.begin(owner) as work:
        destination = Destination(
            id=DestinationId(await work.new_id()), owner=owner, medium="email", settings={"email_address": f"{owner}@example.org"}
        )
        await work.keep(destination)
    profile = Profile(id=ProfileId(1), owner=owner, name="All", timeslot_id=destination.id, filter_ids=())  # type: ignore[arg-type] # any
    post = Post(world, outbox, Told(destination, (profile,)), f"email:{owner}.example.org")
    while True:
        async with outbox.claim(MANY) as undecided:
            await undecided.decide([])
            if not undecided.places:
                return post


async def events_are_decided_in_order(post: Post) -> None:
    """Of each incident the earliest event comes first, with the state it led to; what was decided does not come again."""
    incident = await post.happen(times=3, why="a")
    journal = await post.world.incidents.journal(incident.id)
    for event in journal:
        async with post.outbox.claim(MANY) as undecided:
            (happening,) = await undecided.happenings()
            see(happening.event == event, "An event was claimed out of order.")
            see(happening.incident == fold(journal[: event.version], post.world.source), "The state is not that of the event.")
            texts = await undecided.texts([incident.id])
            see(list(texts[incident.id]) == [told.description for told in journal[: event.version]], "The texts are not those of then.")
            await undecided.decide([])
    async with post.outbox.claim(MANY) as undecided:
        see(not undecided.places, "An event came again that was decided.")


async def what_was_not_decided_comes_again(post: Post) -> None:
    """Neither leaving without a decision nor an exception takes an event out of the outbox."""
    await post.happen()
    async with post.outbox.claim(MANY) as undecided:
        (first,) = await undecided.happenings()
    with suppress(_Interrupted):
        async with post.outbox.claim(MANY) as undecided:
            await undecided.decide([post.order(happening) for happening in await undecided.happenings()])
            _interrupt()
    see(not await post.outbox.of_incident(first.incident.id), "A decision that was interrupted was kept.")
    async with post.outbox.claim(MANY) as undecided:
        see(list(await undecided.happenings()) == [first], "An event that was not decided is gone.")


async def claims_exclude_each_other(post: Post) -> None:
    """Two who claim at once get different incidents, and neither a later event of one that the other has."""
    incidents = {(await post.happen(times=2)).id for _ in range(6)}
    async with post.outbox.claim(3) as here, post.outbox.claim(MANY) as there:
        claimed = [*here.places, *there.places]
        see(sorted(incident_id for incident_id, _ in claimed) == sorted(incidents), "An incident was claimed by two, or by nobody.")
        see({version for _, version in claimed} == {1}, "A later event was claimed.")


async def what_is_urgent_is_decided_first(post: Post) -> None:
    """Incidents of level 1 come before a storm of others, each from its earliest event on; a quarter is left to the others."""
    others = {incident.id for incident in await post.storm()}
    urgent = await post.happen(times=2, level=Level.CRITICAL)
    raised = await post.happen(times=2)
    await post.world.service.edit(raised.id, Edit(level=Level.CRITICAL), actor=post.world.person)
    for version in (1, 2):
        async with post.outbox.claim(4) as undecided:
            see({(urgent.id, version), (raised.id, version)} < set(undecided.places), "Others come first, or later events.")
            see(len({id_ for id_, _ in undecided.places} & others) == 2, "There is room that others do not get.")  # noqa: PLR2004 - of four
            await undecided.decide([])
    flood = {(await post.happen(level=Level.CRITICAL)).id for _ in range(8)}
    async with post.outbox.claim(4) as undecided:
        claimed = [id_ for id_, _ in undecided.places]
        counts = len((flood | {raised.id}).intersection(claimed)), len(others.intersection(claimed))
        see(counts == (3, 1), "What is urgent does not come first, or leaves nothing to others.")
        async with post.outbox.claim(MANY) as rest:
            see(not {id_ for id_, _ in rest.places}.intersection(claimed), "An incident was claimed twice.")


async def what_is_urgent_is_decided_beside_everything_else(post: Post) -> None:
    """Incidents of level 1 are claimed alone, all of them, each from its earliest event on, while others are claimed, and not twice."""
    others = {incident.id for incident in await post.storm()}
    early = await post.happen(level=Level.CRITICAL)
    raised = await post.happen(times=2)
    async with post.outbox.claim(MANY) as everything:
        late, beside = await post.happen(times=2, level=Level.CRITICAL), await post.happen()
        await post.world.service.edit(raised.id, Edit(level=Level.CRITICAL), actor=post.world.person)
        async with post.outbox.claim_urgent(MANY) as urgent:
            here = [place for place in urgent.places if place[0] in {early.id, raised.id, late.id, beside.id} | others]
            see(here == [(late.id, 1)], f"Of these the urgent ones are {here}.")
            see({early.id, raised.id} | others <= {id_ for id_, _ in everything.places}, "Not everything was claimed.")
            await urgent.decide([])
        await everything.decide([])
    async with post.outbox.claim_urgent(1) as one, post.outbox.claim_urgent(MANY) as rest:
        see({(late.id, 2), (raised.id, 2)} <= {*one.places, *rest.places}, "Later events are left out.")
        see(not {*one.places} & {*rest.places}, "An event was claimed twice.")
        see(len(one.places) == 1, "More are claimed than were asked for.")


async def what_is_urgent_has_room_to_spare(post: Post) -> None:
    """Where there is no room any more, or little, lanes of level 1 are taken as far as there is spare room, and no others."""
    others = {incident.id for incident in await post.storm()}
    await post.decide()
    flood = {(await post.waiting(level=Level.CRITICAL)).id for _ in range(9)}
    for free, spare, budget, expected in (
        (0, 2, None, (2, 0)),
        (0, 2, Budget(MANY, A_MOMENT), (2, 0)),
        (4, 1, None, (4, 1)),
        (4, 1, Budget(MANY, A_MOMENT), (1, 4)),
    ):
        taken = {sending.incident_id for sending in await post.take(free, budget=budget, spare=spare)}
        counts = len(taken & flood), len(taken & others)
        see(counts == expected, f"With room for {free} and {spare} to spare {counts} are taken.")


async def what_is_urgent_is_sent_first(post: Post) -> None:
    """Lanes of level 1 are taken before a storm of others, and all that waits in them goes; a quarter of the room is left to the others."""
    others = {incident.id for incident in await post.storm()}
    await post.decide()
    raised = await post.waiting()
    await post.world.service.edit(raised.id, Edit(level=Level.CRITICAL), actor=post.world.person)
    urgent = await post.waiting(times=2, level=Level.CRITICAL)
    sendings = {sending.incident_id: sending for sending in await post.take(4)}
    see({raised.id, urgent.id} < set(sendings), "Others come first.")
    versions = [[delivery.version for delivery in sendings[id_].deliveries] for id_ in (raised.id, urgent.id)]
    see(all(some == list(range(1, len(some) + 1)) and len(some) > 1 for some in versions), "Not all that waited goes, in order.")
    see(len(others.intersection(sendings)) == 2, "There is room that others do not get.")  # noqa: PLR2004 - of four
    flood = {(await post.waiting(level=Level.CRITICAL)).id for _ in range(8)}
    for budget in (None, Budget(MANY, A_MOMENT)):
        taken = {sending.incident_id for sending in await post.take(4, budget=budget)}
        see((len(taken & flood), len(taken & others)) == (3, 1), "What is urgent does not come first, or leaves nothing to others.")
    (given, *_) = [one for one in await post.take(1) if one.incident_id in flood]
    await post.outbox.finish(given, SENT)
    rest = await post.take(MANY)
    see({one.incident_id for one in rest} <= others | flood, "Something was taken twice.")
    see(len(rest) == STORM - 2 - 2 + 8 - 6 - 1, "Something is left behind.")


async def what_was_put_aside_waits_with_what_comes_after_it(post: Post) -> None:
    """Neither it nor a later event of its incident is claimed before its time, others are; it is told how often and why it failed."""
    stuck, other = await post.happen(times=2), await post.happen()
    await post.outbox.put_aside((stuck.id, 1), "first")
    (first,) = [one for one in await post.outbox.aside(MANY) if one.incident_id == stuck.id]
    await post.outbox.put_aside((stuck.id, 1), "a bug")
    await post.outbox.put_aside((NOWHERE, 1), "not there")
    async with post.outbox.claim(MANY) as undecided:
        see(list(undecided.places) == [(other.id, 1)], "What was put aside did not wait, or held up others.")
        await undecided.decide([])
    (setback,) = [one for one in await post.outbox.aside(MANY) if one.incident_id in (stuck.id, NOWHERE)]
    see((setback.incident_id, setback.version, setback.failures, setback.reason) == (stuck.id, 1, 2, "a bug"), "It is not told why.")
    see(setback.due - first.due >= patience_after(2) - patience_after(1), "It does not wait for longer and longer.")
    see(len(await post.outbox.aside(0)) == 0, "There are more than were asked for.")


async def racing_callers_decide_each_event_once(post: Post) -> None:
    """However many decide at once, each event is decided once, those of an incident in order."""
    incidents = [await post.happen(times=3) for _ in range(10)]

    async def decide() -> None:
        idle = 0
        while idle < 3:  # noqa: PLR2004 - the others may hold the rest for a moment
            async with post.outbox.claim(2) as undecided:
                await undecided.decide([post.order(happening) for happening in await undecided.happenings()])
                idle = 0 if undecided.places else idle + 1
            await asyncio.sleep(0)

    await asyncio.gather(*(decide() for _ in range(4)))
    await post.decide()
    for incident in incidents:
        versions = [delivery.version for delivery in reversed(await post.outbox.of_incident(incident.id))]
        see(versions == [1, 2, 3], f"The events of an incident were decided as {versions}.")


async def what_is_ordered_is_sent_once(post: Post) -> None:
    """A delivery waits, is taken by one, and is sent; then its lane is gone."""
    incident = await post.waiting(why="Ærlig 🔥")
    (delivery,) = await post.outbox.of_incident(incident.id)
    as_ordered = (delivery.status, delivery.version, delivery.address) == (DeliveryStatus.WAITING, 1, "Email: ola@example.org")
    see(as_ordered, "It is not as ordered.")
    see([asking.name for asking in delivery.profiles] == ["All"], "The profile is not named.")
    see(post.route in await post.outbox.routes(), "Its route is not known.")
    see(not await post.outbox.take({"email:elsewhere": MANY}, LEASE), "A lane was taken on another route.")
    sending = await post.take_one()
    see(sending.destination == post.told.destination, "It leads elsewhere.")
    see([happening.incident for happening in sending.happenings] == [incident], "It tells something else.")
    see(not await post.take(), "A lane was taken twice.")
    see(await post.outbox.finish(sending, SENT), "The outcome did not count.")
    (delivery,) = await post.outbox.of_incident(incident.id)
    see(delivery.status is DeliveryStatus.SENT, "It was not noted as sent.")
    see(delivery.finished is not None, "When it was sent was not noted.")
    see([(attempt.number, attempt.outcome) for attempt in delivery.attempts] == [(1, Outcome.SENT)], "The attempt was not kept.")
    see(post.route not in await post.outbox.routes(), "An empty lane stayed.")


async def what_waits_together_goes_together(post: Post) -> None:
    """All that waits in a lane is one message, and the earlier ones are merged into the newest; other incidents have lanes of their own."""
    incident, other = await post.waiting(times=3), await post.waiting()
    sendings = {sending.incident_id: sending for sending in await post.take()}
    see(set(sendings) == {incident.id, other.id}, "Not each incident has one message.")
    sending = sendings[incident.id]
    see([delivery.version for delivery in sending.deliveries] == [1, 2, 3], "Not all that waited goes, in order.")
    see(sending.happenings[-1].incident == incident, "The newest state is not told.")
    await post.outbox.finish(sending, SENT)
    *earlier, newest = reversed(await post.outbox.of_incident(incident.id))
    see(newest.status is DeliveryStatus.SENT, "The newest was not sent.")
    merged = {(delivery.status, delivery.merged_into) for delivery in earlier}
    see(merged == {(DeliveryStatus.MERGED, newest.id)}, "They were not merged.")


async def what_comes_meanwhile_goes_next(post: Post) -> None:
    """What is added while a message is under way is due when that has ended, however it ends."""
    for report, left in ((SENT, [2]), (REFUSED, [2])):
        incident = await post.waiting()
        sending = await post.take_one()
        await post.world.service.post(incident.id, EventType.OTHER, actor=post.world.person)
        await post.decide()
        see(not await post.take(), "Two messages of one lane were under way at once.")
        await post.outbox.finish(sending, report)
        following = await post.take_one()
        see([delivery.version for delivery in following.deliveries] == left, "What came meanwhile does not go next.")
        await post.outbox.finish(following, SENT)


async def a_failure_waits_and_loses_nothing(post: Post) -> None:
    """What failed is due again after the pause it was given; what comes meanwhile joins it, and does not wait for long pauses."""
    incident = await post.waiting()
    await post.outbox.finish(await post.take_one(), replace(FAILED, again=NO_TIME))
    sending = await post.take_one()
    see((sending.attempt, sending.failures, sending.repeats) == (2, 1, False), "The failure was not counted.")
    await post.outbox.finish(sending, replace(FAILED, again=timedelta(hours=1)))
    see(not await post.take(), "It did not wait.")
    (delivery,) = await post.outbox.of_incident(incident.id)
    see([attempt.answer for attempt in delivery.attempts] == ["451 later", "451 later"], "The answers were not kept.")
    see(await post.outbox.retry([delivery.id], {}) == [delivery.id], "It could not be hurried.")
    await post.world.service.post(incident.id, EventType.OTHER, actor=post.world.person)
    await post.decide()
    sending = await post.take_one()
    see([delivery.version for delivery in sending.deliveries] == [1, 2], "What came meanwhile did not join.")
    await post.outbox.finish(sending, SENT)
    see(await post.states(incident) == [DeliveryStatus.MERGED, DeliveryStatus.SENT], "They did not end together.")


async def a_doubtful_message_is_repeated_as_it_was(post: Post) -> None:
    """Until it is known what became of a message, the same one goes, and what has come meanwhile waits."""
    incident = await post.waiting()
    await post.outbox.finish(await post.take_one(), replace(UNKNOWN, again=NO_TIME))
    await post.world.service.post(incident.id, EventType.OTHER, actor=post.world.person)
    await post.decide()
    again = await post.take_one()
    see(again.repeats, "It is not said to be a repetition.")
    see([delivery.version for delivery in again.deliveries] == [1], "Another message went instead of the doubtful one.")
    await post.outbox.release([again])
    again = await post.take_one()
    see([delivery.version for delivery in again.deliveries] == [1], "After it was let go, another message went.")
    await post.outbox.finish(again, SENT)
    see([delivery.version for delivery in (await post.take_one()).deliveries] == [2], "What came meanwhile is lost.")


async def a_lease_that_ran_out_passes_on(post: Post) -> None:
    """Whoever dies while sending is followed by another who sends the same; the late answer is noted, and changes nothing."""
    incident = await post.waiting()
    lost = await post.take_one(lease=NO_TIME)
    again = await post.take_one()
    see(again.deliveries == lost.deliveries, "The message is another one.")
    see(again.repeats, "It is not said to be a repetition.")
    see(not await post.outbox.finish(lost, FAILED), "A late answer counted.")
    see(not await post.take(), "A late answer let the lane go.")
    see(await post.outbox.finish(again, SENT), "The answer in time did not count.")
    (delivery,) = await post.outbox.of_incident(incident.id)
    see([attempt.number for attempt in delivery.attempts] == [1, 2], "Not every attempt is kept.")


async def what_is_released_was_never_tried(post: Post) -> None:
    """What is let go untried is due at once, joined by what has come meanwhile."""
    incident = await post.waiting()
    await post.outbox.release([await post.take_one()])
    await post.world.service.post(incident.id, EventType.OTHER, actor=post.world.person)
    await post.decide()
    sending = await post.take_one()
    see([delivery.version for delivery in sending.deliveries] == [1, 2], "It was not let go.")
    see(not sending.repeats, "It is said to be a repetition.")
    see(not sending.deliveries[0].attempts, "An attempt was noted that was none.")


async def racing_senders_take_each_lane_once(post: Post) -> None:
    """However many take at once, nothing is under way twice, and everything goes, also what is added in between."""
    incidents = [await post.waiting() for _ in range(12)]
    under_way: set[int] = set()

    adding = True

    async def send() -> None:
        while (taken := await post.take(2)) or adding:
            for sending in taken:
                lane = sending.incident_id or 0
                see(lane not in under_way, "Two messages of one lane were under way at once.")
                under_way.add(lane)
                await asyncio.sleep(0)
                under_way.discard(lane)
                see(await post.outbox.finish(sending, SENT), "A lease passed on before its time.")
            await asyncio.sleep(0)

    async def add() -> None:
        nonlocal adding
        for incident in incidents:
            await post.world.service.post(incident.id, EventType.OTHER, actor=post.world.person)
            await post.decide()
        adding = False

    await asyncio.gather(add(), *(send() for _ in range(4)))
    for incident in incidents:
        see(DeliveryStatus.WAITING not in await post.states(incident), "A delivery was lost on the way.")


async def sends_that_end_together_count_each_for_itself(post: Post) -> None:
    """Of many whose outcomes are noted at once each counts, and one that comes too late does not."""
    incidents = [await post.waiting() for _ in range(12)]
    await post.take(1, lease=NO_TIME)
    (lost,) = await post.take(1, lease=NO_TIME)
    sendings = sorted(await post.take(), key=lambda sending: sending.incident_id or 0, reverse=True)
    others = [sending for sending in sendings if sending.incident_id != lost.incident_id]
    (again,) = [sending for sending in sendings if sending.incident_id == lost.incident_id]
    refused, *sent = others
    held = await asyncio.gather(
        post.outbox.finish(refused, REFUSED), *(post.outbox.finish(sending, SENT) for sending in sent), post.outbox.finish(lost, SENT)
    )
    see(held == [True] * len(others) + [False], f"Outcomes noted at once counted as {held}.")
    see(await post.outbox.finish(again, SENT), "The answer in time did not count.")
    states = {incident.id: await post.states(incident) for incident in incidents}
    given_up = [incident_id for incident_id, of in states.items() if of == [DeliveryStatus.GIVEN_UP]]
    see(given_up == [refused.incident_id], "A refusal was noted elsewhere.")
    see(sorted(map(len, states.values())) == [1] * len(incidents), "There is another number of deliveries.")
    see([DeliveryStatus.WAITING] not in states.values(), "A delivery still waits that was sent.")


async def room_is_kept_to(post: Post) -> None:
    """No more lanes are taken than there is room for, and those that have been due the longest first."""
    first, second = await post.waiting(), await post.waiting()
    taken = [sending.incident_id for _ in range(3) for sending in await post.take(1)]
    see(taken == [first.id, second.id], "Not one after the other.")


async def switched_off_is_said(post: Post) -> None:
    """What was decided while sending was off is in the ledger and goes nowhere, until somebody lets it."""
    incident = await post.happen()
    await post.decide(status=DeliveryStatus.OFF)
    (delivery,) = await post.outbox.of_incident(incident.id)
    see((delivery.status, bool(delivery.reason)) == (DeliveryStatus.OFF, True), "The ledger does not say so.")
    see(not await post.take(), "It was sent all the same.")
    see(await post.outbox.retry([delivery.id], {delivery.destination_id: post.route}), "It could not be let go.")
    see([taken.incident_id for taken in await post.take()] == [incident.id], "It did not go.")


async def what_waits_too_long_is_given_up(post: Post) -> None:
    """Giving up ends what waits and is not being sent, with a reason; what comes later goes on."""
    blocked, failed, under_way = await post.waiting(), await post.waiting(), await post.waiting()
    sendings = {sending.incident_id: sending for sending in await post.take()}
    await post.outbox.release([sendings[blocked.id]])
    await post.outbox.finish(sendings[failed.id], replace(FAILED, again=timedelta(hours=1)))
    see(await post.outbox.give_up(timedelta(days=1), {}) == 0, "Something was given up before its time.")
    await post.outbox.give_up(NO_TIME, {})
    see(await post.states(under_way) == [DeliveryStatus.WAITING], "What is being sent was given up.")
    (delivery,) = await post.outbox.of_incident(failed.id)
    see((delivery.status, delivery.reason) == (DeliveryStatus.GIVEN_UP, "451 later"), "The reason is not the last answer.")
    await post.world.service.post(failed.id, EventType.OTHER, actor=post.world.person)
    await post.decide()
    await post.outbox.finish(sendings[under_way.id], SENT)
    see([[delivery.version for delivery in sending.deliveries] for sending in await post.take()] == [[2]], "What came later does not go.")
    other = await post.waiting()
    await post.outbox.give_up(NO_TIME, {post.route: "ARGUS_EMAIL_HOST is not set."})
    (delivery,) = await post.outbox.of_incident(other.id)
    see(delivery.reason == "ARGUS_EMAIL_HOST is not set.", "What it waited for is not said.")


async def operators_drop_and_retry(post: Post) -> None:
    """What is dropped is not sent, unless it is told to go again; what is being sent cannot be dropped."""
    incident = await post.waiting(times=2)
    first, second = reversed(await post.outbox.of_incident(incident.id))
    sending = await post.take_one()
    see(not await post.outbox.drop([first.id], "no"), "What is being sent was dropped.")
    await post.outbox.release([sending])
    see(await post.outbox.drop([first.id], "nobody needs it") == [first.id], "It was not dropped.")
    see([delivery.id for delivery in (await post.take_one(lease=NO_TIME)).deliveries] == [second.id], "It was sent all the same.")
    see(await post.outbox.drop([first.id, second.id], "no") == [second.id], "Dropping twice is not dropping once.")
    see(not await post.take(), "Something of an empty lane was sent.")
    see(await post.outbox.retry([first.id], {first.destination_id: post.route}) == [first.id], "It did not wait again.")
    sending = await post.take_one()
    see([delivery.id for delivery in sending.deliveries] == [first.id], "It did not go again.")
    await post.outbox.finish(sending, SENT)
    see(not await post.outbox.retry([first.id], {}), "What was sent was sent again.")


async def what_is_tried_again_meanwhile_goes_next(post: Post) -> None:
    """Also what is older than the message that is under way, whatever becomes of that."""
    for report, then in ((SENT, [1]), (REFUSED, [1]), (replace(FAILED, again=NO_TIME), [1, 2])):
        incident = await post.waiting()
        given_up = await post.take_one()
        await post.outbox.finish(given_up, REFUSED)
        await post.world.service.post(incident.id, EventType.OTHER, actor=post.world.person)
        await post.decide()
        under_way = await post.take_one()
        see(await post.outbox.retry([given_up.newest.id], {}) == [given_up.newest.id], "It could not be tried again.")
        await post.outbox.finish(under_way, report)
        if report.outcome is Outcome.FAILED:  # no lane is tried all the time
            await post.outbox.retry([under_way.newest.id], {})
        again = await post.take_one()
        see([delivery.version for delivery in again.deliveries] == then, "It is forgotten, or does not go with what came later.")
        await post.outbox.finish(again, SENT)


async def tests_go_the_same_way(post: Post) -> None:
    """A test has no incident, and is a delivery like all others."""
    (id_,) = await post.outbox.order_tests([post.order(None)], MANY, LEASE)
    sending = await post.take_one()
    see((sending.incident_id, sending.newest.id, sending.happenings) == (None, id_, ()), "It is not as ordered.")
    await post.outbox.finish(sending, SENT)
    (delivery,) = await post.outbox.listed(owner=post.world.person.id)
    see((delivery.incident_id, delivery.event_id, delivery.status) == (None, None, DeliveryStatus.SENT), "It is not in the ledger.")


async def nothing_is_sent_to_whoever_is_locked_out(post: Post) -> None:
    """What was decided before has nowhere to go; afterwards it can go again."""
    incident = await post.waiting()
    await _activate(post.world.accounts, post.world.person.id, active=False)
    sending = await post.take_one()
    see(sending.destination is None, "It would be sent to whoever is locked out.")
    await post.outbox.finish(sending, REFUSED)
    await _activate(post.world.accounts, post.world.person.id, active=True)
    (delivery,) = await post.outbox.of_incident(incident.id)
    await post.outbox.retry([delivery.id], {delivery.destination_id: post.route})
    sending = await post.take_one()
    see(sending.destination == post.told.destination, "It leads nowhere though its owner is back.")
    await post.outbox.finish(sending, SENT)


async def tests_are_limited(post: Post) -> None:
    """Whoever has ordered enough of them is told when the next one may be ordered, however many ask at once; others are not concerned."""
    most, within = 3, timedelta(hours=1)
    other = replace(post.told.destination, owner=post.world.reporter.id)
    elsewhere = replace(post.order(None), told=Told(other, post.told.profiles))

    async def order() -> timedelta:
        try:
            await post.outbox.order_tests([post.order(None)], most, within)
        except TooOften as refusal:
            return refusal.after
        return NO_TIME

    waits = sorted(await asyncio.gather(*(order() for _ in range(5))))
    see(waits[:most] == [NO_TIME] * most, "A test was refused that was not one too many.")
    see(within - A_MOMENT < waits[most] <= within, "Too many were ordered, or the time to wait is another one.")
    see(len(await post.outbox.listed(owner=post.world.person.id)) == most, "A test was kept that was refused.")
    see(await post.outbox.order_tests([elsewhere], 1, within), "Others have to wait, too.")
    see(await post.outbox.order_tests([post.order(None)], MANY, within), "More are allowed, and refused.")
    see(await post.outbox.order_tests([post.order(None)], 1, NO_TIME), "Old ones count.")


async def the_ledger_can_be_read(post: Post) -> None:
    """By incident, by owner, by status, newest first, page by page."""
    incident = await post.waiting(times=3)
    owner, nobody = post.world.person.id, post.world.reporter.id
    newest, middle, oldest = await post.outbox.of_incident(incident.id)
    see(newest.id > middle.id > oldest.id, "It is not newest first.")
    see([oldest.event_type, newest.event_type] == [EventType.START, EventType.OTHER], "It is not said what was told.")
    see(await post.outbox.of_incident(incident.id, owner) == [newest, middle, oldest], "The owner's own are not shown.")
    see(not await post.outbox.of_incident(incident.id, nobody), "Others' were shown.")
    see(not await post.outbox.of_incident(NOWHERE), "There is something of an incident that is not there.")
    see(list(await post.outbox.listed(owner=owner, most=1)) == [newest], "A page is too long.")
    see(list(await post.outbox.listed(owner=owner, before=newest.id)) == [middle, oldest], "A page does not go on.")
    see(list(await post.outbox.listed(incident_id=incident.id)) == [newest, middle, oldest], "The incident is not looked at.")
    see(not await post.outbox.listed(incident_id=NOWHERE), "There is something of an incident that is not there.")
    see(not await post.outbox.listed(DeliveryStatus.SENT, owner=owner), "The status is not looked at.")
    backlog = await post.outbox.backlog()
    see(backlog.waiting >= 3, "What waits is not counted.")  # noqa: PLR2004 - those of this check
    see(backlog.waiting_for > NO_TIME, "How long it waits is not told.")
    await post.happen()
    see((await post.outbox.backlog()).undecided >= 1, "What is undecided is not counted.")


async def the_past_can_be_read(post: Post) -> None:
    """Events of late, each with its state, and all texts of an incident."""
    incident = await post.happen(times=3, why="b")
    journal = await post.world.incidents.journal(incident.id)
    expected = [Happening(fold(journal[:version], post.world.source), journal[version - 1]) for version in (3, 2, 1)]
    see(list(await post.outbox.happened(journal[0].received, 3)) == expected, "It is not what happened of late.")
    see(len(await post.outbox.happened(LONG_AGO, 2)) == 2, "There are more than were asked for.")  # noqa: PLR2004
    see(list((await post.outbox.texts([incident.id]))[incident.id]) == [event.description for event in journal], "Texts are missing.")


async def old_entries_are_forgotten(post: Post) -> None:
    """What was finished long enough ago goes, in small portions; what waits stays."""
    done = await post.waiting()
    await post.outbox.finish(await post.take_one(), SENT)
    waiting = await post.waiting()
    see(await post.outbox.prune(timedelta(days=1), MANY) == 0, "Something was forgotten before its time.")
    see(await post.outbox.prune(NO_TIME, MANY, dry_run=True) >= 1, "It is not said what would be forgotten.")
    see(await post.states(done) == [DeliveryStatus.SENT], "It was forgotten without having been told to.")
    while await post.outbox.prune(NO_TIME, 1):
        pass
    see(not await post.states(done), "It was not forgotten.")
    see(await post.states(waiting) == [DeliveryStatus.WAITING], "Something that waits was forgotten.")


async def editions_tell_what_changed(incidents: Incidents, accounts: Accounts, profiles: Profiles) -> None:
    """Whoever knows a generation is told of every later change, and of none twice; whoever is not active owns nothing."""
    world = await make_world(incidents, accounts)
    owner = world.person.id
    before = (await profiles.since(-1)).generation
    see((await profiles.since(before)).belongings == {}, "Without a change something has changed.")
    async with profiles.begin(owner) as work:
        await work.keep(SavedFilter(id=FilterId(await work.new_id()), owner=owner, name="f", definition=FilterDefinition(open=True)))
    edition = await profiles.since(before)
    see(edition.generation > before, "The generation did not rise.")
    see(edition.belongings == {owner: await profiles.belongings(owner)}, "The change is not told.")
    see((await profiles.since(-1)).belongings[owner] == edition.belongings[owner], "Not everything is told at first.")
    await _activate(accounts, owner, active=False)
    left = await profiles.since(edition.generation)
    see(not left.belongings[owner].filters, "Somebody who is not active owns something.")
    await _activate(accounts, owner, active=True)
    back = await profiles.since(left.generation)
    see(back.belongings == edition.belongings, "Coming back is not told.")
    see(not edition.confined, "A person is taken for a source.")
    robot = world.reporter.id
    async with profiles.begin(robot) as work:
        await work.keep(SavedFilter(id=FilterId(await work.new_id()), owner=robot, name="f", definition=FilterDefinition(open=True)))
    of_robot = await profiles.since(back.generation)
    see(of_robot.confined == {robot: world.source.id}, "Whose user somebody is is not told.")
    await _change(accounts, robot, lambda user: replace(user, superuser=True))
    see(not (await profiles.since(-1)).confined.get(robot), "A superuser is confined.")


async def what_is_kept_back_is_rounded_up(post: Post) -> None:
    """It waits in no lane; one roundup for each destination takes all of it once, and shows it as it is then; it is not pruned before."""
    keeping = _maintenance(post)
    loud, quiet = await post.waiting(), await post.happen(times=2, why="a")
    async with post.outbox.claim(MANY) as undecided:
        await undecided.decide([post.order(happening).kept_back(keeping.hold) for happening in await undecided.happenings()])
    async with post.outbox.claim(MANY) as undecided:
        (happening,) = await undecided.happenings()
        see(await undecided.told([loud.id, quiet.id]) == {(loud.id, post.told.destination.id)}, "What is kept back counts as told.")
        see(not await post.outbox.is_decided(NO_TIME), "Something is undecided, and nobody says so.")
        await undecided.decide([post.order(happening).kept_back(keeping.hold)])
    see(await post.outbox.is_decided(NO_TIME), "Nothing is undecided, and somebody says so.")
    see([sending.incident_id for sending in await post.take()] == [loud.id], "What is kept back is sent.")
    see(keeping.id in await post.outbox.kept_back(), "Nobody says that something is kept back.")
    await post.outbox.prune(NO_TIME, MANY)
    kept = await post.outbox.of_incident(quiet.id)
    see([(one.status, one.maintenance_id) for one in kept] == [(DeliveryStatus.SUPPRESSED, keeping.id)] * 2, "The ledger does not say why.")
    see(all(one.reason.startswith(keeping.title) for one in kept), "The ledger does not say what keeps it back.")

    owner, stranger = post.told.destination.owner, UserId(0)
    so_far = Withheld(deliveries=2, untold=2, incidents=1, destinations=1)
    for whose, expected in ((None, so_far), (owner, so_far), (stranger, Withheld())):
        see(await post.outbox.withheld(keeping.id, whose) == expected, "It is not counted what is kept back.")
    listed = await post.outbox.listed(maintenance_id=keeping.id)
    see([one.id for one in listed] == [one.id for one in kept], "What is kept back is not listed.")

    await post.world.service.post(quiet.id, EventType.CLOSE, actor=post.world.person)
    counts = [await post.outbox.round_up(keeping.id, "Over", {post.told.destination.id: post.route}) for _ in range(2)]
    see(counts == [1, 0], "What was rounded up is rounded up again.")
    see(keeping.id not in await post.outbox.kept_back(), "What was rounded up is kept back.")
    (newest, *others) = await post.outbox.listed(maintenance_id=keeping.id)
    see([one.id for one in others] == [one.id for one in kept], "What is kept back is not listed beside the roundup.")
    see(await post.outbox.withheld(keeping.id) == replace(so_far, untold=0), "What a roundup tells is not counted, or counts as untold.")
    see((newest.is_roundup, newest.title, newest.maintenance_id) == (True, "Over", keeping.id), "The ledger does not know a roundup.")
    see([asking.id for asking in newest.profiles] == [profile.id for profile in post.told.profiles], "A roundup is asked for by nobody.")
    see({one.merged_into for one in await post.outbox.of_incident(quiet.id)} == {newest.id}, "The ledger does not say what told it.")
    await post.outbox.prune(NO_TIME, MANY)
    sending = await post.take_one()
    see((sending.incident_id, sending.happenings) == (None, ()), "A roundup is about one incident.")
    see(sending.roundup is not None and sending.roundup.title == "Over", "A roundup is sent without its title.")
    see([(one.incident.id, one.started) for one in sending.roundup.resolved] == [(quiet.id, True)] if sending.roundup else False, "Untrue.")
    await post.outbox.release([sending])
    sending = await post.take_one()
    await post.outbox.finish(sending, FAILED)
    await post.outbox.retry([newest.id], {post.told.destination.id: post.route})
    see(await post.outbox.finish(await post.take_one(), SENT), "A roundup cannot be finished.")
    (newest, *_) = await post.outbox.listed(owner=post.told.destination.owner)
    see((newest.status, await post.take()) == (DeliveryStatus.SENT, []), "A roundup goes twice.")
    async with post.outbox.claim(MANY) as undecided:
        told = {(incident.id, post.told.destination.id) for incident in (loud, quiet)}
        see(await undecided.told([loud.id, quiet.id]) == told, "What a roundup has told does not count.")
        await undecided.decide([])


async def what_was_told_last_is_known(post: Post) -> None:
    """Of each profile at each destination, whatever became of the delivery; what is kept back was not told."""
    incident = await post.waiting()
    (profile,), destination = post.told.profiles, post.told.destination
    await post.world.service.post(incident.id, EventType.CLOSE, actor=post.world.person)
    async with post.outbox.claim(MANY) as undecided:
        see(await undecided.heard([NOWHERE]) == {}, "Something was told of what is not there.")
        heard = await undecided.heard([incident.id])
        see(heard == {(incident.id, destination.id, profile.id): EventType.START}, "It is not known what was told.")
        await undecided.decide([post.order(happening).kept_back(_maintenance(post).hold) for happening in await undecided.happenings()])
    await post.world.service.post(incident.id, EventType.OTHER, actor=post.world.person)
    async with post.outbox.claim(MANY) as undecided:
        see(await undecided.heard([incident.id]) == heard, "What is kept back counts as told.")
        await undecided.decide([post.order(happening) for happening in await undecided.happenings()])
    await post.world.service.post(incident.id, EventType.REOPEN, actor=post.world.person)
    async with post.outbox.claim(MANY) as undecided:
        heard = await undecided.heard([incident.id])
        see(heard == {(incident.id, destination.id, profile.id): EventType.OTHER}, "What was told before counts.")
        await undecided.decide([])


async def timers_are_set_with_a_decision(post: Post) -> None:
    """With it or not at all; one for the same thing is set to another moment."""
    incident = await post.happen(times=2, why="a")
    first = Timer(incident.id, TimerKind.ESCALATION_DUE, 900, LONG_AGO)
    other, later = replace(first, subject_id=60), replace(first, due=LONG_AGO + timedelta(minutes=1))

    async def found() -> list[Timer]:
        return [timer for timer in await post.world.incidents.due_timers(later.due, MANY) if timer.incident_id == incident.id]

    with suppress(_Interrupted):
        async with post.outbox.claim(MANY) as undecided:
            await undecided.decide([], [first])
            _interrupt()
    see(not await found(), "A timer was set by a decision that was not kept.")
    async with post.outbox.claim(MANY) as undecided:
        await undecided.decide([], [first, other])
    see(sorted(await found(), key=lambda timer: timer.subject_id) == [other, first], "A timer is not set.")
    async with post.outbox.claim(MANY) as undecided:
        await undecided.decide([], [later])
    see(await found() == [other, later], "A timer was not set to another moment.")
    await post.world.incidents.forget([other, later])


async def racing_callers_round_up_once(post: Post) -> None:
    """However many look for what is kept back, each destination gets one roundup, with all of it."""
    keeping = _maintenance(post)
    incidents = [await post.happen() for _ in range(3)]
    async with post.outbox.claim(MANY) as undecided:
        await undecided.decide([post.order(happening).kept_back(keeping.hold) for happening in await undecided.happenings()])
    counts = await asyncio.gather(*(post.outbox.round_up(keeping.id, "Over", {}) for _ in range(8)))
    see(sum(counts) == 1, "A destination got several roundups.")
    into = {one.merged_into for incident in incidents for one in await post.outbox.of_incident(incident.id)}
    see(len(into) == 1 and None not in into, "Something was left out of the roundup.")


async def what_is_held_is_told_when_it_is_due(post: Post) -> None:
    """Roundups come by keeper, subject and destination, and not before they are due."""
    here = post.told.destination
    first = Hold(keeper=Keeper.DIGEST, subject=secrets.randbits(40) + 1, reason="Gathered.", title="Digest", due=LONG_HENCE)
    incidents = [await post.happen() for _ in range(3)]
    earlier, other = replace(first, due=LONG_AGO), replace(first, subject=first.subject + 1)
    for hold in (first, other, first):
        async with post.outbox.claim(1) as undecided:
            await undecided.decide([post.order(happening).kept_back(hold) for happening in await undecided.happenings()])
    await post.outbox.round_up_due(MANY, {})
    see(not any(one.merged_into for one in await post.ledger(incidents)), "A roundup comes before it is due.")
    late = await post.happen()
    async with post.outbox.claim(1) as undecided:
        await undecided.decide([post.order(happening).kept_back(earlier) for happening in await undecided.happenings()])
    see(await post.outbox.has_due(), "Nobody says that something is due.")
    see(await post.outbox.round_up_due(MANY, {here.id: post.route}) > 0, "Nobody says how many were due.")
    ledger = {one.incident_id: one for one in await post.ledger([*incidents, late])}
    told = [ledger[incident.id].merged_into is not None for incident in (*incidents, late)]
    see(told == [True, False, True, True], "A roundup leaves something out, or takes what is not its own.")
    (newest, *_) = await post.outbox.listed(owner=here.owner)
    see((newest.title, newest.keeper, newest.subject) == ("Digest", Keeper.DIGEST, first.subject), "Nobody knows whose roundup it is.")
    see((ledger[late.id].reason, ledger[late.id].keeper) == ("Gathered.", Keeper.DIGEST), "The ledger does not say what keeps it back.")
    sending = await post.take_one()
    gathered = [one.incident.id for one in sending.roundup.kept] if sending.roundup else []
    see(gathered == [incidents[0].id, incidents[2].id, late.id], "A roundup does not tell everything.")
    await post.outbox.finish(sending, SENT)
    await post.outbox.round_up_due(MANY, {})
    see(await post.take() == [], "A roundup comes twice.")


async def a_digest_leaves_out_what_is_over(post: Post) -> None:
    """What began and was over meanwhile is dropped, with the reason; each of the others is told once, as it is; nothing is no message."""
    hold = Hold(keeper=Keeper.DIGEST, subject=secrets.randbits(40) + 1, reason="Gathered.", title="Digest", due=LONG_HENCE)
    known, over, still = await post.waiting(), await post.happen(), await post.happen()
    await post.outbox.finish(await post.take_one(), SENT)
    moment = await post.world.report(stateful=False)
    await gather(post, hold)
    for incident in (known, over):
        await post.world.service.post(incident.id, EventType.CLOSE, actor=post.world.person)
    await gather(post, replace(hold, due=LONG_AGO))
    await post.outbox.round_up_due(MANY, {post.told.destination.id: post.route})
    see({one.status for one in await post.ledger([over])} == {DeliveryStatus.DROPPED}, "What is over is told.")
    see({one.reason for one in await post.ledger([over])} == {OVER}, "The ledger does not say why something is left out.")
    sending = await post.take_one()
    told = sending.roundup.kept if sending.roundup else ()
    see([one.incident.id for one in told] == [known.id, still.id, moment.id], "The digest tells too much or too little.")
    see(told[0].incident.version > known.version, "The digest tells how things were.")
    await post.outbox.finish(sending, SENT)
    brief = await post.happen()
    await post.world.service.post(brief.id, EventType.CLOSE, actor=post.world.person)
    await gather(post, replace(hold, due=LONG_AGO))
    await post.outbox.round_up_due(MANY, {post.told.destination.id: post.route})
    see(await post.take() == [], "There is a digest of nothing.")


async def gather(post: Post, hold: Hold) -> None:
    """Keep everything back that is undecided."""
    while True:
        async with post.outbox.claim(MANY) as undecided:
            await undecided.decide([post.order(happening).kept_back(hold) for happening in await undecided.happenings()])
            if not undecided.places:
                return


async def what_waits_for_quiet_is_put_off(post: Post) -> None:
    """What comes later puts the roundup off, if the keeper waits for quiet."""
    hold = Hold(keeper=Keeper.FLAPPING, subject=secrets.randbits(40) + 1, reason="It flaps.", title="Quiet", due=LONG_AGO)
    kept = []
    for due in (LONG_AGO, LONG_HENCE, LONG_AGO):
        kept.append(await post.happen())
        async with post.outbox.claim(1) as undecided:
            wanted = replace(hold, due=due)
            await undecided.decide([post.order(happening).kept_back(wanted) for happening in await undecided.happenings()])
    await post.outbox.round_up_due(MANY, {})
    see(not any(one.merged_into for one in await post.ledger(kept)), "Something is told though it is not quiet.")


async def what_flaps_is_known_to_all(post: Post) -> None:
    """What has ended is known from then on, until it has been quiet for long; what only opened is not."""
    ends, opens = FlapKey(secrets.randbits(62)), FlapKey(secrets.randbits(62))
    flaps = Flaps(ended=(LONG_AGO, LONG_AGO + A_MOMENT), changed=LONG_HENCE, until=LONG_HENCE)
    await post.happen()
    async with post.outbox.claim(1) as undecided:
        see(await undecided.flaps({ends}, {opens}) == {ends: Flaps()}, "Something is known that never was.")
        await undecided.decide([], (), {ends: flaps})
    see(await post.outbox.flapping([ends, opens]) == {ends}, "What flaps is not known.")
    await post.happen()
    async with post.outbox.claim(1) as undecided:
        see(await undecided.flaps(set(), {ends, opens}) == {ends: flaps}, "What ended is not known.")
        await undecided.decide([], (), {ends: replace(flaps, until=LONG_AGO, changed=LONG_AGO)})
    see(await post.outbox.flapping([ends]) == set(), "What is quiet flaps.")
    see(await post.outbox.flapping([]) == set(), "Nothing flaps.")
    await post.outbox.prune(NO_TIME, MANY)
    await post.happen()
    async with post.outbox.claim(1) as undecided:
        see(await undecided.flaps(set(), {ends}) == {}, "What is quiet for long is not forgotten.")
        await undecided.decide([])


async def a_budget_is_kept_to(post: Post) -> None:
    """So many go, the others are kept back, and none goes by itself until one roundup has told them; what is urgent goes."""
    budget, here = Budget(2, timedelta(hours=1)), post.told.destination
    incidents = [await post.waiting() for _ in range(5)]
    sendings = await post.take(budget=budget)
    see([one.incident_id for one in sendings] == [incident.id for incident in incidents[:2]], "More or less goes than the budget allows.")
    see(all(one.counted is not None for one in sendings), "What goes is not counted.")
    for sending in sendings:
        await post.outbox.finish(sending, SENT)
    kept = await post.ledger(incidents[2:])
    see(
        {(one.status, one.keeper) for one in kept} == {(DeliveryStatus.SUPPRESSED, Keeper.BUDGET)}, "The ledger does not know what is held."
    )
    see({one.reason for one in kept} == {budget.hold(LONG_AGO).reason}, "The ledger does not say why it is held.")
    await post.waiting(times=2)
    see(await post.take(budget=budget) == [], "Something goes that is above the budget.")
    urgent = await post.happen()
    async with post.outbox.claim(MANY) as undecided:
        await undecided.decide([replace(post.order(happening), urgent=True) for happening in await undecided.happenings()])
    sending = await post.take_one(budget=budget)
    see((sending.incident_id, sending.counted) == (urgent.id, None), "What is urgent is held, or counted.")
    await post.outbox.finish(sending, SENT)
    (trial,) = await post.outbox.order_tests([post.order(None)], MANY, A_MOMENT)
    sending = await post.take_one(budget=budget)
    see((sending.newest.id, sending.counted) == (trial, None), "A test is held, or counted.")
    await post.outbox.finish(sending, SENT)
    await post.outbox.round_up_due(MANY, {here.id: post.route})
    see(await post.take(budget=budget) == [], "A roundup comes before its time.")


async def what_was_first_held_is_held_again(post: Post) -> None:
    """What was held first is held again, whatever event it was about and though there is room; what was told by itself first is not."""
    brief, wide = Budget(1, timedelta(seconds=0.2)), Budget(MANY, timedelta(hours=1))
    alone, held = await post.happen(times=2), await post.happen(times=2)
    for of, version in ((alone, 1), (held, 2)):
        async with post.outbox.claim(MANY) as undecided:
            some = [one for one in await undecided.happenings() if (one.incident.id, one.event.version) == (of.id, version)]
            await undecided.decide(list(map(post.order, some)))
    sending = await post.take_one(budget=brief)
    see(sending.incident_id == alone.id, "What is due first does not go first.")
    await post.outbox.finish(sending, SENT)
    await asyncio.sleep(0.3)
    for incident in (alone, held):
        await post.world.service.post(incident.id, EventType.CLOSE, actor=post.world.person)
    await post.decide()
    sendings = await post.take(budget=wide)
    see([one.incident_id for one in sendings] == [alone.id], "What was held first goes by itself, or what was told by itself is held.")


async def what_a_budget_holds_is_rounded_up(post: Post) -> None:
    """When the span is over one roundup tells it, and counts; how it goes on with what began in a roundup is in one too."""
    budget, here = Budget(1, timedelta(seconds=0.2)), post.told.destination
    single, *others = [await post.waiting() for _ in range(4)]
    await post.outbox.finish(await post.take_one(budget=budget), SENT)
    await asyncio.sleep(0.3)
    await post.outbox.round_up_due(MANY, {here.id: post.route})
    sending = await post.take_one(budget=budget)
    see(sending.roundup is not None, "There is no roundup.")
    told = [one.incident.id for one in sending.roundup.kept] if sending.roundup else []
    see(told == [other.id for other in others], "The roundup tells something else.")
    see(sending.counted is not None, "A roundup does not count.")
    await post.outbox.finish(sending, SENT)
    await asyncio.sleep(0.3)
    for incident in (others[0], single):
        await post.world.service.post(incident.id, EventType.CLOSE, actor=post.world.person)
    await post.decide()
    sending = await post.take_one(budget=budget)
    see(sending.incident_id == single.id, "What was told by itself does not go on by itself, or what was not does.")
    await post.outbox.finish(sending, SENT)
    (newest, *_) = await post.outbox.of_incident(others[0].id)
    see((newest.keeper, newest.merged_into) == (Keeper.BUDGET, None), "What began in a roundup does not go on in one.")


async def what_did_not_go_does_not_count(post: Post) -> None:
    """A failure and what was let go make room again; what may have arrived does not, and waits until there is room."""
    budget = Budget(1, timedelta(hours=1))
    await post.waiting()
    await post.outbox.release(await post.take(budget=budget))
    failed = await post.take_one(budget=budget)
    await post.outbox.finish(failed, replace(FAILED, again=NO_TIME))
    doubtful = await post.take_one(budget=budget)
    await post.outbox.finish(doubtful, replace(UNKNOWN, again=NO_TIME))
    see(await post.take(budget=budget) == [], "What may have arrived does not count.")
    (delivery,) = await post.ledger([await post.world.incidents.get(doubtful.happenings[0].incident.id)])
    see(delivery.status is DeliveryStatus.WAITING, "What may have arrived is kept back.")
    see(len(await post.take()) == 0, "It is not put off.")


async def racing_senders_keep_to_a_budget(post: Post) -> None:
    """However many take at once, no more goes than the budget allows, and nothing is lost."""
    budget, incidents = Budget(5, timedelta(hours=1)), [await post.waiting() for _ in range(40)]
    taken: list[Sending] = []

    async def send() -> None:
        for _ in range(8):
            some = await post.take(3, budget=budget)
            taken.extend(some)
            await asyncio.gather(*(post.outbox.finish(one, SENT) for one in some))

    await asyncio.gather(*(send() for _ in range(8)))
    see(len(taken) == budget.most, "More or less goes than the budget allows.")
    kept = [one for one in await post.ledger(incidents) if one.is_kept_back]
    see(len(kept) == len(incidents) - budget.most, "Something is lost, or goes twice.")


def _maintenance(post: Post) -> Maintenance:
    number = MaintenanceId(secrets.randbits(40) + 1)
    return Maintenance(id=number, created_by=post.world.person.id, created=LONG_AGO, description="", start=LONG_AGO, end=None, filters=())


async def _activate(accounts: Accounts, owner: UserId, *, active: bool) -> None:
    await _change(accounts, owner, lambda user: replace(user, active=active))


async def _change(accounts: Accounts, user_id: UserId, change: Callable[[User], User]) -> None:
    async with accounts.begin() as work:
        await work.save_user(change(next(user for user in await work.users() if user.id == user_id)))


def see(held: object, otherwise: str) -> None:
    """Say which promise is broken, if this does not hold."""
    if not held:
        raise AssertionError(otherwise)


def _interrupt() -> None:
    raise _Interrupted


class _Interrupted(Exception):
    pass


PostCheck = Callable[[Post], Awaitable[None]]

OUTBOX_CHECKS: Sequence[PostCheck] = (
    events_are_decided_in_order,
    what_was_not_decided_comes_again,
    claims_exclude_each_other,
    what_is_urgent_is_decided_first,
    what_is_urgent_is_decided_beside_everything_else,
    what_is_urgent_has_room_to_spare,
    what_is_urgent_is_sent_first,
    what_was_put_aside_waits_with_what_comes_after_it,
    racing_callers_decide_each_event_once,
    what_is_ordered_is_sent_once,
    what_waits_together_goes_together,
    what_comes_meanwhile_goes_next,
    a_failure_waits_and_loses_nothing,
    a_doubtful_message_is_repeated_as_it_was,
    a_lease_that_ran_out_passes_on,
    what_is_released_was_never_tried,
    racing_senders_take_each_lane_once,
    sends_that_end_together_count_each_for_itself,
    what_is_kept_back_is_rounded_up,
    racing_callers_round_up_once,
    what_is_held_is_told_when_it_is_due,
    a_digest_leaves_out_what_is_over,
    what_waits_for_quiet_is_put_off,
    what_flaps_is_known_to_all,
    a_budget_is_kept_to,
    what_was_first_held_is_held_again,
    what_a_budget_holds_is_rounded_up,
    what_did_not_go_does_not_count,
    racing_senders_keep_to_a_budget,
    what_was_told_last_is_known,
    timers_are_set_with_a_decision,
    room_is_kept_to,
    switched_off_is_said,
    what_waits_too_long_is_given_up,
    operators_drop_and_retry,
    what_is_tried_again_meanwhile_goes_next,
    tests_go_the_same_way,
    nothing_is_sent_to_whoever_is_locked_out,
    tests_are_limited,
    the_ledger_can_be_read,
    the_past_can_be_read,
    old_entries_are_forgotten,
)


async def check_outbox(incidents: Incidents, accounts: Accounts, profiles: Profiles, outbox: Outbox) -> None:
    """
    Hold an outbox, and the journal and profiles it belongs to, to everything its port promises. Nobody else may use it meanwhile.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    await editions_tell_what_changed(incidents, accounts, profiles)
    for check in OUTBOX_CHECKS:
        await check(await make_post(incidents, accounts, profiles, outbox))

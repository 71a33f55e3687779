"""
The contract suites: what every store and every medium must do, for anybody who writes one.

`check_medium` takes a medium, and settings that it has to accept or to refuse; `check_ticket_claims` two views of the same claims.
`check_store` runs all of `STORE_CHECKS`, `check_profiles` all of `PROFILE_CHECKS`; a test suite may prefer to run them one by one. A check
of a store makes users and sources under names of its own, so the store need not be empty and the checks may run in any order. A broken
promise is an `AssertionError` that names it.
"""

import asyncio
import copy
import itertools
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import TypeAlias

from argus_core.domain import transitions
from argus_core.domain.accounts import Token, User
from argus_core.domain.actors import Actor, Person
from argus_core.domain.audit import Deed, Entry
from argus_core.domain.destinations import Destination, synced_email
from argus_core.domain.errors import AlreadyClosed, NameTaken, NotFound, Unauthenticated, said
from argus_core.domain.filters import (
    All,
    Condition,
    Either,
    EndsUntil,
    HasTag,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    LevelAtMost,
    Not,
    SourceNamed,
    TextHas,
    holds,
)
from argus_core.domain.ids import (
    DestinationId,
    EventId,
    FilterId,
    IncidentId,
    MaintenanceId,
    ProfileId,
    SourceId,
    TimeslotId,
    TokenId,
    UserId,
)
from argus_core.domain.incidents import Event, EventType, Incident, Level, Until, fold
from argus_core.domain.limits import EARLIEST, LATEST, Json, metadata_problem
from argus_core.domain.maintenance import Maintenance, Window
from argus_core.domain.notifications import Notification
from argus_core.domain.profiles import Belongings, Profile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.sources import Source
from argus_core.domain.tags import Tag, TagOn
from argus_core.domain.timeslots import Recurrence, Timeslot, all_the_time
from argus_core.domain.transitions import Change, Edit, IncidentReport, TimerKind
from argus_core.ports.accounts import Accounts, AccountsWork
from argus_core.ports.incidents import Appended, By, Incidents, Order, Position, incident_row
from argus_core.ports.media import BadSettings, Medium, Settings, host_of, staff_only
from argus_core.ports.profiles import STILL_KNOWN, Profiles
from argus_core.ports.tickets import TicketClaims
from argus_core.usecases.incidents import IncidentService

NOWHERE = IncidentId(2**63 - 1)
LONG_AGO = datetime(2020, 2, 20, 20, 2, 20, 202021, tzinfo=UTC)
CALLERS = 8


@dataclass(frozen=True, slots=True)
class World:
    """A source, somebody who looks after it, and a token of that person's."""

    incidents: Incidents
    accounts: Accounts
    service: IncidentService
    source: Source
    reporter: Actor
    person: Actor
    token_id: TokenId

    async def report(self, key: str = "", **fields: object) -> Incident:
        """A new incident, stored."""
        report = IncidentReport(**{"start_time": LONG_AGO, "source_incident_id": key, **fields})  # type: ignore[arg-type] # names checked by the dataclass
        return (await self.service.report(report, actor=self.reporter)).incident

    async def begin(self, key: str = "", source: Source | None = None) -> Change:
        """The beginning of an incident, not stored yet."""
        incident_id = (await self.incidents.incident_ids(1))[0]
        event_id = next(await self.incidents.event_ids(1))
        return transitions.start(
            IncidentReport(start_time=LONG_AGO, source_incident_id=key),
            source=source or self.source,
            reporter=self.reporter.person,
            poster=self.reporter,
            incident_id=incident_id,
            event_id=event_id,
            now=_now(),
        )


Check: TypeAlias = Callable[[World], Awaitable[None]]


async def check_store(incidents: Incidents, accounts: Accounts) -> None:
    """
    Hold a store to everything its ports promise.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    for check in STORE_CHECKS:
        await check(await make_world(incidents, accounts))


async def make_world(incidents: Incidents, accounts: Accounts) -> World:
    """A world of its own for one check."""
    mark = secrets.token_hex(8)
    async with accounts.begin() as work:
        person = User(id=await work.new_user_id(), username=f"person-{mark}")
        robot = User(id=await work.new_user_id(), username=f"robot-{mark}")
        await work.add_user(person)
        await work.add_user(robot)
        await work.add_source_type(f"type-{mark}")
        source = Source(id=await work.new_source_id(), name=f"source-{mark}", type=f"type-{mark}", user_id=robot.id)
        await work.add_source(source)
        token = Token(
            id=await work.new_token_id(),
            user_id=person.id,
            name="check",
            prefix=mark[:4],
            digest=secrets.token_bytes(32),
            created=await accounts.now(),
            expires=None,
        )
        await work.add_token(token)
    return World(
        incidents=incidents,
        accounts=accounts,
        service=IncidentService(incidents, accounts, _now),
        source=source,
        reporter=Actor(id=robot.id, username=robot.username, source=source),
        person=Actor(id=person.id, username=person.username),
        token_id=token.id,
    )


async def ids_are_given_once(world: World) -> None:
    """No id is given twice, whoever asks at the same time."""

    async def take() -> tuple[Sequence[IncidentId], list[EventId]]:
        event_ids = await world.incidents.event_ids(30)
        events = list(itertools.islice(event_ids, 30))
        return await world.incidents.incident_ids(30), events

    taken = await asyncio.gather(*(take() for _ in range(CALLERS)))
    _all_different("incident ids", [id_ for ids, _ in taken for id_ in ids])
    _all_different("event ids", [id_ for _, ids in taken for id_ in ids])


async def what_is_appended_can_be_read(world: World) -> None:
    """An incident is read as it was stored: whole, from the journal, and flat."""
    extremes = await world.report(
        "ключ-🔑",
        start_time=EARLIEST,
        end_time=LATEST,
        level=Level.CRITICAL,
        description="Ærlig talt: <b>nede</b>\n\t\u2028🔥",
        details_url="/alarm?a=%00",
        ticket_url="https://tickets.example.org/1",
        tags=(Tag.parse("host=a.b=c"), Tag.parse("empty=")),
        metadata={"π": [3.141592653589793, -1.7e308, 5e-324, 2**60, True, None, {"": "\u001f"}]},
    )
    stateless = await world.report(stateful=False)
    for incident in (extremes, stateless):
        _same("get", incident, await world.incidents.get(incident.id))
        _same("fold(journal)", incident, fold(await world.incidents.journal(incident.id), world.source))
        _same("row", incident_row(incident), await world.incidents.row(incident.id))


async def a_key_is_taken_once(world: World) -> None:
    """A source has one incident of each non-empty source_incident_id, also among simultaneous reports."""
    changes = [await world.begin("12345") for _ in range(CALLERS)]
    outcomes = await asyncio.gather(*(world.incidents.append(change) for change in changes))
    _same("outcomes", {Appended.STORED: 1, Appended.DUPLICATE_KEY: CALLERS - 1}, _counted(outcomes))
    for change, outcome in zip(changes, outcomes, strict=True):
        _same("journal", len(await world.incidents.journal(change.incident.id)), 1 if outcome is Appended.STORED else 0)

    elsewhere = (await make_world(world.incidents, world.accounts)).source
    others = [await world.begin("12345", elsewhere), await world.begin(), await world.begin()]
    _same("another source, no key", [Appended.STORED] * 3, [await world.incidents.append(change) for change in others])


async def reports_at_once_are_told_apart(world: World) -> None:
    """Of many simultaneous reports each has its own outcome: keys are those of a source, warrants those of a report."""
    elsewhere = (await make_world(world.incidents, world.accounts)).source
    nobody = TokenId(NOWHERE)
    fresh = [(await world.begin(key), world.token_id, Appended.STORED) for key in ("", "1", "2", "", '"3",\\{}', "NULL")]
    other = [(await world.begin(key, elsewhere), None, Appended.STORED) for key in ("1", "2", "")]
    dead = [(await world.begin(key), nobody, Appended.UNAUTHENTICATED) for key in ("", "3", "4", "")]
    taken = [(await world.begin("taken"), None, Appended.DUPLICATE_KEY) for _ in range(4)]
    _same("first", Appended.STORED, await world.incidents.append(await world.begin("taken")))
    mixed = [one for some in itertools.zip_longest(dead, fresh, taken, other) for one in some if one is not None]
    outcomes = await asyncio.gather(*(world.incidents.append(change, warrant=warrant) for change, warrant, _ in mixed))
    _same("outcomes", [expected for _, _, expected in mixed], outcomes)
    for change, _, outcome in mixed:
        if outcome is Appended.STORED:
            _same("state", change.incident, await world.incidents.get(change.incident.id))
            _same("journal", change.events, await world.incidents.journal(change.incident.id))
        else:
            await _not_found(world, change.incident.id)


async def a_stale_change_is_a_conflict(world: World) -> None:
    """What was decided on another version is not stored, nor what concerns no incident at all."""
    incident = await world.report()
    event_ids = await world.incidents.event_ids(2)
    changes = [_close(incident, world.person, next(event_ids)) for _ in range(2)]
    _same("first", Appended.STORED, await world.incidents.append(changes[0]))
    _same("second", Appended.CONFLICT, await world.incidents.append(changes[1]))
    _same("state", changes[0].incident, await world.incidents.get(incident.id))
    _same("journal", 2, len(await world.incidents.journal(incident.id)))

    nobody = await world.begin()
    event_id = next(await world.incidents.event_ids(1))
    _same("unknown", Appended.CONFLICT, await world.incidents.append(_close(nobody.incident, world.person, event_id)))
    _same("no events", Appended.STORED, await world.incidents.append(Change(incident=nobody.incident, events=())))
    await _not_found(world, nobody.incident.id)


async def what_does_not_exist_is_not_found(world: World) -> None:
    """Reading what is not there says so."""
    await _not_found(world, NOWHERE)
    incident = await world.report()
    await _raises(NotFound, world.incidents.event(incident.id, EventId(NOWHERE)))
    await _raises(NotFound, world.incidents.ack(incident.id, EventId(NOWHERE)))


async def racing_callers_lose_nothing(world: World) -> None:
    """Whoever changes an incident at the same time: every change is there, versions have no gaps, one of them closes it."""
    incident = await world.report()

    async def meddle(caller: int) -> int:
        closed = 0
        for turn in range(4):
            await world.service.post(incident.id, EventType.OTHER, actor=world.person, why=f"{caller}.{turn}")
            await world.service.edit(incident.id, Edit(tags=None, description=f"by {caller}.{turn}"), actor=world.person)
            await world.service.acknowledge(incident.id, actor=world.person)
        try:
            await world.service.post(incident.id, EventType.CLOSE, actor=world.person)
        except AlreadyClosed:
            return closed
        return closed + 1

    closed = await asyncio.gather(*(meddle(caller) for caller in range(CALLERS)))
    _same("closed", 1, sum(closed))
    journal = await world.incidents.journal(incident.id)
    _same("versions", list(range(1, len(journal) + 1)), [event.version for event in journal])
    _same("notes", CALLERS * 4, sum(event.type is EventType.OTHER for event in journal))
    _same("acks", CALLERS * 4, len(await world.incidents.acks(incident.id)))
    _same("state", fold(journal, world.source), await world.incidents.get(incident.id))
    received = [event.received for event in journal]
    _same("received", sorted(received), received)


async def many_are_changed_one_by_one(world: World) -> None:
    """`append_each` answers for each id in order; refusals and unknown ids leave the others alone."""
    incidents = [await world.report() for _ in range(4)]
    await world.service.post(incidents[1].id, EventType.CLOSE, actor=world.person)
    ids = [incidents[2].id, NOWHERE, incidents[1].id, incidents[0].id, incidents[2].id]
    answers = await world.service.post_to_each(ids, EventType.CLOSE, actor=world.person, why="all of them")
    _same("answers", ["Change", "NoneType", "AlreadyClosed", "Change", "Change"], [type(answer).__name__ for answer in answers])
    _same("once", answers[0], answers[4])
    for incident, events in zip(incidents, (2, 2, 2, 1), strict=True):
        journal = await world.incidents.journal(incident.id)
        _same("journal", events, len(journal))
        _same("state", fold(journal, world.source), await world.incidents.get(incident.id))
    _same("none", [], list(await world.service.post_to_each([], EventType.CLOSE, actor=world.person)))


async def many_callers_change_many(world: World) -> None:
    """Bulk changes in opposite orders beside single ones: nobody waits for ever, nothing is lost."""
    ids = [(await world.report()).id for _ in range(10)]

    async def bulk(order: Sequence[IncidentId]) -> None:
        for _ in range(3):
            await world.service.acknowledge_each(order, actor=world.person)

    async def single() -> None:
        for incident_id in ids:
            await world.service.post(incident_id, EventType.OTHER, actor=world.person)

    await asyncio.gather(bulk(ids), bulk(ids[::-1]), bulk(ids[::2] + ids[1::2]), single(), single())
    for incident_id in ids:
        journal = await world.incidents.journal(incident_id)
        _same("events", 1 + 3 * 3 + 2, len(journal))
        _same("state", fold(journal, world.source), await world.incidents.get(incident_id))


async def a_warrant_must_be_live(world: World) -> None:
    """A change on behalf of a token is stored only while the token and its user are live."""
    incident = await world.report()

    async def close_and_ack() -> list[Appended]:
        event_ids = await world.incidents.event_ids(2)
        present = await world.incidents.get(incident.id)
        note = transitions.post(present, EventType.OTHER, actor=world.person, event_id=next(event_ids), at=LONG_AGO, now=_now())
        return [
            await world.incidents.append(note, warrant=world.token_id),
            await world.incidents.append(await world.begin(), warrant=world.token_id),
        ]

    async def refused() -> None:
        _same("refused", [Appended.UNAUTHENTICATED] * 2, await close_and_ack())
        await _raises(Unauthenticated, world.service.acknowledge_each([incident.id], actor=world.person, warrant=world.token_id))

    _same("live", [Appended.STORED] * 2, await close_and_ack())
    await world.service.acknowledge_each([incident.id], actor=world.person, warrant=world.token_id)
    before = await world.incidents.get(incident.id)
    async with world.accounts.begin() as work:
        user = await work.user(world.person.id)
        await work.save_user(User(id=world.person.id, username=world.person.username, active=False))
    await refused()
    async with world.accounts.begin() as work:
        await work.save_user(User(id=world.person.id, username=world.person.username))
        await work.drop_tokens([world.token_id])
    await refused()
    _same("user", world.person.username, user and user.username)
    _same("state", before, await world.incidents.get(incident.id))


async def pages_show_everything_once(world: World) -> None:
    """Pages visit each matching incident once, newest start first and highest id among equals, forwards and backwards."""
    starts = [LONG_AGO + timedelta(minutes=minute) for minute in (3, 1, 1, 1, 2, 5, 0)]
    incidents = [await world.report(start_time=start, tags=(Tag.parse("page=1"),)) for start in starts]
    await world.report()
    condition = All((SourceNamed(frozenset({world.source.name})), HasTag(frozenset({"page=1"}))))
    expected = [incident.id for incident in sorted(incidents, key=lambda incident: (incident.start_time, incident.id), reverse=True)]

    forwards: list[list[IncidentId]] = []
    position: Position | None = None
    backwards: Position | None = None
    while not forwards or position:
        page = await world.incidents.page(condition, _now(), 3, position)
        forwards.append([row.id for row in page.rows])
        position, backwards = page.next, page.previous
    _same("forwards", [expected[:3], expected[3:6], expected[6:]], forwards)
    last = backwards
    seen = []
    while last:
        page = await world.incidents.page(condition, _now(), 3, last)
        seen.append([row.id for row in page.rows])
        last = page.previous
    _same("backwards", [expected[3:6], expected[:3]], seen)
    beyond = await world.incidents.page(condition, _now(), 3, Position(EARLIEST, IncidentId(1)))
    _same("beyond the end", [], list(beyond.rows))
    _same("count", len(incidents), await world.incidents.count(condition, _now()))
    _same("count no further", [3, len(incidents)], [await world.incidents.count(condition, _now(), most) for most in (3, 1000)])


async def lists_come_in_any_order(world: World) -> None:
    """
    By start, by end (one without an end ends last) and by level (the worst first), and each the other way round.

    Pages of all of these visit each matching incident once, forwards and backwards, also with conditions that have to do with the order.
    """
    now = _now()
    ends = (None, LONG_AGO, now + timedelta(days=1), None, LONG_AGO, now - timedelta(days=1), None)
    levels = (Level.LOW, Level.CRITICAL, Level.LOW, Level.LOW, Level.CRITICAL, Level.INFORMATION, Level.HIGH)
    for number, (end, level) in enumerate(zip(ends, levels, strict=True)):
        await world.report(start_time=LONG_AGO - timedelta(minutes=number // 2), end_time=end, level=level)
    await world.report(start_time=LONG_AGO, stateful=False, level=Level.HIGH)
    await world.report(start_time=LONG_AGO + timedelta(days=9), stateful=False, level=Level.MODERATE)
    mine = SourceNamed(frozenset({world.source.name}))
    ids = [row.id for row in (await world.incidents.page(mine, now, 100)).rows]
    incidents = [await world.incidents.get(id_) for id_ in ids]
    conditions: list[Condition] = [
        *(All(()), IsOpen(), IsClosed(), Not(IsOpen()), IsStateful(), Not(IsStateful()), LevelAtMost(3), EndsUntil(now)),
        *(All((IsOpen(), LevelAtMost(1))), Either((IsOpen(), LevelAtMost(1))), All((IsOpen(), EndsUntil(now + timedelta(days=2))))),
        *(TextHas("nothing says so"), Not(TextHas("x")), LevelAtMost(0.5), Not(LevelAtMost(2)), All((LevelAtMost(3), Not(LevelAtMost(1))))),
    ]
    for condition, by, reverse in itertools.product(conditions, By, (False, True)):
        order, matching = Order(by, reverse), [one for one in incidents if holds(condition, one, now)]
        expected = [one.id for one in sorted(matching, key=_placed(by), reverse=not reverse)]
        wanted, name = All((mine, condition)), f"{condition} by {by.name}{' reversed' if reverse else ''}"
        _same(name, expected, [row.id for row in (await world.incidents.page(wanted, now, 100, None, order)).rows])
        page = await world.incidents.page(wanted, now, 2, None, order)
        pages = [page]
        while page.next:
            page = await world.incidents.page(wanted, now, 2, page.next, order)
            pages.append(page)
        _same(f"{name}, page by page", expected, [row.id for page in pages for row in page.rows])
        back = [row.id for row in page.rows]
        while page.previous:
            page = await world.incidents.page(wanted, now, 2, page.previous, order)
            back = [*(row.id for row in page.rows), *back]
        _same(f"{name}, backwards", expected, back)


def _placed(by: By) -> Callable[[Incident], tuple[float, datetime, IncidentId]]:
    def place(incident: Incident) -> tuple[float, datetime, IncidentId]:
        end = incident.end_time.timestamp() if incident.end_time else float("inf")
        return {By.START: 0, By.END: end, By.LEVEL: -incident.level}[by], incident.start_time, incident.id

    return place


async def filters_see_the_present(world: World) -> None:
    """Open, closed and acknowledged are as of the moment asked for, not of the moment stored."""
    now = _now()
    incident = await world.report(end_time=now + timedelta(hours=1))
    await world.service.acknowledge(incident.id, actor=world.person, expiration=now + timedelta(hours=2))
    mine = SourceNamed(frozenset({world.source.name}))

    async def seen(hours: float, *conditions: IsOpen | IsClosed | IsAcked | Not) -> int:
        condition, moment = All((mine, *conditions)), now + timedelta(hours=hours)
        rows = (await world.incidents.page(condition, moment, 10)).rows
        _same("count", len(rows), await world.incidents.count(condition, moment))
        _same("count to ten", len(rows), await world.incidents.count(condition, moment, 10))
        return len(rows)

    _same("open", [1, 0], [await seen(0.5, IsOpen()), await seen(1.5, IsOpen())])
    _same("closed", [0, 1], [await seen(0.5, IsClosed()), await seen(1.5, IsClosed())])
    _same("acked", [1, 0], [await seen(1.5, IsAcked()), await seen(2.5, IsAcked())])
    _same("open and not acked", [0, 0], [await seen(0.5, IsOpen(), Not(IsAcked())), await seen(2.5, IsOpen(), Not(IsAcked()))])


async def lists_are_newest_first(world: World) -> None:
    """Events and acknowledgements come newest timestamp first, then highest id; internal events are not listed."""
    soon = _now() + timedelta(hours=1)
    incident = await world.report(end_time=soon)
    for minutes in (5, 9, 5, 1):
        at = LONG_AGO + timedelta(minutes=minutes)
        await world.service.acknowledge(incident.id, actor=world.person, at=at, why=str(minutes), expiration=soon)
    await replace(world.service, clock=lambda: soon + timedelta(seconds=1)).pass_time(10_000)

    events = await world.incidents.events(incident.id)
    _same("events", sorted(events, key=lambda event: (event.timestamp, event.id), reverse=True), list(events))
    _same("listed", 5, len(events))
    _same("one event", events[2], await world.incidents.event(incident.id, events[2].id))
    acks = await world.incidents.acks(incident.id)
    _same("acks", ["9", "5", "5", "1"], [ack.event.description for ack in acks])
    _same("expiration", {soon}, {ack.expiration for ack in acks})
    _same("one ack", acks[1], await world.incidents.ack(incident.id, acks[1].event.id))
    internal = [event for event in await world.incidents.journal(incident.id) if event.type.internal]
    _same("internal", 5, len(internal))
    await _raises(NotFound, world.incidents.event(incident.id, internal[0].id))


async def expirations_move(world: World) -> None:
    """An acknowledgement's new expiration shows in its list, in the incident and in the journal."""
    incident = await world.report()
    change = await world.service.acknowledge(incident.id, actor=world.person)
    ack_id = change.events[0].id
    until = _now() + timedelta(days=2)
    moved = (await world.service.move_expiration(incident.id, ack_id, until, actor=world.person)).incident
    _same("state", moved, await world.incidents.get(incident.id))
    _same("ack", until, (await world.incidents.ack(incident.id, ack_id)).expiration)
    _same("row", until, (await world.incidents.row(incident.id)).acked_until)
    _same("fold(journal)", moved, fold(await world.incidents.journal(incident.id), world.source))


async def acknowledgements_end_with_what_happens(world: World) -> None:
    """Those made until the level rises or until the incident is resolved end with that, in the incident, the list and the journal."""
    incident = await world.report(level=Level.LOW)
    for until in (None, Until.LEVEL_RISES, Until.RESOLVED):
        at = _now() + timedelta(days=1) if until is None else None
        await world.service.acknowledge(incident.id, actor=world.person, expiration=at, until=until)
    made = await world.incidents.get(incident.id)
    _same("made", [(None, None), (Until.LEVEL_RISES, Level.LOW), (Until.RESOLVED, None)], [(ack.until, ack.level) for ack in made.acks])
    await world.service.edit(incident.id, Edit(level=Level.INFORMATION), actor=world.person)
    for level in (Level.HIGH, Level.CRITICAL):
        await world.service.edit(incident.id, Edit(level=level), actor=world.person)
        _same("holding", [True, False, True], [ack.holds(_now()) for ack in (await world.incidents.get(incident.id)).acks])
    closed = (await world.service.post(incident.id, EventType.CLOSE, actor=world.person)).incident
    _same("resolved", [True, False, False], [ack.holds(closed.received) for ack in closed.acks])
    _same("state", closed, await world.incidents.get(incident.id))
    _same("fold(journal)", closed, fold(await world.incidents.journal(incident.id), world.source))
    listed = {ack.event.id: ack.expiration for ack in await world.incidents.acks(incident.id)}
    _same("listed", {ack.id: ack.expiration for ack in closed.acks}, listed)


async def timers_wait_until_forgotten(world: World) -> None:
    """A timer is kept by what sets it, found when it is due, and forgotten only as it was found."""
    due = _now() + timedelta(minutes=5)
    incident = await world.report(end_time=due)

    async def found(moment: datetime) -> list[tuple[TimerKind, datetime]]:
        timers = await world.incidents.due_timers(moment, 10_000)
        return [(timer.kind, timer.due) for timer in timers if timer.incident_id == incident.id]

    _same("early", [], await found(due - timedelta(seconds=1)))
    _same("due", [(TimerKind.END_REACHED, due)], await found(due))
    timers = [timer for timer in await world.incidents.due_timers(due, 10_000) if timer.incident_id == incident.id]
    event_ids = await world.incidents.event_ids(1)
    later = due + timedelta(minutes=5)
    moved = transitions.close(incident, actor=world.person, event_id=next(event_ids), at=later, now=_now())
    _same("moved", Appended.STORED, await world.incidents.append(moved))
    await world.incidents.forget(timers)
    _same("set anew", [(TimerKind.END_REACHED, later)], await found(later))
    await world.incidents.forget([timer for timer in await world.incidents.due_timers(later, 10_000) if timer.incident_id == incident.id])
    _same("forgotten", [], await found(later))


async def work_on_accounts_is_whole(world: World) -> None:
    """Work that fails leaves accounts as they were; names are unique; a renamed source shows its name everywhere."""
    incident = await world.report()
    async with world.accounts.begin() as work:
        user = await work.user(world.person.id)
        _same("named", user, await work.user_named(world.person.username))
        _same("source", world.source, await work.source(world.source.id))
        _same("source of", world.source, await work.source_of(world.reporter.id))
        _same("nobody", [None] * 2, [await work.source_of(world.person.id), await work.user_named(world.person.username.upper())])
        _same("type known", True, world.source.type in await work.source_types())
        _same("all", [True, True], [user in await work.users(), world.source in await work.sources()])

    taken = User(id=world.person.id, username=world.reporter.username)
    await _raises(NameTaken, _in_work(world, lambda work: work.save_user(taken)))
    await _raises(NameTaken, _in_work(world, lambda work: work.add_source_type(world.source.type)))
    same_name = Source(id=world.source.id, name=world.source.name, type=world.source.type, user_id=world.person.id)
    async with world.accounts.begin() as work:
        twin = Source(id=await work.new_source_id(), name=same_name.name, type=same_name.type, user_id=world.person.id)
    await _raises(NameTaken, _in_work(world, lambda work: work.add_source(twin)))
    await _raises(ZeroDivisionError, _in_work(world, lambda work: _rename_and_fail(work, world)))
    async with world.accounts.begin() as work:
        _same("undone", user, await work.user(world.person.id))
        renamed = Source(id=world.source.id, name=f"{world.source.name}-new", type=world.source.type, user_id=world.reporter.id)
        await work.save_source(renamed)
    _same("renamed", renamed, (await world.incidents.get(incident.id)).source)
    _same("renamed row", renamed.name, (await world.incidents.row(incident.id)).source_name)


async def users_and_tokens_are_found(world: World) -> None:
    """By any part of their names, however it is written, and page by page."""
    mark = world.person.username.removeprefix("person-")
    both, newest = sorted((world.person.id, world.reporter.id)), TokenId(2**63 - 1)

    async with world.accounts.begin() as work:
        (person,) = await work.users_with([world.person.id])
        await work.save_user(replace(person, first_name=f"Per% {mark}", email=f"{mark}@example.org"))

        async def found(text: str, most: int = 10, after: int = 0) -> list[UserId]:
            return [user.id for user in await work.users_like(text, most, UserId(after))]

        _same("users who have a text in their names", both, await found(mark.upper()))
        _same("the first page", both[:1], await found(mark, 1))
        _same("the next page", both[1:], await found(mark, after=both[0]))
        _same("users by a sign that means something to databases", [world.person.id], await found(f"% {mark}"))
        _same("users by their address", [world.person.id], await found(f"{mark}@"))
        _same("how many have no text at all in their names", 1, len(await found("", 1)))
        _same("users by ids", both, [user.id for user in await work.users_with(both)])
        _same("tokens by the name of their user", [world.token_id], [token.id for token in await work.tokens_like(mark, 10, newest)])
        _same("older tokens", [], list(await work.tokens_like(mark, 10, world.token_id)))
        _same("the newest token", 1, len(await work.tokens_like("", 1, newest)))
        _same("tokens by users", [world.token_id], [token.id for token in await work.tokens_of(both)])


async def tokens_speak_for_their_users(world: World) -> None:
    """A credential is found by its digest while token and user are live."""
    now = await world.accounts.now()
    digests = [secrets.token_bytes(32) for _ in range(3)]
    expiries = (None, now + timedelta(hours=1), now - timedelta(seconds=1))
    async with world.accounts.begin() as work:
        await work.lock()
        for digest, expires in zip(digests, expiries, strict=True):
            token = Token(
                id=await work.new_token_id(),
                user_id=world.reporter.id,
                name=digest.hex()[:4],
                prefix="abcd",
                digest=digest,
                created=now,
                expires=expires,
            )
            await work.add_token(token)
            _same("token", token, await work.token(token.id))
        tokens = await work.tokens(world.reporter.id)
        _same("tokens", digests, [token.digest for token in tokens])
        _same("all tokens", set(digests), {token.digest for token in await work.all_tokens()} & set(digests))
    found = [await world.accounts.credential(digest) for digest in digests]
    _same("actors", [world.reporter, world.reporter, None], [credential and credential.actor for credential in found])
    _same("expires", list(expiries[:2]), [credential.expires for credential in found if credential])
    async with world.accounts.begin() as work:
        await work.drop_tokens([tokens[0].id])
        _same("dropped", None, await work.token(tokens[0].id))
    _same("gone", None, await world.accounts.credential(digests[0]))
    async with world.accounts.begin() as work:
        await work.save_user(User(id=world.reporter.id, username=world.reporter.username, active=False))
    _same("inactive", None, await world.accounts.credential(digests[1]))


async def defaults_can_be_kept(world: World) -> None:
    """Timeslots and destinations are kept, and the synced address follows the account."""
    async with world.accounts.begin() as work:
        await work.add_timeslot(all_the_time(await work.new_timeslot_id(), world.person.id, "Europe/Oslo"))
        await work.add_destination(synced_email(await work.new_destination_id(), world.person.id, "somebody@example.org"))
        await work.move_synced_email(world.person.id, "else@example.org")
        for address in ("", "", "back@example.org"):
            await work.move_synced_email(world.person.id, address)


STORE_CHECKS: tuple[Check, ...] = (
    ids_are_given_once,
    what_is_appended_can_be_read,
    a_key_is_taken_once,
    reports_at_once_are_told_apart,
    a_stale_change_is_a_conflict,
    what_does_not_exist_is_not_found,
    racing_callers_lose_nothing,
    many_are_changed_one_by_one,
    many_callers_change_many,
    a_warrant_must_be_live,
    pages_show_everything_once,
    lists_come_in_any_order,
    filters_see_the_present,
    lists_are_newest_first,
    expirations_move,
    acknowledgements_end_with_what_happens,
    timers_wait_until_forgotten,
    work_on_accounts_is_whole,
    users_and_tokens_are_found,
    tokens_speak_for_their_users,
    defaults_can_be_kept,
)


async def check_profiles(profiles: Profiles, accounts: Accounts) -> None:
    """
    Hold a store of profiles, and the accounts they belong to, to everything their port promises.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    for check in PROFILE_CHECKS:
        await check(profiles, accounts)


async def check_ticket_claims(here: TicketClaims, there: TicketClaims) -> None:
    """
    Hold claims on tickets to their promise, as two processes that share a store have them.

    Raises:
        AssertionError: the promise is broken; the message says how.
    """
    incident_id = IncidentId(secrets.randbits(62) + 1)
    inside: list[TicketClaims] = []

    async def work(claims: TicketClaims) -> None:
        async with claims.claim(incident_id):
            inside.append(claims)
            _same("inside at once", 1, len(inside))
            async with asyncio.timeout(10), claims.claim(IncidentId(incident_id + 1)):
                await asyncio.sleep(0.01)
            inside.remove(claims)

    async def fail(claims: TicketClaims) -> None:
        async with claims.claim(incident_id):
            raise LookupError

    doing = [do(claims) for claims in (here, there) for do in (work, fail)]
    outcomes = await asyncio.gather(*doing, return_exceptions=True)
    _same("outcomes", [None, "LookupError"] * 2, [outcome and type(outcome).__name__ for outcome in outcomes])


async def belongings_are_kept_whole(profiles: Profiles, accounts: Accounts) -> None:
    """What somebody keeps is read as it was kept, replaced whole, and nobody else's."""
    owner, other = await _owner(accounts), await _owner(accounts)
    async with profiles.begin(owner) as work:
        first = Timeslot(id=TimeslotId(await work.new_id()), owner=owner, name="æ", zone="Asia/Kathmandu", recurrences=())
        hours = Recurrence(days=frozenset({1, 7}), start=time(22, 0, 0, 1), end=time(6), ends_next_day=True)
        second = replace(first, id=TimeslotId(await work.new_id()), name="b", recurrences=(hours, Recurrence(days=frozenset())))
        plain = SavedFilter(id=FilterId(await work.new_id()), owner=owner, name="plain", definition=FilterDefinition())
        definition = FilterDefinition(
            source_ids=(SourceId(2**62),),
            tags=("a=1", "lame"),
            open=True,
            acked=False,
            stateful=True,
            max_level=3,
            event_type=EventType.START,
            event_types=(EventType.END, EventType.CLOSE),
            expression=Not(All((HasTag(frozenset({"b=2"})), IsOpen()))),
        )
        full = SavedFilter(id=FilterId(await work.new_id()), owner=owner, name="full", definition=definition)
        settings: Settings = {"address": "🔥", "deep": {"list": [1, None, True]}}
        where = Destination(id=DestinationId(await work.new_id()), owner=owner, medium="pigeon", settings=settings, label="home")
        mail = synced_email(DestinationId(await work.new_id()), owner, "somebody@example.org")
        profile = Profile(
            id=ProfileId(await work.new_id()),
            owner=owner,
            name=None,
            timeslot_id=first.id,
            filter_ids=(plain.id, full.id),
            destination_ids=(where.id, mail.id),
            active=False,
            escalate_after=timedelta(minutes=15),
        )
        for thing in (second, first, full, plain, mail, where, profile):
            await work.keep(thing)
    kept = Belongings(timeslots=(first, second), filters=(plain, full), destinations=(where, mail), profiles=(profile,))
    _same("belongings", kept, await profiles.belongings(owner))
    _same("of somebody else", Belongings(), await profiles.belongings(other))
    _same("timeslots", [True, False], [await profiles.timeslot_exists(id_) for id_ in (first.id, TimeslotId(2**62))])

    changed = replace(
        profile, name="nights", timeslot_id=second.id, filter_ids=(full.id,), destination_ids=(), active=True, escalate_after=None
    )
    shorter = replace(second, recurrences=(hours,), zone="UTC")
    moved = replace(where, settings={"address": "barn"}, label=None)
    emptied = replace(full, definition=FilterDefinition(tags=()))
    async with profiles.begin(owner) as work:
        _same("in the work", kept, work.belongings)
        for thing in (changed, shorter, moved, emptied):
            await work.keep(thing)
        for unused in (first, plain, mail):
            await work.drop(unused)
    left = Belongings(timeslots=(shorter,), filters=(emptied,), destinations=(moved,), profiles=(changed,))
    _same("replaced and dropped", left, await profiles.belongings(owner))


async def work_on_belongings_is_whole(profiles: Profiles, accounts: Accounts) -> None:
    """Work that fails leaves everything as it was, and work on one user waits for that which is under way."""
    owner = await _owner(accounts)

    async def count() -> None:
        async with profiles.begin(owner) as work:
            name = str(len(work.belongings.timeslots))
            await work.keep(Timeslot(id=TimeslotId(await work.new_id()), owner=owner, name=name, zone="UTC", recurrences=()))

    async def fail() -> None:
        async with profiles.begin(owner) as work:
            await work.keep(Timeslot(id=TimeslotId(await work.new_id()), owner=owner, name="never", zone="UTC", recurrences=()))
            await work.drop(work.belongings.timeslots[0])
            raise ZeroDivisionError

    await asyncio.gather(*(count() for _ in range(CALLERS)))
    await _raises(ZeroDivisionError, fail())
    names = [timeslot.name for timeslot in (await profiles.belongings(owner)).timeslots]
    _same("names", sorted(map(str, range(CALLERS))), sorted(names))


async def owners_are_found(profiles: Profiles, accounts: Accounts) -> None:
    """By their own names and by those of what they have, page by page; whoever has nothing is not."""
    owners, nobody = sorted([await _owner(accounts), await _owner(accounts)]), await _owner(accounts)
    mark, everybody = secrets.token_hex(8), UserId(0)
    for owner in owners:
        async with profiles.begin(owner) as work:
            slot = all_the_time(TimeslotId(await work.new_id()), owner, "UTC")
            await work.keep(replace(slot, name=f"Hours {mark}"))
            await work.keep(synced_email(DestinationId(await work.new_id()), owner, "ola@example.org"))
    async with accounts.begin() as accounts_work:
        (first,) = await accounts_work.users_with(owners[:1])
    found = await profiles.owning(mark.upper(), 10, everybody)
    _same("owners by what they have", owners, list(found))
    _same("what one has", await profiles.belongings(first.id), found[first.id])
    _same("the first page", owners[:1], list(await profiles.owning(mark, 1, everybody)))
    _same("the next page", owners[1:], list(await profiles.owning(mark, 10, first.id)))
    _same("owners by their own names", owners[:1], list(await profiles.owning(first.username, 10, everybody)))
    _same("whether somebody is found who has nothing", False, nobody in await profiles.owning("", 1_000_000, everybody))


async def filters_are_shared(profiles: Profiles, accounts: Accounts) -> None:
    """What is shared is there for everybody, with the name of its owner, also of one who is not active any more; what is not, is not."""
    owners = [await _owner(accounts), await _owner(accounts)]
    kept = list[SavedFilter]()
    for owner in owners:
        async with profiles.begin(owner) as work:
            for shared in (True, False):
                filter_ = SavedFilter(
                    id=FilterId(await work.new_id()), owner=owner, name=f"{shared}", definition=FilterDefinition(open=True), shared=shared
                )
                await work.keep(filter_)
                kept.append(filter_)
    async with accounts.begin() as accounts_work:
        first, second = await accounts_work.users_with(owners)
        await accounts_work.save_user(replace(first, active=False))

    async def found() -> list[tuple[SavedFilter, str]]:
        return [(one.filter, one.owner) for one in await profiles.shared() if one.filter.owner in owners]

    _same("shared", [(kept[0], first.username), (kept[2], second.username)], await found())
    _same("one's own", (kept[2], kept[3]), (await profiles.belongings(second.id)).filters)
    async with profiles.begin(first.id) as work:
        await work.keep(replace(kept[0], shared=False))
    async with profiles.begin(second.id) as work:
        await work.keep(replace(kept[3], shared=True))
        await work.drop(kept[2])
    _same("shared afterwards", [(replace(kept[3], shared=True), second.username)], await found())


async def twins_are_other_peoples(profiles: Profiles, accounts: Accounts) -> None:
    """Twins are other users' destinations with the same medium and equal settings, in whatever order these are written."""
    owners = [await _owner(accounts) for _ in range(4)]
    mark = secrets.token_hex(8)
    all_settings: list[Settings] = [{"mark": mark, "n": 1}, {"n": 1, "mark": mark}, {"mark": mark, "n": 2}, {"mark": mark, "n": 1}]
    for owner, medium, settings in zip(owners, ("owl", "owl", "owl", "pigeon"), all_settings, strict=True):
        async with profiles.begin(owner) as work:
            await work.keep(Destination(id=DestinationId(await work.new_id()), owner=owner, medium=medium, settings=settings))
    found = [await profiles.twins((await profiles.belongings(owner)).destinations[0]) for owner in owners]
    _same("twins", [[owners[1]], [owners[0]], [], []], [list(twins) for twins in found])


async def accounts_and_profiles_share_what_users_have(profiles: Profiles, accounts: Accounts) -> None:
    """The timeslot and destination that come with an account are belongings; the synced one follows the account, out of profiles too."""
    owner = await _owner(accounts)
    async with accounts.begin() as work:
        always = all_the_time(await work.new_timeslot_id(), owner, "Europe/Oslo")
        await work.add_timeslot(always)
        await work.add_destination(synced_email(await work.new_destination_id(), owner, "a@example.org"))
    (mail,) = (await profiles.belongings(owner)).destinations
    _same("timeslots", (always,), (await profiles.belongings(owner)).timeslots)
    async with profiles.begin(owner) as mine:
        filter_ = SavedFilter(id=FilterId(await mine.new_id()), owner=owner, name="all", definition=FilterDefinition(open=True))
        await mine.keep(filter_)
        profile = Profile(
            id=ProfileId(await mine.new_id()),
            owner=owner,
            name="x",
            timeslot_id=always.id,
            filter_ids=(filter_.id,),
            destination_ids=(mail.id,),
        )
        await mine.keep(profile)
    async with accounts.begin() as work:
        await work.move_synced_email(owner, "b@example.org")
    _same("moved", (synced_email(mail.id, owner, "b@example.org"),), (await profiles.belongings(owner)).destinations)
    async with accounts.begin() as work:
        await work.move_synced_email(owner, "")
    without_mail = await profiles.belongings(owner)
    _same("gone", ((), (replace(profile, destination_ids=()),)), (without_mail.destinations, without_mail.profiles))


async def maintenance_is_kept_whole_and_told(profiles: Profiles, accounts: Accounts) -> None:
    """What is planned is read as it was kept, by everybody, and whoever decides learns of each change."""
    owner = await _owner(accounts)
    now = _now().replace(microsecond=0)
    night = Recurrence(days=frozenset({1, 7}), start=time(22, 0, 0, 1), end=time(6), ends_next_day=True)
    entry = Entry(deed=Deed.MAINTENANCE_PLAN, about="planned maintenance")
    before = (await profiles.since(-1)).generation
    async with profiles.begin(owner) as work:
        definition = FilterDefinition(tags=("a=1",), expression=Not(IsOpen()))
        filter_ = SavedFilter(id=FilterId(await work.new_id()), owner=owner, name="f", definition=definition)
        one = Maintenance(
            id=MaintenanceId(await work.new_id()),
            created_by=owner,
            created=now,
            description="New switch 🔥",
            start=now,
            end=None,
            filters=(filter_,),
            windows=(Window(hours=night, weeks=frozenset({1, -1})), Window(hours=Recurrence(days=frozenset({3})))),
            zone="Asia/Kathmandu",
        )
        _same("not there yet", None, await work.maintenance(one.id))
        await work.keep_maintenance(one, entry)
    over = replace(one, id=MaintenanceId(one.id + 1), end=now - 2 * STILL_KNOWN, start=now - 3 * STILL_KNOWN, windows=())
    async with profiles.begin(owner) as work:
        _same("in the work", one, await work.maintenance(one.id))
        await work.keep_maintenance(replace(over, id=MaintenanceId(await work.new_id())), entry)

    def ours(some: Sequence[Maintenance]) -> list[Maintenance]:
        return [maintenance for maintenance in some if maintenance.created_by == owner]

    edition = await profiles.since(before)
    _same("of those to be asked", [one], ours(edition.maintenances))
    (first, second) = ours(await profiles.maintenances())
    _same("all", [one, replace(over, id=second.id)], [first, second])
    _same("unless nothing is newer", (), (await profiles.since(edition.generation)).maintenances)
    _same("that goes on after now", [one], ours(await profiles.maintenances(now)))
    _same("that ended after that", [one, second], ours(await profiles.maintenances(now - 2 * STILL_KNOWN - timedelta(microseconds=1))))
    _same("not at its end any more", [one], ours(await profiles.maintenances(now - 2 * STILL_KNOWN)))

    changed = replace(one, end=now, filters=(), windows=())
    async with profiles.begin(owner) as work:
        await work.keep_maintenance(changed, entry)
        await work.drop_maintenance(second.id, entry)
    _same("replaced and dropped", [changed], ours(await profiles.maintenances()))
    _same("told", [changed], ours((await profiles.since(edition.generation)).maintenances))


async def thresholds_are_kept_and_told(profiles: Profiles, accounts: Accounts) -> None:
    """From when on incidents of a source flap is kept, and told to whoever decides; the source is another matter."""
    owner = await _owner(accounts)
    async with accounts.begin() as work:
        await work.add_source_type(type_ := f"type-{secrets.token_hex(8)}")
        source = Source(id=await work.new_source_id(), name="flapper", type=type_, user_id=owner)
        await work.add_source(source)

    async def kept(spelled: str) -> tuple[str | None, str | None, str | None]:
        before = (await profiles.since(-1)).generation
        entry = Entry(deed=Deed.SOURCE_CHANGE, about=source.name, details=f"it flaps by {spelled}")
        async with profiles.begin(owner) as work:
            await work.keep_threshold(source.id, spelled, entry)
        edition = await profiles.since(before)
        _same("told when nothing is newer", {}, (await profiles.since(edition.generation)).thresholds)
        everything = (await profiles.since(-1)).thresholds
        return edition.thresholds.get(source.id), everything.get(source.id), (await profiles.thresholds()).get(source.id)

    for spelled in ("5/30m", "off"):
        _same("kept", (spelled,) * 3, await kept(spelled))
    async with accounts.begin() as work:
        await work.save_source(replace(source, name="flipper"))
    _same("kept when the source was renamed", "off", (await profiles.thresholds()).get(source.id))
    _same("kept any more", (None,) * 3, await kept(""))


PROFILE_CHECKS: tuple[Callable[[Profiles, Accounts], Awaitable[None]], ...] = (
    belongings_are_kept_whole,
    work_on_belongings_is_whole,
    owners_are_found,
    filters_are_shared,
    twins_are_other_peoples,
    accounts_and_profiles_share_what_users_have,
    maintenance_is_kept_whole_and_told,
    thresholds_are_kept_and_told,
)


async def _owner(accounts: Accounts) -> UserId:
    async with accounts.begin() as work:
        user = User(id=await work.new_user_id(), username=f"owner-{secrets.token_hex(8)}")
        await work.add_user(user)
    return user.id


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - stores are checked against the time it really is


def _close(incident: Incident, actor: Actor, event_id: EventId) -> Change:
    now = _now()
    return transitions.close(incident, actor=actor, event_id=event_id, at=now, now=now)


async def _not_found(world: World, incident_id: IncidentId) -> None:
    await _raises(NotFound, world.incidents.get(incident_id))
    await _raises(NotFound, world.incidents.row(incident_id))
    await _raises(NotFound, world.incidents.events(incident_id))
    await _raises(NotFound, world.incidents.event(incident_id, EventId(1)))
    await _raises(NotFound, world.incidents.acks(incident_id))
    await _raises(NotFound, world.incidents.ack(incident_id, EventId(1)))
    _same("journal", 0, len(await world.incidents.journal(incident_id)))


async def _in_work(world: World, do: Callable[[AccountsWork], Awaitable[None]]) -> None:
    async with world.accounts.begin() as work:
        await do(work)


async def _rename_and_fail(work: AccountsWork, world: World) -> None:
    await work.save_user(User(id=world.person.id, username=f"{world.person.username}-new"))
    raise ZeroDivisionError


async def _raises(error: type[Exception], doing: Awaitable[object]) -> None:
    try:
        await doing
    except error:
        return
    raise AssertionError(f"{error.__name__} was not raised.")


def _same(what: str, expected: object, got: object) -> None:
    if expected != got:
        raise AssertionError(f"{what}: expected {expected!r}, got {got!r}")


def _all_different(what: str, values: Sequence[object]) -> None:
    _same(f"{what}, different ones", len(values), len(set(values)))


def _counted(outcomes: Sequence[Appended]) -> dict[Appended, int]:
    return {outcome: outcomes.count(outcome) for outcome in set(outcomes)}


def check_medium(medium: Medium, good: Sequence[Settings], bad: Sequence[Settings]) -> None:
    """
    Hold a medium to what its port promises, short of sending: that takes a receiver, and `sample_notification` to send.

    `good` are settings as people may give them, `bad` ones that have to be refused.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    with _promised("What the medium says of itself"):
        properties = _described(medium)
        required = {str(name) for name in _sequence("required", medium.schema.get("required"))}
    _same("required but no property", set(), required - properties.keys())
    for settings in good:
        with _promised(f"{settings!r}, which is good, also with blanks and tabs around each text,"):
            _cleaned(medium, settings, properties, required)
    for settings in bad:
        with _promised(f"{settings!r}, which has to be refused,"):
            _refused(medium, settings, properties)
    for name in required:
        for settings in ({}, *({**settings, name: None} for settings in good)):
            with _promised(f"{settings!r}, where {name} is missing,"):
                _same(f"{name} is missing", True, name in _refused(medium, settings, properties))
    for name, junk in itertools.product(properties, _JUNK):
        for settings in good:
            with _promised(f"{str({**settings, name: junk})[:1_000]}, which is to be refused, or taken,"):
                _survived(medium, {**settings, name: junk})


@contextmanager
def _promised(what: str) -> Iterator[None]:
    """Whatever the medium raises there, but should not, is a broken promise too."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{what} raised {said(error)}") from error


def sample_notification() -> Notification:
    """A notification to try a medium with: text of several scripts and lines, and what might be mistaken for a header or for markup."""
    robot, person = Person(UserId(1), "nav"), Person(UserId(2), "ola")
    incident = Incident(
        id=IncidentId(42),
        version=2,
        source=Source(id=SourceId(1), name="nav-oslo", type="nav", user_id=robot.id),
        source_incident_id="ключ-7",
        start_time=LONG_AGO,
        level=Level.CRITICAL,
        description="Strømbrudd på gw1 🔥\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script> =?utf-8?q?=0D=0ABcc:_all?= ü",
        details_url="https://nav.example.org/?id=7&a=%00",
        tags=(TagOn("host=gw1", robot.id, LONG_AGO),),
        received=LONG_AGO + timedelta(seconds=2),
    )
    event = Event(
        id=EventId(77),
        incident_id=incident.id,
        version=2,
        type=EventType.OTHER,
        actor=person,
        timestamp=LONG_AGO + timedelta(seconds=1),
        received=incident.received,
        description="On my way\n.\nQUIT",
    )
    return Notification(
        id="42.2.7",
        incident=incident,
        events=(event,),
        subject=f"[critical] nav-oslo: {incident.description}",
        text=f"{incident.description}\n\nola: {event.description}",
        link="https://argus.example.org/incidents/42/",
    )


_LABEL = 1_000
_JUNK: tuple[Json, ...] = (None, "", "\x00", "\ud800", "\r\nX: y", "x" * 100_000, True, 0, -1.5, 10**400, [], ["x"], {"x": {"y": None}})


def _described(medium: Medium) -> Mapping[str, Json]:
    """The properties that the medium's schema describes."""
    _same("slug", True, re.fullmatch(r"[a-z0-9][a-z0-9-]*", medium.slug) is not None)
    _same("name", True, bool(medium.name.strip()))
    for name in ("send", *(["close"] if hasattr(medium, "close") else [])):
        _same(f"{name} is a coroutine function", True, asyncio.iscoroutinefunction(getattr(medium, name)))
    _same("lacks is a text", True, isinstance(getattr(medium, "lacks", ""), str))
    schema = medium.schema
    _same("schema as JSON", schema, json.loads(json.dumps(schema)))
    _same("schema once more", schema, medium.schema)
    _same("schema: type", "object", schema.get("type"))
    _same("schema: title and description", [True] * 2, [bool(schema.get(key)) for key in ("title", "description")])
    properties = _mapping("properties", schema.get("properties"))
    for name, described in properties.items():
        _same(f"{name}: type and title", [True] * 2, [bool(_mapping(name, described).get(key)) for key in ("type", "title")])
    return properties


def _cleaned(medium: Medium, given: Settings, properties: Mapping[str, Json], required: AbstractSet[str]) -> None:
    before = copy.deepcopy(given)
    clean = medium.clean(given)
    _same("settings that were given", before, given)
    _same("clean settings nobody knows", set(), clean.keys() - properties.keys())
    _same("clean settings that are missing", set(), required - clean.keys())
    _same("clean settings can be stored", None, metadata_problem(clean))
    _same("clean settings, cleaned", clean, medium.clean(clean))
    _same("settings with an unknown key", clean, medium.clean({**given, "unknown-to-all": "x"}))
    padded = {name: f" {value}\t" if isinstance(value, str) else value for name, value in given.items()}
    _same("settings with blanks around", clean, medium.clean(padded))
    _same("host, asked once more", host_of(medium, clean), host_of(medium, clean))
    _same("what is for staff, named as settings", set(), staff_only(medium, clean).keys() - {*properties, ""})
    _same("a sentence about what is for staff", True, all(text.strip() for text in staff_only(medium, clean).values()))
    label = medium.label(clean)
    _same("label", True, bool(label.strip()))
    _same("label of at most 1,000 characters", True, len(label) <= _LABEL)
    for name, described in properties.items():
        secret = clean.get(name) if _mapping(name, described).get("writeOnly") else None
        _same(f"{name} is a secret and in the label", False, bool(secret) and str(secret) in label)


def _refused(medium: Medium, settings: Settings, properties: Mapping[str, Json]) -> Mapping[str, str]:
    """What the medium says about settings that it has to refuse."""
    try:
        clean = medium.clean(settings)
    except BadSettings as refusal:
        _same("settings named in a refusal", set(), refusal.errors.keys() - {*properties, ""})
        _same("a sentence about each", True, bool(refusal.errors) and all(text.strip() for text in refusal.errors.values()))
        return refusal.errors
    raise AssertionError(f"{settings!r} should be refused, but became {clean!r}.")


def _survived(medium: Medium, settings: Settings) -> None:
    try:
        clean = medium.clean(settings)
    except BadSettings:
        return
    _same(f"what {str(settings)[:1_000]} became can be stored", None, metadata_problem(clean))


def _mapping(what: str, value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise AssertionError(f"{what}: expected an object, got {value!r}")  # noqa: TRY004 - a broken promise, as everywhere here
    return value


def _sequence(what: str, value: Json) -> Sequence[Json]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise AssertionError(f"{what}: expected an array, got {value!r}")  # noqa: TRY004 - the same
    return value

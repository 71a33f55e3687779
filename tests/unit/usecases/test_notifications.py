"""Deciding and sending, over the stores in dicts and media that do as they are told."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from argus_core.conformance import make_world
from argus_core.domain.audit import AuditQuery, Deed, Entry, Origin
from argus_core.domain.breakers import FAILURES, PAUSE
from argus_core.domain.deliveries import SWITCHED_OFF, DeliveryStatus, Outcome
from argus_core.domain.destinations import Destination
from argus_core.domain.errors import NotFound, Unavailable
from argus_core.domain.filters import TextHas
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.profiles import Profile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import EVERY_DAY, Recurrence, Timeslot
from argus_core.memory import MemoryAccounts, MemoryIncidents, MemoryProfiles
from argus_core.memory.audit import MemoryAudit
from argus_core.memory.outbox import MemoryOutbox, MemoryUndecided
from argus_core.ports import media as port
from argus_core.ports.about import worked_on
from argus_core.ports.media import EnabledMedium, Media, PerhapsDelivered, TryLater, Undeliverable
from argus_core.usecases.dispatch import Dispatcher, route_of, trial_of
from argus_core.usecases.flapping import KnownThresholds
from argus_core.usecases.notifications import DROPPED, NotificationService
from argus_core.usecases.sending import FEWEST, GONE, KEPT, MOST, NOT_STAFF, SLOTS, SPARE, Letterhead, Sender

pytestmark = pytest.mark.anyio


class Clock:
    """Both clocks of a process, which go together."""

    def __init__(self):
        self.now = datetime(2030, 3, 3, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def seconds(self):
        return self.now.timestamp()

    def go_on(self, **span):
        self.now += timedelta(**span)


class Pigeon:
    """Keeps what it carries; fails as it is told to."""

    schema: ClassVar = {"properties": {}}

    def __init__(self):
        self.sent = []
        self.failing = {}
        self.lacks = ""
        self.closed = False
        self.flies = lambda: None
        self.begun = []

    def label(self, settings):
        return f"Pigeon: {settings['loft']}"

    def host(self, settings):
        return settings["loft"]

    def for_staff(self, settings):
        return {"loft": "Only staff may fly there."} if settings["loft"] == "tower" else {}

    async def send(self, notification, settings):
        self.flies()
        self.begun.append(notification)
        trouble = self.failing.get(settings["loft"])
        if isinstance(trouble, BaseException):
            raise trouble
        if trouble is not None:
            await trouble.wait()
        self.sent.append((settings["loft"], notification))

    async def close(self):
        self.closed = True


class Plain:
    """Has nothing that it may go without."""

    def label(self, settings):
        return "Plain"


@dataclass
class Office:
    clock: Clock = field(default_factory=Clock)
    pigeon: Pigeon = field(default_factory=Pigeon)
    sends: bool = True
    own_only: bool = False

    def __post_init__(self):
        self.accounts = MemoryAccounts(self.clock)
        self.incidents = MemoryIncidents(self.accounts)
        self.profiles = MemoryProfiles(self.accounts)
        self.outbox = MemoryOutbox(self.incidents, self.accounts, self.clock)
        self.media = Media(
            (
                EnabledMedium(slug="pigeon", name="Pigeon", medium=self.pigeon),
                EnabledMedium(slug="plain", name="Plain", medium=Plain()),
                EnabledMedium(slug="smoke", name="Smoke", medium=None, reason="No fire."),
            )
        )
        self.dispatcher = Dispatcher(self.outbox, self.profiles, self.media, sends=self.sends, own_only=self.own_only)
        self.staff = set()
        self.sender = Sender(
            self.outbox,
            self.media,
            Letterhead(),
            seconds=self.clock.seconds,
            chance=lambda: 0.5,
            sends=self.sends,
            administers=self.administers,
        )

    def desk(self):
        known = KnownThresholds(self.profiles, self.clock)
        return NotificationService(self.outbox, self.incidents, self.profiles, self.media, self.clock, known)

    async def administers(self, user):
        if self.staff is None:
            raise Unavailable("The store is away.")
        return user in self.staff

    async def open(self):
        self.world = await make_world(self.incidents, self.accounts)
        self.owner = self.world.person.id
        return self

    async def want(self, loft="a", medium="pigeon", definition=None, destinations=None):
        """Somebody wants to hear of everything, or of what the definition says, at a place of that name."""
        async with self.profiles.begin(self.owner) as work:
            slot = Timeslot(id=await work.new_id(), owner=self.owner, name=loft, zone="UTC", recurrences=(Recurrence(days=EVERY_DAY),))
            filter_ = SavedFilter(
                id=await work.new_id(), owner=self.owner, name=loft, definition=definition or FilterDefinition(max_level=5)
            )
            place = Destination(id=await work.new_id(), owner=self.owner, medium=medium, settings={"loft": loft}, label=loft)
            profile = Profile(
                id=await work.new_id(), owner=self.owner, name=loft, timeslot_id=slot.id, filter_ids=(filter_.id,),
                destination_ids=(place.id,),
            )  # fmt: skip
            for thing in (slot, filter_, place, profile):
                await work.keep(thing)
        return place

    async def report(self, description=""):
        return await self.world.report(description=description)

    async def note(self, incident, why="", type_=EventType.OTHER):
        await self.world.service.post(incident.id, type_, actor=self.world.person, why=why)

    async def decide(self):
        while await self.dispatcher.decide(10):
            pass

    async def send(self):
        """Everything that is due now."""
        while await self.sender.start() or self.sender.busy:
            await self.sender.one_done(5)

    async def tell(self, description=""):
        incident = await self.report(description)
        await self.decide()
        await self.send()
        return incident

    async def ledger(self, incident):
        return await self.outbox.of_incident(incident.id)

    @property
    def told(self):
        return [(loft, [event.type.value for event in notification.events]) for loft, notification in self.pigeon.sent]


@pytest.fixture
async def office():
    return await Office().open()


async def test_who_wants_to_hear_hears(office):
    await office.want("a")
    await office.want("b", definition=FilterDefinition(tags=("no=where",)))

    incident = await office.tell("Router down")

    assert [("a", ["STA"])] == office.told
    (delivery,) = await office.ledger(incident)
    assert ("Pigeon: a", DeliveryStatus.SENT) == (delivery.address, delivery.status)
    assert [(1, Outcome.SENT)] == [(attempt.number, attempt.outcome) for attempt in delivery.attempts]


@pytest.mark.parametrize("own_only", [True, False])
async def test_sources_that_are_confined_hear_of_their_own_incidents(own_only):
    office = await Office(own_only=own_only).open()
    other = await make_world(office.incidents, office.accounts)
    office.owner = other.reporter.id
    await office.want("a")

    await office.tell("of a neighbour")
    heard = len(office.told)
    await other.report(description="of its own")
    await office.decide()
    await office.send()

    assert (0 if own_only else 1) == heard
    assert heard + 1 == len(office.told)


async def test_a_source_that_becomes_superuser_hears_of_everything():
    office = await Office(own_only=True).open()
    other = await make_world(office.incidents, office.accounts)
    office.owner = other.reporter.id
    await office.want("a")
    await office.tell("too early")
    async with office.accounts.begin() as work:
        await work.save_user(replace(await work.user(office.owner), superuser=True))

    await office.tell("in time")

    assert 1 == len(office.told)


async def test_profiles_are_learnt_before_anything_happens(office, monkeypatch):
    await office.want("a")
    learnt = []
    since = office.profiles.since

    async def counted(generation):
        learnt.append(generation)
        return await since(generation)

    monkeypatch.setattr(office.profiles, "since", counted)

    await office.decide()
    await office.decide()
    assert [-1] == learnt

    await office.tell()
    assert -1 not in learnt[1:]
    assert 1 == len(office.told)


async def test_whoever_logs_while_a_message_is_sent_can_tell_which(office):
    about = []
    office.pigeon.flies = lambda: about.append(dict(worked_on()))
    await office.want("a")

    incident = await office.tell()

    (delivery,) = await office.ledger(incident)
    assert [{"incident": incident.id, "deliveries": [delivery.id]}] == about
    assert {} == worked_on()


async def test_whoever_counts_hears_of_each_attempt(office):
    counted = []
    office.sender.attempted = lambda *attempt: counted.append(attempt)
    await office.want("a")
    await office.want("b")
    office.pigeon.failing["b"] = TryLater("Storm.")

    await office.tell()

    assert [("pigeon", Outcome.FAILED), ("pigeon", Outcome.SENT)] == sorted(counted, key=lambda attempt: attempt[1].value)


async def test_what_was_edited_before_counts(office):
    await office.want("a")
    await office.tell()
    place = await office.want("b")
    async with office.profiles.begin(office.owner) as work:
        (first, second) = work.belongings.profiles
        await work.keep(replace(first, active=False))
        await work.keep(replace(second, destination_ids=(place.id,)))

    await office.tell()

    assert [("a", ["STA"]), ("b", ["STA"])] == office.told


async def test_filters_may_read_the_texts_of_then(office):
    await office.want("a", definition=FilterDefinition(expression=TextHas("gone")))
    incident = await office.report("power")
    await office.note(incident, "GONE again")
    await office.note(incident, "well")

    await office.decide()

    assert [3, 2] == [delivery.version for delivery in await office.ledger(incident)]


async def test_nothing_to_do_is_nothing_done(office):
    assert (0, 0) == (await office.dispatcher.decide(10), await office.sender.start())


async def test_what_waits_goes_as_one_message_about_the_newest_state(office):
    await office.want("a")
    incident = await office.report()
    await office.note(incident)
    await office.note(incident, type_=EventType.CLOSE)
    await office.decide()

    await office.send()

    assert [("a", ["STA", "OTH", "CLO"])] == office.told
    assert "closed since" in office.pigeon.sent[0][1].text


@pytest.mark.parametrize(
    ("trouble", "outcome", "status"),
    [
        (TryLater("451 busy"), Outcome.FAILED, DeliveryStatus.WAITING),
        (Undeliverable("550 nobody"), Outcome.REFUSED, DeliveryStatus.GIVEN_UP),
        (PerhapsDelivered("lost after DATA"), Outcome.UNKNOWN, DeliveryStatus.WAITING),
        (ValueError("a bug \0"), Outcome.UNKNOWN, DeliveryStatus.WAITING),
        (SystemExit("not here"), Outcome.UNKNOWN, DeliveryStatus.WAITING),
        (asyncio.CancelledError("by itself"), Outcome.UNKNOWN, DeliveryStatus.WAITING),
    ],
)
async def test_what_becomes_of_a_failure(office, trouble, outcome, status):
    await office.want("a")
    office.pigeon.failing["a"] = trouble

    incident = await office.tell()

    (delivery,) = await office.ledger(incident)
    assert (status, [outcome]) == (delivery.status, [attempt.outcome for attempt in delivery.attempts])
    assert str(trouble).replace("\0", "\N{REPLACEMENT CHARACTER}") in delivery.attempts[0].answer


class Forgetful(TryLater):
    def __init__(self):
        pass


class Speechless(Exception):
    def __str__(self):
        raise ValueError("no words")


class Own(BaseException):
    """Of a plugin that has its own ideas."""


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Forgetful(), "AttributeError"),
        (Speechless(), "The medium failed: Speechless"),
        (Own("x"), "The medium failed: Own: x"),
        (BaseExceptionGroup("many", [Own("x")]), "BaseExceptionGroup: many"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (GeneratorExit(), "GeneratorExit"),
        (TryLater("busy", after="30"), "busy"),
        (TryLater("busy", after=float("nan")), "busy"),
        (TryLater("busy", after=-1e15), "busy"),
    ],
)
async def test_a_failure_of_any_kind_is_an_attempt_with_a_pause(office, trouble, said):
    await office.want("a")
    office.pigeon.failing["a"] = trouble

    incident = await office.tell()

    (delivery,) = await office.ledger(incident)
    assert said in delivery.attempts[0].answer
    assert DeliveryStatus.WAITING is delivery.status
    del office.pigeon.failing["a"]
    office.clock.go_on(seconds=10)
    await office.send()
    assert [("a", ["STA"])] == office.told


async def test_nobody_is_left_alone_for_longer_than_a_day(office):
    await office.want("a")
    office.pigeon.failing["a"] = TryLater("busy", after=1e15)
    await office.tell()
    del office.pigeon.failing["a"]

    office.clock.go_on(seconds=86_400)
    await office.send()

    assert [("a", ["STA"])] == office.told


@pytest.mark.parametrize(("trouble", "seconds"), [(TryLater("busy"), 10), (TryLater("busy", after=40), 40), (PerhapsDelivered("?"), 10)])
async def test_it_is_tried_again_after_a_while(office, trouble, seconds):
    await office.want("a")
    office.pigeon.failing["a"] = trouble
    await office.tell()
    del office.pigeon.failing["a"]

    office.clock.go_on(seconds=seconds - 1)
    await office.send()
    assert [] == office.told

    office.clock.go_on(seconds=1)
    await office.send()
    assert [("a", ["STA"])] == office.told


async def test_a_repetition_of_what_may_have_arrived_is_the_same_message(office):
    await office.want("a")
    incident = await office.report()
    await office.decide()
    office.pigeon.failing["a"] = PerhapsDelivered("?")
    ids = []

    async def remember(notification, settings):
        ids.append((notification.id, notification.text, notification.subject))
        raise PerhapsDelivered("?")

    office.pigeon.send = remember
    await office.send()
    await office.note(incident)
    await office.decide()
    office.clock.go_on(hours=1)
    await office.send()

    assert 2 == len(ids)
    assert ids[0] == ids[1]


async def test_a_provider_that_hangs_holds_up_nobody_else(office):
    await office.want("a")
    await office.want("b")
    office.pigeon.failing["a"] = hanging = asyncio.Event()
    await office.report()
    await office.decide()

    await office.sender.start()
    await office.sender.one_done(5)

    assert [("b", ["STA"])] == office.told
    hanging.set()
    await office.send()
    assert [("b", ["STA"]), ("a", ["STA"])] == office.told


async def test_what_is_for_staff_is_sent_as_long_as_its_owner_is_of_the_staff(office):
    await office.want("tower")
    office.staff = {office.owner}
    first = await office.tell()
    office.staff = None
    second = await office.tell()
    office.staff = set()
    third = await office.tell()

    outcomes = [
        [(one.outcome, one.answer) for delivery in await office.ledger(told) for one in delivery.attempts]
        for told in (first, second, third)
    ]
    assert [[(Outcome.SENT, "")], [(Outcome.FAILED, "The store is away.")], [(Outcome.REFUSED, NOT_STAFF)]] == outcomes


async def test_who_is_of_the_staff_is_nobody_unless_it_is_said(office):
    await office.want("tower")
    office.sender = Sender(office.outbox, office.media, Letterhead(), seconds=office.clock.seconds, chance=lambda: 0)

    incident = await office.tell()

    (delivery,) = await office.ledger(incident)
    assert DeliveryStatus.GIVEN_UP is delivery.status


async def test_what_takes_too_long_may_have_arrived(office):
    await office.want("a")
    office.pigeon.failing["a"] = asyncio.Event()
    office.sender = Sender(
        office.outbox, office.media, Letterhead(), seconds=office.clock.seconds, chance=lambda: 0, lease=timedelta(seconds=0.02)
    )

    incident = await office.tell()

    (delivery,) = await office.ledger(incident)
    assert [(Outcome.UNKNOWN, True)] == [(one.outcome, "no answer" in one.answer) for one in delivery.attempts]


async def test_what_is_urgent_does_not_wait_for_a_slot_behind_what_was_taken_with_it(office):
    await office.want("a")
    take = office.outbox.take

    async def take_urgent_last(*asked):
        return sorted(await take(*asked), key=lambda one: one.is_urgent)

    office.outbox.take = take_urgent_last
    for _ in range(SLOTS):
        await office.report()
    urgent = await office.world.report(level=Level.CRITICAL)
    await office.decide()
    await office.send()

    assert SLOTS + 1 == len(office.pigeon.sent)
    assert urgent == office.pigeon.sent[0][1].incident


async def crowd(office):
    """More is due than there is room for, at a provider that hangs until this is set."""
    await office.want("a")
    office.pigeon.failing["a"] = hanging = asyncio.Event()
    for _ in range(FEWEST + 5):
        await office.report()
    await office.decide()
    return hanging


async def test_no_more_are_under_way_than_there_are_slots(office):
    hanging = await crowd(office)

    assert FEWEST == await office.sender.start()
    assert 0 == await office.sender.start()

    hanging.set()
    await office.send()
    assert FEWEST + 5 == len(office.told)


async def test_what_is_urgent_is_taken_and_sent_while_others_have_no_room_and_hang(office):
    hanging = await crowd(office)
    assert FEWEST == await office.sender.start()
    for _ in range(SPARE + 1):
        await office.world.report(level=Level.CRITICAL)
    await office.decide()
    await asyncio.sleep(0)

    assert SPARE == await office.sender.start()
    assert 0 == await office.sender.start()
    await asyncio.sleep(0.01)
    assert [SLOTS - KEPT, KEPT] == [
        len([one for one in office.pigeon.begun if (one.incident.level is Level.CRITICAL) is urgent]) for urgent in (False, True)
    ]

    hanging.set()
    await office.send()
    assert FEWEST + 5 + SPARE + 1 == len(office.told)


async def test_the_end_of_what_is_urgent_makes_room_for_the_next_though_others_have_none(office):
    freed = asyncio.Event()
    await crowd(office)
    assert FEWEST == await office.sender.start()
    await office.world.report(level=Level.CRITICAL)
    await office.decide()
    await asyncio.sleep(0.01)
    office.sender.freed = freed.set

    assert 1 == await office.sender.start()
    office.pigeon.failing.clear()  # those that have begun hang on
    await office.sender.one_done(5)

    assert [1, True] == [len(office.told), freed.is_set()]
    assert 0 == await office.sender.start()


async def test_what_is_urgent_is_decided_beside_a_portion_of_others(office):
    await office.want("a")
    await office.report()
    happenings, going_on = MemoryUndecided.happenings, asyncio.Event()

    async def slowly(self):
        found = await happenings(self)
        if any(one.incident.level is not Level.CRITICAL for one in found):
            await going_on.wait()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryUndecided, "happenings", slowly)
        portion = asyncio.create_task(office.dispatcher.decide(10))
        await asyncio.sleep(0)
        urgent = await office.world.report(level=Level.CRITICAL)
        decided = await office.dispatcher.decide_urgent(10), await office.dispatcher.decide_urgent(10)
        ordered = [one.incident_id for one in await office.outbox.listed()]
        going_on.set()

        assert ((1, 0), [urgent.id], 1) == (decided, ordered, await portion)


@pytest.mark.parametrize(("milliseconds", "expected"), [(1, MOST), (40, 50), (1000, FEWEST)])
async def test_so_much_is_taken_beforehand_as_is_sent_in_a_moment(office, milliseconds, expected):
    await office.want("a")
    for _ in range(400):
        await office.report()
    await office.decide()
    office.pigeon.flies = lambda: office.clock.go_on(milliseconds=milliseconds)
    taken = []

    while count := await office.sender.start():
        taken.append(count)
        while office.sender.busy:
            await office.sender.one_done(1)

    assert FEWEST == taken[0]
    assert expected == pytest.approx(taken[-2], abs=8)


async def test_a_provider_that_fails_again_and_again_is_left_alone_for_a_while(office):
    await office.want("a")
    office.pigeon.failing["a"] = TryLater("down")
    for _ in range(FAILURES + SLOTS):
        await office.report()
    await office.decide()
    await office.send()
    tried = sum(len(delivery.attempts) for delivery in await office.outbox.listed())
    assert tried < FAILURES + SLOTS

    office.clock.go_on(seconds=PAUSE + 20)
    await office.send()
    assert tried + 1 == sum(len(delivery.attempts) for delivery in await office.outbox.listed())

    del office.pigeon.failing["a"]
    office.clock.go_on(hours=1)
    await office.send()
    assert FAILURES + SLOTS == len(office.told)


async def test_a_destination_that_fails_again_and_again_holds_up_no_other_at_its_provider(office):
    office.pigeon.host = lambda _: "post"
    await office.want("full")
    office.pigeon.failing["full"] = TryLater("452 mailbox full", provider_works=True)
    for _ in range(FAILURES + SLOTS):
        await office.report()
    await office.decide()
    await office.send()

    await office.want("b")
    await office.tell()

    assert [("b", ["STA"])] == office.told
    assert {1} == {len(one.attempts) for one in await office.outbox.listed(most=1_000) if one.address == "Pigeon: full"}


async def test_what_a_provider_was_not_asked_for_says_nothing_of_it(office):
    """
    One that is down is not taken to work since something had nowhere to go any more.
    """
    office.pigeon.host = lambda _: "post"
    office.pigeon.failing["a"] = office.pigeon.failing["tower"] = TryLater("down")
    await office.want("tower")
    office.staff.add(office.owner)
    gone = [await office.report() for _ in range(FAILURES)]
    await office.decide()
    await office.send()
    office.staff.clear()
    office.clock.go_on(seconds=PAUSE + 20)
    await office.want("a")
    for _ in range(FAILURES + SLOTS):
        await office.report()
    await office.decide()

    await office.send()

    assert {NOT_STAFF} == {one.reason for incident in gone for one in await office.ledger(incident)}
    assert FAILURES + 1 == len(office.pigeon.begun)


async def test_a_medium_that_lacks_something_tries_nothing_and_says_why(office):
    await office.want("a")
    office.pigeon.lacks = "ARGUS_LOFT is not set."

    incident = await office.tell()

    (delivery,) = await office.ledger(incident)
    assert (DeliveryStatus.WAITING, ()) == (delivery.status, delivery.attempts)
    office.clock.go_on(days=1)
    assert 1 == await office.sender.give_up(timedelta(hours=24))
    (delivery,) = await office.ledger(incident)
    assert (DeliveryStatus.GIVEN_UP, "ARGUS_LOFT is not set.") == (delivery.status, delivery.reason)


@pytest.mark.parametrize(
    ("medium", "reason"),
    [("smoke", 'The medium "smoke" cannot be used: No fire.'), ("drum", 'The medium "drum" is not enabled (ARGUS_MEDIA).')],
)
async def test_a_medium_that_is_not_there_is_waited_for(office, medium, reason):
    place = await office.want("a", medium=medium)

    incident = await office.tell()

    assert reason == office.sender.why_waiting(route_of(office.media, place))
    (delivery,) = await office.ledger(incident)
    assert ("a", DeliveryStatus.WAITING) == (delivery.address, delivery.status)


async def test_a_medium_that_went_away_meanwhile_is_tried_later(office):
    await office.want("a")
    incident = await office.report()
    await office.decide()
    sender = Sender(office.outbox, Media(()), Letterhead(), seconds=office.clock.seconds, chance=lambda: 0.5)
    sender.why_waiting = lambda _: ""

    await sender.start()
    await sender.one_done(5)

    (delivery,) = await office.ledger(incident)
    assert ["FAILED"] == [attempt.outcome.name for attempt in delivery.attempts]


async def test_a_destination_that_is_gone_ends_its_deliveries(office):
    place = await office.want("a")
    incident = await office.report()
    await office.decide()
    async with office.profiles.begin(office.owner) as work:
        await work.drop(place)

    await office.send()

    (delivery,) = await office.ledger(incident)
    assert (DeliveryStatus.GIVEN_UP, GONE) == (delivery.status, delivery.reason)


async def test_switched_off_nothing_is_sent_and_the_ledger_says_so():
    office = await Office(sends=False).open()
    await office.want("a")

    incident = await office.tell()

    assert [] == office.told
    (delivery,) = await office.ledger(incident)
    assert (DeliveryStatus.OFF, SWITCHED_OFF) == (delivery.status, delivery.reason)
    assert SWITCHED_OFF == office.sender.why_waiting("pigeon:a")


async def test_stopping_lets_go_what_was_not_begun_and_waits_for_the_rest(office):
    await office.want("a")
    office.pigeon.failing["a"] = hanging = asyncio.Event()
    for _ in range(SLOTS):
        await office.report()
    await office.decide()
    await office.sender.start()
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.02, hanging.set)

    await office.sender.stop(5)

    assert SLOTS - KEPT == len(office.told)
    assert [DeliveryStatus.WAITING] == [one.status for one in await office.outbox.listed(DeliveryStatus.WAITING)]


async def test_stopping_does_not_wait_for_ever(office):
    await office.want("a")
    office.pigeon.failing["a"] = asyncio.Event()
    await office.report()
    await office.decide()
    await office.sender.start()
    await asyncio.sleep(0.01)

    await office.sender.stop(0.01)
    await office.sender.stop(0.01)
    await office.sender.one_done(0.01)

    assert not office.sender.busy


async def test_a_store_that_is_away_for_a_moment_makes_nothing_go_twice(office, monkeypatch):
    monkeypatch.setattr("argus_core.usecases.sending.FINISH_PAUSE", 0.001)
    await office.want("a")
    incident = await office.report()
    await office.decide()
    finish, failures = office.outbox.finish, [Unavailable(), Unavailable()]

    async def finish_at_last(sending, report):
        if failures:
            raise failures.pop()
        return await finish(sending, report)

    office.outbox.finish = finish_at_last
    await office.send()

    assert [("a", ["STA"])] == office.told
    assert [DeliveryStatus.SENT] == [delivery.status for delivery in await office.ledger(incident)]


async def test_a_store_that_stays_away_is_given_up_with_the_lease(office, monkeypatch):
    monkeypatch.setattr("argus_core.usecases.sending.FINISH_PAUSE", 0.001)
    await office.want("a")
    await office.report()
    await office.decide()

    async def away(*_):
        office.clock.go_on(minutes=1)
        raise Unavailable

    office.outbox.finish = away
    await office.sender.start()
    await office.sender.one_done(5)

    assert not office.sender.busy


async def test_a_lane_that_cannot_be_let_go_lets_itself_go(office):
    await office.want("a")
    office.pigeon.failing["a"] = hanging = asyncio.Event()
    for _ in range(SLOTS + 1):
        await office.report()
    await office.decide()
    await office.sender.start()
    await asyncio.sleep(0)

    async def away(*_):
        raise Unavailable

    office.outbox.release = away
    hanging.set()
    await office.sender.stop(5)

    assert not office.sender.busy


async def test_whoever_waits_for_room_is_told(office):
    freed = asyncio.Event()
    office.sender.freed = freed.set
    await office.want("a")

    await office.tell()

    assert freed.is_set()


async def test_tests_go_the_same_way_and_say_that_they_are(office):
    place = await office.want("a")
    (profile,) = (await office.profiles.belongings(office.owner)).profiles
    await office.outbox.order_tests([trial_of(office.media, place, (profile,), sends=True)], 1, timedelta(minutes=1))

    await office.send()

    ((_, notification),) = office.pigeon.sent
    assert notification.test
    assert ["a"] == [asked.name for asked in notification.profiles]


async def test_media_may_go_without_some_members():
    plain, pigeon = Plain(), Pigeon()

    await port.close(plain)
    await port.close(pigeon)

    assert ("", "", True) == (port.lack_of(plain), port.host_of(plain, {}), pigeon.closed)


async def test_a_medium_that_fails_to_say_what_it_lacks_holds_up_nobody(office):
    class Lost(Plain):
        slug = "plain"
        lacks = property(lambda _: {}["config"])

    await office.want("a")
    await office.want("b", medium="plain")
    office.media.get("plain").medium.__class__ = Lost

    incident = await office.tell()

    assert [("a", ["STA"])] == office.told
    (waiting,) = [delivery for delivery in await office.ledger(incident) if delivery.address == "Plain"]
    assert DeliveryStatus.WAITING is waiting.status
    assert ("The medium \"plain\" cannot say what it lacks: KeyError: 'config'",) == office.media.lacks[:1]


async def test_a_medium_that_lacks_none_lacks_nothing():
    plain = Plain()
    plain.lacks = None

    assert "" == port.lack_of(plain)


async def test_operators_may_drop_what_waits_and_let_it_be_tried_again(office):
    await office.want("a")
    incident = await office.report()
    await office.decide()
    shell = Origin(address="command line (root)")
    desk = office.desk().seen_from(shell)
    (delivery,) = await desk.listed(DeliveryStatus.WAITING)

    assert [delivery.id] == await desk.drop([delivery.id])
    await office.send()
    assert ([], [DROPPED]) == (office.told, [one.reason for one in await desk.listed(owner=office.owner)])

    assert [delivery.id] == await desk.retry([delivery.id])
    await office.send()
    assert [("a", ["STA"])] == office.told
    assert [DeliveryStatus.SENT] == [one.status for one in await office.ledger(incident)]
    noted = [record.entry for record in await MemoryAudit(office.accounts).page(AuditQuery(), 10)]
    assert [Entry(deed=deed, about=f"delivery {delivery.id}", origin=shell) for deed in (Deed.DELIVERY_RETRY, Deed.DELIVERY_DROP)] == noted


async def test_a_medium_that_fails_to_say_what_it_is_asked_holds_up_nobody(office):
    await office.want("a")
    await office.want("b", medium="plain")
    for medium in (office.pigeon, office.media.get("plain").medium):
        medium.label = medium.host = lambda _: 1 / 0
    office.media.get("plain").medium.label = lambda _: "b\0"
    incident = await office.report()

    await office.decide()

    assert {"a", "b\N{REPLACEMENT CHARACTER}"} == {delivery.address for delivery in await office.ledger(incident)}
    assert ["pigeon:", "plain:"] == list(await office.outbox.routes())


class Impossible:
    """Whatever one of these incidents is asked, it fails."""

    def __init__(self, office, *incidents):
        self._at, self.ids = office.outbox.at, {incident.id for incident in incidents}
        office.outbox.at = self

    def __call__(self, incident_id, version):
        if incident_id in self.ids:
            raise ValueError(f"incident {incident_id} cannot be \0")
        return self._at(incident_id, version)


async def test_an_event_that_cannot_be_decided_holds_up_nobody_else_and_is_not_lost(office):
    await office.want("a")
    reported = [await office.report() for _ in range(8)]
    impossible = Impossible(office, reported[3], reported[6])

    await office.decide()

    decided = [bool(await office.ledger(incident)) for incident in reported]
    assert [True, True, True, False, True, True, False, True] == decided
    assert [(reported[3].id, 1), (reported[6].id, 1)] == [(one.incident_id, one.failures) for one in await office.outbox.aside(10)]
    impossible.ids.clear()
    office.clock.go_on(minutes=1)
    await office.decide()
    assert [True] * 8 == [bool(await office.ledger(incident)) for incident in reported]
    assert [] == await office.outbox.aside(10)


async def test_a_profile_that_cannot_be_judged_is_told_and_silences_nobody_else(office, caplog):
    """
    Its time zone is none here, say, since the machine that stored it knows others.
    """
    await office.want("a")
    await office.want("b", definition=FilterDefinition(max_level=1))
    await office.want("c")
    async with office.profiles.begin(office.owner) as work:
        (slot,) = [one for one in work.belongings.timeslots if one.name == "c"]
        await work.keep(replace(slot, zone="Mars/Olympus_Mons"))
    incident = await office.report()

    await office.decide()

    assert {"Pigeon: a", "Pigeon: c"} == {delivery.address for delivery in await office.ledger(incident)}
    assert f"told of incident {incident.id} since it cannot be found out" in caplog.text
    assert "No time zone found with key Mars/Olympus_Mons" in caplog.text


async def test_an_event_about_which_no_profile_can_be_judged_is_put_aside(office, monkeypatch):
    await office.want("a")
    await office.want("b")
    incident = await office.report()
    monkeypatch.setattr(Timeslot, "covers", lambda *_: 1 / 0)

    await office.decide()

    assert ([], [incident.id]) == (await office.ledger(incident), [one.incident_id for one in await office.outbox.aside(10)])


async def test_what_cannot_be_read_any_more_is_an_attempt_that_failed(office):
    await office.want("a")
    damaged, whole = await office.report(), await office.report()
    await office.decide()
    Impossible(office, damaged)

    await office.send()

    assert [DeliveryStatus.SENT] == [delivery.status for delivery in await office.ledger(whole)]
    (delivery,) = await office.ledger(damaged)
    assert (DeliveryStatus.WAITING, [Outcome.FAILED]) == (delivery.status, [attempt.outcome for attempt in delivery.attempts])
    assert "cannot be read: ValueError" in delivery.attempts[0].answer


async def test_what_cannot_be_decided_is_tried_again_after_longer_and_longer(office):
    incident = await office.report()
    Impossible(office, incident)

    tried = []
    for minute in range(60):
        await office.decide()
        (setback,) = await office.outbox.aside(10)
        tried += [minute] * (setback.failures - len(tried))
        office.clock.go_on(minutes=1)

    assert [0, 1, 2, 4, 14, 44] == tried
    assert f"ValueError: incident {incident.id} cannot be \N{REPLACEMENT CHARACTER}" == setback.reason


async def test_an_end_is_never_decided_before_its_start(office):
    await office.want("a")
    incident = await office.report()
    impossible = Impossible(office, incident)
    await office.decide()
    impossible.ids.clear()
    await office.note(incident, type_=EventType.CLOSE)

    await office.decide()
    assert [] == await office.ledger(incident)

    office.clock.go_on(minutes=1)
    await office.decide()
    assert [2, 1] == [delivery.version for delivery in await office.ledger(incident)]


async def test_when_nobody_can_be_looked_up_no_event_is_to_blame(office):
    await office.report()
    since, office.profiles.since = office.profiles.since, None

    with pytest.raises(TypeError):
        await office.decide()

    assert [] == await office.outbox.aside(10)
    office.profiles.since = since
    await office.decide()


async def test_what_is_too_much_at_once_becomes_less(office):
    for _ in range(10):
        await office.report()
    claim, asked = office.outbox.claim, []

    def limited(most):
        asked.append(most)
        if most > 4:
            raise Unavailable
        return claim(most)

    office.outbox.claim = limited
    with pytest.raises(Unavailable):
        await office.dispatcher.decide(10)

    assert [1, 2, 4] == [await office.dispatcher.decide(10) for _ in range(3)]
    with pytest.raises(Unavailable):
        await office.dispatcher.decide(10)
    assert [10, 1, 2, 4, 8] == asked


async def test_one_destination_is_tested_alone(office):
    place, _ = await office.want("a"), await office.want("b")
    service = office.desk()

    (ordered,) = await service.test_destination(office.world.person, place.id)
    await office.send()

    assert [("a", True, ())] == [(loft, notification.test, notification.profiles) for loft, notification in office.pigeon.sent]
    assert ["sent"] == [delivery.status.value for delivery in await service.own(office.world.person, [ordered.id])]


async def test_nobody_tests_what_others_have(office):
    place = await office.want("a")
    service = office.desk()
    stranger = (await make_world(office.incidents, office.accounts)).person

    with pytest.raises(NotFound):
        await service.test_destination(stranger, place.id)

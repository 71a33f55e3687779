"""The steps by which incidents are reported and changed."""

import pytest

from argus_core.domain.accounts import Token, User
from argus_core.domain.actors import Actor
from argus_core.domain.errors import (
    AckHasExpired,
    AlreadyClosed,
    DuplicateIncident,
    EventNotAllowed,
    Invalid,
    MayNotNameSource,
    NotFound,
    OnlyEndUsersAcknowledge,
    OnlySourcesReport,
    Unauthenticated,
    Unavailable,
)
from argus_core.domain.ids import IncidentId, SourceId, TokenId, UserId
from argus_core.domain.incidents import EventType, Level, fold
from argus_core.domain.sources import Source
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Change, Edit, IncidentReport
from argus_core.memory import MemoryAccounts, MemoryIncidents
from argus_core.usecases.incidents import ATTEMPTS, IncidentService
from strategies import DAY, HOUR, NOON

pytestmark = pytest.mark.anyio

NAV = Source(id=SourceId(1), name="North", type="nav", user_id=UserId(1))
ROBOT = Actor(id=UserId(1), username="north", source=NAV)
OLA = Actor(id=UserId(2), username="ola")
ROOT = Actor(id=UserId(3), username="root", superuser=True)
OPEN = IncidentReport(start_time=NOON - HOUR, source_incident_id="12345")
NOWHERE = IncidentId(404)
TOKEN = Token(id=TokenId(1), user_id=OLA.id, name="", prefix="", digest=b"", created=NOON, expires=NOON + DAY)


class Overtaken(MemoryIncidents):
    """A store where others are faster: before each of our changes is stored, the next of these rivals has done something."""

    def __init__(self, accounts):
        super().__init__(accounts)
        self.rivals = []

    async def append(self, change, *, warrant=None):
        await self._let_rival_in()
        return await super().append(change, warrant=warrant)

    async def append_each(self, incident_ids, decide, clock, *, warrant=None):
        await self._let_rival_in()
        return await super().append_each(incident_ids, decide, clock, warrant=warrant)

    async def _let_rival_in(self):
        if self.rivals:
            rival, *later = self.rivals
            self.rivals = []
            await rival()
            self.rivals = later


class World:
    """Stores with a source and people, and a clock that is set by hand."""

    def __init__(self):
        self.now = NOON
        self.accounts = MemoryAccounts(self.clock)
        self.incidents = Overtaken(self.accounts)
        self.service = IncidentService(self.incidents, self.accounts, self.clock)

    def clock(self):
        return self.now

    async def report(self, report=OPEN, **options):
        return (await self.service.report(report, actor=ROBOT, **options)).incident

    async def agrees(self, incident):
        """Whether the store holds this incident, and its journal leads to it."""
        return incident == await self.incidents.get(incident.id) == fold(await self.incidents.journal(incident.id), NAV)

    async def types(self, incident):
        return [event.type for event in await self.incidents.journal(incident.id)]


@pytest.fixture
async def world():
    world = World()
    async with world.accounts.begin() as work:
        for actor in (ROBOT, OLA, ROOT):
            await work.add_user(User(id=actor.id, username=actor.username, superuser=actor.superuser))
        await work.add_source_type("nav")
        await work.add_source(NAV)
        await work.add_token(TOKEN)
    return world


class TestReport:
    async def test_begins_an_incident_of_ones_own_source(self, world):
        change = await world.service.report(OPEN, actor=ROBOT)

        assert (NAV, "12345") == (change.incident.source, change.incident.source_incident_id)
        assert [(ROBOT.person, NOON)] == [(event.actor, event.received) for event in change.events]
        assert await world.agrees(change.incident)

    async def test_lets_superusers_name_the_source(self, world):
        report = IncidentReport(start_time=NOON, tags=(Tag("a", "b"),))

        change = await world.service.report(report, actor=ROOT, names_source=True, source_id=NAV.id)

        assert NAV == change.incident.source
        assert [ROBOT.person] == [event.actor for event in change.events]
        assert [ROOT.id] == [tag.added_by for tag in change.incident.tags]

    @pytest.mark.parametrize("actor", [ROBOT, OLA], ids=["source", "person"])
    @pytest.mark.parametrize("source_id", [None, 1])
    async def test_lets_nobody_else_name_one(self, world, actor, source_id):
        with pytest.raises(MayNotNameSource):
            await world.service.report(OPEN, actor=actor, names_source=True, source_id=source_id)

    async def test_is_not_for_people(self, world):
        with pytest.raises(OnlySourcesReport):
            await world.service.report(OPEN, actor=OLA)

    @pytest.mark.parametrize("naming", [{}, {"names_source": True, "source_id": None}])
    async def test_needs_a_source_from_superusers(self, world, naming):
        with pytest.raises(Invalid) as refusal:
            await world.service.report(OPEN, actor=ROOT, **naming)

        assert {"source": "This field is required."} == refusal.value.errors

    async def test_needs_a_source_that_exists(self, world):
        with pytest.raises(Invalid) as refusal:
            await world.service.report(OPEN, actor=ROOT, names_source=True, source_id=SourceId(404))

        assert {"source": 'Invalid pk "404" - object does not exist.'} == refusal.value.errors

    async def test_looks_at_the_fields_before_it_asks_whose_it_is(self, world):
        with pytest.raises(Invalid) as refusal:
            await world.service.report(IncidentReport(start_time=NOON, description="\0"), actor=OLA, names_source=True)

        assert ["description"] == list(refusal.value.errors)

    async def test_refuses_a_key_that_the_source_has_used(self, world):
        await world.report()

        with pytest.raises(DuplicateIncident):
            await world.report()

    async def test_keys_may_be_missing_any_number_of_times(self, world):
        ids = [(await world.report(IncidentReport(start_time=NOON))).id for _ in range(2)]

        assert len(set(ids)) == 2

    async def test_needs_a_live_token(self, world):
        world.now = NOON + DAY

        with pytest.raises(Unauthenticated):
            await world.report(warrant=TokenId(1))

        assert [] == list(await world.incidents.journal(IncidentId(1)))

    async def test_does_not_blame_the_source_for_an_id_that_is_taken(self, world):
        class Repeating(MemoryIncidents):
            async def incident_ids(self, count):
                return [IncidentId(1)] * count

        service = IncidentService(Repeating(world.accounts), world.accounts, world.clock)
        await service.report(IncidentReport(start_time=NOON), actor=ROBOT)

        with pytest.raises(Unavailable):
            await service.report(IncidentReport(start_time=NOON), actor=ROBOT)


class TestPost:
    async def test_happens_now_unless_it_is_said_otherwise(self, world):
        incident = await world.report()

        await world.service.post(incident.id, EventType.OTHER, actor=OLA, why="now")
        await world.service.post(incident.id, EventType.OTHER, actor=OLA, at=NOON - DAY, why="then")

        journal = await world.incidents.journal(incident.id)
        assert [("now", NOON), ("then", NOON - DAY)] == [(event.description, event.timestamp) for event in journal[1:]]

    async def test_stores_what_the_domain_decides(self, world):
        incident = await world.report()

        change = await world.service.post(incident.id, EventType.END, actor=ROBOT, at=NOON)

        assert NOON == change.incident.end_time
        assert await world.agrees(change.incident)

    async def test_a_refusal_changes_nothing(self, world):
        incident = await world.report()

        with pytest.raises(EventNotAllowed):
            await world.service.post(incident.id, EventType.END, actor=OLA)

        assert await world.agrees(incident)

    async def test_needs_an_incident(self, world):
        with pytest.raises(NotFound):
            await world.service.post(NOWHERE, EventType.OTHER, actor=OLA)

    async def test_needs_a_live_token(self, world):
        incident = await world.report()
        world.now = NOON + DAY

        with pytest.raises(Unauthenticated):
            await world.service.post(incident.id, EventType.OTHER, actor=OLA, warrant=TokenId(1))

        assert await world.agrees(incident)


class TestOtherChanges:
    async def test_an_acknowledgement_is_made_and_moved(self, world):
        incident = await world.report()

        acked = await world.service.acknowledge(incident.id, actor=OLA, expiration=NOON + HOUR, why="Looking.")
        moved = await world.service.move_expiration(incident.id, acked.events[0].id, NOON + DAY, actor=OLA)

        assert [(acked.events[0].id, NOON + DAY)] == [(ack.id, ack.expiration) for ack in moved.incident.acks]
        assert await world.agrees(moved.incident)

    async def test_an_acknowledgement_that_has_expired_stays_as_it_is(self, world):
        incident = await world.report()
        acked = await world.service.acknowledge(incident.id, actor=OLA, expiration=NOON + HOUR)
        world.now = NOON + HOUR

        with pytest.raises(AckHasExpired):
            await world.service.move_expiration(incident.id, acked.events[0].id, None, actor=OLA)

    async def test_an_edit_is_stored_whole(self, world):
        incident = await world.report()

        change = await world.service.edit(incident.id, Edit(level=Level.HIGH, ticket_url="http://t/1"), actor=OLA)

        assert len(change.events) == 2
        assert await world.agrees(change.incident)

    async def test_an_edit_that_changes_nothing_is_no_change(self, world):
        incident = await world.report()

        change = await world.service.edit(incident.id, Edit(description=""), actor=OLA)

        assert (incident, ()) == (change.incident, change.events)


class TestRivals:
    @pytest.mark.parametrize("times", range(ATTEMPTS + 2))
    async def test_do_not_lose_each_others_changes(self, world, times):
        incident = await world.report()

        async def comment():
            await world.service.post(incident.id, EventType.OTHER, actor=ROOT)

        world.incidents.rivals = [comment] * times

        change = await world.service.post(incident.id, EventType.CLOSE, actor=OLA)

        assert [EventType.START, *[EventType.OTHER] * times, EventType.CLOSE] == await world.types(incident)
        assert await world.agrees(change.incident)

    @pytest.mark.parametrize("times", range(ATTEMPTS + 1))
    async def test_are_told_when_somebody_was_faster(self, world, times):
        incident = await world.report()

        async def comment():
            await world.service.post(incident.id, EventType.OTHER, actor=ROOT)

        async def close():
            await world.service.post(incident.id, EventType.CLOSE, actor=ROOT)

        world.incidents.rivals = [*[comment] * times, close]

        with pytest.raises(AlreadyClosed):
            await world.service.post(incident.id, EventType.CLOSE, actor=OLA)

        assert [EventType.START, *[EventType.OTHER] * times, EventType.CLOSE] == await world.types(incident)

    async def test_may_remove_the_incident_by_hand(self, world):
        incident = await world.report()

        async def comment():
            await world.service.post(incident.id, EventType.OTHER, actor=ROOT)

        async def remove():
            del world.incidents._incidents[incident.id]

        world.incidents.rivals = [*[comment] * ATTEMPTS, remove]

        with pytest.raises(NotFound):
            await world.service.post(incident.id, EventType.OTHER, actor=OLA)

    async def test_do_not_keep_a_token_alive(self, world):
        incident = await world.report()

        async def comment():
            await world.service.post(incident.id, EventType.OTHER, actor=ROOT)

        async def revoke():
            async with world.accounts.begin() as work:
                await work.drop_tokens([TOKEN.id])

        world.incidents.rivals = [*[comment] * ATTEMPTS, revoke]

        with pytest.raises(Unauthenticated):
            await world.service.post(incident.id, EventType.OTHER, actor=OLA, warrant=TOKEN.id)

        assert ATTEMPTS + 1 == len(await world.types(incident))


class TestHistory:
    async def test_it_is_all_that_happened_and_what_that_led_to(self, world):
        incident = await world.report()
        await world.service.post(incident.id, EventType.CLOSE, actor=OLA)

        history = await world.service.history(incident.id, actor=OLA)

        assert await world.incidents.get(incident.id) == history.incident
        assert [EventType.START, EventType.CLOSE] == [event.type for event in history.events]

    async def test_it_can_be_told_as_of_any_version(self, world):
        incident = await world.report()
        await world.service.post(incident.id, EventType.CLOSE, actor=OLA)
        history = await world.service.history(incident.id, actor=OLA)

        assert [1, 1, 2, 2] == [history.until(version).incident.version for version in (0, 1, 2, 9)]
        assert incident == history.until(1).incident

    async def test_a_source_that_is_to_see_its_own_only_finds_no_other(self, world):
        incident = await world.report()
        other = Actor(id=UserId(9), username="other", source=Source(id=SourceId(9), name="Other", type="nav", user_id=UserId(9)))

        with pytest.raises(NotFound):
            await IncidentService(world.incidents, world.accounts, world.clock, own_only=True).history(incident.id, actor=other)


class TestTags:
    async def test_tags_are_changed_as_they_are_at_that_moment(self, world):
        """
        Whoever adds a tag keeps those that a rival has added meanwhile.
        """
        incident = await world.report()
        world.incidents.rivals = [lambda: world.service.retag(incident.id, lambda present: (*present, Tag("a", "1")), actor=OLA)]

        await world.service.retag(incident.id, lambda present: (*present, Tag("b", "2")), actor=OLA)

        assert ["a=1", "b=2"] == [tag.tag for tag in (await world.incidents.get(incident.id)).tags]


class TestBulk:
    async def test_answers_for_each_incident_in_order(self, world):
        first, second, closed = [await world.report(IncidentReport(start_time=NOON)) for _ in range(3)]
        await world.service.post(closed.id, EventType.CLOSE, actor=OLA)

        answers = await world.service.post_to_each(
            [second.id, NOWHERE, closed.id, first.id], EventType.CLOSE, actor=OLA, why="Night.", warrant=TOKEN.id
        )

        assert [second.id, None, None, first.id] == [answer.incident.id if isinstance(answer, Change) else None for answer in answers]
        assert (type(None), AlreadyClosed) == (type(answers[1]), type(answers[2]))
        for change in (answers[0], answers[3]):
            assert "Night." == change.events[0].description
            assert await world.agrees(change.incident)

    async def test_acknowledges_and_edits_alike(self, world):
        ids = [(await world.report(IncidentReport(start_time=NOON))).id for _ in range(2)]

        await world.service.acknowledge_each(ids, actor=OLA, expiration=NOON + HOUR)
        await world.service.edit_each(ids, Edit(ticket_url="http://t/1"), actor=OLA)

        for incident_id in ids:
            incident = await world.incidents.get(incident_id)
            assert ([NOON + HOUR], "http://t/1") == ([ack.expiration for ack in incident.acks], incident.ticket_url)
            assert await world.agrees(incident)

    async def test_sources_do_not_acknowledge_even_nothing(self, world):
        with pytest.raises(OnlyEndUsersAcknowledge):
            await world.service.acknowledge_each([], actor=ROBOT)

    async def test_needs_a_live_token(self, world):
        incident = await world.report()
        world.now = NOON + DAY
        for bulk in (
            world.service.post_to_each([incident.id], EventType.OTHER, actor=OLA, warrant=TOKEN.id),
            world.service.acknowledge_each([incident.id], actor=OLA, warrant=TOKEN.id),
            world.service.edit_each([incident.id], Edit(description="?"), actor=OLA, warrant=TOKEN.id),
        ):
            with pytest.raises(Unauthenticated):
                await bulk

        assert await world.agrees(incident)


class TestTime:
    async def test_passes_for_ends_and_acknowledgements(self, world):
        incident = await world.report(IncidentReport(start_time=NOON, end_time=NOON + HOUR))
        acked = await world.service.acknowledge(incident.id, actor=OLA, expiration=NOON + 2 * HOUR)

        passed = []
        for hours in range(4):
            world.now = NOON + hours * HOUR
            passed.append(await world.service.pass_time())

        assert [0, 1, 1, 0] == passed
        end, expiry = (await world.incidents.journal(incident.id))[2:]
        assert (EventType.END_REACHED, NOON + HOUR) == (end.type, end.timestamp)
        assert (EventType.ACK_EXPIRED, acked.events[0].id) == (expiry.type, expiry.changes.ack.id)

    async def test_is_noted_once_even_by_a_worker_that_was_killed(self, world):
        incident = await world.report(IncidentReport(start_time=NOON, end_time=NOON + HOUR))
        world.now = NOON + HOUR
        timers = await world.incidents.due_timers(world.now, 1)
        await world.service.pass_time()
        world.incidents._timers = {(timer.incident_id, timer.kind, timer.subject_id): timer for timer in timers}

        assert 1 == await world.service.pass_time()

        assert [EventType.START, EventType.END_REACHED] == await world.types(incident)

    async def test_is_noted_once_by_two_workers(self, world):
        incident = await world.report(IncidentReport(start_time=NOON, end_time=NOON + HOUR))
        world.now = NOON + HOUR
        world.incidents.rivals = [world.service.pass_time]

        assert 1 == await world.service.pass_time()

        assert [EventType.START, EventType.END_REACHED] == await world.types(incident)

    async def test_does_nothing_when_what_it_was_set_for_has_moved(self, world):
        incident = await world.report(IncidentReport(start_time=NOON, end_time=NOON + HOUR))
        await world.service.post(incident.id, EventType.END, actor=ROBOT, at=NOON)
        world.now = NOON + HOUR

        assert 1 == await world.service.pass_time()

        assert [EventType.START, EventType.END] == await world.types(incident)
        assert 0 == await world.service.pass_time()

    async def test_passes_for_others_when_it_cannot_for_one(self, world):
        broken, whole = [await world.report(IncidentReport(start_time=NOON, end_time=NOON + hours * HOUR)) for hours in (1, 2)]
        world.now = NOON + 2 * HOUR
        get = world.incidents.get

        async def get_if_whole(incident_id):
            return (await get(incident_id)) if incident_id != broken.id else 1 / 0

        world.incidents.get = get_if_whole

        assert [1, 0] == [await world.service.pass_time() for _ in range(2)]

        assert EventType.END_REACHED in await world.types(whole)

    async def test_does_not_pass_without_the_store(self, world):
        await world.report(IncidentReport(start_time=NOON, end_time=NOON + HOUR))
        world.now = NOON + HOUR

        async def away(_):
            raise Unavailable

        world.incidents.get = away

        with pytest.raises(Unavailable):
            await world.service.pass_time()

    async def test_comes_again_when_others_were_faster_all_the_time(self, world):
        incident = await world.report(IncidentReport(start_time=NOON, end_time=NOON + HOUR))
        world.now = NOON + HOUR

        async def comment():
            await world.service.post(incident.id, EventType.OTHER, actor=OLA)

        world.incidents.rivals = [comment] * ATTEMPTS

        assert [0, 1, 0] == [await world.service.pass_time() for _ in range(3)]

        assert [EventType.START, *[EventType.OTHER] * ATTEMPTS, EventType.END_REACHED] == await world.types(incident)

    async def test_is_not_noted_on_what_was_read_too_early(self, world):
        incident = await world.report(IncidentReport(start_time=NOON, end_time=NOON + HOUR))
        world.now = NOON + HOUR
        journal = world.incidents.journal

        async def read_then_overtaken(incident_id):
            world.incidents.journal = journal
            events = await journal(incident_id)
            await world.service.pass_time()
            return events

        world.incidents.journal = read_then_overtaken

        await world.service.pass_time()

        assert [EventType.START, EventType.END_REACHED] == await world.types(incident)

    async def test_has_nothing_to_do_for_what_was_removed_by_hand(self, world):
        incident = await world.report(IncidentReport(start_time=NOON, end_time=NOON + HOUR))
        world.now = NOON + HOUR
        del world.incidents._incidents[incident.id], world.incidents._journal[incident.id]

        assert [1, 0] == [await world.service.pass_time() for _ in range(2)]

    async def test_goes_step_by_step(self, world):
        for _ in range(3):
            await world.report(IncidentReport(start_time=NOON, end_time=NOON + HOUR))
        world.now = NOON + HOUR

        assert [2, 1, 0] == [await world.service.pass_time(2) for _ in range(3)]

"""What people do with their profiles, over the stores in dicts."""

from dataclasses import replace
from datetime import time, timedelta
from functools import partial
from typing import ClassVar

import pytest

from argus_core.domain.accounts import User
from argus_core.domain.actors import Actor, Scope
from argus_core.domain.destinations import synced_email
from argus_core.domain.errors import InUse, Invalid, NotAllowed, NotFound, ScopeTooNarrow, SharedWithAll, SyncedDestination
from argus_core.domain.filters import All, Either, IsOpen
from argus_core.domain.incidents import EventType
from argus_core.domain.profiles import MOST_FILTERS, Belongings, without
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.timeslots import EVERY_DAY, Recurrence, all_the_time
from argus_core.memory import MemoryAccounts, MemoryProfiles
from argus_core.ports.media import BadSettings, EnabledMedium, Media, hidden_settings
from argus_core.usecases.profiles import ProfileService

pytestmark = pytest.mark.anyio

ALICE = Actor(id=1, username="alice")
BOB = Actor(id=2, username="bob")
SAM = Actor(id=3, username="sam", staff=True)
ALICE_OF_STAFF = replace(ALICE, staff=True)
EMAIL = "alice@example.org"
ALWAYS = (Recurrence(days=EVERY_DAY),)
OPEN = FilterDefinition(open=True)


class Pigeon:
    """A medium that flies to a loft, where it may have to say a word."""

    schema: ClassVar = {"type": "object", "properties": {"loft": {"type": "string"}, "word": {"type": "string", "writeOnly": True}}}

    def clean(self, settings):
        loft = settings.get("loft")
        if not isinstance(loft, str) or not loft.strip():
            raise BadSettings({"loft": "This field is required."})
        return {"loft": loft.strip().lower()} | ({"word": settings["word"]} if "word" in settings else {})

    def label(self, settings):
        return f"Pigeon: {settings['loft']}"

    def for_staff(self, settings):
        return {"loft": "Only staff may fly there."} if settings["loft"] == "tower" else {}


class Mail(Pigeon):
    schema: ClassVar = {"properties": None}
    for_staff = None

    def clean(self, settings):
        return {"email_address": settings["email_address"]}


MEDIA = Media(
    (
        EnabledMedium(slug="pigeon", name="Pigeon", medium=Pigeon()),
        EnabledMedium(slug="email", name="Email", medium=Mail()),
        EnabledMedium(slug="smoke", name="Smoke", medium=None, reason="No fire."),
    )
)


class World:
    def __init__(self):
        self.profiles = MemoryProfiles(MemoryAccounts())
        self.service = ProfileService(self.profiles, MEDIA, "Europe/Oslo")

    async def parts(self, owner=ALICE, mark=""):
        slot = await self.service.add_timeslot(owner, name=f"slot{mark}", recurrences=ALWAYS)
        filter_ = await self.service.add_filter(owner, name=f"filter{mark}", definition=OPEN)
        destination = await self.service.add_destination(owner, medium="pigeon", settings={"loft": f"home{mark}"})
        return slot, filter_, destination

    async def profile(self, owner=ALICE, mark="", name=None):
        slot, filter_, destination = await self.parts(owner, mark)
        return await self.service.add_profile(
            owner, name=name, timeslot_id=slot.id, filter_ids=[filter_.id], destination_ids=[destination.id]
        )


@pytest.fixture
def world():
    return World()


async def refused(doing, *places):
    """What the refusal says; it names these places."""
    with pytest.raises(Invalid) as refusal:
        await doing
    assert set(places) == refusal.value.errors.keys()
    return refusal.value.errors


async def test_what_is_kept_belongs_to_its_owner_alone(world):
    """
    Others neither see it nor change it: for them it does not exist.
    """
    whole = await world.profile()
    profile, slot, filter_, destination = whole.profile, whole.timeslot, whole.filters[0], whole.destinations[0]
    service = world.service

    assert Belongings() == await service.belongings(BOB.id)
    assert (profile,) == (await service.belongings(ALICE.id)).profiles
    for doing in (
        service.change_timeslot(BOB, slot.id, lambda same: same),
        service.drop_timeslot(BOB, slot.id),
        service.change_filter(BOB, filter_.id, lambda same: same),
        service.drop_filter(BOB, filter_.id),
        service.replace_destination(BOB, destination.id, {"loft": "x"}, lambda same: same, email=EMAIL),
        service.change_destination(BOB, destination.id, {"loft": "x"}, email=EMAIL),
        service.drop_destination(BOB, destination.id),
        service.has_twin(BOB.id, destination.id),
        service.change_profile(BOB, profile.id, lambda same, _: same),
        service.drop_profile(BOB, profile.id),
    ):
        with pytest.raises(NotFound):
            await doing


async def test_a_timeslot_keeps_its_zone_and_has_a_name_of_its_own(world):
    """
    The zone is fixed when it is made; names are unique for their owner only.
    """
    service = world.service
    slot = await service.add_timeslot(ALICE, name="office", recurrences=ALWAYS)
    other = await service.add_timeslot(ALICE, name="elsewhere", recurrences=[], zone="Asia/Kathmandu")
    await service.add_timeslot(BOB, name="office", recurrences=ALWAYS)

    assert ("Europe/Oslo", "Asia/Kathmandu") == (slot.zone, other.zone)
    assert slot == await service.change_timeslot(ALICE, slot.id, lambda same: same)
    await refused(service.add_timeslot(ALICE, name="office", recurrences=ALWAYS), "name")
    await refused(service.change_timeslot(ALICE, other.id, lambda same: replace(same, name="office")), "name")
    for name in ("", " ", "x" * 41, "a\0"):
        await refused(service.add_timeslot(ALICE, name=name, recurrences=ALWAYS), "name")
    await refused(service.add_timeslot(ALICE, name="z", recurrences=ALWAYS, zone="Nowhere"), "zone")
    late = Recurrence(days=EVERY_DAY, start=time(9), end=time(8))
    await refused(service.add_timeslot(ALICE, name="z", recurrences=[late]), "time_recurrences/0/")


async def test_a_timeslot_takes_its_profiles_along(world):
    """
    Deleting a timeslot deletes the profiles that use it, and nothing else.
    """
    whole = await world.profile()
    other = await world.profile(mark="2")

    await world.service.drop_timeslot(ALICE, whole.timeslot.id)

    left = await world.service.belongings(ALICE.id)
    assert ((other.profile,), (other.timeslot,), 2) == (left.profiles, left.timeslots, len(left.filters))


async def test_what_is_in_use_stays(world):
    """
    A filter or destination that a profile refers to cannot be deleted; the refusal names the profile. Free ones can.
    """
    whole = await world.profile(name="nights")
    nameless = await world.profile(mark="2")
    service = world.service

    with pytest.raises(InUse, match="nights"):
        await service.drop_filter(ALICE, whole.filters[0].id)
    with pytest.raises(InUse, match=f"#{nameless.profile.id}"):
        await service.drop_destination(ALICE, nameless.destinations[0].id)
    await service.drop_profile(ALICE, whole.profile.id)
    await service.drop_filter(ALICE, whole.filters[0].id)
    await service.drop_destination(ALICE, whole.destinations[0].id)

    left = await service.belongings(ALICE.id)
    assert (1, 1, 2, 1) == tuple(map(len, (left.filters, left.destinations, left.timeslots, left.profiles)))


async def test_filter_names_are_unique_for_their_owner(world):
    """
    A second filter of the same name is refused, unless somebody else owns it.
    """
    service = world.service
    filter_ = await service.add_filter(ALICE, name="all", definition=OPEN)
    await service.add_filter(BOB, name="all", definition=OPEN)

    changed = await service.change_filter(ALICE, filter_.id, lambda same: replace(same, definition=FilterDefinition()))

    assert FilterDefinition() == changed.definition
    await refused(service.add_filter(ALICE, name="all", definition=OPEN), "name")


async def test_destinations_are_cleaned_and_had_once(world):
    """
    Settings are kept as the medium wants them; an address one has already is refused in any spelling, also its own unchanged one.
    """
    service = world.service
    first = await service.add_destination(ALICE, medium="pigeon", settings={"loft": " Home "}, label="Home")
    await service.add_destination(BOB, medium="pigeon", settings={"loft": "home"}, label="Home")
    second = await service.add_destination(ALICE, medium="pigeon", settings={"loft": "work"})

    assert {"loft": "home"} == first.settings
    assert await service.has_twin(ALICE.id, first.id)
    assert not await service.has_twin(ALICE.id, second.id)
    await refused(service.add_destination(ALICE, medium="pigeon", settings={"loft": "HOME"}), "loft")
    await refused(service.change_destination(ALICE, second.id, {"loft": "home"}, email=EMAIL), "loft")
    await refused(service.change_destination(ALICE, second.id, {"loft": "work"}, email=EMAIL), "loft")
    await refused(service.add_destination(ALICE, medium="pigeon", settings={}), "loft")
    await refused(service.add_destination(ALICE, medium="owl", settings={}), "media")
    await refused(service.add_destination(ALICE, medium="smoke", settings={}), "media")
    await refused(service.add_destination(ALICE, medium="pigeon", settings={"loft": "x"}, label="Home"), "label")
    await refused(service.change_destination(ALICE, second.id, None, lambda same: replace(same, label="x" * 51), email=EMAIL), "label")
    moved = await service.change_destination(ALICE, second.id, {"loft": "barn"}, lambda same: replace(same, label="Barn"), email=EMAIL)
    assert ({"loft": "barn"}, "Barn") == (moved.settings, moved.label)
    assert None is (await service.change_destination(ALICE, second.id, None, lambda same: replace(same, label=None), email=EMAIL)).label


async def test_replacing_a_destination_twice_is_replacing_it_once(world):
    """
    Its present settings are not held against it; a synced one with its own address stays what it is.
    """
    async with world.profiles.begin(ALICE.id) as work:
        await work.keep(synced_email(await work.new_id(), ALICE.id, EMAIL))
    service = world.service
    (synced,) = (await service.belongings(ALICE.id)).destinations
    other = await service.add_destination(ALICE, medium="pigeon", settings={"loft": "home"})

    def labelled(same):
        return replace(same, label="L")

    for _ in range(2):
        replaced = await service.replace_destination(ALICE, other.id, {"loft": " BARN"}, labelled, email=EMAIL)
        assert replace(other, settings={"loft": "barn"}, label="L") == replaced
    kept = await service.replace_destination(ALICE, synced.id, dict(synced.settings), lambda same: same, email=EMAIL)

    assert synced == kept
    assert (synced, replaced) == (await service.belongings(ALICE.id)).destinations
    await refused(service.replace_destination(ALICE, other.id, {}, labelled, email=EMAIL), "loft")


@pytest.mark.parametrize("role", ["staff", "superuser"])
async def test_what_is_for_staff_nobody_but_they_and_superusers_can_have(world, role):
    service, staff = world.service, replace(BOB, **{role: True})
    await refused(service.add_destination(ALICE, medium="pigeon", settings={"loft": " Tower"}), "loft")
    mine = await service.add_destination(ALICE, medium="pigeon", settings={"loft": "home"})

    for change in (
        service.change_destination(ALICE, mine.id, {"loft": "tower"}, email=EMAIL),
        service.replace_destination(ALICE, mine.id, {"loft": "tower"}, lambda same: same, email=EMAIL),
    ):
        await refused(change, "loft")
    theirs = await service.add_destination(staff, medium="pigeon", settings={"loft": "tower"})

    assert ({"loft": "home"}, {"loft": "tower"}) == (mine.settings, theirs.settings)
    assert (mine,) == (await service.belongings(ALICE.id)).destinations


async def test_a_secret_that_is_not_given_again_stays(world):
    service = world.service
    first = await service.add_destination(ALICE, medium="pigeon", settings={"loft": "home", "word": "hush"})

    moved = await service.change_destination(ALICE, first.id, {"loft": "barn"}, email=EMAIL)
    told = await service.change_destination(ALICE, first.id, {"loft": "barn", "word": "psst"}, email=EMAIL)

    assert [{"loft": "barn", "word": "hush"}, {"loft": "barn", "word": "psst"}] == [moved.settings, told.settings]
    assert [{"word"}, set()] == [hidden_settings(medium) for medium in (Pigeon(), Mail())]


async def test_a_medium_that_fails_at_settings_is_no_error_of_anybody(world, monkeypatch):
    pigeon = Pigeon()
    service = replace(world.service, media=Media((EnabledMedium(slug="pigeon", name="Carrier pigeon", medium=pigeon),)))
    await service.add_destination(ALICE, medium="pigeon", settings={"loft": "home"})
    monkeypatch.setattr(pigeon, "label", lambda _: 1 / 0)
    again = await refused(service.add_destination(ALICE, medium="pigeon", settings={"loft": "home"}), "loft")
    monkeypatch.setattr(pigeon, "clean", lambda _: 1 / 0)
    failed = await refused(service.add_destination(ALICE, medium="pigeon", settings={"loft": "barn"}), "media")

    assert {"loft": "Carrier pigeon already exists."} == again
    assert {"media": 'The medium "pigeon" failed: ZeroDivisionError: division by zero'} == failed


async def test_a_wait_is_whole_seconds_as_timers_are(world):
    mine = await world.profile()

    for seconds in (90.5, 0.9, 86_401):
        change = partial(replace, escalate_after=timedelta(seconds=seconds))
        await refused(
            world.service.change_profile(ALICE, mine.profile.id, lambda present, _, change=change: change(present)), "escalate_after"
        )


async def test_a_profile_has_only_so_many_filters(world):
    whole = await world.profile()
    filters = [await world.service.add_filter(ALICE, name=f"f{number}", definition=OPEN) for number in range(MOST_FILTERS + 1)]
    ids = tuple(filter_.id for filter_ in filters)

    async def keep(filter_ids):
        return await world.service.change_profile(ALICE, whole.profile.id, lambda same, _: replace(same, filter_ids=filter_ids))

    assert MOST_FILTERS == len((await keep(ids[1:])).filters)
    await refused(keep(ids), "filters")


async def test_the_filters_of_a_profile_have_only_so_many_clauses(world):
    whole = await world.profile()
    large = FilterDefinition(expression=All((Either((IsOpen(),) * 250), Either((IsOpen(),) * 250))))
    one, two, small = [
        await world.service.add_filter(ALICE, name=name, definition=definition)
        for name, definition in (("one", large), ("two", large), ("small", OPEN))
    ]

    async def keep(*filters):
        ids = tuple([filter_.id for filter_ in filters])
        return await world.service.change_profile(ALICE, whole.profile.id, lambda same, _: replace(same, filter_ids=ids))

    third = await world.service.add_filter(ALICE, name="three", definition=large)
    await refused(keep(one, two, third), "filters")
    assert 3 == len((await keep(one, two, small)).filters)
    await refused(world.service.change_filter(ALICE, small.id, lambda same: replace(same, definition=large)), "filter")


async def test_the_synced_destination_follows_the_account(world):
    """
    It cannot be deleted nor had twice; given another address it becomes an ordinary one, and a new synced one takes its place.
    """
    async with world.profiles.begin(ALICE.id) as work:
        await work.keep(synced_email(await work.new_id(), ALICE.id, EMAIL))
    service = world.service
    (synced,) = (await service.belongings(ALICE.id)).destinations

    with pytest.raises(SyncedDestination):
        await service.drop_destination(ALICE, synced.id)
    await refused(service.add_destination(ALICE, medium="email", settings={"email_address": EMAIL}), "")
    changed = await service.change_destination(ALICE, synced.id, {"email_address": "else@example.org"}, email=EMAIL)

    assert (synced.id, False) == (changed.id, changed.synced)
    assert {(EMAIL, True), ("else@example.org", False)} == {
        (destination.settings["email_address"], destination.synced) for destination in (await service.belongings(ALICE.id)).destinations
    }


async def test_a_profile_refers_only_to_what_its_owner_has(world):
    """
    Unknown and foreign things are refused under their own field; a foreign timeslot across fields, as the API has it.
    """
    slot, filter_, destination = await world.parts()
    foreign_slot, foreign_filter, foreign_destination = await world.parts(BOB, "b")

    async def add(timeslot=slot, filters=(filter_,), destinations=(destination,)):
        return await world.service.add_profile(
            ALICE, name=None, timeslot_id=timeslot.id, filter_ids=[f.id for f in filters], destination_ids=[d.id for d in destinations]
        )

    await refused(add(timeslot=replace(slot, id=10**6)), "timeslot")
    await refused(add(timeslot=foreign_slot), "")
    await refused(add(filters=[filter_, foreign_filter], destinations=[foreign_destination]), "filters", "destinations")
    await refused(add(filters=[]), "filters")
    whole = await add(filters=[filter_, filter_])

    assert ((filter_,), (destination,), slot) == (whole.filters, whole.destinations, whole.timeslot)


async def test_profile_names_are_unique_but_may_be_missing(world):
    """
    A name is had once by each user; any number of profiles may have none, and an empty one counts as none.
    """
    first = await world.profile(name="nights")
    second = await world.profile(mark="2")
    third = await world.profile(mark="3", name="")
    await world.profile(BOB, "4", name="nights")

    async def rename(whole, name):
        return await world.service.change_profile(ALICE, whole.profile.id, lambda profile, _: replace(profile, name=name))

    await refused(rename(second, "nights"), "")
    await refused(rename(second, "x" * 41), "name")
    assert (None, None) == (second.profile.name, third.profile.name)
    assert "nights" == (await rename(first, "nights")).profile.name


async def test_previews_of_a_profile_take_all_its_filters(world):
    """
    All filters must match; one that says nothing of incidents lets nothing through.
    """
    whole = await world.profile()
    silent = await world.service.add_filter(ALICE, name="starts", definition=FilterDefinition(event_type=EventType.START))

    both = await world.service.change_profile(
        ALICE, whole.profile.id, lambda profile, owned: replace(profile, filter_ids=tuple(filter_.id for filter_ in owned.filters))
    )

    assert All((All((IsOpen(),)),)) == whole.incident_condition
    assert (2, None) == (len(both.filters), both.incident_condition)
    assert silent in both.filters


async def test_failed_work_leaves_nothing_behind(world):
    """
    What was kept before a failure is gone after it.
    """

    async def fail():
        async with world.profiles.begin(ALICE.id) as work:
            slot = all_the_time(await work.new_id(), ALICE.id, "UTC")
            await work.keep(slot)
            assert (slot,) == work.belongings.timeslots
            assert Belongings() == without(work.belongings, slot)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert Belongings() == await world.service.belongings(ALICE.id)


@pytest.fixture
async def staffed():
    """Alice and Sam are of the staff, Bob is not; all have accounts, and so names."""
    world = World()
    async with world.profiles._accounts.begin() as work:
        for actor in (ALICE, BOB, SAM):
            await work.add_user(User(id=actor.id, username=actor.username))
    return world.service


async def shared_by(service):
    return [(one.filter.name, one.owner) for one in await service.shared_filters()]


async def test_staff_share_filters_and_stop_sharing_anybodys(staffed):
    """
    It stays with its owner, and may be called as that of somebody else.
    """
    one, two = [await staffed.add_filter(actor, name="Core", definition=OPEN) for actor in (ALICE_OF_STAFF, SAM)]
    await staffed.add_filter(SAM, name="Mine", definition=OPEN)

    await staffed.share_filter(ALICE_OF_STAFF, one.id)
    shared = await staffed.share_filter(SAM, two.id)

    assert replace(two, shared=True) == shared
    assert [("Core", "alice"), ("Core", "sam")] == await shared_by(staffed)
    assert two == await staffed.unshare_filter(ALICE_OF_STAFF, two.id)
    assert [("Core", "alice")] == await shared_by(staffed)
    assert two in (await staffed.belongings(SAM.id)).filters


async def test_others_share_nothing(staffed):
    """
    Neither does a token of narrow scope, nor anybody for somebody else.
    """
    own = await staffed.add_filter(BOB, name="Core", definition=OPEN)
    theirs = await staffed.add_filter(SAM, name="Core", definition=OPEN)
    await staffed.share_filter(SAM, theirs.id)

    for doing, refusal in (
        (staffed.share_filter(BOB, own.id), NotAllowed),
        (staffed.unshare_filter(BOB, theirs.id), NotAllowed),
        (staffed.share_filter(replace(SAM, scope=Scope.INCIDENTS), theirs.id), ScopeTooNarrow),
        (staffed.share_filter(SAM, own.id), NotFound),
        (staffed.unshare_filter(SAM, own.id), NotFound),
        (staffed.unshare_filter(SAM, 2**62), NotFound),
    ):
        with pytest.raises(refusal):
            await doing
    assert [("Core", "sam")] == await shared_by(staffed)


async def test_what_everybody_sees_is_not_for_somebody_who_has_left_the_staff(staffed):
    """
    Until it is not shared any more, its former owner neither changes nor deletes it.
    """
    filter_ = await staffed.add_filter(ALICE_OF_STAFF, name="Core", definition=OPEN)
    await staffed.share_filter(ALICE_OF_STAFF, filter_.id)
    changed = await staffed.change_filter(ALICE_OF_STAFF, filter_.id, lambda present: replace(present, name="Edge"))

    for doing in (staffed.change_filter(ALICE, filter_.id, lambda present: present), staffed.drop_filter(ALICE, filter_.id)):
        with pytest.raises(SharedWithAll):
            await doing

    assert changed.shared
    assert [("Edge", "alice")] == await shared_by(staffed)
    await staffed.unshare_filter(SAM, filter_.id)
    await staffed.drop_filter(ALICE, filter_.id)
    assert [] == await shared_by(staffed)


async def test_a_shared_filter_in_use_is_not_deleted_but_can_be_private_again(staffed):
    slot = await staffed.add_timeslot(SAM, name="always", recurrences=ALWAYS)
    filter_ = await staffed.add_filter(SAM, name="Core", definition=OPEN)
    await staffed.add_profile(SAM, name="x", timeslot_id=slot.id, filter_ids=[filter_.id])
    await staffed.share_filter(SAM, filter_.id)

    with pytest.raises(InUse):
        await staffed.drop_filter(SAM, filter_.id)

    assert not (await staffed.unshare_filter(SAM, filter_.id)).shared


async def test_profiles_are_made_of_ones_own_filters_only(staffed):
    slot = await staffed.add_timeslot(BOB, name="always", recurrences=ALWAYS)
    filter_ = await staffed.add_filter(SAM, name="Core", definition=OPEN)
    await staffed.share_filter(SAM, filter_.id)

    await refused(staffed.add_profile(BOB, name="x", timeslot_id=slot.id, filter_ids=[filter_.id]), "filters")

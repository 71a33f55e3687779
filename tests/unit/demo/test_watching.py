"""What the people of a demo want to be told."""

import asyncio
from datetime import UTC, datetime

import pytest

from adapters.demo.history import Cast
from adapters.demo.installation import SOURCES
from adapters.demo.people import PEOPLE
from adapters.demo.watching import WATCHES, give_profiles
from adapters.plugins import load_media
from argus_core.domain.actors import Actor
from argus_core.domain.destinations import synced_email
from argus_core.domain.ids import DestinationId
from argus_core.domain.sources import Source
from argus_core.memory import MemoryAccounts, MemoryProfiles
from argus_core.usecases.profiles import ProfileService

NOON = datetime(2030, 3, 3, 12, tzinfo=UTC)


async def everybody(service):
    """All people with their synced address, and all sources."""
    people = {person.username: Actor(id=number, username=person.username) for number, person in enumerate(PEOPLE, 1)}
    for actor in people.values():
        async with service.profiles.begin(actor.id) as work:
            await work.keep(synced_email(DestinationId(await work.new_id()), actor.id, f"{actor.username}@example.org"))
    sources = {
        name: Source(id=number, name=name, type=name.partition("-")[0], user_id=100 + number) for number, name in enumerate(SOURCES, 1)
    }
    return Cast(sources=sources, reporters={}, people=people)


@pytest.fixture
def service():
    return ProfileService(MemoryProfiles(MemoryAccounts(lambda: NOON)), load_media(("email", "sms"), {}), "UTC")


def given(service, times=1):
    async def give():
        cast = await everybody(service)
        for _ in range(times):
            await give_profiles(service, cast)
        return {name: await service.belongings(person.id) for name, person in cast.people.items()}

    return asyncio.run(give())


def test_everybody_gets_the_profiles_that_they_want(service):
    belongings = given(service)

    assert sorted((watch.who, watch.name) for watch in WATCHES) == sorted(
        (who, profile.name) for who, things in belongings.items() for profile in things.profiles
    )
    assert all(profile.active and profile.destination_ids for things in belongings.values() for profile in things.profiles)


def test_a_phone_is_for_text_messages(service):
    kari = given(service)["kari"]

    media = {profile.name: [kari.destination(id_).medium for id_ in profile.destination_ids] for profile in kari.profiles}
    assert {"Wake me up": ["sms"], "Machine rooms": ["email"]} == media


def test_somebody_wants_to_be_told_at_any_hour(service):
    slots = [things.timeslot(profile.timeslot_id) for things in given(service).values() for profile in things.profiles]

    week = [datetime(2030, 3, day, hour, tzinfo=UTC) for day in range(1, 8) for hour in range(24)]
    assert [] == [moment for moment in week if not any(slot.covers(moment) for slot in slots)]


def test_a_demo_that_goes_on_gives_nothing_twice(service):
    assert len(given(service, times=2)["ingrid"].profiles) == 2

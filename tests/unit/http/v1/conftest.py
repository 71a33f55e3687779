"""Asking API v1."""

import pytest


@pytest.fixture
def ask(world):
    """One request to API v1, by somebody of the world."""

    async def ask_v1(who, method, path, app=None, **request):
        async with world.as_(who, app) as client:
            return await client.request(method, f"/api/v1/{path}", **request)

    return ask_v1


@pytest.fixture
def make(ask):
    """What somebody has made, as its answer shows it."""

    async def made(who, path, **body):
        answer = await ask(who, "POST", path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return made


@pytest.fixture
def profile(make):
    """A new profile with a timeslot and a filter of its own."""

    async def made(who="alice", name="", **more):
        timeslot = await make(who, "notificationprofiles/timeslots/", name=f"slot{name}", time_recurrences=[])
        filter_ = await make(who, "notificationprofiles/filters/", name=f"filter{name}", filter={"tags": ["a=b"]})
        return await make(who, "notificationprofiles/", timeslot=timeslot["pk"], filters=[filter_["pk"]], **more)

    return made

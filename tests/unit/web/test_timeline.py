"""An incident's life as it is drawn."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from adapters.web.answers import lasting
from adapters.web.incident.timeline import Span, drawn, life_of
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.transitions import Edit
from unit.web.conftest import NOON

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
OSLO = ZoneInfo("Europe/Oslo")


async def life(world, incident):
    return life_of(await world.journal.journal(incident.id), incident.source, world.now)


async def test_what_is_open_has_been_so_from_its_start_until_now(world):
    incident = await world.report(start_time=NOON - HOUR)
    world.now += HOUR

    found = await life(world, incident)

    assert (Span(NOON - HOUR, NOON + HOUR), (Span(NOON - HOUR, NOON + HOUR),)) == (found.whole, found.open)


async def test_what_has_ended_was_open_until_its_end_whenever_that_was_heard_of(world):
    incident = await world.report(start_time=NOON - 2 * HOUR)
    robot = await world.people.acting(await world.people.user(incident.source.user_id))
    await world.incidents.post(incident.id, EventType.END, actor=robot, at=NOON - HOUR)
    world.now += HOUR

    found = await life(world, incident)

    assert ((Span(NOON - 2 * HOUR, NOON - HOUR),), NOON) == (found.open, found.whole.end)


async def test_what_was_reopened_was_open_twice(world):
    incident, actor = await world.report(), await world.actor()
    for hour, act in enumerate((EventType.CLOSE, EventType.REOPEN), 1):
        world.now = NOON + hour * HOUR
        await world.incidents.post(incident.id, act, actor=actor)
    world.now += HOUR

    assert (Span(NOON, NOON + HOUR), Span(NOON + 2 * HOUR, NOON + 3 * HOUR)) == (await life(world, incident)).open


async def test_acknowledgements_hold_until_the_last_of_them_expires(world):
    incident, actor = await world.report(), await world.actor()
    for expiration in (NOON + HOUR, NOON + 2 * HOUR):
        await world.incidents.acknowledge(incident.id, actor=actor, expiration=expiration)
    world.now += 3 * HOUR
    await world.incidents.acknowledge(incident.id, actor=actor)
    world.now += HOUR

    assert (Span(NOON, NOON + 2 * HOUR), Span(NOON + 3 * HOUR, NOON + 4 * HOUR)) == (await life(world, incident)).acked


async def test_levels_follow_each_other(world):
    incident, actor = await world.report(level=Level.LOW), await world.actor()
    world.now += HOUR
    await world.incidents.edit(incident.id, Edit(level=Level.CRITICAL), actor=actor)
    await world.incidents.post(incident.id, EventType.OTHER, actor=actor)
    world.now += HOUR

    levels = (await life(world, incident)).levels

    assert ((Span(NOON, NOON + HOUR), Level.LOW), (Span(NOON + HOUR, NOON + 2 * HOUR), Level.CRITICAL)) == levels


async def test_a_moment_has_some_width(world):
    incident = await world.report(stateful=False)

    timeline = drawn(await world.journal.journal(incident.id), incident.source, NOON, OSLO)

    assert ((), (0.0,), 100.0) == (timeline.open, timeline.marks, timeline.levels[0].width)


@pytest.mark.parametrize("hours", [0.01, 0.4, 3, 26, 24 * 9, 24 * 400, 24 * 5000])
async def test_there_are_a_few_ticks_for_any_length(world, hours):
    incident = await world.report(start_time=NOON - hours * HOUR)

    ticks = drawn(await world.journal.journal(incident.id), incident.source, NOON, OSLO).ticks

    assert len(ticks) <= 5
    assert all(0 <= tick.x <= 100 for tick in ticks)
    assert len({tick.label for tick in ticks}) == len(ticks) or hours > 24 * 365


async def test_days_begin_at_midnight_also_when_the_clock_is_changed(world):
    start = datetime(2024, 3, 29, 12, tzinfo=UTC)
    world.now = start + timedelta(days=4)
    incident = await world.report(start_time=start)

    ticks = drawn(await world.journal.journal(incident.id), incident.source, world.now, OSLO).ticks

    assert ["30 Mar", "31 Mar", "01 Apr", "02 Apr"] == [tick.label for tick in ticks]
    gaps = [round((later.x - earlier.x) * 96 / 100, 1) for earlier, later in pairwise(ticks)]
    assert [24.0, 23.0, 24.0] == gaps


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min 59 s"), (3600, "1 h"), (90_000, "1 d 1 h"), (86_400 * 400, "400 d")],
)
def test_spans_are_said_in_the_units_that_say_most(seconds, said):
    assert said == lasting(timedelta(seconds=seconds))

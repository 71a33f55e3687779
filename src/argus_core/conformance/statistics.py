"""What all statistics must say of the same journal, whatever else is in it: these look at a week long ago, and at sources of their own."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from argus_core.conformance import World
from argus_core.conformance.outbox import see
from argus_core.domain.flapping import Threshold, Thresholds
from argus_core.domain.incidents import EventType, Incident, Level
from argus_core.domain.overview import Flapping, NoisySource, NoisyTag, Past, Spread
from argus_core.domain.tags import Tag
from argus_core.ports.statistics import Statistics

NOW = datetime(2001, 5, 17, 12, 30, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def open_incidents_are_counted(statistics: Statistics, world: World) -> None:
    """By source, level and whether they are acknowledged; one that ends later is open, a stateless one is not."""
    now = datetime.now(UTC)  # noqa: TID251 - acknowledgements hold from now on, by the clock of whoever checks
    await world.report(level=Level.HIGH)
    await world.report(level=Level.HIGH, end_time=now + DAY)
    await world.report(level=Level.HIGH, end_time=now - DAY)
    await world.report(level=Level.HIGH, stateful=False)
    held, expired = await world.report(level=Level.LOW), await world.report(level=Level.LOW)
    for incident, expiration in ((held, None), (expired, now + MINUTE)):
        await world.service.acknowledge(incident.id, actor=world.person, expiration=expiration)
    counted = [(one.level, one.acked, one.count) for one in await statistics.open_at(now + 2 * MINUTE) if one.source == world.source]
    see(counted == [(Level.HIGH, False, 2), (Level.LOW, False, 1), (Level.LOW, True, 1)], f"Open incidents are counted as {counted}.")


async def arrivals_are_counted_by_the_hour(statistics: Statistics, world: World) -> None:
    """From the first of a week's hours to the present moment, and neither before nor after."""
    first = datetime(2001, 5, 10, 13, tzinfo=UTC)
    before = await _arrivals(statistics)
    for start in (first - MINUTE, first, first + 59 * MINUTE, NOW - 31 * MINUTE, NOW, NOW + MINUTE):
        await world.report(start_time=start)
    after = await _arrivals(statistics)
    came = {hour: after[hour] - before.get(hour, 0) for hour in after}
    expected = {first: 2, datetime(2001, 5, 17, 11, tzinfo=UTC): 1, datetime(2001, 5, 17, 12, tzinfo=UTC): 1}
    see({hour: count for hour, count in came.items() if count} == expected, f"Arrivals are {came}.")


async def durations_are_spread(statistics: Statistics, world: World) -> None:
    """Half were over so soon and nine in ten so soon; the first acknowledgement counts, and what did not come about does not."""
    now = NOW - 1000 * DAY
    see((await statistics.past(now, Thresholds())).resolved is None, "Something was over in a week in which nothing was.")
    see((await statistics.past(now, Thresholds())).acknowledged is None, "Something was acknowledged in a week in which nothing was.")
    for minutes in range(1, 11):
        incident = await world.report(start_time=now - HOUR, end_time=now - HOUR + minutes * MINUTE)
        for later in (7, 3):
            at = now - HOUR + (minutes + later) * MINUTE
            await world.service.acknowledge(incident.id, actor=world.person, at=at)
    early = await world.report(start_time=now - HOUR)
    await world.service.acknowledge(early.id, actor=world.person, at=now - 2 * HOUR)
    await world.report(start_time=now - HOUR, end_time=now + MINUTE)
    past = await statistics.past(now, Thresholds())
    see(past.resolved == Spread(10, 5 * MINUTE, 9 * MINUTE), f"What was over took {past.resolved}.")
    see(past.acknowledged == Spread(11, 8 * MINUTE, 12 * MINUTE), f"What was acknowledged took {past.acknowledged}.")


async def what_is_noisy_shows(statistics: Statistics, world: World) -> None:
    """The sources and tags of most incidents that started within a day, the loudest first."""
    now = NOW - 2000 * DAY
    tags = (Tag("b", "1"), Tag("a", "1"))
    await _report(world, now, 3, tags)
    await _report(world, now, 1, tags[:1])
    await world.report(start_time=now - DAY, tags=tags)
    past = await statistics.past(now, Thresholds())
    see(past.sources == (NoisySource(world.source, 4),), f"The noisiest sources are {past.sources}.")
    see(past.tags == (NoisyTag("b=1", 4), NoisyTag("a=1", 3)), f"The noisiest tags are {past.tags}.")
    await _report(world, now, 1, tags[1:])
    past = await statistics.past(now, Thresholds())
    see(past.tags == (NoisyTag("a=1", 4), NoisyTag("b=1", 4)), f"Of tags that are as noisy, {past.tags[:1]} comes first.")


async def what_flaps_shows(statistics: Statistics, world: World) -> None:
    """
    What ended more often within the span of its threshold than that allows, at some time of the day, whatever it is that ended it.

    The same tags of one source count together, in whatever order they came; where there are none, an incident counts for itself.
    """
    now = NOW - 3000 * DAY
    often, seldom, slow, early, late = ((Tag("host", name),) for name in ("often", "seldom", "slow", "early", "late"))
    both = (Tag("a", "1"), Tag("b", "1"))
    for minute in range(3):
        await _come_and_go(world, now - HOUR + minute * MINUTE, often)
        await _come_and_go(world, now - 2 * HOUR + minute * MINUTE, both[:: -1 if minute else 1])
        await _come_and_go(world, now - 3 * HOUR + 2 * minute * MINUTE, slow)
        await _come_and_go(world, now - DAY - minute * MINUTE, early)
        await _come_and_go(world, now - HOUR + minute * MINUTE, ())
        await world.report(start_time=now - HOUR, end_time=now - HOUR + MINUTE, tags=seldom)
    for minute in range(2):
        await _come_and_go(world, now - 3 * HOUR + minute * MINUTE, seldom)
    await _come_and_go(world, now - 5 * HOUR, often)
    restless = await _at(world, now - 6 * HOUR).report(start_time=now - 6 * HOUR)
    for minute in range(3):
        service = _at(world, now - 6 * HOUR + minute * MINUTE).service
        await service.post(restless.id, EventType.CLOSE, actor=world.person)
        await service.post(restless.id, EventType.REOPEN, actor=world.person)
    for minute in range(2):
        await _come_and_go(world, now - 7 * HOUR + minute * MINUTE, late)
    await _at(world, now - 7 * HOUR).report(start_time=now - 7 * HOUR, end_time=now - 7 * HOUR + MINUTE, tags=late)
    for minute in range(1, 4):
        await _at(world, now - 7 * HOUR + minute * MINUTE).service.pass_time(10)
    past = await statistics.past(now, Thresholds(Threshold(2, 3 * MINUTE)))
    expected = (
        Flapping(world.source, ("host=often",), 4),
        Flapping(world.source, (), 3, restless.id),
        Flapping(world.source, ("a=1", "b=1"), 3),
        Flapping(world.source, ("host=late",), 3),
    )
    see(past.flapping == expected, f"What flaps is {past.flapping}.")
    own = Thresholds(Threshold(2, 3 * MINUTE), {world.source.id: Threshold(3, DAY)})
    past = await statistics.past(now, own)
    see([one.tags for one in past.flapping] == [("host=often",)], f"By its own threshold {past.flapping} flaps.")
    past = await statistics.past(now, Thresholds())
    see(past.flapping == (), f"Where there is no threshold, {past.flapping} flaps.")
    await _come_and_go(world, now - HOUR, often)
    for thresholds in (Thresholds(), Thresholds(Threshold(2, 3 * MINUTE), {world.source.id: None})):
        past = await statistics.past(now, thresholds)
        see([one.tags for one in past.flapping] == [("host=often",)], f"Where there is no threshold, {past.flapping} flaps.")


async def only_so_much_is_named(statistics: Statistics, world: World) -> None:
    """Ten of what is noisy."""
    now = NOW - 4000 * DAY
    for number in range(11):
        for _ in range(1 if number else 2):
            await _come_and_go(world, now - HOUR, (Tag("n", f"{number:02}"),))
            await _come_and_go(world, now - HOUR + MINUTE, (Tag("n", f"{number:02}"),))
    past = await statistics.past(now, Thresholds(Threshold(1, HOUR)))
    names = [f"n={number:02}" for number in range(10)]
    see([tag.tag for tag in past.tags] == names, f"The noisiest of many are {past.tags}.")
    see([one.tags[0] for one in past.flapping] == names, f"Of many, these flap: {past.flapping}.")


async def _report(world: World, now: datetime, times: int, tags: Sequence[Tag], lasted: timedelta | None = None) -> list[Incident]:
    start = now - 4 * HOUR
    end = None if lasted is None else start + lasted
    return [await world.report(start_time=start, end_time=end, tags=tuple(tags)) for _ in range(times)]


def _at(world: World, moment: datetime) -> World:
    """The same at this moment."""
    return replace(world, service=replace(world.service, clock=lambda: moment))


async def _come_and_go(world: World, moment: datetime, tags: tuple[Tag, ...]) -> None:
    """An incident that is heard of, and of its end, at this moment; whatever the source says when that was."""
    then = _at(world, moment)
    incident = await then.report(start_time=moment, tags=tags)
    await then.service.post(incident.id, EventType.END, actor=world.reporter, at=moment - 8 * DAY)


async def _arrivals(statistics: Statistics) -> Mapping[datetime, int]:
    past: Past = await statistics.past(NOW, Thresholds())
    see(past.until == NOW, "It is not said of when the figures are.")
    return past.arrivals


STATISTICS_CHECKS: Sequence[Callable[[Statistics, World], Awaitable[None]]] = (
    open_incidents_are_counted,
    arrivals_are_counted_by_the_hour,
    durations_are_spread,
    what_is_noisy_shows,
    what_flaps_shows,
    only_so_much_is_named,
)
"""Each is for a journal that nobody else has used."""

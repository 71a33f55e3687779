"""What every watch must do: heartbeats are noted, and what does not get through shows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from argus_core.conformance.outbox import FAILED, NO_TIME, REFUSED, SENT, Post, see
from argus_core.domain.ids import DestinationId
from argus_core.domain.watching import Heart, MediumSigns
from argus_core.ports.watching import Watch

MINUTE = timedelta(minutes=1)
LONG = timedelta(hours=1)


async def heartbeats_are_noted(watch: Watch, post: Post) -> None:
    """A source is expected from when that is said, and each heartbeat moves on when it was heard of last."""
    source = post.world.source
    await watch.beat(source.id)
    see(await _heart(watch, post) is None, "A source is expected that nobody expects.")
    await watch.expect(source.id, MINUTE)
    hearts = [heart for heart in await watch.hearts() if heart.source == source]
    see(len(hearts) == 1, "A source that is expected is not, or twice.")
    (first,) = hearts
    now = (await watch.signs()).now
    see(first.every == MINUTE, "It is not expected as was said.")
    see(first.last <= now < first.last + MINUTE, "It was not heard of just now.")
    await watch.beat(source.id)
    second = await _heart(watch, post)
    see(second is not None and second.every == MINUTE and second.last > first.last, "A heartbeat was not noted.")
    see(second in (await watch.signs()).hearts, "It is not among the signs.")
    await watch.expect(source.id, 2 * MINUTE)
    third = await _heart(watch, post)
    see(third is not None and third.every == 2 * MINUTE, "It is not expected as was said last.")
    await watch.expect(source.id, None)
    see(await _heart(watch, post) is None, "A source is still expected.")


async def what_is_undelivered_shows(watch: Watch, post: Post) -> None:
    """The oldest event or delivery that waits is seen, and nothing when none does."""
    see((await watch.signs()).undelivered is None, "Something waits that does not.")
    incident = await post.happen()
    undecided = (await watch.signs()).undelivered
    await post.decide()
    (delivery,) = await post.outbox.of_incident(incident.id)
    waiting = (await watch.signs()).undelivered
    await post.waiting()
    see(undecided is not None and undecided <= delivery.created, "An undecided event does not show.")
    see(waiting == delivery.since, "A delivery that waits does not show.")
    see((await watch.signs()).undelivered == waiting, "It is not the oldest.")
    for sending in await post.take():
        await post.outbox.finish(sending, SENT)
    see((await watch.signs()).undelivered is None, "Something waits that was sent.")


async def failures_show(watch: Watch, post: Post) -> None:
    """A medium that only fails is seen to, until something gets through."""
    incident = await post.waiting()
    (delivery,) = await post.outbox.of_incident(incident.id)
    see(await _medium(watch) is None, "A medium that was not tried shows.")
    for _ in range(2):
        await post.outbox.finish(await post.take_one(), replace(FAILED, again=NO_TIME))
    signs = await _medium(watch)
    as_it_is = MediumSigns(slug="email", worked=False, failed=2, retried=2, since=delivery.since)
    see(signs == as_it_is, f"Two failures show as {signs}.")
    await post.outbox.finish(await post.take_one(), REFUSED)
    signs = await _medium(watch)
    see(signs is not None and (signs.worked, signs.failed, signs.retried) == (False, 3, 0), f"A refusal shows as {signs}.")
    await post.waiting()
    await post.outbox.finish(await post.take_one(), SENT)
    signs = await _medium(watch)
    see(signs is not None and signs.worked, "A success does not show.")


async def one_destination_is_not_its_medium(watch: Watch, post: Post) -> None:
    """What failed before a medium last worked is over; when only one destination fails after that, and it is another one, that is seen."""
    destination = replace(post.told.destination, id=DestinationId(post.told.destination.id + 1_000))
    other = replace(post, told=replace(post.told, destination=destination))
    await post.waiting()
    await post.outbox.finish(await post.take_one(), SENT)
    await other.waiting()
    await post.outbox.finish(await post.take_one(), replace(FAILED, again=NO_TIME))
    await post.outbox.finish(sending := await post.take_one(), replace(FAILED, again=LONG))
    signs = await _medium(watch)
    see(
        signs is not None and (signs.worked, signs.failed, signs.retried, signs.alone) == (True, 2, 2, True),
        f"One fails, and it shows as {signs}.",
    )
    see(signs is not None and signs.since == sending.newest.since, "It is not said since when.")
    await post.waiting()
    await post.outbox.finish(await post.take_one(), replace(FAILED, again=LONG))
    signs = await _medium(watch)
    see(signs is not None and (signs.failed, signs.alone) == (3, False), f"Two fail, and it shows as {signs}.")
    await post.waiting()
    await post.outbox.finish(sending := await post.take_one(), SENT)
    signs = await _medium(watch)
    see(signs is not None and (signs.failed, signs.retried, signs.alone) == (0, 0, False), f"All that is over shows as {signs}.")
    see(signs is not None and signs.since > sending.newest.since, "It began before the medium last worked.")


async def _heart(watch: Watch, post: Post) -> Heart | None:
    return next((heart for heart in await watch.hearts() if heart.source == post.world.source), None)


async def _medium(watch: Watch) -> MediumSigns | None:
    return next((signs for signs in (await watch.signs()).media if signs.slug == "email"), None)


WATCH_CHECKS: Sequence[Callable[[Watch, Post], Awaitable[None]]] = (
    heartbeats_are_noted,
    what_is_undelivered_shows,
    failures_show,
    one_destination_is_not_its_medium,
)
"""Each is for stores that nobody else has used: in which nothing waits and nothing has failed."""

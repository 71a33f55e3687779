"""
What is explained, what would have been told and what was sent are one and the same, whatever people want to hear and whatever happens.

From reports over decisions to messages, on any stores: a law for Hypothesis.
"""

import itertools
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import time, timedelta

from hypothesis import strategies as st

from argus_core.conformance import make_world
from argus_core.domain.actors import Actor
from argus_core.domain.deliveries import DeliveryStatus
from argus_core.domain.destinations import Destination
from argus_core.domain.errors import Invalid
from argus_core.domain.expressions import parse, written
from argus_core.domain.filters import TextHas
from argus_core.domain.incidents import EventType, Happening
from argus_core.domain.profiles import Belongings
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.timeslots import EVERY_DAY, Recurrence
from argus_core.ports.accounts import Accounts
from argus_core.ports.incidents import Incidents
from argus_core.ports.media import EnabledMedium, Media
from argus_core.ports.outbox import Outbox
from argus_core.ports.profiles import Profiles
from argus_core.usecases.dispatch import Dispatcher
from argus_core.usecases.flapping import KnownThresholds
from argus_core.usecases.incidents import IncidentService
from argus_core.usecases.notifications import MOST_HOURS, NotificationService
from argus_core.usecases.sending import Letterhead, Sender
from strategies import Acknowledging, Editing, Posting, belongings, edits, few_texts, simple_reports, untils

MOST_STEPS = 8
reports = simple_reports.map(lambda report: replace(report, source_incident_id=""))
steps_apart = st.sampled_from([timedelta(), timedelta(seconds=1), timedelta(hours=5), timedelta(hours=19)])
assert MOST_STEPS * timedelta(hours=19) < timedelta(hours=MOST_HOURS)  # a dry run reaches back to the beginning


class Clock:
    """Goes on when it is told to."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@dataclass(frozen=True)
class Stores:
    """The stores to be tested, and the clock of what happens in them."""

    incidents: Incidents
    accounts: Accounts
    profiles: Profiles
    outbox: Outbox
    clock: Clock


class Post:
    """Takes everything."""

    def __init__(self):
        self.sent = []

    def label(self, settings):
        return "anywhere"

    async def send(self, notification, settings):
        self.sent += [(settings["n"], event.incident_id, event.id) for event in notification.events]


def _storable(definition):
    """The definition, unless it is none that the API would take."""
    with suppress(Invalid):
        if definition.expression is not None:
            parse(written(definition.expression))
        yield definition


@st.composite
def generous(draw, happening, owner):
    """What somebody owns who hears of most, at least in some hours."""
    owned = draw(belongings(happening, [happening.event.description], owner))
    everything, worded = FilterDefinition(max_level=5), FilterDefinition(expression=TextHas("netbox"))
    some_hours = (Recurrence(days=EVERY_DAY, start=time(9), end=time(21)),)
    return replace(
        owned,
        filters=tuple(
            replace(one, definition=draw(st.sampled_from([everything, everything, worded, *_storable(one.definition)])))
            for one in owned.filters
        ),
        timeslots=tuple(replace(one, recurrences=draw(st.sampled_from([some_hours, one.recurrences]))) for one in owned.timeslots),
    )


async def keep(profiles, owner, owned):
    """Let somebody own all this, under new numbers; gives it as it is kept."""
    async with profiles.begin(owner) as work:
        numbers = {}
        for thing in (*owned.timeslots, *owned.filters, *owned.destinations, *owned.profiles):
            numbers[thing.id] = await work.new_id()
            renumbered = replace(thing, id=numbers[thing.id], owner=owner)
            if isinstance(thing, Destination):
                renumbered = replace(renumbered, settings={"n": numbers[thing.id]})
            elif thing in owned.profiles:
                renumbered = replace(
                    renumbered,
                    name=f"{numbers[thing.id]}",
                    timeslot_id=numbers[thing.timeslot_id],
                    filter_ids=tuple(numbers[id_] for id_ in thing.filter_ids),
                    destination_ids=tuple(numbers[id_] for id_ in thing.destination_ids),
                )
            await work.keep(renumbered)
        return work.belongings


def moves(world):
    """What a source and a person do to an incident of theirs."""
    lags = st.just(timedelta())
    return (
        st.builds(Posting, type=st.sampled_from([EventType.END, EventType.OTHER]), actor=st.just(world.reporter), lag=lags, why=few_texts)
        | st.builds(
            Posting,
            type=st.sampled_from([EventType.CLOSE, EventType.REOPEN, EventType.OTHER]),
            actor=st.just(world.person),
            lag=lags,
            why=few_texts,
        )
        | st.builds(
            Acknowledging, actor=st.just(world.person), lag=lags, span=st.none() | st.just(timedelta(hours=6)), why=few_texts, until=untils
        )
        | st.builds(Editing, actor=st.just(world.person), wanted=edits)
    )


async def check_that_what_is_explained_was_sent(data, stores):
    """
    Each event was told to exactly those destinations, on behalf of exactly those profiles, of which it is explained; dry runs say so, too.
    """
    worlds = [await make_world(stores.incidents, stores.accounts) for _ in range(2)]
    world, owners = worlds[0], [one.person.id for one in worlds]
    service = IncidentService(stores.incidents, stores.accounts, stores.clock)
    post = Post()
    media = Media((EnabledMedium(slug="email", name="Email", medium=post),))
    dispatcher = Dispatcher(stores.outbox, stores.profiles, media)
    desk = NotificationService(
        stores.outbox, stores.incidents, stores.profiles, media, stores.clock, KnownThresholds(stores.profiles, stores.clock)
    )
    began = await service.report(data.draw(reports), actor=world.reporter)
    new = Happening(began.incident, began.events[0])
    owned = {}
    for number, owner in enumerate(owners, 1):
        wanted = data.draw(st.just(Belongings()) | generous(new, number))
        owned[owner] = await keep(stores.profiles, owner, wanted)
    incident_ids = [new.incident.id]
    if data.draw(st.booleans()):
        incident_ids.append((await service.report(data.draw(reports), actor=world.reporter)).incident.id)

    for _ in range(data.draw(st.integers(0, MOST_STEPS))):
        stores.clock.now += data.draw(steps_apart)
        await stores.incidents.append_each([data.draw(st.sampled_from(incident_ids))], data.draw(moves(world)), stores.clock)
        if data.draw(st.booleans()):
            await service.pass_time(cares=dispatcher.cares)
        if data.draw(st.booleans()):
            await dispatcher.decide(10)
    await _finish(dispatcher, Sender(stores.outbox, media, Letterhead(), seconds=lambda: 0.0, chance=lambda: 0.5))

    dry = {
        profile.id: {one.event.id for one in (await desk.dry_run(Actor(id=owner, username=""), profile.id, MOST_HOURS)).fired}
        for owner in owners
        for profile in owned[owner].profiles
    }
    due = Counter()
    for incident_id, owner in itertools.product(incident_ids, owners):
        for event in await stores.incidents.journal(incident_id):
            due.update(_told(await desk.explain(incident_id, event.id, Actor(id=owner, username="")), dry))
    # What others left in the same stores may be told meanwhile, and they may be told of this.
    ours = {destination.id for kept in owned.values() for destination in kept.destinations}
    assert due == Counter(told for told in post.sent if told[0] in ours and told[1] in incident_ids)


def _told(explained, dry):
    """The destinations that were told of an event, which are those that the verdicts name."""
    told = {}
    for verdict in explained.verdicts:
        profile = verdict.profile
        would = verdict.asked and verdict.in_timeslot and all(one.held for one in verdict.filters)
        assert (profile.profile.active and would) == verdict.fired
        # When an escalation is noted depends on the worker, of which a dry run knows nothing.
        assert profile.profile.escalate_after is not None or would == (explained.event.id in dry[profile.profile.id])
        for destination in profile.destinations if verdict.fired else ():
            told.setdefault(destination.id, []).append(profile.profile.id)
    assert told == {one.destination_id: [asking.id for asking in one.profiles] for one in explained.deliveries}
    assert {DeliveryStatus.SENT, DeliveryStatus.MERGED} >= {one.status for one in explained.deliveries}
    return [(destination_id, explained.event.incident_id, explained.event.id) for destination_id in told]


async def _finish(dispatcher, sender):
    """Decide and send whatever there is."""
    while await dispatcher.decide(10):
        pass
    while await sender.start() or sender.busy:
        await sender.one_done(5)

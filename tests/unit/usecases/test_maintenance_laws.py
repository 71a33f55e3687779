"""Nothing that maintenance keeps back is lost, whatever happens, is planned or goes wrong, and over changes of clocks."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from argus_core.domain.deliveries import DeliveryStatus
from argus_core.domain.errors import Invalid, MaintenanceIsOver
from argus_core.domain.filters import holds
from argus_core.domain.incidents import Level, fold
from argus_core.domain.maintenance import SETTLING, Phase, Window
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.timeslots import EVERY_DAY, Recurrence
from argus_core.ports.media import TryLater
from unit.usecases.test_maintenance import KINDS, Site, at

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# An hour before clocks skip an hour, have one twice, do so by half an hour or at midnight; and an evening like any other.
NIGHTS = [
    ("Europe/Oslo", datetime(2030, 3, 31, 0, tzinfo=UTC)),
    ("Europe/Oslo", datetime(2030, 10, 27, 0, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2030, 4, 6, 14, tzinfo=UTC)),
    ("America/Havana", datetime(2030, 3, 10, 4, tzinfo=UTC)),
    ("UTC", datetime(2030, 3, 5, 23, tzinfo=UTC)),
]
hours = st.integers(0, 47).map(lambda half: time(half // 2, half % 2 * 30))
windows = st.builds(
    Window,
    hours=st.builds(Recurrence, days=st.just(EVERY_DAY), start=hours, end=hours, ends_next_day=st.just(True)),
    weeks=st.just(frozenset()),
)
plans = st.tuples(
    st.sampled_from([0, 0, 0, 10, 60]), st.none() | st.integers(1, 180), st.lists(windows, max_size=1), st.sampled_from([1, 3, 5])
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("report"), st.booleans(), st.integers(1, 5)),
        st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 5)),
        st.tuples(st.just("plan"), plans),
        st.tuples(st.just("change"), st.integers(0, 3), st.none() | st.integers(1, 90), st.sampled_from([1, 5])),
        st.tuples(st.just("end"), st.integers(0, 3)),
        st.tuples(st.just("decide")),
        st.tuples(st.just("send"), st.booleans()),
        st.tuples(st.just("wait"), st.integers(1, 90)),
    ),
    max_size=25,
).map(lambda some: [("report", True, 1), *some])
TOLD_BEFORE = [("report", True, 1), ("decide",), ("plan", (0, None, [], 5)), ("close", 0), ("decide",)]
TWO_AT_ONCE = [("plan", (0, None, [], 5)), ("plan", (0, None, [], 5)), ("report", True, 1), ("decide",)]
AT_ANOTHER_TIME = Window(hours=Recurrence(days=EVERY_DAY, start=time(12), end=time(13)))
BETWEEN_HOURS = [("plan", (0, None, [AT_ANOTHER_TIME], 5)), ("report", True, 1), ("decide",)]
TOLD_BY_A_ROUNDUP = [
    ("plan", (0, 30, [], 5)),
    ("report", True, 2),
    ("decide",),
    ("wait", 60),
    ("send", False),
    ("close", 0),
    ("send", True),
]


class Failing(Site):
    """Somebody who wants to hear of everything, by a post that takes nothing while it `fails`."""

    fails = False

    def __post_init__(self):
        super().__post_init__()
        send = self.post.send

        async def sending(notification, settings):
            if self.fails:
                raise TryLater("later")
            await send(notification, settings)

        self.post.send = sending


@given(st.sampled_from(NIGHTS), steps)
@example(NIGHTS[0], TOLD_BY_A_ROUNDUP)
@example(NIGHTS[0], TOLD_BEFORE)
@example(NIGHTS[0], TWO_AT_ONCE)
@example(NIGHTS[0], BETWEEN_HOURS)
def test_whatever_happens_each_event_is_told_or_kept_back_for_a_reason_and_told_later(night, some):
    """
    Of each event the ledger says whether it was told or what kept it back; that ran when it was received, and its filters matched.

    All that was kept back is in exactly one roundup, which shows each incident once and as the journal has it at that moment.
    """
    asyncio.run(_Life(*night).lead(some))


class _Life:
    def __init__(self, zone, begin):
        self.zone, self.begin = zone, begin
        self.incidents, self.planned, self.expected, self.seen = [], [], {}, 0

    async def lead(self, some):
        self.site = site = await Failing().open(start=self.begin - 2 * HOUR, end=self.begin - HOUR)
        at(site, self.begin)
        for name, *rest in some:
            await getattr(self, f"do_{name}", self.act)(*(rest if name not in KINDS else (name, *rest)))
        await self.come_to_an_end()
        await self.check_ledger()

    async def act(self, name, which):
        if self.incidents:
            await self.site.act(self.incidents[which % len(self.incidents)], KINDS[name])

    async def do_report(self, stateful, level):
        made = await self.site.report(stateful=stateful, level=Level(level), description=f"incident-{len(self.incidents)}-")
        self.incidents.append(made.id)

    async def do_plan(self, plan):
        after, lasts, some, level = plan
        start = self.site.clock.now + after * MINUTE
        made = await self.site.plan(
            start=start,
            end=None if lasts is None else start + lasts * MINUTE,
            windows=some,
            zone=self.zone,
            filter_ids=[],
            besides=FilterDefinition(max_level=level),
        )
        self.planned.append(made.id)

    async def do_change(self, which, lasts, level):
        if self.planned:
            end = None if lasts is None else self.site.clock.now + lasts * MINUTE
            with suppress(MaintenanceIsOver, Invalid):
                await self.site.plans.change(
                    self.site.staff,
                    self.planned[which % len(self.planned)],
                    lambda present: replace(present, end=end),
                    [],
                    besides=FilterDefinition(max_level=level),
                )

    async def do_end(self, which):
        known = [
            one.id for one in await self.site.plans.all() if one.phase(self.site.clock.now) is not Phase.PAST and one.id in self.planned
        ]
        if known:
            gone = known[which % len(known)]
            await self.site.plans.cancel(self.site.staff, gone)
            self.planned = [id_ for id_ in self.planned if id_ in {one.id for one in await self.site.plans.all()}]

    async def do_decide(self):
        """What is decided now is judged by what is planned now, event by event."""
        known = await self.site.plans.all()
        for id_ in self.incidents:
            journal = await self.site.incidents.journal(id_)
            ledger = await self.site.outbox.of_incident(id_)
            told = any(not one.is_kept_back for one in ledger)
            for event in journal:
                if event.id in self.expected:
                    continue
                incident = fold(journal[: event.version], self.site.world.source)
                keeping = [
                    one.id for one in known if one.runs(event.received) and holds(one.condition, incident, event.received, event, ())
                ]
                is_over = incident.stateful and not incident.is_open(event.received)
                kept = keeping and not (is_over and told)
                self.expected[event.id] = min(keeping) if kept else None
                told = told or not kept
        await self.site.decide()

    async def do_send(self, fails):
        self.site.fails = fails
        await self.do_decide()
        await self.site.finish()
        await self.check_roundups()

    async def do_wait(self, minutes):
        self.site.clock.now += minutes * MINUTE

    async def come_to_an_end(self):
        while any(one.phase(self.site.clock.now) is not Phase.PAST for one in await self.site.plans.all()):
            await self.do_end(0)
        self.site.clock.now += SETTLING
        for _ in range(3):
            await self.do_send(fails=False)
            self.site.clock.now += HOUR  # what has failed before is due again

    async def check_roundups(self):
        """Those that have just been sent say how things are now."""
        new, self.seen = self.site.roundups[self.seen :], len(self.site.roundups)
        ledger = [one for id_ in self.incidents for one in await self.site.outbox.of_incident(id_)]
        for notification in new:
            kept = [one for one in ledger if one.merged_into == int(notification.id.partition(".")[0])]
            assert kept
            parts = Counter()
            for id_ in {one.incident_id for one in kept}:
                now, number = await self.site.incidents.get(id_), self.incidents.index(id_)
                part = "Without an end" if not now.stateful else "Still open" if now.is_open(self.site.clock.now) else "Resolved"
                parts[part] += 1
                began = any(one.incident_id == id_ and one.version == 1 for one in kept)
                (line,) = [line for line in notification.text.splitlines() if f"incident-{number}-" in line]
                assert line.startswith(f"- [{now.level.value} ")
                assert ("(started " in line) == began
                section = notification.text[: notification.text.index(line)].splitlines()
                assert part == next(line for line in reversed(section) if line.endswith("):")).rpartition(" ")[0]
            assert {f"{name} ({count}):" for name, count in parts.items()} == {
                line for line in notification.text.splitlines() if line.endswith("):")
            }

    async def check_ledger(self):
        site, told = self.site, Counter(event.id for _, one in self.site.post.sent for event in one.events)
        roundups = {one.id: one for one in await site.outbox.listed(most=1000) if one.is_roundup}
        for id_ in self.incidents:
            rows = {one.event_id: one for one in await site.outbox.of_incident(id_)}
            for event in await site.incidents.journal(id_):
                one, keeping = rows[event.id], self.expected[event.id]
                assert keeping == one.maintenance_id
                if keeping is None:
                    assert (one.status in (DeliveryStatus.SENT, DeliveryStatus.MERGED), told[event.id]) == (True, 1)
                else:
                    assert (DeliveryStatus.SUPPRESSED, 0) == (one.status, told[event.id])
                    assert f"Planned maintenance {keeping} keeps it back." == one.reason
                    roundup = roundups[one.merged_into]
                    assert (DeliveryStatus.SENT, keeping) == (roundup.status, roundup.maintenance_id)
                    assert one.incident_id in {row.incident_id for row in await site.outbox.listed(maintenance_id=keeping, most=1000)}

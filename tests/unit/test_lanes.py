"""Lanes over any history: nothing that was decided is lost, nothing is told out of order, and what fails never blocks for ever."""

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from argus_core.conformance.outbox import make_post
from argus_core.domain.deliveries import DeliveryStatus, Outcome, Report
from argus_core.domain.incidents import EventType
from argus_core.memory import MemoryAccounts, MemoryIncidents, MemoryProfiles
from argus_core.memory.outbox import MemoryOutbox

LEASE = timedelta(minutes=2)
FINAL = {DeliveryStatus.SENT, DeliveryStatus.MERGED, DeliveryStatus.GIVEN_UP}


class Lanes(RuleBasedStateMachine):
    """Two incidents and one destination; sends that succeed, fail, are refused, remain unknown, or are never heard of again."""

    @initialize()
    def begin(self):
        self.now = datetime(2030, 3, 3, 12, tzinfo=UTC)
        accounts = MemoryAccounts(lambda: self.now)
        incidents = MemoryIncidents(accounts)
        outbox = MemoryOutbox(incidents, accounts, lambda: self.now)
        self.post = self.run(make_post(incidents, accounts, MemoryProfiles(accounts), outbox))
        self.incidents = [self.run(self.post.world.report()) for _ in range(2)]
        self.under_way = []
        self.arrived = {incident.id: [] for incident in self.incidents}

    def run(self, doing):
        return asyncio.run(doing)

    @rule(which=st.integers(0, 1))
    def something_happens(self, which):
        world = self.post.world
        self.run(world.service.post(self.incidents[which].id, EventType.OTHER, actor=world.person))

    @rule()
    def it_is_decided(self):
        self.run(self.post.decide())

    @rule(seconds=st.sampled_from([1, 20, 90, 150, 2_000]))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(most=st.integers(1, 2))
    def some_are_taken(self, most):
        taken = self.run(self.post.take(most, LEASE))
        held = {sending.incident_id for sending, until in self.under_way if until > self.now}
        assert not held & {sending.incident_id for sending in taken}, "two of one lane at once"
        self.under_way += [(sending, self.now + LEASE) for sending in taken]

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), outcome=st.sampled_from(Outcome), minutes=st.sampled_from([0, 1, 30]))
    def one_ends(self, data, outcome, minutes):
        sending, _ = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        report = Report(outcome=outcome, answer=outcome.value, seconds=1, again=timedelta(minutes=minutes))
        in_time = self.run(self.post.outbox.finish(sending, report))
        if outcome is Outcome.SENT or (outcome is Outcome.UNKNOWN and minutes):
            self._arrives(sending)
        assert in_time or self._passed_on(sending)

    @precondition(lambda self: self.under_way)
    @rule()
    def one_is_let_go(self):
        sending, _ = self.under_way.pop()
        self.run(self.post.outbox.release([sending]))

    @precondition(lambda self: self.under_way)
    @rule()
    def one_is_never_heard_of_again(self):
        self.under_way.pop(0)

    @rule()
    def what_waits_too_long_is_given_up(self):
        self.run(self.post.outbox.give_up(timedelta(minutes=20), {}))

    @invariant()
    def each_delivery_is_somewhere(self):
        for incident in self.incidents:
            deliveries = self.run(self.post.outbox.of_incident(incident.id))
            versions = [delivery.version for delivery in reversed(deliveries)]
            assert versions == list(range(1, len(versions) + 1)), "a delivery was lost, or decided twice"
            assert {delivery.status for delivery in deliveries} <= FINAL | {DeliveryStatus.WAITING}
            known = {delivery.id for delivery in deliveries}
            assert all(delivery.merged_into in known for delivery in deliveries if delivery.status is DeliveryStatus.MERGED)

    def teardown(self):
        """From here on everything works: soon nothing waits any more."""
        if not hasattr(self, "post"):
            return
        self.run(self.post.decide())
        for _ in range(10):
            self.now += timedelta(hours=1)
            for sending in self.run(self.post.take(9, LEASE)):
                self.run(self.post.outbox.finish(sending, Report(outcome=Outcome.SENT, answer="", seconds=1)))
                self._arrives(sending)
        for incident in self.incidents:
            assert {delivery.status for delivery in self.run(self.post.outbox.of_incident(incident.id))} <= FINAL, "something is blocked"

    def _arrives(self, sending):
        """The receiver drops repetitions; what is left comes in order."""
        arrived = self.arrived[sending.incident_id]
        if sending.newest.id not in arrived:
            assert all(earlier < sending.newest.id for earlier in arrived) or self._passed_on(sending), "told out of order"
            arrived.append(sending.newest.id)

    def _passed_on(self, sending):
        """Whether somebody else took the lane after the lease had run out, so that this is a late word."""
        lane = self.post.outbox._lanes.get((sending.incident_id, sending.destination_id))
        return lane is None or lane.attempt != sending.attempt


TestLanes = Lanes.TestCase
TestLanes.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

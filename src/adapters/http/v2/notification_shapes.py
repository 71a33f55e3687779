"""What API v2 answers about notifications: what became of them, and why somebody is told or not. All of it is beside the document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http.shown import Moment, Pk
from adapters.http.v2.profile_shapes import JsonObject
from argus_core.domain.decisions import FilterVerdict, Verdict
from argus_core.domain.deliveries import Delivery
from argus_core.domain.expressions import written
from argus_core.domain.filters import Explanation
from argus_core.domain.holds import Keeper
from argus_core.domain.incidents import Happening
from argus_core.usecases.notifications import DryRun, Explained

EventKind: TypeAlias = Literal["STA", "END", "CHI", "CLO", "REO", "ACK", "OTH", "LES", "end-reached", "ack-expired", "escalation-due"]
Count: TypeAlias = Annotated[int, Meta(ge=0)]

_KEPT_BY: Mapping[Keeper | None, Literal["budget", "digest", "flapping"]] = {
    Keeper.BUDGET: "budget",
    Keeper.DIGEST: "digest",
    Keeper.FLAPPING: "flapping",
}


class NamedOut(Struct, frozen=True):
    """A thing by its number and its name; the name of a profile may be null."""

    pk: Pk
    name: str | None


class AttemptOut(Struct, frozen=True):
    """One attempt to send: when it ended, what came of it, what the provider answered, and how many seconds it took."""

    number: Pk
    time: Moment
    outcome: Literal["sent", "failed", "refused", "unknown"]
    answer: str
    seconds: Annotated[float, Meta(ge=0)]


class DeliveryOut(Struct, frozen=True):
    """
    One event on its way to one destination.

    A test has neither incident nor event. `type` is that of the event. `merged_into` is the later delivery whose message told this one
    too. Of what waits, `reason` says what for. `maintenance` is the planned maintenance that kept it back; or that has, when it is a
    roundup, which has a `title` and no incident. What else kept something back is named by `kept_by`.
    """

    pk: Pk
    incident: Pk | None
    event: Pk | None
    user: Pk
    destination: Pk
    media: str
    address: str
    profiles: list[NamedOut]
    status: Literal["waiting", "sent", "merged", "given-up", "dropped", "off", "suppressed"]
    reason: str
    merged_into: Pk | None
    created: Moment
    finished: Moment | None
    attempts: list[AttemptOut]
    type: EventKind | UnsetType = UNSET
    maintenance: Pk | UnsetType = UNSET
    title: str | UnsetType = UNSET
    kept_by: Literal["budget", "digest", "flapping"] | UnsetType = UNSET


class ClauseOut(Struct, frozen=True):
    """
    A clause, whether it held, the same of its parts, and what is to be added.

    It is spelled like the key `expression` of a filter, but may say what can only be saved under other keys, such as a tag without `=`.
    """

    clause: JsonObject
    held: bool
    parts: "list[ClauseOut]"
    note: str


class FilterVerdictOut(Struct, frozen=True):
    """Whether a filter matches, and why; without `why` it is empty and matches nothing."""

    pk: Pk
    name: str
    held: bool
    why: ClauseOut | None


class VerdictOut(Struct, frozen=True):
    """
    Whether a profile fires, and what decides: whether it is active, its timeslot, its filters.

    `escalation` says what waiting has to do with it, `waits_until` is the moment until which it waits whether somebody takes notice.
    """

    pk: Pk
    name: str | None
    fired: bool
    active: bool
    timeslot: NamedOut
    in_timeslot: bool
    filters: list[FilterVerdictOut]
    escalation: str | UnsetType = UNSET
    waits_until: Moment | UnsetType = UNSET


class ExplanationOut(Struct, frozen=True):
    """
    What each of one's profiles, as they are now, says of an event, and the notifications that one got of it.

    `maintenance` ran when it was received: it keeps the event back, but not an end from whoever was told of the incident before.
    """

    event: Pk
    received: Moment
    profiles: list[VerdictOut]
    notifications: list[DeliveryOut]
    maintenance: NamedOut | UnsetType = UNSET


class FiredOut(Struct, frozen=True):
    """An event for which a profile would have fired."""

    incident: Pk
    description: str
    event: Pk
    type: EventKind
    timestamp: Moment
    received: Moment


class DryRunOut(Struct, frozen=True):
    """
    What a profile would have told since then, newest first; not `complete` when only the newest events were looked at.

    Planned maintenance would have `kept_back` so many more. So many of the events were `above_budget`, and told in roundups.
    With a `digest` they are told by that.
    """

    since: Moment
    looked_at: Count
    complete: bool
    events: list[FiredOut]
    kept_back: Count | UnsetType = UNSET
    above_budget: Count | UnsetType = UNSET
    digest: str | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class NotificationShapes:
    """Makes shapes; times are shown with the offset of the zone."""

    zone: ZoneInfo

    def deliveries(self, deliveries: Sequence[Delivery]) -> list[DeliveryOut]:
        """Deliveries."""
        return list(map(self._delivery, deliveries))

    def explanation(self, explained: Explained) -> ExplanationOut:
        """Why somebody is told or not."""
        return ExplanationOut(
            explained.event.id,
            self._at(explained.event.received),
            [self._verdict(verdict) for verdict in explained.verdicts],
            self.deliveries(explained.deliveries),
            NamedOut(explained.maintenance.id, explained.maintenance.title) if explained.maintenance else UNSET,
        )

    def dry_run(self, run: DryRun) -> DryRunOut:
        """What would have been told."""
        return DryRunOut(
            self._at(run.since),
            run.looked_at,
            run.complete,
            list(map(self._fired, run.fired)),
            run.kept_back or UNSET,
            run.above_budget or UNSET,
            str(run.digest) if run.digest else UNSET,
        )

    def _delivery(self, delivery: Delivery) -> DeliveryOut:
        return DeliveryOut(
            pk=delivery.id,
            incident=delivery.incident_id,
            event=delivery.event_id,
            user=delivery.owner,
            destination=delivery.destination_id,
            media=delivery.medium,
            address=delivery.address,
            profiles=[NamedOut(profile.id, profile.name) for profile in delivery.profiles],
            status=delivery.status.value,
            reason=delivery.reason,
            merged_into=delivery.merged_into,
            created=self._at(delivery.created),
            finished=self._at(delivery.finished) if delivery.finished else None,
            attempts=[
                AttemptOut(attempt.number, self._at(attempt.at), attempt.outcome.value, attempt.answer, attempt.seconds)
                for attempt in delivery.attempts
            ],
            type=UNSET if delivery.event_type is None else delivery.event_type.value,
            maintenance=UNSET if delivery.maintenance_id is None else delivery.maintenance_id,
            title=delivery.title or UNSET,
            kept_by=_KEPT_BY.get(delivery.keeper, UNSET),
        )

    def _fired(self, happening: Happening) -> FiredOut:
        incident, event = happening.incident, happening.event
        return FiredOut(incident.id, incident.description, event.id, event.type.value, self._at(event.timestamp), self._at(event.received))

    def _verdict(self, verdict: Verdict) -> VerdictOut:
        whole, waits_until = verdict.profile, verdict.waits_until
        return VerdictOut(
            pk=whole.profile.id,
            name=whole.profile.name,
            fired=verdict.fired,
            active=whole.profile.active,
            timeslot=NamedOut(whole.timeslot.id, whole.timeslot.name),
            in_timeslot=verdict.in_timeslot,
            filters=list(map(_filter_verdict, verdict.filters)),
            escalation=verdict.escalation or UNSET,
            waits_until=UNSET if waits_until is None else self._at(waits_until),
        )

    def _at(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)


def _filter_verdict(verdict: FilterVerdict) -> FilterVerdictOut:
    why = _clause(verdict.explanation) if verdict.explanation else None
    return FilterVerdictOut(verdict.filter.id, verdict.filter.name, verdict.held, why)


def _clause(explanation: Explanation) -> ClauseOut:
    return ClauseOut(written(explanation.clause), explanation.held, list(map(_clause, explanation.parts)), explanation.note)

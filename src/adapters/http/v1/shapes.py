"""What API v1 answers: flat shapes, exactly the keys that clients know. One key more and those in the field break."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http.shown import DISPLAYS, EndTime, EventCode, LevelNumber, Moment, Pk, joined
from argus_core.domain.accounts import User
from argus_core.domain.destinations import EMAIL, SMS, Destination
from argus_core.domain.profiles import WholeProfile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.sources import Source
from argus_core.domain.timeslots import Recurrence, Timeslot
from argus_core.ports.incidents import AckRow, EventRow, IncidentRow


class SourceTypeOut(Struct, frozen=True, gc=False):
    """A kind of source system."""

    name: str


class SourceOut(Struct, frozen=True, gc=False):
    """A program that reports incidents."""

    pk: Pk
    name: str
    type: SourceTypeOut
    user: Pk
    base_url: str


class MetadataOut(Struct, frozen=True, gc=False, rename={"source_systems": "sourceSystems"}):
    """What there is to choose from."""

    source_systems: list[SourceOut]


class TagOut(Struct, frozen=True, gc=False):
    """A tag on an incident, and who added it when."""

    added_by: Pk
    added_time: Moment
    tag: str


class BareTag(Struct, frozen=True, gc=False):
    """A tag."""

    tag: str


class IncidentOut(Struct, frozen=True, gc=False):
    """An incident. `end_time` is `"infinity"` while it has no end, null when it never has one."""

    pk: Pk
    start_time: Moment
    end_time: EndTime
    source: SourceOut
    source_incident_id: str
    details_url: str
    description: str
    level: LevelNumber
    ticket_url: str
    tags: list[TagOut]
    stateful: bool
    open: bool
    acked: bool


class IncidentPage(Struct, frozen=True, gc=False):
    """Some incidents, newest start first, and where their neighbours are."""

    next: str | None
    previous: str | None
    results: list[IncidentOut]


class IncidentCount(Struct, frozen=True, gc=False):
    """How many incidents there are, and of which it was asked."""

    count: Annotated[int, Meta(ge=0)]
    params: dict[str, str]


class ActorOut(Struct, frozen=True, gc=False):
    """A user as events show one."""

    pk: Pk
    username: str


class EventTypeOut(Struct, frozen=True, gc=False):
    """What kind of event, in short and in words."""

    value: EventCode
    display: str


class EventOut(Struct, frozen=True, gc=False):
    """Something that happened to an incident."""

    pk: Pk
    incident: Pk
    actor: ActorOut
    timestamp: Moment
    received: Moment
    type: EventTypeOut
    description: str


class AckOut(Struct, frozen=True, gc=False):
    """An acknowledgement; without expiration it holds for good."""

    pk: Pk
    event: EventOut
    expiration: Moment | None


class TicketOut(Struct, frozen=True, gc=False):
    """The address of an incident's ticket; empty when there is none."""

    ticket_url: str


class PhoneNumberOut(Struct, frozen=True, gc=False):
    """A phone number of somebody, as E.164."""

    pk: Pk
    user: Pk
    phone_number: str


class UserOut(Struct, frozen=True, gc=False):
    """A user as others see one."""

    username: str
    first_name: str
    last_name: str
    email: str


class OwnUserOut(Struct, frozen=True, gc=False):
    """The user who asks."""

    username: str
    first_name: str
    last_name: str
    email: str
    phone_numbers: list[PhoneNumberOut]


class TokenOut(Struct, frozen=True, gc=False):
    """A new token; it is never shown again."""

    token: str


class RecurrenceOut(Struct, frozen=True, gc=False):
    """Some weekdays, Monday being 1, and the hours of these days; `all_day` is there when that is all of them."""

    days: list[Annotated[int, Meta(ge=1, le=7)]]
    start: str
    end: str
    all_day: Literal[True] | UnsetType = UNSET


class TimeslotOut(Struct, frozen=True, gc=False):
    """When somebody wants to hear."""

    pk: Pk
    name: str
    time_recurrences: list[RecurrenceOut]


class DefinitionOut(Struct, frozen=True, gc=False, rename={"source_system_ids": "sourceSystemIds"}):
    """What a filter asks for. Null does not matter; sources, tags and event type are there when they were given."""

    open: bool | None
    acked: bool | None
    stateful: bool | None
    maxlevel: LevelNumber | None
    source_system_ids: list[Pk] | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    event_type: EventCode | UnsetType = UNSET


class FilterOut(Struct, frozen=True, gc=False):
    """A filter; `filter_string` holds its sources and tags as JSON."""

    pk: Pk
    name: str
    filter_string: str
    filter: DefinitionOut


class ProfileOut(Struct, frozen=True, gc=False):
    """When, about what and where somebody wants to be told: by e-mail to the address of the account, or to a phone."""

    pk: Pk
    timeslot: TimeslotOut
    filters: list[FilterOut]
    media: list[Literal["EM", "SM"]]
    active: bool
    phone_number: PhoneNumberOut | None


_TYPES = {type_: EventTypeOut(type_.value, display) for type_, display in DISPLAYS.items()}  # type: ignore[arg-type]  # the internal ones are not in


@dataclass(frozen=True, slots=True)
class Shapes:
    """Makes shapes of rows; times are shown with the offset of the zone."""

    zone: ZoneInfo

    def incident(self, row: IncidentRow, now: datetime) -> IncidentOut:
        """One incident."""
        return self.incidents([row], now)[0]

    def incidents(self, rows: Sequence[IncidentRow], now: datetime) -> list[IncidentOut]:
        """Many incidents; each source is made once."""
        sources: dict[int, SourceOut] = {}
        shown: list[IncidentOut] = []
        for row in rows:
            source = sources.get(row.source_id)
            if source is None:
                type_ = SourceTypeOut(row.source_type)
                source = SourceOut(row.source_id, row.source_name, type_, row.source_user_id, row.source_base_url)
                sources[row.source_id] = source
            end, stateful, details_url = row.end_time, row.stateful, row.details_url
            shown.append(
                IncidentOut(
                    row.id,
                    row.start_time.astimezone(self.zone),
                    end.astimezone(self.zone) if end is not None else "infinity" if stateful else None,
                    source,
                    row.source_incident_id,
                    joined(source.base_url, details_url),
                    row.description,
                    row.level,
                    row.ticket_url,
                    self._tags(row),
                    stateful,
                    stateful and (end is None or end > now),
                    row.acked_until is not None and row.acked_until > now,
                )
            )
        return shown

    def event(self, row: EventRow) -> EventOut:
        """One event."""
        zone = self.zone
        actor = ActorOut(row.actor_id, row.username)
        timestamp, received = row.timestamp.astimezone(zone), row.received.astimezone(zone)
        return EventOut(row.id, row.incident_id, actor, timestamp, received, _TYPES[row.type], row.description)

    def ack(self, row: AckRow) -> AckOut:
        """One acknowledgement."""
        return AckOut(row.event.id, self.event(row.event), row.expiration and row.expiration.astimezone(self.zone))

    def _tags(self, row: IncidentRow) -> list[TagOut]:
        """The tags; a time is converted once where it repeats, as those of an incident do."""
        last, local = row.start_time, row.start_time.astimezone(self.zone)
        tags: list[TagOut] = []
        for tag, by, at in zip(row.tags, row.tags_by, row.tags_at, strict=True):
            if at != last:
                last, local = at, at.astimezone(self.zone)
            tags.append(TagOut(by, local, tag))
        return tags


def source_out(source: Source) -> SourceOut:
    """One source."""
    return SourceOut(source.id, source.name, SourceTypeOut(source.type), source.user_id, source.base_url)


def user_out(user: User) -> UserOut:
    """One user."""
    return UserOut(user.username, user.first_name, user.last_name, user.email)


def own_user_out(user: User, destinations: Iterable[Destination]) -> OwnUserOut:
    """The user who asks."""
    return OwnUserOut(user.username, user.first_name, user.last_name, user.email, phone_numbers_out(destinations))


def phone_number_out(destination: Destination) -> PhoneNumberOut:
    """One phone number."""
    return PhoneNumberOut(destination.id, destination.owner, str(destination.settings["phone_number"]))


def phone_numbers_out(destinations: Iterable[Destination]) -> list[PhoneNumberOut]:
    """The phone numbers among these destinations."""
    return [phone_number_out(destination) for destination in destinations if destination.medium == SMS]


def timeslot_out(timeslot: Timeslot) -> TimeslotOut:
    """One timeslot; what only newer versions can say of it is left out."""
    return TimeslotOut(timeslot.id, timeslot.name, [_recurrence_out(recurrence) for recurrence in timeslot.recurrences])


def filter_out(filter_: SavedFilter) -> FilterOut:
    """One filter; what only newer versions can say of it is left out."""
    definition = filter_.definition
    string = json.dumps({"sourceSystemIds": definition.source_ids or (), "tags": definition.tags or ()}, ensure_ascii=False)
    return FilterOut(filter_.id, filter_.name, string, _definition_out(definition))


def profile_out(whole: WholeProfile) -> ProfileOut:
    """One profile; of several phone numbers the first is shown, other destinations are left out."""
    numbers = phone_numbers_out(whole.destinations)
    media: list[Literal["EM", "SM"]] = []
    if any(destination.medium == EMAIL and destination.synced for destination in whole.destinations):
        media.append("EM")
    if numbers:
        media.append("SM")
    return ProfileOut(
        whole.profile.id,
        timeslot_out(whole.timeslot),
        [filter_out(filter_) for filter_ in whole.filters],
        media,
        whole.profile.active,
        numbers[0] if numbers else None,
    )


def _recurrence_out(recurrence: Recurrence) -> RecurrenceOut:
    start, end = recurrence.start.isoformat(), recurrence.end.isoformat()
    return RecurrenceOut(sorted(recurrence.days), start, end, True if recurrence.all_day else UNSET)


def _definition_out(definition: FilterDefinition) -> DefinitionOut:
    return DefinitionOut(
        open=definition.open,
        acked=definition.acked,
        stateful=definition.stateful,
        maxlevel=definition.max_level,
        source_system_ids=UNSET if definition.source_ids is None else list(definition.source_ids),
        tags=UNSET if definition.tags is None else list(definition.tags),
        event_type=UNSET if definition.event_type is None else definition.event_type.value,  # type: ignore[arg-type]  # none is internal
    )

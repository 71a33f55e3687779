"""What API v2 answers: flat shapes, exactly the keys that clients know. One key more and those in the field break."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http.shown import DISPLAYS, AnyJson, EndTime, EventCode, LevelNumber, Moment, Pk, WhatIsWrong, joined
from argus_core.domain.accounts import User
from argus_core.domain.sources import Source
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
    metadata: AnyJson
    tags: list[TagOut]
    stateful: bool
    open: bool
    acked: bool


class IncidentPage(Struct, frozen=True, gc=False):
    """Some incidents, newest start first, and where their neighbours are; with `count=true` also how many there are on all pages."""

    next: str | None
    previous: str | None
    results: list[IncidentOut]
    count: Annotated[int, Meta(ge=0)] | UnsetType = UNSET


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


class AckChangeOut(Struct, frozen=True, gc=False):
    """What became of one incident of many."""

    ack: AckOut | None
    status: Literal[201, 400]
    errors: WhatIsWrong


class EventChangeOut(Struct, frozen=True, gc=False):
    """What became of one incident of many."""

    event: EventOut | None
    status: Literal[201, 400]
    errors: WhatIsWrong


class TicketChangeOut(Struct, frozen=True, gc=False):
    """What became of one incident of many."""

    ticket_url: str | None
    status: Literal[201, 400]
    errors: WhatIsWrong


class AckChangesOut(Struct, frozen=True, gc=False):
    """What became of each incident, by its pk."""

    changes: dict[str, AckChangeOut]


class EventChangesOut(Struct, frozen=True, gc=False):
    """What became of each incident, by its pk."""

    changes: dict[str, EventChangeOut]


class TicketChangesOut(Struct, frozen=True, gc=False):
    """What became of each incident, by its pk."""

    changes: dict[str, TicketChangeOut]


class UserOut(Struct, frozen=True, gc=False):
    """A user as others see one."""

    username: str
    first_name: str
    last_name: str
    email: str


class OwnUserOut(Struct, frozen=True, gc=False):
    """The user who asks; `admin_url` is null unless staff."""

    username: str
    first_name: str
    last_name: str
    email: str
    admin_url: str | None


class TokenOut(Struct, frozen=True, gc=False):
    """A new token; it is never shown again."""

    token: str


class ExpiringTokenOut(Struct, frozen=True, gc=False):
    """A new token, never shown again, and when it runs out."""

    expiry: Moment | None
    token: str


_TYPES = {type_: EventTypeOut(type_.value, display) for type_, display in DISPLAYS.items()}  # type: ignore[arg-type]  # the internal ones are not in


@dataclass(frozen=True, slots=True)
class Shapes:
    """Makes shapes of rows; times are shown with the offset of the zone."""

    zone: ZoneInfo

    def incident(self, row: IncidentRow, now: datetime) -> IncidentOut:
        """One incident."""
        return self.incidents([row], now)[0]

    def incidents(self, rows: Sequence[IncidentRow], now: datetime) -> list[IncidentOut]:
        """
        Many incidents, as fast as Python can: this is what lists spend their time with.

        Sources are made once each, and a time is converted once where it repeats, as the times of an incident's tags do.
        """
        zone = self.zone
        sources: dict[int, SourceOut] = {}
        shown: list[IncidentOut] = []
        # fmt: off
        for (
            id_, _, start, end, stateful, source_id, source_name, source_type, source_user_id, base_url, key, details_url, description,
            level, ticket_url, metadata, texts, tags_by, tags_at, acked_until,
        ) in rows:
            # fmt: on
            source = sources.get(source_id)
            if source is None:
                source = SourceOut(source_id, source_name, SourceTypeOut(source_type), source_user_id, base_url)
                sources[source_id] = source
            together = bool(tags_at) and tags_at.count(tags_at[0]) == len(tags_at)
            shown_at = repeat(tags_at[0].astimezone(zone)) if together else [at.astimezone(zone) for at in tags_at]
            shown.append(
                IncidentOut(
                    id_,
                    start.astimezone(zone),
                    end.astimezone(zone) if end is not None else "infinity" if stateful else None,
                    source,
                    key,
                    joined(base_url, details_url),
                    description,
                    level,
                    ticket_url,
                    metadata,
                    list(map(TagOut, tags_by, shown_at, texts)),
                    stateful,
                    stateful and (end is None or end > now),
                    acked_until is not None and acked_until > now,
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


def source_out(source: Source) -> SourceOut:
    """One source."""
    return SourceOut(source.id, source.name, SourceTypeOut(source.type), source.user_id, source.base_url)


def user_out(user: User) -> UserOut:
    """One user."""
    return UserOut(user.username, user.first_name, user.last_name, user.email)

"""What the people of a demo want to be told, when and how: their notification profiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from adapters.demo.history import ZONE, Cast
from argus_core.domain.actors import Actor
from argus_core.domain.destinations import EMAIL, SMS
from argus_core.domain.ids import DestinationId, FilterId, TimeslotId
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.profiles import Belongings
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.timeslots import EVERY_DAY, Recurrence
from argus_core.usecases.profiles import ProfileService

BEGINNING_AND_END = (EventType.START, EventType.END, EventType.CLOSE, EventType.REOPEN)
WEEKDAYS, WEEKEND = frozenset(range(1, 6)), frozenset({6, 7})

ALWAYS = "All the time"
"""The timeslot that everybody has."""

SLOTS = {
    "Office hours": (Recurrence(days=WEEKDAYS, start=time(7, 30), end=time(16)),),
    "Nights and weekends": (
        Recurrence(days=WEEKDAYS, start=time(16), end=time(7, 30), ends_next_day=True),
        Recurrence(days=WEEKEND),
    ),
    "Mornings": (Recurrence(days=EVERY_DAY, start=time(7), end=time(10)),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Somebody's profile and its one filter, which has the same name; `phone` is for text messages instead of mail."""

    who: str
    name: str
    slot: str = ALWAYS
    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] | None = None
    worst: Level | None = None
    events: tuple[EventType, ...] | None = BEGINNING_AND_END
    phone: str = ""


WATCHES = (
    Watch(who="ingrid", name="Everything critical", worst=Level.CRITICAL, events=None),
    Watch(who="ingrid", name="Bergen", slot="Office hours", tags=("location=Bergen",), worst=Level.MODERATE),
    Watch(who="lars", name="Backbone", sources=("zino-backbone", "nav-north", "nav-south"), worst=Level.MODERATE),
    Watch(who="mari", name="Servers", slot="Office hours", sources=("zabbix-servers", "prometheus-platform"), worst=Level.MODERATE),
    Watch(who="ole", name="On call", slot="Nights and weekends", worst=Level.HIGH),
    Watch(who="kari", name="Wake me up", slot="Nights and weekends", worst=Level.CRITICAL, events=(EventType.START,), phone="+4791234567"),
    Watch(who="kari", name="Machine rooms", sources=("zabbix-facilities",), events=None),
    Watch(who="nils", name="The far north", tags=("location=Tromsø", "location=Alta", "location=Kautokeino", "location=Harstad")),
    Watch(who="sofie", name="Services", sources=("nagios-services",)),
    Watch(who="jonas", name="Wireless", slot="Mornings", sources=("prometheus-campus",)),
)


async def give_profiles(service: ProfileService, cast: Cast) -> None:
    """Give their profiles to those who have none; what belongs to them already is used."""
    for who in dict.fromkeys(watch.who for watch in WATCHES):
        owner = cast.people[who]
        if not (await service.belongings(owner.id)).profiles:
            for watch in WATCHES:
                if watch.who == who:
                    await _give(service, cast, owner, watch)


async def _give(service: ProfileService, cast: Cast, owner: Actor, watch: Watch) -> None:
    present = await service.belongings(owner.id)
    await service.add_profile(
        owner,
        name=watch.name,
        timeslot_id=await _timeslot(service, present, owner, watch.slot),
        filter_ids=[await _filter(service, present, owner, watch, cast)],
        destination_ids=await _destinations(service, present, owner, watch),
    )


async def _timeslot(service: ProfileService, present: Belongings, owner: Actor, name: str) -> TimeslotId:
    if found := next((slot for slot in present.timeslots if slot.name == name), None):
        return found.id
    recurrences = SLOTS.get(name, (Recurrence(days=EVERY_DAY),))
    return (await service.add_timeslot(owner, name=name, recurrences=recurrences, zone=str(ZONE))).id


async def _filter(service: ProfileService, present: Belongings, owner: Actor, watch: Watch, cast: Cast) -> FilterId:
    if found := next((filter_ for filter_ in present.filters if filter_.name == watch.name), None):
        return found.id
    definition = FilterDefinition(
        source_ids=tuple(cast.sources[name].id for name in watch.sources) or None,
        tags=watch.tags,
        max_level=watch.worst,
        event_types=watch.events,
    )
    return (await service.add_filter(owner, name=watch.name, definition=definition)).id


async def _destinations(service: ProfileService, present: Belongings, owner: Actor, watch: Watch) -> Sequence[DestinationId]:
    medium = SMS if watch.phone else EMAIL
    if found := [destination.id for destination in present.destinations if destination.medium == medium]:
        return found[:1]
    if not watch.phone:
        return ()
    return [(await service.add_destination(owner, medium=SMS, settings={"phone_number": watch.phone}, label="Telephone")).id]

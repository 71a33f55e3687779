"""Users, tokens, sources, and what people own, from the JSON files of a data set."""

import itertools
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar, assert_never

import msgspec

from adapters.db.populations import Population
from adapters.keys import secret_of
from adapters.neutral.files import BIGGEST_ID
from adapters.refusals import UNREADABLE, Refusal
from argus_core.domain.accounts import Token, User, check_user
from argus_core.domain.destinations import EMAIL, LABEL_LENGTH, Destination, synced_email
from argus_core.domain.digests import parse_digest
from argus_core.domain.errors import Invalid
from argus_core.domain.expressions import parse
from argus_core.domain.ids import DestinationId, FilterId, ProfileId, SourceId, TimeslotId, TokenId, UserId
from argus_core.domain.incidents import EventType
from argus_core.domain.limits import DESCRIPTION_BYTES, text_problem
from argus_core.domain.profiles import NAME_LENGTH, Belonging, Belongings, Profile, belongings_of
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.sources import Source, check_source, check_source_type
from argus_core.domain.tags import Tag
from argus_core.domain.timeslots import Recurrence, Timeslot, all_the_time, check_recurrences, check_zone
from argus_core.ports.media import Media
from argus_core.usecases.profiles import check_name

WORLD = "world.json"
TOKEN = "imported"  # noqa: S105 - a name
"""The name of the tokens of people; one of a source is called like the source."""

Id: TypeAlias = Annotated[int, msgspec.Meta(gt=0, le=BIGGEST_ID)]
LocalTime: TypeAlias = Annotated[time, msgspec.Meta(tz=False)]
MaxLevel: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=5)]


class UserIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who can log in or has a token."""

    id: Id
    username: str
    token: str | None = None
    superuser: bool = False
    staff: bool = False
    active: bool = True
    email: str = ""
    first_name: str = ""
    last_name: str = ""


class SourceIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source with its user."""

    id: Id
    name: str
    type: str
    user_id: Id
    username: str
    base_url: str = ""
    token: str | None = None


class WorldIn(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of `world.json`; the rest of it is for benchmarks."""

    users: list[UserIn]
    sources: list[SourceIn]
    dataset: dict[str, int | str] = {}


class TimeslotIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A timeslot of one recurrence."""

    id: Id
    user_id: Id
    name: str
    days: list[int]
    start: LocalTime
    end: LocalTime
    zone: str | None = None


class DefinitionIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"source_ids": "sourceSystemIds"}):
    """What a filter asks for, as the API spells it."""

    source_ids: list[Id] | None = None
    tags: list[str] | None = None
    open: bool | None = None
    acked: bool | None = None
    stateful: bool | None = None
    maxlevel: MaxLevel | None = None
    event_type: EventType | None = None
    event_types: list[EventType] | None = None
    expression: dict[str, Any] | None = None


class FilterIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A filter."""

    id: Id
    user_id: Id
    name: str
    filter: DefinitionIn


class DestinationIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A destination; the settings may say that it is `synced`."""

    id: Id
    user_id: Id
    media: str
    settings: dict[str, Any]
    label: str | None = None


class ProfileIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A notification profile."""

    id: Id
    user_id: Id
    name: str | None
    timeslot: int
    filters: list[int]
    destinations: list[int]
    active: bool = True
    digest: str = ""
    escalate_after: Annotated[int, msgspec.Meta(ge=1, le=1440)] | None = None


_In = TypeVar("_In", bound=msgspec.Struct)
_Owned = TypeVar("_Owned", TimeslotIn, FilterIn, DestinationIn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the files do not say: when it is, which ids are free, and what this installation is like."""

    now: datetime
    token_ids: Iterator[int]
    belonging_ids: Iterator[int]
    zone: str
    media: Media


class Files:
    """The JSON files of a data set, each as it is. Of profiles so many are taken, with their owners and what these own; None is all."""

    def __init__(self, folder: Path, profiles: int | None) -> None:
        self.world = _world(folder)
        self.profiles = list(itertools.islice(_lines(folder / "profiles.jsonl", ProfileIn), profiles))
        owners = None if profiles is None else {profile.user_id for _, profile in self.profiles}
        self.users = [(f"{WORLD}, users[{index}]", user) for index, user in enumerate(self.world.users)]
        self.users += [one for one in _lines(folder / "profile_users.jsonl", UserIn) if owners is None or one[1].id in owners]
        self.timeslots = _owned(_lines(folder / "timeslots.jsonl", TimeslotIn), owners)
        self.filters = _owned(_lines(folder / "filters.jsonl", FilterIn), owners)
        self.destinations = _owned(_lines(folder / "destinations.jsonl", DestinationIn), owners)

    @property
    def belonging_ids(self) -> Iterable[int]:
        """The ids of what people own."""
        return [thing.id for things in (self.timeslots, self.filters, self.destinations, self.profiles) for _, thing in things]

    def population(self, here: Circumstances) -> Population:
        """
        Everybody as they are to be, with what every user has from the start.

        Raises:
            Refusal: something cannot be, or is there twice; its place is named.
        """
        sources = [(f"{WORLD}, sources[{index}]", source) for index, source in enumerate(self.world.sources)]
        users = [(place, _user(place, user)) for place, user in self.users]
        users += [(place, _user(place, UserIn(id=source.user_id, username=source.username))) for place, source in sources]
        _once(((place, user.id) for place, user in users), "id of a user")
        _once(((place, user.username) for place, user in users), "username")
        _once(((place, source.id) for place, source in sources), "id of a source")
        _once(((place, (source.type, source.name)) for place, source in sources), "name of a source of this type")
        keys = [(place, user.id, TOKEN, user.token) for place, user in self.users]
        keys += [(place, source.user_id, source.name, source.token) for place, source in sources]
        for place, _, _, key in keys:
            _check_key(place, key or "")
        _once(((place, key) for place, _, _, key in keys if key), "token")
        owners = {user.id for _, user in users}
        return Population(
            users=tuple(user for _, user in users),
            tokens=tuple(_token(here, user_id, name, key) for _, user_id, name, key in keys if key),
            source_types=tuple(sorted({source.type for _, source in sources})),
            sources=tuple(_source(place, source) for place, source in sources),
            belongings=tuple(self._belongings(here, owners, [user for _, user in users])),
        )

    def _belongings(self, here: Circumstances, owners: set[UserId], users: Sequence[User]) -> Iterator[Belonging]:
        placed: list[tuple[str, Belonging]] = [
            *((place, _timeslot(place, timeslot, here.zone)) for place, timeslot in self.timeslots),
            *((place, _filter(place, filter_)) for place, filter_ in self.filters),
            *((place, _destination(place, destination, here.media)) for place, destination in self.destinations),
            *((place, _profile(place, profile)) for place, profile in self.profiles),
        ]
        _once(((place, (type(thing), thing.id)) for place, thing in placed), "id")
        for place, thing in placed:
            if thing.owner not in owners:
                raise Refusal(f"{place}, user_id: There is no user {thing.owner} in {WORLD} or profile_users.jsonl.")
        everybodys = belongings_of(sorted((thing for _, thing in placed), key=lambda thing: thing.id))
        for place, thing in placed:
            with _at(place):
                _check(thing, everybodys[thing.owner])
        yield from (thing for _, thing in placed)
        for user in users:
            yield from _from_the_start(user, everybodys.get(user.id, Belongings()), here)


def _from_the_start(user: User, owned: Belongings, here: Circumstances) -> Iterator[Belonging]:
    """What every user has, unless the files bring it."""
    always = all_the_time(TimeslotId(next(here.belonging_ids)), user.id, here.zone)
    if all(timeslot.name != always.name for timeslot in owned.timeslots):
        yield always
    if user.email and not any(destination.synced for destination in owned.destinations):
        yield synced_email(DestinationId(next(here.belonging_ids)), user.id, user.email)


def _check(thing: Belonging, owned: Belongings) -> None:
    match thing:
        case Timeslot():
            owned.check_timeslot(thing)
        case SavedFilter():
            owned.check_filter(thing)
        case Destination():
            owned.check_destination(thing)
        case Profile():
            owned.check_profile(thing)
        case _:
            assert_never(thing)


def _user(place: str, user: UserIn) -> User:
    with _at(place):
        check_user(user.username, user.email, user.first_name, user.last_name)
    return User(
        id=UserId(user.id),
        username=user.username,
        first_name=user.first_name,
        last_name=user.last_name,
        email=user.email,
        active=user.active,
        staff=user.staff,
        superuser=user.superuser,
    )


def _source(place: str, source: SourceIn) -> Source:
    with _at(place):
        check_source(source.name, source.base_url)
    with _at(f"{place}, type"):
        check_source_type(source.type)
    return Source(id=SourceId(source.id), name=source.name, type=source.type, user_id=UserId(source.user_id), base_url=source.base_url)


def _check_key(place: str, key: str) -> None:
    if problem := text_problem(key, DESCRIPTION_BYTES):
        raise Refusal(f"{place}, token: {problem}")


def _token(here: Circumstances, user_id: int, name: str, key: str) -> Token:
    secret = secret_of(key)
    return Token(
        id=TokenId(next(here.token_ids)),
        user_id=UserId(user_id),
        name=name,
        prefix=secret.prefix,
        digest=secret.digest,
        created=here.now,
        expires=None,
    )


def _timeslot(place: str, timeslot: TimeslotIn, zone: str) -> Timeslot:
    recurrence = Recurrence(days=frozenset(timeslot.days), start=timeslot.start, end=timeslot.end)
    with _at(place):
        check_name(timeslot.name, NAME_LENGTH)
        check_recurrences([recurrence])
        check_zone(timeslot.zone or zone)
    return Timeslot(
        id=TimeslotId(timeslot.id),
        owner=UserId(timeslot.user_id),
        name=timeslot.name,
        zone=timeslot.zone or zone,
        recurrences=(recurrence,),
    )


def _filter(place: str, filter_: FilterIn) -> SavedFilter:
    asked = filter_.filter
    with _at(place):
        check_name(filter_.name, NAME_LENGTH)
    with _at(f"{place}, filter"):
        for tag in asked.tags or ():
            Tag.parse(tag)
        expression = None if asked.expression is None else parse(asked.expression)
    definition = FilterDefinition(
        source_ids=None if asked.source_ids is None else tuple(map(SourceId, asked.source_ids)),
        tags=None if asked.tags is None else tuple(asked.tags),
        open=asked.open,
        acked=asked.acked,
        stateful=asked.stateful,
        max_level=asked.maxlevel,
        event_type=asked.event_type,
        event_types=None if asked.event_types is None else tuple(asked.event_types),
        expression=expression,
    )
    return SavedFilter(id=FilterId(filter_.id), owner=UserId(filter_.user_id), name=filter_.name, definition=definition)


def _destination(place: str, destination: DestinationIn, media: Media) -> Destination:
    enabled = media.get(destination.media)
    if enabled is None or enabled.medium is None:
        raise Refusal(f"{place}, media: {media.why_waits(destination.media)}")
    given = dict(destination.settings)
    synced = given.pop("synced", False) is True
    with _at(f"{place}, settings"):
        settings = enabled.medium.clean(given)
    with _at(place):
        if destination.label is not None:
            check_name(destination.label or "-", LABEL_LENGTH, "label")
    return Destination(
        id=DestinationId(destination.id),
        owner=UserId(destination.user_id),
        medium=destination.media,
        settings=settings,
        label=destination.label,
        synced=synced and destination.media == EMAIL,
    )


def _profile(place: str, profile: ProfileIn) -> Profile:
    with _at(place):
        if profile.name is not None:
            check_name(profile.name, NAME_LENGTH)
        digest = parse_digest(profile.digest)
    return Profile(
        id=ProfileId(profile.id),
        owner=UserId(profile.user_id),
        name=profile.name,
        timeslot_id=TimeslotId(profile.timeslot),
        filter_ids=tuple(map(FilterId, sorted(set(profile.filters)))),
        destination_ids=tuple(map(DestinationId, sorted(set(profile.destinations)))),
        active=profile.active,
        digest=digest,
        escalate_after=None if profile.escalate_after is None else timedelta(minutes=profile.escalate_after),
    )


def _world(folder: Path) -> WorldIn:
    try:
        return msgspec.json.decode((folder / WORLD).read_bytes(), type=WorldIn)
    except OSError as error:
        raise Refusal(f"The file {folder / WORLD} cannot be read: {error.strerror}.") from error
    except UNREADABLE as error:
        raise Refusal(_placed(WORLD, error)) from error


def _lines(file: Path, shape: type[_In]) -> Iterator[tuple[str, _In]]:
    """The objects of a file that may be absent, each with its place."""
    if not file.exists():
        return
    decode = msgspec.json.Decoder(shape).decode
    with file.open("rb") as opened:
        for number, line in enumerate(opened, 1):
            place = f"{file.name}, line {number}"
            try:
                yield place, decode(line)
            except UNREADABLE as error:
                raise Refusal(_placed(place, error)) from error


def _owned(things: Iterator[tuple[str, _Owned]], owners: set[int] | None) -> list[tuple[str, _Owned]]:
    return [(place, thing) for place, thing in things if owners is None or thing.user_id in owners]


def _once(things: Iterable[tuple[str, Hashable]], what: str) -> None:
    seen: dict[Hashable, str] = {}
    for place, thing in things:
        if thing in seen:
            raise Refusal(f"{place}: {seen[thing]} has the same {what}; give each its own.")
        seen[thing] = place


@contextmanager
def _at(place: str) -> Iterator[None]:
    """What the domain says is said of this place."""
    try:
        yield
    except Invalid as invalid:
        (field, problem), *_ = invalid.errors.items()
        raise Refusal(f"{place}{f', {field}' if field else ''}: {problem}") from invalid


def _placed(place: str, error: Exception) -> str:
    text, _, where = str(error).partition(" - at ")
    where = where.strip("`").removeprefix("$").removeprefix(".")
    return f"{place}{f', {where}' if where else ''}: {text}."

"""
The stores in dicts: for embedders and for tests.

They keep every promise of the ports but one: what they hold ends with the process. One event loop may use them; what happens between two
`await`s happens at once.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from argus_core.domain.accounts import Credential, Token, User, actor_of
from argus_core.domain.audit import Entry, Record
from argus_core.domain.destinations import Destination, synced_email
from argus_core.domain.errors import DomainError, NameTaken, NotFound, Unauthenticated
from argus_core.domain.filters import Condition, holds
from argus_core.domain.ids import DestinationId, EventId, IncidentId, MaintenanceId, SourceId, TimeslotId, TokenId, UserId
from argus_core.domain.incidents import Event, EventType, Happening, Incident, Level, rewound
from argus_core.domain.limits import EARLIEST
from argus_core.domain.maintenance import Maintenance
from argus_core.domain.profiles import Belonging, Belongings, together, without
from argus_core.domain.saved_filters import SharedFilter
from argus_core.domain.sessions import Session
from argus_core.domain.sources import Source
from argus_core.domain.timeslots import Timeslot
from argus_core.domain.transitions import MOST_EVENTS_PER_CHANGE, Change, EventIds, Timer, TimerKind
from argus_core.ports.accounts import Accounts, AccountsWork
from argus_core.ports.incidents import (
    NEWEST,
    AckRow,
    Appended,
    Decide,
    EventRow,
    IncidentRow,
    Incidents,
    Order,
    Page,
    Position,
    event_row,
    incident_row,
)
from argus_core.ports.profiles import STILL_KNOWN, Edition, Profiles, ProfilesWork
from argus_core.ports.tickets import TicketClaims

BETWEEN_USES = timedelta(minutes=1)

NO_INCIDENT = "No Incident matches the given query."
NO_EVENT = "No Event matches the given query."
NO_ACK = "No Acknowledgement matches the given query."


def utc_now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)  # noqa: TID251 - an in-memory store has no other clock to offer


class MemoryAccounts(Accounts):
    """Accounts in dicts. Work that fails leaves them as they were."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self.tables = _Tables()

    @asynccontextmanager
    async def begin_tables(self) -> AsyncIterator["_Tables"]:
        """A copy of everything, kept when the block ends normally."""
        tables = self.tables.copy()
        yield tables
        self.tables = tables

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[AccountsWork]:
        async with self.begin_tables() as tables:
            yield MemoryWork(tables, self._clock)

    def begin(self) -> AbstractAsyncContextManager[AccountsWork]:
        """See the port. Work that runs beside other work overwrites it: one after the other, please."""
        return self._begin()

    async def credential(self, digest: bytes) -> Credential | None:
        """See the port."""
        tables = self.tables
        token = next((token for token in tables.tokens.values() if token.digest == digest), None)
        if token is None or not self.is_live(token.id):
            return None
        source = next((source for source in tables.sources.values() if source.user_id == token.user_id), None)
        return Credential(token.id, actor_of(tables.users[token.user_id], source, token.scope), token.expires)

    async def note_uses(self, token_ids: Sequence[TokenId]) -> None:
        """See the port."""
        now = self._clock()
        for token in [self.tables.tokens[token_id] for token_id in token_ids if token_id in self.tables.tokens]:
            if token.used is None or token.used < now - BETWEEN_USES:
                self.tables.tokens[token.id] = replace(token, used=now)

    async def now(self) -> datetime:
        """See the port."""
        return self._clock()

    def is_live(self, token_id: TokenId) -> bool:
        """Whether the token and its user are."""
        token = self.tables.tokens.get(token_id)
        return token is not None and token.is_live(self._clock()) and self.tables.users[token.user_id].active

    def since(self, generation: int) -> Edition:
        """What is newer than that."""
        return self.tables.since(generation, self._clock())

    def note(self, entry: Entry) -> None:
        """Put something into the audit log that was done beside the accounts."""
        self.tables.note(entry, self._clock())

    def source(self, source_id: SourceId) -> Source | None:
        """The source as it is called now."""
        return self.tables.sources.get(source_id)


class _Tables:
    """Everything accounts consist of, by id."""

    def __init__(self) -> None:
        self.ids = itertools.count(1)
        self.users: dict[UserId, User] = {}
        self.tokens: dict[TokenId, Token] = {}
        self.source_types: set[str] = set()
        self.sources: dict[SourceId, Source] = {}
        self.belongings: dict[UserId, Belongings] = {}
        self.generations: dict[UserId, int] = {}
        self.maintenances: dict[MaintenanceId, Maintenance] = {}
        self.thresholds: dict[SourceId, str] = {}
        self.audit: list[Record] = []
        self.record_numbers = itertools.count(1)
        self.sessions: dict[bytes, Session] = {}
        self.identities: dict[tuple[str, str], UserId] = {}

    def copy(self) -> "_Tables":
        twin = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | list | set):
                setattr(twin, name, copy(value))
        return twin

    def note(self, entry: Entry, now: datetime) -> None:
        self.audit.append(Record(id=next(self.record_numbers), created=now, entry=entry))

    def of(self, owner: UserId) -> Belongings:
        return self.belongings.get(owner, Belongings())

    def keep(self, thing: Belonging) -> None:
        self.belongings[thing.owner] = together(self.of(thing.owner), thing)
        self.raise_generation(thing.owner)

    def drop(self, thing: Belonging) -> None:
        self.belongings[thing.owner] = without(self.of(thing.owner), thing)
        self.raise_generation(thing.owner)

    def raise_generation(self, owner: UserId) -> None:
        self.generations[owner] = max(self.generations.values(), default=0) + 1

    def end_sessions(self, user_id: UserId) -> None:
        self.sessions = {digest: session for digest, session in self.sessions.items() if session.user_id != user_id}

    def since(self, generation: int, now: datetime) -> Edition:
        newer = [owner for owner, number in self.generations.items() if number > generation]
        newest = max(self.generations.values(), default=0)
        owned = {owner: self.of(owner) if self.users[owner].active else Belongings() for owner in newer}
        robots = (source for source in self.sources.values() if source.user_id in owned and not self.users[source.user_id].superuser)
        known = [one for _, one in sorted(self.maintenances.items()) if one.end is None or one.end > now - STILL_KNOWN]
        confined = {source.user_id: source.id for source in robots}
        return Edition(newest, owned, confined, tuple(known), dict(self.thresholds)) if newer else Edition(newest, {})


class MemoryWork(AccountsWork):
    """One unit of work on a copy of the dicts."""

    def __init__(self, tables: _Tables, clock: Callable[[], datetime]) -> None:
        self.tables = tables
        self._clock = clock

    async def note(self, entry: Entry) -> None:
        """See the port."""
        self.tables.note(entry, self._clock())

    async def lock(self) -> None:
        """See the port; work in memory never waits, so nothing runs beside it."""

    async def new_user_id(self) -> UserId:
        """See the port."""
        return UserId(next(self.tables.ids))

    async def new_source_id(self) -> SourceId:
        """See the port."""
        return SourceId(next(self.tables.ids))

    async def new_timeslot_id(self) -> TimeslotId:
        """See the port."""
        return TimeslotId(next(self.tables.ids))

    async def new_destination_id(self) -> DestinationId:
        """See the port."""
        return DestinationId(next(self.tables.ids))

    async def new_token_id(self) -> TokenId:
        """See the port."""
        return TokenId(next(self.tables.ids))

    async def user(self, user_id: UserId) -> User | None:
        """See the port."""
        return self.tables.users.get(user_id)

    async def user_named(self, username: str) -> User | None:
        """See the port."""
        return next((user for user in self.tables.users.values() if user.username == username), None)

    async def users(self) -> Sequence[User]:
        """See the port."""
        return sorted(self.tables.users.values(), key=lambda user: user.id)

    async def users_with(self, user_ids: Collection[UserId]) -> Sequence[User]:
        """See the port."""
        return [user for user in await self.users() if user.id in user_ids]

    async def users_like(self, text: str, most: int, after: UserId) -> Sequence[User]:
        """See the port."""
        fitting = (user for user in await self.users() if user.id > after and _has(text, *_names(user), user.email))
        return list(itertools.islice(fitting, most))

    async def add_user(self, user: User) -> None:
        """See the port."""
        await self.save_user(user)

    async def save_user(self, user: User) -> None:
        """See the port."""
        if any(user.username == other.username and user.id != other.id for other in self.tables.users.values()):
            raise NameTaken(f'There is a user "{user.username}" already.')
        former = self.tables.users.get(user.id)
        self.tables.users[user.id] = user
        if former is not None and (former.active, former.superuser) != (user.active, user.superuser):
            self.tables.raise_generation(user.id)
        if former is not None and (not user.active or user.password != former.password):
            self.tables.end_sessions(user.id)

    async def rehash(self, user: User, hashed: str) -> None:
        """See the port."""
        present = self.tables.users[user.id]
        if present.password == user.password:
            self.tables.users[user.id] = replace(present, password=hashed)

    async def identified(self, issuer: str, subject: str) -> User | None:
        """See the port."""
        user_id = self.tables.identities.get((issuer, subject))
        return None if user_id is None else self.tables.users[user_id]

    async def identify(self, user_id: UserId, issuer: str, subject: str) -> None:
        """See the port."""
        self.tables.identities[issuer, subject] = user_id

    async def add_timeslot(self, timeslot: Timeslot) -> None:
        """See the port."""
        self.tables.keep(timeslot)

    async def add_destination(self, destination: Destination) -> None:
        """See the port."""
        self.tables.keep(destination)

    async def move_synced_email(self, owner: UserId, address: str) -> None:
        """See the port."""
        present = next((destination for destination in self.tables.of(owner).destinations if destination.synced), None)
        if address:
            self.tables.keep(synced_email(present.id if present else await self.new_destination_id(), owner, address))
        elif present:
            self.tables.drop(present)

    async def tokens(self, user_id: UserId) -> Sequence[Token]:
        """See the port."""
        return [token for token in await self.all_tokens() if token.user_id == user_id]

    async def all_tokens(self) -> Sequence[Token]:
        """See the port."""
        return sorted(self.tables.tokens.values(), key=lambda token: (token.created, token.id))

    async def tokens_of(self, user_ids: Collection[UserId]) -> Sequence[Token]:
        """See the port."""
        return [token for token in await self.all_tokens() if token.user_id in user_ids]

    async def tokens_like(self, text: str, most: int, before: TokenId) -> Sequence[Token]:
        """See the port."""
        newest_first = sorted(self.tables.tokens.values(), key=lambda token: token.id, reverse=True)
        users = self.tables.users
        fitting = (token for token in newest_first if token.id < before and _has(text, token.name, users[token.user_id].username))
        return list(itertools.islice(fitting, most))

    async def token(self, token_id: TokenId) -> Token | None:
        """See the port."""
        return self.tables.tokens.get(token_id)

    async def add_token(self, token: Token) -> None:
        """See the port."""
        self.tables.tokens[token.id] = token

    async def drop_tokens(self, token_ids: Sequence[TokenId]) -> None:
        """See the port."""
        for token_id in token_ids:
            self.tables.tokens.pop(token_id, None)

    async def source_types(self) -> Sequence[str]:
        """See the port."""
        return sorted(self.tables.source_types)

    async def add_source_type(self, name: str) -> None:
        """See the port."""
        if name in self.tables.source_types:
            raise NameTaken(f'There is a source type "{name}" already.')
        self.tables.source_types.add(name)

    async def sources(self) -> Sequence[Source]:
        """See the port."""
        return sorted(self.tables.sources.values(), key=lambda source: source.id)

    async def source(self, source_id: SourceId) -> Source | None:
        """See the port."""
        return self.tables.sources.get(source_id)

    async def source_of(self, user_id: UserId) -> Source | None:
        """See the port."""
        return next((source for source in self.tables.sources.values() if source.user_id == user_id), None)

    async def add_source(self, source: Source) -> None:
        """See the port."""
        await self.save_source(source)

    async def save_source(self, source: Source) -> None:
        """See the port."""
        if any((source.name, source.type) == (other.name, other.type) and source.id != other.id for other in self.tables.sources.values()):
            raise NameTaken(f'There is a source "{source.name}" of type "{source.type}" already.')
        self.tables.sources[source.id] = source


class MemoryProfilesWork(ProfilesWork):
    """One unit of work on a copy of the dicts."""

    def __init__(self, tables: _Tables, owner: UserId, now: datetime) -> None:
        self.tables, self._owner, self._now = tables, owner, now
        self.belongings = tables.of(owner)

    async def new_id(self) -> int:
        """See the port."""
        return next(self.tables.ids)

    async def keep(self, thing: Belonging) -> None:
        """See the port."""
        self.tables.keep(thing)
        self.belongings = self.tables.of(thing.owner)

    async def drop(self, thing: Belonging) -> None:
        """See the port."""
        self.tables.drop(thing)
        self.belongings = self.tables.of(thing.owner)

    async def maintenance(self, id_: MaintenanceId) -> Maintenance | None:
        """See the port."""
        return self.tables.maintenances.get(id_)

    async def keep_maintenance(self, maintenance: Maintenance, entry: Entry) -> None:
        """See the port."""
        self.tables.maintenances[maintenance.id] = maintenance
        self._note(entry)

    async def drop_maintenance(self, id_: MaintenanceId, entry: Entry) -> None:
        """See the port."""
        del self.tables.maintenances[id_]
        self._note(entry)

    async def keep_threshold(self, source_id: SourceId, spelled: str, entry: Entry) -> None:
        """See the port."""
        self.tables.thresholds.pop(source_id, None)
        if spelled:
            self.tables.thresholds[source_id] = spelled
        self._note(entry)

    def _note(self, entry: Entry) -> None:
        self.tables.note(entry, self._now)
        self.tables.raise_generation(self._owner)


class MemoryProfiles(Profiles):
    """Profiles and what they consist of, in the dicts of the accounts that own them."""

    def __init__(self, accounts: MemoryAccounts) -> None:
        self._accounts = accounts

    @asynccontextmanager
    async def _begin(self, owner: UserId) -> AsyncIterator[ProfilesWork]:
        async with self._accounts.begin_tables() as tables:
            yield MemoryProfilesWork(tables, owner, await self._accounts.now())

    def begin(self, owner: UserId) -> AbstractAsyncContextManager[ProfilesWork]:
        """See the port."""
        return self._begin(owner)

    async def belongings(self, owner: UserId) -> Belongings:
        """See the port."""
        return self._accounts.tables.of(owner)

    async def shared(self) -> Sequence[SharedFilter]:
        """See the port."""
        tables = self._accounts.tables
        found = [filter_ for owned in tables.belongings.values() for filter_ in owned.filters if filter_.shared]
        return [SharedFilter(one, tables.users[one.owner].username) for one in sorted(found, key=lambda one: one.id)]

    async def since(self, generation: int) -> Edition:
        """See the port."""
        return self._accounts.since(generation)

    async def maintenances(self, ending_after: datetime | None = None) -> Sequence[Maintenance]:
        """See the port."""
        known = [one for _, one in sorted(self._accounts.tables.maintenances.items())]
        return [one for one in known if ending_after is None or one.end is None or one.end > ending_after]

    async def owning(self, text: str, most: int, after: UserId) -> Mapping[UserId, Belongings]:
        """See the port."""
        tables = self._accounts.tables
        owners = sorted(owner for owner, owned in tables.belongings.items() if owner > after and owned != Belongings())
        fitting = (owner for owner in owners if _has(text, *_names(tables.users[owner]), *_called(tables.of(owner))))
        return {owner: tables.of(owner) for owner in itertools.islice(fitting, most)}

    async def timeslot_exists(self, timeslot_id: TimeslotId) -> bool:
        """See the port."""
        return any(slot.id == timeslot_id for owned in self._accounts.tables.belongings.values() for slot in owned.timeslots)

    async def thresholds(self) -> Mapping[SourceId, str]:
        """See the port."""
        return dict(self._accounts.tables.thresholds)

    async def twins(self, destination: Destination) -> Sequence[UserId]:
        """See the port."""
        same = (destination.medium, destination.settings)
        everybodys = [other for owned in self._accounts.tables.belongings.values() for other in owned.destinations]
        return sorted({other.owner for other in everybodys if (other.medium, other.settings) == same} - {destination.owner})


def _has(text: str, *names: str | None) -> bool:
    return any(text.casefold() in name.casefold() for name in names if name is not None)


def _names(user: User) -> tuple[str, ...]:
    return user.username, user.first_name, user.last_name


def _called(owned: Belongings) -> Iterator[str | None]:
    yield from (slot.name for slot in owned.timeslots)
    yield from (filter_.name for filter_ in owned.filters)
    yield from (profile.name for profile in owned.profiles)
    yield from (destination.label for destination in owned.destinations)


class MemoryTicketClaims(TicketClaims):
    """Claims within one process."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[IncidentId, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def _claim(self, incident_id: IncidentId) -> AsyncIterator[None]:
        async with self._locks.setdefault(incident_id, asyncio.Lock()):
            yield

    def claim(self, incident_id: IncidentId) -> AbstractAsyncContextManager[None]:
        """See the port."""
        return self._claim(incident_id)


class MemoryIncidents(Incidents):
    """The journal in dicts. Sources are looked up where they are read, so a renamed one shows its new name."""

    def __init__(self, accounts: MemoryAccounts | None = None) -> None:
        self._accounts = accounts
        self._incident_ids = itertools.count(1)
        self._event_ids = itertools.count(1)
        self._incidents: dict[IncidentId, Incident] = {}
        self._journal: dict[IncidentId, list[Event]] = {}
        self._keys: dict[tuple[SourceId, str], IncidentId] = {}
        self._timers: dict[tuple[IncidentId, TimerKind, int], Timer] = {}
        self.outbox: list[tuple[IncidentId, int]] = []
        self.urgent: set[tuple[IncidentId, int]] = set()

    async def incident_ids(self, count: int) -> Sequence[IncidentId]:
        """See the port."""
        return [IncidentId(next(self._incident_ids)) for _ in range(count)]

    async def event_ids(self, count: int) -> EventIds:  # noqa: ARG002 - there are always enough
        """See the port."""
        return map(EventId, self._event_ids)

    async def get(self, incident_id: IncidentId) -> Incident:
        """See the port."""
        incident = self._incidents.get(incident_id)
        if incident is None:
            raise NotFound(NO_INCIDENT)
        return self._with_source(incident)

    async def append(self, change: Change, *, warrant: TokenId | None = None) -> Appended:
        """See the port."""
        if not change.events:
            return Appended.STORED
        if not self._is_live(warrant):
            return Appended.UNAUTHENTICATED
        incident = change.incident
        key = (incident.source.id, incident.source_incident_id)
        if change.is_new and incident.source_incident_id and key in self._keys:
            return Appended.DUPLICATE_KEY
        present = self._incidents.get(incident.id)
        if (present.version if present else 0) != change.expected_version:
            return Appended.CONFLICT
        self._store(change)
        if change.is_new and incident.source_incident_id:
            self._keys[key] = incident.id
        return Appended.STORED

    async def append_each(
        self, incident_ids: Sequence[IncidentId], decide: Decide, clock: Callable[[], datetime], *, warrant: TokenId | None = None
    ) -> Sequence[Change | DomainError | None]:
        """See the port."""
        if not self._is_live(warrant):
            raise Unauthenticated
        event_ids = await self.event_ids(MOST_EVENTS_PER_CHANGE * len(incident_ids))
        done: dict[IncidentId, Change | DomainError | None] = {}
        for incident_id in sorted(set(incident_ids)):
            done[incident_id] = self._decide(incident_id, decide, clock(), event_ids)
        return [done[incident_id] for incident_id in incident_ids]

    async def row(self, incident_id: IncidentId) -> IncidentRow:
        """See the port."""
        return incident_row(await self.get(incident_id))

    async def page(
        self, condition: Condition, now: datetime, size: int, position: Position | None = None, order: Order = NEWEST
    ) -> Page[IncidentRow]:
        """See the port."""
        places = {_key(order.by.place(incident)): incident for incident in self.matching(condition, now)}
        sequence = sorted(places, reverse=not order.reverse)
        first = 0
        if position is not None:
            here = _key(position)
            before = sum(1 for key in sequence if (key < here if order.reverse else key > here))
            if position.backwards:
                size = min(size, before)
                first = before - size
            else:
                first = before + (here in places)
        rows = [incident_row(places[key]) for key in sequence[first : first + size]]
        more, less = first + size < len(sequence), first > 0
        return Page(
            rows,
            order.by.place(rows[-1]) if rows and more else None,
            order.by.place(rows[0], backwards=True) if rows and less else None,
        )

    async def count(self, condition: Condition, now: datetime, most: int | None = None) -> int:
        """See the port."""
        return sum(1 for _ in itertools.islice(self.matching(condition, now), most))

    async def journal(self, incident_id: IncidentId) -> Sequence[Event]:
        """See the port."""
        return self.journal_of(incident_id)

    async def events(self, incident_id: IncidentId) -> Sequence[EventRow]:
        """See the port."""
        await self.get(incident_id)
        return _newest_first(event for event in self._journal[incident_id] if not event.type.internal)

    async def event(self, incident_id: IncidentId, event_id: EventId) -> EventRow:
        """See the port."""
        for event in self._journal.get(incident_id, ()):
            if event.id == event_id and not event.type.internal:
                return event_row(event)
        raise NotFound(NO_EVENT)

    async def acks(self, incident_id: IncidentId) -> Sequence[AckRow]:
        """See the port."""
        expirations = {ack.id: ack.expiration for ack in (await self.get(incident_id)).acks}
        made = _newest_first(event for event in self._journal[incident_id] if event.type is EventType.ACKNOWLEDGE)
        return [AckRow(event, expirations[event.id]) for event in made]

    async def ack(self, incident_id: IncidentId, ack_id: EventId) -> AckRow:
        """See the port."""
        if incident_id in self._incidents:
            for ack in await self.acks(incident_id):
                if ack.event.id == ack_id:
                    return ack
        raise NotFound(NO_ACK)

    def journal_of(self, incident_id: IncidentId) -> Sequence[Event]:
        """The same as `journal`, at once."""
        return tuple(self._journal.get(incident_id, ()))

    def journals(self) -> Iterable[Sequence[Event]]:
        """Everything that has happened, incident by incident."""
        return self._journal.values()

    def present(self, incident_id: IncidentId) -> Incident:
        """The incident as it is now; it exists."""
        return self._with_source(self._incidents[incident_id])

    def happening(self, incident_id: IncidentId, version: int) -> Happening:
        """That event, with the incident as it was right after it."""
        journal = self._journal[incident_id]
        incident = rewound(self.present(incident_id), journal[version:], journal[version - 1])
        return Happening(incident, journal[version - 1])

    async def due_timers(self, now: datetime, most: int) -> Sequence[Timer]:
        """See the port."""
        return sorted((timer for timer in self._timers.values() if timer.due <= now), key=lambda timer: timer.due)[:most]

    async def forget(self, timers: Sequence[Timer]) -> None:
        """See the port."""
        for timer in timers:
            if self._timers.get(_subject(timer)) == timer:
                del self._timers[_subject(timer)]

    def _is_live(self, warrant: TokenId | None) -> bool:
        return warrant is None or self._accounts is None or self._accounts.is_live(warrant)

    def _with_source(self, incident: Incident) -> Incident:
        source = self._accounts.source(incident.source.id) if self._accounts else None
        return incident if source is None or source == incident.source else replace(incident, source=source)

    def matching(self, condition: Condition, now: datetime) -> Iterator[Incident]:
        """The incidents for which the condition holds."""
        for incident in map(self._with_source, self._incidents.values()):
            if holds(condition, incident, now, texts=[event.description for event in self._journal[incident.id]]):
                yield incident

    def _decide(self, incident_id: IncidentId, decide: Decide, now: datetime, event_ids: EventIds) -> Change | DomainError | None:
        incident = self._incidents.get(incident_id)
        if incident is None:
            return None
        try:
            change = decide(self._with_source(incident), now, event_ids)
        except DomainError as refusal:
            return refusal
        self._store(change)
        return change

    def _store(self, change: Change) -> None:
        incident = change.incident
        self._incidents[incident.id] = incident
        self._journal.setdefault(incident.id, []).extend(change.events)
        places = [(incident.id, event.version) for event in change.events]
        self.outbox.extend(places)
        if incident.level is Level.CRITICAL:
            self.urgent.update(places)
        self.set_timers(change.timers)

    def set_timers(self, timers: Iterable[Timer]) -> None:
        """Keep these timers, each instead of an earlier one of the same incident, kind and subject."""
        self._timers.update((_subject(timer), timer) for timer in timers)


def _key(position: Position) -> tuple[int, datetime, IncidentId]:
    rank = position.rank
    number = (rank - EARLIEST) // timedelta(microseconds=1) if isinstance(rank, datetime) else rank or 0
    return number, position.start_time, position.id


def _subject(timer: Timer) -> tuple[IncidentId, TimerKind, int]:
    return timer.incident_id, timer.kind, timer.subject_id


def _newest_first(events: Iterable[Event]) -> list[EventRow]:
    return [event_row(event) for event in sorted(events, key=lambda event: (event.timestamp, event.id), reverse=True)]

"""Incidents of a data set, put together from the lines of all its files, with their journals as the domain decides them."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime

from adapters.db.bulk import BATCH, Pack, packed
from adapters.neutral.files import INFINITY, STATELESS, TYPES, DataSet, Groups, Row, Table, in_order, moment, number, shown
from adapters.neutral.pieces import Piece
from adapters.neutral.plain import Plain
from adapters.refusals import Refusal
from argus_core.domain.errors import Invalid
from argus_core.domain.ids import EventId
from argus_core.domain.incidents import EventType, Initial
from argus_core.domain.retelling import Told, retell
from argus_core.domain.tags import TagOn
from argus_core.domain.transitions import Change

_MOVES_END = frozenset({EventType.END, EventType.CLOSE, EventType.REOPEN})


class Journals:
    """The incidents of a data set in the order of their ids."""

    def __init__(self, data: DataSet) -> None:
        self._expirations = _read_acks(data.acks)
        self._plain = Plain(data, self._expirations)
        self._whole = data
        self._begin(data)

    def _begin(self, data: DataSet) -> None:
        self._data = data
        self._tags = Groups(data.incident_tags, "incident_id")
        self._events = Groups(data.events, "incident_id")

    def piece(self, piece: Piece, since: datetime) -> Pack:
        """
        Some of the incidents as they are to be stored.

        Raises:
            Exception: something seems to be wrong; what it is can be told only of all.
        """
        self._begin(self._whole.within(piece))
        return sum(self.packs(since), Pack.nothing())

    def packs(self, since: datetime) -> Iterator[Pack]:
        """
        All incidents as they are to be stored.

        Raises:
            Refusal: something is wrong with a line.
        """
        others: list[Change] = []
        last = 0
        with closing(self._data.incidents.records()) as records, closing(self._tags), closing(self._events):
            for record, row in enumerate(records):
                id_ = self._id(record, row)
                if id_ <= last:
                    problem = f"{id_} comes after {last}: give each incident an id of its own, and sort the file by id."
                    raise self._data.incidents.refusal(record, "id", problem)
                last = id_
                tags, events = self._tags.of(id_), self._events.of(id_)
                if not self._plain.took(row, tags, events):
                    others.append(self._change(record, row, tags, events))
                if record % BATCH == BATCH - 1:
                    yield self._plain.pack() + packed(others, since=since)
                    others = []
            self._tags.end()
            self._events.end()
        yield self._plain.pack() + packed(others, since=since)

    def _id(self, record: int, row: Row) -> int:
        try:
            return in_order(row[0])
        except (IndexError, ValueError):
            self._data.incidents.check([row], record)
            raise

    def _change(self, record: int, row: Row, tag_rows: Sequence[Row], event_rows: Sequence[Row]) -> Change:
        tag_of, people = self._data.tag_of, self._data.people
        try:
            id_, start_time, end, source, key, details_url, description, level, ticket_url, _, metadata = self._data.incidents.parsed(row)
            # By far the most lines are of these two files, so they are taken apart here.
            tags = [TagOn(tag_of[tag], people[by].id, moment(at)) for _, tag, by, at in tag_rows]
            told = sorted(map(self._told, event_rows), key=_heard)
        except (LookupError, ValueError):
            self._data.incidents.check([row], record)
            self._data.incident_tags.check(tag_rows, self._tags.first)
            self._data.events.check(event_rows, self._events.first)
            self._check_acks(event_rows)
            raise
        if not told:
            problem = (
                f"No event of incident {id_} is in events.csv, or not in its place: add the one it began with, and sort by incident_id."
            )
            raise self._data.incidents.refusal(record, "", problem)
        ends = end if isinstance(end, datetime) else None
        moves = any(one.type in _MOVES_END for one in told)

        def retold(announced: datetime | None) -> Change:
            initial = Initial(
                source_id=source.id,
                source_incident_id=key,
                start_time=start_time,
                end_time=announced,
                stateful=end != STATELESS,
                level=level,
                description=description,
                details_url=details_url,
                ticket_url=ticket_url,
                metadata=metadata,
                tags=tuple({tag.tag: tag for tag in tags}.values()),
            )
            try:
                return retell(id_, source, initial, told)
            except Invalid as invalid:
                raise self._refusal(record, event_rows, told, invalid) from invalid

        change = retold(None if moves else ends)
        if change.incident.end_time != ends and ends is not None:
            change = retold(ends)  # it was announced in the beginning, and what came later had no effect
        if change.incident.end_time != ends:
            leads = change.incident.end_time
            problem = f"Its events lead to {INFINITY if leads is None else leads.isoformat()} instead of {shown(row[2])}: make them agree."
            raise self._data.incidents.refusal(record, "end_time", problem)
        return change

    def _told(self, row: Row) -> Told:
        event_id, _, actor, timestamp, received, type_, description = row
        id_, kind = EventId(number(event_id)), TYPES[type_]
        if (kind is EventType.ACKNOWLEDGE) is not (id_ in self._expirations):
            raise LookupError(id_)
        return Told(
            id=id_,
            type=kind,
            actor=self._data.people[actor],
            timestamp=moment(timestamp),
            received=moment(received),
            description=description,
            expiration=self._expirations.get(id_),
        )

    def _check_acks(self, rows: Sequence[Row]) -> None:
        """
        Look closely at events of which one may not fit what is told of acknowledgements.

        Raises:
            Refusal: one does not.
        """
        for record, (text, _, _, _, _, type_, _) in enumerate(rows, self._events.first):
            if type_ == EventType.ACKNOWLEDGE.value and int(text) not in self._expirations:
                problem = f'There is no line for it in acks.csv: add one, "{text}," if it never expires.'
                raise self._data.events.refusal(record, "id", problem)
            if type_ != EventType.ACKNOWLEDGE.value and int(text) in self._expirations:
                problem = f"Event {text} is of type {type_}, but only those of type ACK are acknowledgements."
                raise self._data.acks.refusal(self._data.acks.first(int(text)), "event_id", problem)

    def _refusal(self, record: int, event_rows: Sequence[Row], told: Sequence[Told], invalid: Invalid) -> Refusal:
        """What the domain says of this incident, with the line that is to blame."""
        (field, problem), *_ = invalid.errors.items()
        if field == "tags":
            return self._data.incident_tags.refusal(self._tags.first, "", problem)
        if not field.startswith("events/"):
            return self._data.incidents.refusal(record, field, problem)
        _, index, column = field.split("/")
        id_ = told[int(index)].id
        if column == "expiration":
            return self._data.acks.refusal(self._data.acks.first(id_), column, problem)
        place = [int(row[0]) for row in event_rows].index(id_)
        return self._data.events.refusal(self._events.first + place, column, problem)


def check_acks(data: DataSet, found: int) -> None:
    """
    Check that so many acknowledgements are all there are.

    Raises:
        Refusal: one is of no event.
    """
    rows = list(data.acks.records())
    if len(rows) == found:
        return
    events = {row[0] for row in data.events.records()}
    record, row = next((record, row) for record, row in enumerate(rows) if row[0] not in events)
    raise data.acks.refusal(record, "event_id", f"There is no event {row[0]} in events.csv: add it, or leave this line out.")


def twice(table: Table, columns: Sequence[str]) -> Refusal:
    """What is wrong when something is there a second time that may be there once."""
    places = [[column.name for column in table.columns].index(name) for name in columns]
    seen: dict[tuple[str, ...], int] = {}
    for record, row in enumerate(table.records()):
        key = tuple(row[place] for place in places)
        if all(key) and key in seen:
            problem = f"{' and '.join(map(shown, key))} is in line {table.line(seen[key])} already: it may be there only once."
            return table.refusal(record, " and ".join(columns), problem)
        seen[key] = record
    raise LookupError(columns)


def _heard(told: Told) -> tuple[datetime, int]:
    return told.received, told.id


def _read_acks(table: Table) -> dict[int, datetime | None]:
    found: dict[int, datetime | None] = {}
    for record, row in enumerate(table.records()):
        try:
            id_, expiration = table.parsed(row)
        except (LookupError, ValueError):
            table.check([row], record)
            raise
        if id_ in found:
            raise table.refusal(record, "event_id", f"{id_} is the id of an earlier line: each acknowledgement has one line.")
        found[id_] = expiration
    return found

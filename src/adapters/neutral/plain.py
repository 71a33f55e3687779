"""
Incidents that led a plain life: they began, something was said, they were acknowledged for good, they ended.

Nearly all did. What is stored of these is written right from their lines, in less than half the time that it takes by way of the domain.
Whatever is not quite plain is left to the domain; a test holds both together, byte for byte.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from adapters.db.bulk import Loaded, Pack
from adapters.neutral.files import INFINITY, LEVELS, STATELESS, DataSet, Row, number
from argus_core.domain.incidents import FOREVER
from argus_core.domain.limits import DESCRIPTION_BYTES, KEY_BYTES, TAG_BYTES, TAGS, URL_BYTES, moment_problem, url_problem

_MOST_BYTES_OF_A_CHARACTER = 4
_NULL = "\\N"
_FOREVER = FOREVER.isoformat()


@dataclass(slots=True)
class _Life:
    """The journal of an incident so far."""

    ended: str | None = None
    received: str = ""
    events: list[str] = field(default_factory=list)
    acks: list[str] = field(default_factory=list)


class Plain:
    """Gathers the rows of plain incidents."""

    def __init__(self, data: DataSet, expirations: Mapping[int, datetime | None]) -> None:
        self._sources = {id_: source.id for id_, source in data.sources.items()}
        self._people = {id_: person.id for id_, person in data.people.items()}
        self._tags = {id_: tag for id_, tag in data.tag_of.items() if _is_plain(tag, TAG_BYTES)}
        self._expirations = expirations
        self._incidents: list[str] = []
        self._events: list[str] = []
        self._acks: list[str] = []

    def took(self, row: Row, tag_rows: Sequence[Row], event_rows: Sequence[Row]) -> bool:
        """Gather an incident, if it is plain in every respect; else it is untouched."""
        try:
            return self._take(row, tag_rows, event_rows)
        except (LookupError, ValueError):
            return False

    def pack(self) -> Pack:
        """What has been gathered; then there is nothing."""
        rows = {"incident": self._incidents, "event": self._events, "ack": self._acks}
        pack = Pack(
            {table: "".join(lines).encode() for table, lines in rows.items()},
            Loaded(incidents=len(self._incidents), events=len(self._events), acks=len(self._acks)),
        )
        self._incidents, self._events, self._acks = [], [], []
        return pack

    def _take(self, row: Row, tag_rows: Sequence[Row], event_rows: Sequence[Row]) -> bool:
        incident_id, start, end, source, key, details, text, level, ticket, _, metadata = row
        if not (_is_plain(key, KEY_BYTES) and _is_plain(details, URL_BYTES) and _is_plain(text, DESCRIPTION_BYTES)):
            return False
        if metadata != "{}" or level not in LEVELS or (ticket and (not _is_plain(ticket, URL_BYTES) or url_problem(ticket))):
            return False
        tags = [self._tags[tag] for _, tag, _, _ in tag_rows]
        if len(set(tags)) < len(tags) or len(tags) > TAGS:
            return False
        id_, start, source_id, stateful = number(incident_id), written(start), self._sources[source], end != STATELESS
        on, by, at = self._on(tags, tag_rows)
        first = (
            f'{{"initial":{{"source_id":{source_id},"source_incident_id":"{key}","start_time":"{start}","end_time":null,'
            f'"stateful":{"true" if stateful else "false"},"level":{level},"description":"{text}","details_url":"{details}",'
            f'"ticket_url":"{ticket}","metadata":{{}},"tags":[{on}]}}}}'
        )
        lived = self._life(id_, stateful, first, event_rows)
        if lived is None or lived.ended != (None if end in (INFINITY, STATELESS) else written(end)):
            return False
        columns = (
            f"{id_}",
            f"{len(lived.events)}",
            f"{source_id}",
            key,
            start,
            lived.ended or _NULL,
            "t" if stateful else "f",
            level,
            text,
            details,
            ticket,
            metadata,
            '{"' + '","'.join(tags) + '"}' if tags else "{}",
            by,
            at,
            _FOREVER if lived.acks else _NULL,
            "t" if lived.ended else "f",
            lived.received,
        )
        self._incidents.append("\t".join(columns) + "\n")
        self._events += lived.events
        self._acks += lived.acks
        return True

    def _on(self, tags: Sequence[str], rows: Sequence[Row]) -> tuple[str, str, str]:
        """The tags as the first event has them, and as arrays who added each and when; mostly all of them were added at once."""
        stamps = [(by, at) for _, _, by, at in rows]
        if stamps and stamps.count(stamps[0]) == len(stamps):
            by, at = f"{self._people[stamps[0][0]]}", written(stamps[0][1])
            end = f'",{by},"{at}"]'
            return '["' + f'{end},["'.join(tags) + end, "{" + ",".join([by] * len(tags)) + "}", "{" + ",".join([at] * len(tags)) + "}"
        people, moments = [f"{self._people[by]}" for by, _ in stamps], [written(at) for _, at in stamps]
        on = ",".join([f'["{tag}",{by},"{at}"]' for tag, by, at in zip(tags, people, moments, strict=True)])
        return on, "{" + ",".join(people) + "}", "{" + ",".join(moments) + "}"

    def _life(self, incident_id: int, stateful: bool, first: str, rows: Sequence[Row]) -> _Life | None:
        """The journal; None if it is not plain. `first` is what the first event changes."""
        life, last = _Life(), 0
        for version, (event_id, _, actor, at, now, type_, said) in enumerate(rows, 1):
            id_, timestamp = number(event_id), written(at)
            received = timestamp if now == at else written(now)
            # Moments of this form sort as texts as they do as moments.
            if (received, id_) < (life.received, last) or not _is_plain(said, DESCRIPTION_BYTES):
                return None
            if (type_ == "ACK") is not (id_ in self._expirations):
                return None
            if version == 1:
                changes = first if type_ == ("STA" if stateful else "LES") else None
            elif type_ == "ACK" and self._expirations[id_] is None:
                changes = f'{{"ack":{{"id":{id_},"old":null,"new":null,"made":true}}}}'
                life.acks.append(f"{id_}\t{incident_id}\t{version}\t{_NULL}\t{_NULL}\n")
            elif type_ == "END" and stateful and life.ended is None and timestamp <= received:
                changes = f'{{"end_time":[null,"{timestamp}"],"ended":true}}'
                life.ended = timestamp
            else:
                changes = "{}" if type_ == "OTH" else None
            if changes is None:
                return None
            life.events.append(
                f"{id_}\t{incident_id}\t{version}\t{type_}\t{self._people[actor]}\t{timestamp}\t{received}\t{said}\tt\t{changes}\n"
            )
            life.received, last = received, id_
        return life if rows else None


def _is_plain(text: str, most_bytes: int) -> bool:
    """Whether a text is short enough, and the same in COPY, in JSON and in an array."""
    return len(text) * _MOST_BYTES_OF_A_CHARACTER <= most_bytes and text.isprintable() and '"' not in text and "\\" not in text


@lru_cache(maxsize=64)
def written(text: str) -> str:
    """
    A moment in UTC as `isoformat` writes it. Seeing that it is written so already takes a third of the time of writing it.

    Raises:
        ValueError: it is not plain.
    """
    found = datetime.fromisoformat(text)
    if found.tzinfo is not UTC:
        raise ValueError(text)
    if found.microsecond and text[4:8:3] == "--" and text[10:20:3] == "T::." and text[26:] == "+00:00" and "1901" < text < "9998":
        return text
    if moment_problem(found):
        raise ValueError(text)
    return found.isoformat()

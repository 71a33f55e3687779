"""Events, each with the incident as it was right after it: the present row, from which later changes are taken back."""

# ruff: noqa: S608 - values travel as parameters; what is put together here are our own words

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from psycopg.errors import InterfaceError, OperationalError

from adapters.db.database import Connection
from adapters.db.rows import WHOLE_EVENT_COLUMNS, WHOLE_INCIDENT_COLUMNS, event_from, incident_from
from argus_core.domain.errors import said
from argus_core.domain.ids import IncidentId
from argus_core.domain.incidents import Event, Happening, Incident, rewound
from argus_core.ports.outbox import Place

_INCIDENTS = f"select {WHOLE_INCIDENT_COLUMNS} from incident i join source s on s.id = i.source_id where i.id = any(%s)"
_SINCE = f"""
    select {WHOLE_EVENT_COLUMNS} from unnest(%s::bigint[], %s::int[]) as w (incident_id, version)
    join event e on e.incident_id = w.incident_id and e.version >= w.version
    left join account u on u.id = e.actor_id order by e.incident_id, e.version"""
_TEXTS = "select incident_id, description from event where incident_id = any(%s) order by incident_id, version"


async def happenings_at(connection: Connection, places: Iterable[Place]) -> dict[Place, Happening]:
    """These events; each exists."""
    wanted = list(places)
    earliest: dict[IncidentId, int] = {}
    for incident_id, version in wanted:
        earliest[incident_id] = min(version, earliest.get(incident_id, version))
    if not earliest:
        return {}
    # The incidents first: whatever happens in between is later than their version, and left out.
    cursor = await connection.execute(_INCIDENTS, (list(earliest),), prepare=True, binary=True)
    incidents = {incident.id: incident for incident in map(incident_from, await cursor.fetchall())}
    cursor = await connection.execute(_SINCE, (list(earliest), list(earliest.values())), prepare=True, binary=True)
    journals = {
        incident_id: [event for event in events if event.version <= incidents[incident_id].version]
        for incident_id, events in groupby(map(event_from, await cursor.fetchall()), key=lambda event: event.incident_id)
    }
    return {(incident_id, version): _at(incidents[incident_id], journals[incident_id], version) for incident_id, version in wanted}


async def readable_at(connection: Connection, places: Sequence[Place]) -> tuple[Mapping[Place, Happening], Mapping[IncidentId, str]]:
    """Of these events those of incidents that can be read, and of each other incident why it cannot."""
    try:
        return await happenings_at(connection, places), {}
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, others are not to wait for it
        incident_ids = {incident_id for incident_id, _ in places}
        if len(incident_ids) == 1:
            return {}, dict.fromkeys(incident_ids, said(error))
    happenings: dict[Place, Happening] = {}
    damaged: dict[IncidentId, str] = {}
    for incident_id in incident_ids:
        readable, unreadable = await readable_at(connection, [place for place in places if place[0] == incident_id])
        happenings |= readable
        damaged |= unreadable
    return happenings, damaged


async def texts_of(connection: Connection, incident_ids: Sequence[IncidentId]) -> Mapping[IncidentId, Sequence[str]]:
    """The descriptions of all events of these incidents, in order of version."""
    cursor = await connection.execute(_TEXTS, (list(incident_ids),), prepare=True, binary=True)
    found: dict[IncidentId, list[str]] = {}
    for incident_id, text in await cursor.fetchall():
        found.setdefault(incident_id, []).append(text)
    return found


def _at(incident: Incident, journal: Sequence[Event], version: int) -> Happening:
    to, *later = journal[version - journal[0].version :]
    return Happening(rewound(incident, later, to), to)

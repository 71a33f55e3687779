"""
The statements that write to the journal: one round trip each, and nothing in them happens unless the incident was written.

`{IF_LIVE}` is whether the warrant may still be acted upon, by the database's own clock. The answer is that, and how many incidents were
written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from adapters.db import codec
from argus_core.domain.ids import TokenId
from argus_core.domain.incidents import NOTHING, Changes, Event, Incident
from argus_core.domain.transitions import Change, Timer

Values: TypeAlias = dict[str, object]

IS_LIVE = """
    select from token t join account u on u.id = t.user_id
    where t.id = %(warrant)s and u.active and (t.expires is null or t.expires > clock_timestamp())
"""

_LIVE = f"live as materialized ({IS_LIVE}),"

_INSERT = """
insert into incident (id, version, source_id, source_incident_id, start_time, end_time, stateful, level, description, details_url,
    ticket_url, metadata, tags, tags_by, tags_at, acked_until, ended, received)
"""

# psycopg remembers what it made of a statement only when that is shorter than 4 kB.
_ONE = """
    with {LIVE}
    i as (
        {INCIDENT}
    ),
    e as (
        insert into event (id, incident_id, version, type, actor_id, timestamp, received, description, effect, changes)
        select %(event_id)s, id, version, %(type)s, %(actor_id)s::bigint, %(timestamp)s, %(received)s, %(why)s, %(effect)s,
            %(changes)s::json
        from i
    ),
    {ACK}
    o as (
        insert into outbox (incident_id, version, urgent) select id, version, level = 1 from i
    )
    select {IF_LIVE}, count(*) from i
"""

_BEGUN = """
    {INSERT}
    select %(id)s, 1, %(source_id)s, %(key)s, %(start_time)s, %(end_time)s::timestamptz, %(stateful)s, %(level)s, %(description)s,
        %(details_url)s, %(ticket_url)s, %(metadata)s::json, %(tags)s::text[], %(tags_by)s::bigint[], %(tags_at)s::timestamptz[],
        null::timestamptz, false, %(received)s
    where {IF_LIVE}
    on conflict (source_id, source_incident_id) where source_incident_id <> '' do nothing
    returning id, version, level
"""

_STEPPED = """
    update incident set version = version + 1, received = %(received)s, ended = %(ended)s,
        end_time = %(end_time)s::timestamptz, acked_until = %(acked_until)s::timestamptz
    where id = %(id)s and version = %(expected)s and {IF_LIVE}
    returning id, version, level
"""

_ACKED = """
    a as (
        insert into ack (event_id, incident_id, version) select %(event_id)s, id, version from i
    ),
"""

_MANY = """
    with {LIVE}
    d as (
        select * from json_to_recordset(%(incidents)s::json) as d (
            id bigint, expected int, version int, source_id bigint, key text, start_time timestamptz, end_time timestamptz,
            stateful boolean, level smallint, description text, details_url text, ticket_url text, metadata text,
            tags text[], tags_by bigint[], tags_at timestamptz[], acked_until timestamptz, ended boolean, received timestamptz)
        where {IF_LIVE}
    ),
    i as (
        {INCIDENTS}
    ),
    n as (
        select n.* from json_to_recordset(%(events)s::json) as n (
            id bigint, incident_id bigint, version int, type text, actor_id bigint, timestamp timestamptz, received timestamptz,
            description text, effect boolean, changes json)
        join i on i.id = n.incident_id
    ),
    c as (
        select c.* from json_to_recordset(%(acks)s::json) as c (
            id bigint, incident_id bigint, version int, made boolean, expiration timestamptz, until text)
        join i on i.id = c.incident_id
    ),
    e as (
        insert into event (id, incident_id, version, type, actor_id, timestamp, received, description, effect, changes)
        select id, incident_id, version, type, actor_id, timestamp, received, description, effect, changes from n
    ),
    o as (
        insert into outbox (incident_id, version, urgent) select n.incident_id, n.version, i.level = 1 from n join i on i.id = n.incident_id
    ),
    a as (
        insert into ack (event_id, incident_id, version, expiration, until)
        select a.id, a.incident_id, a.version, a.expiration, a.until from c as a where a.made
    ),
    m as (
        update ack set expiration = c.expiration from c where ack.event_id = c.id and not c.made
    ),
    t as (
        insert into timer (incident_id, kind, subject_id, due)
        select t.incident_id, t.kind, t.subject_id, t.due
        from json_to_recordset(%(timers)s::json) as t (incident_id bigint, kind text, subject_id bigint, due timestamptz)
        join i on i.id = t.incident_id
        on conflict (incident_id, kind, subject_id) do update set due = excluded.due
    )
    select {IF_LIVE}, count(*) from i
"""

_INSERTED = """
    {INSERT}
    select id, version, source_id, key, start_time, end_time, stateful, level, description, details_url,
        ticket_url, metadata::json, tags, tags_by, tags_at, acked_until, ended, received
    from d
    on conflict (source_id, source_incident_id) where source_incident_id <> '' do nothing
    returning id, level
"""

# What did not change is not sent, and so keeps its place on the disk when it is long.
_UPDATED = """
    update incident i set version = d.version, received = d.received, end_time = d.end_time, acked_until = d.acked_until, ended = d.ended,
        level = coalesce(d.level, i.level), description = coalesce(d.description, i.description),
        details_url = coalesce(d.details_url, i.details_url), ticket_url = coalesce(d.ticket_url, i.ticket_url),
        metadata = coalesce(d.metadata::json, i.metadata), tags = coalesce(d.tags, i.tags),
        tags_by = coalesce(d.tags_by, i.tags_by), tags_at = coalesce(d.tags_at, i.tags_at)
    from d where i.id = d.id and i.version = d.expected
    returning i.id, i.level
"""


def _texts(template: str, **parts: str) -> tuple[str, str]:
    """The statement without a warrant, and with one."""
    for name, part in parts.items():
        template = template.replace(f"{{{name}}}", part)
    template = template.replace("{INSERT}", _INSERT)
    bare = template.replace("{LIVE}", "").replace("{IF_LIVE}", "true")
    warranted = template.replace("{LIVE}", _LIVE).replace("{IF_LIVE}", "exists (select from live)")
    return _compact(bare), _compact(warranted)


def _compact(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


_LIVE_TOGETHER = """
    live as materialized (
        select t.id from (select distinct warrant as id from d) w join token t using (id) join account u on u.id = t.user_id
        where u.active and (t.expires is null or t.expires > clock_timestamp())
    ),
"""

BEGIN_TOGETHER = _compact(
    """
    with d as materialized (
        select * from unnest(%(id)s::bigint[], %(warrant)s::bigint[], %(source_id)s::bigint[], %(key)s::text[],
            %(start_time)s::timestamptz[], %(end_time)s::timestamptz[], %(stateful)s::boolean[], %(level)s::smallint[],
            %(description)s::text[], %(details_url)s::text[], %(ticket_url)s::text[], %(metadata)s::text[], %(tags)s::text[],
            %(tags_by)s::text[], %(tags_at)s::text[], %(event_id)s::bigint[], %(type)s::text[], %(actor_id)s::bigint[],
            %(timestamp)s::timestamptz[], %(received)s::timestamptz[], %(why)s::text[], %(effect)s::boolean[], %(changes)s::text[])
        with ordinality as d (id, warrant, source_id, key, start_time, end_time, stateful, level, description, details_url, ticket_url,
            metadata, tags, tags_by, tags_at, event_id, type, actor_id, timestamp, received, why, effect, changes, place)
    ),
    {LIVE}
    i as (
        {INSERT}
        select id, 1, source_id, key, start_time, end_time, stateful, level, description, details_url, ticket_url, metadata::json,
            tags::text[], tags_by::bigint[], tags_at::timestamptz[], null::timestamptz, false, received
        from d where warrant is null or warrant in (select id from live) order by place
        on conflict (source_id, source_incident_id) where source_incident_id <> '' do nothing
        returning id, level
    ),
    e as (
        insert into event (id, incident_id, version, type, actor_id, timestamp, received, description, effect, changes)
        select event_id, id, 1, type, actor_id, timestamp, received, why, effect, changes::json from d join i using (id)
    ),
    o as (
        insert into outbox (incident_id, version, urgent) select id, 1, level = 1 from i
    )
    select warrant is null or warrant in (select id from live), id in (select id from i) from d order by place
    """.replace("{LIVE}", _LIVE_TOGETHER).replace("{INSERT}", _INSERT)
)
"""Several beginnings at once, each with a warrant of its own: for each, in order, whether that is live and whether it was written."""

STEP_TOGETHER = _compact(
    """
    with d as materialized (
        select * from unnest(%(id)s::bigint[], %(warrant)s::bigint[], %(expected)s::int[], %(end_time)s::timestamptz[],
            %(acked_until)s::timestamptz[], %(ended)s::boolean[], %(event_id)s::bigint[], %(type)s::text[], %(actor_id)s::bigint[],
            %(timestamp)s::timestamptz[], %(received)s::timestamptz[], %(why)s::text[], %(effect)s::boolean[], %(changes)s::text[],
            %(acks)s::boolean[])
        with ordinality as d (id, warrant, expected, end_time, acked_until, ended, event_id, type, actor_id, timestamp, received, why,
            effect, changes, acks, place)
    ),
    {LIVE}
    l as materialized (
        select i.id from incident i where i.id in (select id from d) order by i.id for update
    ),
    i as (
        update incident i set version = i.version + 1, received = d.received, ended = d.ended, end_time = d.end_time,
            acked_until = d.acked_until
        from l join d using (id)
        where i.id = l.id and i.version = d.expected and (d.warrant is null or d.warrant in (select id from live))
        returning i.id, i.version, i.level
    ),
    e as (
        insert into event (id, incident_id, version, type, actor_id, timestamp, received, description, effect, changes)
        select event_id, id, version, type, actor_id, timestamp, received, why, effect, changes::json from d join i using (id)
    ),
    a as (
        insert into ack (event_id, incident_id, version) select event_id, id, version from d join i using (id) where acks
    ),
    o as (
        insert into outbox (incident_id, version, urgent) select id, version, level = 1 from i
    )
    select warrant is null or warrant in (select id from live), id in (select id from i) from d order by place
    """.replace("{LIVE}", _LIVE_TOGETHER)
)
"""Several steps at once, of as many incidents, which are locked in the order of their ids; answers as BEGIN_TOGETHER does."""

BEGIN = _texts(_ONE, INCIDENT=_BEGUN, ACK="")
STEP = _texts(_ONE, INCIDENT=_STEPPED, ACK="")
ACKNOWLEDGE = _texts(_ONE, INCIDENT=_STEPPED, ACK=_ACKED)
INSERT = _texts(_MANY, INCIDENTS=_INSERTED)
UPDATE = _texts(_MANY, INCIDENTS=_UPDATED)


def to_store(change: Change, warrant: TokenId | None) -> tuple[str, Values]:
    """The statement that stores a change, and its values: a lean one for what happens all the time, for the rest one that can do all."""
    event = change.events[0]
    if is_beginning(change):
        return BEGIN[warrant is not None], _happened(event) | _begun(change.incident) | _warrant(warrant)
    if is_step(change):
        statement = ACKNOWLEDGE if event.changes.ack else STEP
        return statement[warrant is not None], _happened(event) | _stepped(change) | _warrant(warrant)
    if change.is_new:
        return INSERT[warrant is not None], _written([change]) | _warrant(warrant)
    return to_store_many([change], warrant)


def to_begin_together(some: Sequence[tuple[Change, TokenId | None]]) -> Values:
    """The values of BEGIN_TOGETHER: those of BEGIN, each an array."""
    return _columns([_happened(change.events[0]) | _begun(change.incident) | {"warrant": warrant} for change, warrant in some])


def to_step_together(some: Sequence[tuple[Change, TokenId | None]]) -> Values:
    """The values of STEP_TOGETHER."""
    return _columns(
        [
            _happened(change.events[0]) | _stepped(change) | {"warrant": warrant, "acks": change.events[0].changes.ack is not None}
            for change, warrant in some
        ]
    )


def _columns(rows: Sequence[Values]) -> Values:
    return {name: codec.array([row[name] for row in rows]) for name in rows[0]}


def to_store_many(changes: Sequence[Change], warrant: TokenId | None) -> tuple[str, Values]:
    """The statement that stores changes of as many incidents that exist already, and its values."""
    return UPDATE[warrant is not None], _written(changes) | _warrant(warrant)


def is_beginning(change: Change) -> bool:
    """Whether an incident begins, and nothing else."""
    return change.is_new and _is_plain(change)


def is_step(change: Change) -> bool:
    """Whether nothing changes but the end, and perhaps somebody acknowledges for good."""
    return not change.is_new and _is_plain(change) and _is_step(change.events[0].changes)


def _is_plain(change: Change) -> bool:
    return len(change.events) == 1 and not change.timers


def _warrant(warrant: TokenId | None) -> Values:
    return {} if warrant is None else {"warrant": warrant}


def _is_step(changes: Changes) -> bool:
    for_good = changes.ack is None or (changes.ack.made and changes.ack.new is None and changes.ack.until is None)
    return for_good and replace(changes, initial=None, end_time=None, ended=False, ack=None) == NOTHING


def _happened(event: Event) -> Values:
    return {
        "event_id": event.id,
        "type": event.type.value,
        "actor_id": event.actor.id if event.actor else None,
        "timestamp": event.timestamp,
        "received": event.received,
        "why": event.description,
        "effect": event.effect,
        "changes": codec.dump(codec.to_json(event.changes)),
    }


def _stepped(change: Change) -> Values:
    incident = change.incident
    return {
        "id": incident.id,
        "expected": change.expected_version,
        "end_time": incident.end_time,
        "acked_until": incident.acked_until,
        "ended": incident.ended,
    }


def _begun(incident: Incident) -> Values:
    return {
        "id": incident.id,
        "source_id": incident.source.id,
        "key": incident.source_incident_id,
        "start_time": incident.start_time,
        "end_time": incident.end_time,
        "stateful": incident.stateful,
        "level": int(incident.level),
        "description": incident.description,
        "details_url": incident.details_url,
        "ticket_url": incident.ticket_url,
        "metadata": codec.dump(incident.metadata),
        "tags": codec.array([tag.tag for tag in incident.tags]),
        "tags_by": codec.array([tag.added_by for tag in incident.tags]),
        "tags_at": codec.array([tag.added_time for tag in incident.tags]),
    }


def _written(changes: Sequence[Change]) -> Values:
    timers = {(timer.incident_id, timer.kind, timer.subject_id): timer for change in changes for timer in change.timers}
    return {
        "incidents": codec.dump([_whole(change.incident) if change.is_new else _changed(change) for change in changes]),
        "events": codec.dump([_event(event) for change in changes for event in change.events]),
        "acks": codec.dump([ack for change in changes for ack in _acks(change)]),
        "timers": codec.dump([timer_values(timer) for timer in timers.values()]),
    }


def _whole(incident: Incident) -> Values:
    return {
        **_always(incident),
        "source_id": incident.source.id,
        "key": incident.source_incident_id,
        "start_time": incident.start_time.isoformat(),
        "stateful": incident.stateful,
        "level": int(incident.level),
        "description": incident.description,
        "details_url": incident.details_url,
        "ticket_url": incident.ticket_url,
        "metadata": codec.dump(incident.metadata),
        **_tags(incident),
    }


def _changed(change: Change) -> Values:
    incident = change.incident
    values: Values = {"expected": change.expected_version, **_always(incident)}
    for changes in (event.changes for event in change.events):
        if changes.level is not None:
            values["level"] = int(incident.level)
        if changes.description is not None:
            values["description"] = incident.description
        if changes.details_url is not None:
            values["details_url"] = incident.details_url
        if changes.ticket_url is not None:
            values["ticket_url"] = incident.ticket_url
        if changes.metadata is not None:
            values["metadata"] = codec.dump(incident.metadata)
        if changes.tags_added or changes.tags_removed:
            values |= _tags(incident)
    return values


def _always(incident: Incident) -> Values:
    return {
        "id": incident.id,
        "version": incident.version,
        "received": incident.received.isoformat(),
        "end_time": codec.from_moment(incident.end_time),
        "acked_until": codec.from_moment(incident.acked_until),
        "ended": incident.ended,
    }


def _tags(incident: Incident) -> Values:
    return {
        "tags": [tag.tag for tag in incident.tags],
        "tags_by": [tag.added_by for tag in incident.tags],
        "tags_at": [tag.added_time.isoformat() for tag in incident.tags],
    }


def _event(event: Event) -> Values:
    return {
        "id": event.id,
        "incident_id": event.incident_id,
        "version": event.version,
        "type": event.type.value,
        "actor_id": event.actor.id if event.actor else None,
        "timestamp": event.timestamp.isoformat(),
        "received": event.received.isoformat(),
        "description": event.description,
        "effect": event.effect,
        "changes": codec.to_json(event.changes),
    }


def _acks(change: Change) -> Iterator[Values]:
    """Acknowledgements that are made, as they are in the end, and those that were there and have another expiration now."""
    versions = {one.id: event.version for event in change.events for one in event.changes.ack_changes if one.made}
    for ack_id in dict.fromkeys(one.id for event in change.events for one in event.changes.ack_changes):
        ack = change.incident.ack(ack_id)
        if ack is not None:
            yield {
                "id": ack_id,
                "incident_id": change.incident.id,
                "version": versions.get(ack_id, 0),
                "made": ack_id in versions,
                "expiration": codec.from_moment(ack.expiration),
                "until": codec.from_until(ack.until, ack.level),
            }


def timer_values(timer: Timer) -> Values:
    """A timer as the statements that set it take it."""
    return {"incident_id": timer.incident_id, "kind": timer.kind.value, "subject_id": timer.subject_id, "due": timer.due.isoformat()}

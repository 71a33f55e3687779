"""How the journal writes down what an event changed: JSON with what changed in it and nothing else, moments in ISO 8601."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from argus_core.domain.ids import EventId, SourceId, UserId
from argus_core.domain.incidents import NOTHING, AckChange, Changes, Escalation, Initial, Level, Replaced, Until
from argus_core.domain.limits import Json
from argus_core.domain.tags import TagOn

_AS_IT_IS = ("description", "details_url", "ticket_url", "metadata")

_encode = msgspec.json.Encoder().encode

load: Callable[[bytes | str], Json] = msgspec.json.Decoder().decode
"""The value of stored JSON."""


def dump(value: object) -> str:
    """A JSON value as the text that is stored."""
    return _encode(value).decode()


def array(values: Sequence[object]) -> str:
    """
    Values as the text of a PostgreSQL array, where None is null; on the hot path a list is five times as dear.

    Raises:
        ValueError: a text has a null character in it, which PostgreSQL could not store either.
    """
    if not values:
        return "{}"
    if None in values:
        return "{" + ",".join(["NULL" if value is None else array([value])[1:-1] for value in values]) + "}"
    # All at once: nothing that can be stored has the character that stands between them meanwhile.
    joined = "\0".join(map(str, values))
    if joined.count("\0") != len(values) - 1:
        raise ValueError("Null characters cannot be stored.")
    return '{"' + joined.replace("\\", "\\\\").replace('"', '\\"').replace("\0", '","') + '"}'


def to_json(changes: Changes) -> dict[str, object]:  # noqa: C901 - one case for each field
    """The changes as a JSON object; `from_json` makes the same of it again."""
    found: dict[str, object] = {}
    if changes is NOTHING:
        return found
    if changes.initial is not None:
        found["initial"] = _from_initial(changes.initial)
    if changes.end_time is not None:
        found["end_time"] = [from_moment(changes.end_time.old), from_moment(changes.end_time.new)]
    if changes.level is not None:
        found["level"] = [int(changes.level.old), int(changes.level.new)]
    for name in _AS_IT_IS:
        replaced = getattr(changes, name)
        if replaced is not None:
            found[name] = [replaced.old, replaced.new]
    if changes.tags_added:
        found["tags_added"] = _from_tags(changes.tags_added)
    if changes.tags_removed:
        found["tags_removed"] = _from_tags(changes.tags_removed)
    if changes.ack is not None:
        found["ack"] = _from_ack(changes.ack)
    if changes.acks_ended:
        found["acks_ended"] = list(map(_from_ack, changes.acks_ended))
    if changes.escalation is not None:
        escalation = changes.escalation
        after = escalation.after.total_seconds()
        found["escalation"] = {"after": after, "begun": escalation.begun, "since": escalation.since.isoformat()}
    if changes.ended:
        found["ended"] = True
    return found


def from_json(found: Mapping[str, Any]) -> Changes:
    """The changes that `to_json` wrote."""
    if not found:
        return NOTHING
    fields: dict[str, Any] = {name: Replaced(*found[name]) for name in _AS_IT_IS if name in found}
    if "initial" in found:
        fields["initial"] = _to_initial(found["initial"])
    if "end_time" in found:
        fields["end_time"] = Replaced(*map(_to_moment, found["end_time"]))
    if "level" in found:
        fields["level"] = Replaced(*map(Level, found["level"]))
    for name in ("tags_added", "tags_removed"):
        if name in found:
            fields[name] = _to_tags(found[name])
    if "ack" in found:
        fields["ack"] = _to_ack(found["ack"])
    if "acks_ended" in found:
        fields["acks_ended"] = tuple(map(_to_ack, found["acks_ended"]))
    if "escalation" in found:
        escalation = found["escalation"]
        since = datetime.fromisoformat(escalation["since"])
        fields["escalation"] = Escalation(timedelta(seconds=escalation["after"]), escalation["begun"], since)
    return Changes(**fields, ended=found.get("ended", False))


def _from_ack(ack: AckChange) -> dict[str, object]:
    found: dict[str, object] = {"id": ack.id, "old": from_moment(ack.old), "new": from_moment(ack.new), "made": ack.made}
    if ack.until is not None:
        found["until"] = from_until(ack.until, ack.level)
    return found


def _to_ack(found: Mapping[str, Any]) -> AckChange:
    until, level = to_until(found.get("until"))
    return AckChange(EventId(found["id"]), _to_moment(found["old"]), _to_moment(found["new"]), found["made"], until, level)


def from_until(until: Until | None, level: Level | None) -> str | None:
    """What ends an acknowledgement, as the text that is stored: `resolved`, or `level-rises 3`, where 3 is the level it had."""
    if until is None:
        return None
    return until.value if level is None else f"{until.value} {int(level)}"


def to_until(text: str | None) -> tuple[Until | None, Level | None]:
    """What `from_until` wrote down."""
    if text is None:
        return None, None
    until, _, level = text.partition(" ")
    return Until(until), Level(int(level)) if level else None


def _from_initial(initial: Initial) -> dict[str, object]:
    return {
        "source_id": initial.source_id,
        "source_incident_id": initial.source_incident_id,
        "start_time": initial.start_time.isoformat(),
        "end_time": from_moment(initial.end_time),
        "stateful": initial.stateful,
        "level": int(initial.level),
        "description": initial.description,
        "details_url": initial.details_url,
        "ticket_url": initial.ticket_url,
        "metadata": initial.metadata,
        "tags": _from_tags(initial.tags),
    }


def _to_initial(found: Mapping[str, Any]) -> Initial:
    return Initial(
        source_id=SourceId(found["source_id"]),
        source_incident_id=found["source_incident_id"],
        start_time=datetime.fromisoformat(found["start_time"]),
        end_time=_to_moment(found["end_time"]),
        stateful=found["stateful"],
        level=Level(found["level"]),
        description=found["description"],
        details_url=found["details_url"],
        ticket_url=found["ticket_url"],
        metadata=found["metadata"],
        tags=_to_tags(found["tags"]),
    )


def _from_tags(tags: Sequence[TagOn]) -> list[tuple[str, int, str]]:
    return [(tag.tag, tag.added_by, tag.added_time.isoformat()) for tag in tags]


def _to_tags(found: Sequence[tuple[str, int, str]]) -> tuple[TagOn, ...]:
    return tuple(TagOn(tag, UserId(added_by), datetime.fromisoformat(added_time)) for tag, added_by, added_time in found)


def from_moment(moment: datetime | None) -> str | None:
    """A moment, or none, as JSON has it."""
    return None if moment is None else moment.isoformat()


def _to_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

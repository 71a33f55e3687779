"""What is told to people: one message about the newest state of an incident, and its words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from argus_core.domain.incidents import AckChange, Acknowledgement, Changes, Event, EventType, Incident, Level, Until
from argus_core.domain.news import lasting
from argus_core.domain.sources import details_address

SUBJECT_LENGTH = 200
NAME_LENGTH = 40
"""Of names of sources and people in a subject: so there is always room for some of the description."""

MOST_EARLIER = 50
"""So many events are listed beside the newest; whoever was told nothing for long wants to know what is, not all that was."""

_MOST_SAID = 500
"""Characters of what was said about each of those."""

_HEARD_LATE = timedelta(minutes=1)

# What happened: in a message, and in its subject, where the state stands before it.
_WORDS = {
    EventType.START: ("New incident, reported by {}", "new"),
    EventType.STATELESS: ("New incident without an end, reported by {}", "new"),
    EventType.END: ("Ended, reported by {}", "ended by {}"),
    EventType.CHANGE: ("Changed by {}", "changed by {}"),
    EventType.CLOSE: ("Closed by {}", "closed by {}"),
    EventType.REOPEN: ("Reopened by {}", "reopened by {}"),
    EventType.ACKNOWLEDGE: ("Acknowledged by {}", "acknowledged by {}"),
    EventType.OTHER: ("Comment by {}", "comment by {}"),
    EventType.END_REACHED: ("The end that was announced is reached", "end reached"),
    EventType.ACK_EXPIRED: ("An acknowledgement has expired", "acknowledgement expired"),
    EventType.ESCALATION_DUE: ("Nobody has acknowledged it", "unacknowledged"),
}
_UNTIL = {Until.LEVEL_RISES: "until the level rises", Until.RESOLVED: "until it is resolved"}
_WORDS_WITHOUT_EFFECT = {
    EventType.STATELESS: ("Something without an end, reported by {}", "reported by {}"),
    EventType.END: ("The end, reported by {} once more", "end reported by {} once more"),
    EventType.CHANGE: ("A change, reported by {}", "change reported by {}"),
}
_FIELDS = {
    "description": "description",
    "ticket_url": "ticket",
    "details_url": "details",
    "metadata": "metadata",
    "tags_added": "tags",
    "tags_removed": "tags",
    "ack": "acknowledgement",
}
_NO_LINE = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class Named(Protocol):
    """What a message says of a profile."""

    @property
    def id(self) -> int:
        """Its number."""
        ...

    @property
    def name(self) -> str | None:
        """Its name, if it has one."""
        ...


@dataclass(frozen=True, slots=True)
class AskedBy:
    """A profile that asked for a message: its name, and the link to it, which may be empty."""

    name: str
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """
    One message to one destination.

    `id` is the same in every repetition, so that a receiver can drop those it has. `events` are what the message is about, oldest first;
    `incident` is the state after the last of them. `link` leads to the incident in Argus and may be empty. `profiles` asked for it.
    Times in texts are those of `zone`, an IANA name. A `test` is about nothing that has happened just now. A `roundup` is about many
    incidents: its `incident` stands for them and says what the text says.

    `text` is whole: whoever shows it shows what there is to say. It ends with `footer(profiles)`, which differs between destinations;
    media that lay out the message anew find its parts in `headline`, `tell`, `tell_earlier` and `facts`.
    """

    id: str
    incident: Incident
    events: tuple[Event, ...]
    subject: str
    text: str
    link: str = ""
    profiles: tuple[AskedBy, ...] = ()
    test: bool = False
    zone: str = "UTC"
    roundup: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """One event in words: what happened and who did it, when, and what was said about it, which may be nothing."""

    what: str
    when: str
    why: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A line about an incident. With a `link`, the text is where it leads to."""

    name: str
    text: str
    link: str = ""


TEST = "This is a test message: nothing has happened. It shows what you would be told."


def compose(
    *,
    id: str,  # noqa: A002 - as the field is called
    incident: Incident,
    events: Sequence[Event],
    zone: str,
    frontend: str = "",
    profiles: Sequence[Named] = (),
    test: bool = False,
) -> Notification:
    """
    Put what happened into words.

    `incident` is the state after the newest of `events`, which come oldest first: the message is about the newest and lists the others.
    `frontend` is where people find Argus; without it there are no links.
    """
    frontend = frontend.rstrip("/")
    link = f"{frontend}/incidents/{incident.id}/" if frontend and not test else ""
    asked = asked_by(profiles, frontend)
    body = "\n\n".join(_paragraphs(incident, events, zone, link, test=test))
    return Notification(
        id=id,
        incident=incident,
        events=tuple(events),
        subject=_subject(incident, events, test=test),
        text=f"{body}\n{footer(asked)}",
        link=link,
        profiles=asked,
        test=test,
        zone=zone,
    )


def asked_by(profiles: Sequence[Named], frontend: str) -> tuple[AskedBy, ...]:
    """Profiles as messages name them; without a `frontend` there are no links."""
    frontend = frontend.rstrip("/")
    return tuple(
        AskedBy(profile.name or f"Profile {profile.id}", f"{frontend}/notificationprofiles/{profile.id}/" if frontend else "")
        for profile in profiles
    )


def headline(incident: Incident) -> str:
    """What the incident is called in one line: the first line of its description that says something."""
    first = next((line for line in map(_one_line, incident.description.splitlines()) if line), "")
    return first or f"Incident {incident.id}"


def level_of(level: Level) -> str:
    """The level as a number and a word."""
    return f"{level.value} {level.name.lower()}"


def state_of(incident: Incident) -> str:
    """The state in one word: `open`, `closed`, or `stateless` for what is neither."""
    if not incident.stateful:
        return "stateless"
    return "open" if incident.is_open(incident.received) else "closed"


def heard_late(event: Event) -> bool:
    """Whether it took so long until Argus heard of it that this is to be said."""
    return event.received - event.timestamp > _HEARD_LATE


def tell(event: Event, zone: str) -> Told:
    """The event in words, with times of that zone."""
    when = moment(event.timestamp, zone)
    if heard_late(event):
        when = f"{when}, reported {moment(event.received, zone)}"
    # An edit is described for clients, field by field; for people it is told in words of their own.
    changed = list(_changed(event.changes, zone)) if event.type is EventType.CHANGE else []
    what = f"{'; '.join(changed)}, by {_who(event)}" if changed else _happened(event, zone)
    return Told(what, when, "" if changed or event.changes.initial else event.description.strip())


def tell_earlier(events: Sequence[Event], zone: str) -> tuple[Told, ...]:
    """All but the newest in words, oldest first and not too many: then the first says how many are left out."""
    earlier = events[:-1]
    told = [tell(event, zone) for event in earlier[-MOST_EARLIER:]]
    short = tuple(replace(one, why=shortened(one.why, _MOST_SAID)) for one in told)
    left_out = len(earlier) - len(short)
    return (Told(f"{left_out} more events", f"until {moment(earlier[left_out - 1].timestamp, zone)}", ""), *short) if left_out else short


def facts(incident: Incident, events: Sequence[Event], zone: str) -> tuple[Fact, ...]:
    """What the incident is like after these events; who acknowledged it is known if they say so."""
    return tuple(_facts(incident, events, zone))


def footer(profiles: Sequence[AskedBy]) -> str:
    """The last lines of a message: which profiles asked for it."""
    if not profiles:
        return ""
    asked = "\n".join(f"- {profile.name}: {profile.link}" if profile.link else f"- {profile.name}" for profile in profiles)
    return f"\nYou get this because of your notification profile{'s' if len(profiles) > 1 else ''}:\n{asked}\n"


def moment(at: datetime, zone: str) -> str:
    """The time in that zone, to the second, and how far that is from UTC."""
    text = at.astimezone(ZoneInfo(zone)).isoformat(sep=" ", timespec="seconds")
    return f"{text[:19]} {text[19:]}"


def shortened(text: str, most: int) -> str:
    """As much of the text as there is room for, if possible up to the end of a word; three dots stand for the rest."""
    if len(text) <= most:
        return text
    kept = text[: most - 3]
    words = kept.rpartition(" ")[0]
    return f"{(words if len(words) > most // 2 else kept).rstrip()}..."


def _subject(incident: Incident, events: Sequence[Event], *, test: bool) -> str:
    source = shortened(_one_line(incident.source.name), NAME_LENGTH)
    state = state_of(incident)
    happened = [_in_short(events[-1])] if events else []
    # "closed, closed by ola" would say one thing twice.
    happened = happened if happened and happened[0].startswith(state) else [state, *happened]
    earlier = f" (and {len(events) - 1} before)" if len(events) > 1 else ""
    begin = f"{'[TEST] ' if test else ''}[{level_of(incident.level)}] {source}: {', '.join(happened)}{earlier}: "
    return begin + shortened(headline(incident), SUBJECT_LENGTH - len(begin))


def _paragraphs(incident: Incident, events: Sequence[Event], zone: str, link: str, *, test: bool) -> Iterator[str]:
    if test:
        yield TEST
    if events:
        newest = tell(events[-1], zone)
        yield _indented(f"{newest.what}\n{newest.when}", newest.why)
    yield incident.description.strip() or headline(incident)
    lines = [*facts(incident, events, zone), *([Fact("In Argus", link)] if link else [])]
    width = max(len(fact.name) for fact in lines) + 2
    yield "\n".join(f"{fact.name + ':' if fact.name else '':<{width}}{fact.text}" for fact in lines)
    if earlier := tell_earlier(events, zone):
        yield "\n".join(["Before that:", *(_indented(f"- {told.when}: {told.what}", told.why) for told in earlier)])


def _indented(what: str, why: str) -> str:
    return "\n".join([what, *(f"    {line}".rstrip() for line in why.splitlines())])


def _facts(incident: Incident, events: Sequence[Event], zone: str) -> Iterator[Fact]:
    yield Fact("State", _state(incident, zone))
    held = [ack for ack in incident.acks if ack.holds(incident.received)]
    makers = {event.id: _who(event) for event in events if event.type is EventType.ACKNOWLEDGE}
    for ack in held:
        yield Fact("Acknowledged", _ack(ack, makers.get(ack.id), zone))
    yield Fact("Level", level_of(incident.level))
    yield Fact("Source", f"{_one_line(incident.source.name)} ({incident.source.type})")
    yield Fact("Start", moment(incident.start_time, zone))
    if incident.stateful:
        yield Fact("End", moment(incident.end_time, zone) if incident.end_time else "still open")
    for number, tag in enumerate(incident.tags):
        yield Fact("" if number else "Tags", _one_line(tag.tag))
    if details := details_address(incident.source.base_url, incident.details_url):
        yield Fact("Details", _one_line(details), details)
    if incident.ticket_url:
        yield Fact("Ticket", _one_line(incident.ticket_url), incident.ticket_url)


def _state(incident: Incident, zone: str) -> str:
    state, end = state_of(incident), incident.end_time
    match state:
        case "stateless":
            return "stateless: it happened once and has no end"
        case "closed" if end:
            return f"closed since {moment(end, zone)}"
        case _:
            return f"open until {moment(end, zone)}" if end else "open"


def _ack(ack: Acknowledgement, maker: str | None, zone: str) -> str:
    until = _said(ack.expiration, ack.until, zone)
    return f"by {maker}, {until}" if maker else until


def _who(event: Event) -> str:
    return shortened(_one_line(event.actor.username), NAME_LENGTH) if event.actor else "Argus"


def _happened(event: Event, zone: str) -> str:
    long, _ = _words_of(event)
    if event.changes.escalation:
        return f"{long} for {lasting(event.changes.escalation.after)}"
    ack = event.changes.ack
    until = f", {_until(ack, zone)}" if ack and ack.made else ""
    return long.format(_who(event)) + until


def _in_short(event: Event) -> str:
    _, short = _words_of(event)
    if event.changes.escalation:
        return f"{short} for {lasting(event.changes.escalation.after)}"
    field = _field(event.changes) if event.type is EventType.CHANGE else ""
    return f"{field} by {_who(event)}" if field else short.format(_who(event))


def _words_of(event: Event) -> tuple[str, str]:
    if event.effect and (event.type is not EventType.STATELESS or event.changes.initial):
        return _WORDS[event.type]
    return _WORDS_WITHOUT_EFFECT.get(event.type, _WORDS[event.type])


def _field(changes: Changes) -> str:
    if changes.level:
        return f"level {changes.level.old.value} to {changes.level.new.value}"
    return next((f"{word} changed" for name, word in _FIELDS.items() if getattr(changes, name)), "")


def _changed(changes: Changes, zone: str) -> Iterator[str]:
    if changes.level:
        yield f"Level changed from {level_of(changes.level.old)} to {level_of(changes.level.new)}"
    if changes.description:
        yield "Description changed"
    if changes.ticket_url:
        yield f"Ticket is now {changes.ticket_url.new}" if changes.ticket_url.new else "Ticket removed"
    if changes.details_url:
        yield "Details are now elsewhere"
    if changes.metadata:
        yield "Metadata changed"
    if changes.tags_added:
        yield f"Tags added: {', '.join(tag.tag for tag in changes.tags_added)}"
    if changes.tags_removed:
        yield f"Tags removed: {', '.join(tag.tag for tag in changes.tags_removed)}"
    if changes.ack:
        yield f"Acknowledgement is now {_until(changes.ack, zone)}"
    if changes.acks_ended:
        yield f"This ends {'an acknowledgement' if len(changes.acks_ended) == 1 else f'{len(changes.acks_ended)} acknowledgements'}"


def _until(ack: AckChange, zone: str) -> str:
    return _said(ack.new, ack.until, zone)


def _said(expiration: datetime | None, until: Until | None, zone: str) -> str:
    """How long an acknowledgement holds."""
    said = [f"until {moment(expiration, zone)}"] if expiration else []
    said += [_UNTIL[until]] if until else []
    return ", or ".join(said) or "for good"


def _one_line(text: str) -> str:
    return _NO_LINE.sub(" ", text).strip()

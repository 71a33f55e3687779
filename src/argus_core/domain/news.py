"""
What an event counts as when people ask for kinds of events.

Where the last acknowledgement ends while the incident is still open, that is news again: it counts as a start, too. So does an escalation.
Where another acknowledgement holds, or the incident is not open, nobody is told that one has expired.
"""

from datetime import timedelta

from argus_core.domain.incidents import Event, EventType, Happening, Incident
from argus_core.domain.spans import MINUTES, spoken


def kinds(incident: Incident, event: Event) -> frozenset[EventType]:
    """The types of events that this one is taken for; `incident` is as it is right after it."""
    if event.type in _PLAIN and not event.changes.acks_ended:
        return _PLAIN[event.type]
    if event.type is EventType.ESCALATION_DUE or _revives(incident, event):
        return frozenset({event.type, EventType.START})
    return frozenset({event.type})


def is_news(happening: Happening) -> bool:
    """Whether anybody is to be told at once of it."""
    if happening.event.type is EventType.ACK_EXPIRED:
        return _revives(happening.incident, happening.event)
    return happening.event.type is not EventType.ESCALATION_DUE


def lasting(after: timedelta) -> str:
    """A delay as people say it: in minutes, like the field for it."""
    return spoken(after, MINUTES)


def _revives(incident: Incident, event: Event) -> bool:
    """Whether the last acknowledgement ends with it, while the incident is open: of several that expire together the latest one counts."""
    if event.type not in (EventType.ACK_EXPIRED, EventType.CHANGE):
        return False
    if not incident.is_open(event.received) or incident.is_acked(event.received):
        return False
    expired = event.changes.ack
    if event.type is EventType.CHANGE or expired is None or expired.new is None:
        return bool(event.changes.acks_ended)
    here = (expired.new, expired.id)
    return all((ack.expiration, ack.id) <= here for ack in incident.acks if ack.expiration is not None)


_PLAIN = {type_: frozenset({type_}) for type_ in EventType if type_ not in (EventType.ACK_EXPIRED, EventType.ESCALATION_DUE)}

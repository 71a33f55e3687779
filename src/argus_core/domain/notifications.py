"""What is told to people: one message about the newest state of an incident."""

from dataclasses import dataclass

from argus_core.domain.incidents import Event, Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """
    One message to one destination.

    `id` is the same in every repetition, so that a receiver can drop those it has. `events` are what the message is about, oldest first;
    `incident` is the state after the last of them. `link` leads to the incident in Argus and may be empty.
    """

    id: str
    incident: Incident
    events: tuple[Event, ...]
    subject: str
    text: str
    link: str = ""

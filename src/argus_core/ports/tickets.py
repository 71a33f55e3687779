"""Ticket systems: plugins too, under the entry-point group `argus.tickets`."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

from argus_core.domain.actors import Actor
from argus_core.domain.incidents import Incident


class TicketFailed(Exception):
    """The ticket system did not make a ticket, or it is not known whether it did; the message says why, without secrets."""


class TicketSystem(Protocol):
    """
    A place where tickets about incidents are made.

    An entry point names a class that is made with its settings (a mapping of texts: `endpoint`, `token`, and what else it documents)
    and says in one sentence (ValueError) which of them is missing or wrong.
    """

    slug: ClassVar[str]
    """Its name in settings."""

    name: ClassVar[str]
    """Its name for people."""

    def __init__(self, settings: Mapping[str, str]) -> None: ...

    async def create(self, incident: Incident, *, actor: Actor, link: str) -> str:
        """
        Make a ticket on this person's behalf and give its URL; `link` leads to the incident in Argus and may be empty.

        Raises:
            TicketFailed: it was refused, the system could not be reached, took too long, or answered nonsense.
        """
        ...

"""Ticket systems: plugins too, under the entry-point group `argus.tickets`."""

from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Protocol

from argus_core.domain.actors import Actor
from argus_core.domain.ids import IncidentId
from argus_core.domain.incidents import Incident


class TicketFailed(Exception):
    """The ticket system did not make a ticket, or it is not known whether it did; the message says why, without secrets."""


class TicketSystem(Protocol):
    """
    A place where tickets about incidents are made.

    An entry point has the system's slug as its name and leads to a class, or to a function that returns a ticket system. It is called
    once, with the settings of the installation: texts, under the names that operators give them (`ARGUS_TICKET_ENDPOINT`). It says in one
    sentence (ValueError) which of them is missing or wrong.
    """

    slug: ClassVar[str]
    """Its name in settings."""

    name: ClassVar[str]
    """Its name for people."""

    async def create(self, incident: Incident, *, actor: Actor, link: str) -> str:
        """
        Make a ticket on this person's behalf and give its URL; `link` leads to the incident in Argus and may be empty.

        It is called in a thread of its own, so it blocks nobody.

        Raises:
            TicketFailed: it was refused, the system could not be reached, took too long, or answered nonsense.
        """
        ...


class TicketClaims(Protocol):
    """Who may make a ticket for an incident: one at a time, in all processes that share a store."""

    def claim(self, incident_id: IncidentId) -> AbstractAsyncContextManager[None]:
        """
        Hold the claim until the end of the block; whoever else wants it waits for that. It ends with the process too, however that ends.

        Raises:
            Unavailable: the store cannot be reached, or the wait was too long.
        """
        ...

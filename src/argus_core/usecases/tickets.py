"""Make a ticket for an incident in a ticket system, once."""

import asyncio
from dataclasses import dataclass

from argus_core.domain.actors import Actor
from argus_core.domain.errors import DomainError, NoTicketSystem, said
from argus_core.domain.ids import IncidentId, TokenId
from argus_core.domain.limits import url_problem
from argus_core.domain.permissions import Act, require
from argus_core.domain.transitions import Edit
from argus_core.ports.tickets import TicketClaims, TicketFailed, TicketSystem
from argus_core.usecases.incidents import IncidentService

SECONDS = 15.0
"""How long a ticket system may take, whatever it is; those that wait for the ticket wait a little longer."""


@dataclass(frozen=True, slots=True)
class TicketService:
    """Who asks first makes the ticket; whoever asks meanwhile gets the same one. `system` None is none at all."""

    incidents: IncidentService
    claims: TicketClaims
    system: TicketSystem | None = None
    seconds: float = SECONDS

    async def ticket_for(self, incident_id: IncidentId, *, actor: Actor, link: str = "", warrant: TokenId | None = None) -> str:
        """
        The URL of the incident's ticket, which is made now if there is none.

        Nothing is kept before the ticket is there, so a system that fails or hangs leaves everything as it was.

        Raises:
            NotFound: there is no such incident.
            NoTicketSystem: there is no ticket, and nowhere to make one.
            TicketFailed: there is none afterwards either, or none that Argus knows of; the message says which.
            Unavailable: somebody else has been making one for too long.
        """
        require(actor, Act.CHANGE)
        incident = await self.incidents.get(incident_id, actor=actor)
        if incident.ticket_url:
            return incident.ticket_url
        if self.system is None:
            raise NoTicketSystem
        async with self.claims.claim(incident_id):
            incident = await self.incidents.incidents.get(incident_id)
            if incident.ticket_url:
                return incident.ticket_url
            try:
                async with asyncio.timeout(self.seconds):
                    url: object = await self.system.create(incident, actor=actor, link=link)
            except TimeoutError as error:
                raise TicketFailed(f"{self.system.name} did not answer in time; look there whether it made a ticket.") from error
            except (TicketFailed, DomainError):
                raise
            except (Exception, SystemExit) as error:  # a stranger's code may fail in any way
                raise TicketFailed(f"{self.system.name} failed: {said(error)}; look there whether it made a ticket.") from error
            if not isinstance(url, str) or url_problem(url):
                raise TicketFailed(f"{self.system.name} answered without a URL of the ticket; look there whether it made a ticket.")
            try:
                await self.incidents.edit(incident_id, Edit(ticket_url=url), actor=actor, warrant=warrant)
            except DomainError as error:
                raise TicketFailed(f"The ticket {url} was made, but could not be noted: {error.message} Set it by hand.") from error
            return url

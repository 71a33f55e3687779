"""Request Tracker by version 2 of its REST API, which is in the core of RT 5 and an extension of RT 4.4."""

import re
from collections.abc import Mapping
from typing import ClassVar

from adapters.tickets import rest, wording
from argus_core.domain.actors import Actor
from argus_core.domain.incidents import Incident
from argus_core.ports.tickets import TicketSystem


class RequestTracker(TicketSystem):
    """Tickets of one queue, `ARGUS_TICKET_PROJECT`. There are no labels."""

    slug: ClassVar[str] = "request-tracker"
    name: ClassVar[str] = "Request Tracker"

    def __init__(self, config: Mapping[str, str]) -> None:
        token = rest.token(config)
        self._api = rest.Api(
            system=self.name,
            endpoint=rest.endpoint(config),
            headers={"Authorization": f"token {token}"},
            secrets=(token,),
        )
        self._queue = rest.project(config, "the name of a queue", r"\S(.*\S)?")
        if rest.labels(config):
            raise ValueError(f"{rest.LABELS} is set, but Request Tracker has no labels.")

    async def create(self, incident: Incident, *, actor: Actor, link: str) -> str:
        """See the port."""
        answer = await self._api.post(
            "/REST/2.0/ticket",
            {
                "Queue": self._queue,
                "Subject": wording.title(incident),
                "Content": f"{wording.facts(incident, actor=actor)}\n\n{wording.reference(incident, link)}",
                "ContentType": "text/plain",
            },
        )
        number = answer.get("id")
        if not re.fullmatch(r"[0-9]+", str(number)):
            raise self._api.nonsense("the number of the ticket")
        return f"{self._api.endpoint}/Ticket/Display.html?id={number}"

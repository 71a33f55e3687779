"""Jira, in the cloud and one's own, by version 2 of its API, in which a description is text."""

import base64
import re
from collections.abc import Mapping
from typing import ClassVar

from adapters.tickets import rest, wording
from argus_core.domain.actors import Actor
from argus_core.domain.incidents import Incident
from argus_core.domain.limits import Json
from argus_core.ports.tickets import TicketSystem

USER = "ARGUS_TICKET_USER"
TYPE = "ARGUS_TICKET_TYPE"


class Jira(TicketSystem):
    """
    Issues of one project, `ARGUS_TICKET_PROJECT`, by its key; of the type `ARGUS_TICKET_TYPE`, which is Task.

    In the cloud the token belongs to the account `ARGUS_TICKET_USER`, an e-mail address; elsewhere it is a personal access token, without.
    """

    slug: ClassVar[str] = "jira"
    name: ClassVar[str] = "Jira"

    def __init__(self, config: Mapping[str, str]) -> None:
        token, user = rest.token(config), config.get(USER, "")
        pair = base64.b64encode(f"{user}:{token}".encode()).decode()
        self._api = rest.Api(
            system=self.name,
            endpoint=rest.endpoint(config),
            headers={"Authorization": f"Basic {pair}" if user else f"Bearer {token}"},
            secrets=(token, pair),
        )
        self._project = rest.project(config, "the key of a project like NOC", r"[A-Z][A-Z0-9_]*")
        self._type = config.get(TYPE) or "Task"
        self._labels = rest.labels(config)
        if any(re.search(r"\s", label) for label in self._labels):
            raise ValueError(f"{rest.LABELS} has a label with a blank, which Jira does not allow.")

    async def create(self, incident: Incident, *, actor: Actor, link: str) -> str:
        """See the port."""
        fields: dict[str, Json] = {
            "project": {"key": self._project},
            "issuetype": {"name": self._type},
            "summary": wording.title(incident),
            "description": f"{_verbatim(wording.facts(incident, actor=actor))}\n\n{wording.reference(incident, link)}",
        }
        if self._labels:
            fields["labels"] = self._labels
        key = (await self._api.post("/rest/api/2/issue", {"fields": fields})).get("key")
        if not isinstance(key, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]*-[0-9]+", key):
            raise self._api.nonsense("the key of the ticket")
        return f"{self._api.endpoint}/browse/{key}"


def _verbatim(text: str) -> str:
    """The text as Jira's markup that shows it as it is: nobody is mentioned, nothing is a link or a picture."""
    return f"{{noformat}}\n{re.sub('{noformat', '{ noformat', text, flags=re.IGNORECASE)}\n{{noformat}}"

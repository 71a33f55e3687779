"""GitLab, theirs or one's own."""

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

from adapters.tickets import rest, wording
from argus_core.domain.actors import Actor
from argus_core.domain.incidents import Incident
from argus_core.domain.limits import Json
from argus_core.ports.tickets import TicketSystem


class GitLab(TicketSystem):
    """Issues of one project, `ARGUS_TICKET_PROJECT`: its number or its path. The token needs the scope `api`."""

    slug: ClassVar[str] = "gitlab"
    name: ClassVar[str] = "GitLab"

    def __init__(self, config: Mapping[str, str]) -> None:
        token = rest.token(config)
        self._api = rest.Api(
            system=self.name,
            endpoint=rest.endpoint(config, "https://gitlab.com"),
            headers={"PRIVATE-TOKEN": token},
            secrets=(token,),
        )
        self._project = rest.project(config, "a project like group/name, or its number", r"[0-9]+|[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
        self._labels = rest.labels(config)

    async def create(self, incident: Incident, *, actor: Actor, link: str) -> str:
        """See the port."""
        content: dict[str, Json] = {
            "title": wording.title(incident),
            "description": f"{wording.markdown(wording.facts(incident, actor=actor))}\n\n{wording.reference(incident, link)}",
        }
        if self._labels:
            content["labels"] = ",".join(self._labels)
        answer = await self._api.post(f"/api/v4/projects/{quote(self._project, safe='')}/issues", content)
        return self._api.url(answer.get("web_url"))

"""GitHub, and GitHub Enterprise with its API as the endpoint (`https://github.example.org/api/v3`)."""

from collections.abc import Mapping
from typing import ClassVar

from adapters.tickets import rest, wording
from argus_core.domain.actors import Actor
from argus_core.domain.incidents import Incident
from argus_core.domain.limits import Json
from argus_core.ports.tickets import TicketSystem


class GitHub(TicketSystem):
    """Issues of one repository, `ARGUS_TICKET_PROJECT`; the token may write its issues."""

    slug: ClassVar[str] = "github"
    name: ClassVar[str] = "GitHub"

    def __init__(self, config: Mapping[str, str]) -> None:
        token = rest.token(config)
        self._api = rest.Api(
            system=self.name,
            endpoint=rest.endpoint(config, "https://api.github.com"),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            secrets=(token,),
        )
        self._repository = rest.project(config, "a repository like owner/name", r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
        self._labels = rest.labels(config)

    async def create(self, incident: Incident, *, actor: Actor, link: str) -> str:
        """See the port."""
        content: dict[str, Json] = {
            "title": wording.title(incident),
            "body": f"{wording.markdown(wording.facts(incident, actor=actor))}\n\n{wording.reference(incident, link)}",
        }
        if self._labels:
            content["labels"] = self._labels
        answer = await self._api.post(f"/repos/{self._repository}/issues", content)
        return self._api.url(answer.get("html_url"))

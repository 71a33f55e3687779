"""An installation, and what people and sources do with it over HTTP."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import httpx

from integration.hearing import EVERYTHING, want
from integration.serving import Served, argus

BUSY, PATIENCE = 503, 30


class Installation:
    """A server, its people's tokens, and the settings it runs with."""

    SPEC: ClassVar = {
        "users": [
            {"actor": "alice", "username": "alice", "email": "alice@example.org", "token": "valid"},
            {"actor": "bob", "username": "bob", "email": "bob@example.org", "token": "valid"},
            {"actor": "root", "username": "root", "is_superuser": True, "is_staff": True, "token": "valid"},
            {"actor": "nav", "username": "nav", "token": "valid"},
        ],
        "source_types": ["nav"],
        "sources": [{"name": "nav-oslo", "type": "nav", "user": "nav", "base_url": "https://nav.example.org/"}],
    }

    def __init__(self, served: Served, tokens: Mapping[str, str], environment: Mapping[str, str], folder: Path) -> None:
        self.served, self.tokens, self.environment, self.folder = served, tokens, environment, folder
        self._clients: dict[str, httpx.Client] = {}

    def as_(self, who: str) -> httpx.Client:
        """Somebody who speaks to API v2."""
        if who not in self._clients:
            self._clients[who] = self.served.client(self.tokens[who], timeout=30)
        return self._clients[who]

    def close(self) -> None:
        """Let all connections go."""
        for client in self._clients.values():
            client.close()

    def ask(self, who: str, method: str, path: str, body: object = None, *, status: int | None = None) -> object:
        """What is answered; it has to be of that status, or of those that say it went well. Who is to come back comes back."""
        until = time.monotonic() + PATIENCE
        while (answer := self.as_(who).request(method, path, json=body)).status_code == BUSY != status and time.monotonic() < until:
            time.sleep(int(answer.headers["Retry-After"]))
        assert answer.status_code == status if status else answer.is_success, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def want(self, who: str, condition: Mapping[str, object] = EVERYTHING, **options: object) -> dict:
        """Let somebody hear of what a filter matches; gives the profile."""
        return want(self.as_(who), condition, **options)

    def report(self, description: str = "Router down", **fields: object) -> int:
        """A new incident of the source; gives its number."""
        body = {"start_time": "2026-11-26T08:00:00Z", "description": description, "tags": [{"tag": "host=gw1"}], "level": 1, **fields}
        return self.ask("nav", "POST", "/incidents/", body)["pk"]

    def argus(self, *arguments: object, told: bool = False) -> str:
        """What a command prints; or what it tells beside that."""
        return argus(*arguments, environment=self.environment, folder=self.folder, told=told)

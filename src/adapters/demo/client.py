"""The HTTP API as the simulated network uses it: what any program could do with the standard library."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 10.0
SERVER_ERROR = 500
CLIENT_ERROR = 400


class Refused(Exception):
    """The server has answered that it will not do that."""

    def __init__(self, status: int, said: Any) -> None:  # noqa: ANN401 - JSON
        super().__init__(f"{status} {said}")
        self.status, self.said = status, said


class NoAnswer(Exception):
    """There is no server, or it cannot answer just now; it may have done what was asked."""


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks to one server; each call opens a connection, so that the server may come and go."""

    address: str

    def get(self, path: str, token: str) -> Any:  # noqa: ANN401 - JSON
        """
        What is at the path, decoded.

        Raises:
            Refused, NoAnswer: see there.
        """
        return self.call("GET", path, token)

    def call(self, method: str, path: str, token: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """
        Ask for something, and give the answer, decoded. `path` begins after `/api/v2/`.

        Raises:
            Refused, NoAnswer: see there.
        """
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT)
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        try:
            connection.request(method, f"/api/v2/{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            said = _decoded(answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(str(error)) from error
        finally:
            connection.close()
        if answer.status >= SERVER_ERROR:
            raise NoAnswer(f"{answer.status} {said}")
        if answer.status >= CLIENT_ERROR:
            raise Refused(answer.status, said)
        return said


def _decoded(text: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")

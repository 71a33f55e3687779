"""A client of the API that costs next to nothing: one connection that is kept, one request at a time."""

import json
import socket
import time
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlsplit

WITHIN = 60.0
QUIET = 2.0
"""A connection on which nothing was said for so many seconds is not trusted any more: the server will hang up."""


class Refused(Exception):
    """An answer is another one than expected."""


class Client:
    """One user on one connection."""

    def __init__(self, url: str, token: str) -> None:
        address = urlsplit(url)
        self._address = (address.hostname, address.port)
        self._connect()
        self._head = f"HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Token {token}\r\nContent-Type: application/json\r\n"

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, WITHIN)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._heard = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def get(self, target: str) -> object:
        """What is there."""
        return json.loads(self.timed("GET", target)[0])

    def post(self, target: str, body: object) -> object:
        """What was made."""
        return json.loads(self.timed("POST", target, json.dumps(body).encode())[0])

    def acked(self, ids: list[int]) -> float:
        """Acknowledge many; gives how many seconds it took."""
        body = {"ids": ids, "ack": {"timestamp": datetime.now(UTC).isoformat(), "description": "seen"}}
        return self.timed("POST", "/api/v2/incidents/acks/bulk/", json.dumps(body).encode())[1]

    def timed(self, method: str, target: str, body: bytes = b"") -> tuple[bytes, float]:
        """
        The answer, and how many seconds it took.

        Raises:
            Refused: its status is neither 200 nor 201.
        """
        request = f"{method} {target} {self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        if time.monotonic() - self._heard > QUIET:
            self._socket.close()
            self._connect()
        began = time.perf_counter()
        self._socket.sendall(request)
        answer = self._more(b"")
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer = self._more(answer)
        head = answer[:end].lower()
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        parts, missing = [answer[end + 4 :]], length - (len(answer) - end - 4)
        while missing > 0:
            parts.append(self._more(b""))
            missing -= len(parts[-1])
        took = time.perf_counter() - began
        self._heard = time.monotonic()
        content = b"".join(parts)
        if head[9:12] not in {b"200", b"201"}:
            raise Refused(f"{method} {target}: {head[9:12].decode()} {content[:300].decode()}")
        return content, took

    def _more(self, answer: bytes) -> bytes:
        received = self._socket.recv(262_144)
        if not received:
            raise Refused("The server has closed the connection.")
        return answer + received

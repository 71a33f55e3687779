"""Metrics of a process that answers no requests otherwise: `argus worker --metrics`."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network, IPv6Network

from adapters.http.metrics import TYPE, asks_from
from adapters.supervisor import listening

SILENT = 10.0
"""Whoever has not asked so many seconds after connecting is hung up on."""


@contextmanager
def telling(host: str, port: int, networks: Sequence[IPv4Network | IPv6Network], written: Callable[[], bytes]) -> Iterator[int]:
    """
    Answer `GET /metrics` to whoever asks from one of these networks, until the end of the block; gives the port.

    Raises:
        Refusal: the address is not to be had.
    """

    class Teller(BaseHTTPRequestHandler):
        timeout = SILENT

        def do_GET(self) -> None:
            if not asks_from(networks, self.client_address[0]):
                self._answer(403)
            elif self.path.partition("?")[0] != "/metrics":
                self._answer(404)
            else:
                self._answer(200, written())

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as the library calls it
            """Nobody wants to read of it."""

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Type", TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with listening(host, port, "--metrics") as listener, ThreadingHTTPServer((host, port), Teller, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listener
        server.server_activate()
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.shutdown()
            thread.join()

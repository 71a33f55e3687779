"""
A mail server for one machine: it takes everything and passes it on to somewhere in this process.

It is not aiosmtpd, which is good for tests, because an operator need not install that for the sake of a demo.
"""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

HOST = "127.0.0.1"
MOST_BYTES = 2_000_000
MOST_LINE = 2_000
SILENT_SECONDS = 60
"""Who says nothing for so long is hung up on."""

Take: TypeAlias = Callable[[bytes], None]


@contextmanager
def receiving(take: Take) -> Iterator[int]:
    """Receive mail until the end of the block, on the port that this gives; `take` gets each message, one at a time."""
    with _Server((HOST, 0), _Session) as server:
        server.take = take
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="mail", daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    take: Take

    def __init__(self, address: tuple[str, int], session: type["_Session"]) -> None:
        super().__init__(address, session)
        self._one_at_a_time = threading.Lock()

    def keep(self, content: bytes) -> None:
        with self._one_at_a_time:
            self.take(content)

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hangs up in the middle of something need not be told about."""


class _Session(socketserver.StreamRequestHandler):
    timeout = SILENT_SECONDS
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        self._say(b"220 A mailbox of Argus")
        while line := self.rfile.readline(MOST_LINE):
            match line[:4].upper():
                case b"EHLO" | b"HELO" | b"MAIL" | b"RCPT" | b"RSET" | b"NOOP":
                    self._say(b"250 OK")
                case b"DATA":
                    self._say(b"354 Go on")
                    self._receive()
                case b"QUIT":
                    self._say(b"221 Bye")
                    return
                case _:
                    self._say(b"502 That is not known here")

    def _receive(self) -> None:
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline(MOST_LINE)) != b".\r\n":
            if not line:
                return
            size += len(line)
            if size <= MOST_BYTES:
                lines.append(line[1:] if line.startswith(b".") else line)
        if size > MOST_BYTES:
            self._say(b"552 That is too much")
            return
        self.server.keep(b"".join(lines))
        self._say(b"250 Taken")

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

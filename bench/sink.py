"""A mail server in a process of its own that takes everything as fast as it can, so that the senders are what is measured."""

import asyncio
import multiprocessing
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import uvloop

MARK = re.compile(rb"alarm-(\d+)-")
RECIPIENT = re.compile(rb"RCPT TO:<([^>]*)>", re.IGNORECASE)
"""The number in it says which incident a mail is about."""


class Sink:
    """The mail server as others see it."""

    def __init__(self, port: int, received, asking: Connection) -> None:
        self.port, self._received, self._asking = port, received, asking

    @property
    def settings(self) -> dict[str, str]:
        """What leads mail here."""
        return {
            "ARGUS_EMAIL_HOST": "127.0.0.1",
            "ARGUS_EMAIL_PORT": str(self.port),
            "ARGUS_EMAIL_SECURITY": "none",
            "ARGUS_DEFAULT_FROM_EMAIL": "argus@example.org",
        }

    @property
    def received(self) -> int:
        """How many mails there were."""
        return self._received.value

    def arrivals(self) -> list[tuple[int, float]]:
        """For each mail with a mark its number, and when it had arrived by `time.monotonic`."""
        return [(number, at) for number, at, _ in self.letters() if number >= 0]

    def letters(self) -> list[tuple[int, float, str]]:
        """The same, and who got it; the number of a mail without a mark is -1. Of several marks the first counts."""
        self._asking.send(None)
        return self._asking.recv()


@contextmanager
def running() -> Iterator[Sink]:
    """One that listens on a port of its own."""
    context = multiprocessing.get_context("spawn")
    received = context.Value("q", 0, lock=False)
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, received), daemon=True)
    process.start()
    try:
        yield Sink(here.recv(), received, here)
    finally:
        process.terminate()
        process.join()


class _Protocol(asyncio.Protocol):
    def __init__(self, received, letters: list[tuple[int, float, str]]) -> None:
        self.received, self.letters, self.rest, self.in_message, self.recipient = received, letters, b"", False, ""

    def connection_made(self, transport) -> None:
        self.transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while True:
            end = b"\r\n.\r\n" if self.in_message else b"\r\n"
            line, found, rest = self.rest.partition(end)
            if not found:
                return
            self.rest = rest
            if self.in_message:
                self.in_message = False
                self.received.value += 1
                mark = MARK.search(line)
                self.letters.append((int(mark[1]) if mark else -1, time.monotonic(), self.recipient))
                self.transport.write(b"250 taken\r\n")
            else:
                if to := RECIPIENT.match(line):
                    self.recipient = to[1].decode()
                self.in_message = line.upper() == b"DATA"
                self.transport.write(b"354 go on\r\n" if self.in_message else b"221 bye\r\n" if line == b"QUIT" else b"250 ok\r\n")


def _serve(asked: Connection, received) -> None:
    async def serving() -> None:
        loop, letters = asyncio.get_running_loop(), []
        server = await loop.create_server(lambda: _Protocol(received, letters), "127.0.0.1", 0)
        asked.send(server.sockets[0].getsockname()[1])

        def answer() -> None:
            asked.recv()
            os.set_blocking(asked.fileno(), True)  # the loop has made it otherwise, and there may be more to say than fits in at once
            asked.send(letters)

        loop.add_reader(asked.fileno(), answer)
        await server.serve_forever()

    uvloop.run(serving())

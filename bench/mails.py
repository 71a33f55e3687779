"""Measure how many mails a second Argus hands in, next to aiosmtplib alone, which builds and sends the same mails over one connection."""

import argparse
import asyncio
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from statistics import median

import aiosmtplib
import uvloop

from adapters.media.email import Email
from adapters.media.letters import Letters
from adapters.media.mail import MailServer
from argus_core.conformance import sample_notification
from argus_core.domain.notifications import AskedBy, Notification, compose, footer

SENDER = "argus@example.org"
EVENTS_APART = 50
"""So many people are told of one event: what is the same for all of them is made once."""

AIM, GOAL = 0.5, 0.8


class Wrong(Exception):
    """Not all that was sent has arrived."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One to send: for Argus the notification, for aiosmtplib its two texts as they are to look."""

    notification: Notification
    recipient: str
    text: str
    page: str


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one side."""

    who: str
    in_flight: int
    mails: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.mails / self.seconds


def main() -> int:
    options = _options()
    print(f"{options.mails:,} mails about {-(-options.mails // EVENTS_APART):,} events, {os.cpu_count()} processors; ", end="")
    print(f"medians of {options.rounds} rounds, sender and mail server are one process each on this machine.")
    mails = list(_mails(options.mails))
    results: list[Result] = []
    with _sink() as (port, received):
        try:
            for round_ in range(options.rounds + 1):
                for in_flight in (1, *options.in_flight):
                    one = _measured(port, received, mails, in_flight)
                    results += [one] if round_ else []  # the first is to get warm
        except Wrong as wrong:
            print(wrong, file=sys.stderr)
            return 1
    print("\n".join(_table(results, options.in_flight)))
    print(f"\nThe ratio is Argus to aiosmtplib, the aim {AIM}, the goal {GOAL}.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.mails", description=__doc__)
    parser.add_argument("--mails", type=int, default=2_000, metavar="N", help="in each run (2000)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians are shown (3)")
    parser.add_argument(
        "--in-flight",
        type=lambda text: [int(part) for part in text.split(",")],
        default=[8, 20],
        metavar="N,N",
        help="that Argus sends at a time (8,20)",
    )
    return parser.parse_args()


def _mails(count: int) -> Iterator[Mail]:
    """About one event for fifty people each, everybody with a profile of their own."""
    sample = sample_notification()
    began = sample.incident.start_time
    letters = Letters(MailServer.of({"ARGUS_DEFAULT_FROM_EMAIL": SENDER}))
    for number in range(count):
        moment = began + timedelta(seconds=number // EVENTS_APART)
        incident = replace(sample.incident, id=number // EVENTS_APART + 1, received=moment, description="Netbox 11 <12345> down.\n" * 20)
        events = tuple(replace(event, incident_id=incident.id, received=moment, timestamp=moment) for event in sample.events)
        asked = (AskedBy(f"Office hours of {number}", f"https://argus.example.org/notificationprofiles/{number}/"),)
        composed = compose(id=f"m{number}", incident=incident, events=events, zone="Europe/Oslo", frontend="https://argus.example.org")
        notification = replace(composed, profiles=asked, text=composed.text + footer(asked))
        recipient = f"user{number}@example.org"
        written = message_from_bytes(letters.write(notification, recipient=recipient, now=moment), policy=policy.default)
        text, page = (part.get_content() for part in written.iter_parts())
        yield Mail(notification, recipient, text, page)


def _measured(port: int, received, mails: Sequence[Mail], in_flight: int) -> Result:
    """
    One run; one mail at a time is for aiosmtplib.

    Raises:
        Wrong: something is missing, or came twice.
    """
    send = _argus(port, mails, in_flight) if in_flight > 1 else _aiosmtplib(port, mails)
    before, cpu, began = received.value, _cpu(), time.perf_counter()
    uvloop.run(send)
    seconds, cpu = time.perf_counter() - began, _cpu() - cpu
    if received.value - before != len(mails):
        raise Wrong(f"{len(mails)} mails were sent, {received.value - before} have arrived.")
    return Result("argus" if in_flight > 1 else "aiosmtplib", in_flight, len(mails), seconds, cpu)


async def _argus(port: int, mails: Sequence[Mail], in_flight: int) -> None:
    medium = Email(
        {
            "ARGUS_EMAIL_HOST": "127.0.0.1",
            "ARGUS_EMAIL_PORT": str(port),
            "ARGUS_EMAIL_SECURITY": "none",
            "ARGUS_DEFAULT_FROM_EMAIL": SENDER,
        }
    )
    todo = iter(mails)

    async def send_some() -> None:
        for mail in todo:
            await medium.send(mail.notification, {"email_address": mail.recipient})

    await asyncio.gather(*(send_some() for _ in range(in_flight)))
    await medium.close()


async def _aiosmtplib(port: int, mails: Sequence[Mail]) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        for mail in mails:
            message = EmailMessage()
            message["From"] = SENDER
            message["To"] = mail.recipient
            message["Subject"] = mail.notification.subject
            message["Date"] = format_datetime(datetime.now(UTC))
            message["Message-ID"] = f"<{mail.notification.id}@example.org>"
            message["In-Reply-To"] = message["References"] = f"<incident-{mail.notification.incident.id}@example.org>"
            message.set_content(mail.text)
            message.add_alternative(mail.page, subtype="html")
            await client.send_message(message)


class _Sink(asyncio.Protocol):
    """A mail server that takes everything as fast as it can, so that the senders are what is measured."""

    def __init__(self, received) -> None:
        self.received, self.rest, self.in_message = received, b"", False

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
                self.transport.write(b"250 taken\r\n")
            else:
                self.in_message = line.upper() == b"DATA"
                self.transport.write(b"354 go on\r\n" if self.in_message else b"221 bye\r\n" if line == b"QUIT" else b"250 ok\r\n")


def _serve(ready, received) -> None:
    async def serving() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Sink(received), "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(serving())


@contextmanager
def _sink() -> Iterator[tuple[int, object]]:
    """The port of a mail server, and how many mails it has got so far."""
    context = multiprocessing.get_context("spawn")
    received = context.Value("q", 0, lock=False)
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, received), daemon=True)
    process.start()
    try:
        yield here.recv(), received
    finally:
        process.terminate()
        process.join()


def _table(results: Sequence[Result], in_flight: Sequence[int]) -> Iterator[str]:
    def of(number: int, what) -> float:
        return median(what(result) for result in results if result.in_flight == number)

    yield f"\n{'':12}{'in flight':>9} {'per s':>9} {'CPU ms':>8} {'ratio':>7}"
    plain = of(1, lambda result: result.rate)
    for number in (*in_flight, 1):
        rate, cpu = of(number, lambda result: result.rate), of(number, lambda result: result.cpu * 1000 / result.mails)
        ratio = f" {rate / plain:7.2f}" if number > 1 else ""
        yield f"{'argus' if number > 1 else 'aiosmtplib':12}{number:9} {rate:9,.0f} {cpu:8.3f}{ratio}"


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())

"""
Measure how many mails a second Argus hands in, next to aiosmtplib alone, which builds and sends such mails over one connection.

`worker` is all that a worker does: it decides who hears of the events, takes what is due, writes and sends it, and keeps what came of it.
`medium` is the writing and sending in it.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from statistics import median

import aiosmtplib
import psycopg
import uvloop
from bench import people, server, sink
from bench.machine import cpu_seconds

from adapters.container import opened
from adapters.media.email import Email
from adapters.media.letters import Letters
from adapters.media.mail import MailServer
from adapters.settings import load
from adapters.worker import Work
from argus_core.conformance import sample_notification
from argus_core.domain.actors import Actor
from argus_core.domain.incidents import Level
from argus_core.domain.notifications import AskedBy, Notification, compose, footer
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import IncidentReport
from argus_core.ports.outbox import Backlog
from argus_core.usecases.sending import SLOTS

SENDER = "argus@example.org"
EVENTS_APART = 50
"""So many people are told of one event: what is the same for all of them is made once."""

WITHIN = 60.0
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
    mails: int
    seconds: float
    cpu: float
    postgres: float

    @property
    def rate(self) -> float:
        return self.mails / self.seconds


def main() -> int:
    options = _options()
    print(f"{options.mails:,} mails about {-(-options.mails // EVENTS_APART):,} events, {os.cpu_count()} processors; ", end="")
    print(f"medians of {options.rounds} rounds, sender and mail server are one process each on this machine.")
    try:
        results = measured(options.mails, options.rounds)
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 1
    print("\n".join(_table(results)))
    print(f"\nThe ratio is Argus to aiosmtplib, the aim {AIM}, the goal {GOAL}.")
    return 0


def measured(count: int, rounds: int) -> list[Result]:
    """
    So many mails sent by each side in turn, so many times.

    Raises:
        Wrong: one was lost, or came twice.
    """
    mails = list(_mails(count))
    results: list[Result] = []
    with sink.running() as sunk, server.database() as (dsn, postgres_pid):
        _, robots, _ = server.world(dsn)
        with psycopg.connect(dsn) as connection:
            people.settle(connection, EVENTS_APART, customers=1, sites=1)
        sides = {
            "aiosmtplib": lambda: _timed(_aiosmtplib(sunk.port, mails)),
            "medium": lambda: _timed(_medium(sunk, mails)),
            "worker": lambda: uvloop.run(_worker(sunk, dsn, robots[0], len(mails) // EVENTS_APART)),
        }
        for round_ in range(rounds + 1):
            for who, run in sides.items():
                before, postgres = sunk.received, cpu_seconds(postgres_pid)
                seconds, cpu = run()
                one = Result(who, _all_of(len(mails), sunk.received - before), seconds, cpu, cpu_seconds(postgres_pid) - postgres)
                results += [one] if round_ else []  # the first is to get warm
    return results


def rate(results: Sequence[Result], who: str) -> float:
    """The median of a side, in mails per second."""
    return median(result.rate for result in results if result.who == who)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.mails", description=__doc__)
    parser.add_argument("--mails", type=int, default=2_000, metavar="N", help="in each run (2000)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians are shown (3)")
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


def _all_of(due: int, arrived: int) -> int:
    """
    How many have arrived.

    Raises:
        Wrong: something is missing, or came twice.
    """
    if arrived != due:
        raise Wrong(f"{due} mails were due, {arrived} have arrived.")
    return arrived


def _timed(send: Coroutine[None, None, None]) -> tuple[float, float]:
    """How many seconds it takes, and how many of the processor."""
    cpu, began = time.process_time(), time.perf_counter()
    uvloop.run(send)
    return time.perf_counter() - began, time.process_time() - cpu


async def _medium(sunk: sink.Sink, mails: Sequence[Mail]) -> None:
    medium = Email(sunk.settings)
    todo = iter(mails)

    async def send_some() -> None:
        for mail in todo:
            await medium.send(mail.notification, {"email_address": mail.recipient})

    await asyncio.gather(*(send_some() for _ in range(SLOTS)))
    await medium.close()


async def _worker(sunk: sink.Sink, dsn: str, robot: Actor, events: int) -> tuple[float, float]:
    """
    From what has just been reported to the last line in the ledger.

    Raises:
        Wrong: it does not come to an end.
    """
    environment = os.environ | sunk.settings | {"DATABASE_URL": dsn, "ARGUS_DELIVERY_BUDGET": "off"}
    async with opened(load(environment=environment).settings, dsn) as container:
        for number in range(events):
            report = IncidentReport(
                start_time=datetime.now(UTC),
                level=Level.CRITICAL,
                description=f"Netbox {number} <12345> down.\n" * 20,
                tags=(Tag.parse("customer=customer-0"), Tag.parse("location=site-0")),
            )
            await container.incidents().report(report, actor=robot)
        work, stopping = Work(container), asyncio.Event()
        cpu, began = time.process_time(), time.perf_counter()
        working = asyncio.create_task(work.run(stopping))
        backlog = Backlog(undecided=events)
        while backlog.undecided or backlog.waiting:
            await asyncio.sleep(0.02)
            backlog = await container.outbox().backlog()
            if time.perf_counter() - began > WITHIN:
                raise Wrong(f"{backlog.undecided} events and {backlog.waiting} mails are left.")
        took = time.perf_counter() - began, time.process_time() - cpu
        stopping.set()
        await working
        return took


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


def _table(results: Sequence[Result]) -> Iterator[str]:
    def of(who: str, what) -> float:
        return median(what(result) for result in results if result.who == who)

    yield f"\n{'':12} {'per s':>9} {'CPU ms':>8} {'PostgreSQL':>11} {'ratio':>7}"
    plain = rate(results, "aiosmtplib")
    for who in dict.fromkeys(result.who for result in results):
        cpu = of(who, lambda result: 1000 * result.cpu / result.mails)
        postgres = of(who, lambda result: 1000 * result.postgres / result.mails)
        yield f"{who:12} {rate(results, who):9,.0f} {cpu:8.3f} {postgres:11.3f} {rate(results, who) / plain:7.2f}"


if __name__ == "__main__":
    sys.exit(main())

"""What the dead were sending: others wait for their leases to run out, which takes longer than a test has."""

import time
from datetime import UTC, datetime

import psycopg

from argus_core.usecases.sending import LEASE
from integration.killing import Mortal

PATIENCE = 120
_WAITING = """
    select (select count(*) from outbox) + (select count(*) from roundup)
        + (select count(*) from delivery where status = 'waiting' or (status = 'suppressed' and merged_into is null))"""


def relieve(killed: Mortal, count: int) -> datetime:
    """Kill all workers and have others; gives a moment at which none of the old ones lived any more, and none of the new ones sent."""
    killed.all_workers()
    while killed.workers:
        time.sleep(0.01)
    died = datetime.now(UTC)
    killed.employ(count)
    return died


def bury(connection: psycopg.Connection, died: datetime) -> None:
    """
    Let the leases run out that were taken until that moment, when all who had taken any were dead; those of the living stay.

    What a dead one had asked of the database may be done a little later, so this is to be done more than once.
    """
    connection.execute("update lane set leased_until = now() where leased_until > now() and leased_until <= %s", (died + LEASE,))


def until_all_is_told(connection: psycopg.Connection, died: datetime) -> None:
    """Wait until nothing is undecided, kept back or waiting, and for nobody who was dead at that moment."""
    until = time.monotonic() + PATIENCE
    while connection.execute(_WAITING).fetchone()[0]:
        assert time.monotonic() < until
        bury(connection, died)
        time.sleep(0.2)

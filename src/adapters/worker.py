"""The process that lets time pass: what is due takes effect here, without anybody asking."""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from adapters.child import Parent
from adapters.settings import Settings
from argus_core.domain.errors import Unavailable
from argus_core.usecases.incidents import IncidentService

POLL = 1.0
"""Looks so often, in seconds, for what has become due meanwhile."""

AT_ONCE = 500
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Waits so long after so many failures in a row."""

_log = logging.getLogger("argus.worker")


async def work(incidents: IncidentService, stopping: asyncio.Event) -> None:
    """Let timers take effect until it is time to stop; what has begun is finished."""
    failures = 0
    while not stopping.is_set():
        try:
            pause = await _take_turn(incidents)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may go well
            if isinstance(error, Unavailable):
                _log.warning("The database cannot be used: %s", error.message)
            else:
                _log.exception("Timers could not take effect")
            pause = PAUSES[min(failures, len(PAUSES) - 1)]
            failures += 1
        else:
            failures = 0
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause)


async def _take_turn(incidents: IncidentService) -> float:
    """Let what is due take effect; gives how many seconds may pass until the next turn."""
    if await incidents.pass_time(AT_ONCE) == AT_ONCE:
        return 0
    now = incidents.clock()
    for timer in await incidents.incidents.due_timers(now + timedelta(seconds=POLL), 1):
        if timer.due > now:
            return (timer.due - now).total_seconds()
    return POLL


def alone(settings: Settings, database_url: str, announce: Callable[[], None]) -> None:
    """Work in this process until a signal says to stop."""

    async def working() -> None:
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        await _work(settings, database_url, announce, stopping)

    asyncio.run(working())


def main(told: int) -> None:
    """Work for the supervisor."""
    parent = Parent(told)
    orders = parent.orders()
    parent.run(lambda stopping: _work(orders.settings, orders.database_url, parent.ready, stopping))


async def _work(settings: Settings, database_url: str, announce: Callable[[], None], stopping: asyncio.Event) -> None:
    from adapters.container import opened

    async with opened(settings, database_url) as container:
        announce()
        await work(container.incidents(), stopping)

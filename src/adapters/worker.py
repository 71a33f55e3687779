"""The process that lets time pass and tells people: timers take effect, what has happened is decided about, and what is due is sent."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.child import HEARTBEAT, Parent
from adapters.counts import note_attempt
from adapters.db.hints import OUTBOX, URGENT
from adapters.db.listen import Listener
from adapters.db.vitals import WORKER
from adapters.durations import duration
from adapters.settings import Settings
from adapters.systemd import Systemd
from argus_core.domain.errors import Unavailable
from argus_core.ports.media import close
from argus_core.usecases.dispatch import Dispatcher
from argus_core.usecases.incidents import Cares, IncidentService, everybody
from argus_core.usecases.maintenance import MaintenanceService
from argus_core.usecases.roundups import RoundupService
from argus_core.usecases.sending import Sender
from argus_core.usecases.watching import WatchService

if TYPE_CHECKING:
    from adapters.container import Container

POLL = 1.0
"""Looks so often, in seconds, for what has become due meanwhile."""

POLL_DEAF = 0.1
"""The same while hints are not heard."""

LOOK = 15.0
"""Watches over Argus itself so often."""

ROUND_UP = 3.0
"""Looks so often for what is to be told of what was kept back."""

NICE = 10
"""Beside servers on the same machine the worker lets those go first who wait for an answer."""

UPKEEP = 30.0
"""Tidies up so often."""

AT_ONCE = 500
DECISIONS = 200
"""So many events are decided about at once. Fewer cost twice as much each; what is urgent waits for none of them."""

PRUNED = 1_000
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Waits so long after so many failures in a row."""

GOODBYE = 8.0
"""What is being sent when it is time to stop may take so many seconds more."""

_log = logging.getLogger("argus.worker")

Turn = Callable[[], Awaitable[float]]
"""Does some of the work; gives how many seconds may pass until the next turn."""


class Work:
    """All that the worker does, each kind in turns of its own, so that none waits for another."""

    def __init__(self, container: "Container") -> None:
        settings: Settings = container.settings()
        self._incidents: IncidentService = container.incidents()
        self._dispatcher: Dispatcher = container.dispatcher()
        self._sender: Sender = container.sender()
        self._maintenance: MaintenanceService = container.maintenance()
        self._roundups: RoundupService = container.roundups()
        self._outbox = container.outbox()
        self._watching: WatchService = container.watching()
        self._patience, self._kept = duration(settings.give_up_after), duration(settings.keep_deliveries)
        self._news, self._alarm, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._sender.freed = self._room.set
        self._sender.attempted = note_attempt
        self._listener = Listener(container.database(), {OUTBOX: self._news.set, URGENT: self._alarm.set})

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until it is time to stop; what has begun is finished."""
        listening = asyncio.create_task(self._listener.run())
        try:
            await asyncio.gather(
                turns("Timers could not take effect", self._let_time_pass, stopping),
                turns("Urgent events could not be decided about", self._decide_urgent, stopping, self._alarm),
                turns("Events could not be decided about", self._decide, stopping, self._news),
                turns("Notifications could not be sent", self._send, stopping, self._room),
                turns("Roundups could not be ordered", self._round_up, stopping),
                turns("Watching failed", self._watch, stopping),
                turns("Tidying up failed", self._tidy, stopping),
            )
            await self._sender.stop(GOODBYE)
        finally:
            listening.cancel()

    async def once(self) -> None:
        """Do everything that is due now."""
        await self._watching.look()
        while await self._incidents.pass_time(AT_ONCE, self._dispatcher.cares):
            pass
        while await self._dispatcher.decide(DECISIONS):
            pass
        await self._maintenance.round_up()
        await self._roundups.round_up()
        while await self._sender.start() or self._sender.busy:
            await self._sender.one_done(POLL)

    async def _let_time_pass(self) -> float:
        pause = await let_time_pass(self._incidents, self._dispatcher.cares)
        if pause == 0:
            self._wake()
        return pause

    async def _decide_urgent(self) -> float:
        return self._after(await self._dispatcher.decide_urgent(DECISIONS))

    async def _decide(self) -> float:
        return self._after(await self._dispatcher.decide(DECISIONS))

    def _after(self, decided: int) -> float:
        """How long deciders rest: as long as something was decided, not at all."""
        if decided:
            self._room.set()
            return 0
        return POLL if self._listener.connected else POLL_DEAF

    async def _send(self) -> float:
        return 0 if await self._sender.start() else POLL

    async def _round_up(self) -> float:
        if await self._maintenance.round_up() + await self._roundups.round_up():
            self._room.set()
        return ROUND_UP

    async def _watch(self) -> float:
        if await self._watching.look():
            self._wake()
        return LOOK

    def _wake(self) -> None:
        self._alarm.set()
        self._news.set()

    async def _tidy(self) -> float:
        await self._sender.give_up(self._patience)
        return 0 if await self._outbox.prune(self._kept, PRUNED) == PRUNED else UPKEEP


async def turns(failure: str, turn: Turn, stopping: asyncio.Event, woken: asyncio.Event | None = None) -> None:
    """Take turns until it is time to stop, whatever happens in one; whoever is woken does not wait for the next."""
    failures = 0
    while not stopping.is_set():
        if woken is not None:
            woken.clear()
        try:
            pause = await turn()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may go well
            if isinstance(error, Unavailable):
                _log.warning("%s: %s", failure, error.message)
            else:
                _log.exception(failure)
            pause = PAUSES[min(failures, len(PAUSES) - 1)]
            failures += 1
        else:
            failures = 0
        if pause:
            await _wait(pause, stopping, *([woken] if woken is not None and not failures else []))


async def _wait(seconds: float, *events: asyncio.Event) -> None:
    """Until one of the events is set, or the time is up."""
    if any(event.is_set() for event in events):
        return
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def let_time_pass(incidents: IncidentService, cares: Cares = everybody) -> float:
    """Let what is due take effect; gives how many seconds may pass until the next turn."""
    if await incidents.pass_time(AT_ONCE, cares) == AT_ONCE:
        return 0
    now = incidents.clock()
    for timer in await incidents.incidents.due_timers(now + timedelta(seconds=POLL), 1):
        if timer.due > now:
            return (timer.due - now).total_seconds()
    return POLL


def alone(settings: Settings, database_url: str, announce: Callable[[], None]) -> None:
    """Work in this process until a signal says to stop."""
    systemd = Systemd(os.environ)

    def ready() -> None:
        systemd.ready("Works")
        announce()

    async def working() -> None:
        stopping = asyncio.Event()

        def stop() -> None:
            systemd.stopping()
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        beating = asyncio.create_task(_beat(systemd))
        try:
            await _work(settings, database_url, ready, stopping)
        finally:
            beating.cancel()

    asyncio.run(working())


async def _beat(systemd: Systemd) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT)
        systemd.well()


def once(settings: Settings, database_url: str) -> None:
    """Do what is due in this process, and end."""

    async def working() -> None:
        from adapters.container import opened

        async with opened(settings, database_url) as container:
            await Work(container).once()
            await _let_media_go(container)

    asyncio.run(working())


def main(told: int) -> None:
    """Work for the supervisor."""
    parent = Parent(told)
    orders = parent.orders()
    os.nice(NICE)
    parent.run(lambda stopping: _work(orders.settings, orders.database_url, parent.ready, stopping))


async def _work(settings: Settings, database_url: str, announce: Callable[[], None], stopping: asyncio.Event) -> None:
    from adapters.container import opened

    async with opened(settings, database_url, name=WORKER) as container:
        announce()
        await Work(container).run(stopping)
        await _let_media_go(container)


async def _let_media_go(container: "Container") -> None:
    for enabled in container.media().enabled:
        if enabled.medium is not None:
            with suppress(Exception):  # a stranger's code may fail in any way, and we are leaving anyway
                await close(enabled.medium)

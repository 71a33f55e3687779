"""
`argus serve`: the embedded database if it is needed, HTTP processes that share one listening socket, and a worker.

Everything that takes time to start starts at once. A process that ends is started again, one that is silent too. At the end the HTTP
processes stop listening and finish what they have begun, then the worker does, then the database stops.
"""

import logging
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

from adapters import databases
from adapters.child import READY, STOP_WITHIN, Orders
from adapters.counting import counting
from adapters.refusals import Refusal
from adapters.settings import Settings
from adapters.standin import StandIn
from adapters.systemd import Systemd

TICK = 1.0
SILENT = 30.0
"""A process that has not said anything for so many seconds hangs."""

STARTING = 120.0
"""One that is starting may take longer: it imports first, and a busy machine takes its time."""

PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Waits so long, in seconds, before a process is started again that has ended so many times in a row."""

SERVED = 5.0
"""A process that was ready for longer than so many seconds did not end because it cannot run: it is started again at once."""

MOST_OPEN = 65_536
"""So many files and connections a process may have open, if the system allows it. Idle clients soon use up the 1,024 that are usual."""

_log = logging.getLogger("argus.supervisor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be served, and where."""

    settings: Settings
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    with_worker: bool = True
    shown: tuple[tuple[str, str, str], ...] = ()


class Told(BaseException):
    """A signal that says to stop, while there is nothing yet that would have to stop in order."""


def serve(plan: Plan, announce: Callable[[str], None]) -> None:
    """
    Serve until a signal says to stop; `announce` hears the address when the first request can be answered.

    Raises:
        Refusal: it cannot be done.
    """
    systemd = Systemd(os.environ)
    allow_many_connections()
    with _stop_signals() as signals, suppress(Told), listening(plan.host, plan.port) as listener, counting() as environment:
        address = _address(plan.host, listener)
        family = Family(plan, listener, signals, environment, systemd)

        def begun() -> None:
            systemd.ready(f"Serves {address}")
            announce(address)

        try:
            family.begin()
            with databases.ready(plan.settings) as database:
                orders = Orders(database_url=database.url, settings=plan.settings, shown=plan.shown)
                family.look_after(orders, database.revive, begun)
        finally:
            family.end()


def allow_many_connections() -> None:
    """Let this process, and those that it starts, have as many files open as they may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN if hard == resource.RLIM_INFINITY else min(hard, MOST_OPEN)
    if resource.RLIM_INFINITY != soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Signals:
    """Signals to stop: until `patient`, they interrupt; then they are noted, and wake whoever waits for `descriptor`."""

    def __init__(self) -> None:
        self.patient = False
        self.count = 0
        self.descriptor, self._wake = os.pipe()
        for end in (self.descriptor, self._wake):
            os.set_blocking(end, False)

    def handle(self, _: int, __: FrameType | None) -> None:
        """Take note."""
        self.count += 1
        if not self.patient:
            raise Told
        with suppress(BlockingIOError):
            os.write(self._wake, b"!")

    def close(self) -> None:
        """Let the pipe go."""
        os.close(self.descriptor)
        os.close(self._wake)


@dataclass(slots=True, eq=False)
class Kept:
    """A process that shall run: what it is, and the one that runs now."""

    role: str
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    status: int = -1
    ready: bool = False
    began_to_serve: float = 0.0
    heard: float = 0.0
    failures: int = 0
    again: float = 0.0

    def start(self) -> None:
        """Start it; it waits for orders."""
        self.status, told = os.pipe()
        os.set_blocking(self.status, False)
        try:
            # Without -P, a file in the working folder could pass itself off as one of our modules. In a group of its own,
            # the process does not hear Ctrl-C: when it ends is for us to say.
            self.process = subprocess.Popen(  # noqa: S603 - our own
                [sys.executable, "-P", "-m", "adapters", self.role, str(told), *map(str, self.descriptors)],
                stdin=subprocess.PIPE,
                env={**os.environ, **self.environment},
                pass_fds=(told, *self.descriptors),
                process_group=0,
            )
        except OSError:
            os.close(self.status)
            raise
        finally:
            os.close(told)
        self.heard = time.monotonic()

    def send(self, orders: Orders) -> None:
        """Tell it what to do."""
        if self.process is not None and self.process.stdin is not None:
            with suppress(BrokenPipeError):  # it has ended, which is noticed by its silence
                self.process.stdin.write(orders.to_line())
                self.process.stdin.flush()

    def hear(self) -> bool:
        """Note what it says; false when it has nothing to say any more."""
        try:
            words = os.read(self.status, 4096)
        except BlockingIOError:
            return True
        self.note(words)
        return bool(words)

    def note(self, words: bytes) -> None:
        """Note these signs of life."""
        self.heard = time.monotonic()
        if READY in words and not self.ready:
            self.ready, self.began_to_serve = True, self.heard

    def fail(self) -> None:
        """Note that it runs no more, and when to start it again."""
        now = time.monotonic()
        if self.ready and now - self.began_to_serve > SERVED:
            self.failures = 0
        self.ready = False
        self.again = now + PAUSES[min(self.failures, len(PAUSES) - 1)]
        self.failures += 1

    def bury(self) -> int:
        """Forget the process that has ended; gives its exit code."""
        process = self.process
        if process is None:
            return 0
        self.process = None
        os.close(self.status)
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()
        return process.wait()


class Family:
    """All processes of one server."""

    def __init__(self, plan: Plan, listener: socket.socket, signals: Signals, environment: Mapping[str, str], systemd: Systemd) -> None:
        self._listener, self._signals, self._systemd = listener, signals, systemd
        self._http = [Kept("asgi", environment, (listener.fileno(),)) for _ in range(plan.workers)]
        self._workers = [Kept("worker", environment)] if plan.with_worker else []
        self._selector = selectors.DefaultSelector()
        self._selector.register(signals.descriptor, selectors.EVENT_READ)
        self._announced = False
        self._stand_in = StandIn(listener, lambda: any(kept.ready for kept in self._http))

    def begin(self) -> None:
        """Start what takes longest to start: it imports while the database starts."""
        for kept in self._http:
            self._start(kept)

    def look_after(self, orders: Orders, revive: Callable[[], bool], announce: Callable[[], None]) -> None:
        """
        Keep everything running until a signal says to stop, then end it in order.

        Raises:
            Refusal: the HTTP processes do not even start.
        """
        self._signals.patient = True
        try:
            self._watch(orders, revive, announce)
        finally:
            self.end()

    def _watch(self, orders: Orders, revive: Callable[[], bool], announce: Callable[[], None]) -> None:
        looked = time.monotonic()
        for kept in self._http:
            kept.send(orders)
            kept.heard = looked
        while not self._signals.count:
            heard = self._selector.select(TICK)
            for key, _ in heard:
                if isinstance(key.data, Kept) and not key.data.hear():
                    self._note_end(key.data)
            if not self._announced and any(kept.ready for kept in self._http):
                self._announced = True
                self._stand_in.start()
                announce()
            now = time.monotonic()
            self._renew(orders, now, slept=now - looked > SILENT / 2)
            looked = now
            self._revive(revive)
            if self._announced:
                self._systemd.well()

    def end(self) -> None:
        """Stop listening, let requests finish, then the worker; one more signal ends everything at once."""
        self._signals.patient = True
        self._systemd.stopping()
        seen = self._signals.count
        self._stand_in.stop()
        self._listener.close()
        for some in (self._http, self._workers):
            self._end(some, seen)
        self._selector.close()

    def _start(self, kept: Kept) -> None:
        kept.start()
        self._selector.register(kept.status, selectors.EVENT_READ, kept)

    def _start_again(self, kept: Kept, orders: Orders) -> None:
        try:
            self._start(kept)
        except OSError as error:
            kept.fail()
            _log.error("No process (%s) can be started: %s", kept.role, error.strerror)
        else:
            kept.send(orders)

    def _note_end(self, kept: Kept) -> None:
        self._selector.unregister(kept.status)
        code = kept.bury()
        kept.fail()
        if not self._announced:
            raise Refusal(f"An HTTP process ended with code {code} before it could serve anything.")
        _log.error("A process (%s) ended with code %s and is started again", kept.role, code)

    def _renew(self, orders: Orders, now: float, *, slept: bool) -> None:
        for kept in self._everybody():
            if kept.process is None:
                if now >= kept.again:
                    self._start_again(kept, orders)
            elif slept:
                kept.heard = now  # this machine stood still, so nobody could be heard
            elif now - kept.heard > (SILENT if kept.ready else STARTING):
                _log.error("Process %s (%s) hangs and is ended", kept.process.pid, kept.role)
                kept.process.kill()
                kept.heard = now

    def _revive(self, revive: Callable[[], bool]) -> None:
        self._signals.patient = False  # a server that recovers may take long
        try:
            if revive():
                _log.error("The embedded PostgreSQL had died and was started again")
        except Refusal as refusal:
            _log.error("The embedded PostgreSQL has died: %s", refusal)
        finally:
            self._signals.patient = True

    def _everybody(self) -> list[Kept]:
        """Who shall run; the worker is not needed for the first answer and starts after it."""
        return [*self._http, *(self._workers if self._announced else ())]

    def _end(self, some: Sequence[Kept], seen: int) -> None:
        running = [kept for kept in some if kept.process is not None]
        for kept in running:
            if kept.process is not None:
                kept.process.terminate()
        until = time.monotonic() + STOP_WITHIN
        while any(kept.process is not None and kept.process.poll() is None for kept in running):
            if time.monotonic() > until or self._signals.count > seen:
                _kill(running)
            time.sleep(0.01)
        for kept in running:
            kept.bury()


def _kill(some: Sequence[Kept]) -> None:
    for kept in some:
        if kept.process is not None:
            kept.process.kill()


@contextmanager
def listening(host: str, port: int, option: str = "--port") -> Iterator[socket.socket]:
    """
    A socket bound to an address, which was chosen by this option; whoever serves listens to it. Port 0 takes one that is free.

    Raises:
        Refusal: the address is not to be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Refusal(f"There is no address {host}: {error.strerror}.") from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise Refusal(f"Port {port} on {host} cannot be used ({error.strerror}); choose another one with {option}.") from error
        yield listener


def _address(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}/"


@contextmanager
def _stop_signals() -> Iterator[Signals]:
    signals = Signals()
    # What is ignored stays so: `nohup` and shells that start something in the background rely on it.
    numbers = [number for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]
    former = {number: signal.signal(number, signals.handle) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        signals.close()

"""A person who goes on working while somebody abuses the server, and what its processes hold meanwhile."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from bench.machine import memory

MOST_WAIT = 2.0
"""So many seconds the person may wait, or as long as before it began: the machine may be busy."""

SETTLES_WITHIN = 60.0
BEFORE = 10.0
QUICK = 0.5

MOST_MB = 400.0
"""So much may be added for ten thousand connections, or for a flood."""

EVERY = 0.5


@dataclass(slots=True)
class Watched:
    """The person at work, and the memory of all processes together."""

    url: str
    token: str
    pid: int
    waited: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    sent_away: int = 0
    usual: float = 0.0
    first: dict[str, float] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)

    def settle(self) -> float:
        """Wait until everything has started; gives the longest wait of some seconds in which nobody abuses anything."""
        until = time.monotonic() + SETTLES_WITHIN
        quick = 0
        with httpx.Client(headers={"Authorization": f"Token {self.token}"}, timeout=30) as client:
            while quick < 2 * BEFORE and time.monotonic() < until:
                self._ask(client)
                quick = quick + 1 if self.waited[-1] < QUICK else 0
                time.sleep(EVERY / 2)
        with self.during():
            time.sleep(BEFORE)
        self.usual = max(self.waited)
        return self.usual

    @contextmanager
    def during(self) -> Iterator[None]:
        """The person works, and memory is weighed, until the end of the block."""
        self.waited.clear()
        self.failed.clear()
        self.sent_away = 0
        self.first, self.most = memory(self.pid), {}
        stopping = threading.Event()
        threads = [threading.Thread(target=work, args=(stopping,)) for work in (self._work, self._weigh)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopping.set()
            for thread in threads:
                thread.join()

    def _work(self, stopping: threading.Event) -> None:
        with httpx.Client(headers={"Authorization": f"Token {self.token}"}, timeout=30) as client:
            while not stopping.wait(EVERY):
                self._ask(client)

    def _ask(self, client: httpx.Client) -> None:
        began = time.monotonic()
        try:
            answer = client.get(f"{self.url}/api/v2/incidents/?open=true&page_size=20")
        except httpx.HTTPError as error:
            self.failed.append(repr(error))
        else:
            if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and "retry-after" in answer.headers:
                self.sent_away += 1
            elif answer.status_code != httpx.codes.OK:
                self.failed.append(f"{answer.status_code} {answer.text[:100]}")
        self.waited.append(time.monotonic() - began)

    def _weigh(self, stopping: threading.Event) -> None:
        while not stopping.wait(EVERY):
            now = memory(self.pid)
            self.most = {role: max(size, self.most.get(role, 0)) for role, size in now.items()}

    def _middle(self) -> float:
        return sorted(self.waited)[len(self.waited) // 2] if self.waited else 0.0

    def told(self, what: str, more: str) -> bool:
        """Tell how it went; gives whether it went as it should."""
        grown = sum(self.most.values()) - sum(self.first.values())
        longest = max(self.waited, default=0)
        each = ", ".join(f"{role} {self.first.get(role, 0):.0f} to {size:.0f}" for role, size in sorted(self.most.items()))
        print(
            f"{what}: {more}. Somebody beside it waited {longest:.2f} s at most ({self._middle():.2f} s in the median), "
            f"and was told to come back {self.sent_away} times; MB {each}; {len(self.failed)} failed.",
            flush=True,
        )
        print(*self.failed[:3], sep="\n", end="\n" if self.failed else "")
        return not self.failed and longest <= max(MOST_WAIT, self.usual) and grown <= MOST_MB

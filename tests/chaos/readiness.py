"""Whether `/health/ready` tells the truth, whatever happens."""

import threading
import time
from bisect import bisect_left
from collections.abc import Sequence

import httpx

from integration.killing import Mortal

EVERY = 0.3
WAITS = 5.0


class Prober(threading.Thread):
    """Asks all the time whether it is ready, as a load balancer would."""

    def __init__(self, mortal: Mortal) -> None:
        super().__init__(daemon=True)
        self._mortal = mortal
        self._stopping = threading.Event()
        self.told: list[tuple[float, float, bool, str]] = []
        """When the question was asked and answered, whether with yes, and what else was said."""

    def run(self) -> None:
        with httpx.Client(timeout=WAITS, headers={"Connection": "close"}) as client:
            while not self._stopping.wait(EVERY):
                self._ask(client)

    def _ask(self, client: httpx.Client) -> None:
        began = time.monotonic()
        try:
            answer = client.get(f"{self._mortal.url}/health/ready")
        except httpx.TransportError as error:
            self._note(began, ready=False, text=type(error).__name__)
        else:
            self._note(began, ready=answer.status_code == httpx.codes.OK, text=answer.text)

    def _note(self, began: float, *, ready: bool, text: str) -> None:
        self.told.append((began, time.monotonic(), ready, text))

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def denied(self, since: float, words: str) -> bool:
        """Whether it has since been said that it is not ready, in these words."""
        return any(not ready and words in text for _, answered, ready, text in list(self.told) if answered >= since)

    def is_ready(self, since: float) -> bool:
        """Whether the last one who asked after that moment was answered with yes."""
        return bool(self.told) and self.told[-1][0] >= since and self.told[-1][2]

    def longest_lie(self, answered: Sequence[float]) -> float:
        """For how many seconds it said yes at most, each time it was asked, while nobody was served; `answered` is when somebody was."""
        served, longest, since = sorted(answered), 0.0, None
        for at, _, ready, _ in self.told:
            since = (at if since is None else since) if ready else None
            if since is not None:
                before = bisect_left(served, at)
                last = served[before - 1] if before else since
                longest = max(longest, at - max(last, since))
        return longest

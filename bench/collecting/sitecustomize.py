"""Put on the path of a server that is measured: notes how long each of its garbage collections takes that is not short."""

import gc
import os
import time

SHORT = 0.002

_began = 0.0


def _note(phase: str, facts: dict[str, int]) -> None:
    global _began  # noqa: PLW0603 - a callback has nothing else to remember it by
    now = time.monotonic()
    if phase == "start":
        _began = now
    elif now - _began > SHORT:
        with open(os.environ["BENCH_COLLECTIONS"], "a") as lines:  # noqa: PTH123 - imports nothing that the server would not
            lines.write(f"{os.getpid()} {_began} {now} {facts['generation']}\n")


gc.callbacks.append(_note)

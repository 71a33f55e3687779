"""When a process that has ended is started again, and how much it may have open."""

import resource
import subprocess
import sys

import pytest

from adapters import supervisor
from adapters.child import READY
from adapters.supervisor import PAUSES, SERVED, Kept


class Clock:
    """Goes on when it is told to."""

    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(supervisor, "time", clock)
    return clock


def run(kept, clock, *, starting, serving):
    """It starts when it may, takes so long to be ready, serves for so long, and ends; gives how long it is down then."""
    clock.now = max(clock.now, kept.again) + starting
    if serving is not None:
        kept.note(READY)
        clock.now += serving
    kept.fail()
    return kept.again - clock.now


def test_what_does_not_even_start_waits_longer_each_time(clock):
    kept = Kept("asgi")

    assert list(PAUSES) == [run(kept, clock, starting=100.0, serving=None) for _ in PAUSES]


def test_what_ends_as_soon_as_it_serves_waits_longer_each_time(clock):
    kept = Kept("asgi")

    assert list(PAUSES) == [run(kept, clock, starting=1.0, serving=SERVED / 2) for _ in PAUSES]


def test_what_has_served_a_while_is_started_again_at_once_however_often_it_is_killed(clock):
    kept = Kept("asgi")

    assert [0.0] * 20 == [run(kept, clock, starting=1.0, serving=SERVED + 1) for _ in range(20)]


ALLOWING = "from resource import *; from adapters.supervisor import *; allow_many_connections(); print(*getrlimit(RLIMIT_NOFILE))"


@pytest.mark.parametrize(("soft", "hard", "then"), [(256, 4096, "4096 4096"), (300, 300, "300 300")])
def test_many_clients_may_be_connected_where_the_system_allows_it(soft, hard, then):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    done = subprocess.run([sys.executable, "-c", ALLOWING], preexec_fn=limit, capture_output=True, text=True, check=True)

    assert then == done.stdout.strip()

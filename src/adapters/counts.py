"""
What the processes of a server count for Prometheus.

The supervisor gives its processes a folder (`child.COUNTS`) in which each has files of its own, and any of them reads all: whoever
answers tells of all, those that have ended included. Without such a folder a process counts for itself.
"""

import os
from collections.abc import Iterable, Sequence
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from adapters.child import COUNTS
from argus_core.domain.deliveries import Outcome

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

disable_created_metrics()  # type: ignore[no-untyped-call] # the library says nothing of its types here
_own = CollectorRegistry()
_requests = Histogram(
    "argus_http_request_duration_seconds",
    "How long requests took, by route, method and class of status; event streams as long as they were open.",
    ("route", "method", "status"),
    buckets=QUICK,
    registry=_own,
)
_attempts = Counter(
    "argus_delivery_attempts", "Attempts to deliver notifications, by medium and what came of them.", ("medium", "outcome"), registry=_own
)


def note_request(route: str, method: str, status: int, seconds: float) -> None:
    """A request was answered."""
    _request(route, method, status // 100).observe(seconds)


def note_attempt(medium: str, outcome: Outcome) -> None:
    """Something was sent, or not."""
    _attempts.labels(medium, outcome.value).inc()


def written(others: Iterable[Metric] = ()) -> bytes:
    """Everything that was counted, and these, as Prometheus reads it."""
    registry = CollectorRegistry()
    if COUNTS in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the same
    else:
        registry.register(_own)
    registry.register(_Others(list(others)))
    return generate_latest(registry)


@cache  # finding it takes longer than counting
def _request(route: str, method: str, kind: int) -> Histogram:
    return _requests.labels(route, method, f"{kind}xx")


class _Others(Collector):
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics

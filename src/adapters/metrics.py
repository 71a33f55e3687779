"""What Prometheus is told: what processes have counted, what the database knows, and whether all is well."""

import asyncio
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from time import monotonic

from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily

from adapters.container import Container
from adapters.counts import written
from adapters.db.database import within
from adapters.db.figures import Figures, Pile, figures
from adapters.http.services import Check, State
from adapters.lately import Lately
from adapters.readiness import Readiness
from argus_core.domain.errors import Unavailable
from argus_core.ports.media import Media

KEPT = 5.0
"""So many seconds figures of the database are good for: counting what is open takes a while where there is much."""

PATIENCE = 5.0
"""So many seconds the database has for them; whoever collects metrics usually waits ten."""


@dataclass(slots=True)
class Metrics:
    """The answer to whoever collects metrics. While the database is away, what it knows is missing from it."""

    container: Container
    readiness: Readiness
    _figures: Lately[Figures | None] = field(init=False)

    def __post_init__(self) -> None:
        self._figures = Lately(self._look, KEPT, monotonic)

    async def text(self) -> bytes:
        """Everything, in Prometheus's format. It is put together beside the event loop, which has requests to answer."""
        found, checks = await asyncio.gather(self._figures(), self.readiness.checks())
        media: Media = self.container.media()
        told = [*of_this_program(), *of_checks(checks), *(of_figures(found, [one.slug for one in media.enabled]) if found else ())]
        return await asyncio.to_thread(written, told)

    async def _look(self) -> Figures | None:
        try:
            async with within(PATIENCE):
                return await figures(self.container.database())
        except (Unavailable, TimeoutError):
            return None


def of_this_program() -> Iterator[Metric]:
    """What runs here."""
    about = {"version": version("argus-core"), "python": platform.python_version()}
    yield InfoMetricFamily("argus_build", "What runs here.", about)


def of_checks(checks: Sequence[Check]) -> Iterator[Metric]:
    """What `/health/ready` looks at."""
    well = GaugeMetricFamily("argus_check_ok", "1 for each thing that /health/ready finds to be well, else 0.", labels=("check",))
    for check in checks:
        well.add_metric((check.name,), check.state is State.OK)
    yield well


def of_figures(found: Figures, media: Sequence[str]) -> Iterator[Metric]:
    """What the database knows. Media by which nothing waits have a 0."""
    open_ = GaugeMetricFamily("argus_open_incidents", "Open incidents, by source and level.", labels=("source_type", "source", "level"))
    for (type_, source, level), number in sorted(found.open.items()):
        open_.add_metric((type_, source, str(level)), number)
    yield open_
    yield GaugeMetricFamily("argus_outbox_events", "Events about which nobody has decided yet who is told.", found.undecided.number)
    yield GaugeMetricFamily(
        "argus_outbox_oldest_seconds", "How long the oldest of them has waited.", found.undecided.oldest / timedelta(seconds=1)
    )
    yield GaugeMetricFamily("argus_outbox_stuck_events", "Those of them about which nobody can decide.", found.stuck)
    waiting = GaugeMetricFamily("argus_waiting_deliveries", "Deliveries that wait, by medium.", labels=("medium",))
    oldest = GaugeMetricFamily("argus_waiting_oldest_seconds", "How long the oldest of them has waited.", labels=("medium",))
    for medium in sorted({*media, *found.waiting}):
        pile = found.waiting.get(medium, Pile())
        waiting.add_metric((medium,), pile.number)
        oldest.add_metric((medium,), pile.oldest / timedelta(seconds=1))
    yield waiting
    yield oldest

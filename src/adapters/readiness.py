"""Whether a process should be given work, and what an operator should know although it can be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from adapters.container import Container
from adapters.databases import newest_step
from adapters.db.database import within
from adapters.db.replica import Replica
from adapters.db.vitals import Vitals, vitals
from adapters.durations import duration
from adapters.http.health import PATIENCE
from adapters.http.services import Check, State
from adapters.lately import Lately
from adapters.settings import Settings
from argus_core.domain.errors import Unavailable

MOST_APART = timedelta(seconds=5)
"""The clocks of a process and of the database may differ by so much."""

SILENT = timedelta(seconds=60)
"""A worker that has not been heard of for so long hangs, or is busy beyond measure."""

KEPT = 1.0
"""So many seconds an answer is good for, however many probes there are."""

STOPPING = Check("process", State.FAILED, "The process is stopping.")


@dataclass(slots=True)
class Readiness:
    """Looks at most once a second."""

    container: Container
    stopping: bool = False
    seconds: Callable[[], float] = monotonic
    at_stop: list[Callable[[], None]] = field(default_factory=list)
    """What has to be told at once that the process stops: answers that would go on for ever."""
    _seen: Lately[Sequence[Check]] = field(init=False)

    def __post_init__(self) -> None:
        self._seen = Lately(self._look, KEPT, self.seconds)

    def stop(self) -> None:
        """Be ready no more."""
        self.stopping = True
        for tell in self.at_stop:
            tell()

    async def checks(self) -> Sequence[Check]:
        """Everything that was looked at."""
        return [STOPPING] if self.stopping else await self._seen()

    async def _look(self) -> Sequence[Check]:
        settings: Settings = self.container.settings()
        try:
            async with within(PATIENCE):
                found = await vitals(self.container.database())
        except Unavailable as error:
            return [Check("process"), Check("database", State.FAILED, f"The database cannot be used: {error.message}")]
        except TimeoutError:
            return [Check("process"), Check("database", State.FAILED, "The database cannot be used: it does not answer in time.")]
        judgement = judged(found, self.container.clock()(), newest_step(), duration(settings.undelivered_limit))
        return [*judgement, self.container.room().check(), *_replica(self.container.replica())]


def _replica(replica: Replica | None) -> Sequence[Check]:
    """Without it everything is answered as ever, by the server that is written to."""
    if replica is None:
        return ()
    return [_check("replica", State.WARNING, bool(replica.why_not), f"The replica is not read: {replica.why_not}.")]


def judged(found: Vitals, ours: datetime, step: str, limit: timedelta) -> Sequence[Check]:
    """What to think of it. What only the worker can mend keeps nobody from taking reports: that is a warning."""
    apart = ours - found.now
    return [
        Check("process"),
        Check("database"),
        _check("migrations", State.FAILED, found.step is None or found.step < step, "The database lacks a migration: run `argus migrate`."),
        _check(
            "clock",
            State.FAILED,
            abs(apart) > MOST_APART,
            f"The clock is {apart.total_seconds():+.1f} s away from that of the database.",
        ),
        _check("worker", State.WARNING, found.worker is None, "No worker is connected: nobody is told anything.")
        if found.worker is None
        else _check(
            "worker", State.WARNING, found.worker > SILENT, f"The worker was last heard of {found.worker.total_seconds():.0f} s ago."
        ),
        _check(
            "undelivered",
            State.WARNING,
            found.undelivered is not None and found.undelivered > limit,
            f"The oldest notification has waited for {found.undelivered.total_seconds() if found.undelivered else 0:.0f} s.",
        ),
    ]


def _check(name: str, state: State, wrong: bool, message: str) -> Check:
    return Check(name, state, message) if wrong else Check(name)

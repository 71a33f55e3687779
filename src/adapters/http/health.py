"""What probes ask: is the process alive, and may it be given work."""

import asyncio

from litestar import get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from adapters.http.answers import Answer, json_answer
from adapters.http.auth import Access
from adapters.http.routes import Operation, told
from adapters.http.services import Check, Services, State
from argus_core.domain.errors import Unavailable


class Status(Struct, omit_defaults=True):
    """Whether all is well, what is not, and what is worth knowing although requests can be answered."""

    status: str
    problems: list[str] = []
    notes: list[str] = []
    checks: list[Check] = []


PATIENCE = 2.0
"""So many seconds the database has for an answer: whoever probes will not wait much longer."""

GRACE = 0.5

SILENT = "The database does not answer any more."
STUCK = "There are events about which nobody can decide who is told: `argus deliveries list` says why."

_LIVE = Operation(summary="Is the process alive?", answers={200: Status, 503: Status})
_READY = Operation(summary="May the process be given work?", answers={200: Status, 503: Status})


def health_routes(services: Services) -> list[HTTPRouteHandler]:
    """`/health/live` and `/health/ready`."""

    @get("/health/live", opt={**told(_LIVE, Access.ANYBODY), "bare": True})
    async def live() -> Answer:
        return json_answer(Status("ok")) if services.alive() else json_answer(Status("stuck"), 503)

    @get("/health/ready", opt={**told(_READY, Access.ANYBODY), "bare": True})
    async def ready() -> Answer:
        checks = list(await services.checks())
        problems = [check.message for check in checks if check.state is State.FAILED]
        notes = [*services.media.lacks, *(check.message for check in checks if check.state is State.WARNING)]
        if not problems:
            try:
                notes += [STUCK] if await _is_stuck(services) else []
            except (Unavailable, TimeoutError):  # what was found out a moment ago holds no more
                problems.append(SILENT)
        return json_answer(Status("not ready", problems, notes, checks), 503) if problems else json_answer(Status("ok", [], notes, checks))

    return [live, ready]


async def _is_stuck(services: Services) -> bool:
    # The second one is for those that are cleaning up after the first.
    async with asyncio.timeout(PATIENCE + GRACE), asyncio.timeout(PATIENCE):
        return bool(await services.notifications.stuck(1))

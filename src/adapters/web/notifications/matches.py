"""What a filter would match now: in words, how many that are, and the newest of them."""

import asyncio
from typing import Any

from adapters.web.guests import Guest
from adapters.web.services import Web
from adapters.web.wording import LEVELS, Names, Said, say
from argus_core.domain.errors import Unavailable
from argus_core.domain.filters import Condition
from argus_core.domain.incidents import Level
from argus_core.domain.saved_filters import FilterDefinition

SHOWN = 5
"""So many incidents are shown of those that a filter matches."""

COUNT_SECONDS = 1.0
"""So long they are counted."""


def trouble(problem: str) -> dict[str, Any]:
    """What is shown instead when nobody can know what is meant."""
    return {"problem": problem, "words": None, "count": None, "rows": ()}


async def matches_of(web: Web, guest: Guest, definition: FilterDefinition) -> dict[str, Any]:
    """What a filter matches. Of one that is about events alone nobody can say."""
    names = await names_of_sources(web)
    words = say(definition.condition, names) if definition.condition else None
    return await matches(web, guest, definition.incident_condition, words)


async def matches(web: Web, guest: Guest, condition: Condition | None, words: Said | None, most: int = SHOWN) -> dict[str, Any]:
    """The newest incidents that meet the condition, at most so many, and how many there are in all: -1 is very many."""
    if condition is None:
        return {"problem": "", "words": words, "count": None, "rows": ()}
    now, seen = web.clock(), web.reading.seen_by(await web.accounts.acting(guest.user))
    rows = (await seen.page(condition, now, most)).rows
    count = len(rows)
    if count == most:
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                count = await seen.count(condition, now)
        except (TimeoutError, Unavailable):
            count = -1
    return {
        "problem": "",
        "words": words,
        "count": count,
        "rows": [(row, (row.description.strip().splitlines() or [f"Incident {row.id}"])[0], LEVELS[Level(row.level)]) for row in rows],
        "zone": web.zone,
    }


async def names_of_sources(web: Web) -> Names:
    """What all sources are called."""
    return {source.id: source.name for source in await web.accounts.sources()}

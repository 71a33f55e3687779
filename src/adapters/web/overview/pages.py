"""`/overview/`: figures and drawings of all incidents; `/overview/wall/`: what matters, readable from afar."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from adapters.web.answers import page
from adapters.web.guests import Guests, PageRequest
from adapters.web.overview.drawing import drawn, told_past
from adapters.web.services import Web
from adapters.web.wording import LEVELS
from argus_core.domain.actors import Actor
from argus_core.domain.filters import All, IsAcked, IsOpen, LevelAtMost, Not
from argus_core.domain.incidents import Level
from argus_core.domain.overview import OpenCount
from argus_core.ports.incidents import IncidentRow

ON_WALL = 8
"""So many incidents are named on the wall: the worst that nobody has acknowledged, of these the newest."""

THEMES = ("dark", "light")


def overview_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """The pages, and the part of one that may come later."""

    @get("/overview/")
    async def overview(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        actor = await web.accounts.acting(guest.user)
        counts = await web.overview.open_now(actor)
        past = web.overview.past_if_known(actor)
        return page(
            "overview/page.html",
            guest,
            now=web.clock(),
            zone=web.zone,
            **drawn(counts),
            past=told_past(past, web.zone) if past else None,
        )

    @get("/overview/week/")
    async def week(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        past = await web.overview.past(await web.accounts.acting(guest.user))
        return page("overview/week.html", guest, past=told_past(past, web.zone), zone=web.zone)

    @get("/overview/wall/")
    async def wall(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        actor, now = await web.accounts.acting(guest.user), web.clock()
        counts = await web.overview.open_now(actor)
        asked = request.query_params.get("theme", "")
        return page(
            "overview/wall.html",
            guest,
            now=now,
            zone=web.zone,
            theme=asked if asked in THEMES else "",
            words=LEVELS,
            **drawn(counts),
            worst=[_told(row, now) for row in await _worst(web, actor, counts, now)],
        )

    return [overview, week, wall]


async def _worst(web: Web, actor: Actor, counts: Sequence[OpenCount], now: datetime) -> list[IncidentRow]:
    found: list[IncidentRow] = []
    for level in sorted({one.level for one in counts if not one.acked}):
        condition = All((IsOpen(), Not(IsAcked()), LevelAtMost(level), *([Not(LevelAtMost(level - 1))] if level > Level.CRITICAL else [])))
        found += (await web.reading.seen_by(actor).page(condition, now, ON_WALL - len(found))).rows
        if len(found) == ON_WALL:
            break
    return found


def _told(row: IncidentRow, now: datetime) -> dict[str, Any]:
    lines = row.description.strip().splitlines() or [f"Incident {row.id}"]
    return {"row": row, "title": lines[0], "link": f"/incidents/{row.id}/", "age": max(now - row.start_time, now - now)}

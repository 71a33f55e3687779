"""A view kept as a filter of one's own."""

from typing import NamedTuple

from adapters.web.services import Web
from argus_core.domain.actors import Actor
from argus_core.domain.errors import Invalid
from argus_core.domain.expressions import parse, written
from argus_core.domain.filters import Condition
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter


class Kept(NamedTuple):
    """The filter, or why there is none, and what it was to be called."""

    filter: SavedFilter | None = None
    problem: str = ""
    name: str = ""


NOT_ASKED = Kept()
"""Nobody wants to keep anything."""


async def keep_view(web: Web, actor: Actor, condition: Condition | None, name: str) -> Kept:
    """Keep what a view asks for under this name."""
    definition = FilterDefinition.of(condition) if condition is not None else FilterDefinition()
    if definition.condition is None:
        return Kept(None, "There is nothing to keep: choose some conditions first.", name)
    try:
        if definition.expression is not None:
            parse(written(definition.expression))
    except (ValueError, Invalid):
        return Kept(None, "A filter cannot ask for moments, keys or numbers of incidents: leave them out to keep the rest.", name)
    try:
        return Kept(await web.profiles.add_filter(actor, name=name, definition=definition), "", name)
    except Invalid as error:
        return Kept(None, " ".join(error.errors.values()), name)

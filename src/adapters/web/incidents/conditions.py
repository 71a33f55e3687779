"""What the list can be asked for besides what the API can: levels and durations from both sides, all tags there are, and expressions."""

import json
from collections.abc import Iterator
from datetime import timedelta

from adapters.web.forms import number_in
from adapters.web.incidents.views import View
from adapters.web.services import Web
from adapters.web.wording import Said, say
from argus_core.domain.actors import Actor
from argus_core.domain.errors import Invalid
from argus_core.domain.expressions import parse, written
from argus_core.domain.filters import All, Condition, Either, IsStateful, LastedAtLeast, LevelAtMost, Not, TagsAre, about_incidents
from argus_core.domain.incidents import Level

MOST_MINUTES = 60 * 24 * 366 * 100
MOST_CHARACTERS = 6_000
"""So long an expression in an address may be; longer ones are for filters that are kept. Many servers refuse longer addresses."""


def besides(view: View) -> Iterator[Condition]:
    """
    The conditions that only pages know.

    Raises:
        Invalid: under the name of the parameter.
    """
    if mildest := view.get("level__gte"):
        level = next((level for level in Level if str(level.value) == mildest), None)
        if level is None:
            raise Invalid({"level__gte": "Choose one of these."})
        if level is not Level.CRITICAL:
            yield Not(LevelAtMost(level - 1))
    if tags := view.get("tags__exact"):
        yield TagsAre(frozenset(stripped for tag in tags.split(",") if (stripped := tag.strip())))
    if minutes := view.get("duration__lte"):
        longest = number_in(minutes)
        if not 0 < longest <= MOST_MINUTES:
            raise Invalid({"duration__lte": "Give a number of minutes."})
        yield IsStateful()
        yield Not(LastedAtLeast(timedelta(minutes=longest, microseconds=1)))
    if text := view.get("where"):
        yield about_incidents(expression_in(text)) or Either(())


async def meant(web: Web, view: View, actor: Actor) -> Condition:
    """
    All that a view asks for. Filters are one's own or shared ones.

    Raises:
        Invalid: with a sentence for each bad parameter.
    """
    problems: dict[str, str] = {}
    more: list[Condition] = []
    asked = view
    try:
        if wanted := view.get("filter_pk"):
            shared = await _shared(web, wanted, actor)
            if shared is not None:
                more.append(shared)
                asked = view.without("filter_pk")
        more += besides(view)
    except Invalid as wrong:
        problems.update(wrong.errors)
    try:
        condition = await web.addresses.condition(asked.asked(), actor.id)
    except Invalid as wrong:
        raise Invalid({**problems, **wrong.errors}) from None
    if problems:
        raise Invalid(problems)
    return together(condition, more)


async def expression_in_words(web: Web, view: View) -> Said | None:
    """The expression of a view, in words; None when there is none, or none that makes sense."""
    try:
        expression = expression_in(view.get("where")) if view.get("where") else None
    except Invalid:
        return None
    return say(expression, {source.id: source.name for source in await web.accounts.sources()}) if expression else None


async def _shared(web: Web, wanted: str, actor: Actor) -> Condition | None:
    """What a filter of somebody else asks for; None for one's own, and for what is no number."""
    id_ = number_in(wanted)
    if not id_ or any(own.id == id_ for own in (await web.profiles.belongings(actor.id)).filters):
        return None
    for one in await web.profiles.shared_filters():
        if one.filter.id == id_:
            return one.filter.definition.incident_condition or Either(())
    raise Invalid({"filter_pk": "There is no such filter, or it is not shared any more."})


def together(condition: Condition, more: list[Condition]) -> Condition:
    """All of it as one condition, as flat as may be: so it is kept as a filter, and found by index."""
    parts = condition.of if isinstance(condition, All) else (condition,)
    return All((*parts, *more)) if more else condition


def expression_in(text: str) -> Condition:
    """
    The expression that an address holds, in the JSON of filters.

    Raises:
        Invalid: under `where`.
    """
    if len(text) > MOST_CHARACTERS:
        raise Invalid({"where": "This is too long for an address: keep it as a filter."})
    try:
        expression = parse(json.loads(text))
    except Invalid as error:
        raise Invalid({"where": " ".join(dict.fromkeys(error.errors.values()))}) from None
    except (ValueError, RecursionError):
        raise Invalid({"where": "This is no expression of a filter."}) from None
    if about_incidents(expression) is None:
        raise Invalid({"where": "This asks for events alone, and lists are about incidents."})
    return expression


def expression_said(condition: Condition) -> str:
    """The expression as an address has it."""
    return json.dumps(written(condition), ensure_ascii=False, separators=(",", ":"))

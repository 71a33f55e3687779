"""Make a test incident, and end it."""

from datetime import timedelta

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.web.admin.desk import Caller, Desk
from adapters.web.answers import go
from adapters.web.forms import Form, number_in, pk_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web
from adapters.web.wording import LEVELS
from argus_core.domain.errors import Invalid
from argus_core.domain.ids import IncidentId
from argus_core.domain.incidents import Level
from argus_core.domain.permissions import Act
from argus_core.domain.tags import Tag
from argus_core.usecases.trying_out import LONGEST_TEST, TestIncident

_MOST_MINUTES = int(LONGEST_TEST.total_seconds() // 60)
_PATH = "/admin/incidents/test/"


def test_incident_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """Under `/admin/incidents/`."""
    desk = Desk(web, guests)

    async def show(caller: Caller, form: Form, *, news: str = "", made: int = 0) -> Response[bytes]:
        opened = await web.trying_out.open(caller.by)
        levels = [(level.value, LEVELS[level]) for level in Level]
        return caller.page("test_incidents.html", here="test", form=form, opened=opened, levels=levels, news=news, made=made)

    @get(_PATH)
    async def ask(request: PageRequest) -> Response[bytes]:
        caller = await desk.open(request, Act.TEST)
        query = request.query_params
        news = {"made": "The test incident is there.", "ended": "The test incident has ended."}.get(query.get("done", ""), "")
        form = Form({"level": ["5"], "minutes": ["15"], "description": ["Nothing is wrong"]})
        return await show(caller, form, news=news, made=number_in(query.get("incident", "")))

    @post(_PATH)
    async def make(request: PageRequest) -> Response[bytes]:
        caller = await desk.sent(request, Act.TEST)
        try:
            incident = await web.trying_out.report(caller.by, _wanted(caller.form))
        except Invalid as error:
            return await show(caller, caller.form.wrong(error.errors))
        return go(f"{_PATH}?done=made&incident={incident.id}")

    @post("/admin/incidents/{pk:int}/end-test/")
    async def end(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.TEST)
        await web.trying_out.end(caller.by, IncidentId(pk_in(pk)))
        return go(f"{_PATH}?done=ended")

    return [ask, make, end]


def _wanted(form: Form) -> TestIncident:
    """
    What was asked for.

    Raises:
        Invalid: under the name of a field.
    """
    problems: dict[str, str] = {}
    level = number_in(form.get("level"))
    if level not in [one.value for one in Level]:
        problems["level"] = "Choose a level."
    minutes = number_in(form.text("minutes"))
    if form.text("minutes") and not 1 <= minutes <= _MOST_MINUTES:
        problems["minutes"] = f"Give a number of minutes from 1 to {_MOST_MINUTES}, or nothing."
    tags = []
    try:
        tags = [Tag.parse(line) for line in form.lines("tags")]
    except Invalid as error:
        problems["tags"] = " ".join(error.errors.values())
    if problems:
        raise Invalid(problems)
    return TestIncident(
        level=Level(level), description=form.text("description"), tags=tuple(tags), lasts=timedelta(minutes=minutes) if minutes else None
    )

"""What probes ask: is the process alive, and may it be given work."""

from litestar import get
from litestar.handlers import HTTPRouteHandler

from adapters.http.answers import Answer, json_answer
from adapters.http.routes import bare
from adapters.http.services import Services


def health_routes(services: Services) -> list[HTTPRouteHandler]:
    """`/health/live` and `/health/ready`."""

    @get("/health/live", opt=bare())
    async def live() -> Answer:
        return json_answer({"status": "ok"}) if services.alive() else json_answer({"status": "stuck"}, 503)

    @get("/health/ready", opt=bare())
    async def ready() -> Answer:
        problems = await services.problems()
        return json_answer({"status": "not ready", "problems": list(problems)}, 503) if problems else json_answer({"status": "ok"})

    return [live, ready]

"""Media and the ticket system: whether they work, what they are set to, and a try."""

from collections import Counter

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from adapters.web.admin.desk import Desk
from adapters.web.answers import page
from adapters.web.forms import number_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.links import web_link
from adapters.web.notifications.deliveries import is_in_place, tested
from adapters.web.notifications.hub import name_of
from adapters.web.services import Shown, Web
from argus_core.domain.deliveries import Delivery, DeliveryStatus
from argus_core.domain.errors import NoTicketSystem
from argus_core.domain.ids import DestinationId
from argus_core.domain.permissions import Act
from argus_core.domain.profiles import Belongings
from argus_core.ports.media import EnabledMedium
from argus_core.usecases.administration import Wanted

_LATEST = 200
"""So many deliveries, the latest ones, say how media have done."""

_SHARED = {
    "apprise": ("ARGUS_EGRESS_PROXY", "ARGUS_OUTGOING_ALLOW"),
    "email": ("ARGUS_DEFAULT_FROM_EMAIL",),
    "sms": ("ARGUS_DEFAULT_FROM_EMAIL", "ARGUS_EMAIL_"),
    "webhook": ("ARGUS_OUTGOING_ALLOW",),
}
"""What media are set to beside the settings that begin with their name."""


def plugin_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """Under `/admin/plugins/`."""
    desk = Desk(web, guests)

    @get("/admin/plugins/")
    async def plugins(request: PageRequest) -> Response[bytes]:
        caller = await desk.open(request)
        latest = (await web.administration.deliveries(caller.by, Wanted(), _LATEST)).items
        own = await web.profiles.belongings(caller.guest.user.id)
        system = web.tickets.system
        return caller.page(
            "plugins.html",
            here="plugins",
            media=[_medium(web, medium, latest, own) for medium in web.media.enabled],
            looked_at=len(latest),
            system=system,
            system_settings=_settings(web, ("ARGUS_TICKET_",)),
        )

    @post("/admin/plugins/media/test/")
    async def test_medium(request: PageRequest) -> Response[bytes]:
        caller = await desk.sent(request, Act.TEST)
        destination = DestinationId(number_in(caller.form.get("destination")))
        return await tested(request, caller.guest, web.trying_out.test_destination(caller.by, destination))

    @post("/admin/plugins/tickets/test/")
    async def test_tickets(request: PageRequest) -> Response[bytes]:
        caller = await desk.sent(request, Act.TEST)
        try:
            trial = await web.trying_out.test_ticket_system(
                caller.by, lambda incident_id: f"{caller.guest.place.origin}/incidents/{incident_id}/"
            )
        except NoTicketSystem as error:
            return caller.page("trial.html", here="plugins", problem=error.message, trial=None, status=409)
        if is_in_place(request):
            return page("admin/trial_outcome.html", caller.guest, trial=trial, url=web_link(trial.url))
        return caller.page("trial.html", here="plugins", problem="", trial=trial, url=web_link(trial.url))

    return [plugins, test_medium, test_tickets]


def _medium(web: Web, medium: EnabledMedium, latest: tuple[Delivery, ...], own: Belongings) -> dict[str, object]:
    theirs = [delivery for delivery in latest if delivery.medium == medium.slug]
    failed = next((one for one in theirs if one.status is DeliveryStatus.GIVEN_UP or (one.attempts and one.reason)), None)
    prefix = f"ARGUS_{medium.slug.upper().replace('-', '_')}_"
    return {
        "medium": medium,
        "why": web.media.why_waits(medium.slug),
        "outcomes": sorted(Counter(delivery.status.value for delivery in theirs).items()),
        "trouble": failed,
        "settings": _settings(web, (prefix, *_SHARED.get(medium.slug, ()))),
        "own": [(one.id, name_of(web, one)) for one in own.destinations if one.medium == medium.slug],
    }


def _settings(web: Web, prefixes: tuple[str, ...]) -> list[Shown]:
    return [one for one in web.settings if one[0].startswith(prefixes)]

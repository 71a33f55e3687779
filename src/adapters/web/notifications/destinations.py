"""Destinations: a form as the medium describes its settings, and a test whose outcome shows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.web import seen
from adapters.web.answers import go, page
from adapters.web.forms import Form, filled_in, pk_in
from adapters.web.guests import Guest, Guests, PageRequest
from adapters.web.notifications.deliveries import tested
from adapters.web.notifications.hub import name_of
from adapters.web.services import Web
from argus_core.domain.destinations import Destination
from argus_core.domain.errors import Invalid, NotFound
from argus_core.domain.ids import DestinationId
from argus_core.domain.limits import Json
from argus_core.ports.media import EnabledMedium, Medium

_KINDS = {"string": "text", "integer": "number", "number": "number", "boolean": "checkbox"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a medium as a field: `kind` is that of an input, or `choice`."""

    name: str
    title: str
    help: str
    kind: str
    required: bool
    secret: bool
    choices: tuple[str, ...] = ()


def destination_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901 - one for each page
    """Under `/notifications/destinations/`."""

    def edit(guest: Guest, medium: EnabledMedium, form: Form, destination: Destination | None = None) -> Response[bytes]:
        return page(
            "notifications/destination.html",
            guest,
            status=form.status,
            medium=medium,
            settings=settings_of(medium.medium) if medium.medium else [],
            form=form,
            destination=destination,
            name=name_of(web, destination) if destination else "",
            waits=web.media.why_waits(medium.slug),
        )

    def known_medium(slug: str) -> EnabledMedium:
        medium = web.media.get(slug)
        if medium is None or medium.medium is None:
            raise NotFound
        return medium

    async def own(guest: Guest, pk: int) -> Destination:
        return (await web.profiles.belongings(guest.user.id)).destination(pk_in(pk))

    @get("/notifications/destinations/new/{slug:str}/")
    async def ask_new(request: PageRequest, slug: FromPath[str]) -> Response[bytes]:
        guest = await guests.known(request)
        return edit(guest, known_medium(slug), Form())

    @post("/notifications/destinations/new/{slug:str}/")
    async def add(request: PageRequest, slug: FromPath[str]) -> Response[bytes]:
        guest = await guests.known(request)
        form = await filled_in(request, guests, guest)
        medium = known_medium(slug)
        try:
            await web.profiles.add_destination(
                await web.accounts.acting(guest.user), medium=slug, settings=read(form, medium.medium), label=form.text("label") or None
            )
        except Invalid as error:
            return edit(guest, medium, form.wrong(error.errors))
        return go("/notifications/?done=kept#destinations")

    @get("/notifications/destinations/{pk:int}/")
    async def ask(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        destination = await own(guest, pk)
        return edit(guest, _medium_of(web, destination), seen.marked(form_of(destination, web)), destination)

    @post("/notifications/destinations/{pk:int}/")
    async def change(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        form = await filled_in(request, guests, guest)
        destination = await own(guest, pk)
        medium = _medium_of(web, destination)
        label = form.text("label") or None
        try:
            settings = read(form, medium.medium) if medium.medium else destination.settings

            def changed(present: Destination) -> Destination:
                named = replace(present, label=label)
                wanted = replace(named, settings=settings)
                seen.check(form, form_of(present, web), form_of(wanted, web), f"/notifications/destinations/{pk}/")
                return named

            await web.profiles.replace_destination(
                await web.accounts.acting(guest.user), destination.id, settings, changed, email=guest.user.email
            )
        except Invalid as error:
            return edit(guest, medium, form.wrong(error.errors), destination)
        except seen.ChangedMeanwhile as error:
            return edit(guest, medium, error.form, destination)
        return go("/notifications/?done=kept#destinations")

    @post("/notifications/destinations/{pk:int}/test/")
    async def test(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        await filled_in(request, guests, guest)
        owner = await web.accounts.acting(guest.user)
        return await tested(request, guest, web.notifications.test_destination(owner, DestinationId(pk_in(pk))))

    return [ask_new, add, ask, change, test]


def settings_of(medium: Medium) -> list[Setting]:
    """The fields that the schema of a medium describes."""
    properties, required = medium.schema.get("properties"), medium.schema.get("required")
    if not isinstance(properties, Mapping):
        return []
    needed = required if isinstance(required, list) else []
    return [_setting(name, told, needed=name in needed) for name, told in properties.items() if isinstance(told, Mapping)]


def read(form: Form, medium: Medium | None) -> dict[str, Json]:
    """
    The settings as the form has them; the medium says what is wrong with them. What is secret and not given is left out.

    Raises:
        Invalid: what should be a number is none.
    """
    settings: dict[str, Json] = {}
    problems: dict[str, str] = {}
    for setting in settings_of(medium) if medium else ():
        text = form.text(_field(setting.name))
        if setting.kind == "checkbox":
            settings[setting.name] = form.has(_field(setting.name))
        elif setting.kind == "number" and text:
            try:
                settings[setting.name] = int(text) if text.removeprefix("-").isdigit() else float(text)
            except ValueError:
                problems[setting.name] = "Give a number."
        elif text or not (setting.secret or setting.kind == "number"):
            settings[setting.name] = text
    if problems:
        raise Invalid(problems)
    return settings


def form_of(destination: Destination, web: Web) -> Form:
    """The form as it describes a destination. What is secret is never shown again."""
    medium = _medium_of(web, destination).medium
    values: dict[str, list[str]] = {"label": [destination.label or ""]}
    for setting in settings_of(medium) if medium else ():
        value = destination.settings.get(setting.name)
        if setting.secret or value is None or value is False:
            continue
        values[_field(setting.name)] = ["on" if value is True else str(value)]
    return Form(values)


def _medium_of(web: Web, destination: Destination) -> EnabledMedium:
    known = web.media.get(destination.medium)
    return known or EnabledMedium(slug=destination.medium, name=destination.medium, medium=None)


def _setting(name: str, told: Mapping[str, Json], *, needed: bool) -> Setting:
    choices = told.get("enum")
    kind = "choice" if isinstance(choices, list) else _KINDS.get(str(told.get("type")), "text")
    return Setting(
        name=name,
        title=str(told.get("title") or name),
        help=str(told.get("description") or ""),
        kind=kind,
        required=needed,
        secret=told.get("writeOnly") is True,
        choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
    )


def _field(name: str) -> str:
    return f"s.{name}"

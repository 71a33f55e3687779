"""Profiles: made, changed, switched on and off, tried out."""

from dataclasses import replace
from datetime import timedelta

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from adapters.web import seen
from adapters.web.answers import go, page
from adapters.web.forms import Form, filled_in, number_in, pk_in
from adapters.web.guests import Guest, Guests, PageRequest
from adapters.web.notifications.deliveries import tested
from adapters.web.notifications.hub import name_of, profile_name
from adapters.web.services import Web
from adapters.web.taken_along import FIRED_FIELDS, file_of
from adapters.web.taken_along import fired as as_objects
from argus_core.domain.digests import parse_digest
from argus_core.domain.errors import Invalid
from argus_core.domain.ids import DestinationId, FilterId, ProfileId, TimeslotId
from argus_core.domain.notifications import headline, tell
from argus_core.domain.profiles import Belongings, Profile

HOURS = 24
MOST_FIRED = 100
_MOST_HOURS = 168
_TOO_LONG = 1_000_000
"""Minutes."""


def profile_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901 - one for each page
    """Under `/notifications/profiles/`."""

    async def edit(guest: Guest, profile: Profile | None, form: Form) -> Response[bytes]:
        belongings = await web.profiles.belongings(guest.user.id)
        return page(
            "notifications/profile.html",
            guest,
            status=form.status,
            profile=profile,
            name=profile_name(profile) if profile else "",
            form=form,
            timeslots=belongings.timeslots,
            filters=belongings.filters,
            destinations=[(one.id, name_of(web, one)) for one in belongings.destinations],
        )

    async def own(guest: Guest, pk: int) -> Profile:
        return (await web.profiles.belongings(guest.user.id)).profile(pk_in(pk))

    @get("/notifications/profiles/new/")
    async def ask_new(request: PageRequest) -> Response[bytes]:
        return await edit(await guests.known(request), None, Form({"active": ["on"]}))

    @post("/notifications/profiles/new/")
    async def add(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        form = await filled_in(request, guests, guest)
        try:
            await web.profiles.add_profile(
                await web.accounts.acting(guest.user),
                name=form.text("name") or None,
                timeslot_id=TimeslotId(number_in(form.get("timeslot"))),
                filter_ids=[FilterId(id_) for id_ in form.ids("filters")],
                destination_ids=[DestinationId(id_) for id_ in form.ids("destinations")],
                active=form.has("active"),
                digest=parse_digest(form.text("digest")),
                escalate_after=_wait_in(form),
            )
        except Invalid as error:
            return await edit(guest, None, form.wrong(error.errors))
        return go("/notifications/?done=kept#profiles")

    @get("/notifications/profiles/{pk:int}/")
    async def ask(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        profile = await own(guest, pk)
        return await edit(guest, profile, seen.marked(_form_of(profile)))

    @get("/notificationprofiles/{pk:int}/")
    async def from_elsewhere(pk: FromPath[int]) -> Response[bytes]:
        """Where messages lead to."""
        return go(f"/notifications/profiles/{pk}/", status=302)

    @post("/notifications/profiles/{pk:int}/")
    async def change(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        form = await filled_in(request, guests, guest)
        profile = await own(guest, pk)

        def changed(present: Profile, _: Belongings) -> Profile:
            wanted = replace(
                present,
                name=form.text("name") or None,
                timeslot_id=TimeslotId(number_in(form.get("timeslot"))),
                filter_ids=tuple(FilterId(id_) for id_ in form.ids("filters")),
                destination_ids=tuple(DestinationId(id_) for id_ in form.ids("destinations")),
                active=form.has("active"),
                digest=parse_digest(form.text("digest")),
                escalate_after=_wait_in(form),
            )
            seen.check(form, _form_of(present), _form_of(wanted), f"/notifications/profiles/{pk}/")
            return wanted

        try:
            await web.profiles.change_profile(await web.accounts.acting(guest.user), profile.id, changed)
        except Invalid as error:
            return await edit(guest, profile, form.wrong(error.errors))
        except seen.ChangedMeanwhile as error:
            return await edit(guest, profile, error.form)
        return go("/notifications/?done=kept#profiles")

    @post("/notifications/profiles/{pk:int}/active/")
    async def switch(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        form = await filled_in(request, guests, guest)
        active = form.get("active") == "yes"
        owner, profile = await web.accounts.acting(guest.user), await own(guest, pk)
        await web.profiles.change_profile(owner, profile.id, lambda present, _: replace(present, active=active))
        return go(f"/notifications/?done={'active' if active else 'inactive'}#profiles")

    @post("/notifications/profiles/{pk:int}/test/")
    async def test(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        await filled_in(request, guests, guest)
        owner = await web.accounts.acting(guest.user)
        return await tested(request, guest, web.notifications.test(owner, ProfileId(pk_in(pk))))

    @get("/notifications/profiles/{pk:int}/dry-run/")
    async def dry_run(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        profile = await own(guest, pk)
        hours = _hours_in(request)
        run = await web.notifications.dry_run(await web.accounts.acting(guest.user), profile.id, hours)
        fired = [(one, headline(one.incident), tell(one.event, web.zone.key)) for one in run.fired[:MOST_FIRED]]
        return page(
            "notifications/dry-run.html",
            guest,
            profile=profile,
            name=profile_name(profile),
            hours=hours,
            run=run,
            fired=fired,
            zone=web.zone,
        )

    @get("/notifications/profiles/{pk:int}/dry-run/export/")
    async def export(request: PageRequest, pk: FromPath[int]) -> Stream:
        guest = await guests.known(request)
        profile = await own(guest, pk)
        run = await web.notifications.dry_run(await web.accounts.acting(guest.user), profile.id, _hours_in(request))
        return file_of(as_objects(run.fired), FIRED_FIELDS, f"dry-run-{profile.id}", request.query_params.get("form", ""))

    return [ask_new, add, ask, from_elsewhere, change, switch, test, dry_run, export]


def _hours_in(request: PageRequest) -> int:
    return min(max(number_in(request.query_params.get("hours", "")) or HOURS, 1), _MOST_HOURS)


def _form_of(profile: Profile) -> Form:
    return Form(
        {
            "name": [profile.name or ""],
            "timeslot": [str(profile.timeslot_id)],
            "filters": list(map(str, profile.filter_ids)),
            "destinations": list(map(str, profile.destination_ids)),
            "digest": [str(profile.digest or "")],
            "escalate_after": [f"{profile.escalate_after.total_seconds() / 60:g}" if profile.escalate_after else ""],
            **({"active": ["on"]} if profile.active else {}),
        }
    )


def _wait_in(form: Form) -> timedelta | None:
    """For how long it shall wait; what is no number of minutes becomes one that is refused."""
    text = form.text("escalate_after")
    return timedelta(minutes=min(number_in(text), _TOO_LONG)) if text else None

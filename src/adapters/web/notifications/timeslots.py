"""Timeslots: hours of weekdays, drawn while they are edited."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from functools import cache
from zoneinfo import available_timezones

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.web import seen
from adapters.web.answers import go, page
from adapters.web.forms import Form, filled_in, number_in, pk_in
from adapters.web.guests import Guest, Guests, PageRequest
from adapters.web.notifications.week import DAYS, week_of
from adapters.web.services import Web
from argus_core.domain.errors import Invalid
from argus_core.domain.timeslots import EVERY_DAY, MOST_RECURRENCES, Recurrence, Timeslot

OFFICE = {"r.0.days": ["1", "2", "3", "4", "5"], "r.0.start": ["08:00"], "r.0.end": ["16:00"]}
_ACROSS = "time_recurrences/"


def timeslot_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901 - one for each page
    """Under `/notifications/timeslots/`."""

    def edit(guest: Guest, timeslot: Timeslot | None, form: Form) -> Response[bytes]:
        drawn = [recurrence for number in rows_of(form) if isinstance(recurrence := read_row(form, number), Recurrence)]
        zone = form.text("zone")
        return page(
            "notifications/timeslot.html",
            guest,
            status=form.status,
            timeslot=timeslot,
            form=form,
            rows=rows_of(form),
            days=DAYS,
            zones=zones(),
            week_drawn=week_of(drawn, zone if zone in zones() else web.zone.key, web.clock()),
        )

    async def own(guest: Guest, pk: int) -> Timeslot:
        return (await web.profiles.belongings(guest.user.id)).timeslot(pk_in(pk))

    async def keep(request: PageRequest, guest: Guest, timeslot: Timeslot | None) -> Response[bytes]:
        form = after(await filled_in(request, guests, guest))
        if form.has("do"):
            return edit(guest, timeslot, form)
        owner = await web.accounts.acting(guest.user)
        name, zone = form.text("name"), form.text("zone") or web.zone.key
        try:
            recurrences = read(form)

            def changed(present: Timeslot) -> Timeslot:
                wanted = replace(present, name=name, zone=zone, recurrences=recurrences)
                seen.check(form, form_of(present), form_of(wanted), f"/notifications/timeslots/{present.id}/")
                return wanted

            if timeslot is None:
                await web.profiles.add_timeslot(owner, name=name, recurrences=recurrences, zone=zone)
            else:
                await web.profiles.change_timeslot(owner, timeslot.id, changed)
        except Invalid as error:
            return edit(guest, timeslot, form.wrong(placed(error.errors, rows_of(form))))
        except seen.ChangedMeanwhile as error:
            return edit(guest, timeslot, error.form)
        return go("/notifications/?done=kept#timeslots")

    @get("/notifications/timeslots/new/")
    async def ask_new(request: PageRequest) -> Response[bytes]:
        return edit(await guests.known(request), None, Form({"zone": [web.zone.key], **OFFICE}))

    @post("/notifications/timeslots/new/")
    async def add(request: PageRequest) -> Response[bytes]:
        return await keep(request, await guests.known(request), None)

    @get("/notifications/timeslots/{pk:int}/")
    async def ask(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        timeslot = await own(guest, pk)
        return edit(guest, timeslot, seen.marked(form_of(timeslot)))

    @post("/notifications/timeslots/{pk:int}/")
    async def change(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        return await keep(request, guest, await own(guest, pk))

    return [ask_new, add, ask, change]


def rows_of(form: Form) -> list[int]:
    """The numbers of the rows that the form has, each of which is a recurrence."""
    return sorted({number for name in form.under("r.") if (number := _row_number(name)) is not None})


def read(form: Form) -> tuple[Recurrence, ...]:
    """
    The recurrences that the form describes.

    Raises:
        Invalid: the keys are names of fields, or `r.<number>` for what concerns a row as a whole.
    """
    rows = {number: read_row(form, number) for number in rows_of(form)}
    problems = {name: text for row in rows.values() if isinstance(row, Mapping) for name, text in row.items()}
    if problems:
        raise Invalid(problems)
    return tuple(row for row in rows.values() if isinstance(row, Recurrence))


def read_row(form: Form, number: int) -> Recurrence | Mapping[str, str]:
    """One recurrence, or what is wrong with it. An end at midnight is that of the day."""
    days = frozenset(number_in(day) for day in form.all(f"r.{number}.days")) & EVERY_DAY
    if not days:
        return {f"r.{number}.days": "Choose at least one day."}
    if form.has(f"r.{number}.all_day"):
        return Recurrence(days=days)
    start, end = (_time(form.text(f"r.{number}.{name}")) for name in ("start", "end"))
    if start is None or end is None:
        wrong = [name for name, given in (("start", start), ("end", end)) if given is None]
        return {f"r.{number}.{name}": "Give a time, like 08:00." for name in wrong}
    over_midnight = form.has(f"r.{number}.ends_next_day")
    if end == time.min and not over_midnight:
        end = time.max
    if start >= end and not over_midnight:
        return {f"r.{number}": "It ends before it begins. If it ends on the next day, say so."}
    return Recurrence(days=days, start=start, end=end, ends_next_day=over_midnight)


def form_of(timeslot: Timeslot) -> Form:
    """The form as it describes a timeslot."""
    return Form({"name": [timeslot.name], "zone": [timeslot.zone], **described(timeslot.recurrences)})


def described(recurrences: Sequence[Recurrence]) -> Mapping[str, Sequence[str]]:
    """The rows of a form that describe recurrences, numbered from 0."""
    values: dict[str, Sequence[str]] = {}
    for number, recurrence in enumerate(recurrences):
        values[f"r.{number}.days"] = list(map(str, sorted(recurrence.days)))
        if recurrence.all_day:
            values[f"r.{number}.all_day"] = ["on"]
            continue
        values[f"r.{number}.start"] = [_written(recurrence.start)]
        values[f"r.{number}.end"] = ["00:00" if recurrence.end == time.max else _written(recurrence.end)]
        if recurrence.ends_next_day:
            values[f"r.{number}.ends_next_day"] = ["on"]
    return values


def after(form: Form) -> Form:
    """The form after a button in it was pressed: a row more, or one less."""
    what, _, number = form.get("do").partition(":")
    rows = rows_of(form)
    if what == "add" and len(rows) < MOST_RECURRENCES:
        new = max(rows, default=-1) + 1
        return Form({**form.values, f"r.{new}.row": [""]})
    if what == "drop":
        return Form({name: values for name, values in form.values.items() if not name.startswith(f"r.{number}.")})
    return form


def placed(errors: Mapping[str, str], rows: Sequence[int]) -> Mapping[str, str]:
    """What is wrong, by the fields of the form."""
    placed = {}
    for path, text in errors.items():
        index = path.removeprefix(_ACROSS).partition("/")[0]
        placed[f"r.{rows[int(index)]}" if path.startswith(_ACROSS) and index.isdigit() else path] = text
    return placed


def _row_number(name: str) -> int | None:
    number, dot, _ = name.partition(".")
    return int(number) if dot and number.isascii() and number.isdigit() and len(number) < 5 else None  # noqa: PLR2004 - there are no 10,000


def _time(text: str) -> time | None:
    try:
        given = time.fromisoformat(text)
    except ValueError:
        return None
    return None if given.tzinfo else given


def _written(moment: time) -> str:
    return moment.isoformat("auto" if moment.microsecond else "seconds" if moment.second else "minutes")


@cache
def zones() -> Sequence[str]:
    """The names that people choose from; any other that is known is taken, too."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right")))
    return ["UTC", *sorted(places)]

"""Who administers: let in or not, what they see, and what they have sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from litestar import Response

from adapters.web.answers import page
from adapters.web.forms import Form, filled_in
from adapters.web.guests import Forbidden, Guest, Guests, PageRequest
from adapters.web.services import Web
from argus_core.domain.actors import Scope
from argus_core.domain.errors import DomainError, Invalid
from argus_core.domain.permissions import Act, may
from argus_core.usecases.administration import Administrator

MOST = 50
"""So many things are on a page."""

SCOPES = (
    (Scope.READ.value, "read: look at everything, change nothing"),
    (Scope.INCIDENTS.value, "incidents:write: that, and incidents, events, acknowledgements and heartbeats"),
    (Scope.ALL.value, "all: whatever its user may do"),
)
_MOST_DAYS = 36_500
_REFUSALS = {
    Act.MANAGE_USERS: "That is for superusers.",
    Act.MANAGE_SOURCES: "That is for superusers.",
    Act.PLAN_MAINTENANCE: "Maintenance is planned by staff.",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks, as one who administers, and the form that was filled in, if one was."""

    web: Web
    guest: Guest
    by: Administrator
    form: Form = field(default_factory=Form)

    def may(self, act: Act) -> bool:
        """Whether the caller may do that."""
        return may(self.by.actor, act)

    def page(self, template: str, *, status: int = 200, form: Form | None = None, **shown: object) -> Response[bytes]:
        """A page of the administration, with a form that may have problems."""
        form = form or Form()
        return page(
            f"admin/{template}",
            self.guest,
            status=form.status if form.problems else status,
            form=form,
            administers=self.may(Act.ADMINISTER),
            manages=self.may(Act.MANAGE_USERS),
            zone=self.web.zone,
            **shown,  # type: ignore[arg-type]  # what templates know goes by other names
        )

    def confirm(self, question: str, *, button: str, back: str, text: str = "", ids: tuple[int, ...] = ()) -> Response[bytes]:
        """Ask whether that is meant; the answer is posted to where the question is."""
        return self.page("confirm.html", question=question, button=button, back=back, text=text, ids=ids)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where whoever comes is looked at first."""

    web: Web
    guests: Guests

    async def open(self, request: PageRequest, act: Act = Act.ADMINISTER) -> Caller:
        """
        Somebody who may do that.

        Raises:
            NotLoggedIn: nobody is.
            Forbidden: the caller may not.
        """
        guest = await self.guests.known(request)
        caller = Caller(self.web, guest, Administrator(await self.web.accounts.acting(guest.user), guest.device.address))
        if not caller.may(act):
            raise Forbidden(_REFUSALS.get(act, "The administration is for staff."))
        return caller

    async def sent(self, request: PageRequest, act: Act = Act.ADMINISTER) -> Caller:
        """
        The same, with the form that was filled in.

        Raises:
            NotLoggedIn, Forbidden: as above, or the form is none of ours.
        """
        caller = await self.open(request, act)
        return Caller(self.web, caller.guest, caller.by, await filled_in(request, self.guests, caller.guest))


def asked(request: PageRequest, *names: str) -> Form:
    """What a list was asked for, as a form that shows it again."""
    return Form({name: [request.query_params.get(name, "")] for name in names})


def problems_of(error: DomainError, name: str) -> Mapping[str, str]:
    """What is wrong, by field; what is not said of one is about the field of that name."""
    return error.errors if isinstance(error, Invalid) else {name: error.message}


def days_in(form: Form) -> float | None:
    """
    How many days a token shall live; nothing is for good.

    Raises:
        Invalid: under `days`, it is no such number.
    """
    text = form.text("days")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _MOST_DAYS:
        raise Invalid({"days": "Give a whole number of days, or nothing."})
    return float(text)


def scope_in(form: Form) -> Scope:
    """
    Which scope was chosen.

    Raises:
        Invalid: under `scope`, none was.
    """
    scope = next((scope for scope in Scope if scope.value == form.get("scope")), None)
    if scope is None:
        raise Invalid({"scope": "Choose what it may be used for."})
    return scope

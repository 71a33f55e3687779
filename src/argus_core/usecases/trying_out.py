"""Try out what people rely on: media, the ticket system, and all the way of an incident."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from argus_core.domain.accounts import actor_of
from argus_core.domain.actors import Actor
from argus_core.domain.audit import Deed
from argus_core.domain.deliveries import Delivery
from argus_core.domain.errors import Invalid, NotFound, NoTicketSystem
from argus_core.domain.filters import All, IsOpen, SourceIn
from argus_core.domain.ids import DestinationId, IncidentId
from argus_core.domain.incidents import EventType, Incident, Level
from argus_core.domain.permissions import Act, require
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import IncidentReport
from argus_core.domain.watching import TEST, is_test
from argus_core.ports.incidents import IncidentRow
from argus_core.ports.tickets import TicketFailed
from argus_core.usecases.accounts import AccountService
from argus_core.usecases.administration import Administrator
from argus_core.usecases.incidents import IncidentService
from argus_core.usecases.notifications import NotificationService
from argus_core.usecases.tickets import TicketService

LONGEST_TEST = timedelta(days=1)
MOST_OPEN = 1_000
_NONE = "There is no such test incident."

MARK = Tag.parse("argus_test=yes")
"""The tag that every test incident has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestIncident:
    """What a test incident shall be like. Without `lasts` somebody has to end it."""

    __test__ = False  # it is none of pytest's

    level: Level
    description: str
    tags: tuple[Tag, ...] = ()
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class TicketTrial:
    """What came of a try to make a ticket for an incident: the address of the ticket, or what went wrong."""

    incident_id: IncidentId
    url: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TrialService:
    """Every method may raise `NotAllowed` and `Unavailable`. Test incidents are reported by Argus itself, and told as all others are."""

    accounts: AccountService
    incidents: IncidentService
    notifications: NotificationService
    tickets: TicketService

    async def test_destination(self, by: Administrator, destination_id: DestinationId) -> Sequence[Delivery]:
        """
        Send a marked message to one of the tester's own destinations; what waits now.

        Raises:
            NotFound: the tester has no such destination.
            TooOften: the tester has to wait.
        """
        require(by.actor, Act.TEST)
        sent = await self.notifications.test_destination(by.actor, destination_id)
        for delivery in sent:
            await self._note(by, Deed.PLUGIN_TEST, f"medium {delivery.medium}", f"delivery {delivery.id}")
        return sent

    async def test_ticket_system(self, by: Administrator, link: Callable[[IncidentId], str]) -> TicketTrial:
        """
        Make a ticket for a test incident that ends at once; `link` is where an incident is looked at.

        Raises:
            NoTicketSystem: there is none.
        """
        require(by.actor, Act.TEST)
        if self.tickets.system is None:
            raise NoTicketSystem
        wanted = TestIncident(level=Level.INFORMATION, description="A test of the ticket system", lasts=timedelta())
        incident = await self._report(by, wanted)
        try:
            trial = TicketTrial(incident.id, await self.tickets.ticket_for(incident.id, actor=by.actor, link=link(incident.id)))
        except TicketFailed as error:
            trial = TicketTrial(incident.id, problem=str(error))
        about = f"ticket system {self.tickets.system.slug}"
        await self._note(by, Deed.PLUGIN_TEST, about, trial.problem or trial.url, done=not trial.problem)
        return trial

    async def report(self, by: Administrator, wanted: TestIncident) -> Incident:
        """
        Make a test incident.

        Raises:
            Invalid: a field is not acceptable.
        """
        require(by.actor, Act.TEST)
        if not wanted.description.strip():
            raise Invalid({"description": "This field may not be blank."})
        if wanted.lasts is not None and not timedelta() < wanted.lasts <= LONGEST_TEST:
            raise Invalid({"minutes": "Give a number of minutes from 1 to a day, or none."})
        incident = await self._report(by, wanted)
        await self._note(by, Deed.INCIDENT_TEST, f"incident {incident.id}", f"level {wanted.level.value}")
        return incident

    async def end(self, by: Administrator, incident_id: IncidentId) -> None:
        """
        End a test incident.

        Raises:
            NotFound: it is none.
            NotAllowedNow: it has ended.
        """
        require(by.actor, Act.TEST)
        own = await self._own(make=False)
        incident = await self.incidents.get(incident_id, actor=own)
        if incident.source != own.source or not is_test(incident.source_incident_id):
            raise NotFound(_NONE)
        why = f"{by.actor.username} has ended this test."
        await self.incidents.post(incident_id, EventType.END, actor=own, why=why)
        await self._note(by, Deed.INCIDENT_TEST, f"incident {incident_id}", "ended")

    async def open(self, by: Administrator) -> Sequence[IncidentRow]:
        """The test incidents that are open, the newest first."""
        require(by.actor, Act.TEST)
        own = await self.accounts.own_source(make=False)
        if own is None:
            return []
        page = await self.incidents.incidents.page(All((SourceIn(frozenset({own.id})), IsOpen())), self.incidents.clock(), MOST_OPEN)
        return [row for row in page.rows if is_test(row.source_incident_id)]

    async def _report(self, by: Administrator, wanted: TestIncident) -> Incident:
        now = self.incidents.clock()
        report = IncidentReport(
            start_time=now,
            end_time=None if wanted.lasts is None else now + wanted.lasts,
            source_incident_id=f"{TEST}{now:%Y-%m-%dT%H:%M:%S.%f}Z by {by.actor.id}",
            level=wanted.level,
            description=f"Test by {by.actor.username}: {wanted.description.strip()}",
            tags=(MARK, *(tag for tag in wanted.tags if tag != MARK)),
        )
        return (await self.incidents.report(report, actor=await self._own(make=True))).incident

    async def _own(self, *, make: bool) -> Actor:
        own = await self.accounts.own_source(make=make)
        if own is None:
            raise NotFound(_NONE)
        return actor_of(await self.accounts.user(own.user_id), own)

    async def _note(self, by: Administrator, deed: Deed, about: str, details: str, *, done: bool = True) -> None:
        await self.accounts.seen_from(by.origin).note(deed, about, details, done=done)

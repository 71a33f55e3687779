"""An incident gets one ticket, or is left as it was."""

import asyncio
from dataclasses import dataclass, field

import pytest

from argus_core.conformance import make_world
from argus_core.domain.errors import NotFound, NoTicketSystem, Unauthenticated
from argus_core.domain.ids import IncidentId, TokenId
from argus_core.memory import MemoryAccounts, MemoryIncidents, MemoryTicketClaims
from argus_core.ports.tickets import TicketFailed
from argus_core.usecases.tickets import TicketService

pytestmark = pytest.mark.anyio


@dataclass
class Tracker:
    """A ticket system that takes its time, and may be told what goes wrong."""

    name: str = "Tracker"
    seconds: float = 0.01
    wrong: BaseException | None = None
    url: str | None = "https://tickets.example.org/{}"
    made: list = field(default_factory=list)

    async def create(self, incident, *, actor, link):
        await asyncio.sleep(self.seconds)
        if self.wrong:
            raise self.wrong
        self.made.append((incident.id, actor.username, link))
        return self.url and self.url.format(len(self.made))


@pytest.fixture
async def world():
    accounts = MemoryAccounts()
    return await make_world(MemoryIncidents(accounts), accounts)


def tickets(world, tracker, **more):
    return TicketService(world.service, MemoryTicketClaims(), tracker, **more)


async def test_callers_at_once_get_one_ticket(world):
    """
    Whoever asks, and however often, is given the ticket that was made first; the history has it once.
    """
    incident, tracker = await world.report(), Tracker()
    service = tickets(world, tracker)

    urls = await asyncio.gather(*(service.ticket_for(incident.id, actor=world.person, link="https://a.example.org/1") for _ in range(5)))

    assert {"https://tickets.example.org/1"} == set(urls)
    assert [(incident.id, world.person.username, "https://a.example.org/1")] == tracker.made
    assert "https://tickets.example.org/1" == (await world.incidents.get(incident.id)).ticket_url
    assert 2 == len(await world.incidents.journal(incident.id))
    assert "https://tickets.example.org/1" == await tickets(world, None).ticket_for(incident.id, actor=world.person)


async def test_several_incidents_get_a_ticket_each(world):
    incidents, tracker = [await world.report() for _ in range(3)], Tracker()
    service = tickets(world, tracker)

    urls = await asyncio.gather(*(service.ticket_for(incident.id, actor=world.person) for incident in incidents))

    assert 3 == len(set(urls))


@pytest.mark.parametrize(
    ("tracker", "why"),
    [
        (Tracker(wrong=TicketFailed("Tracker answered 403.")), "Tracker answered 403."),
        (Tracker(seconds=60), "Tracker did not answer in time; look there whether it made a ticket."),
        (Tracker(wrong=KeyError("key")), "Tracker failed: KeyError: 'key'; look there whether it made a ticket."),
        (Tracker(wrong=SystemExit(3)), "Tracker failed: SystemExit: 3; look there whether it made a ticket."),
        (Tracker(url=None), "Tracker answered without a URL of the ticket; look there whether it made a ticket."),
        (Tracker(url="no url"), "Tracker answered without a URL of the ticket; look there whether it made a ticket."),
    ],
    ids=["refused", "hanging", "failing", "ending", "nothing", "nonsense"],
)
async def test_a_system_that_fails_leaves_everything_as_it_was(world, tracker, why):
    """
    Afterwards the next caller may try again.
    """
    incident = await world.report()
    service = tickets(world, tracker, seconds=0.05 if tracker.seconds > 1 else 60)

    with pytest.raises(TicketFailed, match=f"^{why}$"):
        await service.ticket_for(incident.id, actor=world.person)

    assert incident == await world.incidents.get(incident.id)
    tracker.wrong, tracker.seconds, tracker.url = None, 0, "https://tickets.example.org/{}"
    assert (await service.ticket_for(incident.id, actor=world.person)).startswith("https://tickets.example.org/")


async def test_a_ticket_that_could_not_be_noted_is_told_of(world):
    incident = await world.report()

    with pytest.raises(TicketFailed, match=r"tickets\.example\.org/1 was made, but could not be noted") as failed:
        await tickets(world, Tracker()).ticket_for(incident.id, actor=world.person, warrant=TokenId(404))

    assert isinstance(failed.value.__cause__, Unauthenticated)


async def test_without_a_system_or_an_incident_there_is_no_ticket(world):
    incident = await world.report()

    with pytest.raises(NoTicketSystem, match="No path to ticket plugin"):
        await tickets(world, None).ticket_for(incident.id, actor=world.person)
    with pytest.raises(NotFound):
        await tickets(world, Tracker()).ticket_for(IncidentId(404), actor=world.person)

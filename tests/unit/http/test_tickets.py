"""Tickets that Argus makes, over HTTP."""

import asyncio

import pytest

from adapters.http import build_app
from argus_core.ports.tickets import TicketFailed

pytestmark = pytest.mark.anyio


class Tracker:
    name = "Tracker"

    def __init__(self, wrong=None):
        self.wrong, self.made = wrong, 0

    async def create(self, incident, *, actor, link):
        await asyncio.sleep(0)
        if self.wrong:
            raise self.wrong
        self.made += 1
        return f"https://tickets.example.org/{self.made}"


async def asked(world, tracker, times=1):
    world.ticket_system = tracker
    pk = (await world.incident())["pk"]
    async with world.as_("alice", build_app(world.services)) as client:
        answers = await asyncio.gather(*(client.put(f"/api/v2/incidents/{pk}/automatic-ticket/") for _ in range(times)))
        about = (await client.get("/api/")).json()
    return pk, answers, about


async def test_callers_at_once_are_given_one_ticket(world):
    tracker = Tracker()

    pk, answers, about = await asked(world, tracker, times=4)

    assert [(200, {"ticket_url": "https://tickets.example.org/1"})] * 4 == [(answer.status_code, answer.json()) for answer in answers]
    assert f"{Tracker.__module__}.Tracker" == about["ticket_plugin"]
    events = (await world.ask("bob", "GET", f"incidents/{pk}/events/")).json()
    assert [("CHI", "alice")] == [
        (event["type"]["value"], event["actor"]["username"]) for event in events if event["type"]["value"] != "STA"
    ]


async def test_a_system_that_fails_is_no_error_of_the_server(world):
    """
    The answer is a sentence; clients would repeat a 5xx by themselves, and a ticket may have been made.
    """
    pk, (answer,), _ = await asked(world, Tracker(TicketFailed("Tracker answered 403.")))

    assert (400, "Tracker answered 403.") == (answer.status_code, answer.json())
    assert "" == (await world.ask("bob", "GET", f"incidents/{pk}/")).json()["ticket_url"]


async def test_without_a_system_the_answer_says_what_to_set(world):
    _, (answer,), about = await asked(world, None)

    assert answer.status_code == 400
    assert "No path to" in answer.json()
    assert None is about["ticket_plugin"]

"""What API v2 says of notifications."""

from datetime import timedelta

import jsonschema_rs
import pytest

from argus_core.domain.deliveries import Outcome, Report
from argus_core.usecases.dispatch import Dispatcher
from argus_core.usecases.notifications import MOST_HOURS, MOST_TESTS, NotificationService

pytestmark = pytest.mark.anyio


@pytest.fixture
async def profile(world):
    """Alice wants to hear of what is critical, and of nothing that happened elsewhere, at any time."""
    slot = (await world.ask("alice", "GET", "notificationprofiles/timeslots/")).json()[0]
    mail = (await world.ask("alice", "GET", "notificationprofiles/destinations/")).json()[0]
    filters = [
        (await world.ask("alice", "POST", "notificationprofiles/filters/", json={"name": str(n), "filter": condition})).json()["pk"]
        for n, condition in enumerate(({"maxlevel": 1}, {"expression": {"not": {"any": [{"tags": ["site=mars"]}, {"text": "drill"}]}}}))
    ]
    body = {"timeslot": slot["pk"], "filters": filters, "destinations": [mail["pk"]], "active": True, "name": "Critical"}
    return (await world.ask("alice", "POST", "notificationprofiles/", json=body)).json()


@pytest.fixture
def decide(world):
    async def decide():
        dispatcher = Dispatcher(world.outbox, world.profile_store, world.media)
        while await dispatcher.decide(10):
            pass

    return decide


async def only_event(world, incident):
    (event,) = (await world.ask("alice", "GET", f"incidents/{incident['pk']}/events/")).json()
    return event


async def test_what_became_of_notifications_is_shown_to_whom_they_are_for(world, profile, decide):
    incident = await world.incident(level=1)
    await decide()

    path = f"incidents/{incident['pk']}/notifications/"
    (delivery,) = (await world.ask("alice", "GET", path)).json()

    event = await only_event(world, incident)
    assert {
        "pk": delivery["pk"],
        "incident": incident["pk"],
        "event": event["pk"],
        "user": world.pks["alice"],
        "destination": profile["destinations"][0]["pk"],
        "media": "email",
        "address": "Email: alice@example.org",
        "profiles": [{"pk": profile["pk"], "name": "Critical"}],
        "status": "waiting",
        "reason": "ARGUS_EMAIL_HOST is not set, so mail waits.",
        "merged_into": None,
        "created": "2024-03-01T13:00:00+01:00",
        "finished": None,
        "attempts": [],
        "type": "STA",
    } == delivery
    assert [] == (await world.ask("bob", "GET", path)).json()
    assert [delivery] == (await world.ask("ada", "GET", path)).json()


@pytest.mark.parametrize("path", ["incidents/999/notifications/", "incidents/999/events/1/explain/", "notificationprofiles/999/dryrun/"])
async def test_what_is_not_there_is_not_found(world, path):
    assert 404 == (await world.ask("alice", "GET", path)).status_code


async def test_events_of_other_incidents_are_not_explained(world):
    await world.incident()
    other = await world.incident()
    event = await only_event(world, other)

    assert 404 == (await world.ask("alice", "GET", f"incidents/1/events/{event['pk']}/explain/")).status_code


async def test_it_is_explained_why_a_profile_fires(world, profile, decide):
    incident = await world.incident(level=1)
    event = await only_event(world, incident)
    await decide()

    explained = (await world.ask("alice", "GET", f"incidents/{incident['pk']}/events/{event['pk']}/explain/")).json()

    assert (event["pk"], event["received"]) == (explained["event"], explained["received"])
    (verdict,) = explained["profiles"]
    assert (profile["pk"], "Critical", True, True, True) == tuple(verdict[key] for key in ("pk", "name", "fired", "active", "in_timeslot"))
    assert [True, True] == [one["held"] for one in verdict["filters"]]
    assert ["waiting"] == [one["status"] for one in explained["notifications"]]


async def test_staff_asks_why_others_are_told(world, profile, decide):
    incident = await world.incident(level=1)
    event = await only_event(world, incident)
    await decide()
    path = f"incidents/{incident['pk']}/events/{event['pk']}/explain/"
    own = (await world.ask("alice", "GET", path)).json()

    asked = {name: await world.ask(name, "GET", f"{path}?user={world.pks['alice']}") for name in ("alice", "ada", "bob", "nav")}

    assert {"alice": 200, "ada": 200, "bob": 403, "nav": 403} == {name: answer.status_code for name, answer in asked.items()}
    assert [own, own] == [asked["alice"].json(), asked["ada"].json()]
    assert [profile["pk"]] == [verdict["pk"] for verdict in own["profiles"]]
    assert [] == (await world.ask("ada", "GET", path)).json()["profiles"]


@pytest.mark.parametrize(
    ("user", "status"), [("", 200), ("999", 404), ("0", 400), ("-1", 400), ("x", 400), ("²", 400), ("9" * 30, 400), (str(2**63), 400)]
)
async def test_whoever_is_asked_about_has_to_be_somebody(world, profile, user, status):
    incident = await world.incident()
    event = await only_event(world, incident)

    answer = await world.ask("ada", "GET", f"incidents/{incident['pk']}/events/{event['pk']}/explain/?user={user}")

    assert status == answer.status_code


async def test_it_is_explained_why_a_profile_does_not_fire(world, profile):
    incident = await world.incident(level=1, description="Fire drill")
    event = await only_event(world, incident)

    explained = (await world.ask("alice", "GET", f"incidents/{incident['pk']}/events/{event['pk']}/explain/")).json()

    (verdict,) = explained["profiles"]
    assert not verdict["fired"]
    why = verdict["filters"][1]["why"]
    (clause,) = why["parts"]
    (either,) = clause["parts"]
    assert [({"tags": ["site=mars"]}, False), ({"text": "drill"}, True)] == [(one["clause"], one["held"]) for one in either["parts"]]
    assert [] == explained["notifications"]


async def test_filters_are_explained_as_described_also_those_that_no_expression_can_say(world, profile):
    """
    Such as a saved tag without `=`.
    """
    path = f"notificationprofiles/filters/{profile['filters'][0]['pk']}/"
    saved = await world.ask("alice", "PUT", path, json={"name": "odd", "filter": {"tags": ["site", "a=b"], "maxlevel": 1}})
    assert 200 == saved.status_code, saved.text
    incident = await world.incident(level=1)
    event = await only_event(world, incident)
    async with world.as_() as client:
        components = (await client.get("/api/schema/")).json()["components"]

    explained = (await world.ask("alice", "GET", f"incidents/{incident['pk']}/events/{event['pk']}/explain/")).json()

    described = jsonschema_rs.validator_for({"$ref": "#/components/schemas/ExplanationOut", "components": components})
    assert [] == [error.message for error in described.iter_errors(explained)]
    assert '"site"' in str(explained["profiles"][0]["filters"][0]["why"]).replace("'", '"')


async def test_it_is_explained_that_a_profile_waits(world, profile, decide):
    await world.ask("alice", "PATCH", f"notificationprofiles/{profile['pk']}/", json={"escalate_after": 15})
    incident = await world.incident(level=1)
    event = await only_event(world, incident)
    await decide()

    explained = (await world.ask("alice", "GET", f"incidents/{incident['pk']}/events/{event['pk']}/explain/")).json()

    (verdict,) = explained["profiles"]
    assert (False, "2024-03-01T13:15:00+01:00") == (verdict["fired"], verdict["waits_until"])
    assert "It waits for 15 minutes, unless somebody acknowledges the incident or it ends." == verdict["escalation"]
    assert [] == explained["notifications"]

    world.later(hours=1)
    (fired,) = (await world.ask("alice", "GET", f"notificationprofiles/{profile['pk']}/dryrun/")).json()["events"]
    assert ("escalation-due", event["pk"], "2024-03-01T13:15:00+01:00") == (fired["type"], fired["event"], fired["received"])


async def test_an_empty_filter_says_nothing_for_itself(world, profile):
    await world.ask("alice", "PUT", f"notificationprofiles/filters/{profile['filters'][0]['pk']}/", json={"name": "empty", "filter": {}})
    incident = await world.incident(level=1)
    event = await only_event(world, incident)

    explained = (await world.ask("alice", "GET", f"incidents/{incident['pk']}/events/{event['pk']}/explain/")).json()

    (verdict,) = explained["profiles"]
    assert (False, None) == (verdict["filters"][0]["held"], verdict["filters"][0]["why"])


async def test_a_dry_run_shows_what_would_have_been_told(world, profile):
    await world.ask("alice", "PATCH", f"notificationprofiles/{profile['pk']}/", json={"active": False})
    await world.incident(level=1)
    world.later(hours=30)
    told, _, _ = [await world.incident(level=level, description=text) for level, text in ((1, "Down"), (2, "Slow"), (1, "A DRILL"))]

    path = f"notificationprofiles/{profile['pk']}/dryrun/"
    day, two_days = [(await world.ask("alice", "GET", f"{path}?hours={hours}")).json() for hours in (24, 48)]

    assert (3, True, "2024-03-01T19:00:00+01:00") == (day["looked_at"], day["complete"], day["since"])
    (fired,) = day["events"]
    assert (told["pk"], "Down", "STA") == (fired["incident"], fired["description"], fired["type"])
    assert 2 == len(two_days["events"])
    assert day == (await world.ask("alice", "GET", path)).json()


@pytest.mark.parametrize("hours", ["0", "-1", "x", str(MOST_HOURS + 1), "²", "9" * 500])
async def test_a_dry_run_has_limits(world, profile, hours):
    answer = await world.ask("alice", "GET", f"notificationprofiles/{profile['pk']}/dryrun/", params={"hours": hours})

    assert (400, ["hours"]) == (answer.status_code, list(answer.json()))


async def test_a_test_is_a_delivery_like_all_others(world, profile):
    answer = await world.ask("alice", "POST", f"notificationprofiles/{profile['pk']}/test/")

    (delivery,) = answer.json()
    assert (201, None, None, "waiting") == (answer.status_code, delivery["incident"], delivery["event"], delivery["status"])
    assert [profile["pk"]] == [one["pk"] for one in delivery["profiles"]]


async def test_who_tests_too_often_is_told_when_to_come_back(world, profile):
    path = f"notificationprofiles/{profile['pk']}/test/"
    for _ in range(MOST_TESTS):
        assert 201 == (await world.ask("alice", "POST", path)).status_code
        world.later(seconds=10)

    refused = await world.ask("alice", "POST", path)

    assert (429, "200") == (refused.status_code, refused.headers["retry-after"])
    assert "Try again in 200 seconds" in refused.json()["detail"]
    world.later(seconds=200)
    assert [201, 429] == [(await world.ask("alice", "POST", path)).status_code for _ in range(2)]


async def test_without_destinations_there_is_nothing_to_test(world, profile):
    await world.ask("alice", "PATCH", f"notificationprofiles/{profile['pk']}/", json={"destinations": []})

    answer = await world.ask("alice", "POST", f"notificationprofiles/{profile['pk']}/test/")

    assert (400, ["destinations"]) == (answer.status_code, list(answer.json()))


async def test_what_was_sent_is_shown_with_its_attempts(world, profile, decide):
    incident = await world.incident(level=1)
    await decide()
    await finished(world, Report(outcome=Outcome.SENT, answer="", seconds=0.5))

    (delivery,) = (await world.ask("alice", "GET", f"incidents/{incident['pk']}/notifications/")).json()

    assert ("sent", "", "2024-03-01T13:00:00+01:00") == (delivery["status"], delivery["reason"], delivery["finished"])
    (attempt,) = delivery["attempts"]
    assert {"number": 1, "time": "2024-03-01T13:00:00+01:00", "outcome": "sent", "answer": "", "seconds": 0.5} == attempt


async def finished(world, report):
    """Whoever sends takes the only message that is due, and this comes of it."""
    (sending,) = await world.outbox.take(dict.fromkeys(await world.outbox.routes(), 9), timedelta(minutes=1))
    await world.outbox.finish(sending, report)


async def test_what_waits_after_a_failure_says_which(world, profile, decide):
    incident = await world.incident(level=1)
    await decide()
    await finished(world, Report(outcome=Outcome.FAILED, answer="451 busy", seconds=1, again=timedelta(hours=1)))
    ready = NotificationService(world.outbox, world.journal, world.profile_store, _Ready(), lambda: world.now, world.thresholds)

    (delivery,) = await ready.of_incident(incident["pk"], world.actor("alice"))

    assert "It will be tried again: 451 busy" == delivery.reason


class _Ready:
    """Media that all are there and lack nothing."""

    def why_waits(self, slug):
        return ""

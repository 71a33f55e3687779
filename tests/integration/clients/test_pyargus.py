"""The client library in the field, `argus-api-client`, against a running server."""

from datetime import UTC, datetime, timedelta

import pytest
from pyargus.async_client import AsyncClient
from pyargus.client import Client
from pyargus.models import STATELESS, Event, Incident, SourceSystem
from pyargus.multivaluedict import MultiValueDict
from pyargus.time import LOCAL_INFINITY
from simple_rest_client.exceptions import AuthError, ClientError, NotFoundError

NOON = datetime(2026, 3, 3, 12, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def connect(served, tokens):
    """Makes clients of the library for an actor, and closes them."""
    clients = []

    def connected(actor, token=None):
        clients.append(Client(f"{served.url}/api/v2", token or tokens[actor], timeout=20))
        return clients[-1]

    yield connected
    for client in clients:
        client.api.close_client()


@pytest.fixture
def source(connect):
    return connect("nav")


@pytest.fixture
def person(connect):
    return connect("alice")


@pytest.fixture
async def source_async(served, tokens):
    client = AsyncClient(f"{served.url}/api/v2", tokens["nav"], timeout=20)
    yield client
    await client.api.aclose_client()


@pytest.fixture
def nav_oslo(world):
    found = world["sources"]["nav-oslo"]
    return SourceSystem(pk=found["pk"], name="nav-oslo", type="nav", user=world["actors"]["nav"]["pk"], base_url="https://nav.example.org/")


def down(key, **fields):
    """What a source reports."""
    usual = {"start_time": NOON, "end_time": LOCAL_INFINITY, "source_incident_id": key, "description": f"Netbox {key} down", "tags": {}}
    return Incident(**usual | fields)


def test_a_posted_incident_comes_back_whole(source, nav_oslo, key):
    tags = MultiValueDict([("host", "uninett-gw3"), ("host", "uninett-gw4"), ("location", "Ærø = æ")])
    told = down(key, level=2, details_url="https://nav.example.org/alerts/1/", tags=tags, metadata={"vlan": [1, 2]})

    incident = source.post_incident(told)

    expected = {
        "pk": incident.pk,
        "start_time": NOON,
        "end_time": LOCAL_INFINITY,
        "source": nav_oslo,
        "source_incident_id": key,
        "details_url": "https://nav.example.org/alerts/1/",
        "description": f"Netbox {key} down",
        "level": 2,
        "ticket_url": "",
        "tags": tags,
        "stateful": True,
        "open": True,
        "acked": False,
        "metadata": {"vlan": [1, 2]},
    }
    assert expected == vars(incident)
    assert incident == source.get_incident(incident.pk)


def test_a_bare_incident_gets_the_defaults(source, key):
    incident = source.post_incident(Incident(start_time=NOON, source_incident_id=key))

    assert (5, "", "", "", MultiValueDict(), {}, True) == (
        incident.level,
        incident.description,
        incident.details_url,
        incident.ticket_url,
        incident.tags,
        incident.metadata,
        incident.open,
    )


def test_a_stateless_incident_has_no_end(source, key):
    incident = source.post_incident(down(key, end_time=STATELESS))

    assert (STATELESS, False, False) == (incident.end_time, incident.stateful, incident.open)
    assert ["LES"] == [event.type for event in source.get_incident_events(incident)]


def test_all_pages_hold_all_incidents_newest_first(source, person, key):
    posted = [source.post_incident(down(f"{key}-{n}", start_time=NOON + n * MINUTE, tags={"page": key})) for n in range(25)]

    found = list(person.get_incidents(tags=f"page={key}", page_size=10, open=True, acked=False))

    assert posted[::-1] == found


def test_a_source_finds_its_own_incidents(source, connect, key):
    mine = source.post_incident(down(key))
    connect("zabbix").post_incident(down(key))

    found = list(source.get_my_incidents(source_incident_id=key, open=True))

    assert [mine] == found


def test_an_update_changes_what_it_names(source, key):
    incident = source.post_incident(down(key, level=4, tags={"host": "a"}))

    updated = source.update_incident(
        Incident(
            pk=incident.pk, level=1, description="worse", details_url="https://nav.example.org/2", tags={"host": "b"}, metadata={"n": 1}
        )
    )

    changed = {
        "level": 1,
        "description": "worse",
        "details_url": "https://nav.example.org/2",
        "tags": MultiValueDict([("host", "b")]),
        "metadata": {"n": 1},
    }
    assert vars(incident) | changed == vars(updated)
    assert updated == source.get_incident(incident.pk)


def test_each_changed_field_is_an_event(source, key):
    incident = source.post_incident(down(key, level=4))

    source.update_incident(Incident(pk=incident.pk, level=1, description="worse"))

    changes = [event for event in source.get_incident_events(incident) if event.type == "CHI"]
    assert ["nav.oslo", "nav.oslo"] == [event.actor for event in changes]
    assert {f'Change: "description": Netbox {key} down → worse', 'Change: "level": 4 → 1'} == {event.description for event in changes}


def test_a_source_resolves_its_incident(source, key):
    incident = source.post_incident(down(key))

    event = source.resolve_incident(incident, description="up again", timestamp=NOON + MINUTE)

    told = {"actor": "nav.oslo", "description": "up again", "incident": incident.pk, "timestamp": NOON + MINUTE, "type": "END"}
    assert told | {"pk": event.pk, "received": event.received} == vars(event)
    resolved = source.get_incident(incident.pk)
    assert vars(incident) | {"end_time": NOON + MINUTE, "open": False} == vars(resolved)


def test_a_person_closes_and_reopens(source, person, key):
    incident = source.post_incident(down(key))

    closed = person.post_incident_event(incident, Event(type="CLO", description="it is fine", timestamp=NOON + MINUTE))
    after_closing = person.get_incident(incident.pk)
    person.post_incident_event(incident, Event(type="REO"))

    assert ("alice", "CLO", "it is fine") == (closed.actor, closed.type, closed.description)
    assert (NOON + MINUTE, False) == (after_closing.end_time, after_closing.open)
    assert incident == person.get_incident(incident.pk)


def test_a_person_acknowledges(source, person, key):
    incident = source.post_incident(down(key))
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)

    body = {"timestamp": NOON.isoformat(), "description": "on it", "expiration": until.isoformat()}
    person.api.acknowledgements.create(incident.pk, body=body)

    (ack,) = person.get_incident_acknowledgements(incident)
    assert (until, "alice", "ACK", "on it", NOON, ack.pk) == (
        ack.expiration,
        ack.event.actor,
        ack.event.type,
        ack.event.description,
        ack.event.timestamp,
        ack.event.pk,
    )
    assert [incident.pk] == [found.pk for found in person.get_incidents(acked=True, source_incident_id=key)]
    assert vars(incident) | {"acked": True} == vars(person.get_incident(incident.pk))


def test_a_source_cannot_acknowledge(source, key):
    incident = source.post_incident(down(key))

    with pytest.raises(AuthError) as refused:
        source.api.acknowledgements.create(incident.pk, body={"description": "on it"})

    assert 403 == refused.value.response.status_code


def test_the_history_is_listed_newest_first(source, person, key):
    incident = source.post_incident(down(key))
    person.post_incident_event(incident, Event(type="OTH", description="looking", timestamp=NOON + 2 * MINUTE))
    source.resolve_incident(incident, timestamp=NOON + MINUTE)

    events = person.get_incident_events(incident.pk)

    assert ["OTH", "END", "STA"] == [event.type for event in events]
    assert [("alice", NOON + 2 * MINUTE), ("nav.oslo", NOON + MINUTE), ("nav.oslo", NOON)] == [
        (event.actor, event.timestamp) for event in events
    ]


def test_a_ticket_is_set(source, person, key):
    incident = source.post_incident(down(key))

    answer = person.api.incidents.set_ticket_url(incident.pk, body={"ticket_url": "https://tickets.example.org/1"})

    assert {"ticket_url": "https://tickets.example.org/1"} == answer.body
    assert "https://tickets.example.org/1" == source.get_incident(incident.pk).ticket_url


def test_a_restart_is_refused(source, key):
    incident = source.post_incident(down(key))

    with pytest.raises(ClientError) as refused:
        source.restart_incident(incident)

    assert (400, {"type"}) == (refused.value.response.status_code, set(refused.value.response.body))


def test_a_source_says_that_it_is_alive(source):
    assert source.supports_heartbeat()

    source.send_heartbeat()


def test_an_unknown_incident_is_not_found(source):
    with pytest.raises(NotFoundError):
        source.get_incident(2**62)


def test_a_wrong_token_is_told_from_other_errors(connect):
    with pytest.raises(AuthError) as refused:
        next(connect("nav", token="not-a-token").get_incidents())

    assert (401, {"detail": "Invalid token."}) == (refused.value.response.status_code, refused.value.response.body)


def test_a_token_renews_itself(connect, source):
    """The library expects other names in the answer and fails on any server; what it asks for works."""
    answer = source.api.tokens.refresh()

    assert {"token", "expiry"} == set(answer.body)
    assert [] == list(connect("nav", token=answer.body["token"]).get_my_incidents(source_incident_id="no such"))
    assert [] == list(source.get_my_incidents(source_incident_id="no such"))


@pytest.mark.anyio
async def test_the_asynchronous_client_does_the_same(source_async, key):
    posted = [await source_async.post_incident(down(f"{key}-{n}", start_time=NOON + n * MINUTE, tags={"page": key})) for n in range(3)]
    updated = await source_async.update_incident(Incident(pk=posted[0].pk, level=1, tags={"page": key}))
    end = await source_async.resolve_incident(posted[1])

    found = [incident async for incident in source_async.get_my_incidents(tags=f"page={key}", page_size=2)]

    assert [posted[2].pk, posted[1].pk, posted[0].pk] == [incident.pk for incident in found]
    assert (1, updated, False) == (updated.level, found[2], found[1].open)
    assert [end, *(await source_async.get_incident_events(posted[1]))[1:]] == await source_async.get_incident_events(posted[1].pk)
    assert [] == await source_async.get_incident_acknowledgements(posted[1])

"""Habits of the programs in the field that do without the client library, or use an older one: glue services, the web page, probes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

NOON = "2026-03-03T12:00:00+00:00"
LATER = "2026-03-03T12:05:00+00:00"
NAIVE_INFINITY = "9999-12-31T23:59:59.999999"

INCIDENT = {
    *("pk", "start_time", "end_time", "source", "source_incident_id", "details_url", "description", "level", "ticket_url", "metadata"),
    *("tags", "stateful", "open", "acked"),
}
SOURCE = {"pk", "name", "type", "user", "base_url"}
EVENT = {"pk", "incident", "actor", "timestamp", "received", "type", "description"}


def report(key="", **fields):
    """What a source posts."""
    return {"start_time": NOON, "end_time": "infinity", "source_incident_id": key, "description": "down", "tags": []} | fields


def posted(client, key="", **fields):
    """The answer to a report that is taken."""
    answer = client.post("/incidents/", json=report(key, **fields))
    assert answer.status_code == 201, answer.text
    return answer.json()


# Shapes: one key more and clients crash, in every answer that holds the thing.


def answers_with_an_incident(source, person, key):
    incident = posted(source, key, tags=[{"tag": "a=b"}], metadata={"x": 1})
    pk = incident["pk"]
    yield incident
    yield source.post("/incidents/mine/", json=report(f"{key}-mine")).json()
    yield person.get(f"/incidents/{pk}/").json()
    yield person.patch(f"/incidents/{pk}/", json={"level": 1}).json()
    yield person.get("/incidents/", params={"source_incident_id": key}).json()["results"][0]
    yield source.get("/incidents/mine/", params={"source_incident_id": key}).json()["results"][0]


def answers_with_an_event(source, person, key):
    pk = posted(source, key)["pk"]
    posting = {"timestamp": LATER, "type": "OTH", "description": "looking"}
    event = person.post(f"/incidents/{pk}/events/", json=posting).json()
    yield event
    yield person.get(f"/incidents/{pk}/events/{event['pk']}/").json()
    yield from person.get(f"/incidents/{pk}/events/").json()
    yield from (change["event"] for change in bulk(person, "events", ids=[pk], event=posting).values())
    ack = person.post(f"/incidents/{pk}/acks/", json={"timestamp": LATER, "description": "mine"}).json()
    yield ack["event"]
    yield person.get(f"/incidents/{pk}/acks/{ack['pk']}/").json()["event"]
    yield person.put(f"/incidents/{pk}/acks/{ack['pk']}/", json={"expiration": tomorrow()}).json()["event"]
    yield from (ack["event"] for ack in person.get(f"/incidents/{pk}/acks/").json())
    yield from (change["ack"]["event"] for change in bulk(person, "acks", ids=[pk], ack={"timestamp": LATER, "description": ""}).values())


def bulk(client, what, **body):
    """The changes that a bulk answer tells of."""
    return client.post(f"/incidents/{what}/bulk/", json=body).json()["changes"]


def tomorrow():
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


def test_an_incident_has_exactly_the_known_keys(nav, alice, key):
    incidents = list(answers_with_an_incident(nav, alice, key))

    assert [INCIDENT] * 6 == [set(incident) for incident in incidents]
    assert [SOURCE] * 6 == [set(incident["source"]) for incident in incidents]
    assert [{"name"}] * 6 == [set(incident["source"]["type"]) for incident in incidents]
    assert {("added_by", "added_time", "tag")} == {tuple(sorted(tag)) for incident in incidents for tag in incident["tags"]}


def test_an_event_has_exactly_the_known_keys(nav, alice, key):
    events = list(answers_with_an_event(nav, alice, key))

    assert {frozenset(EVENT)} == set(map(frozenset, events))
    assert {("pk", "username")} == {tuple(sorted(event["actor"])) for event in events}
    assert {("display", "value")} == {tuple(sorted(event["type"])) for event in events}


def test_an_ack_has_exactly_the_known_keys(nav, alice, key):
    pk = posted(nav, key)["pk"]

    ack = alice.post(f"/incidents/{pk}/acks/", json={"timestamp": LATER, "description": "mine"}).json()
    (listed,) = alice.get(f"/incidents/{pk}/acks/").json()

    assert {"pk", "event", "expiration"} == set(ack)
    assert ack == listed == alice.get(f"/incidents/{pk}/acks/{ack['pk']}/").json()


def test_a_page_and_a_bulk_answer_have_exactly_the_known_keys(nav, alice, key):
    pk = posted(nav, key)["pk"]

    page = alice.get("/incidents/", params={"source_incident_id": key}).json()
    changes = bulk(alice, "ticket_url", ids=[pk], ticket_url="https://tickets.example.org/1")

    assert {"next", "previous", "results"} == set(page)
    assert {str(pk): {"ticket_url": "https://tickets.example.org/1", "status": 201, "errors": None}} == changes


def test_sources_are_listed_as_incidents_show_them(nav, alice, key):
    source = posted(nav, key)["source"]

    sources = alice.get("/incidents/sources/").json()

    assert {"nav-oslo", "zabbix-1"} == {found["name"] for found in sources}
    assert [source] == [found for found in sources if found["name"] == "nav-oslo"]


def test_a_user_has_exactly_the_known_keys(served, alice, root, nav):
    users = [client.get("/auth/user/").json() for client in (alice, root, nav)]

    keys = {"username", "first_name", "last_name", "email", "admin_url"}
    assert [keys] * 3 == [set(user) for user in users]
    assert ["alice", "root", "nav.oslo"] == [user["username"] for user in users]
    assert [None, f"{served.url}/admin/", None] == [user["admin_url"] for user in users]


# Reporting.


def test_a_naive_end_of_time_is_infinity(zabbix, key):
    incident = posted(zabbix, key, end_time=NAIVE_INFINITY)

    assert ("infinity", True, True) == (incident["end_time"], incident["stateful"], incident["open"])


def test_an_end_of_time_with_an_offset_is_refused(zabbix, key):
    answer = zabbix.post("/incidents/", json=report(key, end_time=f"{NAIVE_INFINITY}+00:00"))

    assert (400, {"end_time"}) == (answer.status_code, set(answer.json()))


@pytest.mark.parametrize(
    ("told", "shown"),
    [("2026-07-01T12:00:00", "2026-07-01T12:00:00+02:00"), ("2026-01-01 12:00:00.5", "2026-01-01T12:00:00.500000+01:00")],
)
def test_naive_times_are_those_of_the_server(nav, key, told, shown):
    incident = posted(nav, key, start_time=told)

    assert shown == incident["start_time"]


def test_a_number_as_id_is_text(nav, key):
    incident = posted(nav, int(key))

    assert key == incident["source_incident_id"]
    assert [incident] == nav.get("/incidents/mine/", params={"source_incident_id": int(key)}).json()["results"]


def test_a_second_report_of_an_id_says_which_field_it_is(zabbix, key):
    posted(zabbix, key)

    again = zabbix.post("/incidents/", json=report(key))

    assert 400 == again.status_code
    assert "source_incident_id" in again.text


def test_an_id_stays_taken_when_its_incident_is_closed(zabbix, alice, key):
    pk = posted(zabbix, key)["pk"]
    alice.post(f"/incidents/{pk}/events/", json={"type": "CLO", "timestamp": LATER})

    again = zabbix.post("/incidents/", json=report(key))

    assert (400, True) == (again.status_code, "source_incident_id" in again.text)
    assert [pk] == [found["pk"] for found in zabbix.get("/incidents/mine/", params={"source_incident_id": key}).json()["results"]]


def test_of_simultaneous_reports_of_an_id_one_is_taken(zabbix, key):
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: zabbix.post("/incidents/", json=report(key)), range(16)))

    assert [201] + 15 * [400] == sorted(answer.status_code for answer in answers)
    assert all("source_incident_id" in answer.text for answer in answers if answer.status_code == 400)
    assert 1 == len(zabbix.get("/incidents/", params={"source_incident_id": key}).json()["results"])


def test_empty_ids_never_collide(nav):
    assert posted(nav, "")["pk"] != posted(nav, "")["pk"]


def test_two_sources_may_use_the_same_id(nav, zabbix, key):
    assert posted(nav, key)["pk"] != posted(zabbix, key)["pk"]


def test_a_person_reports_nothing(alice, key):
    answer = alice.post("/incidents/", json=report(key))

    assert 400 == answer.status_code


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("/alerts/1/", "https://nav.example.org/alerts/1/"),
        ("https://other.example.org/2", "https://other.example.org/2"),
        ("", ""),
    ],
)
def test_a_relative_address_is_seen_from_the_source(nav, key, told, shown):
    incident = posted(nav, key, details_url=told)

    assert shown == incident["details_url"]


def test_a_relative_address_stays_when_the_source_has_none(zabbix, key):
    assert "tr_events.php?id=1" == posted(zabbix, key, details_url="tr_events.php?id=1")["details_url"]


def test_any_script_is_kept(nav, key):
    tags = [{"tag": "sted=Tromsø"}, {"tag": "状態=x"}, {"tag": "x=状態 🔥 = 1"}]

    refused = nav.post("/incidents/", json=report(key, tags=tags))
    incident = posted(nav, f"{key}-Ærø", description="ルーター 🔥", tags=[tags[0], tags[2]])

    assert (400, {"tags"}) == (refused.status_code, set(refused.json()))  # keys are a-z, 0-9 and _
    assert (f"{key}-Ærø", "ルーター 🔥") == (incident["source_incident_id"], incident["description"])
    assert {"sted=Tromsø", "x=状態 🔥 = 1"} == {tag["tag"] for tag in incident["tags"]}


# Following.


def test_an_end_after_a_close_by_hand_is_heard_without_effect(nav, alice, key):
    pk = posted(nav, key)["pk"]
    alice.post(f"/incidents/{pk}/events/", json={"type": "CLO", "timestamp": LATER})
    closed = nav.get(f"/incidents/{pk}/").json()

    answer = nav.post(f"/incidents/{pk}/events/", json={"type": "END", "timestamp": "2026-03-03T13:00:00+00:00"})

    assert 201 == answer.status_code
    assert closed == nav.get(f"/incidents/{pk}/").json()


def test_an_end_of_a_stateless_incident_is_heard_without_effect(nav, key):
    incident = posted(nav, key, end_time=None)

    answer = nav.post(f"/incidents/{incident['pk']}/events/", json={"type": "END", "timestamp": LATER})

    assert 201 == answer.status_code
    assert incident == nav.get(f"/incidents/{incident['pk']}/").json()
    assert (None, False, False) == (incident["end_time"], incident["stateful"], incident["open"])


@pytest.mark.parametrize("type_", ["CLO", "REO", "ACK", "STA", "RES"])
def test_a_source_may_not_do_what_people_do(nav, key, type_):
    pk = posted(nav, key)["pk"]

    answer = nav.post(f"/incidents/{pk}/events/", json={"type": type_, "timestamp": LATER})

    assert (400, {"type"}) == (answer.status_code, set(answer.json()))


def test_a_source_says_when_a_person_need_not(nav, alice, key):
    pk = posted(nav, key)["pk"]

    by_source = nav.post(f"/incidents/{pk}/events/", json={"type": "OTH"})
    by_person = alice.post(f"/incidents/{pk}/events/", json={"type": "OTH"})

    assert (400, {"timestamp"}) == (by_source.status_code, set(by_source.json()))
    assert 201 == by_person.status_code
    assert datetime.now(UTC) - datetime.fromisoformat(by_person.json()["timestamp"]) < timedelta(minutes=1)


@pytest.mark.parametrize("type_", ["END", "LES", "CHI", "STA"])
def test_a_person_may_not_do_what_sources_do(nav, alice, key, type_):
    pk = posted(nav, key)["pk"]

    answer = alice.post(f"/incidents/{pk}/events/", json={"type": type_, "timestamp": LATER})

    assert (400, {"type"}) == (answer.status_code, set(answer.json()))


def test_the_first_change_that_names_the_ticket_is_that_of_who_set_it(nav, alice, key):
    pk = posted(nav, key)["pk"]
    url = "https://tickets.example.org/ZINO-1"
    nav.post(f"/incidents/{pk}/events/", json={"type": "OTH", "timestamp": LATER, "description": f"see {url}"})

    answer = alice.put(f"/incidents/{pk}/ticket_url/", json={"ticket_url": url})

    events = alice.get(f"/incidents/{pk}/events/").json()
    change = next(event for event in events if event["type"]["value"] == "CHI" and url in event["description"])
    assert (200, {"ticket_url": url}) == (answer.status_code, answer.json())
    assert ("alice", "Incident change") == (change["actor"]["username"], change["type"]["display"])


def test_a_ticket_is_taken_away_by_an_empty_one(nav, alice, key):
    pk = posted(nav, key, ticket_url="https://tickets.example.org/1")["pk"]

    answer = alice.put(f"/incidents/{pk}/ticket_url/", json={"ticket_url": ""})

    assert (200, {"ticket_url": ""}) == (answer.status_code, answer.json())


def test_an_alert_that_fires_again_changes_description_level_and_metadata(zabbix, key):
    incident = posted(zabbix, key, metadata={"count": 1})
    changed = {"description": "still down", "level": 1, "metadata": {"count": 2}, "tags": [{"tag": "severity=page"}]}

    answer = zabbix.patch(f"/incidents/{incident['pk']}/", json=changed)

    assert 200 == answer.status_code
    tags = answer.json()["tags"]
    assert incident | changed | {"tags": tags} == answer.json()
    assert ["severity=page"] == [tag["tag"] for tag in tags]


def test_what_may_not_change_is_named(zabbix, key):
    incident = posted(zabbix, key)

    answer = zabbix.patch(f"/incidents/{incident['pk']}/", json={"start_time": LATER, "level": 1})

    assert (400, {"start_time"}) == (answer.status_code, set(answer.json()))
    assert incident == zabbix.get(f"/incidents/{incident['pk']}/").json()


def test_the_page_sends_both_forms_of_an_ack(nav, alice, key):
    pks = [posted(nav, f"{key}-{n}")["pk"] for n in range(3)]
    flat = {"timestamp": LATER, "description": "on it", "expiration": None}
    both = {"event": {"timestamp": LATER, "description": "on it"}, **flat}

    single = alice.post(f"/incidents/{pks[0]}/acks/", json=both)
    changes = bulk(alice, "acks", ids=pks[1:], ack=both)

    assert (201, None) == (single.status_code, single.json()["expiration"])
    assert [201, 201] == [changes[str(pk)]["status"] for pk in pks[1:]]
    assert [True] * 3 == [alice.get(f"/incidents/{pk}/").json()["acked"] for pk in pks]


def test_a_bulk_request_tells_of_each_incident(nav, alice, key):
    pks = [posted(nav, f"{key}-{n}")["pk"] for n in range(2)]
    unknown = 2**62

    changes = bulk(alice, "events", ids=[*pks, unknown], event={"type": "CLO", "timestamp": LATER}, timestamp=LATER)

    assert {str(pk): 201 for pk in pks} | {str(unknown): 400} == {pk: change["status"] for pk, change in changes.items()}
    assert (None, {"ids"}) == (changes[str(unknown)]["event"], set(changes[str(unknown)]["errors"]))
    assert [False, False] == [alice.get(f"/incidents/{pk}/").json()["open"] for pk in pks]


def test_an_automatic_ticket_needs_a_plugin(nav, alice, key):
    without = posted(nav, f"{key}-1")["pk"]
    having = posted(nav, f"{key}-2", ticket_url="https://tickets.example.org/1")["pk"]

    refused = alice.put(f"/incidents/{without}/automatic-ticket/")
    given = alice.put(f"/incidents/{having}/automatic-ticket/")

    assert 400 == refused.status_code
    assert "No path to" in refused.json()
    assert (200, {"ticket_url": "https://tickets.example.org/1"}) == (given.status_code, given.json())


# Lists.


def test_links_are_absolute_and_keep_the_question(nav, alice, key):
    for n in range(3):
        posted(nav, f"{key}-{n}", tags=[{"tag": f"mark={key}"}])
    question = {"tags": f"mark={key}", "page_size": "2", "open": "true"}

    page = alice.get("/incidents/", params=question, headers={"Host": "argus.example.org"}).json()
    link = urlsplit(page["next"])
    rest = alice.get(f"{link.path.removeprefix('/api/v2')}?{link.query}").json()

    assert ("http", "argus.example.org", "/api/v2/incidents/") == (link.scheme, link.netloc, link.path)
    assert (2, 1, None) == (len(page["results"]), len(rest["results"]), rest["next"])
    back = urlsplit(rest["previous"])
    assert page["results"] == alice.get(f"{back.path.removeprefix('/api/v2')}?{back.query}").json()["results"]


def test_empty_parameters_are_no_filter(nav, alice, key):
    incident = posted(nav, key)

    page = alice.get(
        f"/incidents/?source__id__in=&tags=&acked=&open=&level__lte=&source_incident_id={key}&page_size=nonsense&unheard=of",
    )

    assert (200, [incident]) == (page.status_code, page.json()["results"])


@pytest.mark.parametrize(("parameter", "status"), [("cursor=null", 404), ("cursor=nonsense", 404), ("tags=novalue", 400)])
def test_malformed_parameters_are_refused(alice, parameter, status):
    assert status == alice.get(f"/incidents/?{parameter}").status_code


def test_the_duration_of_an_open_incident_is_until_now(nav, alice, key):
    start = datetime.now(UTC) - timedelta(minutes=10)
    incident = posted(nav, key, start_time=start.isoformat())

    found = [
        alice.get("/incidents/", params={"source_incident_id": key, "duration__gte": minutes}).json()["results"] for minutes in (9, 11)
    ]

    assert [[incident], []] == found


# Who is who.


def test_requests_without_a_token_are_401(anybody):
    answers = [anybody.get("/api/v2/incidents/"), anybody.get("/api/v2/incidents/", headers={"Authorization": "Token nonsense"})]

    assert [401, 401] == [answer.status_code for answer in answers]
    assert [{"detail"}, {"detail"}] == [set(answer.json()) for answer in answers]


def test_a_login_replaces_the_former_one_and_a_logout_ends_it(anybody):
    def login():
        return anybody.post("/api/v2/token-auth/", json={"username": "alice", "password": "correct-horse-1"}).json()["token"]

    def status(token):
        return anybody.get("/api/v2/auth/user/", headers={"Authorization": f"Token {token}"}).status_code

    first, second = login(), login()
    replaced = status(first), status(second)
    answer = anybody.post("/api/v2/auth/logout/", headers={"Authorization": f"Token {second}"})

    assert (401, 200) == replaced
    assert (200, b"", 401) == (answer.status_code, answer.content, status(second))


def test_a_wrong_password_is_400(anybody):
    """A 401 would throw the user of the page out."""
    answer = anybody.post("/api/v2/token-auth/", json={"username": "alice", "password": "wrong"})

    assert (400, {"non_field_errors"}) == (answer.status_code, set(answer.json()))


def test_a_login_by_the_other_spelling_leaves_the_former_one(anybody):
    first = anybody.post("/api/v2/auth/token/login/", json={"username": "root", "password": "correct-horse-2"})
    second = anybody.post("/api/v2/auth/token/login/", headers={"Authorization": f"Token {first.json()['token']}"})
    statuses = [
        anybody.get("/api/v2/auth/user/", headers={"Authorization": f"Token {answer.json()['token']}"}).status_code
        for answer in (first, second)
    ]
    wrong = anybody.post("/api/v2/auth/token/login/", json={"username": "root", "password": "wrong"})

    assert [{"token", "expiry"}] * 2 == [set(first.json()), set(second.json())]
    assert [200, 200] == statuses
    assert (403, {"detail"}) == (wrong.status_code, set(wrong.json()))


def test_the_page_learns_what_it_needs_before_a_login(anybody, served):
    about, ways = anybody.get("/api/").json(), anybody.get("/login-methods/").json()

    assert {"server-version", "api-version", "jsonapi-schema", "ticket_plugin", "destination_plugins"} == set(about)
    assert "v2" == about["api-version"]["stable"]
    assert "username_password" == ways[0]["type"]
    assert ways[0]["url"].startswith(served.url)


@pytest.mark.parametrize("path", ["/", "/admin/login/"])
def test_probes_find_somebody_at_home(anybody, path):
    assert anybody.get(path).status_code < 400


def test_a_missing_slash_is_redirected_for_another_origin(anybody, tokens):
    headers = {"Origin": "https://argus.example.org", "Authorization": f"Token {tokens['alice']}"}

    answer = anybody.get("/api/v2/incidents?open=true", headers=headers)

    assert (301, "/api/v2/incidents/?open=true") == (answer.status_code, answer.headers["location"].removeprefix(str(anybody.base_url)))
    assert "https://argus.example.org" == answer.headers["access-control-allow-origin"]


def test_a_preflight_allows_what_the_page_does(anybody):
    asked = {
        "Origin": "https://argus.example.org",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type",
    }

    answer = anybody.options("/api/v2/incidents/1/", headers=asked)

    assert answer.is_success
    assert "https://argus.example.org" == answer.headers["access-control-allow-origin"]
    assert {"authorization", "content-type"} <= set(answer.headers["access-control-allow-headers"].lower().replace(" ", "").split(","))
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(answer.headers["access-control-allow-methods"].replace(" ", "").split(","))


def test_a_foreign_page_gets_no_leave_to_read(anybody):
    answer = anybody.get("/api/", headers={"Origin": "https://evil.example.org"})

    assert (200, False) == (answer.status_code, "access-control-allow-origin" in answer.headers)

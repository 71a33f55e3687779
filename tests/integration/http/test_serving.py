import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

GOOD = {"start_time": "2024-03-01T12:00:00Z", "tags": [{"tag": "a=b"}]}
UNHEARD = 1.5  # seconds after which a revocation made elsewhere is known for sure


def errors(installation):
    return [line for line in installation.log().splitlines() if " error " in line or "Traceback" in line]


def test_a_connection_serves_on_after_a_head_and_a_body_that_was_too_large(installation):
    def much():
        for _ in range(80):
            yield b" " * 65_536

    with installation.client("nav") as nav:
        answers = [
            nav.head("/incidents/"),
            nav.post("/incidents/", content=b" " * 5_000_000, headers={"Content-Type": "application/json"}),
            nav.post("/incidents/", content=much(), headers={"Content-Type": "application/json"}),
            nav.post("/incidents/", json=GOOD),
            nav.get("/incidents/"),
        ]

    assert [200, 413, 413, 201, 200] == [answer.status_code for answer in answers]
    assert ["detail"] == list(answers[1].json())
    assert not errors(installation)


@pytest.mark.parametrize("sent", [b"", b'{"start_time": '])
def test_whoever_leaves_within_a_body_is_no_error(installation, sent):
    address = urlsplit(installation.served.url)
    head = f"POST /api/v2/incidents/ HTTP/1.1\r\nHost: x\r\nAuthorization: Token {installation.tokens['nav']}\r\n"
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n".encode() + sent)
        time.sleep(0.2)

    with installation.client("nav") as nav:
        assert 200 == nav.get("/incidents/").status_code
    assert not errors(installation)


def test_of_simultaneous_reports_with_the_same_id_exactly_one_is_taken(installation):
    def report(number):
        with installation.client("nav") as nav:
            return nav.post("/incidents/", json={**GOOD, "source_incident_id": "simultaneous", "description": str(number)})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(report, range(8)))

    assert [201, *[400] * 7] == sorted(answer.status_code for answer in answers)
    assert all("source_incident_id" in answer.text for answer in answers)


def test_a_revocation_made_elsewhere_stops_writes_at_once_and_reads_within_a_second(installation):
    with installation.client("nav") as nav, installation.client("bob") as bob:
        pk = nav.post("/incidents/", json=GOOD).json()["pk"]
        before = bob.get("/incidents/").status_code
        installation.argus("user", "deactivate", "bob")

        written = bob.post(f"/incidents/{pk}/events/", json={"type": "OTH"})
        time.sleep(UNHEARD)
        read = bob.get("/incidents/")

    assert [200, 401, 401] == [before, written.status_code, read.status_code]
    assert written.headers["www-authenticate"] == "Token"


def test_a_page_leads_through_many_incidents_and_back(installation):
    with installation.client("zabbix") as zabbix:
        made = [zabbix.post("/incidents/", json={**GOOD, "tags": [{"tag": "page=1"}]}).json()["pk"] for _ in range(7)]
        url, there, back = "/incidents/mine/?tags=page%3D1&page_size=3", [], []
        while url:
            page = zabbix.get(url).json()
            there.append([incident["pk"] for incident in page["results"]])
            last, url = url, page["next"]
        while last:
            page = zabbix.get(last).json()
            back.append([incident["pk"] for incident in page["results"]])
            last = page["previous"]

    assert [sorted(made, reverse=True)[start : start + 3] for start in (0, 3, 6)] == there
    assert there == back[::-1]


def test_metadata_comes_back_as_it_was(installation):
    metadata = {"big": 10**300, "small": 1e-320, "text": "æøå 日本語", "deep": [[[[None, True]]]]}
    with installation.client("nav") as nav:
        pk = nav.post("/incidents/", json={**GOOD, "metadata": metadata}).json()["pk"]

        assert metadata == nav.get(f"/incidents/{pk}/").json()["metadata"]


def test_the_last_moments_that_can_be_stored_do_not_break_lists(installation):
    with installation.client("nav") as nav:
        for moment in ("1900-01-01T00:00:00Z", "9998-12-31T23:59:59.999999Z"):
            pk = nav.post("/incidents/", json={**GOOD, "start_time": moment}).json()["pk"]
            nav.post(f"/incidents/{pk}/events/", json={"type": "OTH", "timestamp": moment})

            assert 200 == nav.get(f"/incidents/{pk}/events/").status_code
        assert 200 == nav.get("/incidents/").status_code

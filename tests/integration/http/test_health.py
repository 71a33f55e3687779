import time

import httpx


def test_a_server_says_of_each_thing_how_it_is(installation):
    until = time.monotonic() + 20
    while (answer := httpx.get(f"{installation.served.url}/health/ready")).json().get("notes") and time.monotonic() < until:
        if all(check["state"] == "ok" for check in answer.json()["checks"]):
            break  # what is left are notes about media
        time.sleep(0.2)

    assert 200 == answer.status_code
    names = ["process", "database", "migrations", "clock", "worker", "undelivered", "room"]
    assert names == [check["name"] for check in answer.json()["checks"]]
    assert {"ok"} == {check["state"] for check in answer.json()["checks"]}

"""People who want to be told, over API v2."""

from collections.abc import Mapping, Sequence

import httpx

EVERYTHING = {"maxlevel": 5}


def want(
    client: httpx.Client, condition: Mapping[str, object] = EVERYTHING, *, name: str = "All", destinations: Sequence[int] = ()
) -> dict:
    """Let whoever speaks hear at any time of what a filter matches, at these destinations or at their first; gives the profile."""
    filter_ = _made(client.post("/notificationprofiles/filters/", json={"name": name, "filter": condition}))
    slot = client.get("/notificationprofiles/timeslots/").json()[0]["pk"]
    first = list(destinations) or [client.get("/notificationprofiles/destinations/").json()[0]["pk"]]
    body = {"timeslot": slot, "filters": [filter_["pk"]], "destinations": first, "active": True, "name": name}
    return _made(client.post("/notificationprofiles/", json=body))


def _made(answer: httpx.Response) -> dict:
    assert answer.status_code == 201, answer.text
    return answer.json()

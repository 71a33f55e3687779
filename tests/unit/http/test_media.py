"""Webhooks and Apprise in API v2: who may have which destination, and what is told of one."""

import base64
import json
import os

import pytest

from adapters.http import build_app
from adapters.media.webhook import Webhook
from adapters.plugins import load_media
from apprise_urls import HOSTED, URLS
from argus_core.ports.media import EnabledMedium, Media
from argus_core.usecases.profiles import ProfileService

pytestmark = pytest.mark.anyio

HERE = "/api/v2/notificationprofiles"
HOOK = "https://hooks.example.org/argus"
WHSEC = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"
SECRETS = {"secret": WHSEC, "header_value": "Bearer hush"}


@pytest.fixture
async def client_of(world):
    """Asks as somebody, where there are both."""
    world.media = load_media(("webhook", "apprise"), {})
    world.profiles = ProfileService(world.profiles.profiles, world.media, "Europe/Oslo")
    app = build_app(world.services)
    return lambda who: world.as_(who, app)


async def post(client, media, **settings):
    return await client.post(f"{HERE}/destinations/", json={"media": media, "settings": settings})


async def test_both_are_offered_with_forms_that_hide_what_is_secret(client_of):
    async with client_of("alice") as alice:
        offered = (await alice.get(f"{HERE}/media/")).json()
        schemas = [(await alice.get(f"{HERE}/media/{slug}/json_schema/")).json()["json_schema"] for slug in ("webhook", "apprise")]

    secret = [sorted(name for name, told in schema["properties"].items() if told.get("writeOnly")) for schema in schemas]
    assert [("webhook", True), ("apprise", True)] == [(one["slug"], one["installed"]) for one in offered]
    assert [["header_value", "secret"], ["url"]] == secret


async def test_what_is_secret_is_in_no_answer(client_of):
    async with client_of("alice") as alice:
        made = [
            await post(alice, "webhook", url=HOOK, header="Authorization", **SECRETS),
            await post(alice, "apprise", url=URLS["slack"]),
        ]
        again = await post(alice, "apprise", url=URLS["slack"])
        paths = [f"{HERE}/destinations/{answer.json()['pk']}/" for answer in made]
        changed = [await alice.patch(path, json={"label": f"Chat {path}"}) for path in paths]
        listed = await alice.get(f"{HERE}/destinations/")

    assert [201, 201, 400, 200, 200, 200] == [answer.status_code for answer in (*made, again, *changed, listed)]
    assert [{"url": HOOK, "header": "Authorization"}, {}] == [answer.json()["settings"] for answer in changed]
    assert ["Webhook: hooks.example.org", "Slack"] == [answer.json()["suggested_label"] for answer in made]
    told = json.dumps([answer.text for answer in (*made, again, *changed, listed)])
    assert not [secret for secret in (WHSEC, "hush", "TIiajkdnlazkcOXrIdevi7FQ") if secret in told]


async def test_what_a_medium_does_not_call_open_is_shown_to_nobody(world, client_of):
    """
    One that is not there may have any secret, and what another version of it has kept may be one.
    """
    async with client_of("alice") as alice:
        pk = (await post(alice, "webhook", url=HOOK, header="Authorization", **SECRETS)).json()["pk"]
        path, shown = f"{HERE}/destinations/{pk}/", []
        for media in (load_media(("webhook",), {}), Media(), Media((EnabledMedium(slug="webhook", name="Webhook", medium=None),))):
            object.__setattr__(world.media, "enabled", media.enabled)
            shown.append((await alice.get(path)).json()["settings"])
        renamed = type("Renamed", (Webhook,), {"schema": {"properties": {"url": {}, "key": {"writeOnly": True}}}})({})
        object.__setattr__(world.media, "enabled", (EnabledMedium(slug="webhook", name="Webhook", medium=renamed),))
        shown.append((await alice.get(path)).json()["settings"])

    assert [{"url": HOOK, "header": "Authorization"}, {}, {}, {"url": HOOK}] == shown


async def test_an_address_with_a_host_of_its_own_is_for_staff(client_of):
    async with client_of("alice") as alice, client_of("ada") as ada:
        refused = await post(alice, "apprise", url=HOSTED["jsons"])
        mine = await post(alice, "apprise", url=URLS["tgram"])
        moved = await alice.patch(f"{HERE}/destinations/{mine.json()['pk']}/", json={"settings": {"url": HOSTED["jsons"]}})
        theirs = await post(ada, "apprise", url=HOSTED["jsons"])

    assert [400, 201, 400, 201] == [answer.status_code for answer in (refused, mine, moved, theirs)]
    assert {"url": ["Only staff may use a URL that names a host of one's own."]} == refused.json() == moved.json()
    assert "JSON: chat.example.org" == theirs.json()["suggested_label"]


@pytest.mark.parametrize(
    ("media", "settings"),
    [
        ("apprise", {"url": "file:///etc/passwd"}),
        ("apprise", {"url": "syslog://"}),
        ("apprise", {"url": f"{URLS['tgram']}&verify=no"}),
        ("apprise", {"url": ["slack://a/b/c"]}),
        ("apprise", {"url": "slack://\ud800"}),
        ("webhook", {"url": "http://169.254.169.254/latest/meta-data/"}),
        ("webhook", {"url": HOOK, "header": "Host", "header_value": "localhost"}),
        ("webhook", {"url": HOOK, "secret": "hush"}),
        ("webhook", {"url": {"a": 1}}),
    ],
)
async def test_what_cannot_be_is_refused_at_its_field(client_of, media, settings):
    async with client_of("ada") as ada:
        body = json.dumps({"media": media, "settings": settings}).encode()
        answer = await ada.post(f"{HERE}/destinations/", content=body, headers={"content-type": "application/json"})

    assert 400 == answer.status_code
    assert "hush" not in answer.text

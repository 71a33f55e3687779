"""Webhooks and Apprise on pages: forms made from their schemas, secrets that do not show again, and how they do."""

import base64
import os
from dataclasses import replace

import pytest

from adapters.plugins import load_media
from apprise_urls import HOSTED, URLS
from argus_core.usecases.profiles import ProfileService
from unit.web.conftest import words_of

pytestmark = pytest.mark.anyio

HUB = "/notifications/"
HOOK = f"{HUB}destinations/new/webhook/"
APPRISE = f"{HUB}destinations/new/apprise/"
WHSEC = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"


@pytest.fixture
async def here(world):
    world.media = load_media(("email", "webhook", "apprise"), {})
    world.profiles = ProfileService(world.profiles.profiles, world.media, "Europe/Oslo")
    notifications = replace(world.rooms["notifications"], media=world.media)
    world.rooms |= {"media": world.media, "profiles": world.profiles, "notifications": notifications}
    world.serve()
    return await world.somebody()


async def own(world, name="alice"):
    return (await world.profiles.belongings((await world.people.user_named(name)).id)).destinations[-1]


async def test_a_webhook_is_set_up_and_its_secrets_do_not_show(world, here):
    fields = {"s.url": "https://hooks.example.org/argus", "s.secret": WHSEC, "s.header": "X-API-Key", "s.header_value": "hush"}
    answer = await here.send(HOOK, fields, HOOK)
    made = await own(world)
    page = await here.get(f"{HUB}destinations/{made.id}/")
    kept = await here.send(
        f"{HUB}destinations/{made.id}/", {**fields, "s.secret": "", "s.header_value": ""}, f"{HUB}destinations/{made.id}/"
    )

    assert [303, 303] == [answer.status_code, kept.status_code]
    assert {name.removeprefix("s."): value for name, value in fields.items()} == made.settings == (await own(world)).settings
    assert "<option selected>X-API-Key</option>" in page.text
    assert not [secret for secret in (WHSEC, "hush") if secret in page.text + (await here.get(HUB)).text]


async def test_a_header_may_be_taken_away(world, here):
    fields = {"s.url": "https://hooks.example.org/argus", "s.header": "X-API-Key", "s.header_value": "hush"}
    await here.send(HOOK, fields, HOOK)
    path = f"{HUB}destinations/{(await own(world)).id}/"

    await here.send(path, {**fields, "s.header": "", "s.header_value": ""}, path)

    assert {"url": "https://hooks.example.org/argus"} == (await own(world)).settings


async def test_a_chat_is_set_up_and_its_url_does_not_show(world, here):
    answer = await here.send(APPRISE, {"s.url": URLS["slack"]}, APPRISE)
    made = await own(world)
    path = f"{HUB}destinations/{made.id}/"
    page = await here.get(path)
    labelled = await here.send(path, {"s.url": "", "label": "Chat"}, path)

    assert [303, 303] == [answer.status_code, labelled.status_code]
    assert (made.settings, "Chat") == ((await own(world)).settings, (await own(world)).label)
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in page.text
    assert "It is not shown again." in page.text


async def test_what_is_for_staff_is_said_at_the_field_and_what_was_typed_is_gone(world, here):
    answer = await here.send(APPRISE, {"s.url": HOSTED["jsons"]}, APPRISE)
    staff = await (await world.somebody("sam")).send(APPRISE, {"s.url": HOSTED["jsons"]}, APPRISE)

    assert [400, 303] == [answer.status_code, staff.status_code]
    assert "Only staff may use a URL that names a host of one's own." in words_of(answer.text)
    assert "hush" not in answer.text


async def test_staff_sees_whether_they_can_send_and_what_they_are_set_to(world, here):
    world.rooms["settings"] = [("ARGUS_OUTGOING_ALLOW", "10.1.2.0/24", "environment"), ("ARGUS_EGRESS_PROXY", "***", "environment")]
    world.serve()

    page = await (await world.somebody("sam")).main("/admin/plugins/")

    assert "Webhook (webhook) It can send." in page
    assert "Apprise (apprise) It can send." in page
    assert ["10.1.2.0/24", "***"] == [value for value in ("10.1.2.0/24", "***") if value in page]

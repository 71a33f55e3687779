"""One's own password and sessions, and a password by mail."""

import re
from dataclasses import replace

import pytest

from argus_core.domain import throttle
from unit.web.conftest import HTTPS, SECRET

pytestmark = pytest.mark.anyio

NEW = "second secret"


async def test_one_sees_ones_own_sessions_and_ends_one(world):
    here, there, other = await world.somebody(), await world.somebody(), await world.somebody("sam")
    page = (await here.get("/account/")).text
    (number,) = re.findall(r"/account/sessions/(\d+)/end/", page)

    answer = await here.send(f"/account/sessions/{number}/end/", page="/account/")

    assert "/account/?done=session" == answer.headers["location"]
    assert [200, 303, 200] == [(await browser.get("/account/")).status_code for browser in (here, there, other)]


async def test_nobody_ends_sessions_of_others(world):
    here, other = await world.somebody(), await world.somebody("sam")
    theirs = (await world.logins.find(other.cookie("__Host-argus_session"))).session.id

    for number in (theirs, 2**63, 10**18):
        await here.send(f"/account/sessions/{number}/end/", page="/account/")

    assert 200 == (await other.get("/account/")).status_code


async def test_one_ends_the_session_one_uses(world):
    here = await world.somebody()
    mine = (await world.logins.find(here.cookie("__Host-argus_session"))).session.id

    answer = await here.send(f"/account/sessions/{mine}/end/", page="/account/")

    assert ("/login/?done=out", None) == (answer.headers["location"], here.cookie("__Host-argus_session"))


async def test_one_logs_out_everywhere_else(world):
    here, there, other = await world.somebody(), await world.somebody(), await world.somebody("sam")

    await here.send("/account/sessions/end-others/", page="/account/")

    assert [200, 303, 200] == [(await browser.get("/account/")).status_code for browser in (here, there, other)]


async def test_another_password_ends_all_other_sessions(world):
    here, there = await world.somebody(), await world.somebody()

    answer = await here.send("/account/password/", {"present": SECRET, "new": NEW, "again": NEW}, "/account/")

    assert (303, "/account/?done=password") == (answer.status_code, answer.headers["location"])
    assert [200, 303] == [(await browser.get("/account/")).status_code for browser in (here, there)]
    assert await world.people.prove("alice", NEW)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"present": "wrong", "new": NEW, "again": NEW}, "This is not the present password."),
        ({"present": SECRET, "new": NEW, "again": "other"}, "This is not the same as the new password."),
        ({"present": SECRET, "new": "short", "again": "short"}, "Use at least 10 characters."),
        ({}, "Use at least 10 characters."),
    ],
)
async def test_a_password_is_not_changed_without_good_reason(world, fields, problem):
    here = await world.somebody()

    answer = await here.send("/account/password/", fields, "/account/")

    assert 400 == answer.status_code
    assert problem in answer.text
    assert await world.people.prove("alice", SECRET)


async def test_a_forgotten_password_is_replaced_by_mail(world):
    world.serve(HTTPS)
    browser = world.browser()
    answers = [
        await browser.send("/password-reset/", {"email": email}, "/password-reset/") for email in ("alice@example.org", "no@example.org")
    ]
    ((address, _, text),) = world.mailbox.letters
    link = re.search(rf"{HTTPS}(/password-reset/new/\S+)", text)[1]
    key = link.partition("key=")[2]

    changed = await browser.send("/password-reset/new/", {"key": key, "new": NEW, "again": NEW}, link)

    assert (200, 200, "alice@example.org") == (*[answer.status_code for answer in answers], address)
    assert 1 == len({re.sub(r'name="csrf_token" value="\w+"', "", answer.text) for answer in answers})
    assert "/login/?done=password" == changed.headers["location"]
    assert 303 == (await browser.log_in(password=NEW)).status_code
    again = await browser.send("/password-reset/new/", {"key": key, "new": SECRET, "again": SECRET}, "/account/")
    assert 403 == again.status_code
    assert "Ask for another one." in again.text


@pytest.mark.parametrize(("new", "again"), [(NEW, "other"), ("short", "short")])
async def test_a_bad_choice_does_not_use_up_the_link(world, new, again):
    world.serve(HTTPS)
    browser = world.browser()
    await browser.send("/password-reset/", {"email": "alice@example.org"}, "/password-reset/")
    key = re.search(r"key=(\S+)", world.mailbox.letters[0][2])[1]

    refused = await browser.send("/password-reset/new/", {"key": key, "new": new, "again": again}, "/password-reset/")

    assert 400 == refused.status_code
    assert f'value="{key}"' in refused.text
    good = await browser.send("/password-reset/new/", {"key": key, "new": NEW, "again": NEW}, "/password-reset/")
    assert 303 == good.status_code


async def test_mails_are_sent_only_so_often(world):
    world.serve(HTTPS)
    browser = world.browser()
    for _ in range(throttle.RESETS_PER_MAILBOX):
        await browser.send("/password-reset/", {"email": "alice@example.org"}, "/password-reset/")

    answer = await browser.send("/password-reset/", {"email": "alice@example.org"}, "/password-reset/")

    assert 429 == answer.status_code
    assert throttle.RESETS_PER_MAILBOX == len(world.mailbox.letters)


async def test_what_a_mailed_link_begins_with_is_not_for_whoever_asks_to_choose(world):
    """
    Without a public address there are no such mails: the Host of a request may be anything.
    """
    answer = await world.browser().get("/password-reset/")

    assert 404 == answer.status_code
    assert "/password-reset/" not in (await world.browser().get("/login/")).text


async def test_without_a_mail_server_there_are_no_such_pages(world):
    world.serve(HTTPS)
    world.mailbox.lacks = "There is no mail server."

    assert 404 == (await world.browser().get("/password-reset/")).status_code


async def test_names_are_shown_as_text(world):
    async with world.people.accounts.begin() as work:
        user = await work.user_named("alice")
        await work.save_user(replace(user, first_name="<script>alert(1)</script>", email='"><img src=x>'))
    here = await world.somebody()

    text = (await here.get("/account/")).text

    assert "<script>alert" not in text
    assert "<img src=x" not in text

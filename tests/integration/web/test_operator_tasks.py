"""
The tasks of an operator that `docs/operators.md` tells, each done with the keyboard alone, in as many strokes as are told there.
"""

import re
from pathlib import Path

import httpx
import pytest

from integration.serving import applied
from integration.web import test_incident_list as lists
from integration.web.conftest import SECRET
from integration.web.looking import looking
from integration.web.test_incident_list import ids, show, until, words

token, reported = lists.token, lists.reported
"""Fixtures: a source that reports, and incidents of one test alone."""

DOCUMENT = Path(__file__).parents[3] / "docs" / "operators.md"
TOLD = {int(row[1]): int(row[2]) for row in re.finditer(r"^\| (\d+)\. .*\| (\d+) \|$", DOCUMENT.read_text(), re.MULTILINE)}
"""By the number of a task: so many strokes are told."""


class Hands:
    """Somebody at a keyboard, without a mouse, who counts."""

    def __init__(self, page):
        self.page, self.strokes = page, 0

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
            self.strokes += 1

    def type(self, words):
        self.page.keyboard.type(words)
        self.strokes += 1


def acked_until(page, incident):
    return page.get_attribute(f"#list tr[data-id='{incident}'] .is-acked", "title")


def test_task_1_find_all_unacknowledged_criticals(chromium, site, reported):
    critical = reported(level=1)
    mild = reported(level=2)
    with looking(chromium, site) as page:
        show(page, site, "/incidents/?open=true")
        hands = Hands(page)

        hands.press("u")

        page.wait_for_url("**acked=false**")
        assert (True, False, TOLD[1]) == (critical in ids(page), mild in ids(page), hands.strokes)


def test_tasks_2_and_3_acknowledge_all_of_one_site_for_two_hours(chromium, site, reported):
    here = [reported(level=1, tags=[f"site=oslo-{reported.tag[5:20]}"]) for _ in range(3)]
    other = reported(level=1)
    with looking(chromium, site) as page:
        show(page, site, "/incidents/?open=true&acked=false&level__lte=1")
        hands = Hands(page)
        hands.press("/", "Shift+Tab")
        hands.type(f"site=oslo-{reported.tag[5:20]}")
        hands.press("Enter")
        page.wait_for_url("**tags=site*")
        page.wait_for_selector("#list[data-live=yes]")
        assert (here[::-1], TOLD[2]) == (ids(page), hands.strokes)

        hands.strokes = 0
        hands.press("Shift+A", "a", "Enter")

        page.wait_for_selector("text=You have acknowledged 3 incidents.")
        for incident in here:
            until(page, incident, "acked")
            assert acked_until(page, incident)
        assert TOLD[3] == hands.strokes
        show(page, site, reported.view())
        assert "acked" not in words(page, other)


def test_task_4_close_the_newest(chromium, site, reported):
    older, newest = reported(), reported()
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        hands = Hands(page)

        hands.press("j", "c", "Enter")

        until(page, newest, "closed")
        assert ("open" in words(page, older), TOLD[4]) == (True, hands.strokes)


def test_task_5_see_what_it_is_about(chromium, site, reported):
    newest = reported()
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        hands = Hands(page)

        hands.press("j", "Enter")

        page.wait_for_url(f"**/incidents/{newest}/")
        assert TOLD[5] == hands.strokes


def test_task_6_acknowledge_three_until_tomorrow(chromium, site, reported):
    here = [reported() for _ in range(4)]
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        hands = Hands(page)

        hands.press("j", "x", "j", "j", "Shift+X", "a", "Tab", "Enter")

        for incident in here[1:]:
            until(page, incident, "acked")
            assert "08:00" in acked_until(page, incident)
        assert ("acked" in words(page, here[0]), TOLD[6]) == (False, hands.strokes)


def test_task_7_find_an_incident_by_what_it_says(chromium, site, reported):
    reported(description="Something else")
    wanted = reported(description="A quaint hovercraft")
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        hands = Hands(page)

        hands.press("/")
        hands.type("quaint hover")
        hands.press("Enter")

        page.wait_for_url("**search=quaint*")
        assert ([wanted], TOLD[7]) == (ids(page), hands.strokes)


@pytest.fixture(scope="module")
def ola(site):
    """A colleague who wants to hear of what is critical, by SMS."""
    spec = {"users": [{"actor": "ola", "username": "ola", "password": SECRET, "token": "valid"}]}
    key = applied(spec, environment=site.environment, folder=site.folder)["actors"]["ola"]["token"]
    return wants_to_hear(site, key, {"media": "sms", "settings": {"phone_number": "+4741234567"}}, 1)


def wants_to_hear(site, key, destination, worst):
    """Whoever has this key is told there of what is so bad or worse, at any time."""
    with httpx.Client(base_url=site.url, headers={"Authorization": f"Token {key}"}, timeout=30) as client:

        def made(kind, **fields):
            answer = client.post(f"/api/v2/notificationprofiles/{kind}", json=fields)
            assert answer.status_code == 201, answer.text
            return answer.json()["pk"]

        where = made("destinations/", **destination)
        what = made("filters/", name=f"Level {worst}", filter={"maxlevel": worst})
        when = client.get("/api/v2/notificationprofiles/timeslots/").json()[0]["pk"]
        return made("", name="On call", timeslot=when, filters=[what], destinations=[where], active=True)


def test_task_8_see_why_ola_got_no_sms(chromium, site, reported, ola):
    """
    Sam, of the staff, looks at why somebody else was not told.
    """
    reported(level=2)
    with looking(chromium, site, name="sam") as page:
        show(page, site, reported.view())
        hands = Hands(page)

        hands.press("j", "Enter")
        page.wait_for_url("**/incidents/*/")
        hands.press("w")
        hands.type("ola")
        hands.press("Enter")

        page.wait_for_url("**who=ola**")
        told = page.inner_text("section:has(> #why)")
        assert ("On call: does not tell ola of it" in told, "no: is of level 1 critical" in told) == (True, True)
        assert ("SMS" in told, "ola got no notification of it." in told) == (True, True)
        assert page.evaluate("document.querySelector('#why').getBoundingClientRect().top < innerHeight")
        assert TOLD[8] == hands.strokes


def test_task_9_see_who_was_told_when_and_with_what_answer(chromium, site, reported):
    wants_to_hear(
        site,
        site.argus("token", "create", "sam", "keys").split()[-1],
        {"media": "email", "settings": {"email_address": "night@example.org"}},
        3,
    )
    incident = reported(level=3)
    site.mailbox.wait_for(lambda mails: any(mail.recipient == "night@example.org" for mail in mails))
    with looking(chromium, site, name="sam") as page:
        show(page, site, reported.view())
        hands = Hands(page)

        hands.press("j", "Enter")
        page.wait_for_url(f"**/incidents/{incident}/")
        hands.press("t", "Tab", "Tab", "Enter")

        row = page.locator("tr:has-text('night@example.org')")
        page.wait_for_selector("tr details[open]")
        assert (True, True, True) == tuple(said in row.inner_text() for said in ("sam", "sent, 20", ": sent after"))
        assert TOLD[9] == hands.strokes


def test_task_10_see_whether_messages_reach_me(chromium, site, reported):
    with looking(chromium, site) as page:
        show(page, site, "/incidents/?open=true")
        hands = Hands(page)

        hands.press("g", "m")
        page.wait_for_url("**/notifications/")
        hands.press("d", "Tab", "Tab", "Tab", "Tab", "Enter")

        page.wait_for_selector(".outcome:has-text('sent to Email: alice@example.org')", timeout=60_000)
        assert TOLD[10] == hands.strokes


def test_every_task_that_is_told_is_done_here():
    done = {int(number) for name in globals() for number in re.findall(r"\d+", name) if name.startswith("test_task")}

    assert set(range(1, 11)) == set(TOLD) == done


def test_keys_of_every_page_are_turned_off_with_those_of_the_list(chromium, site):
    with looking(chromium, site) as page:
        page.goto(f"{site.url}/notifications/")
        hands = Hands(page)
        hands.press("?")
        page.uncheck("#use-keys")
        hands.press("Escape", "g", "o")
        assert page.url.endswith("/notifications/")

        page.reload()
        hands.press("?")
        assert not page.locator("#all-keys").is_visible()
        page.click("#show-keys")
        page.check("#use-keys")
        hands.press("Escape", "g", "o")
        page.wait_for_url("**/overview/")

"""The administration in Chromium: every page, what is done there, and names that are meant to break it."""

import re

import httpx
import pytest

from integration.web.looking import TEXT, WIDTHS, faults, log_in, looking, report, source_token

EVIL, SCRIPT_LINK = TEXT["evil"], "javascript:document.title='cracked'"
PAGES = (
    *("", "users/", "users/new/", "users/?q=img", "tokens/", "source-types/", "sources/", "sources/new/", "plugins/", "profiles/"),
    *("deliveries/", "audit/", "audit/?since=soon", "settings/", "incidents/test/", "authtoken/token/"),
)
INTRUDERS = "img[src=x], script:not([src^='/static/']), [onerror], [href^='javascript:' i], [action^='javascript:' i]"


@pytest.fixture(scope="module")
def office(site):
    """Sam may do everything, and all that can have a name has one that means no good."""
    site.argus("user", "grant", "sam", "--superuser")
    sam = site.browser()
    assert sam.log_in("sam").status_code == 303
    made = sam.send("/admin/users/new/", {"username": EVIL, "first_name": EVIL, "last_name": SCRIPT_LINK}, "/admin/users/new/")
    site.user = made.headers["location"].partition("?")[0]
    assert sam.send(f"{site.user}tokens/", {"name": EVIL, "scope": "read", "days": ""}, site.user).status_code == 200
    fields = {"name": f"{EVIL}!", "type": "evil", "username": f"{EVIL}?", "base_url": "https://evil.example.org/'onerror='x"}
    source = sam.send("/admin/sources/new/", fields, "/admin/sources/new/")
    site.source = re.search(r'href="(/admin/sources/\d+/)"', source.text)[1]
    _belongings(site, site.argus("token", "create", "sam", SCRIPT_LINK).split()[-1])
    report(site, source_token(site, f"{EVIL}."), description=EVIL, tags=[{"tag": f"evil={EVIL}"}], level=1)
    return site


def _belongings(site, token):
    """What Sam has, so that Sam hears of what is reported, and that goes wrong."""
    with httpx.Client(base_url=f"{site.url}/api/v2/notificationprofiles", headers={"Authorization": f"Token {token}"}, timeout=30) as api:

        def kept(path, **fields):
            answer = api.post(path, json=fields)
            assert answer.status_code == 201, answer.text
            return answer.json()["pk"]

        everyday = {"days": [1, 2, 3, 4, 5, 6, 7], "all_day": True}
        slot = kept("/timeslots/", name=EVIL[:40], time_recurrences=[everyday])
        filter_ = kept("/filters/", name=EVIL[:40], filter={"maxlevel": 5})
        where = kept("/destinations/", media="email", label=EVIL[:40], settings={"email_address": "evil@example.org"})
        kept("/", name=EVIL[:40], timeslot=slot, filters=[filter_], destinations=[where], active=True)


@pytest.mark.parametrize("screen", WIDTHS)
def test_everybody_can_use_the_pages_and_no_name_does_harm(chromium, site, office, screen):
    """
    Whatever somebody is called: nothing of it runs, nothing of it becomes a part of the page, axe-core finds nothing, nothing sticks out.
    """
    with looking(chromium, site, screen, "sam") as page:
        page.on("dialog", lambda dialog: pytest.fail("A script has run."))
        for path in (*(f"/admin/{path}" for path in PAGES), site.user, site.source, f"{site.user}end-sessions/", f"{site.source}rotate/"):
            page.goto(f"{site.url}{path}")
            assert [] == faults(page), path
            assert 0 == page.evaluate(f'document.querySelectorAll("{INTRUDERS}").length'), path
            assert "cracked" != page.title(), path


def test_a_list_is_searched_while_one_types(chromium, site, office):
    with looking(chromium, site, name="sam") as page:
        page.goto(f"{site.url}/admin/users/")

        page.fill("#q", "ALI")

        page.wait_for_selector("#found:not(:has-text('sam')):has-text('alice')")
        assert f"{site.url}/admin/users/?q=ALI" == page.url


def test_a_user_and_a_token_are_made_and_taken_back(chromium, site, office):
    with looking(chromium, site, name="sam") as page:
        page.goto(f"{site.url}/admin/users/")
        page.click("text=New user")
        page.fill("#username", "olga")
        page.fill("#email", "nonsense@x")
        page.click("text=Make the user")
        assert "Enter a valid email address." in page.inner_text("#email-problem")
        assert "olga" == page.input_value("#username")
        page.fill("#email", "olga@example.org")
        page.click("text=Make the user")

        page.fill("#token-name", "script")
        page.select_option("#scope", "read")
        page.click("text=Make a token")
        key = page.inner_text("#key")
        assert 200 == httpx.get(f"{site.url}/api/v2/auth/user/", headers={"Authorization": f"Token {key}"}).status_code

        page.click("text=I have it")
        page.click("text=Revoke")
        page.click("text=Revoke it")
        assert 401 == httpx.get(f"{site.url}/api/v2/auth/user/", headers={"Authorization": f"Token {key}"}).status_code


def test_a_medium_is_tried_out_in_place(chromium, site, office):
    with looking(chromium, site, name="sam") as page:
        page.goto(f"{site.url}/admin/plugins/")
        page.click("button:text-is('Test')")

        page.wait_for_selector("#email-outcome:has-text('sent to')", timeout=60_000)
        assert f"{site.url}/admin/plugins/" == page.url


def test_a_test_incident_is_made_told_and_ended(chromium, site, office):
    with looking(chromium, site, name="sam") as page:
        page.goto(f"{site.url}/admin/incidents/test/")
        page.fill("#description", "The cable is cut")
        page.fill("#minutes", "")
        page.click("text=Make it")
        assert "Test by sam: The cable is cut" in page.inner_text("#open ~ *")
        page.click("main >> text=Look at incident")
        assert "argus_test=yes" in page.inner_text("main")
        page.go_back()
        page.click("text=End it >> nth=0")
        assert "There are none." in page.inner_text("main")


def test_a_session_that_began_at_one_process_is_known_to_the_other(page, site, office):
    log_in(page, site, "sam")

    page.goto(f"{site.neighbour}/admin/users/")

    assert "alice" in page.inner_text("#found")

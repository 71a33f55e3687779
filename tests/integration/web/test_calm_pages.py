"""What waits until nobody has acknowledged, and what ends an acknowledgement, as a person uses it in Chromium."""

import os
from pathlib import Path

import pytest

from integration.web.looking import SCREENS, faults, looking, report, source_token

PICTURES = os.environ.get("ARGUS_PICTURES", "")


@pytest.fixture(scope="module")
def token(site):
    return source_token(site, "calm")


def tab_to(page, selector):
    """Go there by keyboard alone."""
    for _ in range(60):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Nobody comes to {selector} by keyboard.")


def picture(page, name):
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def test_an_incident_is_acknowledged_until_something_happens_by_keyboard(chromium, site, token):
    incident = report(site, token, description="Fan is loud", level=3)
    with looking(chromium, site) as page:
        page.goto(f"{site.url}/incidents/{incident}/")
        assert page.input_value("details.act input[name=zone]") == page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
        tab_to(page, "details.act summary")
        page.keyboard.press("Enter")
        tab_to(page, "#ack-until")
        page.keyboard.type("until the")
        tab_to(page, "details.act[open] button")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?done=ack")

        assert "by alice, until the level rises" in page.inner_text("#state")
        picture(page, "acked-until-level-rises")


def test_chosen_incidents_are_acknowledged_until_something_happens_by_keyboard(chromium, site, token):
    incident = report(site, token, description="Door is open", level=4)
    with looking(chromium, site) as page:
        page.goto(f"{site.url}/incidents/?open=true")
        page.check(f"input[name=id][value='{incident}']")
        page.focus("#do-ack")
        tab_to(page, "button[value='ack:resolved']")
        picture(page, "list-acks")
        page.keyboard.press("Enter")
        page.wait_for_selector("#outcome:has-text('You have acknowledged 1 incident')")

        page.goto(f"{site.url}/incidents/{incident}/")
        assert "until it is resolved" in page.inner_text("#state")


@pytest.mark.parametrize("screen", SCREENS)
def test_a_profile_that_waits_says_so_where_it_is_made_and_explained(chromium, site, token, screen):
    with looking(chromium, site, screen) as page:
        page.goto(f"{site.url}/notifications/filters/new/")
        page.fill("[name=name]", f"calm {screen}")
        page.select_option("#maxlevel", "5")
        page.click("main form button:not(.first):text-is('Keep it')")
        page.goto(f"{site.url}/notifications/profiles/new/")
        page.fill("#name", f"Waits on {screen}")
        page.check(f"label:has-text('calm {screen}') input")
        page.fill("#escalate_after", "15")
        assert [] == faults(page)
        picture(page, f"profile-{screen}")
        page.click("main form button:not(.first):text-is('Keep it')")
        assert "15 minutes without acknowledgement" in page.inner_text("main")
        assert [] == faults(page)
        picture(page, f"hub-{screen}")

        incident = report(site, token, description="Nobody looks", level=2)
        page.goto(f"{site.url}/incidents/{incident}/")
        page.click("a:text('Why was I told')")
        assert "It waits for 15 minutes, unless somebody acknowledges the incident or it ends. That is until" in page.inner_text("main")
        assert [] == faults(page)
        picture(page, f"why-{screen}")

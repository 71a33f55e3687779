"""Planned maintenance in Chromium: every page and act, in both themes and on a phone, and what shows of it elsewhere."""

import os
import re
from pathlib import Path

import httpx
import pytest

from integration.web.looking import SCREENS, TEXT, faults, is_text_only, looking, report, source_token

ROOT = "/admin/maintenance/"


def api_of(site, name):
    key = site.argus("token", "create", name, "for maintenance").split()[-1]
    return httpx.Client(base_url=f"{site.url}/api/v2", headers={"Authorization": f"Token {key}"}, timeout=30)


def made(answer):
    assert answer.status_code == 201, answer.text
    return answer.json()["pk"]


@pytest.fixture(scope="module")
def office(site):
    """Alice hears of everything; Sam has planned something that keeps it back, and something for later, with names that mean no good."""
    site.token = source_token(site, "maintained")
    with api_of(site, "alice") as alice, api_of(site, "sam") as sam:
        slot = alice.get("/notificationprofiles/timeslots/").json()[0]["pk"]
        where = alice.get("/notificationprofiles/destinations/").json()[0]["pk"]
        all_ = made(alice.post("/notificationprofiles/filters/", json={"name": "all", "filter": {"maxlevel": 5}}))
        made(alice.post("/notificationprofiles/", json={"timeslot": slot, "filters": [all_], "destinations": [where], "active": True}))
        switch = made(sam.post("/notificationprofiles/filters/", json={"name": "switch", "filter": {"tags": ["host=sw1"]}}))
        evil = made(sam.post("/notificationprofiles/filters/", json={"name": TEXT["evil"][:40], "filter": {"tags": ["host=sw1"]}}))
        fields = {"start_time": "2020-01-01", "filters": [switch, evil], "description": f"{TEXT['arabic']} {TEXT['evil']} {TEXT['long']}"}
        site.running = made(sam.post("/plannedmaintenance/", json=fields))
        night = {"days": [7], "weeks": [2, -1], "start": "22:00", "end": "04:00", "ends_next_day": True}
        later = {"start_time": "2030-01-01", "filters": [switch], "description": "Patches", "time_recurrences": [night]}
        site.later = made(sam.post("/plannedmaintenance/", json=later))
    site.covered = report(site, site.token, description="Link of sw1 down", tags=[{"tag": "host=sw1"}], level=2)
    report(site, site.token, description="Link of sw2 down", tags=[{"tag": "host=sw2"}])
    return site


def seen(page, name):
    """Keeps what is looked at, where somebody wants to look at it, too."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def until_there(page, what):
    for _ in range(60):
        if what in page.inner_text("main"):
            return
        page.wait_for_timeout(500)
        page.reload()
    pytest.fail(f"{what} does not show.")


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", ["sam", "alice"])
def test_everybody_can_use_the_pages_and_no_text_does_harm(chromium, office, screen, name):
    with looking(chromium, office, screen, name) as page:
        page.on("dialog", lambda dialog: pytest.fail("A script has run."))
        page.goto(f"{office.url}{ROOT}{office.running}/")
        until_there(page, "suppressed")
        paths = ["", "?q=nothing", f"{office.running}/", f"{office.later}/"]
        if name == "sam":
            paths += ["new/", f"{office.running}/change/", f"{office.later}/change/", f"{office.running}/end/"]
        for path in paths:
            page.goto(f"{office.url}{ROOT}{path}")
            seen(page, f"maintenance-{name}-{screen}-{re.sub(r'[^a-z]+', '', path) or 'list'}-{re.sub(r'[^0-9]', '', path)}")
            assert [] == faults(page), path
            assert is_text_only(page), path
        for path in ("/incidents/", f"/incidents/{office.covered}/", "/notifications/deliveries/"):
            page.goto(f"{office.url}{path}")
            seen(page, f"maintenance-{name}-{screen}-{path.strip('/').replace('/', '-')}")
            assert [] == faults(page), path
            assert is_text_only(page), path


def test_one_is_planned_changed_and_ended(chromium, office):
    with looking(chromium, office, name="sam") as page:
        page.goto(f"{office.url}{ROOT}")
        page.click("text=Plan maintenance")
        page.fill("#description", "New switch in room 3")
        page.check("text='switch'")
        page.wait_for_selector("#preview:has-text('1 incident matches.'):has-text('Link of sw1 down')")

        page.fill("#end_time", "2020-01-01T10:00")
        page.click("button:text-is('Plan it')")
        assert "The end must lie in the future." in page.inner_text("#end_time-problem")
        assert "New switch in room 3" == page.input_value("#description")
        page.fill("#end_time", "2035-01-01T10:00")
        page.click("button:text-is('Only in certain hours')")
        page.check("[aria-label='Days of hours 1'] >> text=Sun")
        page.check("[aria-label^='Which of these days'] >> text=last")
        page.fill("[name='r.0.start']", "22:00")
        page.fill("[name='r.0.end']", "04:00")
        page.check("[name='r.0.ends_next_day']")
        page.wait_for_selector("#preview:has-text('22:00')")
        seen(page, "maintenance-plan-with-hours")
        assert [] == faults(page)
        page.click("button:text-is('Plan it')")
        assert "The maintenance is planned." in page.inner_text("[role=status]")
        assert "on the last of a month: Sun, 22:00 to 04:00 of the next day" in page.inner_text("main")

        page.click("text=Change it")
        page.click("button:text-is('Remove')")
        page.fill("#description", "New switch, at once")
        page.click("button:text-is('Keep it') >> nth=-1")
        assert "runs now" in page.inner_text("main")
        assert "New switch, at once" in page.inner_text("main")

        page.click("text=End it now")
        page.click("main form button")
        assert "over" in page.inner_text("dl.facts")
        assert 0 == page.locator("text=Change it").count()


def test_conditions_are_said_in_place(chromium, office):
    with looking(chromium, office, name="sam") as page:
        page.goto(f"{office.url}{ROOT}new/")
        if not page.is_visible("#tags"):
            page.click("summary:text-is('Say it here')")
        page.fill("#tags", "host=sw2")
        page.click("text=More conditions")
        page.select_option("[name='e.add']", "text")
        page.click("#tree button:text-is('Add')")
        page.fill("[name='e.0.value']", "Link of sw2")
        page.wait_for_selector("#preview:has-text('1 incident matches.'):has-text('Link of sw2 down')")
        page.fill("#start_time", "2034-01-01T10:00")
        page.click("button:text-is('Plan it')")

        assert "says “Link of sw2”" in page.inner_text("main")
        page.click("text=Change it")
        assert ("host=sw2", "Link of sw2") == (page.input_value("#tags"), page.input_value("[name='e.0.value']"))
        page.click("text=Leave it")
        page.click("text=Call it off")
        page.click("main form button")
        assert "The maintenance is called off." in page.inner_text("[role=status]")


def test_a_list_is_searched_while_one_types(chromium, office):
    with looking(chromium, office) as page:
        page.goto(f"{office.url}{ROOT}")

        page.fill("#q", "PATCH")

        page.wait_for_selector(f"#found:not(:has-text('{TEXT['arabic']}')):has-text('Patches')")
        assert f"{office.url}{ROOT}?q=PATCH&phase=" == page.url


def test_an_open_list_marks_what_changes_under_maintenance(chromium, office):
    with looking(chromium, office) as page:
        page.goto(f"{office.url}/incidents/?open=true")
        page.wait_for_selector(f"tr[data-id='{office.covered}'] .is-maintained")

        new = report(office, office.token, description="Another of sw1", tags=[{"tag": "host=sw1"}])

        page.click("text=1 new, show")
        page.wait_for_selector(f"tr[data-id='{new}'] .is-maintained")
        page.click(f"tr[data-id='{new}'] .is-maintained")
        assert f"{office.url}{ROOT}{office.running}/" == page.url


def test_why_one_was_not_told_is_said_where_one_asks(chromium, office):
    with looking(chromium, office) as page:
        page.goto(f"{office.url}/incidents/{office.covered}/")
        page.click("#journal ~ ol >> text=Why was I told, or not?")

        assert f"Planned maintenance {office.running}" in page.inner_text("#why-maintenance")
        seen(page, "maintenance-why")
        assert [] == faults(page)


def test_all_of_it_can_be_read_without_scripts(chromium, office):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    from integration.web.looking import log_in

    log_in(page, office, "sam")
    page.goto(f"{office.url}{ROOT}?q=patches")
    assert "Patches" in page.inner_text("#found")
    page.click("#found table a")
    assert "It runs next" in page.inner_text("main")
    page.goto(f"{office.url}{ROOT}new/")
    page.fill("#description", "Without scripts")
    page.check("text='switch'")
    page.click("button:text-is('Only in certain hours')")
    assert page.is_checked("text='switch'")
    page.click("button:text-is('Remove')")
    page.fill("#start_time", "2034-01-01T10:00")
    page.click("button:text-is('Plan it')")
    assert "Without scripts" in page.inner_text("main")
    context.close()

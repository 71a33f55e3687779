"""One's own notifications, set up and tried out in Chromium."""

import csv
import io
import json

import pytest

from integration.web.looking import TEXT, WIDTHS, faults, is_text_only, looking, report, source_token

HUB = "/notifications/"


@pytest.fixture(scope="module")
def token(site):
    token = source_token(site)
    for number in range(7):
        report(site, token, description=f"Down {number}", level=1 + number % 5, tags=[{"tag": "site=oslo"}])
    return token


def goto(page, site, path=HUB):
    page.goto(f"{site.url}{path}")


def test_somebody_sets_up_a_profile_from_nothing(chromium, site, token):
    """
    A timeslot, a filter whose matches show while it is made, a destination that is tested, and a profile that leads there.
    """
    with looking(chromium, site) as page:
        goto(page, site)
        page.click("text=New timeslot")
        page.fill("#name", "Office")
        page.click("text=More hours")
        assert "Office" == page.input_value("#name")
        page.click("text=Remove >> nth=1")
        page.click("main button:text-is('Keep it') >> nth=-1")
        assert "Monday to Friday 08:00" in page.inner_text("main")

        page.click("text=New filter")
        page.fill("#name", "Bad in Oslo")
        page.select_option("#maxlevel", "1")
        page.wait_for_selector("#preview:has-text('2 incidents match now')")
        page.fill("#tags", "site=bergen")
        page.wait_for_selector("#preview:has-text('0 incidents match now')")
        page.fill("#tags", "site=oslo")
        page.click("summary:text('More conditions')")
        page.select_option("[name='e.add']", "text")
        page.click("#tree button:text-is('Add')")
        page.fill("[name='e.0.value']", "Down 5")
        page.wait_for_selector("#preview:has-text('1 incident matches now')")
        page.click("main button:text-is('Keep it') >> nth=-1")
        assert "Bad in Oslo" in page.inner_text("main")

        page.click("text=New profile")
        page.fill("#name", "Day")
        page.select_option("#timeslot", label="All the time")
        page.check("text=Bad in Oslo")
        page.check("text=alice@example.org")
        page.click("main button:text-is('Keep it') >> nth=-1")
        card = page.locator(".card", has_text="Day")
        card.locator("button:text-is('Test')").click()
        page.wait_for_selector(".outcome:has-text('sent to Email: alice@example.org')", timeout=60_000)
        assert "[TEST]" in site.mailbox.mails[-1].subject

        page.click("text=Last 24 hours")
        assert "1 of" in page.inner_text("main")
        assert "Down 5" in page.inner_text("main")


def test_a_destination_is_tested_where_one_looks(chromium, site):
    with looking(chromium, site) as page:
        goto(page, site)
        page.click("#destinations ~ * button:text-is('Test'), section:has(#destinations) button:text-is('Test')")

        page.wait_for_selector(".outcome:has-text('sent to Email: alice@example.org')", timeout=60_000)
        assert page.url.endswith(HUB)


def test_enter_keeps_a_form_and_presses_no_other_button(chromium, site):
    with looking(chromium, site) as page:
        goto(page, site, f"{HUB}timeslots/new/")
        page.fill("#name", "By Enter")
        page.press("#name", "Enter")

        page.wait_for_url("**/notifications/?done=kept**")
        assert "By Enter" in page.inner_text("main")


def test_a_mistake_is_told_where_it_was_made(chromium, site):
    with looking(chromium, site) as page:
        goto(page, site, f"{HUB}timeslots/new/")
        page.fill("#name", "Wrong")
        page.fill("[name='r.0.start']", "17:00")
        page.click("main button:text-is('Keep it') >> nth=-1")

        assert "It ends before it begins." in page.inner_text(".recurrence")
        assert ("Wrong", "17:00") == (page.input_value("#name"), page.input_value("[name='r.0.start']"))


def test_what_is_taken_away_is_asked_about_first(chromium, site):
    with looking(chromium, site) as page:
        goto(page, site, f"{HUB}timeslots/new/")
        page.fill("#name", "Short lived")
        page.press("#name", "Enter")
        page.click("[aria-label='Delete Short lived']")
        assert "Delete the timeslot Short lived?" in page.inner_text("h1")
        page.click("main button:text-is('Delete it')")

        assert "That is gone." in page.inner_text("main")
        assert "Short lived" not in page.inner_text("main")


def test_without_scripts_all_of_it_works(chromium, site):
    from integration.web.looking import log_in

    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site, "sam")
    goto(page, site, f"{HUB}filters/new/")
    page.fill("#name", "Plain")
    page.click("summary:text('More conditions')")
    page.select_option("[name='e.add']", "acked")
    page.click("#tree button:text-is('Add')")
    assert "Plain" == page.input_value("#name")
    assert "The incident is acknowledged" in " ".join(page.inner_text("#preview").split())
    page.click("main button:text-is('Keep it') >> nth=-1")

    assert "Plain" in page.inner_text("main")
    context.close()


@pytest.mark.parametrize("screen", WIDTHS)
@pytest.mark.parametrize("kind", TEXT)
def test_whatever_names_say_they_are_texts_and_have_room(chromium, site, token, screen, kind):
    """
    Nothing runs, nothing sticks out, and everybody can use the pages.
    """
    text = f"{TEXT[kind][:30]}{screen}"
    paths = [HUB, f"{HUB}deliveries/", f"{HUB}filters/new/", f"{HUB}timeslots/new/", f"{HUB}profiles/new/", f"{HUB}destinations/new/email/"]
    with looking(chromium, site, screen, "sam") as page:
        for kind_of in ("timeslots", "filters"):
            goto(page, site, f"{HUB}{kind_of}/new/")
            page.fill("#name", text)
            if kind_of == "filters":
                page.fill("#tags", f"note={TEXT[kind]}")
            page.click("main button:text-is('Keep it') >> nth=-1")
        goto(page, site, f"{HUB}destinations/new/email/")
        page.fill("[name='s.email_address']", f"{kind}-{screen}@example.org")
        page.fill("#label", text)
        page.click("main button:text-is('Keep it') >> nth=-1")
        goto(page, site, f"{HUB}profiles/new/")
        page.fill("#name", text)
        page.select_option("#timeslot", label=text)
        page.locator("[name=filters]").last.check()
        page.locator("[name=destinations]").last.check()
        page.click("main button:text-is('Keep it') >> nth=-1")
        made = page.eval_on_selector_all("main .card h3 a", "all => all.map(one => one.getAttribute('href'))")
        deletions = page.eval_on_selector_all("main a.delete", "all => all.map(one => one.getAttribute('href'))")
        found = {}
        for path in (*paths, *made[-4:], *deletions[-2:], f"{made[0]}dry-run/"):
            goto(page, site, path)
            assert is_text_only(page)
            found[path] = faults(page)

    assert {path: [] for path in found} == found


def test_what_one_was_told_is_taken_along(chromium, site, token):
    with looking(chromium, site) as page:
        goto(page, site)
        page.locator("#destinations ~ * button:text-is('Test'), section:has(#destinations) button:text-is('Test')").first.click()
        page.wait_for_selector(".outcome:has-text('sent to')", timeout=60_000)
        goto(page, site, f"{HUB}deliveries/?status=sent")
        shown = page.locator("tbody tr").count()
        with page.expect_download() as got:
            page.click("text=as CSV")
        table = list(csv.DictReader(io.StringIO(got.value.path().read_text("utf-8-sig"))))
        with page.expect_download() as got:
            page.click("text=as JSON")
        objects = json.loads(got.value.path().read_text())

    assert 0 < shown == len(table)
    assert [int(row["id"]) for row in table] == [one["id"] for one in objects]
    assert {"sent"} == {row["status"] for row in table}

"""The page of one incident, as a person uses it in Chromium."""

import httpx
import pytest

from integration.web.looking import TEXT, WIDTHS, faults, is_text_only, log_in, looking, report, source_token


@pytest.fixture(scope="module")
def token(site):
    return source_token(site)


@pytest.fixture
def incident(site, token):
    return report(site, token, description="Link down", level=2, tags=[{"tag": "site=oslo"}])


def open_page(page, site, incident, query=""):
    page.goto(f"{site.url}/incidents/{incident}/{query}")


def do(page, words, button, **fields):
    """Open one of the things that can be done, fill it in and send it."""
    page.click(f"details.act summary:text-is('{words}')")
    for name, value in fields.items():
        box = page.locator(f"details.act[open] [name={name}]")
        box.select_option(value) if box.evaluate("box => box.tagName") == "SELECT" else box.fill(value)
    page.click(f"details.act[open] button:text-is('{button}')")


def test_somebody_takes_care_of_an_incident(chromium, site, incident):
    with looking(chromium, site) as page:
        open_page(page, site, incident)
        do(page, "Acknowledge", "Acknowledge", until="2h", why="I am on my way")
        assert "You have acknowledged it." in page.inner_text("main")
        assert "by alice, until" in page.inner_text("#state")

        do(page, "Write a note", "Keep it", why="The cable is loose")
        do(page, "Change the level", "Change it", level="1")
        do(page, "Ticket", "Note it", ticket_url="https://tickets.example.org/1")
        do(page, "Close", "Close it", why="Mended")

        assert "closed" in page.inner_text("#state .marks")
        assert "1 critical" in page.inner_text("#state .marks")
        assert "https://tickets.example.org/1" == page.get_attribute("#state dd a:text('tickets')", "href")
        do(page, "Reopen", "Reopen it", why="Not quite")
        assert "open" in page.inner_text("#state .marks")
        journal = page.inner_text(".journal")
        for said in ("I am on my way", "The cable is loose", "Mended", "Not quite", "Level changed from 2 high to 1 critical"):
            assert said in journal


def test_a_mistake_is_told_where_it_was_made(chromium, site, incident):
    with looking(chromium, site) as page:
        open_page(page, site, incident)
        do(page, "Ticket", "Note it", ticket_url="javascript:alert(1)")

        box = page.locator("#ticket-ticket_url")
        assert ("javascript:alert(1)", "true") == (box.input_value(), box.get_attribute("aria-invalid"))
        assert "Enter a valid URL." == page.inner_text("#ticket-ticket_url-problem")


def test_tags_come_and_go(chromium, site, incident):
    with looking(chromium, site) as page:
        open_page(page, site, incident)
        page.click("details.act summary:text-is('Add a tag')")
        page.fill("#tag-tag", "osl")
        page.wait_for_selector("#known-tags option[value='site=oslo']", state="attached", timeout=20_000)
        page.fill("#tag-tag", "Oslo")
        page.click("details.act[open] button:text-is('Add it')")
        assert ("true", "Oslo") == (page.get_attribute("#tag-tag", "aria-invalid"), page.input_value("#tag-tag"))
        assert "The tag does not have its delimiter: =." == page.inner_text("#tag-tag-problem")

        page.fill("#tag-tag", "room=aurora")
        page.click("details.act[open] button:text-is('Add it')")
        assert "room=aurora" in page.inner_text("#state")
        page.click("details.act summary:text-is('Take tags away')")
        assert ["room=aurora"] == page.locator("details.act[open] input[type=checkbox]").evaluate_all("all => all.map(box => box.value)")
        page.click("details.act[open] button:text-is('Take them away')")
        assert "Choose at least one tag." == page.inner_text("#untag-tag-problem")
        assert [] == faults(page)

        page.check("details.act[open] [value='room=aurora']")
        page.click("details.act[open] button:text-is('Take them away')")
        assert "The tags are gone." in page.inner_text("main")
        assert ("room=aurora" in page.inner_text("#state"), "site=oslo" in page.inner_text("#state")) == (False, True)
        assert 0 == page.locator("summary:text-is('Take tags away')").count()


def test_the_end_of_an_acknowledgement_is_moved(chromium, site, incident):
    words = "Move the end of an acknowledgement"
    with looking(chromium, site) as page:
        open_page(page, site, incident)
        assert 0 == page.locator(f"summary:text-is('{words}')").count()
        do(page, "Acknowledge", "Acknowledge", until="2h")
        do(page, words, "Move it", until="moment")
        assert "Give a date and a time, like 2026-03-31T08:00." == page.inner_text("#expiration-moment-problem")
        assert "moment" == page.input_value("#expiration-until")
        assert [] == faults(page)

        page.fill("#expiration-moment", "2999-12-31T12:00")
        page.click("details.act[open] button:text-is('Move it')")

        assert "until 2999-12-31 12:00:00" in page.inner_text("#state")
        assert "The acknowledgement has another end now." in page.inner_text("main")


def test_the_slider_shows_any_moment(chromium, site, incident):
    with looking(chromium, site) as page:
        open_page(page, site, incident)
        do(page, "Close", "Close it", why="Done")
        page.focus("#at")
        page.keyboard.press("ArrowLeft")

        page.wait_for_selector("#state .rewound")
        assert "open" in page.inner_text("#state .marks")
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#state .rewound", state="detached")
        assert "closed" in page.inner_text("#state .marks")


@pytest.mark.parametrize(("scripts", "said"), [(True, "2026-02-01 00:30:00, "), (False, "2026-01-31 15:30:00 UTC")])
def test_times_are_in_the_zone_of_whoever_looks(chromium, site, token, scripts, said):
    """
    Also after the slider has moved; without scripts they are in the server's zone, with its name.
    """
    incident = report(site, token, description="Link down", start_time="2026-01-31T15:30:00Z", end_time="infinity")
    end = {"type": "END", "timestamp": "2026-01-31T16:00:00Z"}
    url = f"{site.url}/api/v2/incidents/{incident}/events/"
    assert 201 == httpx.post(url, json=end, headers={"Authorization": f"Token {token}"}, timeout=30).status_code
    context = chromium.new_context(timezone_id="Asia/Tokyo", java_script_enabled=scripts)
    page = context.new_page()
    log_in(page, site)
    open_page(page, site, incident)
    start = page.locator("#state dt:text-is('Start') + dd time")
    journal = page.locator(".journal li:last-child time").first

    assert start.inner_text().startswith(said)
    assert journal.inner_text().startswith(said)
    if scripts:
        assert "2026-01-31 15:30:00 UTC" == start.get_attribute("title")
        assert " ago" in start.inner_text()
        page.locator("#at").fill("1")
        page.wait_for_selector(".rewound")
        assert start.inner_text().startswith(said)
        assert page.locator(".rewound time").first.inner_text().startswith(said)
    context.close()


def test_without_scripts_all_of_it_works(chromium, site, incident):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    from integration.web.looking import log_in

    log_in(page, site)
    open_page(page, site, incident)
    do(page, "Close", "Close it", why="Done")
    page.click("text=One event before")

    assert "This is how it was after event 1 of 2" in page.inner_text("#state")
    context.close()


def test_one_is_told_why(chromium, site, incident):
    with looking(chromium, site) as page:
        open_page(page, site, incident)
        page.click("text=Why was I told, or not? >> nth=0")

        assert "You have no notification profile" in page.inner_text("main")


@pytest.mark.parametrize("screen", WIDTHS)
@pytest.mark.parametrize("kind", TEXT)
def test_whatever_texts_say_they_are_texts_and_have_room(chromium, site, token, screen, kind):
    """
    Nothing runs, nothing sticks out, and everybody can use the page.
    """
    text = TEXT[kind]
    incident = report(
        site,
        token,
        description=f"{text}\n{text}",
        tags=[{"tag": f"note={text}"}],
        details_url="javascript:window.cracked=1" if kind == "evil" else "https://nav.example.org/1",
        source_incident_id=f"{text}{screen}",
        metadata={"note": text},
        level=3,
    )
    with looking(chromium, site, screen) as page:
        open_page(page, site, incident)
        do(page, "Acknowledge", "Acknowledge", why=text)
        do(page, "Write a note", "Keep it", why=text)

        assert is_text_only(page)
        page.click("summary:text('Metadata')")
        assert [] == faults(page)
        page.click("text=Why was I told, or not? >> nth=0")
        assert [] == faults(page)


def test_an_address_that_is_no_link_to_the_web_is_only_text(chromium, site, token):
    """
    A source may know its details by ftp; browsers are not sent there.
    """
    incident = report(site, token, details_url="ftp://nav.example.org/1", ticket_url="ftp://tickets.example.org/1")
    with looking(chromium, site) as page:
        open_page(page, site, incident)

        assert "ftp://nav.example.org/1" in page.inner_text("#state")
        assert 0 == page.locator("a[href^='ftp']").count()

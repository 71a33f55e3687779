"""The overview and the wall, as people look at them in Chromium."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from integration.web.looking import SCREENS, TEXT, faults, is_text_only, looking, report, source_token


@pytest.fixture(scope="module")
def token(site):
    token = source_token(site, TEXT["evil"])
    now = datetime.now(UTC)
    for number in range(4):
        start = now - timedelta(minutes=20 + number)
        times = {"start_time": start.isoformat(), "end_time": (start + timedelta(minutes=5)).isoformat()}
        report(site, token, description=TEXT["evil"], tags=[{"tag": f"note={TEXT['evil']}"}, {"tag": "host=a"}], **times)
    for level in (1, 1, 2, 3, 4, 5):
        report(site, token, description=TEXT[("evil", "long", "arabic")[level % 3]], level=level, tags=[{"tag": "site=oslo"}])
    return token


def test_the_week_comes_by_itself(chromium, site, token):
    with looking(chromium, site) as page:
        page.goto(f"{site.url}/overview/")

        page.wait_for_selector("#week")
        assert "10 incidents started within a week" in page.inner_text("#week")
        assert "6 open" in page.inner_text("#open")


def test_marks_lead_to_their_lists(chromium, site, token):
    with looking(chromium, site) as page:
        page.goto(f"{site.url}/overview/")
        page.wait_for_selector("#week")

        links = page.eval_on_selector_all("main svg a", "all => all.map(one => one.getAttribute('href'))")
        assert links
        assert all(link.startswith("/incidents/?") for link in links)
        asked = [link.replace("/incidents/", "/api/v2/incidents/") for link in links]
        headers = {"Authorization": f"Token {token}"}
        assert {200} == {httpx.get(f"{site.url}{path}", headers=headers, timeout=30).status_code for path in asked}


def test_the_wall_looks_again_by_itself(chromium, site, token):
    with looking(chromium, site) as page:
        page.clock.install()
        page.goto(f"{site.url}/overview/wall/?theme=dark")
        page.evaluate("document.querySelector('.asof').dataset.first = 'yes'")

        assert 0 == page.locator("nav").count()
        assert 6 == page.locator(".worst li").count()
        with page.expect_response("**/overview/wall/?theme=dark"):
            page.clock.run_for(31_000)
        page.wait_for_selector(".asof:not([data-first])")


def test_a_wall_that_is_not_renewed_says_so(chromium, site, token):
    """
    Also when nothing answers at all, and when whoever opened it was logged out.
    """
    with looking(chromium, site) as page:
        page.clock.install()
        page.goto(f"{site.url}/overview/wall/")
        page.route("**/overview/wall/", lambda route: route.abort())
        page.clock.run_for(31_000)
        page.wait_for_selector("#failing")
        assert "Argus cannot be reached: what you see may be old." == page.inner_text("#failing")
        assert [] == faults(page)

        page.unroute("**/overview/wall/")
        page.clock.run_for(31_000)
        page.wait_for_selector("#failing", state="hidden")
        page.context.clear_cookies()
        page.clock.run_for(31_000)
        page.wait_for_selector("#failing")
        assert page.inner_text("#failing").startswith("You are logged out")
        assert 6 == page.locator(".worst li").count()


@pytest.mark.parametrize("theme", ["", "dark", "light"])
def test_everybody_can_read_the_wall(chromium, site, token, theme):
    with looking(chromium, site) as page:
        page.goto(f"{site.url}/overview/wall/?theme={theme}")

        assert [] == faults(page)
        assert is_text_only(page)


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("path", ["/overview/", "/overview/wall/"])
def test_everybody_can_use_it(chromium, site, token, screen, path):
    with looking(chromium, site, screen) as page:
        page.goto(f"{site.url}{path}")
        if path == "/overview/":
            page.wait_for_selector("#week")

        assert [] == faults(page)
        assert is_text_only(page)

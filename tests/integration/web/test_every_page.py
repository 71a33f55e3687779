"""Every page that the router knows, in both themes and on a phone: axe-core finds nothing, nothing sticks out, nothing of a text runs."""

import pytest

from adapters.web.errors import INSECURE, INSECURE_TITLE, error_page
from integration.web.every_page import NO_PAGES, OUTSIDE, PAGES, addresses, furnished
from integration.web.looking import SCREENS, faults, is_text_only, looking
from unit.web.conftest import World

ROOMS = sorted({route.split("/")[1] for route in PAGES})
ERRORS = {
    400: {},
    403: {"text": INSECURE, "title": INSECURE_TITLE},
    404: {},
    413: {},
    429: {"text": "That is too often. You may in 3 minutes."},
    500: {"text": "This is a mistake in Argus. The log tells the operator more about request 0123456789abcdef0123456789abcdef."},
    502: {"text": "The identity provider does not answer. Try again, or log in in another way."},
    503: {"text": "The database cannot be reached at the moment."},
}


@pytest.fixture(scope="module")
def world(site):
    return furnished(site)


def test_every_route_is_looked_at():
    """
    Whatever answers to GET is among the pages that are looked at here, is an export, or is said to be something else.
    """
    routes = {route.path for route in World().app.routes if "GET" in route.methods}

    assert {*PAGES, *OUTSIDE, *NO_PAGES} == {path for path in routes if not path.endswith("/export")}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("room", ROOMS)
def test_everybody_can_use_every_page(chromium, site, world, room, screen):
    with looking(chromium, site, screen, "sam") as page:
        page.on("dialog", lambda dialog: pytest.fail("A script has run."))
        found, harmed = {}, []
        for path in addresses(world, room):
            answer = page.goto(f"{site.url}{path}")
            assert answer.status in (200, 400), path
            found[path] = faults(page)
            harmed += [] if is_text_only(page) else [path]

    assert dict.fromkeys(found, []) == found  # noqa: RUF024 - nothing is put into it
    assert [] == harmed


@pytest.mark.parametrize("screen", SCREENS)
def test_everybody_can_use_what_is_before_the_door(chromium, site, screen):
    context = chromium.new_context(**SCREENS[screen])
    page, found = context.new_page(), {}
    for path in (path for paths in OUTSIDE.values() for path in paths):
        page.goto(f"{site.url}{path}")
        found[path] = faults(page)
    context.close()

    assert dict.fromkeys(found, []) == found  # noqa: RUF024 - nothing is put into it


def put(status, body):
    """What answers with this page."""
    return lambda route: route.fulfill(status=status, body=body, content_type="text/html; charset=utf-8")


@pytest.mark.parametrize("screen", SCREENS)
def test_everybody_can_read_what_went_wrong(chromium, site, screen):
    """
    Also what hardly ever does: it is put in the place of an answer of the server.
    """
    context = chromium.new_context(**SCREENS[screen])
    page, found = context.new_page(), {}
    for status, fields in ERRORS.items():
        page.route(f"**/broken/{status}", put(status, error_page(status, **fields).content))
        page.goto(f"{site.url}/broken/{status}")
        found[status] = faults(page)
        assert page.inner_text("h1")
    context.close()

    assert dict.fromkeys(ERRORS, []) == found  # noqa: RUF024 - nothing is put into it


@pytest.mark.parametrize("screen", SCREENS)
def test_everybody_can_take_a_new_token(chromium, site, world, screen):
    """
    Its page is an answer to a form, and so are those of mistakes.
    """
    with looking(chromium, site, screen, "sam") as page:
        page.goto(f"{site.url}/admin/authtoken/token/")
        page.fill("#token-name", "pages")
        page.fill("#days", "soon")
        page.click("text=Make a token")
        mistaken = faults(page)
        page.fill("#token-name", f"for {screen}")
        page.fill("#days", "1")
        page.click("text=Make a token")
        page.wait_for_selector("#key")

        assert ([], []) == (mistaken, faults(page))

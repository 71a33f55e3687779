"""Whole logins in Chromium, through the pages and through a real identity provider."""

import json

import pytest

from integration.web.conftest import SECRET

SCREENS = {"light": {"color_scheme": "light"}, "dark": {"color_scheme": "dark"}, "phone": {"viewport": {"width": 360, "height": 740}}}


def log_in(page, site, name="alice"):
    page.goto(f"{site.url}/account/")
    page.fill("#username", name)
    page.fill("#password", SECRET)
    page.click("main button")
    page.wait_for_url(f"{site.url}/account/")


def through_feide(page, site, name):
    page.goto(f"{site.url}/account/")
    page.click("text=Log in with Feide")
    page.fill("[name=login]", name)
    page.fill("[name=password]", "anything")
    page.click("button")
    page.click("button")  # yes, Argus may know
    page.wait_for_url(f"{site.url}/account/")


def users(site):
    return {line.split()[1] for line in site.argus("user", "list").splitlines()[1:]}


def test_somebody_logs_in_looks_at_the_account_and_logs_out(page, site):
    log_in(page, site)
    assert "This browser" in page.inner_text("main")

    page.click("header button")

    assert "You are logged out." in page.inner_text("main")
    page.go_back()
    page.goto(f"{site.url}/account/")
    assert page.url == f"{site.url}/login/?next=/account/"


def test_somebody_changes_the_password_and_stays_logged_in(page, site):
    log_in(page, site, "sam")
    for name, value in (("present", SECRET), ("new", SECRET), ("again", SECRET)):
        page.fill(f"#{name}", value)

    page.click("text=Change it")

    page.wait_for_url(f"{site.url}/account/?done=password")
    assert "Your password has been changed" in page.inner_text("main")


def test_somebody_logs_in_through_a_provider_and_out_there_too(page, site, provider):
    through_feide(page, site, "op-olga")

    account = page.inner_text("main")
    assert "op-olga@uni.example" in account
    assert "Olga Operator" in account
    assert "staff" in account
    page.click("header button")
    page.click("text=Log out of Feide, too")
    page.click("button >> nth=0")
    page.wait_for_url(f"{site.url}/login/?done=out")
    page.click("text=Log in with Feide")
    assert page.is_visible("[name=login]")  # the provider has forgotten, too


def test_who_comes_back_is_the_same_user(chromium, site, provider):
    for _ in range(2):
        context = chromium.new_context()
        through_feide(context.new_page(), site, "guest-greta")
        context.close()

    assert {"guest-greta"} == {name for name in users(site) if "greta" in name}


def test_an_answer_is_good_once_and_for_the_browser_that_left(chromium, site, provider):
    """
    What the provider sends back is caught on the way, and then shown by somebody else, and by the same browser twice.
    """
    caught = []
    context = chromium.new_context()
    page = context.new_page()
    page.on("request", lambda request: caught.append(request.url) if "/oidc/complete/" in request.url else None)
    through_feide(page, site, "guest-hans")
    (answer,) = caught

    again = page.goto(answer)
    other = chromium.new_context().new_page()
    elsewhere = other.goto(answer)

    assert (403, 403) == (again.status, elsewhere.status)
    assert "You are not logged in" in other.inner_text("main")
    assert "/oidc/complete/feide/ was refused" in site.log()
    context.close()


def test_whoever_says_no_at_the_provider_becomes_nobody(page, site, provider):
    page.goto(f"{site.url}/login/")
    page.click("text=Log in with Feide")
    page.click("text=Cancel")
    page.wait_for_url(f"{site.url}/oidc/complete/feide/**")

    assert "access_denied" in page.inner_text("main")


@pytest.mark.parametrize("screen", SCREENS)
def test_everybody_can_use_the_pages(chromium, site, screen):
    """
    axe-core finds nothing, and nothing sticks out to the side, in any light and on a phone.
    """
    from integration.web.node_packages import node_folder

    axe = (node_folder() / "node_modules/axe-core/axe.min.js").read_text()
    context = chromium.new_context(**SCREENS[screen])
    page = context.new_page()
    found = {}

    def look(path):
        page.goto(f"{site.url}{path}")
        page.evaluate(axe)
        found[path] = [f"{one['id']} ({one['impact']})" for one in page.evaluate("axe.run()")["violations"]]
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found[path].append("sticks out")

    for path in ("/login/", "/login/?done=out", "/password-reset/", "/password-reset/new/?key=k", "/nothing/", "/oidc/complete/feide/"):
        look(path)
    log_in(page, site, "sam")
    for path in ("/account/", "/logout/", "/admin/"):
        look(path)
    context.close()

    assert {path: [] for path in found} == found, json.dumps(found, indent=1)


def test_nothing_is_fetched_from_elsewhere(page, site):
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    log_in(page, site)
    page.goto(f"{site.url}/admin/login/")

    assert all(url.startswith((site.url, "data:")) for url in asked)

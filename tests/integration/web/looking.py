"""How pages are looked at: logged in, in both themes and on a phone, by axe-core and by what sticks out."""

from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from integration.web.conftest import SECRET

SCREENS = {"light": {"color_scheme": "light"}, "dark": {"color_scheme": "dark"}, "phone": {"viewport": {"width": 360, "height": 740}}}
WIDTHS = ("light", "phone")
"""For what texts do to pages: colours do not depend on them."""

TEXT = {
    "evil": '<img src=x onerror="window.cracked=1"><script>window.cracked=1</script>"\'><b>',
    "long": "verylongwordwithoutanyplacetobreakit" * 12,
    "arabic": "انقطع الاتصال بالخادم الرئيسي في أوسلو",
}


def log_in(page, site, name="alice"):
    page.goto(f"{site.url}/login/?next=/account/")
    page.fill("#username", name)
    page.fill("#password", SECRET)
    page.click("main button")
    page.wait_for_url(f"{site.url}/account/")


@contextmanager
def looking(chromium, site, screen="light", name="alice"):
    """Somebody's page, on some screen."""
    context = chromium.new_context(**SCREENS[screen])
    context.set_default_timeout(8_000)
    page = context.new_page()
    log_in(page, site, name)
    yield page
    context.close()


def is_text_only(page):
    """Whether nothing of what others have written has become a part of the page, or has run."""
    strange = page.locator("main img, main script, main b, a[href^='javascript' i]").count()
    return page.evaluate("window.cracked === undefined") and not strange


def faults(page):
    """What is wrong with a page for people who see, hear or type otherwise than whoever made it."""
    from integration.web.node_packages import node_folder

    page.evaluate((node_folder() / "node_modules/axe-core/axe.min.js").read_text())
    found = [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:150]}" for one in page.evaluate("axe.run()")["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("sticks out")
    if page.evaluate("innerWidth < 400 && [...document.querySelectorAll('.scroll')].some(one => one.scrollWidth > one.clientWidth)"):
        found.append("has to be moved sideways to be read")
    return found


def source_token(site, name="nav"):
    """A source that reports, and its token."""
    return site.argus("source", "create", name, "--type", "nav").split()[-1]


def report(site, token, **fields):
    """A new incident; gives its number."""
    body = {"start_time": datetime.now(UTC).isoformat(), "tags": [], **fields}
    answer = httpx.post(f"{site.url}/api/v2/incidents/", json=body, headers={"Authorization": f"Token {token}"}, timeout=30)
    assert answer.status_code == 201, answer.text
    return answer.json()["pk"]

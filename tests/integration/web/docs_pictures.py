"""
The pictures of the documentation, from a demo that runs: it says the address, the password and the tokens when it is ready.

    .venv/bin/argus demo --fresh --data FOLDER
    PYTHONPATH=tests .venv/bin/python -m integration.web.docs_pictures ADDRESS PASSWORD TOKEN-OF-INGRID TOKEN-OF-NAV-SOUTH

Ingrid plans a maintenance there, and NAV reports what it keeps back.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from integration.web.conftest import CHROMIUM

IMAGES = Path(__file__).parents[3] / "docs/images"
SMALL, TALL, WIDE = {"width": 1180, "height": 900}, {"width": 1280, "height": 900}, {"width": 1280, "height": 760}


def main(address: str, password: str, ingrid: str, nav: str) -> None:
    from playwright.sync_api import sync_playwright

    url = address.rstrip("/")
    maintenance, incident = furnish(url, ingrid, nav)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])

        def shoot(name: str, path: str, size: dict, *, who: str = "ingrid", scheme: str = "light", do=None, full: bool = False) -> None:
            context = browser.new_context(viewport=size, color_scheme=scheme, timezone_id="Europe/Oslo")
            page = context.new_page()
            page.goto(f"{url}/login/?next=/account/")
            page.fill("#username", who)
            page.fill("#password", password)
            page.click("main button")
            page.wait_for_url(f"{url}/account/")
            page.goto(f"{url}{path}")
            if do:
                do(page)
            page.wait_for_timeout(800)
            page.screenshot(path=IMAGES / f"{name}.png", full_page=full)
            context.close()

        shoot("list-light", "/incidents/?open=true", WIDE)
        shoot("list-dark", "/incidents/?open=true", WIDE, scheme="dark")
        shoot("incident", f"/incidents/{incident}/", SMALL)
        shoot("overview", "/overview/", SMALL)
        shoot("notifications", "/notifications/", SMALL)
        shoot("administration-deliveries", "/admin/deliveries/", TALL, who="admin")
        shoot("administration-source", "/admin/sources/1/", TALL, who="admin", scheme="dark")
        shoot("maintenance", f"/admin/maintenance/{maintenance}/", {"width": 1180, "height": 1380})
        shoot("maintenance-plan", "/admin/maintenance/new/", SMALL, do=plan, full=True)
        browser.close()


def furnish(url: str, ingrid: str, nav: str) -> tuple[int, int]:
    """A maintenance that has kept something back, and an incident that something was done about."""
    now = datetime.now(UTC)
    with httpx.Client(base_url=f"{url}/api/v2", timeout=30) as api:

        def post(token: str, path: str, **body) -> int:
            answer = api.post(path, json=body, headers={"Authorization": f"Token {token}"})
            assert answer.status_code == 201, answer.text
            return answer.json()["pk"]

        room = post(ingrid, "/notificationprofiles/filters/", name="Bergen, room B-012", filter={"tags": ["room=bergen/B-012"]})
        plan_ = {"start_time": now.isoformat(), "end_time": (now + timedelta(hours=2)).isoformat(), "filters": [room]}
        maintenance = post(ingrid, "/plannedmaintenance/", description="New switch in room B-012", **plan_)
        for number, (level, text) in enumerate(
            ((1, "bergen-sw1 is down: no answer to ping"), (1, "bergen-gw1: power supply PSU 2 has failed"))
        ):
            tags = ["host=bergen-sw1.fjordnett.example", "location=Bergen", "room=bergen/B-012"]
            body = {"start_time": now.isoformat(), "end_time": "infinity", "source_incident_id": f"room-{now:%H%M%S}-{number}"}
            incident = post(nav, "/incidents/", **body, level=level, description=text, tags=[{"tag": tag} for tag in tags])
            post(ingrid, f"/incidents/{incident}/events/", type="OTH", description="Two new power cables come with the switch.")
            post(ingrid, f"/incidents/{incident}/acks/", description="We are there.", expiration=(now + timedelta(hours=2)).isoformat())
    return maintenance, incident


def plan(page) -> None:
    """Fill in the form, so that there is something to see."""
    page.fill("textarea[name=description]", "New switch in room B-012")
    page.locator("label", has_text="Bergen, room B-012").click()
    page.click("text=Only in certain hours")
    for box in ("Sun", "last", "of the next day"):
        page.get_by_label(box, exact=True).first.check()
    for index, time in enumerate(("22:00", "04:00")):
        page.locator("input[type=time]").nth(index).fill(time)
    page.click("h1")
    page.wait_for_timeout(2_000)


if __name__ == "__main__":
    main(*sys.argv[1:])

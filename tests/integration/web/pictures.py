"""
Pictures of every page that operators see: empty and full, in light, dark and on a phone, with long texts and some that run from the right.

    PYTHONPATH=tests .venv/bin/python -m integration.web.pictures FOLDER [page ...]

What is measured of the pages, tests say; these are to be looked at. `docs_pictures` renews those of the documentation.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx

from integration.postgres import fresh_database, server
from integration.serving import applied, argus, serving
from integration.sink import sink
from integration.web.conftest import CHROMIUM, SPEC
from integration.web.looking import SCREENS, TEXT, log_in

HEBREW = "הקישור בין אוסלו לברגן נותק"
ARABIC = TEXT["arabic"]
TITLES = (
    *("linkDown on sw0017.example.org: ge-0/0/1", ARABIC, "BGP session to 192.0.2.1 (AS64500) lost", HEBREW),
    *("Disk /var is 97 % full", f"{ARABIC} (sw0017, ge-0/0/1)", TEXT["long"], "UPS on battery: 12 minutes left"),
)
SOURCES = (
    ("nav", "nav"),
    ("zabbix-oslo", "zabbix"),
    ("مراقبة-الشبكة", "nav"),
    ("averyveryverylongnameofasourcewithoutaplacetobreak", "nav"),
)
PLACES: Mapping[str, str] = {
    "list": "/incidents/?open=true",
    "list-columns": "/incidents/?columns=level,state,start,end,source,description,tags,ticket,key,id",
    "list-thousand": "/incidents/?page_size=1000",
    "overview": "/overview/",
    "wall": "/overview/wall/",
    "notifications": "/notifications/",
    "deliveries": "/notifications/deliveries/",
    "new-profile": "/notifications/profiles/new/",
    "new-timeslot": "/notifications/timeslots/new/",
    "new-filter": "/notifications/filters/new/",
    "new-destination": "/notifications/destinations/new/sms/",
    "new-webhook": "/notifications/destinations/new/webhook/",
    "new-apprise": "/notifications/destinations/new/apprise/",
    "maintenances": "/admin/maintenance/",
    "new-maintenance": "/admin/maintenance/new/",
    "filters": "/incidents/filters/",
    "account": "/account/",
}


def main(folder: Path, *chosen: str) -> None:
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with site() as (url, tokens, settled), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for world in ("empty", "full"):
            places = {**PLACES, **(filled(url, tokens, settled) if world == "full" else {})}
            if world == "full":
                share(browser, url)
            for screen in SCREENS:
                shoot(
                    browser,
                    url,
                    folder / f"{world}-{screen}",
                    screen,
                    {name: places[name] for name in places if not chosen or name in chosen},
                )
        browser.close()


def shoot(browser, url: str, name: Path, screen: str, places: Mapping[str, str]) -> None:
    """A picture of each place on this screen."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **SCREENS[screen]})
    page = context.new_page()
    page.goto(f"{url}/login/")
    page.screenshot(path=f"{name}-login.png", full_page=True)
    log_in(page, SimpleNamespace(url=url), "sam")
    for place, path in places.items():
        page.goto(f"{url}{path}")
        page.wait_for_load_state("load")
        page.wait_for_timeout(300)
        page.screenshot(path=f"{name}-{place}.png", full_page="thousand" not in place)
    context.close()


def share(browser, url: str) -> None:
    """Sam's filters are everybody's."""
    page = browser.new_page()
    log_in(page, SimpleNamespace(url=url), "sam")
    page.goto(f"{url}/incidents/filters/")
    while page.locator("[aria-label^='Share with everybody']").count():
        page.locator("[aria-label^='Share with everybody']").first.click()
    page.close()


@contextmanager
def site() -> Iterator[tuple]:
    """A server, the tokens of its sources and of Sam, and what waits until messages have gone out."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-pictures-")))
        dsn = stack.enter_context(fresh_database(stack.enter_context(server())))
        mailbox = stack.enter_context(sink())
        told = {"environment": {"DATABASE_URL": dsn, "ARGUS_MEDIA": "email,sms,webhook,apprise", **mailbox.settings}, "folder": folder}
        argus("migrate", **told)
        applied(SPEC, **told)
        tokens = {name: argus("source", "create", name, "--type", kind, **told).split()[-1] for name, kind in SOURCES}
        tokens["sam"] = argus("token", "create", "sam", "pictures", **told).split()[-1]
        served = stack.enter_context(serving(**told))
        yield served.url, tokens, lambda: mailbox.wait_for(lambda mails: len(mails) > 2)


def filled(url: str, tokens: Mapping[str, str], settled) -> Mapping[str, str]:
    """Sam's notifications, and a thousand incidents, some of which have been through something; the pages that there are now."""
    made = {}
    with httpx.Client(base_url=f"{url}/api/v2", timeout=30) as client:

        def post(who: str, path: str, **body) -> int:
            answer = client.post(path, json=body, headers={"Authorization": f"Token {tokens[who]}"})
            assert answer.status_code == 201, answer.text
            return answer.json()["pk"]

        own = "/notificationprofiles/"
        for number, name in enumerate(("Night and weekend", HEBREW, "Averylongnameofaprofilewithoutblanks")):
            slot = post(
                "sam",
                f"{own}timeslots/",
                name=name,
                time_recurrences=[
                    {"days": [1, 2, 3, 4, 5], "start": "17:00", "end": "23:30"},
                    {"days": [6, 7], "all_day": True, "start": "00:00", "end": "23:59"},
                ],
            )
            everything = client.get(f"{own}timeslots/", headers={"Authorization": f"Token {tokens['sam']}"}).json()[0]["pk"]
            expression = {"any": [{"tags": [f"note={ARABIC}"]}, {"not": {"text": TEXT["long"][:80]}}]}
            what = post("sam", f"{own}filters/", name=name, filter={"maxlevel": 2 + number, "open": True, "expression": expression})
            medium = {"media": "email", "settings": {"email_address": f"night.watch.{number}@operations.example.org"}, "label": name}
            where = post("sam", f"{own}destinations/", **medium)
            phone = post(
                "sam", f"{own}destinations/", media="sms", settings={"phone_number": f"+47412345{number}7"}, label=f"Phone {number}"
            )
            profile = post(
                "sam",
                own,
                name=name,
                timeslot=everything,
                filters=[what],
                destinations=[where, phone][: 1 + number % 2],
                active=number != 1,
                digest="07:30" if number == 1 else None,
            )
            if number == 1:
                plan = {"start_time": "2030-01-01", "filters": [what], "description": f"{ARABIC} {TEXT['long']}"}
                made |= {
                    "maintenance": f"/admin/maintenance/{post('sam', '/plannedmaintenance/', **plan)}/",
                    "profile": f"/notifications/profiles/{profile}/",
                    "dry-run": f"/notifications/profiles/{profile}/dry-run/",
                    "timeslot": f"/notifications/timeslots/{slot}/",
                    "filter": f"/notifications/filters/{what}/",
                    "destination": f"/notifications/destinations/{where}/",
                    "delete": f"/notifications/filters/{what}/delete/",
                }
        now, robots = datetime.now(UTC), [name for name, _ in SOURCES]
        for number in range(1_000):
            start = now - timedelta(minutes=9.7 * (1_000 - number))
            tags = [
                "site=oslo",
                f"host=sw{number % 40:04}.example.org",
                f"place={HEBREW}",
                f"note={ARABIC if number % 8 else TEXT['long']}",
            ]
            ended = (start + timedelta(minutes=4)).isoformat() if number % 3 else "infinity"
            incident = post(
                robots[number % 4],
                "/incidents/",
                start_time=start.isoformat(),
                end_time=ended,
                level=1 + number % 5,
                description=TITLES[number % len(TITLES)],
                tags=[{"tag": tag} for tag in tags[: 1 + number % 4]],
                details_url=f"https://nms.example.org/alarm/{number}",
                source_incident_id=f"alarm-{number}-{'x' * (number % 30)}",
                metadata={"note": [ARABIC, number]} if number % 3 == 0 else {},
            )
            if number in (996, 990):
                made["incident" if number == 996 else "incident-long"] = f"/incidents/{incident}/"
                post("sam", f"/incidents/{incident}/acks/", description=HEBREW)
                post("sam", f"/incidents/{incident}/events/", type="OTH", description=TITLES[number % len(TITLES)])
                post("sam", f"/incidents/{incident}/events/", type="OTH", description=f"{TEXT['long']}\n{ARABIC}")
        made["why"] = f"{made['incident']}?who=sam#why"
    settled()
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

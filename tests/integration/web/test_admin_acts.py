"""What is done on the pages of the administration, one act after the other, in Chromium."""

import csv
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from integration.serving import serving
from integration.web.conftest import free_port
from integration.web.looking import SECRET, log_in, looking, report, source_token

READ = "/api/v2/incidents/?page_size=1"


@pytest.fixture(scope="module")
def office(site):
    site.argus("user", "grant", "sam", "--superuser")
    return site


@pytest.fixture
def sam(chromium, office):
    with looking(chromium, office, name="sam") as page:
        yield page


def opens(site, key):
    return httpx.get(f"{site.url}{READ}", headers={"Authorization": f"Token {key}"}, timeout=30).status_code == 200


def test_a_source_is_made_changed_refused_and_gets_other_tokens(office, sam):
    sam.goto(f"{office.url}/admin/source-types/")
    sam.fill("#name", "radar")
    sam.click("text=Make it")
    sam.goto(f"{office.url}/admin/sources/new/")
    sam.fill("#name", "radar-oslo")
    sam.fill("#type", "radar")
    sam.click("main form button")
    first = sam.inner_text("#key")
    assert opens(office, first)
    sam.click("text=I have it")

    sam.fill("#name", "radar-bergen")
    sam.fill("#base_url", "https://radar.example.org/")
    sam.click("text=Keep it")
    assert "Source radar-bergen" == sam.inner_text("h1")
    assert "https://radar.example.org/" == sam.input_value("#base_url")

    sam.fill("#every", "soon")
    sam.click("text=Expect that")
    assert "Give a span of time" in sam.inner_text("#every-problem")
    sam.fill("#every", "5m")
    sam.click("text=Expect that")
    assert "One is expected every" in sam.inner_text("section[aria-labelledby=heartbeat]")

    sam.click("text=One more token")
    second = sam.inner_text("#key")
    assert [True, True] == [opens(office, key) for key in (first, second)]
    sam.click("text=I have it")

    sam.click("text=One instead of all these")
    sam.click("text=Replace all tokens")
    third = sam.inner_text("#key")
    assert [False, False, True] == [opens(office, key) for key in (first, second, third)]
    sam.click("text=I have it")

    sam.click("text=Refuse it from now on")
    assert not opens(office, third)
    sam.click("text=Let it report again")
    assert opens(office, third)


def test_a_user_is_changed_logged_out_and_mailed_a_link(office, sam, chromium):
    office.argus("user", "create", "petra", "--email", "petra@example.org", "--no-password")
    sam.goto(f"{office.url}/admin/users/?q=petra")
    sam.click("text=petra")
    sam.fill("#first_name", "Petra")
    sam.check("#staff")
    sam.click("text=Keep it")
    assert sam.is_checked("#staff")

    sam.fill("#password", "short")
    sam.click("text=Change the password")
    assert "at least" in sam.inner_text("#password-problem").lower()
    sam.fill("#password", "correct horse")
    sam.click("text=Change the password")
    with looking(chromium, office, name="petra") as petra:
        petra.goto(f"{office.url}/admin/users/")
        assert "New user" not in petra.inner_text("main")
        sam.reload()
        sam.click("text=Log out everywhere")
        sam.click("main form button")
        petra.goto(f"{office.url}/account/")
        assert petra.url.startswith(f"{office.url}/login/")

    sam.click("text=Mail a link to choose a password")
    mail = office.mailbox.wait_for(lambda mails: [one for one in mails if one.recipient == "petra@example.org"])[-1]
    assert f"{office.url}/password-reset/" in mail.text


def test_own_tokens_are_made_and_revoked(office, chromium):
    with looking(chromium, office, name="alice") as page:
        page.goto(f"{office.url}/admin/authtoken/token/")
        page.fill("#token-name", "laptop")
        page.click("text=Make a token")
        key = page.inner_text("#key")
        assert opens(office, key)
        page.click("text=I have it")
        page.click("[aria-label*='laptop']")
        page.click("text=Revoke it")

        assert not opens(office, key)


@pytest.fixture
def waiting(office):
    """A notification that the mail server does not take at present."""
    office.mailbox.answer = lambda _: "451 Later"
    key = office.argus("token", "create", "sam", "for a waiting notification").split()[-1]
    with httpx.Client(base_url=f"{office.url}/api/v2/notificationprofiles", headers={"Authorization": f"Token {key}"}, timeout=30) as api:
        (where,) = (api.post("/destinations/", json={"media": "email", "settings": {"email_address": "late@example.org"}}).json()["pk"],)
        slot = api.get("/timeslots/").json()[0]["pk"]
        filter_ = api.post("/filters/", json={"name": "all", "filter": {"maxlevel": 5}}).json()["pk"]
        made = api.post("/", json={"name": "late", "timeslot": slot, "filters": [filter_], "destinations": [where], "active": True})
        assert made.status_code == 201, made.text
        yield report(office, source_token(office, "slow"), description="slow")
        api.delete(f"/{made.json()['pk']}/")
    office.mailbox.answer = lambda _: "250 OK"


def test_deliveries_are_tried_again_and_taken_away(office, sam, waiting):
    def look():
        sam.goto(f"{office.url}/admin/deliveries/?incident={waiting}")
        return sam.inner_text("tbody")

    for _ in range(60):
        if "451" in look():
            break
        sam.wait_for_timeout(500)
    sam.check("tbody input[type=checkbox]")
    sam.click("text=Try the chosen ones now")
    for _ in range(60):
        if "2 attempts" in look():
            break
        sam.wait_for_timeout(500)
    assert "2 attempts" in look()

    sam.check("tbody input[type=checkbox]")
    sam.click("text=Take the chosen ones away")
    sam.click("main form button.contrast")

    assert "dropped" in look()


@pytest.mark.parametrize(("link", "read"), [("as CSV", csv.DictReader), ("as JSON lines", lambda lines: map(json.loads, lines))])
def test_the_audit_log_is_searched_and_exported(office, sam, tmp_path, link, read):
    office.argus("user", "create", f"exported {link}", "--no-password")
    sam.goto(f"{office.url}/admin/audit/")
    sam.fill("#about", f"user exported {link}")
    sam.click("text=Search")
    assert "user.create" in sam.inner_text("tbody")

    with sam.expect_download() as download:
        sam.click(f"text={link}")
    download.value.save_as(tmp_path / "audit")

    assert [f"user exported {link}"] == [one["about"] for one in read(Path(tmp_path, "audit").read_text().splitlines())]


def test_forms_work_without_scripts(office, chromium):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, office, "sam")
    page.goto(f"{office.url}/admin/users/?q=alice")
    page.click("#found >> text=alice")
    page.fill("#last_name", "Liddell")
    page.click("text=Keep it")

    assert "Liddell" == page.input_value("#last_name")
    context.close()


class Tickets(BaseHTTPRequestHandler):
    """Makes a ticket of whatever comes, as GitHub does."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(json.dumps({"html_url": "https://tickets.example.org/noc/net/7"}).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def with_tickets(office):
    """The address of a server with a ticket system."""
    tickets, port = HTTPServer(("127.0.0.1", 0), Tickets), free_port()
    told = {"SYSTEM": "github", "ENDPOINT": f"http://127.0.0.1:{tickets.server_port}", "TOKEN": "t0ken", "PROJECT": "noc/net"}
    environment = office.environment | {f"ARGUS_TICKET_{name}": value for name, value in told.items()}
    environment |= {"ARGUS_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    threading.Thread(target=tickets.serve_forever, daemon=True).start()
    with serving("--no-worker", environment=environment, folder=office.folder, port=port) as served:
        yield served.url
    tickets.shutdown()
    tickets.server_close()


def test_the_ticket_system_is_tried_out_in_place(chromium, with_tickets):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{with_tickets}/login/?next=/admin/plugins/")
    page.fill("#username", "sam")
    page.fill("#password", SECRET)
    page.click("main button")
    assert "t0ken" not in page.content()

    page.click("text=Make a test ticket")

    page.wait_for_selector("#ticket-outcome a[href='https://tickets.example.org/noc/net/7']")
    assert f"{with_tickets}/admin/plugins/" == page.url
    context.close()

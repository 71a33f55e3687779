"""Webhooks and Apprise, set up and tried out in Chromium."""

import base64
import os
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from apprise_urls import HOSTED, URLS
from integration.postgres import fresh_database
from integration.serving import applied, serving
from integration.web.conftest import SPEC, Site, free_port
from integration.web.looking import SCREENS, faults, looking

HUB = "/notifications/"
WHSEC = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"


@pytest.fixture(scope="module")
def site(postgres, migrated, tmp_path_factory):
    """With all the media that come along, which may reach this machine."""
    folder, port = tmp_path_factory.mktemp("media"), free_port()
    with ExitStack() as stack:
        dsn = stack.enter_context(fresh_database(postgres, template=migrated))
        environment = {
            "DATABASE_URL": dsn,
            "ARGUS_MEDIA": "email,sms,webhook,apprise",
            "ARGUS_OUTGOING_ALLOW": "127.0.0.0/8",
            "ARGUS_EMAIL_HOST": "mail.example.org",
            "ARGUS_DEFAULT_FROM_EMAIL": "argus@example.org",
            "ARGUS_SMS_GATEWAY_ADDRESS": "sms@example.org",
        }
        applied(SPEC, environment=environment, folder=folder)
        served = stack.enter_context(serving(environment=environment, folder=folder, port=port))
        yield Site(f"http://127.0.0.1:{port}", served, None, dsn, environment, folder, stack)


@pytest.fixture
def receiver():
    """A server that takes everything."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_somebody_sets_up_a_webhook_and_tries_it(chromium, site, receiver):
    with looking(chromium, site) as page:
        page.goto(f"{site.url}{HUB}")
        page.click("text=New Webhook")
        page.fill("[id='s.url']", f"http://{receiver}/argus")
        page.fill("[id='s.secret']", WHSEC)
        page.select_option("[id='s.header']", "X-API-Key")
        page.fill("[id='s.header_value']", "hush")
        page.click("main button:text-is('Keep it')")
        page.click("[aria-label='Test Webhook: 127.0.0.1']")
        page.wait_for_selector("strong:text-is('sent')", timeout=30_000)

        page.click("a:has-text('Webhook: 127.0.0.1')")
        assert "X-API-Key" == page.input_value("[id='s.header']")
        assert ["", ""] == [page.input_value(f"[id='s.{name}']") for name in ("secret", "header_value")]
        assert not [secret for secret in (WHSEC, "hush") if secret in page.content()]


def test_a_chat_of_ones_own_is_for_staff_and_said_to_be(chromium, site, receiver):
    with looking(chromium, site) as page:
        page.goto(f"{site.url}{HUB}destinations/new/apprise/")
        page.fill("[id='s.url']", HOSTED["mmosts"])
        page.click("main button:text-is('Keep it')")
        assert "Only staff may use a URL that names a host of one's own." in page.inner_text("main")
        page.fill("[id='s.url']", URLS["slack"])
        page.click("main button:text-is('Keep it')")
        assert "Slack" in page.inner_text("main")
        assert "TIiajkdnlazkcOXrIdevi7FQ" not in page.content()

    with looking(chromium, site, name="sam") as page:
        page.goto(f"{site.url}{HUB}destinations/new/apprise/")
        page.fill("[id='s.url']", f"json://{receiver}/argus")
        page.click("main button:text-is('Keep it')")
        page.click("[aria-label='Test JSON: 127.0.0.1']")
        page.wait_for_selector("strong:text-is('sent')", timeout=30_000)
        page.goto(f"{site.url}/admin/plugins/")
        assert "1 sent" in page.inner_text("article:has-text('Apprise')")


@pytest.mark.parametrize("screen", SCREENS)
def test_the_forms_are_good_for_everybody(chromium, site, screen):
    with looking(chromium, site, screen) as page:
        found = {}
        for slug in ("webhook", "apprise"):
            page.goto(f"{site.url}{HUB}destinations/new/{slug}/")
            found[slug] = faults(page)

    assert {"webhook": [], "apprise": []} == found

"""From a report to a webhook and a chat, through server and worker; and what is told of it, without what is secret."""

import base64
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from integration.notifications.people import Installation
from integration.serving import applied, serving

PATIENCE = 60
SECRET = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"
HUSH = ("Bearer-hush", "hidden-path", "hidden-password", SECRET)


@pytest.fixture(scope="module")
def receiver():
    """A server that takes everything, and keeps it."""
    got = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.got = got
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def installation(database, folder):
    environment = {
        "DATABASE_URL": database,
        "ARGUS_MEDIA": "webhook,apprise",
        "ARGUS_OUTGOING_ALLOW": "127.0.0.0/8",
        "ARGUS_LOG_LEVEL": "debug",
        "ARGUS_FRONTEND_URL": "https://argus.example.org",
    }
    world = applied(Installation.SPEC, environment=environment, folder=folder)
    with serving(environment=environment, folder=folder) as served:
        installed = Installation(served, {name: one["token"] for name, one in world["actors"].items()}, environment, folder)
        yield installed
        installed.close()


def destination(installation, who, media, **settings):
    body = {"media": media, "label": f"{who}'s {media}", "settings": settings}
    return installation.ask(who, "POST", "/notificationprofiles/destinations/", body)["pk"]


def settled(installation, who, number):
    """The deliveries of somebody about an incident, as soon as none waits."""
    until, deliveries = time.monotonic() + PATIENCE, []
    while time.monotonic() < until:
        deliveries = installation.ask(who, "GET", f"/incidents/{number}/notifications/")
        if len(deliveries) == 2 and all(delivery["status"] != "waiting" for delivery in deliveries):
            return deliveries
        time.sleep(0.1)
    raise AssertionError(deliveries)


def test_a_report_reaches_a_program_and_a_chat_and_nothing_secret_is_told(installation, receiver):
    port = receiver.server_address[1]
    hook = destination(
        installation,
        "alice",
        "webhook",
        url=f"http://127.0.0.1:{port}/hidden-path",
        secret=SECRET,
        header="X-API-Key",
        header_value="Bearer-hush",
    )
    chat = destination(installation, "root", "apprise", url=f"json://me:hidden-password@localhost:{port}/hidden-path/chat")
    refused = installation.ask(
        "alice",
        "POST",
        "/notificationprofiles/destinations/",
        {"media": "apprise", "settings": {"url": f"json://localhost:{port}/"}},
        status=400,
    )
    installation.want("alice", destinations=[hook])
    installation.want("root", destinations=[chat])

    number = installation.report("Router gw1 down")
    deliveries = settled(installation, "root", number)

    assert {"url": ["Only staff may use a URL that names a host of one's own."]} == refused
    assert {("sent", "Webhook: 127.0.0.1"), ("sent", "JSON: localhost")} == {(one["status"], one["address"]) for one in deliveries}
    by_path = {path: (headers, body) for path, headers, body in receiver.got}
    headers, told = by_path["/hidden-path"]
    assert ("argus.notification", 1, number, False) == (
        told["type"],
        told["version"],
        told["data"]["incident"]["pk"],
        told["data"]["test"],
    )
    assert ("Bearer-hush", told["id"]) == (headers["x-api-key"], headers["webhook-id"])
    assert headers["webhook-signature"].startswith("v1,")
    _, message = by_path["/hidden-path/chat"]
    assert "Router gw1 down" in message["message"]
    shown = json.dumps(deliveries) + installation.argus("deliveries", "list") + installation.served.log.read_text()
    assert [] == [secret for secret in HUSH if secret in shown]


def test_who_leaves_the_staff_hears_nothing_there_any_more(installation, receiver):
    installation.argus("user", "revoke", "root", "--staff", "--superuser")
    before = len(receiver.got)

    number = installation.report("Router gw2 down")
    until = time.monotonic() + PATIENCE
    while not (given_up := [one for one in ledger(installation, number) if one["status"] == "given-up"]) and time.monotonic() < until:
        time.sleep(0.1)

    assert ["The destination is for staff only, and its owner is not of the staff any more."] == [one["reason"] for one in given_up]
    assert {"/hidden-path"} >= {path for path, _, _ in receiver.got[before:]}


def ledger(installation, number):
    """What the owner sees."""
    return installation.ask("root", "GET", f"/incidents/{number}/notifications/")

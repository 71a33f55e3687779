"""A demo has what no real installation has, and nothing of what one has leads out of it."""

import msgspec

from adapters.asgi import _routes
from adapters.demo.command import _nobody_elsewhere
from adapters.settings import KEYS, Settings


def test_only_a_demo_serves_a_mailbox(tmp_path):
    paths = [sorted(handler.paths) for settings in (Settings(), Settings(demo_mailbox=tmp_path)) for handler in _routes(settings)]

    assert [["/demo/mailbox"], ["/demo/mailbox/{number:int}"], ["/demo/mailbox/{number:int}/page"]] == paths
    assert "demo_mailbox" not in {key.field for key in KEYS}


def test_nothing_of_a_demo_leaves_the_machine():
    real = Settings(
        ticket_system="github",
        media=("email", "sms", "webhook"),
        send_notifications=False,
        plugins={"ARGUS_EMAIL_HOST": "mail.example.org", "ARGUS_EMAIL_PASSWORD": "x", "ARGUS_TICKET_TOKEN": "y"},
    )

    demo = msgspec.structs.replace(real, **_nobody_elsewhere())

    assert ("", ("email", "sms"), "127.0.0.1") == (demo.ticket_system, demo.media, demo.plugins["ARGUS_EMAIL_HOST"])
    assert {"ARGUS_EMAIL_PASSWORD", "ARGUS_TICKET_TOKEN"}.isdisjoint(demo.plugins)

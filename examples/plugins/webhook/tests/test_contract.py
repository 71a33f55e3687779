"""The webhook is a medium as Argus wants them."""

import base64

import pytest
from argus_webhook import Webhook

from argus_core.conformance import check_medium
from argus_core.ports.media import BadSettings

URL = "https://hooks.example.org/argus?room=noc"


def whsec(size):
    return f"whsec_{base64.b64encode(bytes(size)).decode()}"


def test_it_keeps_the_contract_of_media(secret):
    good = [{"url": URL, "secret": secret}, {"url": "http://hooks.example.org:8080", "secret": whsec(64)}]
    bad = [
        {"url": URL},
        {"secret": secret},
        {"url": "http://127.0.0.1/", "secret": secret},
        {"url": "http://169.254.169.254/latest/meta-data/", "secret": secret},
        {"url": "ftp://hooks.example.org/", "secret": secret},
        {"url": "https://me:pw@hooks.example.org/", "secret": secret},
        {"url": URL, "secret": "correct-horse"},
        {"url": URL, "secret": whsec(23)},
        {"url": URL, "secret": whsec(65)},
        {"url": URL, "secret": "whsec_%%%"},
        {"url": URL, "secret": secret.removeprefix("whsec_")},
    ]

    check_medium(Webhook({}), good, bad)


def test_each_bad_setting_is_named():
    with pytest.raises(BadSettings) as caught:
        Webhook({}).clean({"url": 7, "secret": ""})

    assert caught.value.errors == {"url": "Not a valid string.", "secret": "This field is required."}


def test_the_label_shows_the_host_only(secret):
    assert Webhook({}).label({"url": URL, "secret": secret}) == "Webhook: hooks.example.org"


def test_it_talks_to_the_host_of_its_address(secret):
    assert Webhook({}).host({"url": URL, "secret": secret}) == "hooks.example.org"


def test_a_wrong_setting_of_the_installation_is_named():
    with pytest.raises(ValueError, match="ARGUS_OUTGOING_ALLOW"):
        Webhook({"ARGUS_OUTGOING_ALLOW": "everything"})

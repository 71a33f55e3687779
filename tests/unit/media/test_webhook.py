"""The webhook is a medium as Argus wants them."""

import base64
import os

import pytest

from adapters.media.webhook import Webhook
from argus_core.conformance import check_medium
from argus_core.ports.media import BadSettings, hidden_settings

URL = "https://hooks.example.org/argus?room=noc"
KEY = {"header": "X-API-Key", "header_value": "abc"}


@pytest.fixture
def secret():
    return whsec(32)


def whsec(size):
    return f"whsec_{base64.b64encode(os.urandom(size)).decode()}"


def test_it_keeps_the_contract_of_media(secret):
    good = [
        {"url": URL, "secret": secret},
        {"url": "http://hooks.example.org:8080", "secret": whsec(64)},
        {"url": URL},
        {"url": URL, **KEY},
        {"url": URL, **KEY, "secret": secret},
    ]
    bad = [
        {"secret": secret},
        {"url": URL, "header": "X-API-Key"},
        {"url": URL, "header": "Host", "header_value": "localhost"},
        {"url": URL, "header": "Cookie", "header_value": "a=b"},
        {"url": URL, "header": "X-API-Key", "header_value": "a\r\nHost: localhost"},
        {"url": URL, "header": "X-API-Key", "header_value": "é"},
        {"url": URL, "header": "X-API-Key", "header_value": "a" * 1025},
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
        Webhook({}).clean({"url": 7, "secret": "hush", "header": "Host", "header_value": "\n\t\x00"})

    assert {"url", "secret", "header", "header_value"} == caught.value.errors.keys()
    assert "Not a valid string." == caught.value.errors["url"]


def test_what_is_emptied_is_taken_away(secret):
    assert {"url": URL} == Webhook({}).clean({"url": URL, "secret": "", "header": "", "header_value": "abc"})


def test_what_is_secret_is_not_shown_again():
    assert {"secret", "header_value"} == hidden_settings(Webhook({}))


def test_the_label_shows_the_host_only(secret):
    assert Webhook({}).label({"url": URL, "secret": secret}) == "Webhook: hooks.example.org"


def test_it_talks_to_the_host_of_its_address(secret):
    assert Webhook({}).host({"url": URL, "secret": secret}) == "hooks.example.org"


def test_a_wrong_setting_of_the_installation_is_named():
    with pytest.raises(ValueError, match="ARGUS_OUTGOING_ALLOW"):
        Webhook({"ARGUS_OUTGOING_ALLOW": "everything"})

"""What the medium Apprise says about itself, what it takes and from whom, and what it tells of a URL."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.media import apprise
from adapters.media.apprise import Apprise
from adapters.settings import SettingsError, load
from apprise_urls import HOSTED, URLS
from argus_core.conformance import check_medium, sample_notification
from argus_core.domain.incidents import Level
from argus_core.ports.media import BadSettings, hidden_settings, staff_only

PROXY = {"ARGUS_EGRESS_PROXY": "http://proxy.example.org:3128"}
SLACK = {"url": URLS["slack"]}
CHAT = {"url": HOSTED["jsons"]}


def test_it_keeps_the_contract_of_media():
    good = [{"url": url} for url in (URLS["slack"], URLS["tgram"], URLS["ntfys"], HOSTED["jsons"])]
    bad = [{"url": url} for url in ("file:///etc/passwd", "slack://", "discord://a", "tgram://x?format=html", f"{URLS['tgram']}&cto=99")]

    check_medium(Apprise({}), good, [{}, {"url": " "}, {"url": 7}, *bad])


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (None, "This field is required."),
        (7, "Not a valid string."),
        ("syslog://", "Enter a URL of Apprise, such as slack://token_a/token_b/token_c."),
        ("irc://host.example.org/x", "irc:// is not among the services that can be used here."),
        ("tgram://hush", "Apprise does not understand this URL: something that Telegram needs is missing or wrong."),
    ],
)
def test_it_says_what_is_wrong_without_what_may_be_secret(url, says):
    with pytest.raises(BadSettings) as caught:
        Apprise({}).clean({"url": url})

    assert {"url": says} == caught.value.errors


def test_one_url_has_one_spelling():
    medium = Apprise({})

    assert medium.clean({"url": f" {URLS['tgram'].replace('tgram', 'TGram')} "}) == medium.clean({"url": URLS["tgram"]})


def test_a_host_of_ones_own_is_for_staff_unless_all_goes_through_a_proxy():
    medium, behind = Apprise({}), Apprise(PROXY)

    assert [{}, {"url": "Only staff may use a URL that names a host of one's own."}] == [staff_only(medium, one) for one in (SLACK, CHAT)]
    assert [{}, {}] == [staff_only(behind, one) for one in (SLACK, CHAT)]


def test_the_whole_url_is_secret_and_only_the_provider_is_told():
    medium = Apprise({})

    assert {"url"} == hidden_settings(medium)
    assert ["Slack", "JSON: chat.example.org"] == [medium.label(one) for one in (SLACK, CHAT)]
    assert ["hooks.slack.com", "chat.example.org"] == [medium.host(one) for one in (SLACK, CHAT)]
    assert "zulipchat.com" == medium.host({"url": URLS["zulip"]})


def test_apprise_logs_nothing_of_what_it_is_given(caplog):
    caplog.set_level(logging.DEBUG)
    Apprise({}).clean({"url": "jsons://me:hush@chat.example.org/hush"})
    for url in ("tgram://hush", "discord://hush", "jsons://hush:22/"):
        with pytest.raises(BadSettings) as caught:
            Apprise({}).clean({"url": url})
        assert "hush" not in str(caught.value.errors)

    assert "hush" not in caplog.text


def test_a_plugin_that_falls_over_a_url_does_not_understand_it(monkeypatch):
    def broken(url, **_):
        raise RuntimeError(url)

    monkeypatch.setattr("apprise.Apprise.instantiate", broken)

    with pytest.raises(BadSettings) as caught:
        Apprise({}).clean(SLACK)
    assert {"url": "Apprise does not understand this URL: something that Slack needs is missing or wrong."} == caught.value.errors


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(apprise, "find_spec", lambda name: None)

    with pytest.raises(ValueError, match=r"argus-core\[server,apprise\]"):
        Apprise({})


@pytest.mark.parametrize(
    "proxy", ["proxy", "proxy:3128", "https://proxy:3128", "socks5://proxy:1080", "http://proxy", "http://:3128", "http://p:x"]
)
def test_a_proxy_that_is_none_is_named(proxy, tmp_path):
    with pytest.raises(ValueError, match="ARGUS_EGRESS_PROXY"):
        Apprise({"ARGUS_EGRESS_PROXY": proxy})
    with pytest.raises(SettingsError, match="ARGUS_EGRESS_PROXY"):
        load(None, {"ARGUS_EGRESS_PROXY": proxy}, tmp_path)


@pytest.mark.parametrize("text", ["@everyone", "@here", "@channel", "@all", "@room", "<!channel>", "<@U123>", "<#C123>", "@Everyone"])
def test_nobody_is_called_by_what_a_source_writes(text):
    calm = apprise._calm(f"down {text} now")

    assert text not in calm
    assert f"down {text} now" == calm.replace("\N{ZERO WIDTH SPACE}", "")


def test_addresses_and_other_marks_stay_as_they_are():
    text = "Call ola@example.org, a < b, <b>, @hand"

    assert text == apprise._calm(text)


def test_the_kind_of_a_message_follows_its_incident():
    notification = sample_notification()
    incident, ended = notification.incident, datetime(2026, 11, 23, tzinfo=UTC)
    of = lambda **changes: apprise._kind(replace(notification, incident=replace(incident, **changes)))  # noqa: E731

    assert ["failure", "failure", "warning", "info", "info"] == [of(level=level) for level in Level]
    assert "success" == of(end_time=ended)
    assert ["info", "info"] == [apprise._kind(replace(notification, **marks)) for marks in ({"test": True}, {"roundup": True})]


def test_the_process_gets_nothing_secret_of_our_environment(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://argus:hush@db/argus")
    monkeypatch.setenv("ARGUS_EMAIL_PASSWORD", "hush")
    monkeypatch.setenv("HTTPS_PROXY", "http://other:1")

    with_one, without = apprise._environment("http://proxy:3128"), apprise._environment("")

    assert not {"DATABASE_URL", "ARGUS_EMAIL_PASSWORD"} & (with_one.keys() | without.keys())
    assert ("http://proxy:3128", "") == (with_one["HTTPS_PROXY"], with_one["NO_PROXY"])
    assert "HTTPS_PROXY" not in without
    assert "*" == without["NO_PROXY"]

"""Which URLs of Apprise are taken, where they may lead, and that the list of providers says what Apprise does."""

import importlib
import re
from pathlib import Path

import pytest
from apprise.plugins import N_MGR
from hypothesis import given
from hypothesis import strategies as st

from adapters.media.apprise_child import made
from adapters.media.providers import ANYBODYS, FIXED, HOSTED, NotTaken, is_one_of, read
from apprise_urls import HOSTED as HOSTED_URLS
from apprise_urls import URLS

EVERYBODYS = [*URLS.values()]
STAFFS = [*HOSTED_URLS.values()]

# What has a host in its URL, or goes to more than web servers, or stays on this machine.
NEVER = [
    "amqp",
    "amqps",
    "aprs",
    "awswhatsapp",
    "blink1",
    "dbus",
    "deltachat",
    "file",
    "gnome",
    "glib",
    "growl",
    "https",
    "http",
    "irc",
    "ircs",
    "kde",
    "macosx",
    "mailto",
    "mailtos",
    "mqtt",
    "mqtts",
    "qt",
    "rsyslog",
    "ses",
    "smpp",
    "smpps",
    "sns",
    "syslog",
    "tcp",
    "vapid",
    "windows",
    "xmpp",
    "xmpps",
]
# Options that say how or whom it is asked, or that read what is not theirs.
POWERFUL = {"attach", "avatar_url", "cto", "format", "image", "mode", "overflow", "redirect", "rto", "store", "to", "verify"}
BAD_OPTIONS = [
    "verify=no",
    "verify=No",
    "cto=9999",
    "rto=9999",
    "format=html",
    "overflow=split",
    "redirect=yes",
    "attach=file:///etc/passwd",
    "to=all",
    "store=yes",
    "image=yes",
    "+Host=localhost",
    "-x=y",
    ":x=y",
    "method=get",
    "silent",
    "=yes",
    "silent=",
    "silent=a%00b",
    "Silent=yes",
    "silent=yes&verify=no",
    "tags=a",
    "emojis=yes",
    "retry=9",
    "wait=9",
    "tz=x",
    "template=/etc/passwd",
]
NO_URLS = [
    r"slack",
    r"slack:",
    r"slack://",
    r"://a/b",
    r"slack:/a/b",
    r"slack://a,tgram://b",
    r"slack://a;b",
    r"slack://a#b",
    r"slack://a%0d%0ab",
    r"slack://a%00",
    r"slack://a%",
    r"slack://a%zz",
    r"slack://a%7f",
    r"slack://é",
    r"slack://a\b",
    r"slack://{a}",
    r"slack://a?b?c=d",
    r"json://",
    r"json:///x",
    r"json://@/x",
    r"json://a@b@c/x",
    r"json://a.example.org:22/",
    r"json://a.example.org:0/",
    r"json://a.example.org:99999/",
    r"json://a..b/",
    r"json://-a/",
    r"json://a.example.org/b@c",
    r"json://[::1]/",
    r"json://a%2eb/",
    r"ntfys://a/b@c",
]


def source(scheme):
    return Path(importlib.import_module(N_MGR[scheme].__module__).__file__).read_text(encoding="utf-8")


def templates(scheme):
    return [str(template) for template in N_MGR[scheme].templates]


@pytest.mark.parametrize("scheme", FIXED)
def test_no_url_of_a_provider_for_everybody_names_a_host(scheme):
    assert not [template for template in templates(scheme) if "{host}" in template]


@pytest.mark.parametrize("scheme", FIXED)
def test_the_hosts_of_a_provider_are_those_that_apprise_asks(scheme):
    text = source(scheme)

    assert [] == [host for host in FIXED[scheme].hosts if not re.search(rf"[/\"'.]{re.escape(host.removeprefix('.'))}\b", text)]


@pytest.mark.parametrize("scheme", HOSTED)
def test_every_url_of_the_others_names_a_host_or_is_for_everybody(scheme):
    assert [template for template in templates(scheme) if "{host}" in template]


@pytest.mark.parametrize("scheme", [*FIXED, *HOSTED])
def test_apprise_knows_the_scheme_and_asks_by_the_web(scheme):
    plugin = N_MGR[scheme]

    assert plugin.enabled
    assert "requests" in source(scheme)


@pytest.mark.parametrize("scheme", [*FIXED, *HOSTED])
def test_every_option_is_one_of_apprise_and_none_of_those_that_change_how_it_is_asked(scheme):
    known = {*N_MGR[scheme].template_args, *N_MGR[scheme].template_tokens} | ({"tags"} if "ntfy" in scheme else set())
    options = (FIXED | HOSTED)[scheme].options

    assert set() == options - known
    assert set() == options & POWERFUL


def test_each_scheme_for_everybody_has_an_example():
    assert FIXED.keys() | ANYBODYS.keys() == URLS.keys()


@pytest.mark.parametrize("url", EVERYBODYS)
def test_what_everybody_may_use_leads_to_the_provider(url):
    way = read(url)

    assert not way.named
    assert way.hosts
    assert made(way.url) is not None


@pytest.mark.parametrize("url", STAFFS)
def test_what_names_a_host_leads_there_and_nowhere_else(url):
    way = read(url)

    assert way.named
    (host,) = way.hosts
    assert host.endswith(".example.org")
    assert f"{way.provider.name}: {host}" == way.label
    assert made(way.url) is not None


@pytest.mark.parametrize("scheme", NEVER)
def test_schemes_that_are_not_listed_are_refused_also_if_apprise_knows_them(scheme):
    with pytest.raises(NotTaken, match=f"{scheme}:// is not among"):
        read(f"{scheme}://host.example.org/a/b")


@pytest.mark.parametrize("option", BAD_OPTIONS)
@pytest.mark.parametrize("url", ["tgram://123456789:abcdefg_hijabcdefg_hijabcdefg_hijab/123", "jsons://chat.example.org/x"])
def test_options_that_are_not_listed_are_refused(url, option):
    with pytest.raises(NotTaken, match=r"option|Enter a URL"):
        read(f"{url}?{option}")


@pytest.mark.parametrize("url", ["", "slack://a b", "slack://a\nb", f"slack://{'a' * 1_000}", *NO_URLS])
def test_what_is_no_url_of_apprise_is_refused(url):
    with pytest.raises(NotTaken):
        read(url)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("ntfys://topic", False),
        ("ntfys://topic/", False),
        ("ntfys://ntfy.sh/topic", False),
        ("ntfys://evil.example.org", True),
        ("ntfys://ntfy.sh.example.org/topic", True),
        ("ntfys://ntfy.sh@example.org/topic", True),
        ("ntfys://example.org/ntfy.sh", True),
        ("ntfy://topic", True),
        ("workflows://a.logic.azure.com/w/s", False),
        ("workflows://logic.azure.com.example.org/w/s", True),
        ("workflows://alogic.azure.com/w/s", True),
    ],
)
def test_hosts_that_everybody_may_name_are_the_providers(url, named):
    assert named == read(url).named


def test_a_channel_may_be_written_with_its_mark():
    assert "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/%23noc" == read(URLS["slack"]).url


def test_hosts_below_another_are_not_the_same():
    assert is_one_of("acme.zulipchat.com", (".zulipchat.com",))
    assert not is_one_of("zulipchat.com.example.org", (".zulipchat.com",))
    assert not is_one_of("evilzulipchat.com", (".zulipchat.com",))


pieces = st.sampled_from([*EVERYBODYS, *STAFFS, "@", "//", "?", "&", "verify=no", ":80", "%2f", "ntfy.sh", "localhost", "\\", "#"])


@given(st.lists(pieces | st.text(max_size=8), max_size=6).map("".join))
def test_whatever_is_taken_leads_where_it_says_and_is_read_the_same_again(text):
    try:
        way = read(text)
    except NotTaken:
        return

    assert way == read(way.url)
    assert way.hosts
    assert way.named or way.hosts == way.provider.hosts or is_one_of(way.hosts[0], ANYBODYS[way.url.partition(":")[0]])
    assert not re.search(r"[\x00-\x20\x7f-\U0010ffff]", way.url)
    assert set(re.findall(r"[?&](\w+)=", way.url)) <= way.provider.options


def test_the_guide_lists_them_all():
    guide = (Path(__file__).parents[3] / "docs/media.md").read_text(encoding="utf-8")
    rows = [row.split(" | ") for row in guide.splitlines() if row.startswith("| ") and "://" in row]
    named = {scheme: row for row in rows for scheme in re.findall(r"`(\w+)://", " ".join(row[:2])) if not scheme.startswith("http")}

    assert set() == (FIXED.keys() | HOSTED.keys()) ^ named.keys()
    for scheme, provider in FIXED.items():
        assert list(provider.hosts) == re.findall(r"`([\w.-]+)`", named[scheme][2])
    for scheme, provider in (FIXED | HOSTED).items():
        assert sorted(provider.options) == re.findall(r"`(\w+)`", named[scheme][-1])

"""Which addresses and URLs Argus lets users send it to."""

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.media.outgoing import Outgoing, Refused, is_public

PUBLIC = ["8.8.8.8", "192.0.1.1", "172.32.0.1", "223.255.255.255", "2001:4860:4860::8888", "2a00:1450::1", "64:ff9b::808:808"]
CLOSED = [
    "0.0.0.0",  # noqa: S104 - an address to be refused
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", CLOSED)
def test_all_other_addresses_are_not(address):
    assert not is_public(ipaddress.ip_address(address))


@given(st.ip_addresses() | st.sampled_from(CLOSED).map(ipaddress.ip_address))
@example(ipaddress.ip_address("10.255.255.255"))
def test_nothing_that_python_knows_to_be_closed_is_public(address):
    """Whatever `ipaddress` calls private, local, reserved or multicast is not public here either."""
    closed = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified

    assert not (closed and is_public(address))


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_as_public_as_by_itself(address):
    """An IPv4 address written as IPv6, or behind a translator, is judged by what it is."""
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    translated = ipaddress.IPv6Address(f"64:ff9b::{address}")

    assert {is_public(address)} == {is_public(mapped), is_public(translated)}


@pytest.mark.parametrize(
    ("url", "spelling"),
    [
        ("https://Hooks.Example.org:443/a?b=c#d", "https://hooks.example.org/a?b=c"),
        ("http://hooks.example.org:8080/", "http://hooks.example.org:8080/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://8.8.8.8/x", "https://8.8.8.8/x"),
        ("https://[2001:4860:4860::8888]/", "https://[2001:4860:4860::8888]/"),
    ],
)
def test_urls_of_the_web_get_one_spelling(url, spelling):
    checked = Outgoing().check(url)

    assert spelling == checked
    assert checked == Outgoing().check(checked)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "//hooks.example.org/",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https:///path",
        "https://",
        "https://user:secret@hooks.example.org/",
        "https://user@hooks.example.org/",
        "http://hooks.example.org:25/",
        "http://hooks.example.org:0/",
        "http://hooks.example.org:99999/",
        "http://hooks.example.org:x/",
        "http://127.0.0.1/",
        "http://[::1]:8080/",
        "http://[::ffff:169.254.169.254]/",
        "http://169.254.169.254/latest/meta-data/",
        "https://hooks.example.org/\r\nX: y",
        "https://hooks.example.org/" + "x" * 70_000,
    ],
)
def test_other_urls_are_refused(url):
    with pytest.raises(Refused):
        Outgoing().check(url)


@given(st.text(max_size=30).map("http://".__add__) | st.text(max_size=30))
@example("http://[")
@example("http://\udc80/")
@example("http://xn--/")
@example("http://1.2.3.4.5/")
def test_any_text_is_taken_or_refused(text):
    """No text that a user may enter does anything else than being refused or getting one spelling."""
    try:
        checked = Outgoing().check(text)
    except Refused:
        return
    assert checked == Outgoing().check(checked)


def test_networks_that_the_operator_lists_are_allowed():
    outgoing = Outgoing.of({"ARGUS_OUTGOING_ALLOW": "10.1.2.0/24, fd00::/8,192.168.1.7,"})

    assert [outgoing.check(url) for url in ("http://10.1.2.3/", "http://[fd00::1]/", "http://192.168.1.7/")]
    for url in ("http://10.1.3.1/", "http://192.168.1.8/", "http://127.0.0.1/"):
        with pytest.raises(Refused):
            outgoing.check(url)


@pytest.mark.parametrize("networks", ["10.1.2.3/24", "example.org", "10.0.0.0/33", "10.0.0.0/8 192.168.0.0/16"])
def test_what_is_no_list_of_networks_is_named(networks):
    with pytest.raises(ValueError, match="ARGUS_OUTGOING_ALLOW has"):
        Outgoing.of({"ARGUS_OUTGOING_ALLOW": networks})

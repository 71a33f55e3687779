"""Which e-mail addresses there can be, and how a mail server is told."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.media.addresses import for_envelope, is_address

GOOD = [
    "alice@example.org",
    "Alice.B+argus@EXAMPLE.org",
    "o'hara!#$%&*/=?^_`{|}~-@mail.example.co.uk",
    "ola@localhost",
    "ola@bücher.example",
    "ola@straße.example",
    "ola@xn--bcher-kva.example",
    f"{'x' * 64}@example.org",
]
BAD = [
    "",
    "@",
    "no-address",
    "a@b",
    "a@b.c",
    "a b@example.org",
    ".a@example.org",
    "a..b@example.org",
    "a.@example.org",
    "ærlig@example.org",
    '"a b"@example.org',
    "a@[127.0.0.1]",
    "a@127.0.0.1",
    "a@exa_mple.org",
    "a@-example.org",
    "a@example-.org",
    "a@example..org",
    "a@example.org.",
    "a@example.org\nBcc: b@example.org",
    "Ola <ola@example.org>",
    "a@example.org, b@example.org",
    "a@example.org>",
    f"{'x' * 65}@example.org",
    f"a@{'x' * 64}.org",
    f"a@{'x.' * 130}org",
    "a@\udcffexample.org",
    "a@exa\x00mple.org",
]


@pytest.mark.parametrize("address", GOOD)
def test_addresses_that_mail_can_be_sent_to_are_taken(address):
    assert is_address(address)


@pytest.mark.parametrize("address", BAD)
def test_what_is_no_address_is_not_taken(address):
    assert not is_address(address)


@given(st.text(max_size=20), st.text(max_size=20))
@example("a", "ß.example")
@example("a", "İ.example")
def test_whatever_is_taken_is_a_plain_word_in_the_envelope(local, host):
    """An address that is taken becomes ASCII without blanks, brackets or quotes: it cannot end its line of SMTP or begin another."""
    address = f"{local}@{host}"

    if is_address(address):
        envelope = for_envelope(address)
        assert envelope.isascii()
        assert envelope.isprintable()
        assert not set(envelope) & set(' <>"(),:;\\')


def test_the_part_before_the_host_stays_as_it_was_written():
    assert "Ola@xn--bcher-kva.EXAMPLE".lower() == for_envelope("Ola@bücher.EXAMPLE").lower()
    assert for_envelope("Ola@bücher.example").startswith("Ola@")

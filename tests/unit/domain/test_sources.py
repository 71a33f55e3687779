"""Where an incident's details are."""

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.limits import url_problem
from argus_core.domain.sources import details_address

BASES = ["https://nms.example.org/", "http://nms.example.org/a/b?c=d", "ftp://files.example.org", "nonsense", ""]
PARTS = st.lists(
    st.sampled_from(["http", "https", "://", ":", "/", "//", "..", ".", "a", "B", "9", "-", "?", "#", "[", "]", "@", "%41", " ", "ä", ";"])
)


@given(st.sampled_from(BASES), st.sampled_from(["", "https://", "http://a", "https://nms.example.org/"]), PARTS)
def test_it_is_what_both_addresses_make_if_that_is_one(base, beginning, parts):
    url = beginning + "".join(parts)
    try:
        together = urljoin(base, url)
    except ValueError:
        together = url
    expected = url if not base or not url or url_problem(together) else together

    assert expected == details_address(base, url)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("/alarm/1", "https://nms.example.org/alarm/1"),
        ("alarm/1", "https://nms.example.org/alarm/1"),
        ("https://elsewhere.example.org:8443/alarm/1", "https://elsewhere.example.org:8443/alarm/1"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("", ""),
    ],
)
def test_it_is_seen_from_the_source(url, address):
    assert address == details_address("https://nms.example.org/", url)

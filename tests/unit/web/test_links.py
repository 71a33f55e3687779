"""Addresses lead to lists, and never to what browsers would run."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.container import address_of_pages
from adapters.settings import Settings
from adapters.web.links import list_link, web_link
from argus_core.domain.tags import tags_said

OURS, THEIRS = "https://argus.example.org", "https://front.example.org"


@pytest.mark.parametrize("url", ["https://nav.example.org/1?a=b#c", "http://nav.example.org", "HTTPS://nav.example.org/"])
def test_addresses_of_the_web_are_links(url):
    assert url == web_link(url)


@pytest.mark.parametrize(
    "url",
    [
        *("", "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,<script>"),
        *(
            "ftp://nav.example.org/1",
            "//nav.example.org/1",
            "/relative",
            "https:nav.example.org",
            "https://",
            'https://a"onclick="b',
            "https://[::",
        ),
    ],
)
def test_other_addresses_are_not(url):
    assert not web_link(url)


def test_a_list_is_asked_for_as_the_api_is():
    link = list_link(open=True, acked=None, source__id__in=7, tags="a=æ&b,c=d", start_time__gte=datetime(2024, 3, 1, 12, tzinfo=UTC))

    assert "/incidents/" == urlsplit(link).path
    assert {"open": ["true"], "source__id__in": ["7"], "tags": ["a=æ&b,c=d"], "start_time__gte": ["2024-03-01T12:00:00Z"]} == parse_qs(
        urlsplit(link).query
    )


@pytest.mark.parametrize(
    ("tags", "said"), [(["a=1", "b=2"], "a=1,b=2"), (["a=1,2"], None), (["a="], None), (["a= 1"], None), (["lame"], None)]
)
def test_tags_that_a_list_cannot_be_asked_for_are_known(tags, said):
    assert said == tags_said(tags)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (Settings(), ""),
        (Settings(public_url=OURS), OURS),
        (Settings(frontend_url=THEIRS), THEIRS),
        (Settings(public_url=OURS, frontend_url=THEIRS), THEIRS),
    ],
)
def test_messages_lead_to_our_pages_unless_there_are_others(settings, address):
    assert address == address_of_pages(settings)

"""How an incident reads as a ticket, and that nothing in it is taken for markup."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.tickets.jira import _verbatim
from adapters.tickets.wording import MOST_FACTS, MOST_TITLE, facts, markdown, reference, title
from argus_core.conformance import LONG_AGO, sample_notification
from argus_core.domain.actors import Actor
from argus_core.domain.tags import TagOn

INCIDENT = sample_notification().incident
OLA = Actor(id=2, username="ola")


def described(text, **changes):
    return replace(INCIDENT, description=text, **changes)


def test_the_title_is_the_first_line_that_says_something():
    assert title(described("\n  \n Router\tdown \r\nsince noon")) == "Router down"


def test_an_incident_without_a_description_is_named_by_where_it_comes_from():
    assert title(described(" \n")) == "Incident 42 from nav-oslo"


def test_a_long_title_is_cut():
    assert title(described("x" * 1_000)) == "x" * (MOST_TITLE - 1) + "…"


def test_the_facts_are_all_there():
    incident = described(
        "Router down\r\nsince noon", end_time=LONG_AGO, tags=tuple(TagOn(tag, 1, LONG_AGO) for tag in ("host=gw1", "site=oslo"))
    )

    assert facts(incident, actor=OLA).splitlines() == [
        "Router down",
        "since noon",
        "",
        "Level: 1 (critical)",
        "Source: nav-oslo (nav)",
        "Known there as: ключ-7",
        "Started: 2020-02-20 20:02:20 UTC",
        "Ended: 2020-02-20 20:02:20 UTC",
        "Tags: host=gw1, site=oslo",
        "Details: https://nav.example.org/?id=7&a=%00",
        "Ticket made by: ola",
    ]


def test_what_is_empty_is_left_out():
    incident = described("", source_incident_id="", details_url="", tags=())

    assert [line.partition(":")[0] for line in facts(incident, actor=OLA).splitlines()] == ["Level", "Source", "Started", "Ticket made by"]


def test_a_long_description_leaves_room_for_the_facts():
    text = facts(described("x\n" * 40_000), actor=OLA)

    assert len(text) <= MOST_FACTS
    assert text.endswith("Ticket made by: ola")


def test_many_tags_do_not_make_it_too_long():
    tags = tuple(TagOn(f"key{number}={'x' * 1_000}", 1, LONG_AGO) for number in range(256))

    text = facts(described("Router down", tags=tags), actor=OLA)

    assert (len(text), text.splitlines()[0]) == (MOST_FACTS, "Router down")


def test_a_value_cannot_pass_for_another_fact():
    text = facts(described("", source_incident_id="7\nLevel: 5"), actor=OLA)

    assert "Known there as: 7 Level: 5" in text.splitlines()


def test_the_reference_links_when_there_is_a_link():
    assert reference(INCIDENT, "https://argus.example.org/42/") == "Incident 42 in Argus: https://argus.example.org/42/"
    assert reference(INCIDENT, "") == "Incident 42 in Argus"


@given(st.text() | st.sampled_from(["/close", "```\n/close\n```", "a\x0b/close", "a\u2028@all", "a\r@all", "<!-- -->\x1c/label ~x"]))
@example("\n\n/assign @all\n")
def test_every_line_of_markdown_is_code(text):
    """However the receiving side splits lines, each begins with four blanks: code, in which nothing is mentioned, run or fetched."""
    for line in markdown(text).splitlines():
        assert line.startswith("    ")


@pytest.mark.parametrize("closing", ["{noformat}", "{NoFormat}", "{noformat:title=x}", "{{noformat}}"])
def test_a_description_cannot_end_jiras_verbatim_text(closing):
    text = _verbatim(f"before {closing} !http://evil.example.org/x.png!")

    assert text.lower().count("{noformat") == 2
    assert (text.startswith("{noformat}\n"), text.endswith("\n{noformat}")) == (True, True)

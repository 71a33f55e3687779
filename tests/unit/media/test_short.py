"""What is left of a notification in a text message."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.media.short import MOST_OTHER, MOST_SIMPLE, SIMPLE, TWO_PLACES, shortened
from argus_core.conformance import sample_notification
from argus_core.domain.notifications import compose

LINK = "https://argus.example.org/incidents/42/"


def is_simple(text):
    return set(text) <= SIMPLE | TWO_PLACES


def places(text):
    return sum(2 if character in TWO_PLACES else 1 for character in text) if is_simple(text) else len(text.encode("utf-16-le")) // 2


def test_a_short_notification_is_whole():
    assert f"[critical] nav-oslo\nRouter down\n{LINK}" == shortened("[critical] nav-oslo", "Router  down\n", LINK)


def test_what_the_subject_says_already_is_not_said_again():
    assert "Router down\nin Oslo" == shortened("Router down", "Router down\nin Oslo", "")


def test_a_link_in_the_text_is_not_said_twice():
    assert f"Router down\nSee\n{LINK}" == shortened("Router down", f"See {LINK}", LINK)


def test_the_text_is_cut_at_a_word_and_subject_and_link_stay_whole():
    subject = "[critical] nav-oslo: Router down"

    short = shortened(subject, "word " * 500, LINK)

    lines = short.split("\n")
    assert [subject, LINK] == [lines[0], lines[-1]]
    assert lines[1].endswith("word...")
    assert MOST_SIMPLE - 10 < len(short) <= MOST_SIMPLE


def test_typographic_characters_do_not_cost_the_simple_alphabet():
    quoted = "\N{LEFT DOUBLE QUOTATION MARK}Router\N{RIGHT DOUBLE QUOTATION MARK} \N{EN DASH} down\N{HORIZONTAL ELLIPSIS}"

    assert '"Router" - down...' == shortened(quoted, "", "")


def test_other_alphabets_have_less_room_and_are_not_changed():
    short = shortened("Отказ маршрутизатора", "шлюз " * 100, LINK)

    assert short.startswith("Отказ маршрутизатора\nшлюз шлюз")
    assert short.endswith(LINK)
    assert len(short) <= MOST_OTHER


def test_what_is_cut_away_does_not_decide_the_alphabet():
    short = shortened("Router down", "word " * 200 + "🔥", "")

    assert len(short) > MOST_OTHER


def test_a_link_that_leaves_no_room_for_the_meaning_goes():
    assert "Router down" == shortened("Router down", "", "https://argus.example.org/" + "x" * 300)


def test_the_alphabet_of_phones_has_no_letters_more():
    assert (127, 10) == (len(SIMPLE), len(TWO_PLACES))  # GSM 03.38: 128 places, one of which leads to the other ten


@pytest.mark.parametrize(("said", "most"), [("Netbox 11 is down. ", MOST_SIMPLE), ("Маршрутизатор не отвечает. ", MOST_OTHER)])
def test_however_long_an_incident_is_its_meaning_comes_first_and_stays(said, most):
    sample = sample_notification()
    incident = replace(sample.incident, description=said * 400)
    notification = compose(id="m", incident=incident, events=sample.events, zone="UTC", frontend="https://argus.example.org")

    short = shortened(notification.subject, notification.text, notification.link)

    assert short.startswith(f"[1 critical] nav-oslo: open, comment by ola: {said[:20]}")
    assert short.endswith("\nhttps://argus.example.org/incidents/42/")
    assert most - 40 < places(short) <= most


@given(st.text(max_size=400), st.text(max_size=600), st.sampled_from(["", LINK, "https://argus.example.org/" + "x" * 400]))
@example("x" * 400, "y" * 400, LINK)
@example("🔥" * 200, "🔥" * 200, LINK)
@example("€" * 200, "€" * 400, "")
@example("a b", "", "")
def test_a_message_always_fits(subject, text, link):
    """Whatever the notification says, the message has no more places than two parts have."""
    short = shortened(subject, text, link)

    assert places(short) <= MOST_SIMPLE
    assert is_simple(short) or len(short.encode("utf-16-le")) // 2 <= MOST_OTHER

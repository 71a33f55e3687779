"""What users, tokens and sources may be called, and how long tokens live."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.accounts import NAME_BYTES, Token, User, actor_of, check_user, lifetime_ends
from argus_core.domain.actors import Actor
from argus_core.domain.errors import Invalid
from argus_core.domain.ids import TokenId, UserId
from argus_core.domain.limits import KEY_BYTES, URL_BYTES
from argus_core.domain.sources import check_source, check_source_type
from strategies import CAST, MICROSECOND, NOON, near_moments, texts, unstorable_texts


def bad_fields(check, *args, **fields):
    with pytest.raises(Invalid) as refusal:
        check(*args, **fields)
    return list(refusal.value.errors)


def token(expires):
    return Token(id=TokenId(1), user_id=UserId(1), name="", prefix="abcd", digest=b"", created=NOON, expires=expires)


class TestUsers:
    @given(texts.map(str.strip).filter(bool))
    def test_may_be_called_anything_without_blanks_around_it(self, name):
        check_user(name, "", name, name)

    @pytest.mark.parametrize("name", ["", " ", " ola", "ola\n", "\u3000ola"])
    def test_have_a_name_without_blanks_around_it(self, name):
        assert ["username"] == bad_fields(check_user, name, "")

    @given(unstorable_texts)
    def test_have_names_that_can_be_stored(self, text):
        assert ["username", "first_name", "last_name"] == bad_fields(check_user, f"a{text}a", "", text, text)

    def test_have_names_of_bounded_length(self):
        long = "å" * (NAME_BYTES // 2)

        check_user(long, "", long, long)
        assert ["username", "first_name", "last_name"] == bad_fields(check_user, long + "!", "", long + "!", long + "!")

    @pytest.mark.parametrize("email", ["", "ola@example.org", "o.l+a@æ.example.no", "a@b.co"])
    def test_may_have_an_address(self, email):
        check_user("ola", email)

    @pytest.mark.parametrize(
        "email", ["ola", "ola@", "@example.org", "ola@example", "o la@example.org", "a@b@example.org", "a@example.org\n", "a,b@example.org"]
    )
    def test_have_no_address_that_is_none(self, email):
        assert ["email"] == bad_fields(check_user, "ola", email)

    @pytest.mark.parametrize("email", ["a\0@example.org", "\ud800@example.org", "a" * NAME_BYTES + "@example.org"])
    def test_have_an_address_that_can_be_stored(self, email):
        assert ["email"] == bad_fields(check_user, "ola", email)


class TestActors:
    @given(st.booleans(), st.booleans(), st.none() | st.sampled_from(CAST.sources))
    def test_act_with_the_power_of_their_user(self, staff, superuser, source):
        user = User(id=UserId(7), username="ola", staff=staff, superuser=superuser)

        actor = actor_of(user, source)

        assert Actor(id=UserId(7), username="ola", source=source, staff=staff, superuser=superuser) == actor
        assert (source is not None) == actor.is_source

    @given(st.sampled_from(CAST.actors))
    def test_are_shown_by_id_and_name(self, actor):
        assert (actor.id, actor.username) == (actor.person.id, actor.person.username)


class TestTokens:
    def test_live_until_they_expire(self):
        assert [True, False] == [token(NOON).is_live(now) for now in (NOON - MICROSECOND, NOON)]

    @given(near_moments)
    def test_live_for_good_when_they_never_expire(self, now):
        assert token(lifetime_ends(now, None)).is_live(now + timedelta(days=100_000))

    @given(near_moments, st.floats(0.001, 10_000))
    def test_live_for_so_many_days(self, now, days):
        assert now + timedelta(days=days) == lifetime_ends(now, days)


class TestSources:
    @pytest.mark.parametrize("base_url", ["", "https://nav.example.org/"])
    @given(name=texts.filter(str.strip))
    def test_have_a_name_and_maybe_an_address(self, base_url, name):
        check_source(name, base_url)

    @given(unstorable_texts)
    def test_have_what_can_be_stored(self, text):
        assert ["name", "base_url"] == bad_fields(check_source, f"a{text}", f"https://a/{text}")

    def test_have_names_and_addresses_of_bounded_length(self):
        name, url = "n" * KEY_BYTES, "https://a/" + "u" * (URL_BYTES - 10)

        check_source(name, url)
        assert ["name", "base_url"] == bad_fields(check_source, name + "!", url + "!")

    def test_have_no_blank_name_and_no_bad_address(self):
        assert ["name", "base_url"] == bad_fields(check_source, " ", "nowhere")

    @pytest.mark.parametrize("name", ["argus", "a", "0", "net-box_2", "x" * 64])
    def test_have_a_type(self, name):
        check_source_type(name)

    @pytest.mark.parametrize("name", ["", "NAV", "n v", "æ", "a\n", "x" * 65, "\0"])
    def test_have_no_type_of_another_form(self, name):
        assert ["name"] == bad_fields(check_source_type, name)

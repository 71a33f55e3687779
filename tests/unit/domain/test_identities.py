"""What providers say can be stored, and groups become roles only where they were given a meaning."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.accounts import User, check_user
from argus_core.domain.identities import Identity, RoleGroups, acceptable, known_as
from argus_core.domain.ids import UserId

texts = st.text(max_size=300) | st.sampled_from(["", " ", "\x00", "\ud800", "ola@example.org", "@" * 300])
OLA = User(id=UserId(1), username="ola", first_name="Ola", last_name="Nordmann", email="ola@example.org", staff=True)


@given(texts, texts, texts, texts, st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=255))
def test_whatever_a_provider_says_makes_a_user_that_can_be_stored(username, first, last, email, subject):
    said = Identity(issuer="i", subject=subject, username=username, first_name=first, last_name=last, email=email)

    identity = acceptable(said)

    check_user(identity.username, identity.email, identity.first_name, identity.last_name)


@pytest.mark.parametrize(
    ("groups", "staff", "superuser"), [("", False, False), ("a", True, False), ("b", True, True), ("bc", True, True), ("c", False, False)]
)
def test_groups_give_roles_and_take_them(groups, staff, superuser):
    user = RoleGroups(staff=["a", "b"], superuser=["b"]).applied(OLA, frozenset(groups))

    assert (staff, superuser) == (user.staff, user.superuser)


def test_a_provider_has_no_say_in_roles_for_which_no_group_is_named():
    assert OLA == RoleGroups().applied(OLA, frozenset("abc"))


def test_somebody_is_called_as_the_provider_says_but_logs_in_by_the_same_name():
    said = Identity(issuer="i", subject="s", username="other", first_name="Kari", email="kari@example.org")

    user = known_as(OLA, said)

    assert replace(OLA, first_name="Kari", email="kari@example.org") == user

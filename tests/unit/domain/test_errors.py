"""Refusals say in one sentence why."""

import pytest

from argus_core.domain import errors
from argus_core.domain.errors import AlreadyClosed, DomainError, ForeignTags, Invalid, NotAllowed, NotAllowedNow, NotFound
from argus_core.ports.media import BadSettings, TryLater, Undeliverable
from argus_core.ports.tickets import TicketFailed


def simple_errors():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DomainError)]
    return [kind for kind in kinds if kind not in (Invalid, ForeignTags)]


@pytest.mark.parametrize("kind", simple_errors())
def test_the_docstring_of_an_error_is_its_message(kind):
    assert kind.__doc__ == kind().message == str(kind())
    assert kind.__doc__.endswith(".")


def test_an_error_may_be_more_precise():
    assert NotFound("No Incident matches the given query.").message == "No Incident matches the given query."


def test_a_bad_value_tells_of_every_field():
    error = Invalid({"level": "Too bad.", "": "Do not fit."})

    assert error.message == "level: Too bad. Do not fit."
    assert {"level": "Too bad.", "": "Do not fit."} == error.errors


def test_foreign_tags_are_named():
    error = ForeignTags(("a=1", "b=2"))

    assert ("a=1", "b=2") == error.tags
    assert ForeignTags.__doc__ == error.message


def test_what_is_refused_for_good_is_told_from_what_is_refused_now():
    assert issubclass(ForeignTags, NotAllowed)
    assert issubclass(AlreadyClosed, NotAllowedNow)
    assert not issubclass(AlreadyClosed, NotAllowed)


def test_bad_settings_are_bad_values():
    assert {"email_address": "No."} == BadSettings({"email_address": "No."}).errors


def test_a_provider_may_say_when_to_try_again():
    assert (None, 2.5) == (TryLater("busy").after, TryLater("busy", after=2.5).after)


@pytest.mark.parametrize("kind", [TryLater, Undeliverable, TicketFailed])
def test_failures_of_others_are_no_refusals_of_ours(kind):
    assert not issubclass(kind, DomainError)

"""How tags are written."""

import pytest
from hypothesis import given

from argus_core.domain.errors import Invalid
from argus_core.domain.limits import TAG_BYTES
from argus_core.domain.tags import Tag
from strategies import tags, unstorable_texts


@given(tags)
def test_a_tag_is_read_back_from_what_it_is_written_as(tag):
    assert tag == Tag.parse(str(tag))


@given(tags)
def test_blanks_around_key_and_value_do_not_count(tag):
    assert tag == Tag.parse(f" \t{tag.key} =\n {tag.value} ")


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [("a=b=c", "a", "b=c"), ("empty=", "empty", ""), ("a==", "a", "="), ("0_z=Ærlig talt", "0_z", "Ærlig talt"), ("a=b\nc", "a", "b\nc")],
)
def test_the_first_delimiter_counts(text, key, value):
    assert Tag(key, value) == Tag.parse(text)


@pytest.mark.parametrize("text", ["", "key", "=", "=value", " =value", "Key=1", "a b=1", "a-b=1", "å=1", "٣=1", "a.b=1"])
def test_a_bad_key_or_no_delimiter_is_refused(text):
    with pytest.raises(Invalid) as refusal:
        Tag.parse(text)

    assert ["tag"] == list(refusal.value.errors)


@given(unstorable_texts)
def test_what_cannot_be_stored_is_refused(text):
    with pytest.raises(Invalid) as refusal:
        Tag.parse(f"key={text}!")

    assert ["tag"] == list(refusal.value.errors)


def test_a_tag_may_be_as_long_as_the_bound():
    value = "å" * ((TAG_BYTES - len("k=")) // 2)

    assert value == Tag.parse(f"k={value}").value
    with pytest.raises(Invalid):
        Tag.parse(f"kk={value}")

"""What may be stored: every bound from both sides."""

import json
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.errors import Invalid
from argus_core.domain.limits import (
    EARLIEST,
    LATEST,
    METADATA_BYTES,
    METADATA_DEPTH,
    URL_BYTES,
    metadata_problem,
    moment_problem,
    require,
    same_json,
    text_problem,
    url_problem,
)
from strategies import MICROSECOND, json_values, moments, moments_not_in_utc, moments_out_of_bounds, texts, unstorable_texts, urls


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


class TestText:
    @given(texts, st.integers(0, 60))
    def test_is_measured_in_bytes(self, text, most):
        assert (len(text.encode()) > most) == (text_problem(text, most) is not None)

    @pytest.mark.parametrize("character", ["a", "å", "€", "🔥"])
    def test_may_be_as_long_as_the_bound(self, character):
        most = 12 * len(character.encode())

        assert text_problem(character * 12, most) is None
        assert f"Ensure this field has no more than {most} bytes." == text_problem(character * 12 + "!", most)

    @given(unstorable_texts)
    def test_holds_no_null_and_no_lone_surrogate(self, text):
        assert "Null characters" in text_problem(text, 1_000)


class TestUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "http://a",
            "HTTPS://Example.ORG/",
            "ftp://example.org/file",
            "ftps://user:pass@example.org:21/",
            "http://user@example.org",
            "http://user:@example.org",
            "http://localhost:8000?q=ø#top",
            "http://192.0.2.1/",
            "http://[2001:db8::1]:8000/path",
            "https://æøå.example/path;a=b/?c=[d]",
            "https://example.org/" + "a" * (URL_BYTES - 20),
        ],
    )
    def test_may_be_absolute_http_or_ftp(self, url):
        assert url_problem(url) is None

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "example.org",
            "//example.org",
            "/path",
            "http:example.org",
            "http://",
            "http:///path",
            "http://:80/",
            "http://@/",
            "http://example.org:",
            "http://example.org:123456",
            "http://example.org:8o",
            "http://example.org:٨٠",
            "http://exa mple.org",
            "http://example.org/a b",
            'http://example.org/"onclick=',
            "http://example.org/<b>",
            "http://<b>/",
            "http://[nonsense]/",
            "http://[::1",
            "http://example.org\n",
            " http://example.org",
            "http\u017f://example.org",
            "javascript:alert(1)",
            "javascript://example.org/%0Aalert(1)",
            "data:text/html,hi",
            "mailto:ola@example.org",
            "file:///etc/passwd",
            "http://example.org/\0",
            "http://example.org/\udfff",
            "https://example.org/" + "a" * (URL_BYTES - 19),
        ],
    )
    def test_is_nothing_else(self, url):
        assert url_problem(url) == "Enter a valid URL."

    @given(urls, unstorable_texts)
    def test_holds_no_null_and_no_lone_surrogate(self, url, text):
        assert url_problem(f"{url}/{text}") == "Enter a valid URL."


class TestMoment:
    @given(moments)
    def test_lies_between_1900_and_9998(self, moment):
        assert moment_problem(moment) is None

    @given(moments_out_of_bounds)
    def test_lies_nowhere_else(self, moment):
        assert moment_problem(moment) == "Ensure this time lies between the years 1900 and 9998."

    def test_may_be_as_early_and_late_as_the_bounds(self):
        assert [None, None] == [moment_problem(EARLIEST), moment_problem(LATEST)]
        assert moment_problem(EARLIEST - MICROSECOND)
        assert moment_problem(LATEST + MICROSECOND)
        assert (datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)) == (EARLIEST, LATEST + MICROSECOND)

    @given(moments_not_in_utc)
    def test_is_aware_and_in_utc(self, moment):
        with pytest.raises(ValueError, match="aware UTC datetimes only"):
            moment_problem(moment)


class TestMetadata:
    @given(json_values)
    def test_may_be_any_json(self, value):
        assert metadata_problem(value) is None

    @given(unstorable_texts)
    def test_holds_no_text_that_cannot_be_stored(self, text):
        for value in (text, [text], {text: 1}, {"a": [{"b": text}]}):
            assert "Null characters" in metadata_problem(value)

    @pytest.mark.parametrize("number", [1.7976931348623157e308, -1.7976931348623157e308, 10**308, -(10**308), 2**63, 5e-324, -0.0])
    def test_holds_numbers_that_fit_a_float(self, number):
        assert metadata_problem({"a": [number]}) is None

    @pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 10**309, -(10**309), 2**1024])
    def test_holds_no_other_numbers(self, number):
        assert metadata_problem({"a": [number]}) == "Numbers must fit a 64-bit float."

    def test_is_nested_up_to_a_bound(self):
        for fits in (nested(METADATA_DEPTH), {"a": nested(METADATA_DEPTH - 1)}, ({"a": nested(METADATA_DEPTH - 2)},)):
            assert metadata_problem(fits) is None
            assert f"Ensure this field is nested no deeper than {METADATA_DEPTH} levels." == metadata_problem([fits])

    def test_many_thousand_levels_are_refused_and_not_descended_into(self):
        assert "nested" in metadata_problem(nested(100_000))

    @pytest.mark.parametrize("members", [[object()] * METADATA_BYTES, dict.fromkeys(map(str, range(METADATA_BYTES)), object())], ids=type)
    def test_what_has_too_many_members_is_refused_and_none_is_looked_at(self, members):
        assert f"Ensure this field has no more than {METADATA_BYTES} bytes." == metadata_problem({"a": members})

    @pytest.mark.parametrize("character", ["a", "å", "🔥"])
    def test_is_measured_as_compact_json_in_bytes(self, character):
        fits = {"a": character * ((METADATA_BYTES - len('{"a":""}')) // len(character.encode()))}

        assert metadata_problem(fits) is None
        assert f"Ensure this field has no more than {METADATA_BYTES} bytes." == metadata_problem({**fits, "b": 1})


class TestSameJson:
    @given(json_values)
    def test_json_is_the_same_as_itself(self, value):
        assert same_json(value, json.loads(json.dumps(value)))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (True, 1),
            (False, 0),
            ([1], [True]),
            ({"a": 0}, {"a": False}),
            ([], {}),
            ("1", 1),
            (None, False),
            ([1], [1, 2]),
            ({"a": 1}, {"b": 1}),
        ],
    )
    def test_different_json_is_not_the_same(self, one, other):
        assert not same_json(one, other)
        assert not same_json(other, one)

    def test_how_containers_are_built_does_not_matter(self):
        assert same_json({"a": (1, 2.0)}, MappingProxyType({"a": [1.0, 2]}))


class TestRequire:
    def test_goes_on_without_problems(self):
        require({"a": None, "b": ""})

    def test_names_every_field_that_has_one(self):
        with pytest.raises(Invalid) as refusal:
            require({"a": "Bad.", "b": None, "c": "Worse."})

        assert {"a": "Bad.", "c": "Worse."} == refusal.value.errors

"""A little of what `make fuzz` does for longer, and everything it has found."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.inputs import inputs
from fuzz.targets import TARGETS

FINDINGS = [
    # A number that no process has, and that the system cannot even be asked about.
    ("pid_file", b"99999999999999999999\n"),
    # A folder whose name is too long to be asked about.
    ("pid_file", b"4711\n/var/lib/argus/postgres\n1763884800\n5432\n/" + b"9" * 300 + b"\n\n  0 0\nready   \n"),
    # More weeks than a span can have.
    ("duration", b"999989999w"),
    # Within a text, msgspec has another error for what is no UTF-8.
    ("metadata", b'{"a": "\xff"}'),
    ("lines", b'{"name": "\xff"}'),
    ("world", b'{"users": [{"username": "\xff"}]}'),
    ("backup", b'{"argus": "\xff"}'),
    # More levels than the stack has.
    *(
        (name, opening * 3000)
        for name in ("settings", "world", "lines", "backup")
        for opening in (b"[", b'{"a":', b'{"users":', b"a=[", b'[{"a":')
    ),
    ("table", b"1,2026-11-23T08:00:00Z," + b"[" * 3000),
    ("settings", b"a = " + b"[" * 3000),
    ("settings", b"a = " + b"{a = " * 3000),
    ("world", b'{"users": ' + b"[" * 3000),
]


@pytest.mark.parametrize("name", TARGETS)
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_each_parser_takes_or_refuses_whatever_it_is_given(name, data):
    TARGETS[name](data.draw(inputs(TARGETS[name])))


@pytest.mark.parametrize("name", TARGETS)
def test_each_parser_takes_what_is_well_formed(name):
    target = TARGETS[name]

    taken = [_is_taken(target, seed) for seed in target.seeds]

    assert any(taken)


@pytest.mark.parametrize(("name", "found"), FINDINGS)
def test_what_was_found_once_is_taken_or_refused(name, found):
    TARGETS[name](found)


def _is_taken(target, seed):
    try:
        target.take(seed)
    except target.refusals:
        return False
    return True

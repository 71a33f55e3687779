"""Filters as JSON, the way the database keeps them."""

import json

from hypothesis import given

from adapters.db.belongings import definition_columns, definition_from
from argus_core.domain.expressions import parse, written
from strategies import definitions, kept_conditions


@given(definitions())
def test_a_filter_is_read_as_it_was_kept(definition):
    """
    What is empty stays empty, what was not given stays so, and lists keep their order.
    """
    kept = json.dumps(definition_columns(definition))

    assert definition == definition_from(json.loads(kept))


@given(kept_conditions())
def test_a_condition_is_read_as_it_was_written(condition):
    """
    parse(written(condition)) is the condition, whatever an expression can hold.
    """
    assert condition == parse(json.loads(json.dumps(written(condition))))

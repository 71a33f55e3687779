"""What belongs to whom."""

from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.profiles import belongings_of
from strategies import belongings, happenings


@given(st.data())
def test_things_find_their_owners(data):
    happening, texts = data.draw(happenings())
    owned = {owner: data.draw(belongings(happening, texts, owner)) for owner in data.draw(st.sets(st.integers(1, 3)))}
    things = [thing for one in owned.values() for some in (one.timeslots, one.filters, one.destinations, one.profiles) for thing in some]

    assert owned == belongings_of(things)

"""What a roundup tells."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.incidents import Level
from argus_core.domain.notifications import AskedBy
from argus_core.domain.roundups import FEW, MOST_COUNTED, MOST_LISTED, Kept, Roundup, compose_roundup
from strategies import NOON, incidents

some_kept = st.lists(st.builds(Kept, incidents, st.booleans()), max_size=6).map(tuple)


@given(some_kept)
def test_every_incident_is_in_one_part_worst_first(kept):
    roundup = Roundup(title="t", now=NOON, kept=kept)
    parts = (roundup.open, roundup.resolved, roundup.stateless)

    assert sorted(map(id, kept)) == sorted(id(one) for part in parts for one in part)
    assert all(one.incident.is_open(NOON) for one in roundup.open)
    assert all(one.incident.stateful and not one.incident.is_open(NOON) for one in roundup.resolved)
    assert not any(one.incident.stateful for one in roundup.stateless)
    for part in parts:
        assert sorted(one.incident.level for one in part) == [one.incident.level for one in part]


@given(some_kept)
def test_a_message_names_each_incident_once(kept):
    roundup = Roundup(title="Maintenance is over", now=NOON, kept=kept)

    message = compose_roundup(id="1", roundup=roundup, zone="UTC", frontend="https://argus.example.org/", profiles=(AskedBy("All"),))

    named = [line for line in message.text.splitlines() if line.startswith("- [")]
    assert len(kept) == len(named)
    for one in kept:
        assert f"https://argus.example.org/incidents/{one.incident.id}/" in message.text
    assert message.subject.startswith("Maintenance is over")
    assert message.text.startswith(message.incident.description)
    assert (message.roundup, message.link) == (True, "https://argus.example.org/incidents/")
    assert "- All" in message.text
    assert min((one.incident.level for one in roundup.open), default=Level.INFORMATION) == message.incident.level


@given(incidents)
def test_too_many_are_counted(incident):
    kept = tuple(Kept(replace(incident, id=number), started=True) for number in range(1, MOST_LISTED + 3))

    message = compose_roundup(id="1", roundup=Roundup(title="t", now=NOON + timedelta(1), kept=kept), zone="UTC")

    assert "- and 2 more" in message.text
    assert (MOST_LISTED, "") == (message.text.count("- ["), message.link)


@given(st.lists(st.builds(Kept, incidents, st.booleans()), min_size=FEW + 1, max_size=FEW + 4).map(tuple))
def test_many_are_counted_by_source_and_tag(kept):
    roundup = Roundup(title="t", now=NOON, kept=kept)

    message = compose_roundup(id="1", roundup=roundup, zone="UTC")

    assert len(kept) == sum(count for _, count in roundup.sources)
    assert sum(len(one.incident.tags) for one in kept) == sum(count for _, count in roundup.tags)
    assert sorted((-count for _, count in roundup.sources)) == [-count for _, count in roundup.sources]
    assert "By source: " in message.text
    assert any(one.incident.tags for one in kept) == ("\nBy tag: " in message.text)


@given(st.lists(st.builds(Kept, incidents, st.booleans()), max_size=FEW).map(tuple))
def test_few_are_not_counted(kept):
    assert "By source: " not in compose_roundup(id="1", roundup=Roundup(title="t", now=NOON, kept=kept), zone="UTC").text


@given(incidents)
def test_of_many_sources_the_loudest_are_named(incident):
    kept = tuple(
        Kept(replace(incident, id=number, source=replace(incident.source, name=f"source {number % (MOST_COUNTED + 2)}")), started=True)
        for number in range(1, 4 * FEW)
    )

    text = compose_roundup(id="1", roundup=Roundup(title="t", now=NOON, kept=kept), zone="UTC").text

    assert ", 2 others." in text
    assert MOST_COUNTED == text.partition("By source: ")[2].partition("\n")[0].count("source ")

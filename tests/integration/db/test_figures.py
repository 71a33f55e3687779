"""Figures for operators count what is there."""

from datetime import timedelta

import pytest

from adapters.db.figures import Pile, figures
from argus_core.domain.incidents import EventType

pytestmark = pytest.mark.anyio


async def execute(database, statement, *values):
    await database.run(lambda connection, _: connection.execute(statement, values))


async def test_open_is_what_has_no_end_or_one_to_come(database, world):
    made = [await world.report() for _ in range(5)]
    ended, to_end, stateless, worse, _ = [incident.id for incident in made]
    await world.service.post(ended, EventType.CLOSE, actor=world.person)
    await execute(database, "update incident set end_time = now() + interval '1 hour' where id = %s", to_end)
    await execute(database, "update incident set stateful = false where id = %s", stateless)
    await execute(database, "update incident set level = 1 where id = %s", worse)

    found = await figures(database)

    source, level = made[0].source, int(made[0].level)
    assert {(source.type, source.name, 1): 1, (source.type, source.name, level): 2} == found.open


async def test_what_waits_is_counted_with_the_oldest(database, world):
    incident = await world.report()
    await world.report()
    await execute(database, "update outbox set created = now() - interval '1 hour', failures = 1 where incident_id = %s", incident.id)
    deliver = (
        "insert into delivery (incident_id, destination_id, owner_id, version, medium, status, address, reason, profiles, since)"
        " values (%s, 1, 1, 1, %s, %s, '', '', '[]', now() - interval '2 hours')"
    )
    for medium, status in (("sms", "waiting"), ("sms", "waiting"), ("email", "sent")):
        await execute(database, deliver, incident.id, medium, status)

    found = await figures(database)

    assert (2, 1) == (found.undecided.number, found.stuck)
    assert timedelta(hours=1) <= found.undecided.oldest < timedelta(hours=1, minutes=5)
    assert ["sms"] == list(found.waiting)
    assert 2 == found.waiting["sms"].number
    assert found.waiting["sms"].oldest >= timedelta(hours=2)


async def test_where_nothing_is_there_are_noughts(database):
    found = await figures(database)

    assert ({}, Pile(), 0, {}) == (found.open, found.undecided, found.stuck, found.waiting)

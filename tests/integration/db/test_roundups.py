"""A roundup of which the database has lost something holds up nobody."""

from datetime import timedelta

import pytest

from adapters.db.outbox import PgOutbox
from adapters.db.profiles import PgProfiles
from argus_core.conformance.outbox import MANY, make_post
from argus_core.domain.budgets import Budget
from argus_core.domain.holds import Hold, Keeper
from argus_core.domain.ids import MaintenanceId

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("budget", [None, Budget(60, timedelta(minutes=5))])
async def test_one_that_tells_of_what_is_gone_is_taken_with_the_others_and_tells_of_nothing(database, incidents, accounts, budget):
    outbox = PgOutbox(database)
    post = await make_post(incidents, accounts, PgProfiles(database), outbox)
    gone = await post.happen()
    async with outbox.claim(MANY) as undecided:
        hold = Hold(keeper=Keeper.MAINTENANCE, subject=MaintenanceId(7), reason="M")
        await undecided.decide([post.order(happening).kept_back(hold) for happening in await undecided.happenings()])
    await outbox.round_up(MaintenanceId(7), "M is over", {post.told.destination.id: post.route})
    async with await database.connect(autocommit=True) as connection:
        await connection.execute("delete from incident where id = %s", [gone.id])
    other = await post.waiting()

    taken = await post.take(budget=budget)

    assert {(None, "M is over", ()), (other.id, None, None)} == {
        (one.incident_id, one.roundup and one.roundup.title, one.roundup and one.roundup.kept) for one in taken
    }

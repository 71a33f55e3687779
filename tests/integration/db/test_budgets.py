"""Eight processes that take lanes at the same time keep to one budget, also when some are killed."""

import asyncio
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from adapters.db.accounts import PgAccounts
from adapters.db.database import Database
from adapters.db.journal import PgIncidents
from adapters.db.outbox import PgOutbox
from adapters.db.profiles import PgProfiles
from argus_core.conformance.outbox import make_post
from argus_core.domain.deliveries import DeliveryStatus
from argus_core.domain.holds import Keeper
from integration.serving import process

PEER = Path(__file__).with_name("budget_peer.py")
PEERS = 8
MOST = 10
STORM = 150
KILLS = 3

pytestmark = pytest.mark.anyio


async def test_no_more_goes_than_the_budget_allows_whoever_is_killed(database_url):
    """
    What is urgent goes and does not count, ten others are let go, all the rest is kept back.

    Of the ten, what was under way with somebody who was killed waits, perhaps before a word of it was said.
    """
    random = Random(1)  # noqa: S311 - the same at every run
    async with Database(database_url).opened() as database:
        outbox = PgOutbox(database)
        post = await make_post(PgIncidents(database), PgAccounts(database), PgProfiles(database), outbox)
        with ExitStack() as running:
            command = (sys.executable, PEER, database_url, post.route, f"{MOST}/1h")
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            peers = [running.enter_context(process(*command, number, **pipes)) for number in range(PEERS)]
            storm, urgent = [await post.happen() for _ in range(STORM)], []
            await post.decide()
            assert ["ready\n"] * PEERS == [peer.stdout.readline() for peer in peers]
            for peer in peers:
                peer.stdin.write("go\n")
                peer.stdin.flush()
            for peer in peers[:KILLS]:
                await asyncio.sleep(random.uniform(0, 0.2))
                peer.kill()
                urgent.append(await post.happen())
                async with outbox.claim(10) as undecided:
                    await undecided.decide([replace(post.order(one), urgent=True) for one in await undecided.happenings()])
            said = [line.split() for peer in peers for line in peer.stdout.read().splitlines()]

        ledger = await post.ledger(storm)

    went = [about for about, counted in said if counted == "True"]
    kept = {one.incident_id for one in ledger if (one.status, one.keeper) == (DeliveryStatus.SUPPRESSED, Keeper.BUDGET)}
    assert STORM - len(kept) == MOST
    assert len(went) == len(set(went)) <= MOST
    assert {str(one.id) for one in urgent} <= {about for about, counted in said if counted == "False"}
    assert kept.isdisjoint(map(int, went))
    assert {one.status for one in ledger if one.incident_id not in kept} <= {DeliveryStatus.SENT, DeliveryStatus.WAITING}

"""A worker reduced to what a budget is about: takes lanes and says what it sends, until it is killed or nothing is left."""

import asyncio
import sys
from datetime import timedelta
from random import Random

from adapters.db.database import Database
from adapters.db.outbox import PgOutbox
from argus_core.domain.budgets import parse_budget
from argus_core.domain.deliveries import Outcome, Report

LEASE = timedelta(seconds=2)
IDLE_TURNS = 150  # longer than the lease of one who was killed


async def work(dsn: str, route: str, budget: str, seed: int) -> None:
    random, idle = Random(seed), 0  # noqa: S311 - the same at every run
    async with Database(dsn).opened() as database:
        outbox = PgOutbox(database)
        print("ready", flush=True)  # noqa: T201 - whoever started this reads it
        sys.stdin.readline()  # all begin at the same time
        while idle < IDLE_TURNS:
            sendings = await outbox.take({route: 4}, LEASE, parse_budget(budget))
            idle = 0 if sendings else idle + 1
            for sending in sendings:
                print("roundup" if sending.roundup else sending.incident_id, sending.counted is not None, flush=True)  # noqa: T201 - the same
                await asyncio.sleep(random.uniform(0, 0.2))
                await outbox.finish(sending, Report(outcome=Outcome.SENT, answer="", seconds=0.1))
            await asyncio.sleep(random.uniform(0, 0.05))


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))

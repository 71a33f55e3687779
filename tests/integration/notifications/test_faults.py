"""
Whatever is killed, however the mail server behaves: nothing is lost, nothing told out of order, and what comes twice is the same.

`make strain` does for minutes what is done for seconds here; `KILL_SEED` gives other random numbers. What was counted is printed.
"""

import os
import time
from collections import defaultdict
from random import Random

import pytest

from adapters.db.embedded import running
from integration.hearing import want
from integration.killing import BACK_WITHIN, mortal
from integration.lives import Life, Moods, all_told, find
from integration.notifications.people import Installation
from integration.serving import applied

SEED = int(os.environ.get("KILL_SEED", "1"))
ROUNDS = int(os.environ.get("KILL_ROUNDS", "0"))
FEW_ROUNDS = {2: 3, 8: 1}
"""So many unless it is said how many, by the number of workers: with two each kind of victim falls once."""

SOURCES = 2


def goes_on(lives, victim):
    """Every source has been answered with 201 again."""
    before = [len(life.incidents) for life in lives]
    until = time.monotonic() + BACK_WITHIN
    while any(len(life.incidents) <= taken for life, taken in zip(lives, before, strict=True)):
        assert time.monotonic() < until, f"{BACK_WITHIN} s after killing {victim} nobody is served; {lives[0].wrong[-1:]}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def random():
    return Random(SEED)  # noqa: S311 - the same at every run


@pytest.fixture(scope="module")
def installation(tmp_path_factory, random, mailbox):
    """An installation, and the tokens of its people; Alice wants to hear of everything."""
    folder = tmp_path_factory.mktemp("faults")
    environment = {"ARGUS_FRONTEND_URL": "https://argus.example.org", "ARGUS_DELIVERY_BUDGET": "off", **mailbox.settings}
    with mortal(folder, random, environment) as found:
        world = applied(Installation.SPEC, "--data", found.data, environment=environment, folder=folder)
        tokens = {name: one["token"] for name, one in world["actors"].items()}
        found.start()
        with found.served.client(tokens["alice"]) as alice:
            want(alice)
        yield found, tokens


@pytest.mark.parametrize("workers", [2, 8])
def test_nothing_is_lost_and_nothing_out_of_order(installation, mailbox, random, workers):
    killed, tokens = installation
    victims = (
        (killed.a_worker, killed.all_workers),
        (killed.an_http_process, killed.everything_but_postgres),
        (killed.the_postmaster, killed.all_of_postgres, killed.everything),
    )
    mailbox.answer = moods = Moods(random)
    kills, rounds = defaultdict(int), ROUNDS or FEW_ROUNDS[workers]
    with running(killed.data) as server:
        known = find(server.url, [], set()).incidents
    killed.employ(workers)
    lives = [Life(number, killed, tokens) for number in range(SOURCES)]
    for life in lives:
        life.start()

    for number in range(rounds):
        time.sleep(random.uniform(0.2, 1.0))
        victim = random.choice(victims[number % len(victims)])
        kills[victim.__name__] += 1
        victim()
        goes_on(lives, victim.__name__)
        killed.employ(workers)
    for life in lives:
        life.stop()
    moods.be_good()
    with running(killed.data) as server:
        all_told(server.url)
        found = find(server.url, list(mailbox.mails), known)

    taken = {pk for life in lives for pk in life.incidents}
    told = {(pk, event) for life in lives for pk, event in life.events if event is not None}
    order_of_arrival = sorted(found.arrived, key=lambda id_: found.arrived[id_][0].at)
    figures = {
        "incidents answered with 201": len(taken),
        "of these lost": len(taken - found.incidents),
        "events answered with 201": len(told),
        "of these missing": len([event for pk, event in told if found.events.get(event, (None,))[0] != pk]),
        "notifications due": len(found.events),
        "undecided": len(found.undecided),
        "decided twice": found.decided_twice,
        "refused by the mail server": len({id_ for id_ in found.deliveries if found.carrier(id_) in found.refused - found.arrived.keys()}),
        "notifications lost": len(found.undelivered),
        "decided out of order": len(found.out_of_order(found.deliveries)),
        "told out of order": len(found.out_of_order(order_of_arrival)),
        "mails": len(found.mails),
        "mails that came again": len(found.mails) - len(found.arrived),
        "of these with another text": len({(mail.id, mail.subject, mail.text) for mail in found.mails}) - len(found.arrived),
        "of these with another Message-ID": len(found.arrived) - len({(mail.subject, mail.text) for mail in found.mails}),
    }
    print(f"\nseed {SEED}, {workers} workers, kill -9 of {dict(kills)}:")  # noqa: T201 - for whoever runs it for long
    print(*(f"  {what}: {count}" for what, count in figures.items()), sep="\n")  # noqa: T201 - the same
    assert [] == [wrong for life in lives for wrong in life.wrong]
    assert len(taken) > rounds
    wanted = {"of these lost", "of these missing", "undecided", "decided twice", "notifications lost", "decided out of order"}
    wanted |= {"told out of order", "of these with another text", "of these with another Message-ID"}
    assert dict.fromkeys(sorted(wanted), 0) == {name: figures[name] for name in sorted(wanted)}

"""`python -m chaos [--seconds N] [--seed N]`: the exit code is 1 when something was lost, came twice, or did not come back."""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from random import Random, SystemRandom

from adapters.db.embedded import running
from chaos.faults import Faults
from integration.hearing import want
from integration.journals import assert_whole, journals
from integration.killing import BACK_WITHIN, Mortal, mortal
from integration.lives import Found, Life, Moods, all_told, find
from integration.notifications.people import Installation
from integration.serving import applied
from integration.sink import Sink, sink

SOURCES, WORKERS = 3, 2


class Chaos:
    """Faults one after the other, and how long nobody was served because of each."""

    def __init__(self, found: Mortal, random: Random, lives: list[Life]) -> None:
        self._mortal, self._random, self._lives = found, random, lives
        self.faults = Faults(found, random)
        self.injected: Counter[str] = Counter()
        self.away: defaultdict[str, float] = defaultdict(float)
        self.stuck: list[str] = []

    def go_on(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        todo: list[str] = []
        while time.monotonic() < end and not self.stuck:
            todo = todo or self._random.sample(list(self.faults.kinds), len(self.faults.kinds))
            time.sleep(self._random.uniform(0.2, 1.5))
            self._inject(todo.pop())
            self._mortal.employ(WORKERS)

    def _inject(self, kind: str) -> None:
        began = time.monotonic()
        self.injected[kind] += 1
        self.faults.kinds[kind]()
        done = time.monotonic()
        while any(life.answered[-1:] < [done] for life in self._lives):
            if time.monotonic() - done > BACK_WITHIN:
                self.stuck.append(kind)
                return
            time.sleep(0.05)
        self.away[kind] = max(self.away[kind], *(life.longest_silence(began) for life in self._lives))


def main() -> None:
    told = argparse.ArgumentParser(prog="python -m chaos")
    told.add_argument("--seconds", type=float, default=300, help="so long faults are injected (300)")
    told.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="for the same faults again")
    options = told.parse_args()
    print(f"seed {options.seed}, {options.seconds:g} s", flush=True)
    random = Random(options.seed)  # noqa: S311 - the same at every run
    with tempfile.TemporaryDirectory(prefix="argus-chaos-") as folder, sink() as mailbox:
        environment = {"ARGUS_FRONTEND_URL": "https://argus.example.org", "ARGUS_DELIVERY_BUDGET": "off", **mailbox.settings}
        with mortal(Path(folder), random, environment) as found:
            sys.exit(_told(found, random, mailbox, environment, options.seconds))


def _told(found: Mortal, random: Random, mailbox: Sink, environment: dict[str, str], seconds: float) -> int:
    world = applied(Installation.SPEC, "--data", found.data, environment=environment, folder=found.folder)
    tokens = {name: one["token"] for name, one in world["actors"].items()}
    found.start()
    with found.served.client(tokens["alice"]) as alice:
        want(alice)
    mailbox.answer = moods = Moods(random)
    found.employ(WORKERS)
    lives = [Life(number, found, tokens) for number in range(SOURCES)]
    for life in lives:
        life.start()
    chaos = Chaos(found, random, lives)
    chaos.go_on(seconds)
    for life in lives:
        life.stop()
    moods.be_good()
    with running(found.data) as server:
        all_told(server.url)
        kept = find(server.url, list(mailbox.mails), set())
        assert_whole(journals(server.url))
    return _report(chaos, lives, kept)


def _report(chaos: Chaos, lives: list[Life], kept: Found) -> int:
    for kind, count in sorted(chaos.injected.items()):
        print(f"  {count:4} {kind}; some source was not answered with 201 for {chaos.away[kind]:.1f} s at most")
    for kind, reason in chaos.faults.not_here.items():
        print(f"     0 {kind}: {reason}")
    taken = {pk for life in lives for pk in life.incidents}
    events = [(pk, event) for life in lives for pk, event in life.events if event is not None]
    again = len(kept.mails) - len(kept.arrived)
    zero = {
        "acknowledged and lost": len(taken - kept.incidents) + sum(kept.events.get(event, (None,))[0] != pk for pk, event in events),
        "notifications lost": len(kept.undecided) + len(kept.undelivered),
        "notifications decided twice": kept.decided_twice,
        "told with another Message-ID": len(kept.arrived) - len({(mail.subject, mail.text) for mail in kept.mails}),
        "answers that were neither 201 nor 503": sum(len(life.wrong) for life in lives),
        "faults from which it did not come back": len(chaos.stuck),
    }
    print(
        f"  {sum(chaos.injected.values())} faults, {len(taken) + len(events)} requests acknowledged, {len(kept.events)} notifications due"
    )
    print(f"  {again} mails came again, with the same Message-ID; every journal leads to what is kept")
    for what, count in zero.items():
        print(f"  {count} {what}")
    print(*(f"  {wrong}" for life in lives for wrong in life.wrong[:3]), *(f"  stuck after {kind}" for kind in chaos.stuck), sep="\n")
    return int(any(zero.values()))


if __name__ == "__main__":
    main()

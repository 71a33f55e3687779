"""`python -m chaos [--seconds N] [--seed N] [--brief]`: the exit code is 1 when something was lost, came twice, or did not come back."""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random, SystemRandom

from adapters.db.embedded import running
from chaos.clock import Clock
from chaos.disk import Disk, small
from chaos.faults import HELD, Faults, Place
from chaos.readiness import Prober
from integration.hearing import want
from integration.journals import assert_whole, journals
from integration.killing import BACK_WITHIN, mortal
from integration.lives import Found, Life, Moods, all_told, find
from integration.notifications.people import Installation
from integration.releases import version_before
from integration.serving import applied
from integration.sink import Sink, sink

SOURCES, WORKERS = 3, 2
TIME_OUT = 10.5
"""By so many seconds the database has been given up (see `Database.seconds`)."""

MOST = TIME_OUT + HELD + 2
"""So many seconds an answer may take, by a process that may have been stopped meanwhile, on a machine that is not busy with others."""

MOST_LYING = HELD + 4
"""What is stopped answers nobody, and others say for so long that they are ready; each answer may be a second old."""

STARTS = 6
"""Everything may be back after so many times the start took, or after `BACK_WITHIN`: on a busy machine all takes longer."""


class Chaos:
    """Faults one after the other, and how long nobody was served because of each."""

    def __init__(self, place: Place, random: Random, lives: list[Life], prober: Prober, *, start: float, only: str) -> None:
        self._mortal, self._random, self._lives, self._prober = place.mortal, random, lives, prober
        self.start, self._back_within = start, max(BACK_WITHIN, STARTS * start)
        self.faults = Faults(place, random)
        self._kinds = [kind for kind in self.faults.kinds if any(words in kind for words in only.split(","))]
        self.injected: Counter[str] = Counter()
        self.away: defaultdict[str, float] = defaultdict(float)
        self.stuck: list[str] = []
        self.undenied: list[str] = []

    def go_on(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        todo: list[str] = []
        while time.monotonic() < end and not self.stuck:
            todo = todo or self._random.sample(self._kinds, len(self._kinds))
            time.sleep(self._random.uniform(0.2, 1.5))
            self._inject(todo.pop())
            self._mortal.employ(WORKERS)

    def _inject(self, kind: str) -> None:
        began = time.monotonic()
        self.injected[kind] += 1
        self.faults.kinds[kind]()
        done = time.monotonic()
        while any(life.answered[-1:] < [done] for life in self._lives) or not self._prober.is_ready(done):
            if time.monotonic() - done > self._back_within:
                self.stuck.append(kind)
                return
            time.sleep(0.05)
        self.away[kind] = max(self.away[kind], *(life.longest_silence(began) for life in self._lives))
        words = self.faults.denied.get(kind)
        if words is not None and not self._prober.denied(began, words):
            self.undenied.append(kind)


def main() -> None:
    told = argparse.ArgumentParser(prog="python -m chaos")
    told.add_argument("--seconds", type=float, default=300, help="so long faults are injected (300)")
    told.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="for the same faults again")
    told.add_argument("--only", default="", metavar="WORDS", help="faults whose name has these words in it, separated by commas")
    told.add_argument("--brief", action="store_true", help="tell in a few lines how it went")
    told.add_argument("--logs", type=Path, help="a folder for what the processes say")
    options = told.parse_args()
    print(f"seed {options.seed}, {options.seconds:g} s", flush=True)
    random = Random(options.seed)  # noqa: S311 - the same at every run
    with ExitStack() as stack:
        folder = options.logs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argus-chaos-")))
        folder.mkdir(parents=True, exist_ok=True)
        mailbox, disk = stack.enter_context(sink()), stack.enter_context(small(options.seconds))
        clock = Clock(folder / "clock")
        environment = {
            "ARGUS_FRONTEND_URL": "https://argus.example.org",
            "ARGUS_DELIVERY_BUDGET": "off",
            **mailbox.settings,
            **clock.environment,
        }
        data = disk.folder / "data" if isinstance(disk, Disk) else None
        found = stack.enter_context(mortal(folder, random, environment, data))
        before = version_before(folder / "before")
        place = Place(
            mortal=found,
            tokens=_tokens(found.data, folder, environment),
            environment=environment,
            clock=clock,
            disk=disk,
            before=before[0] if before else "the history of this checkout does not reach back to it",
        )
        sys.exit(_told(place, random, mailbox, options))


def _tokens(data: Path, folder: Path, environment: dict[str, str]) -> dict[str, str]:
    world = applied(Installation.SPEC, "--data", data, environment=environment, folder=folder)
    return {name: one["token"] for name, one in world["actors"].items()}


def _told(place: Place, random: Random, mailbox: Sink, options: argparse.Namespace) -> int:
    found = place.mortal
    began = time.monotonic()
    found.start()
    start = time.monotonic() - began
    with found.served.client(place.tokens["alice"]) as alice:
        want(alice)
    mailbox.answer = moods = Moods(random)
    found.employ(WORKERS)
    lives, prober = [Life(number, found, place.tokens) for number in range(SOURCES)], Prober(found)
    for thread in (*lives, prober):
        thread.start()
    chaos = Chaos(place, random, lives, prober, start=start, only=options.only)
    chaos.go_on(options.seconds)
    for thread in (*lives, prober):
        thread.stop()
    moods.be_good()
    if isinstance(place.disk, Disk):
        place.disk.make_room()
    with running(found.data) as server:
        all_told(server.url)
        kept = find(server.url, list(mailbox.mails), set())
        assert_whole(journals(server.url))
    lives += place.lives
    return _report(chaos, lives, kept, place.wrong, prober, brief=options.brief)


def _report(chaos: Chaos, lives: list[Life], kept: Found, crowd: list[str], prober: Prober, *, brief: bool) -> int:
    taken = {pk for life in lives for pk in life.incidents}
    events = [(pk, event) for life in lives for pk, event in life.events if event is not None]
    again = len(kept.mails) - len(kept.arrived)
    longest = max(life.longest for life in lives)
    lie = prober.longest_lie([at for life in lives for at in life.answered])
    wrong = [*crowd, *(text for life in lives for text in life.wrong)]
    zero = {
        "acknowledged and lost": len(taken - kept.incidents) + sum(kept.events.get(event, (None,))[0] != pk for pk, event in events),
        "notifications lost": len(kept.undecided) + len(kept.undelivered),
        "notifications decided twice": kept.decided_twice,
        "told again with another Message-ID": len(kept.arrived) - len({(mail.subject, mail.text) for mail in kept.mails}),
        "answers that were neither 2xx nor 503 with Retry-After": len(wrong),
        "hangs": int(longest > MOST + chaos.start),
        "times that readiness lied": len(chaos.undenied) + int(lie > MOST_LYING + chaos.start),
        "faults from which it did not come back": len(chaos.stuck),
    }
    _tell_faults(chaos, brief=brief)
    print(
        f"  {sum(chaos.injected.values())} faults of {len(chaos.injected)} kinds, {len(taken) + len(events)} requests acknowledged, "
        f"{len(kept.events)} notifications due; {again} mails came again with the same Message-ID"
    )
    print(
        f"  every journal leads to what is kept; the longest answer took {longest:.1f} s (at most {MOST + chaos.start:.1f}), "
        f"and ready was said for {lie:.1f} s while nobody was served (at most {MOST_LYING + chaos.start:.1f}); "
        f"the start took {chaos.start:.1f} s"
    )
    print(*(f"  {count} {what}" for what, count in zero.items() if count or not brief), sep="\n")
    if brief and not any(zero.values()):
        print(f"  0 {', 0 '.join(zero)}")
    for told in (*wrong[:9], *(f"not denied: {kind}" for kind in chaos.undenied), *(f"stuck after {kind}" for kind in chaos.stuck)):
        print(f"  {told}")
    return int(any(zero.values()))


def _tell_faults(chaos: Chaos, *, brief: bool) -> None:
    if brief:
        worst = sorted(chaos.away.items(), key=lambda one: -one[1])[:3]
        print(f"  longest without an answer: {', '.join(f'{seconds:.1f} s ({kind})' for kind, seconds in worst)}")
        print(*(f"  not here: {kind}: {reason}" for kind, reason in chaos.faults.not_here.items()), sep="\n")
        return
    print(*_table(chaos), sep="\n")


def _table(chaos: Chaos) -> Iterator[str]:
    yield "  times  kind of fault; for so long some source was not answered with 201"
    for kind, count in sorted(chaos.injected.items()):
        yield f"  {count:5}  {kind}; {chaos.away[kind]:.1f} s at most"
    for kind, reason in chaos.faults.not_here.items():
        yield f"      0  {kind}: {reason}"


if __name__ == "__main__":
    main()

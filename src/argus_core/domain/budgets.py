"""
Budgets: no more than so many messages go to a destination within a span of time.

What is above waits for one message that tells all of it, when the span is over. Until then nothing goes to that destination one by one: so
whoever is in the middle of a storm hears the beginning, and then how things are. What is of level 1 is neither kept back nor counted.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from argus_core.domain.holds import Hold, Keeper
from argus_core.domain.spans import spoken

MOST = 10_000
LONGEST = timedelta(days=7)
_SPELLING = re.compile(r"([0-9]{1,5})/([0-9]{1,5})([smhd])")
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Purse:
    """When messages went to a destination lately, oldest first, and until when none goes there one by one."""

    sent: tuple[datetime, ...] = ()
    closed_until: datetime | None = None

    def without(self, moment: datetime) -> "Purse":
        """The same, if one that was counted at this moment has not gone."""
        left = list(self.sent)
        if moment in left:
            left.remove(moment)
        return replace(self, sent=tuple(left))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """
    A message that is due: whether it goes whatever went before (`free`), and whether it can only go as it is (`whole`).

    A roundup is whole, and so is what may have arrived. What `follows` tells how something goes on of which a roundup told, or will tell,
    the beginning.
    """

    free: bool = False
    whole: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Goes:
    """It goes; whether it counts."""

    counted: bool


@dataclass(frozen=True, slots=True)
class Waits:
    """It goes later, as it is."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """It is kept back for the roundup that is due then."""

    until: datetime


Judgement: TypeAlias = Goes | Waits | Held


@dataclass(frozen=True, slots=True)
class Budget:
    """So many messages to a destination within a span of time."""

    most: int
    within: timedelta

    @property
    def title(self) -> str:
        """What the roundup of what is above it is called."""
        return f"More than {self}"

    def __str__(self) -> str:
        return f"{self.most} message{'s' if self.most != 1 else ''} in {spoken(self.within)}"

    def hold(self, due: datetime) -> Hold:
        """Why something is kept back that is above it."""
        return Hold(keeper=Keeper.BUDGET, reason=f"It is above the budget of {self}.", title=self.title, due=due)

    def above(self, moments: Iterable[datetime]) -> int:
        """How many of the messages that were due at these moments, oldest first, it would have kept back, had there been no others."""
        purse, count = Purse(), 0
        for moment in moments:
            purse, (verdict,) = self.judge(purse, [Message()], moment)
            count += isinstance(verdict, Held)
        return count

    def judge(self, purse: Purse, messages: Sequence[Message], now: datetime) -> tuple[Purse, list[Judgement]]:
        """
        What becomes of messages to one destination that are due, in their order, and the purse afterwards.

        What is whole comes before the rest: a roundup does not wait for what came after it. A purse that another budget has closed, of
        longer spans, is closed for one span of this one at most.
        """
        sent = tuple(moment for moment in purse.sent if moment + self.within > now)
        purse = Purse(sent, purse.closed_until and min(purse.closed_until, now + self.within))
        judgements: dict[int, Judgement] = {}
        for place in sorted(range(len(messages)), key=lambda place: (not messages[place].whole, place)):
            purse, judgements[place] = self._judge(purse, messages[place], now)
        return purse, [judgements[place] for place in range(len(messages))]

    def _judge(self, purse: Purse, message: Message, now: datetime) -> tuple[Purse, Judgement]:
        if message.free:
            return purse, Goes(counted=False)
        has_room = len(purse.sent) < self.most
        closed = purse.closed_until if purse.closed_until is not None and purse.closed_until > now else None
        if has_room and (message.whole or (closed is None and not message.follows)):
            return replace(purse, sent=(*purse.sent, now)), Goes(counted=True)
        if message.whole:
            return purse, Waits(sorted(purse.sent)[-self.most] + self.within)
        until = closed or now + self.within
        return purse if has_room else replace(purse, closed_until=until), Held(until)


def parse_budget(text: str) -> Budget | None:
    """
    The budget that is spelled like `20/5m`, so many messages in a span of `s`, `m`, `h` or `d`; None for `off`.

    Raises:
        ValueError: it is neither.
    """
    if text == "off":
        return None
    found = _SPELLING.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is no budget; give one like 20/5m, or off.')
    budget = Budget(int(found[1]), int(found[2]) * _UNITS[found[3]])
    if not (0 < budget.most <= MOST and timedelta() < budget.within <= LONGEST):
        raise ValueError(f"A budget is from 1 to {MOST} messages in at most {LONGEST.days} days.")
    return budget


def most_within(moments: Iterable[datetime], within: timedelta) -> int:
    """How many of these moments lie in one span at most."""
    ordered = sorted(moments)
    return max((sum(first <= moment < first + within for moment in ordered) for first in ordered), default=0)

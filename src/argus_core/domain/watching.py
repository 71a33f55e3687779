"""What Argus watches in its own surroundings, and what it says of it: which concerns there are, and which of its own incidents follow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from argus_core.domain.accounts import Token
from argus_core.domain.ids import IncidentId
from argus_core.domain.incidents import Level
from argus_core.domain.sources import Source

NAME = TYPE = "argus"
"""What Argus calls itself as a source, and the type of that source."""

TEST = "test "
"""So begins the key of an incident that somebody made to try things out: it is about no concern."""

MINUTE = timedelta(minutes=1)
SHORTEST, LONGEST = timedelta(seconds=10), timedelta(days=366)
"""Heartbeats may be expected so often and so seldom."""

FAILURES = 3
"""After so many failed attempts without a success a medium is held to fail."""

WINDOW = timedelta(minutes=15)
"""Attempts are looked at that were made so lately."""

LOOKED_BACK = timedelta(days=1)
"""When a medium last worked is not looked for further back than that."""

_SINCE = " since "


@dataclass(frozen=True, slots=True, kw_only=True)
class Heart:
    """A source that is to say every so often that it is alive; `last` is when it did or, before it ever did, when that began."""

    source: Source
    every: timedelta
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MediumSigns:
    """
    How a medium has done that has failed: whether anything got through within `WINDOW`, and how often it `failed` within that and since it
    last worked.

    `retried` counts the failures since then of deliveries that still wait; `since` is when the oldest of these began to wait, else the
    first failure, but not before it last worked. It is `alone` when all were failures of one destination, and the last success was one of
    another: then it may be that one which is at fault.
    """

    slug: str
    worked: bool
    failed: int
    retried: int
    since: datetime
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What a store says, and when by its clock; `undelivered` is since when the oldest event or delivery waits."""

    now: datetime
    hearts: Sequence[Heart] = ()
    media: Sequence[MediumSigns] = ()
    undelivered: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """Something that somebody should look after, since a moment that is the same whoever finds out; `name` says what it is about."""

    name: str
    since: datetime
    level: Level
    description: str
    tags: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The `source_incident_id` of its incident: there is one incident of a concern, however many find out at once."""
        return f"{self.name}{_SINCE}{self.since:%Y-%m-%dT%H:%M:%S.%f}Z"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which incidents are to be opened, and which are over."""

    open: Sequence[Concern]
    close: Sequence[IncidentId]


def plan(concerns: Iterable[Concern], opened: Mapping[IncidentId, str]) -> Plan:
    """
    What is to happen, given the keys of Argus's own open incidents.

    A concern that has an open incident gets no other, also if it began anew meanwhile; an incident whose concern is gone is over.
    """
    now = {concern.name: concern for concern in concerns}
    ours = {incident_id: key for incident_id, key in opened.items() if not is_test(key)}
    told = {key.rpartition(_SINCE)[0] for key in ours.values()}
    return Plan(
        open=[concern for name, concern in now.items() if name not in told],
        close=[incident_id for incident_id, key in ours.items() if key.rpartition(_SINCE)[0] not in now],
    )


def is_test(key: str) -> bool:
    """Whether an own incident with this key was made to try things out."""
    return key.startswith(TEST)


def silent(hearts: Iterable[Heart], now: datetime) -> Iterable[Concern]:
    """The sources that have not been heard of in time: half an interval more than one is waited for."""
    for heart in hearts:
        if now - heart.last > heart.every * 1.5:
            source = heart.source
            yield Concern(
                name=f"heartbeat {source.id}",
                since=heart.last,
                level=Level.HIGH,
                description=f"{source.name} ({source.type}) is silent: no heartbeat since {_said(heart.last)}, one was due every "
                f"{_span(heart.every)}.",
                tags=("concern=heartbeat", f"silent_source={source.name}", f"silent_source_type={source.type}"),
            )


def expiring(tokens: Iterable[tuple[str, Token]], now: datetime, warning: timedelta) -> Iterable[Concern]:
    """
    The named tokens, each with the name of its user, that expire within the warning, or did so that long ago at most.

    One that has a successor, of the same user and name and living longer, needs no care. Login tokens neither.
    """
    known = list(tokens)
    for username, token in known:
        if not token.name or token.expires is None or not -warning <= token.expires - now <= warning:
            continue
        if any(_succeeds(other, token, now + warning) for _, other in known):
            continue
        over = token.expires <= now
        yield Concern(
            name=f"token {token.id}",
            since=token.expires - warning,
            level=Level.HIGH if over else Level.MODERATE,
            description=f"The token {token.name} ({token.prefix}…) of {username} {'has expired' if over else 'expires'} on "
            f"{_said(token.expires)}. Make a new one and give it to whoever uses this one; revoke what nobody uses.",
            tags=("concern=token", f"user={username}"),
        )


def failing(media: Iterable[MediumSigns]) -> Iterable[Concern]:
    """The media through which nothing has gone lately, though it was tried, and not only for somebody for whom it may never work."""
    for signs in media:
        if not signs.worked and not signs.alone and max(signs.failed, signs.retried) >= FAILURES:
            yield Concern(
                name=f"medium {signs.slug}",
                since=signs.since,
                level=Level.CRITICAL,
                description=f"Nothing gets through by {signs.slug}: tried {max(signs.failed, signs.retried)} times in vain since "
                f"{_said(signs.since)}. `argus deliveries list` shows the answers.",
                tags=("concern=medium", f"medium={signs.slug}"),
            )


def overdue(since: datetime | None, now: datetime, limit: timedelta, why: Sequence[str]) -> Iterable[Concern]:
    """That the oldest of what waits, waits too long; `why` is what is known to be missing."""
    if since is not None and now - since > limit:
        yield Concern(
            name="undelivered",
            since=since,
            level=Level.CRITICAL,
            description=f"Notifications wait: the oldest since {_said(since)}. {' '.join(why)}".strip(),
            tags=("concern=undelivered",),
        )


def concerns(
    signs: Signs, tokens: Iterable[tuple[str, Token]], *, warning: timedelta, limit: timedelta, why: Sequence[str] = ()
) -> list[Concern]:
    """All that somebody should look after now."""
    return [
        *silent(signs.hearts, signs.now),
        *expiring(tokens, signs.now, warning),
        *failing(signs.media),
        *overdue(signs.undelivered, signs.now, limit, why),
    ]


def _succeeds(other: Token, token: Token, until: datetime) -> bool:
    return (other.user_id, other.name) == (token.user_id, token.name) and other.id != token.id and other.is_live(until)


def is_interval(every: timedelta) -> bool:
    """Whether heartbeats may be expected so often."""
    return SHORTEST <= every <= LONGEST


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _span(span: timedelta) -> str:
    return f"{span / MINUTE:g} min" if span >= MINUTE else f"{span.total_seconds():g} s"

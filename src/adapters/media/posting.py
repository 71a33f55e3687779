"""One request to a receiver that a user has named, and what its answer means for the delivery."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from adapters.media.outgoing import Outgoing, Refused, Unanswered, Unreachable
from argus_core.ports.media import PerhapsDelivered, TryLater, Undeliverable

NEVER = frozenset({400, 404, 405, 410, 413, 414, 415, 422})
"""Answers after which the same request need not be made again. Whatever else goes wrong may be put right."""
LONGEST_WAIT = 86_400.0


async def hand_over(outgoing: Outgoing, url: str, content: bytes, headers: Mapping[str, str], *, clock: Callable[[], datetime]) -> None:
    """
    Post the content to the URL, and return when it was taken. Of the URL, reasons name the host and no more.

    Raises:
        TryLater: it may work later; if the receiver has said when, that is known.
        Undeliverable: the URL is not allowed, or the receiver never will take it.
        PerhapsDelivered: there was no whole answer.
    """
    try:
        answer = await outgoing.post(url, content, headers)
    except Refused as error:
        raise Undeliverable(str(error)) from error
    except Unanswered as error:
        raise PerhapsDelivered(str(error)) from error
    except Unreachable as error:
        raise TryLater(str(error)) from error
    judge(host_in(url), answer.status, answer.headers.get("retry-after", ""), clock)


def judge(who: str, status: int, retry_after: str, clock: Callable[[], datetime]) -> None:
    """
    Return when an HTTP status means that the message was taken.

    Raises:
        TryLater: it may work later.
        Undeliverable: it never will.
    """
    if 200 <= status < 300:  # noqa: PLR2004 - success
        return
    if 300 <= status < 400:  # noqa: PLR2004 - redirection
        raise Undeliverable(f"{who} answered with a redirect ({status}): enter the URL that it leads to.")
    if status in NEVER:
        raise Undeliverable(f"{who} answered {status}.")
    # Below 500 it finds fault with the request, or with whoever made it: others may do better.
    raise TryLater(f"{who} answered {status}.", after=seconds_to_wait(retry_after, clock), provider_works=status < 500)  # noqa: PLR2004


def seconds_to_wait(text: str, clock: Callable[[], datetime]) -> float | None:
    """What `Retry-After` says, as a number or as a date, but at most a day; None when it says nothing."""
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - clock()).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)


def host_in(url: str) -> str:
    """The host of a URL: paths and queries are often secrets."""
    return urlsplit(url).hostname or ""

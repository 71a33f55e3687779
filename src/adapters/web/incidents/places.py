"""Places in a list as addresses name them: with what the list is sorted by before the place itself, which is that of the API."""

from datetime import UTC, datetime, timedelta

from adapters.web.services import Addresses
from argus_core.domain.errors import NotFound
from argus_core.domain.ids import IncidentId
from argus_core.domain.incidents import FOREVER, Level
from argus_core.domain.limits import EARLIEST, LATEST
from argus_core.ports.incidents import By, Order, Position, Rank

_GREATEST_ID = IncidentId(2**63 - 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_DIGITS = 20
_NO_END = "open"


def cursor(addresses: Addresses, position: Position) -> str:
    """The place as the address has it."""
    place = addresses.cursor(position)
    return place if position.rank is None else f"{_said(position.rank)}.{place}"


def position(addresses: Addresses, text: str, order: Order) -> Position | None:
    """
    The place that an address names; empty is the beginning.

    Raises:
        NotFound: there is no such place in this order.
    """
    if not text:
        return None
    rank, _, place = text.rpartition(".")
    found = addresses.position(place)
    if found is None or (order.by is By.START) != (rank == ""):
        raise NotFound
    return Position(found.start_time, found.id, found.backwards, _rank(rank, order.by))


def far_end(order: Order) -> Position:
    """The place behind the last one of a list, from which one goes back."""
    if order.reverse:
        rank = {By.START: None, By.END: FOREVER, By.LEVEL: -Level.CRITICAL}[order.by]
        return Position(LATEST, _GREATEST_ID, backwards=True, rank=rank)
    rank = {By.START: None, By.END: EARLIEST, By.LEVEL: -Level.INFORMATION}[order.by]
    return Position(EARLIEST, IncidentId(0), backwards=True, rank=rank)


def _said(rank: Rank) -> str:
    if isinstance(rank, datetime):
        return _NO_END if rank == FOREVER else str((rank - _EPOCH) // _MICROSECOND)
    return str(rank)


def _rank(text: str, by: By) -> Rank:
    if by is By.START:
        return None
    if by is By.END and text == _NO_END:
        return FOREVER
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise NotFound
    number = int(text)
    if by is By.LEVEL:
        return max(min(number, 0), -Level.INFORMATION)
    try:
        return _EPOCH + number * _MICROSECOND
    except OverflowError:
        raise NotFound from None

"""What every audit log must do: what is done is in it, what is undone is not, and it is read page by page."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from argus_core.conformance import LONG_AGO
from argus_core.conformance.outbox import see
from argus_core.domain.audit import AuditQuery, Deed, Entry, Origin
from argus_core.domain.ids import UserId
from argus_core.ports.accounts import Accounts
from argus_core.ports.audit import AuditLog

HOUR = timedelta(hours=1)


class _UndoneError(Exception):
    pass


async def what_is_done_is_noted(log: AuditLog, accounts: Accounts) -> None:
    """What was noted is there as it was said, at the moment it was."""
    entry = replace(_entry(), origin=Origin(user_id=UserId(7), username="ola", address="192.0.2.7"), done=False, details="a, b: yes")
    before = await accounts.now()
    await _note(accounts, entry)
    after = await accounts.now()
    (record,) = await log.page(AuditQuery(about=entry.about), 10)
    see(record.entry == entry, f"{entry} was kept as {record.entry}.")
    see(before <= record.created <= after, "It is not from when it was noted.")
    see(await log.record(record.id) == record, "It is not found by its number.")
    see(await log.record(2**62) is None, "There is a record of a number that was never given.")


async def what_is_undone_is_not_noted(log: AuditLog, accounts: Accounts) -> None:
    """Work that fails leaves nothing in the log."""
    entry = _entry()
    with suppress(_UndoneError):
        async with accounts.begin() as work:
            await work.note(entry)
            raise _UndoneError
    see(not await log.page(AuditQuery(about=entry.about), 10), "Something is noted that never happened.")


async def pages_follow_each_other(log: AuditLog, accounts: Accounts) -> None:
    """Newest first, each once, even among those of one unit of work."""
    entries = [replace(_entry(), about="one and all", details=secrets.token_hex(8)) for _ in range(5)]
    await _note(accounts, *entries[:3])
    for entry in entries[3:]:
        await _note(accounts, entry)
    noted = {entry.details for entry in entries}
    found, before = [], None
    while page := await log.page(AuditQuery(about="one and all"), 2, before):
        see(len(page) <= 2, "A page is too long.")  # noqa: PLR2004 - as asked for
        found += [record.entry for record in page if record.entry.details in noted]
        before = page[-1]
    see(found == entries[::-1], "Pages leave something out, repeat it, or are in disorder.")


async def queries_choose(log: AuditLog, accounts: Accounts) -> None:
    """Each part of a query leaves out what it does not fit, and all together too."""
    mark = secrets.token_hex(8)
    entry = replace(_entry(), origin=Origin(username=mark))
    await _note(accounts, entry)
    (record,) = await log.page(AuditQuery(username=mark), 10)
    fitting = AuditQuery(username=mark, deed=entry.deed, about=entry.about, done=True, since=record.created, until=record.created + HOUR)
    see(list(await log.page(fitting, 10)) == [record], "A query that fits finds nothing.")
    for query in (
        replace(fitting, username="nobody"),
        replace(fitting, deed=Deed.AUDIT_PRUNE),
        replace(fitting, about="nothing"),
        replace(fitting, done=False),
        replace(fitting, since=record.created + HOUR),
        replace(fitting, until=record.created),
    ):
        see(not await log.page(query, 10), f"{query} finds what does not fit.")


async def what_is_old_can_go(log: AuditLog, accounts: Accounts) -> None:
    """What is older goes, the rest stays, and that is noted."""
    entry = _entry()
    await _note(accounts, entry)
    pruning = replace(_entry(), deed=Deed.AUDIT_PRUNE)
    none = await log.prune(LONG_AGO, lambda count: replace(pruning, details=f"{count}"))
    kept = await log.page(AuditQuery(about=entry.about), 10)
    see((none, len(kept)) == (0, 1), "Something is gone that was not old.")
    some = await log.prune(await accounts.now() + HOUR, lambda count: replace(pruning, details=f"{count}"))
    see(some > 1 and not await log.page(AuditQuery(about=entry.about), 10), "What is old is still there.")
    left = [record.entry.details for record in await log.page(AuditQuery(about=pruning.about), 10)]
    see(left == [f"{some}"], "Pruning was not noted, or with another number.")


def _entry() -> Entry:
    return Entry(deed=Deed.USER_CHANGE, about=f"user {secrets.token_hex(8)}")


async def _note(accounts: Accounts, *entries: Entry) -> None:
    async with accounts.begin() as work:
        for entry in entries:
            await work.note(entry)


AUDIT_CHECKS: Sequence[Callable[[AuditLog, Accounts], Awaitable[None]]] = (
    what_is_done_is_noted,
    what_is_undone_is_not_noted,
    pages_follow_each_other,
    queries_choose,
    what_is_old_can_go,
)
"""The last one empties the log, so it is for stores that nobody else uses."""

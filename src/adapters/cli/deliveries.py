"""`argus deliveries`, `argus prune`."""

from typing import TYPE_CHECKING

import click

from adapters.cli.doing import Group, moment, run_existing, table, tell, with_settings
from adapters.durations import duration
from adapters.refusals import Refusal
from argus_core.domain.deliveries import Delivery, DeliveryStatus
from argus_core.domain.ids import DeliveryId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.container import Container
    from adapters.settings import Loaded
    from argus_core.ports.outbox import Setback

PORTION = 1_000


@click.group(cls=Group)
def deliveries() -> None:
    """
    What became of notifications, and of those that wait.

    \b
    argus deliveries list --status waiting
    argus deliveries retry 17 18
    argus deliveries drop 17
    """


@deliveries.command("list")
@click.option("--status", type=click.Choice([status.value for status in DeliveryStatus]), help="Only those of this status.")
@click.option("--user", "username", help="Only those to this user.")
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many, the newest.")
@with_settings
def list_(*, status: str | None, username: str | None, most: int, loaded: "Loaded") -> None:
    """Show deliveries, newest first; and events about which nobody can decide, if there are any."""

    async def work(container: "Container") -> "tuple[Sequence[Delivery], Sequence[Setback]]":
        owner = (await container.accounts().user_named(username)).id if username else None
        notifications = container.notifications()
        return await notifications.listed(DeliveryStatus(status) if status else None, owner, most), await notifications.stuck(most)

    found, stuck = run_existing(loaded.settings, work)
    table(
        ("pk", "created", "incident", "to", "status", "tried", "why"),
        (
            (
                delivery.id,
                moment(delivery.created),
                delivery.incident_id or ("roundup" if delivery.is_roundup else "test"),
                delivery.address,
                delivery.status.value,
                len(delivery.attempts),
                delivery.reason,
            )
            for delivery in found
        ),
    )
    for setback in stuck:
        tell(
            f"Nobody can decide who is told of event {setback.version} of incident {setback.incident_id}, after {setback.failures} attempts"
            f" ({setback.reason}). It waits until {moment(setback.due)}, and later events of this incident with it."
        )


@deliveries.command()
@click.argument("pks", nargs=-1, required=True, type=click.IntRange(1, 2**63 - 1), metavar="PK…")
@with_settings
def retry(*, pks: tuple[int, ...], loaded: "Loaded") -> None:
    """Let deliveries be tried at once that wait, or were given up, dropped or not sent."""
    ids = [DeliveryId(pk) for pk in pks]

    async def work(container: "Container") -> "Sequence[DeliveryId]":
        return await container.notifications().retry(ids)

    _tell(run_existing(loaded.settings, work), ids, "waits to be sent now", "cannot be tried again: it was sent, or is not there")


@deliveries.command()
@click.argument("pks", nargs=-1, required=True, type=click.IntRange(1, 2**63 - 1), metavar="PK…")
@with_settings
def drop(*, pks: tuple[int, ...], loaded: "Loaded") -> None:
    """Take waiting deliveries away, so that they are not sent."""
    ids = [DeliveryId(pk) for pk in pks]

    async def work(container: "Container") -> "Sequence[DeliveryId]":
        return await container.notifications().drop(ids)

    _tell(run_existing(loaded.settings, work), ids, "will not be sent", "does not wait, or is being sent right now")


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
@with_settings
def prune(*, dry_run: bool, loaded: "Loaded") -> None:
    """
    Forget deliveries that were finished longer ago than ARGUS_KEEP_DELIVERIES. The worker does so by itself, now and then.

    \b
    argus prune --dry-run
    """
    kept = duration(loaded.settings.keep_deliveries)

    async def work(container: "Container") -> int:
        outbox = container.outbox()
        if dry_run:
            return await outbox.prune(kept, 2**31 - 1, dry_run=True)
        count = portion = await outbox.prune(kept, PORTION)
        while portion == PORTION:
            portion = await outbox.prune(kept, PORTION)
            count += portion
        return count

    count = run_existing(loaded.settings, work)
    tell(f"{count} deliveries {'would be' if dry_run else 'are'} forgotten, finished more than {loaded.settings.keep_deliveries} ago.")


def _tell(done: "Sequence[DeliveryId]", asked: "Sequence[DeliveryId]", well: str, otherwise: str) -> None:
    """
    Say of each what became of it.

    Raises:
        Refusal: of some nothing did.
    """
    for id_ in done:
        tell(f"Delivery {id_} {well}.")
    missing = [id_ for id_ in asked if id_ not in done]
    if missing:
        raise Refusal("\n".join(f"Delivery {id_} {otherwise}." for id_ in missing))

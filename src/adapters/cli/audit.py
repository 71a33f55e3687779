"""`argus audit`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from adapters import exports
from adapters.cli.doing import Group, moment, run_existing, table, tell, with_settings
from argus_core.domain.audit import AuditQuery, Deed, Origin, Record

if TYPE_CHECKING:
    from adapters.container import Container
    from adapters.settings import Loaded

Command: TypeAlias = Callable[..., Any]


def _checked_moment(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):  # before the year 1, or after 9999, in UTC
        raise click.BadParameter(f'"{text}" is no moment; give one like 2026-01-31 or 2026-01-31T12:00+01:00.') from None


def _filters(command: Command) -> Command:
    for option in (
        click.option("--who", "username", metavar="NAME", help="Only what this user did."),
        click.option("--deed", type=click.Choice([deed.value for deed in Deed]), help="Only this."),
        click.option("--about", metavar="WHAT", help='Only what was done to this, such as "user alice" or "source oslo (nav)".'),
        click.option("--refused", is_flag=True, help="Only what was refused."),
        click.option("--since", callback=_checked_moment, metavar="WHEN", help="From then on; without a zone, UTC."),
        click.option("--until", callback=_checked_moment, metavar="WHEN", help="Before then."),
    ):
        command = option(command)
    return command


def _query(options: Mapping[str, Any]) -> AuditQuery:
    return AuditQuery(
        username=options["username"],
        deed=options["deed"] and Deed(options["deed"]),
        about=options["about"],
        done=False if options["refused"] else None,
        since=options["since"],
        until=options["until"],
    )


@click.group(cls=Group)
def audit() -> None:
    """
    Who has done what about users, tokens, sources and deliveries, and who has logged in or tried to.

    \b
    argus audit list --deed login --refused
    argus audit export --since 2026-01-01 --format csv > audit.csv
    argus audit prune --before 2025-01-01
    """


@audit.command("list")
@_filters
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many, the newest.")
@click.option(
    "--before",
    "number",
    type=click.IntRange(1, 2**63 - 1),
    metavar="NUMBER",
    help="Older than the one with this number: the next page.",
)
@with_settings
def list_(*, most: int, number: int | None, loaded: "Loaded", **options: Any) -> None:  # noqa: ANN401 - the filters
    """Show records, newest first."""
    query = _query(options)

    async def read(container: "Container") -> list[Record]:
        return list(await container.audit().newest(query, most + 1, number))

    found = run_existing(loaded.settings, read)
    table(
        ("NUMBER", "WHEN", "WHO", "FROM", "DEED", "ABOUT", "OUTCOME", "DETAILS"),
        (
            (
                record.id,
                moment(record.created),
                _who(record.entry.origin),
                record.entry.origin.address or "-",
                record.entry.deed.value,
                record.entry.about,
                "done" if record.entry.done else "refused",
                record.entry.details,
            )
            for record in found[:most]
        ),
    )
    if len(found) > most:
        tell(f"There are more: --before {found[most - 1].id}")


@audit.command()
@_filters
@click.option(
    "--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True, help="An object in each line, or CSV."
)
@with_settings
def export(*, form: str, loaded: "Loaded", **options: Any) -> None:  # noqa: ANN401 - the filters
    """
    Write all records to standard output, newest first.

    \b
    argus audit export --until 2026-01-01 > audit-2025.jsonl
    """
    query = _query(options)

    async def read(container: "Container") -> None:
        async for line in exports.audit_lines(container.audit().all(query), as_csv=form == "csv"):
            click.echo(line, nl=False)

    run_existing(loaded.settings, read)


@audit.command()
@click.option("--before", required=True, callback=_checked_moment, metavar="WHEN", help="At least 30 days ago; without a zone, UTC.")
@with_settings
def prune(*, before: datetime, loaded: "Loaded") -> None:
    """
    Forget what is older than that, and note it. Export it first.

    \b
    argus audit prune --before 2025-01-01
    """

    async def work(container: "Container") -> int:
        return await container.audit().prune(before)

    tell(f"{run_existing(loaded.settings, work)} records are forgotten, older than {moment(before)}.")


def _who(origin: Origin) -> str:
    return origin.username or ("-" if origin.address else "Argus itself")

"""`argus migrate`, `argus settings`, `argus version`."""

from typing import TYPE_CHECKING

import click

from adapters.cli.doing import table, tell, with_settings

if TYPE_CHECKING:
    from adapters.db.planning import Planned
    from adapters.settings import Loaded

_MEANWHILE = {"ShareUpdateExclusiveLock": "is used on meanwhile", "AccessExclusiveLock": "cannot be used for a moment"}


@click.command()
@click.option("--plan", is_flag=True, help="Tell what would be done, and do nothing.")
@click.option("--to", "back", metavar="STEP", help="Take steps back until this one is the last; what the others kept is lost.")
@with_settings
def migrate(*, plan: bool, back: str | None, loaded: "Loaded") -> None:
    """
    Bring the database up to date while it is used. The embedded one is brought up to date whenever Argus starts.

    The version before runs on the new tables, too: migrate first, then replace the servers.

    \b
    DATABASE_URL=postgresql://argus@db/argus argus migrate --plan
    DATABASE_URL=postgresql://argus@db/argus argus migrate
    DATABASE_URL=postgresql://argus@db/argus argus migrate --to 0007
    """
    from adapters import databases

    if plan and back is not None:
        raise click.UsageError("--plan and --to exclude each other.")
    if back == "":
        raise click.UsageError("--to needs a step, such as 0007.")
    if plan or back is not None:
        databases.check_there(loaded.settings)
    with databases.reached(loaded.settings) as database:
        if plan:
            for planned in databases.planned(loaded.settings, database.direct):
                _tell_plan(planned)
            return
        if back is not None:
            databases.go_back(database.direct, back)
            tell(f"Step {back} is the last one now.")
            return
        steps = databases.migrate(database.direct)
    for step in steps:
        tell(f"Took step {step}.")
    tell("The database is up to date.")


def _tell_plan(step: "Planned") -> None:
    click.echo(f"Step {step.step}")
    for name, lock in sorted(step.locks.items()):
        click.echo(f"  {name}: {_MEANWHILE.get(lock, 'cannot be changed for a moment')}")
    if step.lost is None:
        click.echo("  It cannot be taken back.")
    else:
        click.echo(f"  It can be taken back{'; then this is lost: ' + ', '.join(step.lost) if step.lost else ''}.")


@click.command()
@with_settings
def settings(*, loaded: "Loaded") -> None:
    """
    Show all settings, secrets masked, where each comes from, and what is missing for media to send anything.

    \b
    argus settings
    ARGUS_TIME_ZONE=Europe/Oslo argus settings
    argus settings --config /etc/argus.toml
    """
    from adapters.databases import data_folder
    from adapters.plugins import load_media
    from adapters.settings import described

    table(("SETTING", "VALUE", "FROM"), described(loaded, data_folder(loaded.settings)))
    for lack in load_media(loaded.settings.media, loaded.settings.plugins).lacks:
        tell(lack)


@click.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version

    click.echo(f"Argus {version('argus-core')}")

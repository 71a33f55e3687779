"""`argus migrate`, `argus settings`, `argus version`."""

from typing import TYPE_CHECKING

import click

from adapters.cli.doing import table, tell, with_settings

if TYPE_CHECKING:
    from adapters.settings import Loaded


@click.command()
@with_settings
def migrate(*, loaded: "Loaded") -> None:
    """
    Bring the database up to date. The embedded one is brought up to date whenever it is used.

    \b
    DATABASE_URL=postgresql://argus@db/argus argus migrate
    """
    from adapters import databases

    with databases.reached(loaded.settings) as database:
        steps = databases.migrate(database.url)
    for step in steps:
        tell(f"Took step {step}.")
    tell("The database is up to date.")


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

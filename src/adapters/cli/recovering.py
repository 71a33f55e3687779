"""`argus backup`, `argus restore`, `argus upgrade-data`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters.cli.doing import tell, with_settings

if TYPE_CHECKING:
    from adapters.backups import Backup
    from adapters.settings import Loaded

FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("folder", type=FOLDER)
@with_settings
def backup(*, folder: Path, loaded: "Loaded") -> None:
    """
    Write the database into a new folder, as it is at one moment, while Argus may serve.

    Then it is restored into a server of its own and compared, row by row. That takes as much room as the database, in the folder for
    temporary files (TMPDIR). Who can read a backup can read everything in it.

    \b
    argus backup /var/backups/argus/$(date +%F)
    DATABASE_URL=postgresql://argus@db/argus argus backup /var/backups/argus/$(date +%F)
    """
    from adapters.backups import back_up
    from adapters.container import utc_now
    from adapters.settings import working_folder

    _tell(f"Wrote {folder}, restored a copy of it, and found it the same", back_up(loaded.settings, working_folder() / folder, utc_now()))


@click.command()
@click.argument("folder", type=FOLDER)
@with_settings
def restore(*, folder: Path, loaded: "Loaded") -> None:
    """
    Fill an empty database with a backup: a new data folder, or the empty one that DATABASE_URL names. It is whole or not there at all.

    \b
    argus restore /var/backups/argus/2026-11-23 --data /var/lib/argus/restored
    """
    from adapters.backups import restore
    from adapters.settings import working_folder

    _tell(f"Restored {folder}, and found it the same", restore(loaded.settings, working_folder() / folder))


@click.command()
@click.option("--from", "old", type=FOLDER, metavar="DIR", help="The folder with the PostgreSQL programs that made the data.")
@with_settings
def upgrade_data(*, old: Path | None, loaded: "Loaded") -> None:
    """
    Bring the private database to the version of PostgreSQL that Argus comes with. Stop Argus first.

    The old data are kept beside the new ones. The programs of the old version are looked for where systems install them.

    \b
    argus upgrade-data
    argus upgrade-data --data /var/lib/argus --from /usr/lib/postgresql/15/bin
    """
    from adapters.settings import working_folder
    from adapters.upgrades import upgrade_data

    done = upgrade_data(loaded.settings, working_folder() / old if old else None)
    if done is None:
        tell("The data are of this version already.")
        return
    tell(f"The data are those of PostgreSQL {done.version} now. The old ones are kept in {done.kept}: delete them when all is well.")


def _tell(what: str, about: "Backup") -> None:
    figures = {"incident": "incidents", "event": "events", "account": "users"}
    counted = ", ".join(f"{about.tables[table].rows} {name}" for table, name in figures.items() if table in about.tables)
    tell(f"{what}: {counted}, as of {about.made:%Y-%m-%d %H:%M:%S} UTC.")

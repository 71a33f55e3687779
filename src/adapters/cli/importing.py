"""`argus import`."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters.cli.doing import Group, tell, with_settings

if TYPE_CHECKING:
    from adapters.db.bulk import Pack
    from adapters.settings import Loaded

NUMBERS = ("users", "sources", "incidents", "events", "acks", "tags", "profiles")


@click.group("import", cls=Group)
def import_() -> None:
    """
    Bring incidents from elsewhere.

    \b
    argus import neutral ./data
    """


@import_.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR")
@click.option("--profiles", type=click.IntRange(0), metavar="N", help="Take only the first N notification profiles, and their owners.")
@with_settings
def neutral(*, folder: Path, profiles: int | None, loaded: "Loaded") -> None:
    """
    Fill an empty database with the users, sources, incidents and notification profiles of a data set.

    DIR holds CSV and JSON files that docs/importing.md describes: incidents.csv, tags.csv, incident_tags.csv, events.csv, acks.csv and
    world.json, and maybe profiles with all that belongs to them. Ids stay what they are, and tokens go on opening the door. Nobody is
    notified of anything. It is done whole or not at all; whatever is wrong with a line is told with file, line and column.

    Stop `argus serve` before: nobody else can use the database meanwhile. A million incidents take a minute or two.

    \b
    argus import neutral ./data
    argus import neutral ./data --profiles 0
    DATABASE_URL=postgresql://argus@db/argus argus import neutral ./data
    """
    from adapters import databases, logs
    from adapters.container import utc_now
    from adapters.neutral.importing import Here, Wishes
    from adapters.neutral.importing import neutral as fill
    from adapters.plugins import load_media

    settings = loaded.settings
    logs.configure("warning", settings.log_format)
    began = time.monotonic()
    wishes = Wishes(folder=folder, profiles=profiles, say=_say(began), show=_shown)
    with databases.ready(settings) as database:
        here = Here(url=database.direct, zone=settings.time_zone, media=load_media(settings.media, settings.plugins), now=utc_now())
        written = fill(wishes, here)
    tell(f"Imported in {time.monotonic() - began:.0f} s: {', '.join(f'{written[what]:,} {what}' for what in NUMBERS)}.")


def _say(began: float) -> Callable[[str], None]:
    def say(what: str) -> None:
        tell(f"{time.monotonic() - began:6.1f} s  {what}")

    return say


def _shown(packs: "Iterator[Pack]", incidents: int) -> "Iterator[Pack]":
    """The same, with a bar that grows for whoever watches."""
    with click.progressbar(length=incidents, label="Incidents", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        for pack in packs:
            yield pack
            bar.update(pack.holds.incidents)

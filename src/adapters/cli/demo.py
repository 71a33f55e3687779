"""`argus demo`."""

from pathlib import Path

import click

from adapters.cli.doing import chosen


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes one that is free.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Where the demo lives; not your installation."
)
@click.option("--fresh", is_flag=True, help="Begin anew: what the demo has gathered is gone.")
@click.option("--pace", type=click.FloatRange(0.01, 100), default=1.0, show_default=True, help="How many times as fast things happen.")
@click.option("--incidents", type=click.IntRange(1, 1_000_000), default=20_000, show_default=True, help="How many of them made a month.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Take settings from this file.")
def demo(*, port: int, data: Path | None, fresh: bool, pace: float, incidents: int, config: Path | None) -> None:
    """
    Start a living installation to look at, until Ctrl-C.

    People, sources, a month of history, and a simulated network that keeps reporting. It has a data folder of its own: neither your
    installation nor DATABASE_URL is touched, and what people are told goes to a mailbox of the demo's own.

    \b
    argus demo
    argus demo --pace 10
    argus demo --fresh
    """
    from adapters.demo.command import Wishes, run

    run(chosen(config, None).settings, Wishes(data=data, port=port, fresh=fresh, pace=pace, incidents=incidents))

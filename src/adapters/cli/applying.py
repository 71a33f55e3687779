"""`argus apply`."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters.cli.doing import run, run_existing, table, tell, with_settings
from argus_core.domain.errors import Invalid
from argus_core.usecases.apply import Applied, Step, Verb

if TYPE_CHECKING:
    from adapters.container import Container
    from adapters.settings import Loaded
    from adapters.worlds import Description

_SIGNS: Mapping[Verb, str] = {Verb.CREATE: "+", Verb.CHANGE: "~", Verb.KEEP: " "}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Make fresh tokens and write them here.")
@with_settings
def apply(file: Path, *, dry_run: bool, out: Path | None, loaded: "Loaded") -> None:
    """
    Make the users, source types, sources and tokens exist that a JSON or TOML file describes.

    What is there already is kept or changed, never removed. It is done whole or not at all. Without --out, tokens are made where none is
    live, and shown once. With it, everybody with a `token` in the file gets a fresh one, and the file that is written tells numbers,
    passwords and tokens of all. The format is described in docs/apply.md.

    \b
    argus apply team.toml --dry-run
    argus apply team.toml
    argus apply world.spec.json --out world.json
    """
    from adapters import worlds

    description = worlds.read(file)
    for warning in worlds.differences(description.server, loaded.settings):
        tell(f"Warning: {warning}")
    if out is not None:
        worlds.check_tellable(description)

    async def work(container: "Container") -> Applied:
        try:
            with _told(description, None if dry_run else out) as told:
                return await container.applying().apply(description.world, dry_run=dry_run, fresh_tokens=out is not None, tell=told)
        except Invalid as invalid:
            raise worlds.refusal(file, invalid) from invalid

    applied = run_existing(loaded.settings, work) if dry_run else run(loaded.settings, work)
    for step in applied.steps:
        click.echo(_line(step))
    tell(_summary(applied.steps, dry_run=dry_run))
    if dry_run:
        return
    if out is not None:
        tell(f"Numbers, passwords and tokens are in {out}.")
    elif applied.keys:
        tell("New tokens, shown only now:")
        table(("USER", "TOKEN"), ((applied.users[actor].username, key) for actor, key in applied.keys.items()))


@contextmanager
def _told(description: "Description", out: Path | None) -> Iterator[Callable[[Applied], object]]:
    """Tell this of what is done, and it writes the file; it is there after the block, if there is to be one."""
    from adapters import worlds

    if out is None:
        yield lambda _: None
        return
    with worlds.written(out) as write:
        yield lambda applied: write(worlds.world_json(description, applied))


def _line(step: Step) -> str:
    what = f": {', '.join(step.what)}" if step.what else ""
    return f"{_SIGNS[step.verb]} {step.kind} {step.name}{what}"


def _summary(steps: Sequence[Step], *, dry_run: bool) -> str:
    counts = Counter(step.verb for step in steps)
    if dry_run:
        return f"To create: {counts[Verb.CREATE]}, to change: {counts[Verb.CHANGE]}, to keep: {counts[Verb.KEEP]}. Nothing was done."
    return f"Created: {counts[Verb.CREATE]}, changed: {counts[Verb.CHANGE]}, kept: {counts[Verb.KEEP]}."

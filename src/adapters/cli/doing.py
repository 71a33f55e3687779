"""What commands have in common: the settings, a way to the use cases, and how answers look."""

import errno
import functools
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

from adapters.cli.ending import Ended
from adapters.refusals import Refusal
from argus_core.domain.errors import DomainError

if TYPE_CHECKING:
    from adapters.container import Container
    from adapters.settings import Loaded, Settings

_Answer = TypeVar("_Answer")
Command: TypeAlias = Callable[..., Any]

_SURROGATES = re.compile("[\ud800-\udfff]")
"""What Python makes of bytes that are no UTF-8."""
_UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)


class Group(click.Group):
    """A group of commands whose refusals are one line each, and the end."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        """See click."""
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException("\nError: ".join(str(refusal).splitlines())) from refusal
        except DomainError as error:
            raise click.ClickException(error.message) from error
        except UnicodeEncodeError as error:
            if not _SURROGATES.search(str(error.object)):
                raise
            raise click.ClickException("What was typed or read is not in UTF-8.") from error
        except OSError as error:
            if error.errno not in _UNWRITTEN or error.filename is not None:
                raise
            _say_no_more()
            raise click.ClickException(f"What was to be printed could not be written: {error.strerror}.") from error
        except Ended as ended:  # click would take it for Ctrl-C
            sys.exit(ended.code)


def _say_no_more() -> None:
    """Python would try to write the rest when it ends, and complain."""
    with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def with_settings(command: Command) -> Command:
    """Give a command the options `--config` and `--data`, and the settings that follow from them as `loaded`."""

    @click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Take settings from this file.")
    @click.option(
        "--data", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Use the PostgreSQL of Argus with its data here."
    )
    @functools.wraps(command)
    def wrapped(*args: Any, config: Path | None, data: Path | None, **options: Any) -> Any:  # noqa: ANN401 - whatever the command takes
        return command(*args, loaded=chosen(config, data), **options)

    return wrapped


def chosen(config: Path | None, data: Path | None) -> "Loaded":
    """
    The settings, and the data folder of the command line before any other.

    Raises:
        Refusal: the settings are wrong, or two databases are meant at once.
    """
    from dataclasses import replace

    import msgspec

    from adapters.settings import load, working_folder

    loaded = load(config)
    if data is None:
        return loaded
    if loaded.settings.database_url:
        raise Refusal("--data and DATABASE_URL name two different databases: leave one of them out.")
    settings = msgspec.structs.replace(loaded.settings, data=working_folder() / data)
    return replace(loaded, settings=settings, origins={**loaded.origins, "data": "command line"})


def run(settings: "Settings", work: Callable[["Container"], Awaitable[_Answer]]) -> _Answer:
    """Do something with the database of these settings, starting the embedded one for the moment if need be."""
    import asyncio

    from adapters import databases, logs
    from adapters.container import opened
    from argus_core.domain.audit import Origin

    async def working(url: str) -> _Answer:
        async with opened(settings, url, Origin(address=_command_line())) as container:
            return await work(container)

    logs.configure("warning", settings.log_format)
    with databases.ready(settings) as database:
        return asyncio.run(working(database.url))


def run_existing(settings: "Settings", work: Callable[["Container"], Awaitable[_Answer]]) -> _Answer:
    """
    The same with what is there already: no database is made where there is none, such as in a folder whose name was mistyped.

    Raises:
        Refusal: there is none.
    """
    from adapters import databases

    databases.check_there(settings)
    return run(settings, work)


def _command_line() -> str:
    """How the audit log calls whoever typed the command: by the user of the system, whatever the environment says."""
    import pwd

    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:  # in a container, numbers need not have names
        name = str(number)
    return f"command line ({name})"


def tell(sentence: str) -> None:
    """Say something to whoever typed the command."""
    click.echo(sentence, err=True)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their heads, each column as wide as need be."""
    texts = [tuple(heads), *(tuple(map(str, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def moment(at: datetime | None) -> str:
    """A moment to read; None is never."""
    return at.strftime("%Y-%m-%d %H:%M UTC") if at else "never"


def new_password(*, from_stdin: bool) -> str:
    """
    The password somebody types twice, or sends.

    Raises:
        UsageError: there is nobody to ask, or it is empty.
    """
    if sys.stdin is None:
        raise click.UsageError("There is no standard input to read the password from.")
    if from_stdin:
        password = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    elif sys.stdin.isatty():
        password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    else:
        raise click.UsageError("There is no terminal to ask for the password; send it with --password-stdin.")
    if not password:
        raise click.UsageError("The password is empty.")
    return password


PASSWORD_STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")

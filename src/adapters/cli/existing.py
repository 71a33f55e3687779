"""Commands for what is there already: they make no database where there is none, such as in a folder whose name was mistyped."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from adapters.cli.doing import run

if TYPE_CHECKING:
    from adapters.container import Container
    from adapters.settings import Settings

_Answer = TypeVar("_Answer")


def run_existing(settings: "Settings", work: "Callable[[Container], Awaitable[_Answer]]") -> _Answer:
    """
    Do something with the database of these settings.

    Raises:
        Refusal: there is none.
    """
    from adapters import databases

    databases.check_there(settings)
    return run(settings, work)

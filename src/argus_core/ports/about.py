"""What the present piece of work is about, for whoever keeps a log: each line can tell it."""

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType

_about: ContextVar[Mapping[str, object]] = ContextVar("argus_about", default=MappingProxyType({}))


def work_on(**names: object) -> None:
    """Say what the task that calls this is about from now on, and all that it starts."""
    _about.set(names)


def worked_on() -> Mapping[str, object]:
    """What was said, here or by whoever started this."""
    return _about.get()

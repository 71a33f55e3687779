"""Whether there is room for what sources report."""

from collections.abc import Callable
from typing import TypeAlias

Room: TypeAlias = Callable[[], None]
"""
Is asked before anything is taken from a source; people's own changes are few, and are taken as long as the store can.

Raises:
    NoRoom: the store is nearly full.
"""

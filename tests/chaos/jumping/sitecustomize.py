"""
What Python finds first in processes whose clock is to jump: it is wrong by as many seconds as a file says, which may change at any moment.

Only the clock of the processes jumps, not that of PostgreSQL. They look at it in two places, which are treated here; timers and time-outs
go by clocks that cannot jump. Neither faketime is of use: it breaks `time.sleep` of Python 3.11.
"""

import datetime as dt
import importlib.machinery
import os
import sys

READERS = {"adapters.container", "adapters.media.mail"}


class Jumping(dt.datetime):
    """Tells the time as it is said to be."""

    @classmethod
    def now(cls, tz=None):
        with open(os.environ["CHAOS_CLOCK"]) as file:  # noqa: PTH123 - pathlib would be imported by every process
            return dt.datetime.now(tz) + dt.timedelta(seconds=float(file.read() or 0))


class Finder:
    """Changes the modules that look at the clock, right after they have been loaded."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in READERS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            assert module.datetime is dt.datetime
            module.datetime = Jumping

        spec.loader.exec_module = exec_module
        return spec


if "CHAOS_CLOCK" in os.environ:
    sys.meta_path.insert(0, Finder)

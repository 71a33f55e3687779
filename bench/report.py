"""What is said while it is measured."""

import sys


def say(what: str) -> None:
    """Say in the last line what is being done, to whoever watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)

"""What a command cannot do, in one sentence for whoever typed it."""

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading JSON raises that is none, or is nested too deeply."""


class Refusal(Exception):
    """The message says what is wrong and what to do about it."""

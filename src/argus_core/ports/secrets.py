"""How new tokens come about, and what is kept of them."""

from typing import NamedTuple, Protocol


class Secret(NamedTuple):
    """A new token: the key itself, shown once, and what is kept of it."""

    key: str
    prefix: str
    digest: bytes


class Secrets(Protocol):
    """Makes keys nobody can guess, and finds out which one somebody shows."""

    def new(self) -> Secret:
        """A new key."""
        ...

    def digest(self, key: str) -> bytes:
        """What is kept of the key."""
        ...

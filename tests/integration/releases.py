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
    # A merge may have brought it, under another number than it had in its branch.
    added = ("log", "-1", "--first-parent", "-m", "--no-renames", "--diff-filter=A", "--format=%H")
    commit = _git(*added, "--", f"{STEPS}/{newest}").decode().strip()
    archive = _git("archive", f"{commit}^", "src") if commit else b""
    if not archive:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    last = max(path.name for path in (folder / STEPS).glob("m*.py"))
    assert last < newest
    return folder / "src", last[1:5]


def _git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False).stdout

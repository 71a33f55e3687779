"""The README tells the truth."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_embedding_example_runs_on_the_core_alone():
    """
    The example works as it stands, in an interpreter that sees the core and the standard library only.
    """
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    isolated = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})\n{example}"

    done = subprocess.run([sys.executable, "-S", "-I", "-c", isolated], capture_output=True, text=True, check=False)

    assert (0, "open: False, acknowledged: True\n", "") == (done.returncode, done.stdout, done.stderr)


def test_the_embedding_example_is_short():
    """
    Fifteen lines after the imports are enough.
    """
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    lines = [line for line in example.splitlines() if line.strip() and not line.startswith(("import", "from"))]

    assert len(lines) <= 15


def test_links_lead_somewhere():
    """
    Every file that the README links to is there.
    """
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in target]

    assert [] == [target for target in targets if not (ROOT / target).exists()]


def test_links_of_the_guide_lead_somewhere():
    """
    Every page and picture that a page of the guide links to is there, and so is every heading.
    """
    pages = {path: path.read_text() for path in [ROOT / "README.md", ROOT / "bench/README.md", *(ROOT / "docs").rglob("*.md")]}
    headings = {path: {_anchor(line) for line in re.findall(r"(?m)^#+ (.*)$", text)} for path, text in pages.items()}
    broken = []
    for path, text in pages.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target or target.startswith("mailto:"):
                continue
            name, _, anchor = target.partition("#")
            there = (path.parent / name).resolve() if name else path
            if not there.exists() or (anchor and there in headings and anchor not in headings[there]):
                broken.append((path.name, target))

    assert [] == broken


def _anchor(heading):
    """What a heading is called in links, as GitHub has it."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")

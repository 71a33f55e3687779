"""Where processes count together, and what is left of it."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from adapters.child import COUNTS
from adapters.counting import LOCK, PREFIX, counting, sweep

COUNTS_FOR_EVER = (
    "import sys\nfrom adapters.counting import counting\nwith counting() as it:\n print(*it.values(), flush=True)\n sys.stdin.read()"
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def folders(place):
    return {folder.name for folder in place.glob(f"{PREFIX}*")}


def test_the_folder_is_there_as_long_as_anybody_counts(place):
    with counting() as environment:
        assert Path(environment[COUNTS]).parent == place
        assert Path(environment[COUNTS]).is_dir()

    assert set() == folders(place)


def test_the_next_server_sweeps_what_a_killed_one_left_and_leaves_those_that_live_alone(place):
    words, environment = [sys.executable, "-c", COUNTS_FOR_EVER], {**os.environ, "TMPDIR": str(place)}
    with subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        folder = Path(other.stdout.readline().strip())
        (folder / "histogram_4711.db").write_bytes(b"counted")
        with counting():
            assert folder.is_dir()

        other.send_signal(signal.SIGKILL)
        other.wait(30)
        left = folder.is_dir()
        with counting() as mine:
            assert (True, {Path(mine[COUNTS]).name}) == (left, folders(place))


def test_a_folder_of_one_who_is_just_starting_and_what_is_no_folder_of_ours_stay(place):
    starting, elsewhere, link = place / f"{PREFIX}new", place / "elsewhere", place / f"{PREFIX}link"
    starting.mkdir()
    elsewhere.mkdir()
    (elsewhere / LOCK).touch()
    link.symlink_to(elsewhere)
    locked_by_a_link = place / f"{PREFIX}lock"
    locked_by_a_link.mkdir()
    (locked_by_a_link / LOCK).symlink_to(elsewhere / LOCK)

    sweep(place)

    assert {starting.name, link.name, locked_by_a_link.name} == folders(place)
    assert (elsewhere / LOCK).exists()

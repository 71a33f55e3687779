import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("occasion", ["the first time", "again on the same database"])
def test_the_server_does_what_was_recorded(installation, occasion):
    """Every recorded step that is no quirk has the recorded outcome, those about undocumented features too; see README.md."""
    options = ["--base-url", installation.url, "--world", installation.world, "--extras"]

    run = subprocess.run(
        [sys.executable, HERE / "run.py", *options, HERE / "scenarios"], capture_output=True, text=True, check=False, timeout=240
    )

    assert run.returncode == 0, f"{occasion}:\n{run.stdout}{run.stderr}"
    assert " 0 failed" in run.stdout.splitlines()[-1]

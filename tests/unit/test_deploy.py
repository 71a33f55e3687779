"""What is offered to operators is what their machines accept."""

import shutil
import subprocess
from pathlib import Path

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "argus.service"


def test_systemd_accepts_the_unit(tmp_path):
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/argus/bin/argus serve --workers 2", "/bin/true"))
    command = shutil.which("systemd-analyze")

    said = subprocess.run([command, "verify", "--man=no", unit], capture_output=True, text=True, check=False) if command else None

    assert said is None or (0, "") == (said.returncode, "\n".join(line for line in said.stderr.splitlines() if unit.name in line))

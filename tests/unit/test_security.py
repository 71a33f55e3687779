"""What SECURITY.md promises is held by tests that are there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| (.+) \| (`tests/.+) \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
PROMISES = {promise: re.findall(r"`(tests/[\w/]+\.py)::([\w:]+)`", held) for promise, held in ROWS}


def _tests_in(file):
    """As pytest calls them: those of classes by their classes too."""
    found = set()
    for node in ast.parse((ROOT / file).read_text()).body:
        within = [(f"{node.name}::", one) for one in node.body] if isinstance(node, ast.ClassDef) else [("", node)]
        found |= {before + one.name for before, one in within if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    return found


def test_each_promise_names_tests():
    assert PROMISES
    assert [] == [promise for promise, held in PROMISES.items() if not held]


def test_each_test_that_is_named_is_there():
    named = {(file, test) for held in PROMISES.values() for file, test in held}

    assert [] == sorted(f"{file}::{test}" for file, test in named if not (ROOT / file).is_file() or test not in _tests_in(file))

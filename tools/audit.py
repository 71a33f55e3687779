#!/usr/bin/env python3
"""
Whether a package in uv.lock is known to be vulnerable, and whether what we ship may be shipped: `make audit`.

Vulnerabilities are asked for at osv.dev, which also knows what PyPI tells; one that is found is an error (code 1). Without a network that
is said, and no error: nobody can do anything about it here. Licences are read from the packages that are installed.
"""

import json
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.request import Request, urlopen

LOCK = Path(__file__).parents[1] / "uv.lock"
ASK = os.environ.get("AUDIT_URL", "https://api.osv.dev") + "/v1/querybatch"
WITHIN = 20.0
AT_ONCE = 500

ACCEPTED: Mapping[str, str] = {}
"""Vulnerabilities that do not concern us, by their number, and why not."""

# What the Apache licence can be shipped together with. A library under the LGPL stays one, beside us.
MAY_BE_SHIPPED = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|PostgreSQL|Unlicense|LGPL|Lesser)\b", re.IGNORECASE
)
MUST_NOT = re.compile(r"\b(A?GPL|Affero|GNU General Public|Proprietary|SSPL)\b", re.IGNORECASE)


def main() -> int:
    packages = {package["name"]: package for package in tomllib.loads(LOCK.read_text())["package"]}
    bought = [(name, package["version"]) for name, package in sorted(packages.items()) if "registry" in package["source"]]
    wrong = list(_licences(packages))
    try:
        wrong += _vulnerable(bought)
    except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
        told = f"Nobody could be asked for vulnerabilities: {ASK} cannot be reached or understood ({error})."
    else:
        told = f"{len(bought)} packages were asked about at {ASK}."
    print(told, *wrong, sep="\n")
    return int(bool(wrong))


def _vulnerable(bought: list[tuple[str, str]]) -> list[str]:
    found = []
    for first in range(0, len(bought), AT_ONCE):
        some = bought[first : first + AT_ONCE]
        asked = {"queries": [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in some]}
        request = Request(ASK, json.dumps(asked).encode(), {"content-type": "application/json"})  # noqa: S310 - a fixed address
        with urlopen(request, timeout=WITHIN) as answer:  # noqa: S310 - the same
            results = json.load(answer)["results"]
        for (name, version), result in zip(some, results, strict=True):
            numbers = [one["id"] for one in result.get("vulns", []) if one["id"] not in ACCEPTED]
            found += [f"{name} {version} is vulnerable: https://osv.dev/vulnerability/{number}" for number in numbers]
    return found


def _licences(packages: Mapping[str, dict]) -> Iterator[str]:
    """Those packages of the extra `server` whose licence we do not know to be harmless."""
    todo, seen = list(packages["argus-core"]["optional-dependencies"]["server"]), set()
    while todo:
        asked = todo.pop()
        name, extras = asked["name"], asked.get("extra", [])
        if (key := (name, *extras)) in seen:
            continue
        seen.add(key)
        package = packages[name]
        todo += [
            *package.get("dependencies", []),
            *(more for extra in extras for more in package.get("optional-dependencies", {}).get(extra, [])),
        ]
        try:
            said = _licence(distribution(name))
        except PackageNotFoundError:
            continue  # it is for another platform or version of Python
        if not may_be_shipped(said):
            yield f"{name} has a licence that nobody has looked at: {said or 'none is named'}"


def may_be_shipped(licence: str) -> bool:
    """Whether what is under this licence, as its package tells, may be shipped with us."""
    return bool(MAY_BE_SHIPPED.search(licence)) and not MUST_NOT.search(licence)


def _licence(package: Distribution) -> str:
    told = package.metadata
    classifiers = [line for line in told.get_all("Classifier") or () if line.startswith("License")]
    return "; ".join(filter(None, [told.get("License-Expression"), *classifiers, (told.get("License") or "").partition("\n")[0][:80]]))


if __name__ == "__main__":
    sys.exit(main())

"""`make audit` finds what is known to be vulnerable, and does not take silence for an answer."""

import json
import os
import runpy
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[2] / "tools" / "audit.py"


def audit(url):
    return subprocess.run(
        [sys.executable, AUDIT], env={**os.environ, "AUDIT_URL": url, "no_proxy": "*"}, capture_output=True, text=True, check=False
    )


@contextmanager
def knowing(answer):
    """One who answers for each package as the function says; gives the address, and what was asked."""
    asked = []

    class Knows(BaseHTTPRequestHandler):
        def do_POST(self):
            queries = json.loads(self.rfile.read(int(self.headers["content-length"])))["queries"]
            asked.extend(queries)
            body = json.dumps({"results": [answer(query) for query in queries]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Knows) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_a_vulnerable_package_is_named_and_an_error():
    with knowing(lambda query: {"vulns": [{"id": "GHSA-1"}]} if query["package"]["name"] == "litestar" else {}) as (url, _):
        done = audit(url)

    assert 1 == done.returncode
    assert "litestar 2." in done.stdout
    assert "GHSA-1" in done.stdout


def test_every_package_of_the_lock_but_ours_is_asked_about_with_its_version():
    with knowing(lambda _: {}) as (url, asked):
        done = audit(url)

    names = {query["package"]["name"] for query in asked}
    assert 0 == done.returncode, done.stdout
    assert {"litestar", "psycopg", "jinja2"} <= names
    assert "argus-core" not in names
    assert all(query["version"] for query in asked)
    assert f"{len(asked)} packages were asked about" in done.stdout


def test_one_who_cannot_be_asked_is_no_error_but_it_is_said():
    done = audit("http://127.0.0.1:1")

    assert 0 == done.returncode
    assert "Nobody could be asked" in done.stdout


@pytest.mark.parametrize("answer", [[], {"vulns": [{}]}], ids=str)
def test_one_who_is_not_understood_is_taken_for_nobody(answer):
    with knowing(lambda _: answer) as (url, _):
        done = audit(url)

    assert 0 == done.returncode
    assert "Nobody could be asked" in done.stdout


@pytest.mark.parametrize(
    ("licence", "may_be"),
    [
        ("MIT", True),
        ("BSD-3-Clause", True),
        ("License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", True),
        ("LGPL-3.0-only", True),
        ("GPL-3.0-or-later", False),
        ("MIT AND AGPL-3.0-only", False),
        ("License :: OSI Approved :: GNU General Public License v2 (GPLv2)", False),
        ("", False),
    ],
)
def test_only_licences_that_the_apache_licence_goes_with_may_be_shipped(licence, may_be):
    may_be_shipped = runpy.run_path(str(AUDIT))["may_be_shipped"]

    assert may_be is may_be_shipped(licence)

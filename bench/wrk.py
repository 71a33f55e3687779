"""The load generator: wrk, told by a Lua script what to send."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent / "lua"
MISSING = """\
The load generator wrk is not on the PATH. It is a package of that name: `apt install wrk`, `dnf install wrk`, `brew install wrk`; its
source is at https://github.com/wg/wrk."""


class NoResult(Exception):
    """wrk ended without saying what it measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was measured in one run: times are in milliseconds, `errors` are answers of 400 and above and lost connections."""

    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    errors: int = 0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def program() -> str:
    """
    Where wrk is.

    Raises:
        FileNotFoundError: it is not there; the message says how to get it.
    """
    found = shutil.which("wrk")
    if found is None:
        raise FileNotFoundError(MISSING)
    return found


def run(script: str, url: str, *, in_flight: int, seconds: float, tokens: Sequence[str], mark: str = "", threads: int = 1) -> Run:
    """
    Keep so many requests in flight for so long.

    Raises:
        NoResult: wrk failed.
    """
    told = {"BENCH_LUA": str(SCRIPTS), "BENCH_TOKENS": ",".join(tokens), "BENCH_MARK": mark}
    # One thread, unless the script needs more: it is good for many times what a server does on the same machine;
    # a second one would only take turns with it.
    wide = [f"-t{threads}", f"-c{in_flight}", f"-d{max(round(seconds), 1)}s"]
    command = [program(), *wide, "--timeout", "60s", "-s", SCRIPTS / f"{script}.lua", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | told)
    return parse(done.stdout + done.stderr)


def parse(output: str) -> Run:
    """
    Read the line that `report.lua` writes.

    Raises:
        NoResult: there is none.
    """
    for line in output.splitlines():
        if line.startswith("RESULT "):
            said = json.loads(line.removeprefix("RESULT "))
            errors = said.pop("statuses") + said.pop("sockets")
            return Run(**said, errors=errors)
    raise NoResult(f"wrk has measured nothing: {output.strip()}")

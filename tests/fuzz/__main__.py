"""`python -m fuzz [--seconds N] [PARSER …]`: each parser in a process of its own; the exit code is 1 when one fell over."""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is private
WITH_ATHERIS = importlib.util.find_spec("atheris") is not None


def main() -> None:
    match sys.argv[1:]:
        case ["--within", name, seconds]:  # nothing of ours may have been imported before it is instrumented
            (by_atheris if WITH_ATHERIS else by_hypothesis)(name, int(seconds))
        case _:
            every()


def every() -> None:
    from fuzz.targets import TARGETS

    told = argparse.ArgumentParser(prog="python -m fuzz")
    told.add_argument("parsers", nargs="*", metavar="PARSER", help=f"of {', '.join(TARGETS)}; all if none is named")
    told.add_argument("--seconds", type=int, default=10, help="for each parser (10)")
    told.add_argument("--at-once", type=int, default=os.cpu_count(), help="so many of them (as many as there are processors)")
    told.add_argument("--brief", action="store_true", help="tell in a few lines how it went")
    options = told.parse_args()
    if unknown := set(options.parsers) - set(TARGETS):
        told.error(f"there is no parser {', '.join(sorted(unknown))}")
    print(f"{'atheris' if WITH_ATHERIS else 'Hypothesis'}, {options.seconds} s each", flush=True)
    names = options.parsers or list(TARGETS)
    with ThreadPoolExecutor(options.at_once) as threads:
        tried = dict(zip(names, threads.map(partial(_fuzzed, seconds=options.seconds, brief=options.brief), names), strict=True))
    fell = [name for name, inputs in tried.items() if inputs is None]
    if options.brief:
        stood = {name: inputs for name, inputs in tried.items() if inputs is not None}
        least = min(stood, key=stood.get, default="")
        print(f"{len(stood)} parsers stood {sum(stood.values()):,} inputs; {least} had the fewest, {stood.get(least, 0):,}", flush=True)
    sys.exit(f"fell over: {', '.join(fell)}" if fell else None)


def _fuzzed(name: str, seconds: int, *, brief: bool) -> int | None:
    """How many inputs a parser has stood; nothing when it fell over."""
    command = [sys.executable, "-m", "fuzz", "--within", name, str(seconds)]
    with tempfile.TemporaryDirectory(prefix="argus-fuzz-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        environment = {**os.environ, "TMPDIR": folder}
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, errors="replace", timeout=seconds + 300, env=environment
        )
    found = re.findall(r"Done (\d+) runs", done.stdout + done.stderr)
    tried = int(found[-1]) if found else 0
    verdict = f"fell over (code {done.returncode})" if done.returncode else "stood it"
    if done.returncode or not brief:
        print(f"{name:12} {tried:>12,} inputs  {verdict}", flush=True)
    if done.returncode:
        print(*(line for line in (done.stdout + done.stderr).splitlines() if "Instrumenting" not in line), sep="\n", flush=True)
        return None
    return tried


def by_atheris(name: str, seconds: int) -> None:
    """Bytes led by which lines they reach."""
    import atheris

    with atheris.instrument_imports(include=["adapters", "argus_core"]):
        from fuzz.targets import FOLDER, TARGETS
    corpus = Path(tempfile.mkdtemp(prefix="argus-fuzz-"))
    for number, seed in enumerate(TARGETS[name].seeds):
        (corpus / str(number)).write_bytes(seed)
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=60", f"-artifact_prefix={FOLDER}/"]
    atheris.Setup([name, str(corpus), *options], TARGETS[name])
    atheris.Fuzz()


def by_hypothesis(name: str, seconds: int) -> None:
    """Well-formed bytes, changed at random."""
    from hypothesis import HealthCheck, given, seed, settings

    from fuzz.inputs import inputs
    from fuzz.targets import TARGETS

    target, tried, end = TARGETS[name], 0, time.monotonic() + seconds

    def take(data: bytes) -> None:
        nonlocal tried
        tried += 1
        target(data)

    asked = settings(max_examples=200, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    while time.monotonic() < end:
        seed(tried)(asked(given(inputs(target))(take)))()
    print(f"Done {tried} runs")


if __name__ == "__main__":
    main()

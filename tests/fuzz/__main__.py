"""`python -m fuzz [--seconds N] [PARSER …]`: each parser in a process of its own; the exit code is 1 when one fell over."""

import argparse
import importlib.util
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, redirect_stderr
from io import StringIO
from multiprocessing import connection, get_context
from pathlib import Path

WITH_ATHERIS = importlib.util.find_spec("atheris") is not None
with ExitStack() as stack:  # nothing of ours may have been imported before it is instrumented, and it is once for all parsers
    if WITH_ATHERIS:
        import atheris

        stack.enter_context(redirect_stderr(StringIO()))  # where it names every module
        stack.enter_context(atheris.instrument_imports(include=["adapters", "argus_core"]))
    from fuzz import targets
    from fuzz.inputs import inputs

TARGETS = targets.TARGETS
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is private
PATIENCE = 300
"""So many seconds a parser may take longer than it was given."""


def main() -> None:
    told = argparse.ArgumentParser(prog="python -m fuzz")
    told.add_argument("parsers", nargs="*", metavar="PARSER", help=f"of {', '.join(TARGETS)}; all if none is named")
    told.add_argument("--seconds", type=int, default=10, help="for each parser (10)")
    told.add_argument("--at-once", type=int, default=os.cpu_count(), help="so many of them (as many as there are processors)")
    told.add_argument("--brief", action="store_true", help="tell in a few lines how it went")
    options = told.parse_args()
    if unknown := set(options.parsers) - set(TARGETS):
        told.error(f"there is no parser {', '.join(sorted(unknown))}")
    print(f"{'atheris' if WITH_ATHERIS else 'Hypothesis'}, {options.seconds} s each", flush=True)
    stood, fell = {}, []
    for name, code, said in _fuzzed(options.parsers or list(TARGETS), options.seconds, options.at_once):
        found = re.findall(r"Done (\d+) runs", said)
        tried = int(found[-1]) if found else 0
        if code or not options.brief:
            print(f"{name:12} {tried:>12,} inputs  {f'fell over (code {code})' if code else 'stood it'}", flush=True)
        if code:
            fell.append(name)
            print(said, flush=True)
        else:
            stood[name] = tried
    if options.brief:
        least = min(stood, key=stood.get, default="")
        print(f"{len(stood)} parsers stood {sum(stood.values()):,} inputs; {least} had the fewest, {stood.get(least, 0):,}", flush=True)
    sys.exit(f"fell over: {', '.join(fell)}" if fell else None)


def _fuzzed(names: Sequence[str], seconds: int, at_once: int) -> Iterator[tuple[str, int | None, str]]:
    """Each parser as soon as it is done, with the exit code of its process and what that said."""
    waiting, running, processes = list(names), {}, get_context("fork")
    with tempfile.TemporaryDirectory(prefix="argus-fuzz-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        while waiting or running:
            while waiting and len(running) < at_once:
                name = waiting.pop(0)
                process = processes.Process(target=_fuzz, args=(name, seconds, Path(folder, name)))
                process.start()
                running[process.sentinel] = name, process
            done = connection.wait(running, timeout=seconds + PATIENCE)
            for sentinel in done or list(running):
                name, process = running.pop(sentinel)
                if not done:
                    process.kill()
                process.join()
                yield name, process.exitcode, Path(folder, f"{name}.said").read_text(errors="replace")


def _fuzz(name: str, seconds: int, folder: Path) -> None:
    folder.mkdir()
    targets.FOLDER = folder
    with folder.with_suffix(".said").open("w") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    (by_atheris if WITH_ATHERIS else by_hypothesis)(name, seconds)


def by_atheris(name: str, seconds: int) -> None:
    """Bytes led by which lines they reach."""
    corpus = targets.FOLDER / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(TARGETS[name].seeds):
        (corpus / str(number)).write_bytes(seed)
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=60", f"-artifact_prefix={targets.FOLDER}/"]

    def take(data: bytes) -> None:
        try:
            TARGETS[name](data)
        except BaseException:
            print(f"fell over {data!r}", flush=True)
            raise

    atheris.Setup([name, str(corpus), *options], take)
    atheris.Fuzz()


def by_hypothesis(name: str, seconds: int) -> None:
    """Well-formed bytes, changed at random."""
    from hypothesis import HealthCheck, given, seed, settings

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

# ruff: noqa: C901, E501, I001, PLR0912, PLR0915, S311, SIM105, T201
# fmt: off
"""Run recorded scenarios against a server. See README.md."""
import argparse
import json
import pathlib
import random
import re
import sys

import httpx

import engine

HERE = pathlib.Path(__file__).resolve().parent


def short(value, limit):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + "..."


def run_scenario(client, scenario, ctx, args, report):
    counts = {"passed": 0, "failed": 0, "quirk": 0, "soft": 0, "extra": 0}
    tolerate = bool(scenario.get("extra")) and not args.extras

    def fail(i, step, lines):
        if tolerate:
            counts["extra"] += 1
            if not args.verbose:
                return
        else:
            counts["failed"] += 1
        print(f"{'EXTRA' if tolerate else 'FAIL'} {scenario['name']} step {i} [{step.get('who', 'anonymous')} {step['method']} {step['path']}]"
              f" {step.get('note', '')}".rstrip())
        for line in lines:
            print("     " + line)
        if not tolerate:
            report.append({"scenario": scenario["name"], "step": i, "result": "failed", "diff": lines})

    for i, step in enumerate(scenario["steps"], 1):
        if "expect" not in step:
            fail(i, step, ["no recorded expectation"])
            continue
        try:
            response = client.send(ctx, step)
        except engine.MissingVariable as e:
            if step.get("quirk"):
                counts["quirk"] += 1
            else:
                fail(i, step, [f"blocked: variable {e} was not captured by an earlier step"])
            continue
        except httpx.HTTPError as e:
            fail(i, step, [f"no response: {e!r}"])
            continue
        diffs = engine.compare_response(ctx, step, response, args.allow_extra)
        if response.status_code != step["expect"]["status"]:
            # captures may still help the steps after this one
            engine.do_captures(ctx, step, engine.response_body(response)[1])
        hard = [d for d in diffs if d[0] == "hard" or args.strict]
        soft = [d for d in diffs if d[0] == "soft"]
        counts["soft"] += len(soft)
        fmt = lambda d: f"{d[0]} {d[1] or '/'}: expected {short(d[2], args.width)}, got {short(d[3], args.width)}"  # noqa: E731
        if step.get("quirk"):
            counts["quirk"] += 1
            if diffs and args.verbose:
                print(f"quirk {scenario['name']} step {i} ({step['quirk']})")
                for d in diffs:
                    print("     " + fmt(d))
            continue
        if hard:
            fail(i, step, [fmt(d) for d in (diffs if args.verbose else hard)])
        else:
            counts["passed"] += 1
            if soft and (args.soft or args.verbose):
                print(f"soft {scenario['name']} step {i} [{step.get('who', 'anonymous')} {step['method']} {step['path']}]")
                for d in soft:
                    print("     " + fmt(d))
    for step in scenario.get("cleanup", []):
        try:
            client.send(ctx, step)
        except (engine.MissingVariable, httpx.HTTPError):
            pass
    return counts


def main():
    p = argparse.ArgumentParser()
    p.add_argument("files", nargs="*", help="scenario files or folders; default: the scenarios folder beside run.py")
    p.add_argument("--base-url", required=True)
    p.add_argument("--world", required=True)
    p.add_argument("--only", help="regular expression on scenario names")
    p.add_argument("--strict", action="store_true", help="soft differences fail as well")
    p.add_argument("--soft", action="store_true", help="print soft differences")
    p.add_argument("--allow-extra", action="store_true", help="unexpected extra fields are soft")
    p.add_argument("--extras", action="store_true", help="failures in scenarios about undocumented features count")
    p.add_argument("--shuffle", type=int, metavar="SEED", help="run the scenarios in a random order")
    p.add_argument("--verbose", "-v", action="store_true")
    p.add_argument("--width", type=int, default=200)
    p.add_argument("--json-report", help="write failures to this file")
    args = p.parse_args()
    world = json.loads(pathlib.Path(args.world).read_text())
    files = []
    for name in args.files or [HERE / "scenarios"]:
        path = pathlib.Path(name)
        files += sorted(path.glob("*.json")) if path.is_dir() else [path]
    client = engine.Client(args.base_url)
    run_id = engine.new_run_id()
    total = {"passed": 0, "failed": 0, "quirk": 0, "soft": 0, "extra": 0}
    n = bad = 0
    report, per_area = [], {}
    todo = []
    for path in files:
        doc = json.loads(path.read_text())
        todo += [(doc["area"], s) for s in doc["scenarios"] if not args.only or re.search(args.only, s["name"])]
    if args.shuffle is not None:
        random.Random(args.shuffle).shuffle(todo)
    for area_name, scenario in todo:
        n += 1
        ctx = engine.Context(world, args.base_url, run_id, n)
        counts = run_scenario(client, scenario, ctx, args, report)
        bad += bool(counts["failed"])
        area = per_area.setdefault(area_name, [0, 0])
        area[0] += counts["passed"]
        area[1] += counts["failed"]
        for k in total:
            total[k] += counts[k]
    print()
    for area, (ok, ko) in sorted(per_area.items()):
        print(f"{area:28} {ok:4} passed {ko:4} failed")
    print(f"{n} scenarios, {bad} with failures; {total['quirk']} quirk steps not counted;"
          f" {total['extra']} tolerated failures in undocumented extras;"
          f" {total['soft']} soft differences{'' if args.soft or args.strict else ' (show with --soft)'}")
    if args.json_report:
        pathlib.Path(args.json_report).write_text(json.dumps(report, indent=1) + "\n")
    print(f"{total['passed']} passed, {total['failed']} failed")
    return 1 if total["failed"] or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

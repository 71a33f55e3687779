"""The benchmark's arithmetic; nothing is timed here."""

import hashlib
import json
import math
import re
from dataclasses import asdict
from html import unescape
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bench(monkeypatch):
    """The modules of the benchmark, which is no package that is installed."""
    monkeypatch.syspath_prepend(ROOT)
    from bench import machine, runs, wrk

    return machine, runs, wrk


def test_the_line_of_the_load_generator_is_read(bench):
    _, runs, wrk = bench
    line = 'RESULT {"requests":300,"seconds":2.5,"p50":1.25,"p95":2,"p99":3.5,"worst":9,"statuses":2,"sockets":1}'

    run = wrk.parse(f"Running 2s test @ http://127.0.0.1\n{line}\n")

    assert runs.Run(requests=300, seconds=2.5, p50=1.25, p95=2, p99=3.5, worst=9, errors=3) == run
    assert 120 == run.rate


def test_a_load_generator_that_says_nothing_is_quoted(bench):
    _, _, wrk = bench

    with pytest.raises(wrk.NoResult, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:1")


def stat(pid, parent, ticks, name="argus"):
    return f"{pid} ({name}) S {parent} 1 1 0 -1 4194560 0 0 0 0 {' '.join(map(str, ticks))} 20 0 1 0 1 1 1"


def test_cpu_of_a_process_is_that_of_its_descendants_too(bench, tmp_path):
    machine, _, _ = bench
    found = {
        1: stat(1, 0, (900, 0, 0, 0)),
        7: stat(7, 1, (100, 50, 25, 25)),
        8: stat(8, 7, (10, 0, 0, 0), "a) (b"),
        9: stat(9, 8, (0, 5, 0, 0)),
    }
    for pid, line in found.items():
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(line)

    assert {7, 8, 9} == machine.tree(7, tmp_path)
    assert 215 / machine.TICKS == machine.cpu_seconds(7, tmp_path)


def test_a_process_that_is_gone_costs_nothing(bench, tmp_path):
    machine, _, _ = bench

    assert 0 == machine.cpu_seconds(7, tmp_path)


def test_the_machine_is_busy_when_it_neither_idles_nor_waits(bench, tmp_path):
    machine, _, _ = bench
    (tmp_path / "stat").write_text("cpu  100 0 100 500 300 0 0 0 0 0\n")
    before = machine.Machine.now(tmp_path)
    (tmp_path / "stat").write_text("cpu  130 0 130 530 310 0 0 0 0 0\n")

    assert 0.6 == pytest.approx(machine.Machine.now(tmp_path).busy_since(before))


def test_memory_is_said_for_each_role(bench, tmp_path):
    machine, _, _ = bench
    commands = {7: ("argus", "serve"), 8: ("python", "-P", "-m", "adapters", "asgi", "8"), 9: ("python", "-m", "adapters", "worker", "9")}
    for pid, command in commands.items():
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(stat(pid, 1 if pid == 7 else 7, (0, 0, 0, 0)))
        (tmp_path / str(pid) / "cmdline").write_bytes("\0".join(command).encode())
        (tmp_path / str(pid) / "smaps_rollup").write_text(f"Rss: 900000 kB\nPss:  {pid * 1024} kB\nPss_Anon: 1 kB\n")

    assert {"supervisor": 7, "HTTP": 8, "worker": 9} == machine.memory(7, tmp_path)


def test_a_run_is_summed_up_in_milliseconds(bench):
    _, runs, _ = bench

    run = runs.Run.of([0.001, 0.002, 0.009], 0.5)

    assert (3, 2, 9, 6) == (run.requests, run.p50, run.worst, run.rate)


@pytest.fixture
def marks(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from bench import marks

    return marks


@pytest.mark.parametrize(
    ("name", "value", "limit", "slower", "verdict"),
    [
        ("list", 0.7, 0.5, 2, "aim"),
        ("list", 1.2, 0.5, 2, "aim, here"),
        ("list", 1.2, 0.5, 1, "at least"),
        ("list", 2.9, 0.5, 2, "at least, here"),
        ("list", 3.1, 0.5, 2, "BELOW"),
        ("list", 3.1, 0.5, None, "BELOW"),
        ("lifecycle", 1600, 500, 2, "aim"),
        ("lifecycle", 500, 500, 2, "at least, here"),
        ("lifecycle", 399, 500, 2, "BELOW"),
        ("post 8", 600, 1000, None, "aim"),
        ("post 8", 450, 1000, None, "at least"),
        ("post 8", 390, 1000, None, "BELOW"),
        ("post 8", 390, None, None, "FAILED"),
    ],
)
def test_a_figure_is_compared_with_the_marks_and_what_they_mean_here(marks, name, value, limit, slower, verdict):  # noqa: PLR0917 - of examples
    row = marks.Row(name=name, figure=marks.Figure(value=value, limit=limit), slower=slower)

    assert verdict == row.verdict


def test_marks_are_scaled_by_the_limit_they_belong_to(marks):
    figures = {"list": marks.Figure(value=1, limit=1), "memory": marks.Figure(value=1), "mails": "Wrong: lost"}
    limits = {"list 1": 2 * marks.THERE["list 1"]}

    found = {row.name: row for row in marks.rows(figures, limits)}

    assert {"list": 2, "memory": None, "mails": None} == {name: row.slower for name, row in found.items()}
    assert 3 == found["list"].here(found["list"].mark.at_least)


def test_every_scale_of_a_mark_is_known(marks):
    scales = {mark.scale for mark in marks.MARKS.values() if mark.scale}

    assert scales == set(marks.THERE) == set(marks.SAID)


def test_what_failed_has_a_line_in_the_table(marks):
    lines = list(marks.table(marks.rows({"mails": "Wrong: lost"}, {})))

    assert lines[1].endswith("Wrong: lost  FAILED")


def test_the_table_says_both_pairs_of_marks(marks):
    row = marks.Row(name="list", figure=marks.Figure(value=2.5, limit=1, p99=12, worst=2000), slower=2)

    head, line = marks.table([row])

    assert len(head.split("verdict")[0]) == line.index("at least, here")
    assert ["2.50", "1.00", "2.50", "1.50", "0.800", "2.00", "3.00", "1.60", "12.0", "2,000", "at", "least,", "here"] == line.split()[6:]
    assert "here psycopg" not in "".join(marks.sentences([row]))
    assert "takes 2.00 times as long as on the one the marks were set on, 3.00 and 1.60 ms" in "".join(marks.sentences([row]))


def test_a_line_that_is_kept_holds_everything(marks):
    line = json.loads(marks.line(marks.Row(name="mails", figure=marks.Figure(value=90, limit=100)), incidents=100))

    expected = {"row": "mails", "value": 90, "limit": 100, "ratio": 0.9, "verdict": "aim", "incidents": 100}
    assert expected == {key: line[key] for key in expected}


DATA_SET = {
    "acks.csv": "890deffdfc492344",
    "destinations.jsonl": "32d027666276b29c",
    "events.csv": "3e8cbb24f22477ab",
    "filters.jsonl": "48c801985093ed54",
    "incident_tags.csv": "18087484745f4713",
    "incidents.csv": "cbbca061e212180e",
    "profile_users.jsonl": "90ce6bf51a797707",
    "profiles.jsonl": "c2d1d83405b1f430",
    "tags.csv": "d04a6ccedc10caab",
    "timeslots.jsonl": "3707794bd3bb67bc",
    "world.json": "c82f0038f0fa47e4",
}


def test_the_neutral_data_set_is_the_same_everywhere(monkeypatch, tmp_path):
    """
    Figures of several servers are compared only if they had the same data.
    """
    monkeypatch.syspath_prepend(ROOT)
    from bench import neutral

    neutral.write(tmp_path, incidents=300, profiles=40)

    assert DATA_SET == {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in tmp_path.iterdir()}


@pytest.fixture
def growth(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from bench import fit, growth, plot

    return fit, growth, plot


SIZES = (10_000, 100_000, 1_000_000, 5_000_000)


@pytest.mark.parametrize(
    ("time", "exponent", "holds"),
    [
        (lambda _: 2.0, 0, True),
        (lambda n: 3 * math.log(n), 0.083, True),
        (lambda n: 0.1 * n**0.2, 0.2, False),
        (lambda n: n / 1000, 1, False),
    ],
)
def test_what_grows_faster_than_the_logarithm_is_found(growth, time, exponent, holds):
    fit, _, _ = growth

    found = fit.fit([(n, time(n)) for n in SIZES])

    assert exponent == pytest.approx(found.exponent, abs=0.002)
    assert holds is found.holds


def test_a_logarithm_explains_itself(growth):
    fit, _, _ = growth

    found = fit.fit([(n, 1 + 0.5 * math.log(n)) for n in SIZES])

    assert (1, 0.5, 1) == pytest.approx((found.at, found.slope, found.explained))


def point(growth, what, size, ms, by="incidents"):
    return growth.Point(by=by, what=what, size=size, ms=ms, p99=1, worst=1)


def test_points_are_read_back(growth, tmp_path):
    _, growth, _ = growth
    one = point(growth, "list", 10, 1.5)
    (tmp_path / "lines").write_text(json.dumps(asdict(one)) + "\n")

    assert [one] == growth.read(tmp_path / "lines")
    assert [] == growth.read(tmp_path / "none")


def test_the_last_of_several_measurements_counts(growth):
    _, growth, _ = growth
    points = [
        point(growth, "list", 100, 9),
        point(growth, "list", 10, 2),
        point(growth, "list", 100, 3),
        point(growth, "x", 1, 1, "profiles"),
    ]

    assert {"list": [(10, 2), (100, 3)]} == growth.curves(points, "incidents")


def test_one_curve_that_grows_faster_decides(growth):
    _, growth, _ = growth
    flat = [point(growth, "list", size, 1) for size in SIZES]

    assert growth.verdict(flat)[0]
    assert not growth.verdict([*flat, *(point(growth, "POST", size, size) for size in SIZES)])[0]


def test_a_plot_names_its_axes_and_lines(growth):
    _, _, plot = growth

    text = plot.svg(
        "Growth", plot.Axis(name="incidents"), plot.Axis(name="milliseconds"), {"a < b": [(10, 1), (1000, 3)], "c": [(10, 1), (99, 3)]}
    )

    said = map(unescape, re.findall("<text[^>]*>([^<]*)</text>", text))
    assert {"Growth", "incidents", "milliseconds", "a < b", "c", "10", "1,000"} <= set(said)
    assert "prefers-color-scheme: dark" in text


def test_ends_of_an_axis_are_round(growth):
    _, _, plot = growth

    assert (0.1, 1000) == plot.Axis(name="").ends([0.3, 200])
    assert (1, 10) == plot.Axis(name="").ends([1, 1])
    assert (0, 200) == plot.Axis(name="", logarithmic=False).ends([170, 180])
    assert [0, 50, 100, 150, 200] == plot.Axis(name="", logarithmic=False).ticks(0, 200)


def test_names_of_lines_that_end_alike_stand_apart(growth):
    _, _, plot = growth

    text = plot.svg("", plot.Axis(name=""), plot.Axis(name=""), {"a": [(1, 5), (10, 5)], "b": [(1, 5), (10, 5)]})

    heights = [float(line.split('y="')[1].split('"')[0]) for line in text.splitlines() if "<text class=" in line]
    assert 22 <= abs(heights[0] - heights[1])


@pytest.fixture
def soak(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from bench import soak

    return soak


def samples(soak, per_hour, warming=0):
    return [soak.Sample(role="HTTP", at=at, mb=80 + warming * min(at, 300) + per_hour * at / 3600) for at in range(0, 1200, 10)]


@pytest.mark.parametrize(("per_hour", "warming", "flat"), [(0, 0, True), (5, 0, True), (7, 0, False), (0, 0.1, True)])
def test_memory_is_flat_if_it_grows_only_while_all_gets_warm(soak, per_hour, warming, flat):
    assert flat is soak.verdict(samples(soak, per_hour, warming), 300)[0]


def test_a_late_answer_is_explained_by_what_happened_meanwhile(soak):
    notes = [
        soak.Note(what=what, since=since, until=until)
        for what, since, until in (("before", 1, 8), ("during", 10.5, 10.6), ("after", 13, 14))
    ]

    assert ["during"] == soak.explained(soak.Answer(what="list", at=10, took=1), notes)


def test_garbage_collections_are_read_as_their_process_noted_them(soak):
    (note,) = soak.collected("4711 1000.5 1000.75 2\n", began=1000)

    assert ("garbage collection 2 (250 ms)", 0.5, 0.75) == (note.what, note.since, note.until)


def test_the_worst_answers_come_first(soak):
    answers = [soak.Answer(what="list", at=at, took=took) for at, took in ((1, 0.01), (2, 0.9), (3, 0.02))]

    lines = list(soak.worst(answers, [soak.Note(what="checkpoint", since=2, until=30)]))

    assert "900.0 ms" in lines[1]
    assert lines[1].endswith("checkpoint")


@pytest.fixture
def peers(bench):
    from bench import peers

    return peers


def figure(peers, who, value, unit, what="POST, 8 in flight", **costs):
    return peers.Figure(what=what, who=who, value=value, unit=unit, **costs)


def test_a_higher_rate_and_a_lower_time_are_both_times_as_fast(peers):
    figures = [
        *(figure(peers, "Argus", rate, "/s", cpu_ms=0.25, postgres_ms=0.5) for rate in (900, 1100)),
        figure(peers, "other", 100, "/s"),
        figure(peers, "Argus", 2, "ms", "GET"),
        figure(peers, "other", 50, "ms", "GET"),
    ]

    _, posts, gets = peers.table(figures)

    assert ["1,000", "/s", "100", "/s", "10.0", "0.25", "+", "0.50"] == posts.split()[-8:]
    assert ["2", "ms", "50", "ms", "25.0"] == gets.split()[-5:]


def test_what_only_one_side_can_tell_has_no_ratio(peers):
    _, line = peers.table([figure(peers, "Argus", 2, "s", "cold start")])

    assert ["cold", "start", "2", "s"] == line.split()


def test_memory_is_the_share_of_the_whole_tree(peers, tmp_path):
    for pid, parent in ((7, 1), (8, 7)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(stat(pid, parent, (0, 0, 0, 0)))
        (tmp_path / str(pid) / "smaps_rollup").write_text("Rss: 9000 kB\nPss: 1024 kB\nPss_Dirty: 7 kB\n")

    assert 2 == peers.memory(7, tmp_path)


def test_answers_that_differ_stop_everything(peers, monkeypatch):
    sides = [
        peers.Side(name=name, url=name, world={"query": {"tags_and": "a=b", "source_ids": "1"}, "users": [{"token": "x"}]}) for name in "ab"
    ]
    monkeypatch.setattr(peers, "ask", lambda url, _: {"results": [{"pk": 1 if url.startswith("a") else 2}], "count": 1})

    with pytest.raises(peers.Wrong, match=r"first other pks \(1, 2\)"):
        peers.check(sides)


@pytest.fixture
def calm(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from bench import calm

    return calm


def storm_of(calm, name, messages, worst=1.0):
    figures = {"deliveries": 9, "critical": 1, "p50": 0.1, "p99": 0.2, "worst": worst, "quiet_after": 3.0, "load": 1.0}
    return calm.Run(name=name, settings={}, incidents=10, seconds=1, people=len(messages), messages=messages, **figures)


def test_one_in_fifty_incidents_of_a_storm_is_critical(calm):
    levels = [calm.level_of(number) for number in range(10_000)]

    assert [200, 2000] == pytest.approx([levels.count(level) for level in (1, 2)], rel=0.05)
    assert {1, 2, 3, 4, 5} == set(levels)


def test_everybody_is_waited_for_at_each_critical_incident_and_nobody_twice(calm):
    critical = [number for number in range(200) if calm.level_of(number) == 1]
    other = next(number for number in range(200) if calm.level_of(number) > 1)
    first, second = critical[:2]
    letters = [(first, 11.0, "a"), (first, 10.5, "a"), (first, 12.0, "b"), (second, 13.0, "a"), (other, 99.0, "a"), (-1, 99.0, "a")]

    assert [0.5, 2.0, 3.0] == calm.latencies(letters, [10.0] * 200, 3)
    with pytest.raises(calm.Wrong, match="4 messages were due, 3 have arrived"):
        calm.latencies(letters, [10.0] * 200, 4)


def test_whoever_gets_no_message_counts_too(calm):
    assert [2, 1, 0] == calm.per_person([(1, 0.0, "a"), (-1, 0.0, "a"), (2, 0.0, "b")], 3)


def test_the_last_storm_of_a_name_counts_and_all_are_drawn(calm, tmp_path):
    runs = [storm_of(calm, "before", [1, 1]), storm_of(calm, "after", [9, 3]), storm_of(calm, "before", [900, 400], worst=7.5)]
    (tmp_path / "lines").write_text("".join(f"{json.dumps(asdict(run))}\n" for run in runs))

    found = calm.read(tmp_path / "lines")
    drawing, table = calm.drawn(found), "\n".join(calm.table(found))

    assert [runs[1], runs[2]] == found
    assert "Messages that each of 2 people gets in a storm of 10 incidents" in unescape(drawing)
    assert all(f">{name}</text>" in drawing for name in ("before", "after"))
    assert re.search(r"before +9 +1,300 +400 +900 +1 +0.10 +0.20 +7.50", table)


@pytest.fixture
def importing(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from bench import importing

    return importing


def test_an_import_is_told_by_phase_next_to_its_limit(importing, monkeypatch):
    clock = iter([0, 2, 12, 20, 24, 25, 100, 108, 116, 120, 121])
    monkeypatch.setattr(importing.time, "perf_counter", lambda: next(clock))
    lines = [
        "   2.0 s  200 incidents",
        "  12.0 s  Making the index a",
        "  13.0 s  Making the index b",
        "  20.0 s  Looking at what there is",
    ]
    argus, alone = importing.Side(), importing.Side()

    argus.begin(importing.START)
    heard = [importing.heard(argus, line) for line in [*lines, "  24.0 s  Letting the database come to rest", "Imported in 25 s: 2 users"]]
    argus.begin("")
    for phase in (*importing.PHASES[1:], ""):
        alone.begin(phase)

    assert [True] * 5 + [False] == heard
    assert [["start", "and", "people", "2.0"], ["rows", "10.0", "8.0", "1.25"], ["indexes", "8.0", "8.0", "1.00"]] == [
        line.split() for line in importing.table(argus, alone)
    ][1:4]
    assert ["total", "25.0", "21.0", "1.19"] == next(line.split() for line in importing.table(argus, alone) if line.startswith("total"))


def test_what_is_copied_for_the_limit_is_the_whole_data_set(importing, tmp_path):
    size = importing.neutral.write(tmp_path / "set", incidents=50, profiles=2)

    files = importing.written(tmp_path / "set", tmp_path / "bytes")

    lines = {table: len(file.read_text().splitlines()) for table, file in files.items()}
    assert {"incident": 50, "event": size["events"], "ack": size["acks"]} == lines

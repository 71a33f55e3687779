"""The benchmark's arithmetic; nothing is timed here."""

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bench(monkeypatch):
    """The modules of the benchmark, which is no package that is installed."""
    monkeypatch.syspath_prepend(ROOT)
    from bench import machine, report, wrk

    return machine, report, wrk


def test_the_line_of_the_load_generator_is_read(bench):
    _, _, wrk = bench
    line = 'RESULT {"requests":300,"seconds":2.5,"p50":1.25,"p95":2,"p99":3.5,"statuses":2,"sockets":1}'

    run = wrk.parse(f"Running 2s test @ http://127.0.0.1\n{line}\n")

    assert wrk.Run(requests=300, seconds=2.5, p50=1.25, p95=2, p99=3.5, errors=3) == run
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


def result(bench, who, rate, round_, in_flight=8):
    _, report, wrk = bench
    run = wrk.Run(requests=rate, seconds=1, p50=1, p95=2, p99=3)
    return report.Result(what="post", who=who, in_flight=in_flight, round=round_, run=run, cpu_ms=0.5, postgres_cpu_ms=0.25, busy=1, load=2)


def test_the_table_shows_medians_and_their_ratio(bench):
    _, report, _ = bench
    rates = {report.ARGUS: (900, 1000, 5000), report.PSYCOPG: (2100, 2000, 1)}

    lines = list(report.table(result(bench, who, rate, n) for who, rates_ in rates.items() for n, rate in enumerate(rates_)))

    assert ["argus", "8", "1,000", "1.00", "2.00", "3.00", "0.500", "0.250", "0.50"] == lines[3].split()
    assert ["psycopg", "8", "2,000", "1.00", "2.00", "3.00", "0.500", "0.250"] == lines[4].split()


def test_a_line_that_is_kept_holds_everything(bench):
    _, report, _ = bench

    line = json.loads(report.line(result(bench, "argus", 700, 2), incidents=100))

    expected = {
        "what": "post",
        "who": "argus",
        "in_flight": 8,
        "round": 2,
        "incidents": 100,
        "rate": 700.0,
        "requests": 700,
        "p50": 1,
        "errors": 0,
    }
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

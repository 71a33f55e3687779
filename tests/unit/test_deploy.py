"""What is offered to operators is what their machines accept, and says what is true."""

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import click
import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.cli.commands import argus
from adapters.counts import note_attempt, note_request, written
from adapters.db.figures import Figures, Pile
from adapters.http.services import Check
from adapters.metrics import of_checks, of_figures, of_this_program
from adapters.settings import load
from argus_core.domain.deliveries import Outcome

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
GUIDE = (ROOT / "docs" / "operating.md").read_text()
RULES = ROOT / "deploy" / "prometheus" / "argus.rules.yml"


def commands(text):
    """The commands of `argus` in indented lines, as lists of words."""
    for line in re.findall(r"^    (.*)$", text, re.MULTILINE):
        if found := re.match(r"(?:[A-Z_]+=\S+ )*(?:runuser -u argus -- )?(?:/opt/argus/bin/)?argus ([^>&]*)", line):
            yield shlex.split(found[1], comments=True)


def accepts(command, words):
    """Whether the command line means something; nothing is done."""
    while isinstance(command, click.Group):
        name, *words = words
        command = command.get_command(None, name)
        assert command, f"there is no `{name}`"
    try:
        command.make_context(command.name, words)
    except click.BadParameter as wrong:
        return "does not exist" in wrong.message  # a file that is not here
    return True


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_unit(unit, tmp_path):
    copy = tmp_path / unit.name
    copy.write_text(re.sub(r"^ExecStart=.*", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE))
    command = shutil.which("systemd-analyze")

    said = subprocess.run([command, "verify", "--man=no", copy], capture_output=True, text=True, check=False) if command else None

    assert said is None or (0, "") == (said.returncode, "\n".join(line for line in said.stderr.splitlines() if unit.name in line))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_unit_starts_what_there_is(unit):
    (words,) = re.findall(r"^ExecStart=/opt/argus/bin/argus (.*)$", unit.read_text(), re.MULTILINE)

    assert accepts(argus, words.replace("/etc/argus/argus.toml", str(ROOT / "pyproject.toml")).split())


@pytest.mark.parametrize("document", sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]), ids=lambda path: path.name)
def test_commands_in_documents_are_commands(document):
    assert all(accepts(argus, words) for words in commands(document.read_text()))


def test_the_settings_of_the_guide_are_settings(tmp_path):
    parts = re.findall(r"^    cat >>?/etc/argus/argus.toml <<'END'\n(.*?)^    END$", GUIDE, re.MULTILINE | re.DOTALL)
    told = "".join(re.sub(r"^    ", "", part, flags=re.MULTILINE) for part in parts)
    (file := tmp_path / "argus.toml").write_text(told)

    settings = load(file, {}, tmp_path).settings

    assert 2 == len(parts)
    assert {"database_url", "public_url", "oidc"} <= tomllib.loads(told).keys()
    assert ("127.0.0.1",) == settings.metrics_allow
    assert "Feide" == settings.oidc["feide"].name


def test_alerts_and_the_guide_are_about_metrics_there_are():
    note_request("/", "GET", 200, 0.1)
    note_attempt("email", Outcome.SENT)
    found = Figures(open={("nav", "oslo", 1): 1}, undecided=Pile(), stuck=0, waiting={})
    told = written([*of_this_program(), *of_checks([Check("worker")]), *of_figures(found, ["email"])])
    samples = {sample.name for family in text_string_to_metric_families(told.decode()) for sample in family.samples}
    families = {re.sub(r"_(count|sum|bucket)$", "", name) for name in samples}

    named = set(re.findall(r"\bargus_\w+", RULES.read_text()))
    described = set(re.findall(r"`(argus_\w+)`", GUIDE.partition("\n## Metrics")[2].partition("\n## ")[0]))

    assert named
    assert set() == named - samples
    assert families - {"argus_outbox_oldest_seconds", "argus_outbox_stuck_events"} == described


@pytest.mark.parametrize("outcome", Outcome)
def test_the_guide_knows_what_comes_of_attempts(outcome):
    assert f"`{outcome.value}`" in GUIDE.partition("\n## Metrics")[2]


def test_prometheus_accepts_the_alerts():
    command = shutil.which("promtool")

    said = subprocess.run([command, "check", "rules", RULES], capture_output=True, text=True, check=False) if command else None

    assert said is None or 0 == said.returncode, said.stderr

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.demo.greeting import OPERATOR, SOURCE, Greeting
from adapters.demo.installation import SOURCES, Memory, Remembered, new_password
from adapters.demo.people import PEOPLE


@pytest.fixture
def greeting():
    tokens = {name: f"token-of-{name}" for name in (*SOURCES, *(person.username for person in PEOPLE))}
    return Greeting(
        address="http://127.0.0.1:8123/",
        data=Path("/data/argus-demo"),
        remembered=Remembered(password="abcd-efgh-ijkl", tokens=tokens),
        try_on=20_001,
        now=datetime(2030, 3, 14, 12, tzinfo=UTC),
    )


def test_the_greeting_tells_where_and_who(greeting):
    text = greeting.text()

    assert "http://127.0.0.1:8123/" in text
    assert "http://127.0.0.1:8123/demo/mailbox/" in text
    assert "abcd-efgh-ijkl" in text
    assert f"token-of-{OPERATOR}" in text
    assert f"token-of-{SOURCE}" in text
    assert all(person.username in text for person in PEOPLE)


def test_the_three_commands_stand_in_the_greeting_each_on_a_line_of_its_own(greeting):
    lines = greeting.text().splitlines()

    assert [line for line in lines if line.startswith("curl ")] == list(greeting.commands())


def test_the_commands_list_report_and_acknowledge(greeting):
    listing, reporting, acknowledging = map(shlex.split, greeting.commands())

    assert listing[-1] == "http://127.0.0.1:8123/api/v2/incidents/?open=true&acked=false&page_size=5"
    assert reporting[-1] == "http://127.0.0.1:8123/api/v2/incidents/"
    assert f"Authorization: Token token-of-{SOURCE}" in reporting
    assert json.loads(reporting[reporting.index("-d") + 1])["start_time"] == "2030-03-14T12:00:00+00:00"
    assert acknowledging[-1] == "http://127.0.0.1:8123/api/v2/incidents/20001/acks/"


def test_a_demo_remembers_its_password_and_tokens(tmp_path):
    memory = Memory(tmp_path / "demo.json")
    remembered = Remembered(password=new_password(), tokens={"ingrid": "abc"})

    memory.keep(remembered)

    assert remembered == memory.recall()


def test_what_a_demo_remembers_is_for_its_owner_alone(tmp_path):
    memory = Memory(tmp_path / "demo.json")

    memory.keep(Remembered(password="x"))

    assert memory.file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", [None, "", "[]", '{"password": 1}'])
def test_anything_else_is_no_demo(tmp_path, text):
    memory = Memory(tmp_path / "demo.json")
    if text is not None:
        memory.file.write_text(text)

    assert memory.recall() is None

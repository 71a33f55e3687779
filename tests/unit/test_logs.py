"""What is logged is one line each, for people or for programs."""

import asyncio
import json
import logging
import sys

from adapters.logs import JsonLines, TextLines
from argus_core.ports.about import work_on


def record(**extra):
    try:
        int("a mistake")
    except ValueError:
        made = logging.LogRecord("argus.test", logging.WARNING, __file__, 1, "%s of %s", ("one", "two"), sys.exc_info())
    vars(made).update(extra, created=1715947200.25, process=7)
    return made


def test_text_has_moment_level_process_message_and_what_came_along():
    first, *rest = TextLines().format(record(status=200)).splitlines()

    assert "2024-05-17T12:00:00.250Z warning [7] one of two status=200" == first
    assert rest[-1].endswith("'a mistake'")


def test_json_is_one_object_with_everything_in_it():
    line = JsonLines().format(record(status=200, path=object))

    entry = json.loads(line)
    assert "\n" not in line
    assert entry["exception"].endswith("'a mistake'")
    assert {
        "time": "2024-05-17T12:00:00.250Z",
        "level": "warning",
        "logger": "argus.test",
        "process": 7,
        "message": "one of two",
        "status": 200,
        "path": "<class 'object'>",
    } == {name: value for name, value in entry.items() if name != "exception"}


def test_each_line_tells_what_is_being_worked_on():
    async def line(number):
        work_on(request=f"number {number}")
        await asyncio.sleep(0)
        return json.loads(JsonLines().format(record(status=number)))

    async def both():
        return await asyncio.gather(line(1), line(2))

    assert [("number 1", 1), ("number 2", 2)] == [(entry["request"], entry["status"]) for entry in asyncio.run(both())]
    assert "request" not in json.loads(JsonLines().format(record()))

"""Figures of all incidents, each a link to what it counts; and the same for a screen on the wall."""

import asyncio
import html
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from adapters.web.overview import drawing
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.tags import Tag
from unit.web.conftest import words_of

pytestmark = pytest.mark.anyio

EVIL = "<script>alert(1)</script>\"'"
MINUTE = timedelta(minutes=1)


async def looked(browser, path="/overview/"):
    """The page when the week is known."""
    await browser.get(path)
    await asyncio.sleep(0)
    return (await browser.get(path)).text


def links(text):
    return [html.unescape(link) for link in re.findall(r'href="(/incidents/\?[^"]*)"', text)]


async def test_what_is_open_is_counted_by_level_and_source(world):
    actor = await world.actor()
    for level in (Level.CRITICAL, Level.CRITICAL, Level.LOW):
        incident = await world.report(level=level)
    await world.incidents.acknowledge(incident.id, actor=actor)
    await world.report(end_time=world.now)

    page = (await (await world.somebody()).get("/overview/")).text
    words = words_of(page)

    assert "3 open , 2 of them not acknowledged" in words
    assert "2 1 critical 2 not acknowledged" in words
    assert "1 4 low 0 not acknowledged" in words
    assert "nav nav 3" in words
    assert 'aria-label="nav: 2 open of level 1 critical"' in page


async def test_the_week_comes_when_it_is_known(world):
    await world.report()
    here = await world.somebody()

    first = (await here.get("/overview/")).text
    part = (await here.get("/overview/week/")).text
    second = (await here.get("/overview/")).text

    assert 'hx-get="/overview/week/"' in first
    assert "1 incidents started within a week" in words_of(part)
    assert "1 incidents started within a week" in words_of(second)


async def test_each_figure_leads_to_its_incidents(world):
    for number in range(3):
        start = world.now - (number + 2) * 10 * MINUTE
        await world.report(start_time=start, end_time=start + MINUTE, tags=(Tag("host", "a"), Tag("note", "x,y")))
    await world.report(tags=(Tag("site", "oslo"),))

    found = [parse_qs(urlsplit(link).query) for link in links(await looked(await world.somebody()))]

    assert {"open": ["true"], "acked": ["false"]} in found
    assert {"open": ["true"], "level__lte": ["5"], "level__gte": ["5"]} in found
    assert ["site=oslo"] in [query.get("tags") for query in found]
    assert ["note=x,y"] not in [query.get("tags") for query in found]  # lists cannot be asked for that
    assert {"start_time__gte", "start_time__lte"} in [set(query) for query in found]


async def test_what_a_level_counts_is_what_its_link_lists(world):
    """
    No worse ones with it: of all figures by level, and of the parts of a source's bar.
    """
    actor = await world.actor()
    for level in (Level.CRITICAL, Level.HIGH, Level.HIGH, Level.LOW):
        incident = await world.report(level=level)
    await world.incidents.acknowledge(incident.id, actor=actor)
    here = await world.somebody()

    figures = drawing.drawn(await world.rooms["overview"].open_now(actor))
    counted = [(one.link, one.count) for one in figures["levels"]] + [(one.unacked_link, one.unacked) for one in figures["levels"]]
    parts = [(part.link, int(part.words.split(": ")[1].split()[0])) for one in figures["sources"] for part in one.parts]

    assert (10, 3) == (len(counted), len(parts))
    for link, count in counted + parts:
        assert count == len(re.findall("<tr data-id=", (await here.get(link)).text)), link


async def come_and_go(world, *tags, times=1, **more):
    for _ in range(times):
        incident = await world.report(start_time=world.now - MINUTE, tags=tags, **more)
        await world.incidents.post(incident.id, EventType.CLOSE, actor=await world.actor())
    return incident


async def test_what_flaps_is_what_its_link_lists(world):
    """
    Not what has more tags or fewer, comes from elsewhere, or is open. The order of tags does not matter.
    """
    a, b = Tag("host", "a"), Tag("site", "oslo")
    for tags, times in (((a,), 6), ((a, b), 3), ((b, a), 4), ((b,), 5)):
        await come_and_go(world, *tags, times=times)
    await come_and_go(world, a, times=5, source="zabbix")
    await world.report(start_time=world.now - 26 * 60 * MINUTE, end_time=world.now - 25 * 60 * MINUTE, tags=(a,))
    await world.report(start_time=world.now - MINUTE, tags=(a,))
    await world.report(start_time=world.now - MINUTE, end_time=world.now + MINUTE, tags=(a,))
    here = await world.somebody()

    past = drawing.told_past(await world.rooms["overview"].past(await world.actor()), ZoneInfo("UTC"))
    marks = [(one.link, one.count) for kind in ("flapping", "sources", "tags") for one in past[kind]]
    marks += [(one.link, int(one.words.split(": ")[1].split()[0])) for one in past["hours"]]
    marks += [(past["over_link"], past["resolved"].count), (past["week_link"], past["started"])]

    assert [7, 6] == [one.count for one in past["flapping"]]
    for link, count in marks:
        assert count == len(re.findall("<tr data-id=", (await here.get(link)).text)), link


async def test_the_other_sources_are_listed_too(world, monkeypatch):
    monkeypatch.setattr(drawing, "SOURCES", 1)
    await world.report()
    await world.report()
    other = await world.report(source="zabbix")

    page = (await (here := await world.somebody()).get("/overview/")).text
    (link,) = re.findall(r'href="([^"]*)">1 more source has open incidents', page)

    assert [str(other.id)] == re.findall(r'<tr data-id="(\d+)"', (await here.get(html.unescape(link))).text)


@pytest.mark.parametrize("asked", ["duration__lte=x", "duration__lte=-1", "duration__lte=99999999999999999999", "duration__lte=²"])
async def test_a_duration_that_is_none_is_told_so(world, asked):
    assert 400 == (await (await world.somebody()).get(f"/incidents/?{asked}")).status_code


async def test_noise_and_flapping_show(world):
    await come_and_go(world, Tag("host", "a"), times=7)
    restless = await come_and_go(world)
    for _ in range(5):
        for type_ in (EventType.REOPEN, EventType.CLOSE):
            await world.incidents.post(restless.id, type_, actor=await world.actor())

    words = words_of(await looked(await world.somebody()))

    assert "Noisiest sources of a day Source Incidents nav nav 8" in words
    assert "allows; more than 3 times in 1 hour where there is none. Source and tags Times host=a nav 7" in words
    assert f"incident {restless.id} nav 6" in words
    assert "Until over 1 min half of them 1 min nine in ten" in words
    assert "Until acknowledged None was." in words


async def test_nothing_at_all_is_said_to_be_so(world):
    words = words_of(await looked(await world.somebody()))

    for said in ("0 open", "Nothing is open.", "Nothing started within a day."):
        assert said in words


async def test_the_wall_shows_the_worst_first_and_looks_again(world):
    for number in range(10):
        await world.report(description=f"low {number}", level=Level.LOW)
    await world.report(description="the worst", level=Level.CRITICAL)

    page = (await (await world.somebody()).get("/overview/wall/")).text

    assert 'hx-trigger="every 30s"' in page
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in page
    assert page.index("the worst") < page.index("low 9")
    assert 8 == page.count("<li>")
    assert "<nav" not in page


@pytest.mark.parametrize(("asked", "given"), [("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ("pink", ""), ("", "")])
async def test_the_wall_is_dark_or_light_as_one_likes(world, asked, given):
    page = (await (await world.somebody()).get(f"/overview/wall/?theme={asked}")).text

    assert f'<html lang="en"{given}>' in page


async def test_the_wall_is_calm_when_all_is_taken_care_of(world):
    here = await world.somebody()
    empty = words_of((await here.get("/overview/wall/")).text)
    incident = await world.report()
    await world.incidents.acknowledge(incident.id, actor=await world.actor())
    world.now += 11 * MINUTE

    assert "Nothing is open" in empty
    assert "Everything that is open is acknowledged" in words_of((await here.get("/overview/wall/")).text)


async def test_names_are_text(world):
    for _ in range(3):
        await world.report(
            source=f"nav {EVIL}", description=EVIL, tags=(Tag("a", EVIL),), start_time=world.now - MINUTE, end_time=world.now
        )
    await world.report(source=f"nav {EVIL}", description=EVIL)
    here = await world.somebody()

    for page in (await looked(here), (await here.get("/overview/wall/")).text):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("path", ["/overview/", "/overview/week/", "/overview/wall/", "/notifications/"])
async def test_pages_are_for_people_who_are_logged_in(world, path):
    answer = await world.browser().get(path)

    assert (303, f"/login/?next={path}") == (answer.status_code, answer.headers["location"])

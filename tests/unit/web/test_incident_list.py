"""The list of incidents, without a browser's scripts."""

import csv
import io
import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.web.incidents import acts, pages
from adapters.web.incidents.views import STANDARD, View
from argus_core.domain.incidents import EventType, Until
from unit.web.conftest import words_of

pytestmark = pytest.mark.anyio


def ids(answer):
    return [int(number) for number in re.findall(r'<tr data-id="(\d+)"', answer.text)]


def view(query):
    return View.of(query.encode())


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("source__id__in=1&source__id__in=2", {"source__id__in": "1,2"}),
        ("open=true&open=false", {"open": "false"}),
        ("open=&nothing=1&tags=+", {}),
        ("tags=a%3D1%2Cb%3D2&search=x%20y", {"tags": "a=1,b=2", "search": "x y"}),
    ],
)
def test_an_address_is_a_view(query, values):
    assert values == view(query).values


@pytest.mark.parametrize(("written", "size"), [("", 50), ("10", 10), ("0", 50), ("5000", 1000), ("99999999", 50), ("x", 50), ("-1", 50)])
def test_pages_have_a_size_that_makes_sense(written, size):
    assert size == view(f"page_size={written}").size


@pytest.mark.parametrize(("chosen", "columns"), [("", STANDARD), ("id,level", ("level", "id")), ("nonsense", STANDARD)])
def test_columns_have_their_own_order(chosen, columns):
    assert columns == view(f"columns={chosen}").columns


def test_a_view_is_the_same_by_its_own_address():
    first = view("open=true&tags=a=1&tags=b=2&columns=id&page_size=10")

    assert first == view(first.query)


def test_the_form_carries_along_only_what_it_has_no_fields_for():
    hidden = view("end_time__gte=x&duration__gte=5&filter_pk=3&open=true&id__in=4&page_size=9&cursor=x&columns=id").hidden

    assert {"id__in": "4", "page_size": "9"} == hidden


async def test_the_list_is_for_those_who_are_logged_in_and_they_come_back_to_it(world):
    answer = await world.browser().get("/incidents/?open=true&tags=a%3Db")

    onward = parse_qs(urlsplit(answer.headers["location"]).query)["next"]
    assert ["/incidents/?open=true&tags=a%3Db"] == onward


async def test_filters_are_those_of_the_api(world):
    here = await world.somebody()
    one = await world.report(level=1, tags=())
    await world.report(level=4)

    assert [one.id] == ids(await here.get("/incidents/?level__lte=2&source__type__in=nav&open=true"))


async def test_what_is_wrong_with_a_filter_is_said_at_its_field(world):
    here = await world.somebody()
    await world.report()

    answer = await here.get("/incidents/?tags=nonsense&end_time__isnull=true")

    assert (400, []) == (answer.status_code, ids(answer))
    assert 'id="f-tags-problem"' in answer.text


async def test_pages_lead_to_each_other(world):
    here = await world.somebody()
    made = []
    for _ in range(5):
        world.now += timedelta(minutes=1)
        made.append((await world.report()).id)

    first = await here.get("/incidents/?page_size=2")
    links = dict(re.findall(r'<a href="([^"]+)"(?: rel="\w+")?>(Newer|Older|Oldest|Newest)</a>', first.text)[::-1])
    older = next(link for link, name in links.items() if name == "Older").replace("&amp;", "&")
    oldest = next(link for link, name in links.items() if name == "Oldest").replace("&amp;", "&")

    assert made[:2:-1] == ids(first)
    assert made[2:0:-1] == ids(await here.get(older))
    assert made[1::-1] == ids(await here.get(oldest))


async def test_rows_say_whether_they_still_belong(world):
    here = await world.somebody()
    one, two = await world.report(), await world.report()
    await world.incidents.post(two.id, EventType.CLOSE, actor=await world.actor())

    text = (await here.get(f"/incidents/rows/?open=true&rows={one.id},{two.id},x,99")).text

    assert {str(one.id): False, str(two.id): True} == {
        number: "gone" in rest for number, rest in re.findall(r'<tr data-id="(\d+)"([^>]*)>', text)
    }


@pytest.mark.parametrize(("most", "said"), [(1000, "3"), (2, "2+")])
async def test_nobody_counts_without_end(world, monkeypatch, most, said):
    monkeypatch.setattr(pages, "COUNTED", most)
    here = await world.somebody()
    for _ in range(3):
        await world.report()

    assert said == (await here.get("/incidents/count/")).text.strip()
    assert "0" == (await here.get("/incidents/count/?tags=wrong")).text.strip()


async def test_tags_are_completed_behind_the_last_comma(world):
    from argus_core.domain.tags import Tag

    here = await world.somebody()
    for tag in ("site=oslo", "site=bergen", "host=oslo-gw", "list=a,b"):
        await world.report(tags=(Tag.parse(tag),))

    async def completed(typed):
        return re.findall(r'value="([^"]*)"', (await here.get("/incidents/tags/", params={"tags": typed})).text)

    assert {"site=oslo", "site=bergen"} == set(await completed("site"))
    assert ["a=b,host=oslo-gw", "a=b,site=oslo"] == sorted(await completed("a=b, OSLO"))
    assert [] == await completed("list")


async def do(world, browser, act, chosen, **fields):
    form = {"act": act, "id": [str(one.id) for one in chosen], **fields}
    return await browser.send("/incidents/", form, "/incidents/")


@pytest.mark.parametrize(("act", "hours"), [("ack:2h", 2), ("ack:tomorrow", 19), ("ack:good", None)])
async def test_many_are_acknowledged_for_a_while(world, act, hours):
    here = await world.somebody()
    chosen = [await world.report(), await world.report()]

    answer = await do(world, here, act, chosen, why="On it")

    assert "You have acknowledged 2 incidents." in words_of(answer.text)
    expirations = {(await world.journal.get(one.id)).acks[0].expiration for one in chosen}
    assert {None if hours is None else world.now + timedelta(hours=hours)} == expirations


async def test_many_are_acknowledged_until_something_happens(world):
    here = await world.somebody()
    chosen = [await world.report(), await world.report()]

    for act in ("ack:level", "ack:resolved"):
        await do(world, here, act, chosen)

    both = [(None, Until.LEVEL_RISES), (None, Until.RESOLVED)]
    assert [both, both] == [[(ack.expiration, ack.until) for ack in (await world.journal.get(one.id)).acks] for one in chosen]


async def test_tomorrow_is_that_of_the_browser(world):
    here = await world.somebody()
    one = await world.report()

    await do(world, here, "ack:tomorrow", [one], zone="Asia/Tokyo")
    await do(world, here, "ack:tomorrow", [await world.report()], zone="../nowhere")

    assert world.now + timedelta(hours=11) == (await world.journal.get(one.id)).acks[0].expiration


async def test_what_is_refused_says_why_and_leaves_the_others_alone(world):
    here = await world.somebody()
    one, two, moment = await world.report(), await world.report(), await world.report(stateful=False)
    await world.incidents.post(one.id, EventType.CLOSE, actor=await world.actor())

    class Nobody:
        id = 99

    answer = await do(world, here, "close", [one, two, moment, Nobody])

    said = words_of(answer.text)
    assert "You have closed 1 incident. Refused: 3" in said
    assert f"{one.id} : The incident is already closed." in said
    assert f"{moment.id} : A stateless incident cannot be closed or reopened." in said
    assert "99 : There is no such incident." in said
    assert {str(one.id), str(moment.id)} == set(re.findall(r'name="id" value="(\d+)"[^>]* checked', answer.text))


async def test_many_get_a_ticket(world):
    here = await world.somebody()
    chosen = [await world.report(), await world.report()]

    await do(world, here, "ticket", chosen, ticket_url="https://desk.example.org/7")

    assert {"https://desk.example.org/7"} == {(await world.journal.get(one.id)).ticket_url for one in chosen}
    refused = await do(world, here, "ticket", chosen, ticket_url="javascript:alert(1)")
    assert (400, True) == (refused.status_code, "Enter a valid URL." in words_of(refused.text))


async def test_tickets_are_made_one_by_one(world):
    here = await world.somebody()
    one, two = await world.report(), await world.report()

    answer = await do(world, here, "new-ticket", [one])
    world.desk.fails = "The desk is closed."
    failed = await do(world, here, "new-ticket", [one, two])

    assert "There is a ticket now for 1 incident." in words_of(answer.text)
    assert f"{two.id} : The desk is closed." in words_of(failed.text)


@pytest.mark.parametrize(
    ("act", "number", "said"),
    [
        ("", 1, "Choose what to do."),
        ("dance", 1, "Choose what to do."),
        ("close", 0, "Choose at least one incident."),
        ("close", 4, "Choose at most 3 incidents at once."),
        ("new-ticket", 3, "At most 2 tickets are made at once."),
        ("ack:never", 1, "Choose one of these."),
    ],
)
async def test_a_form_that_makes_no_sense_does_nothing(world, monkeypatch, act, number, said):
    monkeypatch.setattr(acts, "MOST", 3)
    monkeypatch.setattr(acts, "MOST_TICKETS", 2)
    here = await world.somebody()
    chosen = [await world.report() for _ in range(number)]

    answer = await do(world, here, act, chosen)

    assert (400, True) == (answer.status_code, said in words_of(answer.text))
    assert all([(await world.journal.get(one.id)).version == 1 for one in chosen])


async def test_scripts_get_the_outcome_alone(world):
    here = await world.somebody()
    one = await world.report()

    answer = await here.send("/incidents/", {"act": "close", "id": str(one.id)}, "/incidents/", headers={"hx-request": "true"})

    assert answer.text.strip().startswith("<div data-refused")


async def test_nobody_else_s_form_does_anything(world):
    here = await world.somebody()
    one = await world.report()

    answer = await here.client.post("/incidents/", data={"act": "close", "id": str(one.id)})

    assert (403, 1) == (answer.status_code, (await world.journal.get(one.id)).version)


async def test_a_view_is_kept_as_ones_own_filter(world):
    here = await world.somebody()
    one = await world.report(level=1, description="It is down")
    await world.report(level=4, description="It is down")

    answer = await here.send("/incidents/filters/", {"view": "level__lte=2&search=down&open=true", "name": "Bad"}, "/incidents/?open=true")

    assert [one.id] == ids(await here.get(answer.headers["location"]))
    again = await here.send("/incidents/filters/", {"view": "open=true", "name": "Bad"}, "/incidents/?open=true")
    assert (400, True) == (again.status_code, 'id="keep-problem"' in again.text)
    nothing = await here.send("/incidents/filters/", {"view": "", "name": "All"}, "/incidents/?open=true")
    assert 400 == nothing.status_code


@pytest.mark.parametrize("view", ["start_time__gte=2024-01-01T00:00", "source_incident_id=x&open=true", "id__in=1", "level__lte=0"])
async def test_what_no_filter_can_say_is_not_kept(world, view):
    here = await world.somebody()

    answer = await here.send("/incidents/filters/", {"view": view, "name": "Odd"}, "/incidents/?open=true")

    assert (400, True) == (answer.status_code, "leave them out" in answer.text)
    assert () == tuple((await world.profiles.belongings((await world.actor()).id)).filters)


async def test_tables_cannot_be_tricked_into_formulas(world):
    here = await world.somebody()
    for text in ("=1+1", "+1", "-1", "@x", "\t=1", "fine = fine"):
        await world.report(description=text)

    answer = await here.get("/incidents/export/?form=csv")

    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert ["fine = fine", "'=1", "'@x", "'-1", "'+1", "'=1+1"] == [row["description"].replace("\t", "") for row in rows]
    assert answer.headers["content-disposition"].startswith("attachment")


async def test_an_export_has_all_pages(world, monkeypatch):
    monkeypatch.setattr("adapters.web.incidents.export.ROWS_AT_ONCE", 2)
    here = await world.somebody()
    made = [(await world.report(level=level)).id for level in (1, 2, 3, 4, 5)]

    told = json.loads((await here.get("/incidents/export/?form=json&level__lte=4")).text)

    assert made[3::-1] == [one["id"] for one in told]
    assert [] == json.loads((await here.get("/incidents/export/?form=json&tags=no=no")).text)
    assert 400 == (await here.get("/incidents/export/?form=json&tags=wrong")).status_code


async def test_there_is_no_stream_of_a_filter_that_is_wrong(world):
    here = await world.somebody()

    assert 204 == (await here.get("/incidents/stream/?tags=wrong")).status_code
    assert 303 == (await world.browser().get("/incidents/stream/")).status_code


async def test_what_others_have_written_is_text(world):
    here = await world.somebody()
    evil = "<script>alert(1)</script>\"'><img src=x>"
    await world.report(description=evil, source_incident_id=evil)

    for path in (
        "/incidents/?columns=level,state,start,end,source,description,tags,ticket,key,id",
        f"/incidents/?search={evil}&tags={evil}&filter_pk={evil}",
    ):
        text = (await here.get(path)).text
        assert "<script>" not in text
        assert "<img src=x" not in text


async def test_the_page_is_compressed_for_browsers_that_take_that(world):
    """
    And what its forms carry is another one each time, so that the size tells nothing of it.
    """
    here = await world.somebody()

    answers = [await here.get("/incidents/", headers={"accept-encoding": accepted}) for accepted in ("gzip", "identity")]

    assert ["gzip", None] == [answer.headers.get("content-encoding") for answer in answers]
    first, second = (re.search(r'name="csrf_token" value="(\w+)"', answer.text)[1] for answer in answers)
    assert first != second

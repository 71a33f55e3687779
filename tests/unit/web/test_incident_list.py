"""The list of incidents, without a browser's scripts."""

import csv
import html
import io
import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from adapters.web.incidents import acts, pages
from adapters.web.incidents.pages import OTHER_STEPS, STEPS
from adapters.web.incidents.stream import OVER
from adapters.web.incidents.views import SORTS, STANDARD, View
from argus_core.domain.incidents import EventType, Until
from argus_core.ports.incidents import Position
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

    world.forget()
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


async def test_whoever_is_not_logged_in_is_told_so_by_the_stream(world):
    """
    A page that was left open need not ask again.
    """
    answer = await world.browser().get("/incidents/stream/")

    assert ("text/event-stream", OVER) == (answer.headers["content-type"].partition(";")[0], answer.content)


async def test_a_page_that_is_left_open_does_not_keep_a_session_from_ending(world):
    """
    What it asks by itself is no use; what somebody does on it is.
    """
    here = await world.somebody()
    one = await world.report()
    hours = timedelta(hours=5)

    world.now += hours
    by_itself = await here.get(f"/incidents/rows/?rows={one.id}")
    world.now += hours
    over = await here.get(f"/incidents/rows/?rows={one.id}")

    assert ([200, 303], OVER) == ([by_itself.status_code, over.status_code], (await here.get("/incidents/stream/")).content)
    there = await world.somebody()
    for _ in range(3):
        world.now += hours
        assert 200 == (await there.get("/incidents/")).status_code


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


def sorted_columns(text):
    return dict(re.findall(r'<th scope="col" class="c-(\w+)" aria-sort="(\w+)">', text))


def headers(text):
    return {name: html.unescape(link) for name, link in re.findall(r'class="c-(\w+)" aria-sort="\w+"><a class="sort" href="([^"]+)"', text)}


async def test_headers_sort_the_list_one_way_and_then_the_other(world):
    here = await world.somebody()
    made = []
    for level, ends in ((3, None), (1, 2), (5, 1)):
        world.now += timedelta(minutes=1)
        end = ends and world.now + timedelta(hours=ends)
        made.append((await world.report(level=level, end_time=end)).id)
    one, two, three = made

    async def walk(column, answer):
        answer = await here.get(headers(answer.text)[column])
        return answer, ids(answer), sorted_columns(answer.text)[column]

    first = await here.get("/incidents/?columns=level,start,end&open=true")
    worst, by_worst, said = await walk("level", first)
    _, by_mildest, said_then = await walk("level", worst)
    _, by_end, _ = await walk("end", worst)
    oldest, by_oldest, _ = await walk("start", first)
    _, by_newest, _ = await walk("start", oldest)

    assert {"level": "none", "start": "descending", "end": "none"} == sorted_columns(first.text)
    assert ([two, one, three], [three, one, two]) == (by_worst, by_mildest)
    assert ("ascending", "descending") == (said, said_then)
    assert ([one, two, three], [one, two, three], [three, two, one]) == (by_end, by_oldest, by_newest)
    assert "sort=" not in headers(oldest.text)["start"]
    assert "the worst first" in worst.text


@pytest.mark.parametrize("sort", SORTS)
async def test_pages_in_any_order_lead_to_each_other(world, sort):
    here = await world.somebody()
    for number in range(5):
        world.now += timedelta(minutes=1)
        end = world.now + timedelta(hours=number) if number % 2 else None
        await world.report(level=1 + number % 3, end_time=end, stateful=number != 2)
    whole = ids(await here.get(f"/incidents/?sort={sort}"))

    async def step(answer, name):
        (link,) = re.findall(rf'<a href="([^"]+)"(?: rel="\w+")?>{name}</a>', answer.text)
        return await here.get(html.unescape(link))

    first, back, on, last = STEPS if sort == "-start" else OTHER_STEPS
    one = await here.get(f"/incidents/?sort={sort}&page_size=2")
    two = await step(one, on)
    three = await step(two, on)

    assert [whole[:2], whole[2:4], whole[4:]] == [ids(one), ids(two), ids(three)]
    assert [whole[2:4], whole[3:], whole[:2]] == [ids(await step(three, back)), ids(await step(one, last)), ids(await step(two, first))]
    told = json.loads((await here.get(f"/incidents/export/?form=json&sort={sort}")).text)
    assert whole == [row["id"] for row in told]


@pytest.mark.parametrize(
    "cursor",
    ["x", "3.x", ".", "1.", "-1." + "A" * 23, "9" * 99 + ".x", "²." + "A" * 23, "open.open", "99999999999999999999.{}", "open.{}", "{}"],
)
@pytest.mark.parametrize("sort", ["-start", "end", "level"])
async def test_a_place_that_is_none_is_not_found(world, sort, cursor):
    """
    Or it is one; whatever somebody puts into an address, nothing breaks.
    """
    here = await world.somebody()
    place = world.rooms["addresses"].cursor(Position(world.now, 1))

    assert (await here.get(f"/incidents/?sort={sort}&cursor={cursor.format(place)}")).status_code in (200, 404)
    assert 404 == (await here.get(f"/incidents/?sort=end&cursor={place}")).status_code
    assert 404 == (await here.get(f"/incidents/?cursor=open.{place}")).status_code


@pytest.mark.parametrize(
    ("query", "levels"), [("level__gte=3", [3, 4, 5]), ("level__gte=2&level__lte=3", [2, 3]), ("level__gte=1", [1, 2, 3, 4, 5])]
)
async def test_levels_have_two_sides(world, query, levels):
    here = await world.somebody()
    made = {(await world.report(level=level)).id: level for level in (1, 2, 3, 4, 5)}

    assert levels == sorted(made[id_] for id_ in ids(await here.get(f"/incidents/?{query}")))
    assert 400 == (await here.get("/incidents/?level__gte=9")).status_code


async def test_conditions_in_groups_are_in_the_address(world):
    """
    They are made on a page of their own, told in words, kept with the filter, and changed.
    """
    here = await world.somebody()
    bad, ticketed = await world.report(level=1), await world.report(level=5, ticket_url="https://t.example.org/1")
    await world.report(level=5)
    page = "/incidents/where/?open=true&sort=level"
    form = {"view": "open=true&sort=level", "e.kind": "any", "e.0.kind": "maxlevel", "e.0.value": "2"}

    grown = await here.send(page, {**form, "e.add": "ticket", "do": "add:e"}, page)
    answer = await here.send(page, {**form, "e.1.kind": "ticket", "e.1.value": "yes"}, page)
    shown = await here.get(answer.headers["location"])

    assert 'name="e.1.kind" value="ticket"' in grown.text
    assert [bad.id, ticketed.id] == ids(shown)
    assert "meets at least one of these: is of level 2 high, or worse has a ticket" in words_of(shown.text)
    view = urlsplit(answer.headers["location"]).query
    again = await here.get(f"/incidents/where/?{view}")
    assert 'name="e.0.1.kind" value="ticket"' in again.text
    kept = await here.send("/incidents/filters/", {"view": view, "name": "Grouped"}, "/incidents/?open=true")
    assert [bad.id, ticketed.id] == ids(await here.get(kept.headers["location"]))
    nothing = await here.send(page, {"view": view, "e.kind": "all"}, page)
    assert "where=" not in nothing.headers["location"]


@pytest.mark.parametrize(
    "where",
    [
        *("x", "{}", "[" * 5_000, "null", "NaN", '{"text": "\\ud800"}', '{"maxlevel": 9}', '{"eventTypes": ["STA"]}'),
        *('{"text": "' + "x" * 7_000 + '"}', '{"tags": ["\\u0000=1"]}'),
    ],
)
async def test_conditions_that_are_none_are_said_to_be(world, where):
    here = await world.somebody()
    query = urlencode({"where": where})

    assert [400, 400, 204] == [(await here.get(f"/incidents/{page}?{query}")).status_code for page in ("", "where/", "stream/")]


@pytest.mark.parametrize(
    "fields",
    [
        {"e.kind": "any", "e.0.kind": "tags", "e.0.value": "x"},
        {"e.0.kind": "text", "e.0.value": "y" * 7_000},
        {"e.0.kind": "eventTypes", "e.0.value": "STA"},
    ],
)
async def test_groups_that_make_no_sense_stay_with_what_is_wrong(world, fields):
    here = await world.somebody()

    answer = await here.send("/incidents/where/", {"view": "open=true", **fields}, "/incidents/where/")

    assert (400, True) == (answer.status_code, 'role="alert"' in answer.text)


async def kept(browser, name="Core", view="level__lte=2"):
    answer = await browser.send("/incidents/filters/", {"view": view, "name": name}, "/incidents/?open=true")
    return int(parse_qs(urlsplit(answer.headers["location"]).query)["filter_pk"][0])


async def test_staff_share_a_filter_with_everybody(world):
    """
    It lists for others what it lists for its owner, under the same address, until it is not shared any more.
    """
    alice, sam = await world.somebody(), await world.somebody("sam")
    bad = await world.report(level=1)
    await world.report(level=4)
    number = await kept(sam)
    private = await alice.get(f"/incidents/?filter_pk={number}")

    await sam.send(f"/incidents/filters/{number}/share/", page="/incidents/filters/")
    shared = await alice.get(f"/incidents/?filter_pk={number}")
    listed = await alice.main("/incidents/filters/")
    copied = await alice.send("/incidents/filters/", {"view": f"filter_pk={number}", "name": "Core"}, "/incidents/?open=true")
    await sam.send(f"/incidents/filters/{number}/unshare/", page="/incidents/filters/")
    gone = await alice.get(f"/incidents/?filter_pk={number}")

    assert (400, [], 400, []) == (private.status_code, ids(private), gone.status_code, ids(gone))
    assert "There is no such filter, or it is not shared any more." in words_of(gone.text)
    assert ([bad.id], True) == (ids(shared), "Core, shared by sam" in shared.text)
    assert "Core Shared by sam" in listed
    assert [bad.id] == ids(await alice.get(copied.headers["location"]))
    assert [bad.id] == ids(await sam.get(f"/incidents/?filter_pk={number}"))


async def test_filters_are_taken_along(world):
    """
    One's own and those that others share, as the page lists them, with what they ask for as the API has it; nobody's private ones.
    """
    alice, sam = await world.somebody(), await world.somebody("sam")
    own, theirs = await kept(alice, "Mine and only mine", "level__lte=2&open=true"), await kept(sam)
    await kept(sam, "Private")
    await sam.send(f"/incidents/filters/{theirs}/share/", page="/incidents/filters/")
    path = "/incidents/filters/export/?form"

    objects = (await alice.get(f"{path}=json")).json()
    rows = list(csv.DictReader(io.StringIO((await alice.get(f"{path}=csv")).content.decode("utf-8-sig"))))
    nobody = await world.browser().get(f"{path}=json")

    asks = {"all": [{"open": True}, {"maxlevel": 2}]}
    assert [(own, "Mine and only mine", "alice", False, asks), (theirs, "Core", "sam", True, {"all": [{"maxlevel": 2}]})] == [
        tuple(one[name] for name in ("id", "name", "owner", "shared", "expression")) for one in objects
    ]
    assert [asks, {"all": [{"maxlevel": 2}]}] == [json.loads(row["expression"]) for row in rows]
    assert 303 == nobody.status_code
    assert "/incidents/filters/export/?form=csv" in (await alice.get("/incidents/filters/")).text


async def test_others_neither_share_nor_stop_sharing(world):
    alice, sam = await world.somebody(), await world.somebody("sam")
    own, theirs = await kept(alice), await kept(sam)
    await sam.send(f"/incidents/filters/{theirs}/share/", page="/incidents/filters/")

    refused = [
        (await alice.send(f"/incidents/filters/{number}/{act}/", page="/incidents/filters/")).status_code
        for number, act in ((own, "share"), (theirs, "unshare"), (theirs, "share"))
    ]
    paths = (f"{own}/share", f"{own}/dance", f"{2**63}/share")
    missing = [(await sam.send(f"/incidents/filters/{path}/", page="/incidents/filters/")).status_code for path in paths]
    strange = await sam.client.post(f"/incidents/filters/{theirs}/unshare/")

    assert ([403] * 3, [404] * 3, 403) == (refused, missing, strange.status_code)
    assert "Share with everybody" not in await alice.main("/incidents/filters/")
    assert [theirs] == [one.filter.id for one in await world.profiles.shared_filters()]


async def test_who_has_left_the_staff_does_not_change_what_everybody_sees(world):
    sam = await world.somebody("sam")
    number = await kept(sam)
    await sam.send(f"/incidents/filters/{number}/share/", page="/incidents/filters/")
    await world.people.set_roles("sam", staff=False)

    changed = await sam.send(f"/notifications/filters/{number}/", {"name": "Mine now"}, f"/notifications/filters/{number}/")
    deleted = await sam.send(f"/notifications/filters/{number}/delete/", page=f"/notifications/filters/{number}/delete/")

    assert [400, 403] == [changed.status_code, deleted.status_code]
    assert all("only staff change it" in words_of(answer.text) for answer in (changed, deleted))
    assert ["Core"] == [one.filter.name for one in await world.profiles.shared_filters()]


async def test_what_somebody_shares_stays_when_they_are_gone(world):
    alice, sam = await world.somebody(), await world.somebody("sam")
    bad = await world.report(level=1)
    number = await kept(sam)
    await sam.send(f"/incidents/filters/{number}/share/", page="/incidents/filters/")

    await world.people.set_active("sam", active=False)

    assert [bad.id] == ids(await alice.get(f"/incidents/?filter_pk={number}"))

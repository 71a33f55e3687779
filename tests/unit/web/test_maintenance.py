"""Maintenance is planned, changed and ended on pages; what it covers is marked, and what it kept back can be found everywhere."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from argus_core.conformance.outbox import SENT
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.maintenance import MADE_FOR_IT, SETTLING, Window
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.tags import Tag
from argus_core.domain.timeslots import EVERY_DAY, Recurrence
from argus_core.usecases.accounts import NewUser
from unit.web.conftest import NOON, SECRET, words_of

pytestmark = pytest.mark.anyio

ROOT = "/admin/maintenance/"
NEW = f"{ROOT}new/"
EVIL = "<script>alert(1)</script>\"'"
HOUR = timedelta(hours=1)
SWITCH = FilterDefinition(tags=("host=sw1",))
PLAN = {"description": "New switch", "zone": "Europe/Oslo", "tags": "host=sw1"}


@pytest.fixture
async def sam(world):
    return await world.somebody("sam")


async def planned(world, who="sam", **more):
    """A maintenance of Sam's that runs now, and has no end."""
    wanted = {"start": world.now, "end": None, "filter_ids": (), "description": "New switch", "besides": SWITCH, **more}
    return await world.rooms["maintenance"].plan(await world.actor(who), **wanted)


async def filter_of(world, name, definition=SWITCH, who="sam"):
    return await world.profiles.add_filter(await world.actor(who), name=name, definition=definition)


async def the_only_one(world):
    (one,) = await world.rooms["maintenance"].all()
    return one


async def hearing(world, who="alice"):
    """Somebody's profile that hears of everything, by mail."""
    owner = await world.actor(who)
    slot = await world.profiles.add_timeslot(owner, name="Always", recurrences=[Recurrence(days=EVERY_DAY)])
    filter_ = await world.profiles.add_filter(owner, name="All", definition=FilterDefinition(max_level=5))
    where = await world.profiles.add_destination(owner, medium="pager", settings={"number": 7, "key": "hush"})
    await world.profiles.add_profile(owner, name="All", timeslot_id=slot.id, filter_ids=[filter_.id], destination_ids=[where.id])


async def kept_back(world):
    """A maintenance, and an incident that began under it, of which Alice was to hear."""
    await hearing(world)
    maintenance = await planned(world)
    incident = await world.report(description="Link of sw1", tags=(Tag.parse("host=sw1"),))
    while await world.dispatcher.decide(10):
        pass
    return maintenance, incident


async def rounded_up(world, maintenance):
    """Its end, and the message about it, which is sent."""
    await world.rooms["maintenance"].cancel(await world.actor("sam"), maintenance.id)
    world.now += SETTLING
    assert 1 == await world.rooms["maintenance"].round_up()
    (sending,) = await world.outbox.take({"pager:": 10}, HOUR)
    await world.outbox.finish(sending, SENT)


async def test_a_plan_is_kept_as_it_was_said(world, sam):
    chosen = await filter_of(world, "Room 3", FilterDefinition(max_level=3))
    hours = {"r.0.days": ["7"], "r.0.weeks": ["2", "-1"], "r.0.start": "22:00", "r.0.end": "04:00", "r.0.ends_next_day": "on"}
    fields = {**PLAN, **hours, "start_time": "2030-06-01T08:00", "end_time": "2030-07-01T10:00", "filters": [str(chosen.id)]}

    answer = await sam.send(NEW, fields, NEW)

    one = await the_only_one(world)
    assert f"{ROOT}{one.id}/?done=planned" == answer.headers["location"]
    assert ("2030-06-01T06:00:00+00:00", "2030-07-01T08:00:00+00:00") == (one.start.isoformat(), one.end.isoformat())
    night = Recurrence(days=frozenset({7}), start=one.windows[0].hours.start, end=one.windows[0].hours.end, ends_next_day=True)
    assert (Window(hours=night, weeks=frozenset({2, -1})),) == one.windows
    assert ("22:00", "04:00") == (f"{night.start:%H:%M}", f"{night.end:%H:%M}")
    assert [chosen, (MADE_FOR_IT, SWITCH)] == [one.filters[0], (one.filters[1].name, one.filters[1].definition)]
    assert ("sam", "192.0.2.1", "maintenance.plan", f"planned maintenance {one.id}") == (await world.noted())[0][:4]
    page = await sam.main(answer.headers["location"])
    hours = "on the second and last of a month: Sun, 22:00 to 04:00 of the next day"
    for words in (
        "The maintenance is planned.",
        "New switch",
        "to come",
        hours,
        "Europe/Oslo",
        "Room 3",
        "has the tag host=sw1",
        "sam",
        "2030-06-09 22:00 CEST",
    ):
        assert words in page


async def test_nothing_is_from_now_on_and_until_somebody_ends_it(world, sam):
    await sam.send(NEW, PLAN, NEW)

    one = await the_only_one(world)
    assert (world.now, None, ()) == (one.start, one.end, one.windows)
    assert "runs now" in await sam.main(ROOT)


@pytest.mark.parametrize(
    ("fields", "name", "problem"),
    [
        ({"start_time": "soon"}, "start_time", "Give a date and a time"),
        ({"start_time": "9999-06-01T08:00"}, "start_time", "1900"),
        ({"end_time": "0001-01-01T00:00"}, "end_time", "Give a date and a time"),
        ({"end_time": "1066-10-14T09:00"}, "end_time", "1900"),
        ({"end_time": "2024-02-31T08:00"}, "end_time", "Give a date and a time"),
        ({"end_time": "2024-02-01T08:00"}, "end_time", "The end must lie in the future."),
        ({"start_time": "2030-01-02T08:00", "end_time": "2030-01-01T08:00"}, "end_time", "The end must be later than the start."),
        ({"zone": "Mars/Olympus"}, "zone", "is not a known time zone."),
        ({"tags": ""}, "filters", "This list may not be empty."),
        ({"tags": "nonsense"}, "tags", "nonsense"),
        ({"filters": ["999"]}, "filters", "999"),
        ({"description": "a" * 70_000}, "description", "no more than 65536 bytes"),
        ({"r.0.start": "08:00", "r.0.end": "09:00"}, "r.0.days", "Choose at least one day."),
        ({"r.0.days": "1", "r.0.start": "09:00", "r.0.end": "08:00"}, "r.0", "It ends before it begins."),
        ({"e.kind": "all", "e.0.kind": "text", "e.0.value": ""}, "e.0", ""),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(world, sam, fields, name, problem):
    fields = {**PLAN, **fields}

    answer = await sam.send(NEW, fields, NEW)

    assert 400 == answer.status_code
    said = re.search(rf'<small class="problem" id="{re.escape(name)}-problem"[^>]*>([^<]*)</small>', answer.text)
    assert problem in words_of(said[1])
    assert f'aria-describedby="{name}-problem"' in answer.text
    assert fields["description"] in answer.text
    assert [] == list(await world.rooms["maintenance"].all())


async def test_hours_and_conditions_come_and_go_by_buttons(world, sam):
    more = await sam.send(NEW, {**PLAN, "do": "hours:add"}, NEW)
    less = await sam.send(NEW, {**PLAN, "r.0.days": "1", "do": "hours:drop:0"}, NEW)
    clause = await sam.send(NEW, {**PLAN, "e.kind": "all", "e.add": "text", "do": "add:e"}, NEW)
    gone = await sam.send(NEW, {**PLAN, "e.kind": "all", "e.0.kind": "text", "e.0.value": "x", "do": "drop:e.0"}, NEW)

    assert ['name="r.0.days"' in page.text for page in (more, less, clause)] == [True, False, False]
    assert ['name="e.0.kind"' in page.text for page in (more, clause, gone)] == [False, True, False]
    assert {200} == {page.status_code for page in (more, less, clause, gone)}
    assert [] == list(await world.rooms["maintenance"].all())


async def test_what_comes_of_it_is_shown_while_it_is_written(world, sam):
    await world.report(description="Link of sw1", tags=(Tag.parse("host=sw1"),))
    await world.report(description="Another", tags=(Tag.parse("host=sw2"),))
    hours = {"r.0.days": "1", "r.0.start": "08:00", "r.0.end": "09:00"}

    shown = words_of((await sam.send(f"{ROOT}preview/", {**PLAN, **hours}, NEW)).text)
    never = words_of((await sam.send(f"{ROOT}preview/", {**PLAN, **hours, "end_time": "2024-03-02T08:00"}, NEW)).text)
    nothing = words_of((await sam.send(f"{ROOT}preview/", {"description": "x"}, NEW)).text)
    wrong = words_of((await sam.send(f"{ROOT}preview/", {**PLAN, "start_time": "soon"}, NEW)).text)
    assert [200] * 3 == [
        (await sam.send(f"{ROOT}preview/", {**PLAN, **hours, "start_time": f"{year}-12-31T23:59"}, NEW)).status_code
        for year in (9998, 9999, 1900)
    ]
    backwards = words_of((await sam.send(f"{ROOT}preview/", {**PLAN, "end_time": "2023-03-02T08:00"}, NEW)).text)

    for said in ("1 incident matches.", "Link of sw1", "2024-03-04 08:00 CET", "2024-03-04 09:00 CET"):
        assert said in shown
    assert "Another" not in shown
    assert ["It never runs"] * 2 == ["It never runs" if "It never runs" in page else page for page in (never, backwards)]
    assert "It says nothing about incidents" in nothing
    assert "Give a date and a time" in wrong


async def test_a_change_keeps_what_was_not_touched(world, sam):
    """
    Sent as it was shown, the form changes nothing, not even by parts of a minute; and a filter stays as it was when it was chosen.
    """
    chosen = await filter_of(world, "Room 3", FilterDefinition(max_level=3))
    night = Window(hours=Recurrence(days=frozenset({6}), start=NOON.time(), end=NOON.time(), ends_next_day=True), weeks=frozenset({5}))
    day = Window(hours=Recurrence(days=EVERY_DAY))
    said = FilterDefinition(tags=("host=sw1",), max_level=2, expression=None)
    end = world.now + HOUR + timedelta(seconds=3)
    one = await planned(world, filter_ids=[chosen.id], windows=(night, day), end=end, besides=said, zone="Asia/Kathmandu")
    world.now += HOUR / 2
    await world.profiles.change_filter(
        await world.actor("sam"), chosen.id, lambda present: replace(present, definition=FilterDefinition(max_level=1))
    )
    path = f"{ROOT}{one.id}/change/"
    form = fields_of((await sam.get(path)).text)

    answer = await sam.send(path, form, path)

    assert f"{ROOT}{one.id}/?done=changed" == answer.headers["location"]
    assert one == await the_only_one(world)
    assert "it has begun already" in words_of((await sam.get(path)).text)


async def test_what_is_to_come_may_change_in_everything(world, sam):
    one = await planned(world, start=world.now + HOUR, besides=SWITCH)
    path = f"{ROOT}{one.id}/change/"
    other = {"start_time": "2030-01-01T00:00", "description": "Later", "tags": "host=sw2"}
    form = {**fields_of((await sam.get(path)).text), **other}

    await sam.send(path, form, path)

    changed = await the_only_one(world)
    assert ("2029-12-31T23:00:00+00:00", "Later") == (changed.start.isoformat(), changed.description)
    assert [("host=sw2",)] == [filter_.definition.tags for filter_ in changed.filters]
    assert "maintenance.change" == (await world.noted())[0][2]
    form = {**fields_of((await sam.get(path)).text), "start_time": ""}
    await sam.send(path, form, path)
    assert world.now == (await the_only_one(world)).start


async def test_the_start_of_what_has_begun_stays(world, sam):
    one = await planned(world)
    world.now += HOUR
    path = f"{ROOT}{one.id}/change/"

    answer = await sam.send(path, {**fields_of((await sam.get(path)).text), "start_time": "2030-01-01T00:00"}, path)

    assert (400, True) == (answer.status_code, "It has begun already." in words_of(answer.text))


async def test_filters_of_others_stay_and_ones_own_are_added(world, sam):
    await world.people.create_user(NewUser(username="ada", password=SECRET, superuser=True))
    hers = await filter_of(world, "Hers", who="ada")
    one = await planned(world, who="ada", filter_ids=[hers.id], besides=None)
    mine = await filter_of(world, "Mine", FilterDefinition(max_level=2))
    path = f"{ROOT}{one.id}/change/"

    await sam.send(path, {**fields_of((await sam.get(path)).text), "filters": [str(mine.id)]}, path)
    both = (await the_only_one(world)).filters
    await sam.send(path, {**fields_of((await sam.get(path)).text), "staying": [str(mine.id)]}, path)

    assert [[hers, mine], [mine]] == [list(both), list((await the_only_one(world)).filters)]


async def test_what_is_to_come_is_called_off_and_what_runs_ends(world, sam):
    later, now = await planned(world, start=world.now + HOUR), await planned(world)
    world.now += HOUR / 2

    asked = [await sam.main(f"{ROOT}{one.id}/end/") for one in (later, now)]
    answers = [await sam.send(f"{ROOT}{one.id}/end/", {"sure": "yes"}, f"{ROOT}{one.id}/end/") for one in (later, now)]

    assert ["Call", "End"] == [re.search(r"(Call|End) Planned maintenance", page)[1] for page in asked]
    assert [f"{ROOT}?done=gone", f"{ROOT}{now.id}/?done=ended"] == [answer.headers["location"] for answer in answers]
    assert [replace(now, end=world.now)] == list(await world.rooms["maintenance"].all())
    assert ["maintenance.cancel"] * 2 == [deed for _, _, deed, *_ in (await world.noted())[:2]]
    assert "The maintenance is called off." in await sam.main(f"{ROOT}?done=gone")


async def test_what_is_over_stays_as_it_was(world, sam):
    one = await planned(world, end=world.now + HOUR)
    form = fields_of((await sam.get(f"{ROOT}{one.id}/change/")).text)
    world.now += HOUR

    page = await sam.main(f"{ROOT}{one.id}/")
    asked = await sam.get(f"{ROOT}{one.id}/change/")
    acts = [await sam.send(f"{ROOT}{one.id}/{act}/", {**form, "end_time": ""}, NEW) for act in ("change", "end")]

    assert ("over" in page, "Change it" in page, "End it now" in page) == (True, False, False)
    assert f"{ROOT}{one.id}/" == asked.headers["location"]
    assert [(409, True)] * 2 == [(answer.status_code, "is over and stays as it was" in answer.text) for answer in acts]
    assert one == await the_only_one(world)


async def test_the_list_is_searched_and_paged(world, sam):
    for number in range(21):
        await planned(world, description=f"Work {number}", start=world.now + number * HOUR, end=world.now + (number + 1) * HOUR)
    world.now += 1.5 * HOUR

    first, second = await sam.main(ROOT), await sam.main(f"{ROOT}?page=2")
    found, past = await sam.main(f"{ROOT}?q=work+17"), await sam.main(f"{ROOT}?phase=past")

    works = [re.findall(r"Work (\d+)", page) for page in (first, second, found, past)]
    assert [[str(number) for number in range(1, 21)], ["0"], ["17"], ["0"]] == works
    assert "There is none like this." in await sam.main(f"{ROOT}?q=nothing")
    assert "Next page" in first
    assert "Previous page" in second
    for odd in ("?page=0", "?page=x", f"?page={2**63}", "?phase=odd"):
        assert 200 == (await sam.get(f"{ROOT}{odd}")).status_code


@pytest.mark.parametrize("pk", ["0", "999", str(2**63), "9" * 30])
async def test_there_is_no_page_of_what_is_not_there(world, sam, pk):
    assert [404] * 3 == [(await sam.get(f"{ROOT}{pk}/{more}")).status_code for more in ("", "change/", "end/")]


async def test_everybody_sees_what_is_planned_and_what_was_kept_from_them(world, sam):
    await hearing(world, "sam")
    maintenance, incident = await kept_back(world)
    alice = await world.somebody()

    hers, his = await alice.main(f"{ROOT}{maintenance.id}/"), await sam.main(f"{ROOT}{maintenance.id}/")

    assert ("1 notification about 1 incident to 1 destination", "2 notifications about 1 incident to 2 destinations") == tuple(
        re.search(r"\d notifications? about \d incidents? to \d destinations?", page)[0] for page in (hers, his)
    )
    assert "All of it waits for the message at the end." in hers
    assert ["This is what it has kept from you" in page for page in (hers, his)] == [True, False]
    for said in ("1 incident matches.", "Link of sw1", f"Incident {incident.id}", "suppressed", "Pager: 7"):
        assert said in hers
    assert ["Change it" in page or "Plan maintenance" in page for page in (hers, await alice.main(ROOT))] == [False, False]
    assert "Administration" not in hers
    assert "Maintenance" in await alice.main("/account/") or 'href="/admin/maintenance/"' in (await alice.get("/account/")).text


async def test_afterwards_it_says_what_told_it(world, sam):
    maintenance, incident = await kept_back(world)
    await rounded_up(world, maintenance)
    alice = await world.somebody()
    (roundup, *_) = await world.outbox.listed(maintenance_id=maintenance.id)
    title = f'Planned maintenance {maintenance.id} "New switch" is over'

    pages = {path: await alice.main(path) for path in (f"{ROOT}{maintenance.id}/", "/notifications/deliveries/", "/notifications/")}
    pages["/admin/deliveries/"] = await sam.main("/admin/deliveries/")

    for path, page in pages.items():
        assert title in page, path
        assert f"Message {roundup.id} told it." in page, path
        assert "a test" not in page, path
        assert f"Incident {incident.id}" in page, path
    assert "All of it is in a message of its own now." in pages[f"{ROOT}{maintenance.id}/"]
    chosen = await alice.main("/notifications/deliveries/?status=suppressed")
    assert (True, False) == (f"Incident {incident.id}" in chosen, title in chosen)


async def test_a_test_is_still_called_a_test(world, sam):
    await hearing(world, "sam")
    (profile,) = (await world.profiles.profiles.belongings((await world.actor("sam")).id)).profiles
    await world.rooms["notifications"].test(await world.actor("sam"), profile.id)

    assert ["a test"] * 2 == ["a test" if "a test" in await sam.main(path) else "" for path in ("/notifications/", "/admin/deliveries/")]


async def test_what_it_covers_is_marked_in_the_list_and_in_rows_that_change(world):
    maintenance = await planned(world, description=EVIL)
    covered = await world.report(description="Covered", tags=(Tag.parse("host=sw1"),))
    other = await world.report(description="Not covered", tags=(Tag.parse("host=sw2"),))
    alice = await world.somebody()

    def marks(html):
        return re.findall(r'<tr data-id="(\d+)"(?:(?!</tr>).)*?is-maintained" href="([^"]+)"', html, re.DOTALL)

    whole = (await alice.get("/incidents/")).text
    rows = (await alice.get(f"/incidents/rows/?rows={covered.id},{other.id}")).text
    uncovered = (await alice.get(f"/incidents/rows/?rows={other.id}")).text
    world.now += HOUR
    await world.rooms["maintenance"].cancel(await world.actor("sam"), maintenance.id)
    after = (await alice.get("/incidents/")).text

    marked = [(str(covered.id), f"{ROOT}{maintenance.id}/")]
    assert [marked, marked, [], []] == [marks(html) for html in (whole, rows, uncovered, after)]
    assert f"in planned maintenance {maintenance.id} &#34;&lt;script&gt;" in re.sub(r"</?bdi>", "", whole)


async def test_between_its_hours_nothing_is_marked(world):
    window = Window(hours=Recurrence(days=frozenset({world.now.isoweekday() % 7 + 1})))
    await planned(world, windows=(window,))
    await world.report(tags=(Tag.parse("host=sw1"),))

    assert "is-maintained" not in (await (await world.somebody()).get("/incidents/")).text


async def test_an_incident_says_what_it_was_under(world):
    await hearing(world)
    world.now -= HOUR
    incident = await world.report(description="Link of sw1", level=Level.HIGH, tags=(Tag.parse("host=sw1"),))
    world.now += HOUR
    first, second = await planned(world), await planned(world, description="")
    alice = await world.actor()
    noted = await world.incidents.post(incident.id, EventType.OTHER, actor=alice, why="so")
    here, path = await world.somebody(), f"/incidents/{incident.id}/"

    page, state = await here.main(path), words_of((await here.get(f"{path}state/")).text)
    before = words_of((await here.get(f"{path}state/?at=1")).text)
    journal = re.findall(r'id="event-(\d+)"(?:(?!</li>).)*?Argus heard of it while', (await here.get(path)).text, re.DOTALL)

    for said in (f'in planned maintenance {first.id} "New switch"', f"in planned maintenance {second.id}"):
        assert (said in page, said in state, said in before) == (True, True, False)
    assert [str(noted.events[0].id)] == journal


async def test_why_one_was_not_told_names_it(world):
    maintenance, incident = await kept_back(world)
    (event,) = await world.journal.journal(incident.id)
    here, path = await world.somebody(), f"/incidents/{incident.id}/?why={event.id}"

    running = await here.main(path)
    await rounded_up(world, maintenance)
    over = await here.main(path)

    assert f'Planned maintenance {maintenance.id} "New switch" was running when Argus heard of it' in running
    assert "1 was kept back" in running
    assert "One message will tell it." in running
    assert "1 was kept back" in over
    assert "told it." in over


async def test_nothing_written_becomes_part_of_a_page(world, sam):
    name = EVIL[:40]
    evil = await filter_of(world, name, FilterDefinition(tags=("a=<b>",)))
    one = await planned(world, description=EVIL, filter_ids=[evil.id])

    for path in (ROOT, f"{ROOT}{one.id}/", f"{ROOT}{one.id}/change/", f"{ROOT}{one.id}/end/", f"{ROOT}?q={EVIL}"):
        assert "<script>alert" not in (await sam.get(path)).text, path


def fields_of(html):
    """What the form of a plan would send, were its button pressed."""
    form = html[html.index('<form method="post" id="plan"') :]
    form = form[: form.index("</form>")]
    fields = {}

    def add(name, value):
        fields.setdefault(name, []).append(words(value))

    def words(value):
        from html import unescape

        return unescape(value)

    for tag in re.findall(r"<input[^>]*>", form):
        at = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if at.get("type") == "checkbox":
            if re.search(r"\schecked", tag):
                add(at["name"], at.get("value", "on"))
        elif "name" in at and at["name"] != "csrf_token":
            add(at["name"], at.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        add(name, text)
    for name, inner in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.findall(r'<option value="([^"]*)"[^>]*\sselected', inner)
        for value in chosen:
            add(name, value)
    fields.pop("e.add", None)
    return fields

"""Profiles, timeslots, filters and destinations are made, changed and taken away on pages, and mistakes are told at their field."""

import csv
import io
import re
from dataclasses import replace
from datetime import time, timedelta

import pytest

from argus_core.conformance.outbox import SENT
from argus_core.domain.filters import Either, HasTag, LevelAtMost
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.tags import Tag
from argus_core.domain.timeslots import EVERY_DAY, Recurrence
from argus_core.usecases.accounts import NewUser
from argus_core.usecases.notifications import MOST_TESTS
from unit.web.conftest import SECRET, words_of

pytestmark = pytest.mark.anyio

EVIL = "<script>alert(1)</script>\"'"
HUB = "/notifications/"
OFFICE = {"name": "Office", "zone": "Europe/Oslo", "r.0.days": ["1", "5"], "r.0.start": "08:00", "r.0.end": "16:00"}


async def own(world, name="alice"):
    return await world.profiles.profiles.belongings((await world.people.user_named(name)).id)


@pytest.fixture
async def here(world):
    return await world.somebody()


async def profile_of(world, **more):
    """Alice's profile that hears of what is critical, by pager."""
    owner = await world.actor()
    when = await world.profiles.add_timeslot(owner, name="Always", recurrences=[Recurrence(days=EVERY_DAY)])
    what = await world.profiles.add_filter(owner, name="Bad ones", definition=FilterDefinition(max_level=1))
    where = await world.profiles.add_destination(owner, medium="pager", settings={"number": 7, "key": "hush"})
    places = {"timeslot_id": when.id, "filter_ids": [what.id], "destination_ids": [where.id]}
    return (await world.profiles.add_profile(owner, **{"name": "Night", **places, **more})).profile


async def test_whoever_has_nothing_is_told_so(world, here):
    await world.people.create_user(NewUser(username="bob", password=SECRET))

    page = await (await world.somebody("bob")).main(HUB)

    for said in ("You have no profile", "You have no filter", "You have no destination", "There were none."):
        assert said in page


async def test_all_that_one_has_is_on_one_page(world, here):
    await profile_of(world)

    page = await here.main(HUB)

    for said in ("Night active", "Always", "Bad ones", "Pager: 7", "Email: alice@example.org", "is of level 1 critical"):
        assert said in page


@pytest.mark.parametrize(
    "name",
    [
        *("profiles/1/", "timeslots/1/", "filters/1/", "destinations/1/", "filters/1/delete/"),
        *("profiles/1/dry-run/", "profiles/1/dry-run/export/"),
    ],
)
async def test_what_others_have_is_not_there(world, name):
    await profile_of(world)
    kind = name.partition("/")[0]
    (thing, *_) = getattr(await own(world), kind)
    sam = await world.somebody("sam")

    assert 404 == (await sam.get(HUB + name.replace("/1/", f"/{thing.id}/"))).status_code


async def test_a_timeslot_is_made(world, here):
    answer = await here.send(f"{HUB}timeslots/new/", OFFICE, f"{HUB}timeslots/new/")

    assert f"{HUB}?done=kept#timeslots" == answer.headers["location"]
    made = (await own(world)).timeslots[-1]
    assert (("Office", "Europe/Oslo"), (Recurrence(days=frozenset({1, 5}), start=time(8), end=time(16)),)) == (
        (made.name, made.zone),
        made.recurrences,
    )


async def test_a_timeslot_survives_its_form(world, here):
    slots = (
        Recurrence(days=EVERY_DAY),
        Recurrence(days=frozenset({6}), start=time(8, 0, 30), end=time.max),
        Recurrence(days=frozenset({7}), start=time(22), end=time(6), ends_next_day=True),
    )
    made = await world.profiles.add_timeslot(await world.actor(), name="Mixed", recurrences=slots, zone="Asia/Tokyo")
    path = f"{HUB}timeslots/{made.id}/"

    answer = await here.send(path, {**fields_of((await here.get(path)).text, "timeslot"), "name": "Again"}, path)

    assert 303 == answer.status_code
    assert replace(made, name="Again") == (await own(world)).timeslot(made.id)


def fields_of(text, form):
    """What a browser would send of a form as it is shown."""
    content = re.search(rf'<form[^>]*id="{form}".*?</form>', text, re.DOTALL)[0]
    fields = {}
    for tag in re.findall(r"<input[^>]*>", content):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        ticked = re.search(r"\schecked", tag) or attributes.get("type") not in ("checkbox", "radio")
        if ticked and "name" in attributes:
            fields.setdefault(attributes["name"], []).append(attributes.get("value", "on"))
    for name, options in re.findall(r'<select[^>]*name="([^"]*)".*?>(.*?)</select>', content, re.DOTALL):
        fields.setdefault(name, []).extend(re.findall(r'<option value="([^"]*)" selected', options))
    for name, typed in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', content, re.DOTALL):
        fields.setdefault(name, []).append(typed)
    fields.pop("csrf_token")
    return fields


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": ""}, "This field may not be blank."),
        ({"name": "a" * 41}, "no more than 40 characters"),
        ({"name": "All the time"}, "already in use"),
        ({"zone": "Mars/Olympus"}, "is not a known time zone"),
        ({"r.0.days": []}, "Choose at least one day."),
        ({"r.0.start": "soon"}, "Give a time, like 08:00."),
        ({"r.0.start": "17:00"}, "It ends before it begins."),
    ],
)
async def test_what_is_wrong_with_a_timeslot_is_said(world, here, fields, problem):
    answer = await here.send(f"{HUB}timeslots/new/", {**OFFICE, **fields}, f"{HUB}timeslots/new/")

    assert 400 == answer.status_code
    assert problem in words_of(answer.text)
    assert 'value="16:00"' in answer.text
    assert ["All the time"] == [slot.name for slot in (await own(world)).timeslots]


async def test_hours_are_added_and_removed_before_anything_is_kept(world, here):
    more = await here.send(f"{HUB}timeslots/new/", {**OFFICE, "do": "add"}, f"{HUB}timeslots/new/")
    less = await here.send(f"{HUB}timeslots/new/", {**OFFICE, "do": "drop:0"}, f"{HUB}timeslots/new/")
    drawn = await here.send(f"{HUB}timeslots/new/", {**OFFICE, "do": "draw"}, f"{HUB}timeslots/new/")

    assert (200, 2) == (more.status_code, more.text.count('class="recurrence"'))
    assert 'value="08:00"' in more.text
    assert "nobody is told of anything" in less.text
    assert "Monday 08:00\u201316:00; Friday 08:00\u201316:00" in words_of(drawn.text)
    assert ["All the time"] == [slot.name for slot in (await own(world)).timeslots]


async def test_a_filter_is_made_with_all_that_it_can_ask(world, here):
    incident = await world.report()
    source = str(incident.source.id)
    fields = {
        "name": "Everything",
        "sources": source,
        "tags": "site=oslo\r\nsite=bergen\r\n\r\n",
        "open": "yes",
        "acked": "no",
        "stateful": "yes",
        "maxlevel": "2",
        "event_types": ["STA", "END"],
        "e.kind": "all",
        "e.0.kind": "any",
        "e.0.0.kind": "maxlevel",
        "e.0.0.value": "1",
        "e.0.1.kind": "tags",
        "e.0.1.value": "a=1",
    }

    answer = await here.send(f"{HUB}filters/new/", fields, f"{HUB}filters/new/")

    assert 303 == answer.status_code
    (made,) = (await own(world)).filters
    assert (
        FilterDefinition(
            source_ids=(incident.source.id,),
            tags=("site=oslo", "site=bergen"),
            open=True,
            acked=False,
            stateful=True,
            max_level=2,
            event_types=(EventType.START, EventType.END),
            expression=Either((LevelAtMost(1), HasTag(frozenset({"a=1"})))),
        )
        == made.definition
    )


async def test_a_filter_survives_its_form(world, here):
    asked = FilterDefinition(
        source_ids=(77,), tags=("a=1",), open=False, max_level=3, event_type=EventType.START, expression=Either((LevelAtMost(1),))
    )
    made = await world.profiles.add_filter(await world.actor(), name="Kept", definition=asked)
    path = f"{HUB}filters/{made.id}/"
    shown = fields_of((await here.get(path)).text, "filter")

    answer = await here.send(path, {**shown, "name": "Again"}, path)

    assert 303 == answer.status_code
    assert replace(made, name="Again") == (await own(world)).filter(made.id)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": ""}, "This field may not be blank."),
        ({"tags": "lame"}, "lame: The tag does not have its delimiter: =."),
        ({"e.kind": "all", "e.0.kind": "any"}, "Put something into this group, or remove it."),
        ({"e.kind": "all", "e.0.kind": "text", "e.0.value": " "}, "This field may not be blank."),
        ({"sources": list(map(str, range(1, 300)))}, "At most 256, please."),
    ],
)
async def test_what_is_wrong_with_a_filter_is_said(world, here, fields, problem):
    answer = await here.send(f"{HUB}filters/new/", {"name": "F", "maxlevel": "2", **fields}, f"{HUB}filters/new/")

    assert (400, True) == (answer.status_code, problem in words_of(answer.text))
    assert '<option value="2" selected>' in answer.text
    assert () == (await own(world)).filters


async def test_conditions_are_added_and_removed_before_anything_is_kept(world, here):
    path = f"{HUB}filters/new/"
    more = await here.send(path, {"name": "F", "e.kind": "any", "e.add": "text", "do": "add:e"}, path)
    less = await here.send(path, {"name": "F", "e.kind": "any", "e.0.kind": "text", "e.0.value": "x", "do": "drop:e.0"}, path)

    assert 'name="e.0.value"' in more.text
    assert 'name="e.0.value"' not in less.text
    assert () == (await own(world)).filters


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "It asks for nothing"),
        ({"maxlevel": "1"}, "1 incident matches now. The newest: 1 critical Down"),
        ({"maxlevel": "5"}, "8 incidents match now."),
        ({"event_types": "STA"}, "It says something of events alone"),
        ({"tags": "lame"}, "delimiter"),
    ],
)
async def test_one_sees_what_a_filter_matches_while_it_is_made(world, here, fields, said):
    await world.report(level=Level.CRITICAL, description="Down")
    for _ in range(7):
        await world.report()

    answer = await here.send(f"{HUB}filters/preview/", fields, f"{HUB}filters/new/")

    assert (200, True) == (answer.status_code, said in words_of(answer.text))


async def test_a_destination_is_made_and_its_secret_is_never_shown_again(world, here):
    path = f"{HUB}destinations/new/pager/"
    answer = await here.send(path, {"s.number": "42", "s.key": "hush", "s.loud": "on", "s.tone": "low", "label": "Mine"}, path)

    assert 303 == answer.status_code
    made = (await own(world)).destinations[-1]
    assert ({"number": 42, "key": "hush", "loud": True, "tone": "low"}, "Mine") == (made.settings, made.label)
    page = (await here.get(f"{HUB}destinations/{made.id}/")).text
    assert ("hush" in page, "It is not shown again." in page, 'value="42"' in page) == (False, True, True)


async def test_a_secret_that_is_not_given_again_stays(world, here):
    made = await world.profiles.add_destination(await world.actor(), medium="pager", settings={"number": 7, "key": "hush"})
    path = f"{HUB}destinations/{made.id}/"

    await here.send(path, {"s.number": "8", "s.key": "", "s.tone": "high", "label": ""}, path)
    first = (await own(world)).destination(made.id).settings
    await here.send(path, {"s.number": "8", "s.key": "new", "s.tone": "high", "label": ""}, path)

    assert ({"number": 8, "key": "hush", "tone": "high"}, "new") == (first, (await own(world)).destination(made.id).settings["key"])


async def test_a_label_alone_may_be_changed(world, here):
    (synced,) = (await own(world)).destinations
    path = f"{HUB}destinations/{synced.id}/"

    await here.send(path, {"s.email_address": "alice@example.org", "label": "Work"}, path)

    assert [("Work", True)] == [(one.label, one.synced) for one in (await own(world)).destinations]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"s.number": "", "s.key": "hush"}, "This field is required."),
        ({"s.number": "many", "s.key": "hush"}, "Give a number."),
        ({"s.number": "7", "s.key": "hush", "label": "a" * 51}, "no more than 50 characters"),
    ],
)
async def test_what_is_wrong_with_a_destination_is_said(world, here, fields, problem):
    path = f"{HUB}destinations/new/pager/"

    answer = await here.send(path, fields, path)

    assert (400, True, "hush" in answer.text) == (answer.status_code, problem in words_of(answer.text), False)
    assert 1 == len((await own(world)).destinations)


@pytest.mark.parametrize("slug", ["pigeon", "sms"])
async def test_there_are_no_destinations_of_media_that_are_not_there(world, here, slug):
    assert 404 == (await here.get(f"{HUB}destinations/new/{slug}/")).status_code


async def test_a_profile_is_made_changed_and_switched(world, here):
    present = await profile_of(world)
    await here.send(
        f"{HUB}profiles/new/",
        {"name": "Two", "timeslot": present.timeslot_id, "filters": present.filter_ids[0], "destinations": present.destination_ids[0]},
        f"{HUB}profiles/new/",
    )
    made = (await own(world)).profiles[-1]
    path = f"{HUB}profiles/{made.id}/"
    await here.send(f"{path}active/", {"active": "yes"}, HUB)
    switched = (await own(world)).profile(made.id)
    await here.send(path, {"name": "", "timeslot": present.timeslot_id, "filters": present.filter_ids[0], "active": "on"}, path)
    changed = (await own(world)).profile(made.id)
    off = await here.send(f"{path}active/", {"active": "no"}, HUB)

    await here.send(path, {"timeslot": present.timeslot_id, "filters": present.filter_ids[0], "digest": "08:00"}, path)
    gathering = (await own(world)).profile(made.id)
    shown = await here.get(path)
    hub = await here.get(HUB)

    assert ("08:00", True, True) == (str(gathering.digest), 'value="08:00"' in shown.text, "at 08:00" in words_of(hub.text))
    assert (("Two", False), True) == ((made.name, made.active), switched.active)
    assert (None, (), True) == (changed.name, changed.destination_ids, changed.active)
    assert ("inactive" in off.headers["location"], (await own(world)).profile(made.id).active) == (True, False)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"filters": []}, "This list may not be empty."),
        ({"timeslot": ""}, "object does not exist"),
        ({"timeslot": "9" * 30}, "object does not exist"),
        ({"name": "Night"}, "already in use"),
        ({"name": "a" * 41}, "no more than 40 characters"),
        ({"digest": "soon"}, "a time of day like 08:00"),
    ],
)
async def test_what_is_wrong_with_a_profile_is_said(world, here, fields, problem):
    present = await profile_of(world)
    whole = {"name": "Typed", "timeslot": present.timeslot_id, "filters": present.filter_ids[0], **fields}

    answer = await here.send(f"{HUB}profiles/new/", whole, f"{HUB}profiles/new/")

    assert (400, True) == (answer.status_code, problem in words_of(answer.text))
    assert f'value="{whole["name"]}"' in answer.text


async def test_a_profile_that_waits_survives_its_form(world, here):
    present = await profile_of(world, escalate_after=timedelta(minutes=15))
    path = f"{HUB}profiles/{present.id}/"
    assert 'value="15"' in (await here.get(path)).text
    assert "15 minutes without acknowledgement" in await here.main(HUB)
    form = {"timeslot": present.timeslot_id, "filters": present.filter_ids[0]}

    for typed, minutes in (("30", 30), ("", None)):
        await here.send(path, {**form, "escalate_after": typed}, path)
        wait = (await own(world)).profile(present.id).escalate_after
        assert (None if minutes is None else timedelta(minutes=minutes)) == wait
    refused = [await here.send(path, {**form, "escalate_after": typed}, path) for typed in ("0", "soon", "1.5", "1441", "9" * 18)]

    assert [400] * 5 == [answer.status_code for answer in refused]
    assert all("Give a number of minutes from 1 to 1440" in words_of(answer.text) for answer in refused)
    assert (await own(world)).profile(present.id).escalate_after is None


async def test_one_sees_why_a_profile_waits(world, here):
    await profile_of(world, escalate_after=timedelta(minutes=15))
    incident = await world.report(level=Level.CRITICAL)
    (event,) = await world.journal.journal(incident.id)

    page = await here.main(f"/incidents/{incident.id}/?why={event.id}")

    assert "It waits for 15 minutes, unless somebody acknowledges the incident or it ends. That is until" in page


async def test_a_link_in_a_message_leads_to_the_profile(world, here):
    present = await profile_of(world)

    answer = await here.get(f"/notificationprofiles/{present.id}/")

    assert f"{HUB}profiles/{present.id}/" == answer.headers["location"]


async def test_one_sees_what_a_profile_would_have_told(world, here):
    present = await profile_of(world, active=False)
    for level in (Level.CRITICAL, Level.LOW):
        await world.report(level=level, description=f"It is {level.name}")
    world.now += timedelta(hours=2)

    page = await here.main(f"{HUB}profiles/{present.id}/dry-run/")
    short = await here.main(f"{HUB}profiles/{present.id}/dry-run/?hours=1")

    assert "and were it active" in page
    assert "1 of 2 events" in page
    assert ("It is CRITICAL" in page, "It is LOW" in page) == (True, False)
    assert "0 of 0 events" in short


@pytest.mark.parametrize("kind", ["profiles", "timeslots", "filters", "destinations"])
async def test_what_nobody_needs_is_taken_away_after_a_question(world, here, kind):
    present = await profile_of(world)
    if kind in ("filters", "destinations"):
        await world.profiles.drop_profile(await world.actor(), present.id)
    thing = getattr(await own(world), kind)[-1]
    path = f"{HUB}{kind}/{thing.id}/delete/"

    asked = await here.main(path)
    answer = await here.send(path, page=path)

    assert "Delete the" in asked
    assert f"{HUB}?done=gone#{kind}" == answer.headers["location"]
    assert thing not in getattr(await own(world), kind)


@pytest.mark.parametrize("kind", ["filters", "destinations"])
async def test_what_a_profile_uses_stays(world, here, kind):
    await profile_of(world)
    thing = getattr(await own(world), kind)[-1]
    path = f"{HUB}{kind}/{thing.id}/delete/"

    answer = await here.send(path, page=path)

    assert (409, True) == (answer.status_code, "since it is in use" in answer.text)
    assert thing in getattr(await own(world), kind)


async def test_nothing_else_can_be_taken_away(world, here):
    assert 404 == (await here.get(f"{HUB}friends/1/delete/")).status_code
    assert 404 == (await here.send(f"{HUB}friends/1/delete/", page=HUB)).status_code


async def test_a_destination_is_tested_in_place(world, here):
    present = await profile_of(world)
    path = f"{HUB}destinations/{present.destination_ids[0]}/test/"

    answer = await here.send(path, page=HUB, headers={"hx-request": "true"})

    assert "waiting to Pager: 7" in words_of(answer.text)
    again = re.search(r'hx-get="([^"]+)"', answer.text)[1].replace("&amp;", "&")
    (sending,) = await world.outbox.take({"pager:": 1}, timedelta(minutes=1))
    await world.outbox.finish(sending, SENT)
    later = (await here.get(again, headers={"hx-request": "true"})).text
    assert "sent to Pager: 7" in words_of(later)
    assert "hx-get" not in later


async def test_without_a_script_a_test_has_a_page(world, here):
    present = await profile_of(world)

    answer = await here.send(f"{HUB}profiles/{present.id}/test/", page=HUB)

    assert "waiting to Pager: 7" in await here.main(answer.headers["location"])


async def test_nobody_looks_at_tests_of_others(world, here):
    present = await profile_of(world)
    answer = await here.send(f"{HUB}profiles/{present.id}/test/", page=HUB)

    page = await (await world.somebody("sam")).main(answer.headers["location"])

    assert "There is no such test any more." in page


async def test_whoever_tests_too_often_has_to_wait(world, here):
    present = await profile_of(world)
    path = f"{HUB}destinations/{present.destination_ids[0]}/test/"
    for _ in range(MOST_TESTS):
        await here.send(path, page=HUB)

    answer = await here.send(path, page=HUB)
    in_place = await here.send(path, page=HUB, headers={"hx-request": "true"})

    assert (429, 200) == (answer.status_code, in_place.status_code)
    assert "You have ordered" in words_of(in_place.text)


async def test_a_profile_that_leads_nowhere_cannot_be_tested(world, here):
    present = await profile_of(world, destination_ids=[])

    answer = await here.send(f"{HUB}profiles/{present.id}/test/", page=HUB, headers={"hx-request": "true"})

    assert "This profile has no destinations to test." in words_of(answer.text)
    assert "It has no destinations." in await here.main(HUB)


async def test_one_sees_what_became_of_ones_notifications(world, here):
    await profile_of(world)
    incident = await world.report(level=Level.CRITICAL, tags=(Tag("a", "1"),))
    await world.dispatcher.decide(10)

    everything = await here.main(f"{HUB}deliveries/")
    sent = await here.main(f"{HUB}deliveries/?status=sent")
    others = await (await world.somebody("sam")).main(f"{HUB}deliveries/")

    assert f"Incident {incident.id}" in everything
    assert "There is nothing of which that became." in sent
    assert "Pager: 7" not in others


async def test_what_one_was_told_is_taken_along(world, here, monkeypatch):
    monkeypatch.setattr("argus_core.usecases.notifications.PORTION", 2)
    await profile_of(world, name="=1+1")
    reported = [(await world.report(level=Level.CRITICAL)).id for _ in range(5)]
    await world.dispatcher.decide(10)
    sam = await world.somebody("sam")

    answer = await here.get(f"{HUB}deliveries/export/?form=csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    objects = (await here.get(f"{HUB}deliveries/export/?form=json&status=waiting")).json()

    assert reported[::-1] == [int(row["incident_id"]) for row in rows]
    assert {"'=1+1"} == {row["profiles"] for row in rows}
    assert "attachment" in answer.headers["content-disposition"]
    assert reported[::-1] == [one["incident_id"] for one in objects]
    assert [] == (await here.get(f"{HUB}deliveries/export/?form=json&status=sent")).json()
    assert [] == (await sam.get(f"{HUB}deliveries/export/?form=json")).json()


async def test_a_dry_run_is_taken_along_whole(world, here, monkeypatch):
    monkeypatch.setattr("adapters.web.notifications.profiles.MOST_FIRED", 1)
    present = await profile_of(world)
    reported = [(await world.report(level=Level.CRITICAL, description=text)).id for text in ("=1", "fine")]
    path = f"{HUB}profiles/{present.id}/dry-run/"

    rows = list(csv.DictReader(io.StringIO((await here.get(f"{path}export/?form=csv")).content.decode("utf-8-sig"))))
    objects = (await here.get(f"{path}export/?form=json")).json()

    assert f"{path}export/?hours=24&amp;form=csv" in (await here.get(path)).text
    assert ["fine", "'=1"] == [row["title"] for row in rows]
    assert reported[::-1] == [one["incident_id"] for one in objects]


async def test_names_are_text(world, here):
    owner = await world.actor()
    when = await world.profiles.add_timeslot(owner, name=EVIL, recurrences=[])
    what = await world.profiles.add_filter(owner, name=EVIL, definition=FilterDefinition(tags=(f"a={EVIL}",)))
    where = await world.profiles.add_destination(owner, medium="pager", settings={"number": 1, "key": "k"}, label=EVIL)
    made = await world.profiles.add_profile(owner, name=EVIL, timeslot_id=when.id, filter_ids=[what.id], destination_ids=[where.id])
    ids = (("profiles", made.profile.id), ("timeslots", when.id), ("filters", what.id), ("destinations", where.id))

    for path in (HUB, *(f"{HUB}{kind}/{id_}/{more}" for kind, id_ in ids for more in ("", "delete/"))):
        page = (await here.get(path)).text
        assert "<script>alert" not in page, path
        assert "&lt;script&gt;alert" in page, path

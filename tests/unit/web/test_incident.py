"""The page of one incident: what it shows, what can be done on it, and what was wrong with that."""

import re
from datetime import timedelta

import pytest

from argus_core.domain.deliveries import DeliveryStatus
from argus_core.domain.flapping import Flaps, flap_key
from argus_core.domain.incidents import EventType, Level, Until
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.tags import Tag
from argus_core.domain.timeslots import EVERY_DAY, Recurrence
from argus_core.usecases.accounts import NewUser
from unit.web.conftest import HTTPS, NOON, SECRET, words_of

pytestmark = pytest.mark.anyio

EVIL = "<script>alert(1)</script>\"'"
HOUR = timedelta(hours=1)


@pytest.fixture
async def incident(world):
    return await world.report(description="Link down\nbetween here and there", level=Level.HIGH, tags=(Tag("site", "oslo"),))


def page_of(incident, query=""):
    return f"/incidents/{incident.id}/{query}"


async def test_the_timeline_says_in_which_zone_it_is(world):
    incident = await world.report()

    assert "Times of the timeline in Europe/Oslo." in await (await world.somebody()).main(f"/incidents/{incident.id}/")


async def test_an_incident_shows_what_it_is_like(world, incident):
    page = await (await world.somebody()).main(page_of(incident))

    for said in ("Link down", "2 high", "open", "nav", "site=oslo", "2024-03-01 13:00:00 CET", "still open", "between here and there"):
        assert said in page


async def test_what_flaps_is_marked_here_and_in_lists(world, incident):
    here = await world.somebody()
    quiet = [(await here.get(path)).text for path in (page_of(incident), "/incidents/")]
    world.outbox.known_flaps[flap_key(incident)] = Flaps((), world.now, world.now + timedelta(minutes=1))
    marked = [
        (await here.get(path)).text for path in (page_of(incident), page_of(incident, "state/"), f"/incidents/rows/?rows={incident.id}")
    ]
    listed = (await here.get("/incidents/")).text

    mark = re.compile('<span class="mark"[^>]*>flapping</span>')
    assert [None, None] == [mark.search(page) for page in quiet]
    assert all(mark.search(page) for page in (*marked, listed))


async def test_an_incident_is_for_people_who_are_logged_in(world, incident):
    answer = await world.browser().get(page_of(incident))

    assert (303, f"/login/?next=/incidents/{incident.id}/") == (answer.status_code, answer.headers["location"])


@pytest.mark.parametrize("pk", ["0", "999", str(2**63), "9" * 30])
async def test_there_is_no_page_of_what_is_not_there(world, pk):
    here = await world.somebody()

    assert [404, 404] == [(await here.get(f"/incidents/{pk}/{more}")).status_code for more in ("", "state/")]
    assert 404 == (await here.send(f"/incidents/{pk}/close/", page="/account/")).status_code


@pytest.mark.parametrize(
    ("choice", "until", "words"),
    [("level", Until.LEVEL_RISES, "until the level rises"), ("resolved", Until.RESOLVED, "until it is resolved")],
)
async def test_somebody_acknowledges_it_until_something_happens(world, incident, choice, until, words):
    here = await world.somebody()

    answer = await here.send(page_of(incident, "ack/"), {"until": choice}, page_of(incident))

    (ack,) = (await world.journal.get(incident.id)).acks
    assert (None, until) == (ack.expiration, ack.until)
    assert f"by alice, {words}" in await here.main(answer.headers["location"])


async def test_tomorrow_is_that_of_the_browser_and_a_moment_is_ours(world, incident):
    here = await world.somebody()
    moment = {"until": "moment", "moment": "2024-03-02T13:30", "zone": "Asia/Tokyo"}
    for form in ({"until": "tomorrow", "zone": "Asia/Tokyo"}, moment, moment | {"moment": "2024-03-02T13:30-05:00"}):
        await here.send(page_of(incident, "ack/"), form, page_of(incident))

    assert [NOON + hours * HOUR for hours in (11, 24.5, 30.5)] == [ack.expiration for ack in (await world.journal.get(incident.id)).acks]


@pytest.mark.parametrize("zone", ["Etc/Unknown", "../nowhere", "/etc", "\x00", "Europe", "a" * 5_000])
async def test_a_browser_in_a_zone_that_we_do_not_know_has_our_morning(world, incident, zone):
    here = await world.somebody()

    await here.send(page_of(incident, "ack/"), {"until": "tomorrow", "zone": zone}, page_of(incident))

    assert [NOON + 19 * HOUR] == [ack.expiration for ack in (await world.journal.get(incident.id)).acks]


@pytest.mark.parametrize(
    ("until", "moment", "expiration"),
    [
        ("good", "", None),
        ("2h", "", NOON + 2 * HOUR),
        ("tomorrow", "", NOON + 19 * HOUR),
        ("moment", "2024-03-02T13:30", NOON + 24.5 * HOUR),
    ],
)
async def test_somebody_acknowledges_it(world, incident, until, moment, expiration):
    here = await world.somebody()

    answer = await here.send(page_of(incident, "ack/"), {"until": until, "moment": moment, "why": "I look"}, page_of(incident))

    assert f"/incidents/{incident.id}/?done=ack" == answer.headers["location"]
    (ack,) = (await world.journal.get(incident.id)).acks
    assert expiration == ack.expiration
    page = await here.main(answer.headers["location"])
    assert "You have acknowledged it." in page
    assert "by alice" in page
    assert "I look" in page


@pytest.mark.parametrize(
    ("act", "fields", "refusal"),
    [
        ("ack", {"until": "moment", "moment": "soon"}, (400, "Give a date and a time")),
        ("ack", {"until": "moment", "moment": "2024-03-01T12:00"}, (400, "still to come")),
        ("ack", {"until": "moment", "moment": "0001-01-01T00:00"}, (400, "Give a date and a time")),
        ("ack", {"until": "whenever"}, (400, "Choose one of these.")),
        ("ack", {"until": "good", "why": "a" * 70_000}, (400, "no more than 65536 bytes")),
        ("close", {"why": "a" * 70_000}, (400, "no more than 65536 bytes")),
        ("reopen", {}, (409, "The incident is already open.")),
        ("note", {"why": "  "}, (400, "Say something.")),
        ("level", {"level": "6"}, (400, "Choose one of these.")),
        ("ticket", {"ticket_url": "javascript:alert(1)"}, (400, "Enter a valid URL.")),
        ("tag", {"tag": "Oslo"}, (400, "The tag does not have its delimiter: =.")),
        ("tag", {"tag": "note=" + "a" * 5_000}, (400, "no more than")),
        ("untag", {}, (400, "Choose at least one tag.")),
        ("untag", {"tag": "site=oslo"}, (400, "These are: site=oslo.")),
        ("expiration", {"ack": "7", "until": "good"}, (400, "Choose one of these.")),
        ("expiration", {"ack": "x" * 30, "until": "good"}, (400, "Choose one of these.")),
        ("expiration", {"ack": "7", "until": "moment", "moment": "soon"}, (400, "Give a date and a time")),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(world, incident, act, fields, refusal):
    here = await world.somebody()

    answer = await here.send(page_of(incident, f"{act}/"), fields, page_of(incident))

    assert refusal[0] == answer.status_code
    assert refusal[1] in words_of(answer.text)
    assert re.search(r'<details class="act" open>', answer.text)
    for typed in (fields.get(name, "") for name in ("moment", "why", "ticket_url")):
        assert typed in answer.text
    assert 1 == (await world.journal.get(incident.id)).version


async def test_somebody_closes_and_reopens_it(world, incident):
    here = await world.somebody()

    await here.send(page_of(incident, "close/"), {"why": "mended"}, page_of(incident))
    closed = await here.main(page_of(incident))
    await here.send(page_of(incident, "reopen/"), {"why": "not quite"}, page_of(incident))

    assert "closed" in closed
    assert "mended" in closed
    assert [EventType.START, EventType.CLOSE, EventType.REOPEN] == [event.type for event in await world.journal.journal(incident.id)]


async def test_somebody_writes_a_note_changes_the_level_and_names_a_ticket(world, incident):
    here = await world.somebody()

    await here.send(page_of(incident, "note/"), {"why": "Nobody is at home."}, page_of(incident))
    await here.send(page_of(incident, "level/"), {"level": "1"}, page_of(incident))
    await here.send(page_of(incident, "ticket/"), {"ticket_url": " https://t.example.org/1 "}, page_of(incident))

    page = await here.main(page_of(incident))
    assert "Nobody is at home." in page
    assert "Level changed from 2 high to 1 critical" in page
    assert "https://t.example.org/1" == (await world.journal.get(incident.id)).ticket_url


async def test_tags_are_added_and_taken_away_by_whoever_added_them(world, incident):
    """
    Those of others stay, but a superuser takes away any.
    """
    await world.people.create_user(NewUser(username="root", password=SECRET, superuser=True))
    here = await world.somebody()

    await here.send(page_of(incident, "tag/"), {"tag": " room=aurora, by the door "}, page_of(incident))
    added = await here.get(page_of(incident))
    await here.send(page_of(incident, "untag/"), {"tag": ["room=aurora, by the door"]}, page_of(incident))

    assert ["room=aurora, by the door"] == re.findall(r'type="checkbox" name="tag" value="([^"]*)"', added.text)
    assert ["site=oslo"] == [tag.tag for tag in (await world.journal.get(incident.id)).tags]
    root = await world.somebody("root")
    await root.send(page_of(incident, "untag/"), {"tag": ["site=oslo"]}, page_of(incident))
    assert () == (await world.journal.get(incident.id)).tags


async def test_a_tag_is_completed_whole(world, incident):
    here = await world.somebody()

    text = (await here.get("/incidents/tags/", params={"tag": "osl"})).text

    assert ["site=oslo"] == re.findall(r'value="([^"]*)"', text)


async def test_tags_that_two_people_add_at_once_are_both_kept(world, incident):
    here, there = await world.somebody(), await world.somebody("sam")
    tokens = [await one.token(page_of(incident)) for one in (here, there)]

    for one, token, tag in zip((here, there), tokens, ("a=1", "b=2"), strict=True):
        await one.client.post(page_of(incident, "tag/"), data={"csrf_token": token, "tag": tag})

    assert ["site=oslo", "a=1", "b=2"] == [tag.tag for tag in (await world.journal.get(incident.id)).tags]


@pytest.mark.parametrize(
    ("until", "moment", "expiration"),
    [
        ("good", "", None),
        ("8h", "", NOON + 8 * HOUR),
        ("tomorrow", "", NOON + 11 * HOUR),
        ("moment", "2024-03-02T13:30", NOON + 24.5 * HOUR),
    ],
)
async def test_the_end_of_an_acknowledgement_is_moved(world, incident, until, moment, expiration):
    """
    By anybody, as through the API.
    """
    made = await world.incidents.acknowledge(incident.id, actor=await world.actor("sam"), expiration=NOON + HOUR)
    here = await world.somebody()

    form = {"ack": str(made.events[0].id), "until": until, "moment": moment, "zone": "Asia/Tokyo"}
    answer = await here.send(page_of(incident, "expiration/"), form, page_of(incident))

    assert f"/incidents/{incident.id}/?done=expiration" == answer.headers["location"]
    assert [expiration] == [ack.expiration for ack in (await world.journal.get(incident.id)).acks]
    assert "The acknowledgement has another end now." in await here.main(answer.headers["location"])


@pytest.mark.parametrize(("moment", "refusal"), [("2024-03-01T12:00", (400, "still to come")), ("2025-03-01T12:00", (409, "has expired"))])
async def test_an_end_that_cannot_be_is_told_and_what_was_typed_stays(world, incident, moment, refusal):
    made = await world.incidents.acknowledge(incident.id, actor=await world.actor(), expiration=NOON + HOUR)
    here = await world.somebody()
    if refusal[0] == 409:
        world.now += 2 * HOUR

    form = {"ack": str(made.events[0].id), "until": "moment", "moment": moment}
    answer = await here.send(page_of(incident, "expiration/"), form, page_of(incident))

    assert (refusal[0], True, True) == (answer.status_code, refusal[1] in words_of(answer.text), moment in answer.text)
    assert 2 == (await world.journal.get(incident.id)).version


async def test_only_an_end_that_is_to_come_is_offered_to_be_moved(world, incident):
    await world.incidents.acknowledge(incident.id, actor=await world.actor(), expiration=NOON + HOUR)
    here = await world.somebody()

    offered = "Move the end of an acknowledgement" in await here.main(page_of(incident))
    world.now += 2 * HOUR

    assert (True, False) == (offered, "Move the end of an acknowledgement" in await here.main(page_of(incident)))


async def test_a_ticket_is_made_and_leads_back(world, incident):
    here = await world.somebody()

    answer = await here.send(page_of(incident, "new-ticket/"), page=page_of(incident))

    assert 303 == answer.status_code
    assert (await world.journal.get(incident.id)).ticket_url.endswith(f"?{HTTPS}/incidents/{incident.id}/")
    assert "Make a ticket" not in await here.main(page_of(incident))


async def test_a_ticket_system_that_fails_says_why(world, incident):
    world.desk.fails = "The desk is closed."
    here = await world.somebody()

    answer = await here.send(page_of(incident, "new-ticket/"), page=page_of(incident))

    assert (502, True) == (answer.status_code, "The desk is closed." in answer.text)


async def test_nothing_else_can_be_done(world, incident):
    here = await world.somebody()

    assert 404 == (await here.send(page_of(incident, "explode/"), page=page_of(incident))).status_code


async def test_nothing_is_done_by_forms_of_others(world, incident):
    here = await world.somebody()

    answer = await here.client.post(page_of(incident, "close/"), data={"csrf_token": "x"})

    assert (403, 1) == (answer.status_code, (await world.journal.get(incident.id)).version)


async def test_a_stateless_incident_is_neither_closed_nor_reopened(world):
    incident = await world.report(stateful=False)
    here = await world.somebody()

    page = (await here.get(page_of(incident))).text

    assert "stateless" in page
    assert "/close/" not in page


async def test_a_source_that_looks_cannot_acknowledge(world, incident):
    await world.people.set_password("nav", SECRET)
    robot = await world.somebody("nav")

    answer = await robot.send(page_of(incident, "ack/"), {"until": "good"}, page_of(incident))

    assert (403, True) == (answer.status_code, "Only end users can acknowledge incidents." in answer.text)


async def test_the_state_of_any_moment_is_shown(world, incident):
    here = await world.somebody()
    world.now += HOUR
    await here.send(page_of(incident, "level/"), {"level": "5"}, page_of(incident))
    await here.send(page_of(incident, "close/"), page=page_of(incident))

    then = await here.main(page_of(incident, "?at=1"))
    part = words_of((await here.get(page_of(incident, "state/?at=2"))).text)

    assert "This is how it was after event 1 of 3" in then
    assert "2 high open" in then
    assert "5 information open" in part
    assert "5 information closed" in await here.main(page_of(incident, "?at=3"))
    assert "5 information closed" in await here.main(page_of(incident, "?at=99"))
    assert "5 information closed" in await here.main(page_of(incident, "?at=x"))


async def test_a_long_journal_is_shown_in_parts(world, incident):
    actor = await world.actor()
    for number in range(230):
        await world.incidents.post(incident.id, EventType.OTHER, actor=actor, why=f"note {number}.")
    here = await world.somebody()

    newest = await here.main(page_of(incident))
    older = await here.main(page_of(incident, "?at=31"))

    assert ("note 229." in newest, "note 29." in newest, "31 older events" in newest) == (True, False, True)
    assert ("note 29." in older, "note 30." in older, "All 231 events" in older) == (True, False, True)


async def test_what_others_have_written_is_text(world):
    incident = await world.report(
        source=f"nav {EVIL}",
        description=EVIL,
        tags=(Tag("note", EVIL),),
        details_url="javascript:alert(1)",
        metadata={"note": EVIL},
        source_incident_id=EVIL,
    )
    actor = await world.actor()
    await world.incidents.acknowledge(incident.id, actor=actor, why=EVIL)
    here = await world.somebody()

    page = (await here.get(page_of(incident))).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert not re.search(r'(href|src)="javascript:', page)


async def hearing(world, **asked):
    """Alice wants to hear of something, by pager; gives the profile."""
    owner = await world.actor()
    where = await world.profiles.add_destination(owner, medium="pager", settings={"number": 7, "key": "k"})
    when = await world.profiles.add_timeslot(owner, name="Always", recurrences=[Recurrence(days=EVERY_DAY)])
    what = await world.profiles.add_filter(owner, name="Bad ones", definition=FilterDefinition(**asked))
    return await world.profiles.add_profile(
        owner, name="Night watch", timeslot_id=when.id, filter_ids=[what.id], destination_ids=[where.id]
    )


async def test_one_sees_who_was_told(world):
    await hearing(world, max_level=2)
    incident = await world.report(level=Level.CRITICAL)
    await world.dispatcher.decide(10)

    mine = await (await world.somebody()).main(page_of(incident))
    staffs = await (await world.somebody("sam")).main(page_of(incident))

    assert "Pager: 7" in mine
    assert "waiting" in mine
    assert "Night watch" in mine
    assert ("alice Pager: 7" in staffs, "alice Pager: 7" in mine) == (True, False)


async def test_nobody_sees_what_others_were_told(world):
    await hearing(world, max_level=2)
    incident = await world.report(level=Level.CRITICAL)
    await world.dispatcher.decide(10)
    await world.people.create_user(NewUser(username="bob", password=SECRET))

    assert "Pager: 7" not in await (await world.somebody("bob")).main(page_of(incident))


async def test_one_is_told_why_one_was_told(world):
    await hearing(world, max_level=2, open=True, tags=("site=oslo",))
    incident = await world.report(level=Level.CRITICAL, tags=(Tag("site", "bergen"),))
    (event,) = await world.journal.journal(incident.id)
    here = await world.somebody()

    page = await here.main(page_of(incident, f"?why={event.id}"))

    assert "Night watch : does not tell you of it" in page
    assert "✓ yes: is open" in page
    assert "✗ no: has the tag site=oslo" in page
    assert "✓ yes: is of level 2 high, or worse" in page
    assert "Friday 13:00 (Europe/Oslo), within the timeslot Always" in page
    assert "You got no notification of it." in page


async def test_without_a_profile_nobody_is_told(world, incident):
    (event,) = await world.journal.journal(incident.id)

    page = await (await world.somebody()).main(page_of(incident, f"?why={event.id}"))

    assert "You have no notification profile" in page


async def test_an_event_that_is_not_there_is_not_explained(world, incident):
    here = await world.somebody()

    for why in ("0", "99", "x", "9" * 30):
        assert "By your profiles as they are now" not in await here.main(page_of(incident, f"?why={why}"))


async def test_what_became_of_a_delivery_is_said(world):
    await hearing(world, max_level=2)
    incident = await world.report(level=Level.CRITICAL)
    await world.dispatcher.decide(10)
    (delivery,) = await world.outbox.of_incident(incident.id)
    await world.outbox.drop([delivery.id], "Not today.")

    page = await (await world.somebody()).main(page_of(incident))

    assert DeliveryStatus.DROPPED.value in page
    assert "Not today." in page


async def test_staff_sees_why_somebody_was_told_or_not(world):
    """
    Found by name, of the first event unless another one is chosen.
    """
    await hearing(world, max_level=2)
    incident = await world.report(level=Level.LOW)
    here = await world.somebody("sam")

    for asked in ("who=alice", "who=ALICE", "who=alice@exam", "who=+alice"):
        page = await here.main(page_of(incident, f"?{asked}"))

        assert "Why was alice told, or not?" in page
        assert "Night watch : does not tell alice of it" in page
        assert "✗ no: is of level 2 high, or worse" in page
        assert "It leads to Pager: 7 ." in page
        assert "alice got no notification of it." in page


async def test_what_became_of_it_is_said_with_the_reasons(world):
    await hearing(world, max_level=2)
    incident = await world.report(level=Level.CRITICAL)
    await world.dispatcher.decide(10)
    (delivery,) = await world.outbox.of_incident(incident.id)
    await world.outbox.drop([delivery.id], "Not today.")

    page = await (await world.somebody("sam")).main(page_of(incident, "?who=alice"))

    assert "alice got 1 notification of it: Pager: 7 : dropped , Not today." in page


async def test_a_name_that_is_nobodys_or_several_peoples_is_said(world, incident):
    here = await world.somebody("sam")
    await world.people.create_user(NewUser(username="alina", password=SECRET))

    for name in ("nobody", "%00", "nobody" * 1_000):
        assert "There is nobody of that name." in await here.main(page_of(incident, f"?who={name}"))
    assert "More than one may be meant: alice , alina" in await here.main(page_of(incident, "?who=ali"))
    assert 'href="?who=alina&amp;why=' in (await here.get(page_of(incident, "?who=ali"))).text


async def test_only_staff_asks_about_others(world, incident):
    alice, sam = await world.somebody(), await world.somebody("sam")

    paths = (page_of(incident, "?who=sam"), page_of(incident, "?who=alice"), "/incidents/people/?who=a")
    assert [403] * 3 == [(await alice.get(path)).status_code for path in paths]
    assert [200] * 3 == [(await sam.get(path)).status_code for path in paths]
    assert "Why was this person told, or not?" not in await alice.main(page_of(incident))


async def test_people_are_completed(world):
    await world.people.create_user(NewUser(username='"><script>', password=SECRET, email="alice@example.com"))

    text = (await (await world.somebody("sam")).get("/incidents/people/?who=ALICE")).text

    assert '<option value="alice">alice@example.org</option>' in text
    assert "<script>" not in text

"""A page that was opened before does not undo what somebody has set meanwhile: it is shown again, and sent again it is meant."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from adapters.web import seen
from adapters.web.forms import Form
from argus_core.domain.filters import Either, LevelAtMost
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.timeslots import EVERY_DAY, Recurrence
from argus_core.usecases.accounts import NewUser
from argus_core.usecases.profiles import ProfileService
from unit.web.conftest import SECRET, World, words_of

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
CHANGED = "Somebody has changed this meanwhile"


@dataclass(frozen=True)
class Kind:
    """A thing with a page: what somebody sets in it, what is typed on a page from before, and what is wrong there; None ticks off."""

    make: Callable[[World], Awaitable[int]]
    find: Callable[[World, int], Awaitable[Any]]
    path: str
    theirs: dict[str, Any]
    mine: dict[str, Any]
    wrong: dict[str, Any]
    shown: str = field(default="")
    """Where it is looked at, if that is not where it is changed."""


async def user(world):
    return (await world.people.user_named("alice")).id


async def source(world):
    return (await world.people.create_source("nav", "nav"))[0].id


async def maintenance(world):
    actor = await world.actor("ada")
    mine = await world.profiles.add_filter(actor, name="Mine", definition=FilterDefinition(max_level=2))
    await world.profiles.add_filter(actor, name="Other", definition=FilterDefinition(max_level=3))
    wanted = {"start": world.now + HOUR, "end": world.now + 3 * HOUR, "filter_ids": (mine.id,)}
    besides = FilterDefinition(tags=("host=sw1",), expression=Either((LevelAtMost(1),)))
    return (await world.rooms["maintenance"].plan(actor, **wanted, description="New switch", besides=besides)).id


async def timeslot(world):
    recurrences = [Recurrence(days=frozenset({1, 2})), Recurrence(days=frozenset({7}))]
    return (await world.profiles.add_timeslot(await world.actor("ada"), name="Days", recurrences=recurrences)).id


async def filter_(world):
    definition = FilterDefinition(max_level=1, expression=Either((LevelAtMost(1), LevelAtMost(2))))
    return (await world.profiles.add_filter(await world.actor("ada"), name="Bad ones", definition=definition)).id


async def destination(world):
    return (await world.profiles.add_destination(await world.actor("ada"), medium="pager", settings={"number": 7, "key": "hush"})).id


async def profile(world):
    owner = await world.actor("ada")
    when = await world.profiles.add_timeslot(owner, name="Always", recurrences=[Recurrence(days=EVERY_DAY)])
    places = {"filter_ids": [await filter_(world)], "destination_ids": [await destination(world)]}
    return (await world.profiles.add_profile(owner, name="Night", timeslot_id=when.id, **places)).profile.id


def own(kind):
    async def find(world, id_):
        belongings = await world.profiles.belongings((await world.people.user_named("ada")).id)
        return getattr(belongings, kind)(id_)

    return find


KINDS = {
    "user": Kind(
        user,
        lambda world, id_: world.people.user(id_),
        "/admin/users/{}/",
        {"active": None, "staff": "on"},
        {"email": "alicia@example.org"},
        {"username": "sam"},
    ),
    "source": Kind(
        source,
        lambda world, id_: world.people.source(id_),
        "/admin/sources/{}/",
        {"base_url": "https://nav.example.org/"},
        {"name": "north"},
        {"name": ""},
    ),
    "maintenance": Kind(
        maintenance,
        lambda world, id_: world.rooms["maintenance"].one(id_),
        "/admin/maintenance/{}/change/",
        {"end_time": "2024-03-01T14:30"},
        {"description": "The new switch"},
        {"end_time": "soon"},
        "/admin/maintenance/{}/",
    ),
    "filters of a maintenance": Kind(
        maintenance,
        lambda world, id_: world.rooms["maintenance"].one(id_),
        "/admin/maintenance/{}/change/",
        {"staying": None},
        {"e.0.0.value": "4"},
        {"tags": "nonsense"},
        "/admin/maintenance/{}/",
    ),
    "timeslot": Kind(
        timeslot, own("timeslot"), "/notifications/timeslots/{}/", {"r.0.days": ["1"]}, {"name": "Some days"}, {"zone": "Mars/Olympus"}
    ),
    "filter": Kind(filter_, own("filter"), "/notifications/filters/{}/", {"maxlevel": "3"}, {"name": "Worse ones"}, {"tags": "nonsense"}),
    "conditions of a filter": Kind(
        filter_, own("filter"), "/notifications/filters/{}/", {"e.0.1.value": "4"}, {"e.0.0.value": "3"}, {"tags": "nonsense"}
    ),
    "destination": Kind(
        destination, own("destination"), "/notifications/destinations/{}/", {"s.number": "8"}, {"label": "Desk"}, {"s.number": "many"}
    ),
    "settings of a destination": Kind(
        destination, own("destination"), "/notifications/destinations/{}/", {"s.loud": "on"}, {"s.number": "8"}, {"s.number": "many"}
    ),
    "profile": Kind(profile, own("profile"), "/notifications/profiles/{}/", {"active": None}, {"name": "Day"}, {"digest": "soon"}),
    "destinations of a profile": Kind(
        profile, own("profile"), "/notifications/profiles/{}/", {"destinations": None}, {"name": "Day"}, {"digest": "soon"}
    ),
}


class Fields(HTMLParser):
    """What a browser sends of each form of a page."""

    def __init__(self, text):
        super().__init__()
        self.forms, self._name, self._asks = [{}], "", ""
        self.feed(text)

    def _add(self, name, value):
        self.forms[-1].setdefault(name, []).append(value)

    def handle_starttag(self, tag, attrs):
        at = dict(attrs)
        match tag:
            case "form":
                self.forms.append({})
            case "input" if "name" in at and (at.get("type") not in ("checkbox", "radio") or "checked" in at):
                self._add(at["name"], at.get("value", "on" if at.get("type") == "checkbox" else ""))
            case "select":
                self._asks = at["name"]
            case "option" if "selected" in at:
                self._add(self._asks, at.get("value", ""))
            case "textarea":
                self._name = at["name"]
                self._add(self._name, "")

    def handle_data(self, data):
        if self._name:
            self.forms[-1][self._name][-1] += data

    def handle_endtag(self, tag):
        self._name = ""


def form_of(answer):
    """The form of a page that says what it was made from."""
    (form,) = [form for form in Fields(answer.text).forms if seen.FIELD in form]
    return form


def typed(form, fields):
    return {name: value for name, value in {**form, **fields}.items() if value is not None}


@dataclass
class Desk:
    """Ada at the page of a thing; `old` is what was on it when she opened it."""

    world: Any
    kind: Kind
    id: int
    browser: Any
    old: dict[str, Any]

    @property
    def path(self):
        return self.kind.path.format(self.id)

    async def send(self, form, **fields):
        return await self.browser.client.post(self.path, data=typed(form, fields))

    async def opened(self):
        return form_of(await self.browser.get(self.path))

    async def meanwhile(self):
        """Somebody sets something, and the thing is so."""
        before = await self.now()
        answer = await self.send(await self.opened(), **self.kind.theirs)
        after = await self.now()
        assert (303, True) == (answer.status_code, before != after)
        return after

    async def now(self):
        return await self.kind.find(self.world, self.id)


@pytest.fixture
async def ada(world):
    await world.people.create_user(NewUser(username="ada", password=SECRET, staff=True, superuser=True))
    return await world.somebody("ada")


@pytest.fixture(params=KINDS)
async def desk(request, world, ada):
    kind = KINDS[request.param]
    id_ = await kind.make(world)
    return Desk(world, kind, id_, ada, form_of(await ada.get(kind.path.format(id_))))


def as_meant(form):
    """What a form says; a filter of a maintenance is ticked among those it has, or among one's own."""
    ticked = [*form.get("staying", ()), *form.get("filters", ())]
    rest = {name: value for name, value in form.items() if name not in ("staying", "filters", "csrf_token", seen.FIELD)}
    return {**{name: [value] if isinstance(value, str) else value for name, value in rest.items()}, "filters": ticked}


async def test_a_page_from_before_changes_nothing_and_keeps_what_was_typed(desk):
    theirs = await desk.meanwhile()

    answer = await desk.send(desk.old, **desk.kind.mine)

    assert (409, theirs) == (answer.status_code, await desk.now())
    assert 1 == words_of(answer.text).count(CHANGED)
    where = (desk.kind.shown or desk.kind.path).format(desk.id)
    assert 200 == (await desk.browser.get(re.search(r'role="alert".*?<a href="([^"]+)"', answer.text, re.DOTALL)[1])).status_code
    assert f'<a href="{where}" target="_blank">' in answer.text
    again = form_of(answer)
    assert as_meant({**desk.old, **desk.kind.mine}) == as_meant(again)
    assert again[seen.FIELD] != desk.old[seen.FIELD]


async def test_sent_once_more_it_is_set_as_it_is_there(desk):
    await desk.meanwhile()
    again = form_of(await desk.send(desk.old, **desk.kind.mine))

    answer = await desk.send(again)

    assert (303, True) == (answer.status_code, "?done=" in answer.headers["location"])
    assert as_meant({**desk.old, **desk.kind.mine}) == as_meant(await desk.opened())


async def test_what_is_changed_once_more_after_that_is_told_again(desk):
    again = {**desk.old, seen.FIELD: ["0" * 32]}
    refused = form_of(await desk.send(again, **desk.kind.mine))
    theirs = await desk.meanwhile()

    answer = await desk.send(refused)

    assert (409, theirs) == (answer.status_code, await desk.now())


async def test_what_nobody_has_changed_is_set(desk):
    before = await desk.now()

    answers = [await desk.send(desk.old, **desk.kind.mine), await desk.send(await desk.opened(), **desk.kind.theirs)]

    assert ([303, 303], True) == ([answer.status_code for answer in answers], before != await desk.now())


async def test_after_a_mistake_it_still_says_what_it_was_made_from(desk):
    mistaken = await desk.send(desk.old, **desk.kind.wrong)
    kept = form_of(mistaken)
    theirs = await desk.meanwhile()

    mended = {name: desk.old.get(name) for name in desk.kind.wrong}
    answer = await desk.send(kept, **{**mended, **desk.kind.mine})

    assert (400, desk.old[seen.FIELD]) == (mistaken.status_code, kept[seen.FIELD])
    assert (409, theirs) == (answer.status_code, await desk.now())


async def test_a_mistake_on_a_page_from_before_does_not_make_it_new(desk):
    theirs = await desk.meanwhile()

    mistaken = await desk.send(desk.old, **desk.kind.wrong)

    assert (True, theirs) == (mistaken.status_code in (400, 409), await desk.now())
    assert (mistaken.status_code == 400) == (desk.old[seen.FIELD] == form_of(mistaken)[seen.FIELD])


async def test_whoever_does_not_say_from_what_sets_it_as_before(desk):
    await desk.meanwhile()

    answer = await desk.send(desk.old, **desk.kind.mine, **{seen.FIELD: None})

    assert 303 == answer.status_code
    now = as_meant(await desk.opened())
    assert desk.kind.mine == {name: now[name][-1] for name in desk.kind.mine}


async def test_sent_twice_is_sent_once(desk):
    """
    A double click is no change by somebody.
    """
    first = await desk.send(desk.old, **desk.kind.mine)
    set_ = await desk.now()

    second = await desk.send(desk.old, **desk.kind.mine)

    assert ([303, 303], set_) == ([first.status_code, second.status_code], await desk.now())


async def test_a_filter_that_is_chosen_twice_is_chosen_once(world, ada):
    kind = KINDS["maintenance"]
    desk = Desk(world, kind, await kind.make(world), ada, {})
    old = await desk.opened()
    (other,) = [one for one in (await world.profiles.belongings((await world.actor("ada")).id)).filters if one.name == "Other"]

    answers = [await desk.send(old, filters=[str(other.id)]) for _ in range(2)]

    assert [303, 303] == [answer.status_code for answer in answers]
    assert ["Mine", "Other"] == [one.name for one in (await desk.now()).filters][:2]
    refused = await desk.send(old)
    assert (409, "Other" in [one.name for one in (await desk.now()).filters]) == (refused.status_code, True)


async def test_what_argus_notes_is_no_change(world, ada):
    """
    Somebody logs in, a token is used, a source is heard of, a maintenance begins: no page is older for that.
    """
    opened = {}
    for name in ("user", "source", "maintenance"):
        desk = Desk(world, KINDS[name], await KINDS[name].make(world), ada, {})
        opened[name] = desk, await desk.opened()
    await world.somebody("alice")
    await world.people.create_token("alice", "script", days=None)
    world.now += HOUR + timedelta(seconds=1)

    assert [303] * 3 == [(await desk.send(form, **desk.kind.mine)).status_code for desk, form in opened.values()]


async def test_what_is_over_says_so_rather_than_that_it_was_changed(world, ada):
    kind = KINDS["maintenance"]
    desk = Desk(world, kind, await kind.make(world), ada, {})
    world.now += HOUR
    old = await desk.opened()
    await world.rooms["maintenance"].cancel(await world.actor("ada"), desk.id)

    answer = await desk.send(old, **kind.mine)

    assert (409, True, False) == (answer.status_code, "is over and stays" in words_of(answer.text), CHANGED in answer.text)


async def test_of_two_at_the_same_moment_one_wins(world, ada, monkeypatch):
    """
    What it was made from is asked for where it is kept, not before.
    """
    kind = KINDS["profile"]
    desk = Desk(world, kind, await kind.make(world), ada, {})
    desk.old = await desk.opened()
    keep = ProfileService.change_profile

    async def second(*given):
        monkeypatch.undo()
        desk.theirs = await desk.meanwhile()
        return await keep(*given)

    monkeypatch.setattr(ProfileService, "change_profile", second)

    answer = await desk.send(desk.old, **kind.mine)

    assert (409, desk.theirs) == (answer.status_code, await desk.now())


def test_the_same_has_the_same_mark_in_whatever_order():
    one, other = Form({"b": ["1", "2"], "a": [], "d": ["3"]}), Form({"d": ["3"], "c": [""], "b": ["2", "1"]})

    assert seen.mark(one) == seen.mark(other)
    assert 4 == len({seen.mark(Form(values)) for values in ({}, {"a": ["1"]}, {"a": ["1", "2"]}, {"b": ["1"]})})

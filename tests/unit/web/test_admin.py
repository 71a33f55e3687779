"""The administration: who may see and do what, and what comes of it."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from argus_core.domain.errors import Invalid, NotFound, Unavailable
from argus_core.domain.identities import RoleGroups
from argus_core.domain.incidents import EventType
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.usecases.accounts import NewUser
from argus_core.usecases.administration import Administrator
from argus_core.usecases.trying_out import TestIncident
from unit.web.conftest import HTTPS, SECRET

pytestmark = pytest.mark.anyio

OWN = "/admin/authtoken/token/"
LOOKS = [
    "",
    "users/",
    "tokens/",
    "source-types/",
    "sources/",
    "plugins/",
    "profiles/",
    "deliveries/",
    "deliveries/export/",
    "users/export/",
    "tokens/export/",
    "source-types/export/",
    "sources/export/",
    "profiles/export/",
    "settings/export/",
    "audit/",
    "audit/export/",
    "settings/",
]
MAINTENANCE = "/admin/maintenance/{maintenance}/"
TRUSTED = [
    *("/admin/", "/admin/maintenance/new/", MAINTENANCE + "change/", MAINTENANCE + "end/"),
    *(f"/admin/{path}/" for path in (*LOOKS, "users/{alice}", "sources/{nav}")),
]
SUPER = [
    *("/admin/users/new/", "/admin/users/{alice}/end-sessions/", "/admin/tokens/{token}/revoke/"),
    *("/admin/sources/new/", "/admin/sources/{nav}/rotate/"),
]
TRUSTED_POSTS = [
    *("/admin/deliveries/retry/", "/admin/deliveries/drop/", "/admin/plugins/media/test/", "/admin/plugins/tickets/test/"),
    *("/admin/incidents/test/", "/admin/incidents/{incident}/end-test/"),
    *("/admin/maintenance/new/", "/admin/maintenance/preview/", MAINTENANCE + "change/", MAINTENANCE + "end/"),
]
SUPER_POSTS = [
    *("/admin/users/new/", "/admin/users/{alice}/", "/admin/users/{alice}/password/", "/admin/users/{alice}/invite/"),
    *("/admin/users/{alice}/end-sessions/", "/admin/users/{alice}/tokens/", "/admin/tokens/{token}/revoke/", "/admin/source-types/"),
    *("/admin/sources/new/", "/admin/sources/{nav}/", "/admin/sources/{nav}/active/", "/admin/sources/{nav}/heartbeat/"),
    *("/admin/sources/{nav}/flapping/", "/admin/sources/{nav}/token/", "/admin/sources/{nav}/rotate/"),
]
OWN_POSTS = [OWN, OWN + "{own}/revoke/"]
FORMS = {
    **dict.fromkeys(TRUSTED_POSTS, 2),
    **dict.fromkeys(SUPER_POSTS, 3),
    **dict.fromkeys(OWN_POSTS, 1),
}
"""Every address that takes a form, and the least rank that may send it."""
ROLES = {"anonymous": 0, "alice": 1, "nav": 1, "sam": 2, "ada": 3}
EVERYBODY, STAFF, SUPERUSERS = 1, 2, 3


@pytest.fixture
async def office(world):
    await world.people.create_user(NewUser(username="ada", password=SECRET, staff=True, superuser=True, email="ada@example.org"))
    world.nav, first = await world.people.create_source("nav", "nav")
    await world.people.set_password("nav", SECRET)
    world.token = first.token.id
    world.alice = (await world.people.user_named("alice")).id
    everything = FilterDefinition(max_level=5)
    planned = await world.rooms["maintenance"].plan(await world.actor("ada"), start=world.now, end=None, filter_ids=(), besides=everything)
    world.maintenance = planned.id
    return world


async def visitor(office, role):
    return office.browser() if role == "anonymous" else await office.somebody(role)


def filled(path, office):
    """The path, with the numbers that are in this world."""
    return path.format(alice=office.alice, nav=office.nav.id, token=office.token, incident=1, own=1, maintenance=office.maintenance)


async def test_who_may_look(office):
    """
    Whoever is not logged in gets to do so, and whoever may not look is told so, at every page.
    """
    pages = [*((STAFF, path) for path in TRUSTED), *((SUPERUSERS, path) for path in SUPER)]
    pages += [(EVERYBODY, path) for path in (OWN, f"{OWN}export/", "/admin/maintenance/", "/admin/maintenance/export/", MAINTENANCE)]
    for role, rank in ROLES.items():
        browser = await visitor(office, role)

        answers = {path: await browser.get(filled(path, office)) for _, path in pages}

        assert {path: 303 if not rank else 200 if rank >= least else 403 for least, path in pages} == {
            path: answer.status_code for path, answer in answers.items()
        }
        assert rank or all(answer.headers["location"].startswith("/login/?next=/admin/") for answer in answers.values())


async def test_who_may_act(office):
    """
    Whoever may not is told so, whatever they send; whoever may gets on to what is wrong with an empty form.
    """
    for role, rank in ROLES.items():
        browser = await visitor(office, role)
        token = {"csrf_token": await browser.token("/account/" if rank else "/login/")}

        answers = {path: await browser.client.post(filled(path, office), data=token) for path in FORMS}

        refused = {path for path, answer in answers.items() if answer.status_code == 403}
        assert {path for path, least in FORMS.items() if rank and rank < least} == refused
        assert rank or all(answer.headers["location"].startswith("/login/?done=late&next=/") for answer in answers.values())


async def test_no_form_is_taken_that_is_not_ours(office):
    browser = await office.somebody("ada")

    for path in FORMS:
        answer = await browser.client.post(filled(path, office), data={"name": "x"})
        assert (403, True) == (answer.status_code, "out of date" in answer.text), path


async def test_every_form_of_the_administration_is_looked_at_here(office):
    """
    The tables above have every address that takes forms, so that a new one cannot be forgotten.
    """
    known = {re.sub(r"\{\w+\}", "{}", path) for path in FORMS}
    routes = [route for route in office.app.routes if route.path.startswith("/admin") and "POST" in route.methods]

    assert known == {re.sub(r"\{[^}]+\}", "{}", route.path).rstrip("/") + "/" for route in routes}


async def test_staff_sees_no_buttons_that_would_be_refused(office):
    browser = await office.somebody("sam")

    pages = [
        (await browser.get(f"/admin/{path}")).text for path in ("users/", f"users/{office.alice}/", f"sources/{office.nav.id}/", "tokens/")
    ]

    for page in pages:
        assert 1 == page.count('<form method="post"')  # that is to log out
        assert "/new/" not in page
        assert "/revoke/" not in page


async def test_a_user_is_made(office):
    browser = await office.somebody("ada")

    answer = await browser.send(
        "/admin/users/new/",
        {"username": "olga", "first_name": "Olga", "email": "olga@example.org", "password": "long enough", "staff": "on"},
        "/admin/users/new/",
    )

    olga = await office.people.user_named("olga")
    assert f"/admin/users/{olga.id}/?done=made" == answer.headers["location"]
    assert ("Olga", True, False) == (olga.first_name, olga.staff, olga.superuser)
    assert await office.people.prove("olga", "long enough")
    assert ("ada", "192.0.2.1", "user.create", "user olga", "staff") == (await office.noted())[0]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"username": "alice"}, "There is a user &#34;alice&#34; already."),
        ({"username": ""}, "Give a name without blanks around it."),
        ({"username": "olga", "email": "nonsense"}, "Enter a valid email address."),
        ({"username": "olga", "password": "short"}, "Use at least 10 characters."),
    ],
)
async def test_what_is_wrong_with_a_new_user_is_said_at_the_field(office, fields, problem):
    browser = await office.somebody("ada")

    answer = await browser.send("/admin/users/new/", {"first_name": "Olga", **fields}, "/admin/users/new/")

    assert 400 == answer.status_code
    assert problem in answer.text
    assert 1 == answer.text.count('aria-invalid="true"')
    assert 'value="Olga"' in answer.text


async def test_a_user_is_changed(office):
    browser = await office.somebody("ada")
    page = f"/admin/users/{office.alice}/"

    answer = await browser.send(page, {"username": "alicia", "email": "alicia@example.org", "active": "on", "superuser": "on"}, page)

    alicia = await office.people.user(office.alice)
    assert f"{page}?done=kept" == answer.headers["location"]
    assert ("alicia", "alicia@example.org", True, False, True) == (
        alicia.username, alicia.email, alicia.active, alicia.staff, alicia.superuser,
    )  # fmt: skip
    assert ("ada", "192.0.2.1", "user.change", "user alice", "username, email, superuser: yes") == (await office.noted())[0]
    (destination,) = (await office.profiles.belongings(office.alice)).destinations
    assert {"email_address": "alicia@example.org"} == destination.settings


async def test_a_name_that_is_taken_changes_nothing(office):
    browser = await office.somebody("ada")
    page = f"/admin/users/{office.alice}/"

    answer = await browser.send(page, {"username": "sam", "first_name": "Alicia"}, page)

    assert 400 == answer.status_code
    assert 'value="Alicia"' in answer.text
    assert not re.search(r'name="active" checked', answer.text)
    assert (await office.people.user(office.alice)).active


async def test_nobody_takes_from_themselves_what_they_could_not_give_back(office):
    browser = await office.somebody("ada")
    ada = (await office.people.user_named("ada")).id
    page = f"/admin/users/{ada}/"

    answers = [await browser.send(page, {"username": "ada", kept: "on"}, page) for kept in ("active", "superuser")]

    assert [400, 400] == [answer.status_code for answer in answers]
    assert all("ask another superuser" in answer.text for answer in answers)
    assert (True, True) == ((await office.people.user(ada)).active, (await office.people.user(ada)).superuser)


async def test_superusers_change_their_own_names(office):
    browser = await office.somebody("ada")
    ada = (await office.people.user_named("ada")).id
    page = f"/admin/users/{ada}/"

    await browser.send(
        page, {"username": "ada", "first_name": "Ada", "email": "ada@example.org", "active": "on", "staff": "on", "superuser": "on"}, page
    )

    assert "Ada" == (await office.people.user(ada)).first_name


async def test_another_password_ends_the_sessions_of_a_user(office):
    browser, alice = await office.somebody("ada"), await office.somebody()
    page = f"/admin/users/{office.alice}/"

    refused = await browser.send(f"{page}password/", {"password": "short"}, page)
    answer = await browser.send(f"{page}password/", {"password": "another secret"}, page)

    assert (400, 303) == (refused.status_code, answer.status_code)
    assert await office.people.prove("alice", "another secret")
    assert 303 == (await alice.get("/account/")).status_code
    assert ("ada", "192.0.2.1", "user.password", "user alice", "password") == (await office.noted())[0]


async def test_a_link_to_choose_a_password_is_mailed(office):
    office.serve(HTTPS)
    browser = await office.somebody("ada")
    await office.people.create_user(NewUser(username="olga", email="olga@example.org"))
    olga = await office.people.user_named("olga")

    answer = await browser.send(f"/admin/users/{olga.id}/invite/", page=f"/admin/users/{olga.id}/")

    assert answer.headers["location"].endswith("?done=invited")
    (address, _, text) = office.mailbox.letters[-1]
    key = re.search(r"key=(\S+)", text)[1]
    assert ("olga@example.org", f"{HTTPS}/password-reset/new/?key={key}" in text) == (address, True)
    await office.logins.reset_password(key, "long enough")
    assert await office.people.prove("olga", "long enough")


async def test_no_link_is_mailed_where_none_can_be(office):
    browser = await office.somebody("ada")
    page = f"/admin/users/{office.alice}/"
    nowhere = await browser.send(f"{page}invite/", page=page)
    office.serve(HTTPS)
    browser = await office.somebody("ada")
    sam = (await office.people.user_named("sam")).id
    no_address = await browser.send(f"/admin/users/{sam}/invite/", page=page)

    assert (400, 400) == (nowhere.status_code, no_address.status_code)
    assert "public address" in nowhere.text
    assert "no e-mail address" in no_address.text


async def test_a_user_is_logged_out_everywhere(office):
    browser, alice = await office.somebody("ada"), await office.somebody()
    page = f"/admin/users/{office.alice}/end-sessions/"

    assert "Log alice out everywhere?" in await browser.main(page)
    await browser.send(page, page=page)

    assert 303 == (await alice.get("/account/")).status_code
    assert ("ada", "192.0.2.1", "session.end", "user alice", "") == (await office.noted())[0]


async def test_who_logs_themselves_out_everywhere_stays_here(office):
    browser, other = await office.somebody("ada"), await office.somebody("ada")
    page = f"/admin/users/{(await office.people.user_named('ada')).id}/end-sessions/"

    await browser.send(page, page=page)

    assert [200, 303] == [(await one.get("/account/")).status_code for one in (browser, other)]


async def test_a_token_of_a_user_is_shown_once(office):
    browser = await office.somebody("ada")
    page = f"/admin/users/{office.alice}/"

    answer = await browser.send(f"{page}tokens/", {"name": "script", "scope": "read", "days": "30"}, page)
    again = await browser.send(f"{page}tokens/", {"name": "script", "scope": "read", "days": "30"}, page)

    key = re.search(r'id="key">([^<]+)<', answer.text)[1]
    credential = await office.people.authenticate(key)
    assert ("alice", "read", office.now + timedelta(days=30)) == (
        credential.actor.username, credential.actor.scope.value, credential.expires,
    )  # fmt: skip
    assert key not in (await browser.get(page)).text
    assert (400, True) == (again.status_code, "revoke it first" in again.text)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "", "scope": "all"},
        {"name": "x", "scope": "everything"},
        {"name": "x", "scope": "all", "days": "soon"},
        {"name": "x", "scope": "all", "days": "0"},
        {"name": "x", "scope": "all", "days": "99999999999"},
    ],
)
async def test_a_bad_token_is_refused_at_the_field(office, fields):
    browser = await office.somebody()

    answer = await browser.send(OWN, fields, OWN)

    assert 400 == answer.status_code
    assert 'aria-invalid="true"' in answer.text
    assert not await office.people.own_tokens(await office.actor())


async def test_people_make_and_revoke_their_own_tokens(office):
    browser = await office.somebody()

    answer = await browser.send(OWN, {"name": "laptop", "scope": "all", "days": ""}, OWN)
    key = re.search(r'id="key">([^<]+)<', answer.text)[1]
    (token,) = await office.people.own_tokens(await office.actor())
    question = await browser.main(f"{OWN}{token.id}/revoke/")
    gone = await browser.send(f"{OWN}{token.id}/revoke/", page=OWN)

    assert "Revoke the token laptop?" in question
    assert f"{OWN}?done=revoked" == gone.headers["location"]
    assert await office.people.authenticate(key) is None
    assert ["token.revoke", "token.create"] == [deed for who, address, deed, *_ in await office.noted(username="alice") if deed != "login"]


async def test_nobody_revokes_tokens_of_others_as_their_own(office):
    browser = await office.somebody()

    answers = [await browser.get(f"{OWN}{office.token}/revoke/"), await browser.send(f"{OWN}{office.token}/revoke/", page=OWN)]

    assert [404, 404] == [answer.status_code for answer in answers]


async def test_a_token_of_anybody_is_found_and_revoked(office):
    browser = await office.somebody("ada")

    assert "nav" in await browser.main("/admin/tokens/?q=NAV")
    assert "There are none." in await browser.main("/admin/tokens/?q=nobody")
    assert "Revoke the token nav of nav?" in await browser.main(f"/admin/tokens/{office.token}/revoke/")
    answer = await browser.send(f"/admin/tokens/{office.token}/revoke/", page="/admin/tokens/")

    assert "/admin/tokens/?done=revoked" == answer.headers["location"]
    assert "There are none." in await browser.main("/admin/tokens/?q=nav&done=revoked")
    assert 404 == (await browser.get(f"/admin/tokens/{office.token}/revoke/")).status_code


async def test_users_are_found_page_by_page(office):
    for number in range(60):
        await office.people.create_user(NewUser(username=f"many-{number:02}"))
    browser = await office.somebody("sam")

    first = (await browser.get("/admin/users/?q=many")).text
    last = await browser.main(re.search(r'href="(/admin/users/\?q=many&amp;after=\d+)"', first)[1].replace("&amp;", "&"))

    assert ("many-49" in first, "many-50" in first) == (True, False)
    assert ("many-49" in last, "many-59" in last, "First page" in last) == (False, True, True)


async def test_a_source_is_made_with_its_user_and_first_token(office):
    browser = await office.somebody("ada")

    answer = await browser.send(
        "/admin/sources/new/", {"name": "oslo", "type": "zabbix", "base_url": "https://zabbix.example.org/"}, "/admin/sources/new/"
    )

    credential = await office.people.authenticate(re.search(r'id="key">([^<]+)<', answer.text)[1])
    assert ("oslo", "zabbix", None) == (credential.actor.source.name, credential.actor.source.type, credential.expires)
    assert "zabbix 1" in await browser.main("/admin/source-types/")
    assert "oslo" in await browser.main("/admin/sources/?q=ZABBIX")
    assert "There are none." in await browser.main("/admin/sources/?q=nobody")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": "nav", "type": "nav"}, "already"),
        ({"name": "oslo", "type": "Not a type"}, "lower case"),
        ({"name": "oslo", "type": "nav", "base_url": "javascript:alert(1)"}, "valid URL"),
    ],
)
async def test_a_bad_source_is_refused_at_the_field(office, fields, problem):
    browser = await office.somebody("ada")

    answer = await browser.send("/admin/sources/new/", fields, "/admin/sources/new/")

    assert (400, True, 1) == (answer.status_code, problem in answer.text, answer.text.count('aria-invalid="true"'))


async def test_a_source_is_changed(office):
    browser = await office.somebody("ada")
    page = f"/admin/sources/{office.nav.id}/"

    await browser.send(page, {"name": "bergen", "type": "nav", "base_url": "https://nav.example.org/"}, page)
    refused = await browser.send(page, {"name": "bergen", "type": "nothing"}, page)

    source = await office.people.source(office.nav.id)
    assert ("bergen", "https://nav.example.org/") == (source.name, source.base_url)
    assert 400 == refused.status_code


async def test_a_source_is_refused_and_let_in_again(office):
    browser = await office.somebody("ada")
    page = f"/admin/sources/{office.nav.id}/"

    seen = []
    for active in ("no", "yes"):
        answer = await browser.send(f"{page}active/", {"active": active}, page)
        seen.append((answer.headers["location"], (await office.people.user(office.nav.user_id)).active))

    assert [(f"{page}?done=inactive", False), (f"{page}?done=active", True)] == seen


async def test_heartbeats_are_expected_and_not_any_more(office):
    browser = await office.somebody("ada")
    page = f"/admin/sources/{office.nav.id}/"

    await browser.send(f"{page}heartbeat/", {"every": "5m"}, page)
    expected, listed = await browser.get(page), await browser.main("/admin/sources/")
    refused = [await browser.send(f"{page}heartbeat/", {"every": every}, page) for every in ("1s", "soon")]
    await browser.send(f"{page}heartbeat/", {"every": ""}, page)

    assert 'value="5m"' in expected.text
    assert "every 5 min" in listed
    assert [400, 400] == [answer.status_code for answer in refused]
    assert "None is expected." in await browser.main(page)


async def test_a_source_flaps_from_when_on_is_said(office):
    browser = await office.somebody("ada")
    page = f"/admin/sources/{office.nav.id}/"

    before = await browser.main(page)
    await browser.send(f"{page}flapping/", {"flapping": "5/30m"}, page)
    with_one = await browser.get(page)
    refused = [await browser.send(f"{page}flapping/", {"flapping": wrong}, page) for wrong in ("5", "<b>")]
    await browser.send(f"{page}flapping/", {"flapping": "off"}, page)
    without = await browser.main(page)
    await browser.send(f"{page}flapping/", {"flapping": ""}, page)
    log = await browser.main("/admin/audit/")

    assert "As ARGUS_FLAPPING says for all." in before
    assert ('value="5/30m"' in with_one.text, "more often than 5/30m is told" in with_one.text) == (True, True)
    assert [400, 400] == [answer.status_code for answer in refused]
    assert all("Give times in a span of time, like 5/30m, or off, or nothing." in answer.text for answer in refused)
    assert "Nothing of this source is held to flap." in without
    assert "As ARGUS_FLAPPING says for all." in await browser.main(page)
    for details in ("it flaps by 5/30m", "it flaps by off", "it flaps as others do"):
        assert 1 == log.count(details)


async def test_a_token_is_rotated_without_a_gap_and_with_one(office):
    browser = await office.somebody("ada")
    page = f"/admin/sources/{office.nav.id}/"

    beside = await browser.send(f"{page}token/", page=page)
    both = await office.people.own_tokens(await office.actor("nav"))
    question = await browser.main(f"{page}rotate/")
    instead = await browser.send(f"{page}rotate/", page=page)

    assert ["nav", "nav 2"] == [token.name for token in both]
    assert "instead of all others?" in question
    assert 1 == len(await office.people.own_tokens(await office.actor("nav")))
    assert all('id="key"' in answer.text for answer in (beside, instead))


async def test_a_source_type_is_made(office):
    browser = await office.somebody("ada")

    made = await browser.send("/admin/source-types/", {"name": "zabbix"}, "/admin/source-types/")
    refused = await browser.send("/admin/source-types/", {"name": "Zabbix!"}, "/admin/source-types/")

    assert "/admin/source-types/?done=made" == made.headers["location"]
    assert (400, True) == (refused.status_code, 'value="Zabbix!"' in refused.text)


async def test_what_waits_is_retried_and_taken_away(office):
    browser, delivery = await _with_a_delivery(office)

    retried = await browser.send("/admin/deliveries/retry/", {"delivery": delivery}, "/admin/deliveries/")
    asked = await browser.send("/admin/deliveries/drop/", {"delivery": delivery}, "/admin/deliveries/")
    dropped = await browser.send("/admin/deliveries/drop/", {"delivery": delivery, "sure": "yes"}, "/admin/deliveries/")

    assert "/admin/deliveries/?retried=1&of=1" == retried.headers["location"]
    assert "Take 1 delivery away?" in asked.text
    assert "1 of 1 are taken away." in await browser.main(dropped.headers["location"])
    assert ["delivery.drop", "delivery.retry"] == [deed for *_, deed, _, _ in (await office.noted(username="sam"))[:2]]


async def test_who_chooses_no_delivery_is_told_so(office):
    browser, _ = await _with_a_delivery(office)

    for act in ("retry", "drop"):
        answer = await browser.send(f"/admin/deliveries/{act}/", page="/admin/deliveries/")
        assert "Choose deliveries first." in await browser.main(answer.headers["location"])


async def test_deliveries_are_found_by_what_they_are(office):
    browser, _ = await _with_a_delivery(office)

    shown = [
        "Email: sam@example.org" in await browser.main(f"/admin/deliveries/?{query}")
        for query in ("", "status=waiting", "status=sent", "user=sam", "user=alice", "incident=1", "incident=none")
    ]
    unknown = await browser.get("/admin/deliveries/?user=nobody")

    assert [True, True, False, True, False, False, False] == shown
    assert (400, True) == (unknown.status_code, "There is no user of this name." in unknown.text)


async def test_deliveries_are_taken_along(office):
    browser, delivery = await _with_a_delivery(office)

    rows = list(csv.DictReader(io.StringIO((await browser.get("/admin/deliveries/export/?user=sam")).content.decode("utf-8-sig"))))
    objects = [(await browser.get(f"/admin/deliveries/export/?form=json&{query}")).json() for query in ("user=alice", "incident=1")]
    unknown = await browser.get("/admin/deliveries/export/?user=nobody")

    assert [(str(delivery), "sam", "waiting")] == [(row["id"], row["user"], row["status"]) for row in rows]
    assert [[], []] == objects
    assert (400, True) == (unknown.status_code, "There is no user of this name." in unknown.text)
    assert "/admin/deliveries/export/?user=sam&amp;form=csv" in (await browser.get("/admin/deliveries/?user=sam")).text


FILES = {
    "users/": ("q", "sam"),
    "tokens/": ("q", "nav"),
    "sources/": ("q", "nav"),
    "source-types/": ("", ""),
    "profiles/": ("q", "sam"),
    "maintenance/": ("phase", "current"),
    "settings/": ("", ""),
    "authtoken/token/": ("", ""),
}
"""Lists, and a condition for each that can be asked for some of it."""


@pytest.fixture
async def files(office):
    """What a superuser is given of each list."""
    settings = {"number": 7, "key": "a key of a pager"}
    await office.profiles.add_destination(await office.actor("sam"), medium="pager", settings=settings)
    await _profile(office, "sam")
    await office.people.create_token("ada", "script", days=1)
    ada = await office.somebody("ada")

    async def file(path, form, query=""):
        answer = await ada.get(f"/admin/{path}export/?{query}{'&' if query else ''}form={form}")
        assert 200 == answer.status_code, path
        assert "attachment" in answer.headers["content-disposition"]
        assert "no-store" in answer.headers["cache-control"]
        return answer

    return file


async def test_lists_are_taken_along(files):
    objects = {path: (await files(path, "json")).json() for path in FILES}
    rows = {path: list(csv.DictReader(io.StringIO((await files(path, "csv")).content.decode("utf-8-sig")))) for path in FILES}

    assert {path: len(found) for path, found in objects.items()} == {path: len(found) for path, found in rows.items()}
    assert all(objects.values())
    for path, found in objects.items():
        assert [list(one) for one in rows[path]] == [list(rows[path][0])] * len(found)
        assert all(set(one) == set(rows[path][0]) for one in found)
    assert ["alice", "sam", "ada", "nav"] == [one["username"] for one in objects["users/"] if one["username"] in ROLES]
    assert ("nav", "all", False) in [(one["user"], one["scope"], one["expired"]) for one in objects["tokens/"]]
    assert [{"name": "nav", "sources": 1}] == [one for one in objects["source-types/"] if one["name"] == "nav"]
    assert {"name": "nav", "type": "nav", "user": "nav", "active": True}.items() <= objects["sources/"][0].items()
    assert [("sam", ["Bad"], ["Pager: 7"])] == [(one["owner"], one["filters"], one["destinations"]) for one in objects["profiles/"]]
    assert "current" == objects["maintenance/"][0]["phase"]
    assert ["script"] == [one["name"] for one in objects["authtoken/token/"] if one["name"]]
    assert ("no", "yes") == (rows["users/"][0]["staff"], rows["users/"][0]["active"])


async def test_a_file_has_what_the_list_was_asked_for(files, office):
    """
    And the list leads to it.
    """
    asked = {path: f"{name}={value}" for path, (name, value) in FILES.items() if name}
    browser = await office.somebody("ada")

    some = {path: (await files(path, "json", query)).json() for path, query in asked.items()}
    nobody = {path: "phase=past" if "phase" in query else "q=nobody" for path, query in asked.items()}
    none = [(await files(path, "json", query)).json() for path, query in nobody.items()]
    pages = {path: (await browser.get(f"/admin/{path}?{asked.get(path, '')}")).text for path in FILES}

    assert all(some.values())
    assert {"sam"} == {one["username"] for one in some["users/"]}
    assert not any(none)
    assert dict.fromkeys(FILES, True) == {
        path: f'href="/admin/{path}export/?{asked[path] + "&amp;" if path in asked else ""}form={form}"' in text
        for path, text in pages.items()
        for form in ("csv", "json")
    }


async def test_a_file_has_all_that_do_not_fit_on_a_page(files, office, monkeypatch):
    monkeypatch.setattr("adapters.web.admin.files.AT_ONCE", 1)

    at_once = {path: (await files(path, "json")).json() for path in FILES}
    monkeypatch.undo()

    assert at_once == {path: (await files(path, "json")).json() for path in FILES}


async def test_no_secret_is_taken_along(files, office):
    """
    Neither passwords nor tokens, nor what proves them, nor what destinations and settings keep secret.
    """
    async with office.people.accounts.begin() as work:
        users = await work.users_like("", 100, 0)
        tokens = await work.tokens_like("", 100, 2**63 - 1)
    secrets = [*(one.password for one in users if one.password), *(one.digest.hex() for one in tokens), SECRET, "a key of a pager"]

    told = "".join([(await files(path, form)).text for path in FILES for form in ("csv", "json")])

    assert [] == [secret for secret in secrets if secret in told]
    assert "********" in told


async def test_events_that_nobody_can_decide_about_are_shown(office):
    incident = await office.report()
    await office.outbox.put_aside((incident.id, 1), "KeyError: nonsense")
    browser = await office.somebody("sam")

    assert "KeyError: nonsense" in await browser.main("/admin/deliveries/")
    assert "Nobody can decide about 1 event" in await browser.main("/admin/")


async def test_what_is_wrong_is_shown_at_the_start(office):
    office.worries = ["No worker is connected: nobody is told anything."]
    browser = await office.somebody("sam")

    assert "No worker is connected" in await browser.main("/admin/")


async def test_the_audit_log_is_searched(office):
    browser = await office.somebody("ada")
    await browser.send("/admin/source-types/", {"name": "zabbix"}, "/admin/source-types/")

    found = {
        query: "source type zabbix" in await browser.main(f"/admin/audit/?{query}")
        for query in (
            "",
            "who=ada",
            "who=sam",
            "deed=login",
            "deed=source-type.create",
            "about=source+type+zabbix",
            "outcome=refused",
            "since=2024-03-01T12:00",
            "since=2024-03-02",
            "until=2024-03-02T00:00%2B01:00",
            "before=1",
            "before=999",
        )
    }
    wrong = await browser.get("/admin/audit/?since=soon")

    assert {
        "",
        "who=ada",
        "deed=source-type.create",
        "about=source+type+zabbix",
        "since=2024-03-01T12:00",
        "until=2024-03-02T00:00%2B01:00",
    } == {query for query, shown in found.items() if shown}
    assert (400, True) == (wrong.status_code, "Give a moment like" in wrong.text)


async def test_the_audit_log_is_taken_along(office):
    await office.people.add_source_type("zabbix", actor=await office.actor("ada"))
    browser = await office.somebody("sam")

    lines = (await browser.get("/admin/audit/export/?deed=source-type.create&format=jsonl")).text.splitlines()
    rows = list(csv.reader(io.StringIO((await browser.get("/admin/audit/export/?deed=source-type.create&format=csv")).text)))

    assert "source type zabbix" == json.loads(lines[0])["about"]
    assert ["id", "created", "deed", "about"] == rows[0][:4]
    assert "source type zabbix" == rows[1][3]


async def test_settings_are_shown_masked(office):
    browser = await office.somebody("sam")

    page = await browser.main("/admin/settings/")

    assert "ARGUS_EMAIL_PASSWORD ******** environment" in page


async def test_a_medium_is_tried_out(office):
    browser, _ = await _with_a_delivery(office)
    (destination,) = (await office.profiles.belongings((await office.people.user_named("sam")).id)).destinations

    answer = await browser.send("/admin/plugins/media/test/", {"destination": destination.id}, "/admin/plugins/")
    nobodys = await browser.send("/admin/plugins/media/test/", {"destination": 9999}, "/admin/plugins/")

    assert answer.headers["location"].startswith("/notifications/tests/?ids=")
    assert 404 == nobodys.status_code
    assert ("sam", "192.0.2.1", "plugin.test", "medium email") == (await office.noted())[0][:4]
    page = await browser.main("/admin/plugins/")
    assert "2 waiting" in page
    assert "ARGUS_EMAIL_HOST mail.example.org" in page


async def test_the_ticket_system_is_tried_out(office):
    browser = await office.somebody("sam")

    made = await browser.send("/admin/plugins/tickets/test/", page="/admin/plugins/")
    office.now += timedelta(seconds=1)
    in_place = await browser.send("/admin/plugins/tickets/test/", page="/admin/plugins/", headers={"hx-request": "true"})
    office.now += timedelta(seconds=1)
    office.desk.fails = "The desk is closed."
    failed = await browser.send("/admin/plugins/tickets/test/", page="/admin/plugins/")

    assert 'href="https://desk.example.org/' in made.text
    assert "<main" not in in_place.text
    assert "The desk is closed." in failed.text
    deeds = [(about, details) for _, _, deed, about, details in await office.noted() if deed == "plugin.test"]
    assert [("ticket system desk", "The desk is closed.")] == deeds[:1]


async def test_without_a_ticket_system_there_is_nothing_to_try(office):
    none = replace(office.rooms["tickets"], system=None)
    office.rooms |= {"tickets": none, "trying_out": replace(office.rooms["trying_out"], tickets=none)}
    office.serve()
    browser = await office.somebody("sam")

    answer = await browser.send("/admin/plugins/tickets/test/", page="/admin/plugins/")

    assert (409, True) == (answer.status_code, "ARGUS_TICKET_SYSTEM" in answer.text)


async def test_a_test_incident_is_made_and_ended(office):
    browser = await office.somebody("sam")
    page = "/admin/incidents/test/"

    made = await browser.send(
        page, {"level": "2", "description": "The cable is cut", "tags": "host=a.example.org\n\nroom=1", "minutes": ""}, page
    )
    number = int(re.search(r"incident=(\d+)", made.headers["location"])[1])
    incident = await office.journal.get(number)
    shown = await browser.main(made.headers["location"])
    ended = await browser.send(f"/admin/incidents/{number}/end-test/", page=page)

    assert ("argus", 2, "Test by sam: The cable is cut") == (incident.source.name, incident.level, incident.description)
    assert ["argus_test=yes", "host=a.example.org", "room=1"] == sorted(tag.tag for tag in incident.tags)
    assert f"Incident {number}" in shown
    assert f"{page}?done=ended" == ended.headers["location"]
    assert [EventType.START, EventType.END] == [event.type for event in await office.journal.journal(number)]


async def test_a_test_incident_ends_by_itself(office):
    browser = await office.somebody("sam")
    page = "/admin/incidents/test/"

    await browser.send(page, {"level": "5", "description": "x", "minutes": "15"}, page)

    (incident,) = [incident async for incident in _all(office)]
    assert (True, office.now + timedelta(minutes=15)) == (incident.is_open(office.now), incident.end_time)


@pytest.mark.parametrize(
    "fields",
    [
        {"level": "5", "description": " ", "minutes": "1"},
        {"level": "9", "description": "x"},
        {"level": "5", "description": "x", "minutes": "9999"},
        {"level": "5", "description": "x", "tags": "nonsense"},
    ],
)
async def test_a_bad_test_incident_is_refused_at_the_field(office, fields):
    browser = await office.somebody("sam")

    answer = await browser.send("/admin/incidents/test/", fields, "/admin/incidents/test/")

    assert (400, 1) == (answer.status_code, answer.text.count('aria-invalid="true"'))


@pytest.mark.parametrize("lasts", [timedelta(), timedelta(days=2)])
async def test_a_test_incident_lasts_neither_too_long_nor_no_time(office, lasts):
    by = Administrator(await office.actor("sam"))

    with pytest.raises(Invalid, match="minutes"):
        await office.rooms["trying_out"].report(by, TestIncident(level=5, description="x", lasts=lasts))


async def test_incidents_that_are_no_tests_are_not_ended(office):
    incident = await office.report()
    browser = await office.somebody("sam")
    await browser.send("/admin/incidents/test/", {"level": "5", "description": "x"}, "/admin/incidents/test/")

    answer = await browser.send(f"/admin/incidents/{incident.id}/end-test/", page="/admin/")

    assert 404 == answer.status_code


async def test_everybodys_profiles_are_shown_in_words(office):
    browser = await office.somebody("sam")
    await _profile(office, "alice")

    page = await browser.main("/admin/profiles/?q=nightly")

    assert "Nightly (active): within All the time , when Bad matches, to Email: alice@example.org" in page
    assert "All the time : every day, all day" in page
    assert "There is nothing." in await browser.main("/admin/profiles/?q=nobodys")


async def test_users_that_a_provider_makes_or_changes_are_noted(office):
    office.feide.roles = RoleGroups(staff=frozenset({"operators"}))
    for groups in ({"operators"}, set()):
        office.vouched(groups=frozenset(groups), email="olga@example.org")
        browser = office.browser()
        await browser.get("/oidc/login/feide/")
        await browser.get("/oidc/complete/feide/?state=a-state")

    olga = ("olga", "192.0.2.1")
    assert [
        (*olga, "user.change", "user olga", "staff: no (as feide says)"),
        (*olga, "user.create", "user olga", "staff (as feide says)"),
    ] == [entry for entry in await office.noted() if entry[2].startswith("user.") and entry[3] == "user olga"]


async def test_a_ticket_system_that_breaks_is_told_of_and_a_store_that_does_is_not(office):
    by = Administrator(await office.actor("sam"))
    trying_out = office.rooms["trying_out"]
    for error, told in ((RuntimeError("unheard of"), "failed: RuntimeError: unheard of; look there"), (Unavailable(), "")):
        office.now += timedelta(seconds=1)
        office.desk.create = _raising(error)
        try:
            trial = await trying_out.test_ticket_system(by, str)
        except Unavailable:
            assert not told
        else:
            assert told in trial.problem


async def test_an_own_incident_that_tries_things_out_is_no_concern(office):
    browser = await office.somebody("sam")
    await browser.send("/admin/incidents/test/", {"level": "5", "description": "x"}, "/admin/incidents/test/")

    changed = await office.rooms["administration"].watching.look()

    assert 0 == changed
    assert [True] == [incident.is_open(office.now) async for incident in _all(office)]


async def test_before_there_is_a_test_incident_none_is_ended(office):
    browser = await office.somebody("sam")

    answer = await browser.send("/admin/incidents/1/end-test/", page="/admin/incidents/test/")

    assert 404 == answer.status_code


async def test_nothing_is_mailed_to_whoever_is_not_active_or_without_a_mail_server(office):
    by, administration = Administrator(await office.actor("ada")), office.rooms["administration"]
    office.mailbox.lacks = "ARGUS_EMAIL_HOST is not set."
    with pytest.raises(Invalid, match="ARGUS_EMAIL_HOST"):
        await administration.invite(by, office.alice, "https://argus.example.org/?key=")
    await office.people.set_active("alice", active=False)
    with pytest.raises(Invalid, match="not active"):
        await administration.invite(by, office.alice, "https://argus.example.org/?key=")


async def test_who_keeps_a_user_as_it_is_notes_nothing(office):
    before = await office.noted()

    await office.people.change_user(office.alice, lambda same: same)

    assert before == await office.noted()


async def test_what_is_not_there_is_not_found(office):
    by, administration = Administrator(await office.actor("ada")), office.rooms["administration"]
    for ask in (
        administration.user,
        administration.token,
        administration.source,
        administration.revoke_token,
        administration.add_source_token,
    ):
        with pytest.raises(NotFound):
            await ask(by, 2**62)
    assert {} == await administration.names(by, {2**62})


def _raising(error):
    async def create(incident, *, actor, link):
        raise error

    return create


async def _with_a_delivery(office):
    """Sam, who has an address, and a test to it that waits."""
    sam = await office.people.user_named("sam")
    await office.people.change_user(sam.id, lambda user: replace(user, email="sam@example.org"))
    (destination,) = (await office.profiles.belongings(sam.id)).destinations
    (delivery,) = await office.rooms["notifications"].test_destination(await office.actor("sam"), destination.id)
    return await office.somebody("sam"), delivery.id


async def _profile(office, name):
    owner = await office.actor(name)
    belongings = await office.profiles.belongings(owner.id)
    what = await office.profiles.add_filter(owner, name="Bad", definition=FilterDefinition(max_level=1))
    places = {"timeslot_id": belongings.timeslots[0].id, "filter_ids": [what.id], "destination_ids": [belongings.destinations[0].id]}
    await office.profiles.add_profile(owner, name="Nightly", **places)


async def _all(office):
    for journal in office.journal.journals():
        yield await office.journal.get(journal[0].incident_id)

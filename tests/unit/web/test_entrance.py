"""Logging in and out on pages, and what must not work."""

import re
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.web.answers import browser as called
from adapters.web.guests import HOME, own_path
from argus_core.domain import throttle
from argus_core.domain.errors import NoRoom, ReadOnly, TooSlow, Unavailable
from unit.web.conftest import HTTPS, NOON, Broken

pytestmark = pytest.mark.anyio

SESSION, VISITOR = "__Host-argus_session", "__Host-argus_visitor"
PAGES = ["/login/", "/logout/", "/account/", "/admin/", "/password-reset/", "/oidc/login/feide/", "/oidc/complete/feide/", "/oidc/login/x/"]


async def test_the_right_password_leads_on(world):
    browser = world.browser()

    answer = await browser.log_in(next="/admin/?a=1")

    assert (303, "/admin/?a=1") == (answer.status_code, answer.headers["location"])
    assert "alice" in (await browser.get("/account/")).text


async def test_the_cookie_of_a_session_is_for_us_alone(world):
    answer = await world.browser().log_in()

    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(SESSION))
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} == {part.strip() for part in cookie.split(";")[1:]}


@pytest.mark.parametrize("name", ["alice", "nobody"])
async def test_the_wrong_password_is_refused_alike_for_everybody(world, name):
    browser = world.browser()

    answer = await browser.log_in(name, "wrong")

    assert 400 == answer.status_code
    assert "The name or the password is wrong." in answer.text
    assert browser.cookie(SESSION) is None
    other = await world.browser().log_in("alice", "bad")
    assert 1 == len(
        {re.sub(rf'name="csrf_token" value="\w+"|{typed}', "", text) for typed, text in ((name, answer.text), ("alice", other.text))}
    )


async def test_what_is_typed_as_a_name_is_not_in_the_log(world, caplog):
    """
    It may be a password, or lines that look like ours.
    """
    for name in ("\x00", "a\nb", "correct horse"):
        assert 400 == (await world.browser().log_in(name, "wrong")).status_code

    said = [vars(record) for record in caplog.records if "a login failed" in record.message]
    assert ["192.0.2.1"] * 3 == [entry["from"] for entry in said]
    assert not any(typed in str(said) for typed in ("\\x00", "a\\nb", "correct horse"))


async def test_after_too_many_failures_one_is_told_when_to_come_back(world):
    browser = world.browser()
    for _ in range(throttle.FAILURES_PER_ACCOUNT):
        await browser.log_in(password="wrong")

    answer = await browser.log_in()

    assert (429, "900") == (answer.status_code, answer.headers["retry-after"])
    assert "15 minutes" in answer.text


async def test_a_key_of_before_the_login_is_worth_nothing_after_it(world):
    """
    Whoever planted a key in a browser does not have the session that begins there.
    """
    browser = world.browser()
    await browser.get("/login/")
    planted = browser.cookie(VISITOR)
    for name in (SESSION, VISITOR):
        browser.client.cookies.set(name, planted, domain="argus.example.org")

    await browser.log_in()

    assert planted != browser.cookie(SESSION)
    intruder = world.browser()
    for name in (SESSION, VISITOR):
        intruder.client.cookies.set(name, planted, domain="argus.example.org")
    assert 303 == (await intruder.get("/account/")).status_code


async def test_logging_in_again_ends_the_session_of_before(world):
    browser = await world.somebody()
    former = browser.cookie(SESSION)
    token = await browser.token("/account/")

    answer = await browser.client.post("/login/", data={"csrf_token": token, "username": "sam", "password": "first secret"})

    assert 303 == answer.status_code
    assert await world.logins.find(former) is None
    assert (await world.logins.find(browser.cookie(SESSION))).user.username == "sam"


async def test_nothing_is_left_of_a_session_after_logging_out(world):
    browser = await world.somebody()
    key = browser.cookie(SESSION)

    answer = await browser.send("/logout/", page="/logout/")

    assert (303, "/login/?done=out", None) == (answer.status_code, answer.headers["location"], browser.cookie(SESSION))
    assert "You are logged out." in (await browser.get("/login/?done=out")).text
    browser.client.cookies.set(SESSION, key, domain="argus.example.org")
    assert "/login/?next=/account/" == (await browser.get("/account/")).headers["location"]


async def test_a_session_ends_when_nobody_uses_it(world):
    browser = await world.somebody()
    world.now = NOON.replace(hour=19, minute=59)
    assert 200 == (await browser.get("/account/")).status_code

    world.now = NOON.replace(day=2, hour=4)

    assert 303 == (await browser.get("/account/")).status_code


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/login/", {"username": "alice", "password": "first secret"}),
        ("/logout/", {}),
        ("/account/password/", {"present": "first secret", "new": "second secret", "again": "second secret"}),
        ("/account/sessions/1/end/", {}),
        ("/account/sessions/end-others/", {}),
        ("/password-reset/", {"email": "alice@example.org"}),
        ("/password-reset/new/", {"key": "k", "new": "second secret", "again": "second secret"}),
    ],
)
@pytest.mark.parametrize("case", ["none", "made up", "of another browser", "from elsewhere"])
async def test_a_form_that_is_not_ours_does_nothing(world, path, fields, case):
    world.serve(HTTPS)
    browser, other = await world.somebody(), await world.somebody()
    key = browser.cookie(SESSION)
    tokens = {"none": {}, "made up": {"csrf_token": "0" * 64}, "of another browser": {"csrf_token": await other.token("/account/")}}
    more = tokens.get(case, {"csrf_token": await browser.token("/account/")})
    headers = {"origin": "https://evil.example.org"} if case == "from elsewhere" else {"origin": HTTPS}

    answer = await browser.client.post(path, data={**fields, **more}, headers=headers)

    assert 403 == answer.status_code
    assert await world.logins.find(key)
    assert [] == world.mailbox.letters
    assert await world.people.prove("alice", "first secret")


async def test_a_form_without_any_cookie_does_nothing(world):
    token = await world.browser().token("/login/")

    answer = await world.browser().client.post("/login/", data={"csrf_token": token, "username": "alice", "password": "first secret"})

    assert 403 == answer.status_code


@pytest.mark.parametrize(
    "onward",
    [
        "",
        "account/",
        "https://evil.example.org/",
        "//evil.example.org/",
        "/\\evil.example.org/",
        "/\t/evil.example.org/",
        "\\\\evil.example.org",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: a=b",
        "/\N{FULLWIDTH SOLIDUS}evil.example.org",
    ],
)
async def test_nobody_is_led_elsewhere(world, onward):
    assert HOME == (await world.browser().log_in(next=onward)).headers["location"]
    browser = await world.somebody()
    assert HOME == (await browser.get("/login/", params={"next": onward})).headers["location"]
    world.vouched()
    browser = world.browser()
    await browser.get("/oidc/login/feide/", params={"next": onward})
    assert HOME == (await browser.get("/oidc/complete/feide/?state=a-state&code=c")).headers["location"]


@pytest.mark.parametrize(
    ("referer", "onward"),
    [
        (f"{HTTPS}/incidents/7/?at=3", "/incidents/7/?at=3"),
        ("https://evil.example.org/incidents/7/", HOME),
        (f"{HTTPS}//evil.example.org/", HOME),
        ("https://[", HOME),
        ("", HOME),
    ],
)
async def test_what_is_sent_after_the_session_is_said_not_to_be_kept_and_the_way_leads_back(world, referer, onward):
    browser = world.browser()

    answer = await browser.client.post("/incidents/7/note/", data={"why": "a note"}, headers={"referer": referer})
    page = await browser.main(answer.headers["location"])
    logged_in = await browser.log_in(next=parse_qs(answer.headers["location"].partition("?")[2])["next"][0])

    assert "You were logged out, and what you sent was not kept." in page
    assert onward == logged_in.headers["location"]


async def test_whoever_logs_out_after_the_session_is_logged_out(world):
    assert "/login/?done=out" == (await world.browser().client.post("/logout/")).headers["location"]


async def test_what_a_page_asks_for_within_itself_after_the_session_is_no_login_page(world):
    browser = world.browser()
    for ask in (browser.client.get, browser.client.post):
        answer = await ask("/incidents/", headers={"hx-request": "true"})

        assert (403, True) == (answer.status_code, "<h1>You are logged out</h1>" in answer.text)


@given(st.text(alphabet="/\\.:@?#a\t\r\n %", max_size=9))
def test_a_path_of_ours_is_one_for_any_browser(text):
    """
    Browsers drop tabs and line breaks, take a backslash for a slash, and two slashes for the beginning of a host.
    """
    seen = re.sub(r"[\t\r\n]", "", own_path(text)).replace("\\", "/")

    assert re.match(r"/(?!/)", seen)


async def test_over_plain_http_there_are_no_sessions_but_on_the_machine_itself(world):
    elsewhere, here = world.browser("http://argus.example.org"), world.browser("http://localhost:8000")

    page, form = await elsewhere.get("/login/"), await elsewhere.client.post("/login/", data={"username": "alice"})
    answer = await here.log_in()

    assert (200, 403) == (page.status_code, form.status_code)
    assert "<form" not in page.text
    assert (303, True) == (answer.status_code, here.cookie("argus_session") is not None)
    assert not any("Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))


async def test_behind_a_proxy_the_public_address_counts(world):
    world.serve(HTTPS)
    browser = world.browser("http://10.0.0.7:8000")

    cookies = (await browser.get("/login/")).headers.get_list("set-cookie")

    assert all("Secure" in cookie and cookie.startswith("__Host-") for cookie in cookies)


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_is_kept_framed_or_runs_anything_that_is_no_file_of_ours(world, path):
    answer = await (await world.somebody("sam")).get(path)

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "no-store" == answer.headers["cache-control"]
    assert not re.search(r"<script(?! src=\"/static/)|\son\w+=|\sstyle=|<style|(src|href)=\"(?![/#])", answer.text)


async def test_the_administration_is_for_staff(world):
    answers = [await (await world.somebody(name)).get("/admin/") for name in ("alice", "sam")]
    anybody = await world.browser().get("/admin/")
    former = await world.browser().get("/admin/login/")

    assert [403, 200] == [answer.status_code for answer in answers]
    assert ["/login/?next=/admin/"] * 2 == [anybody.headers["location"], former.headers["location"]]


async def test_whoever_a_provider_vouches_for_is_logged_in(world):
    world.vouched()
    browser = world.browser()
    away = await browser.get("/oidc/login/feide/?next=/account/")

    back = await browser.get("/oidc/complete/feide/?state=a-state&code=c")

    assert (302, "https://feide.example.org/") == (away.status_code, away.headers["location"])
    assert (303, "/account/") == (back.status_code, back.headers["location"])
    account = (await browser.get("/account/")).text
    assert "olga" in account
    assert "Change my password" not in account
    out = await browser.send("/logout/", page="/logout/")
    assert 'href="https://feide.example.org/out?signed"' in out.text
    assert browser.cookie(SESSION) is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/oidc/complete/feide/?state=other&code=c", 403),
        ("/oidc/complete/feide/?state=a-state&state=a-state&code=c", 403),
        ("/oidc/complete/feide/", 403),
        ("/oidc/complete/other/?state=a-state&code=c", 404),
        ("/oidc/login/other/", 404),
    ],
)
async def test_whoever_comes_otherwise_than_they_left_is_told_so(world, path, status):
    world.vouched()
    browser = world.browser()
    await browser.get("/oidc/login/feide/")

    answer = await browser.get(path)

    assert (status, None) == (answer.status_code, browser.cookie(SESSION))
    assert ["alice", "sam"] == [user.username for user in await world.people.users()]


async def test_a_provider_in_trouble_is_a_page(world, caplog):
    browser = world.browser()
    await browser.get("/oidc/login/feide/")

    answer = await browser.get("/oidc/complete/feide/?state=a-state&code=c")

    assert 502 == answer.status_code
    assert "Feide cannot be used at the moment." in answer.text


async def test_somebody_who_was_locked_out_is_told_so(world):
    world.vouched()
    for expected in (303, 403):
        browser = world.browser()
        await browser.get("/oidc/login/feide/")
        assert expected == (await browser.get("/oidc/complete/feide/?state=a-state&code=c")).status_code
        await world.people.set_active("olga", active=False)


async def test_a_mistake_is_a_page_that_tells_nothing(world, caplog):
    browser = await world.somebody()
    world.logins.sessions.find = Broken().find

    answer = await browser.get("/account/")

    assert 500 == answer.status_code
    assert "unheard of" not in answer.text
    assert "unheard of" in caplog.text


@pytest.mark.parametrize(
    ("error", "after", "text"),
    [
        (Unavailable(), "1", "cannot be reached"),
        (TooSlow(), "1", "has not answered in time"),
        (ReadOnly(), "1", "read-only"),
        (NoRoom(), "30", "nearly full"),
    ],
)
async def test_why_the_store_does_not_work_is_a_page_that_says_so(world, error, after, text):
    browser = await world.somebody()
    world.logins.sessions.find = Broken(error).find

    answer = await browser.get("/account/")

    assert (503, after) == (answer.status_code, answer.headers["retry-after"])
    assert text in answer.text


async def test_files_are_ours_and_no_others(world):
    browser = world.browser()

    assert [200, 404, 404] == [
        (await browser.get(path)).status_code for path in ("/static/pico.min.css", "/static/README.md", "/static/%2e%2e%2froutes.py")
    ]


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Safari/537.36 Edg/120", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Version/17 Safari/604.1", "Safari on iPhone"),
        ("curl/8", "curl"),
        ("something else", "something else"),
        ("", "An unknown browser"),
    ],
)
def test_browsers_are_called_as_people_call_them(agent, name):
    assert name == called(agent)


async def test_the_navigation_says_where_one_is(world):
    here = await world.somebody("sam")
    for path, name in (
        ("/incidents/", "Incidents"),
        ("/overview/", "Overview"),
        ("/notifications/filters/new/", "My notifications"),
        ("/admin/", "Administration"),
    ):
        page = (await here.get(path)).text.partition("<main")[0]

        assert [name] == re.findall(r'aria-current="true">([^<]+)</a>', page)

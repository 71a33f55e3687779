"""Logging in over HTTP: every process knows a session, nobody guesses passwords, and nobody learns who has an account."""

import re
import statistics
import time

import psycopg
import pytest

from argus_core.domain import throttle
from integration.web.conftest import SECRET

DJANGO = "pbkdf2_sha256$1000$salt$Gqh1a0dau93l9kbZqwSU16P8k+ICFm8gow9Jjw85w34="
"""Of the password "correct"."""
SESSION = "argus_session"


@pytest.fixture(autouse=True)
def forgotten(site):
    """No attempts so far."""
    with psycopg.connect(site.database) as connection:
        connection.execute("delete from attempt_at")


def test_a_session_of_one_process_is_known_to_another_and_ends_in_both(site):
    browser = site.browser()
    browser.log_in()
    key = browser.client.cookies[SESSION]
    elsewhere = site.browser(site.neighbour, **{SESSION: key})

    assert "alice" in elsewhere.client.get("/account/").text

    browser.send("/logout/", {}, "/logout/")
    assert 303 == elsewhere.client.get("/account/").status_code


def test_another_password_and_deactivation_by_an_administrator_end_sessions(site):
    browsers = []
    for name in ("alice", "sam"):
        browser = site.browser()
        browser.log_in(name)
        browsers.append(browser)
    with psycopg.connect(site.database) as connection:
        (hashed,) = connection.execute("select password from account where username = 'sam'").fetchone()

    site.argus("user", "deactivate", "sam")
    site.argus("user", "activate", "sam")

    assert [200, 303] == [browser.client.get("/account/").status_code for browser in browsers]
    with psycopg.connect(site.database) as connection:
        assert (hashed,) == connection.execute("select password from account where username = 'sam'").fetchone()


def test_what_is_kept_of_a_session_does_not_open_anything(site):
    browser = site.browser()
    browser.log_in()
    key = browser.client.cookies[SESSION]

    with psycopg.connect(site.database) as connection:
        rows = connection.execute("select session::text, encode(digest, 'escape') from session").fetchall()

    assert rows
    assert not any(key in text for row in rows for text in row)


def test_a_password_from_django_is_hashed_anew_by_logging_in(site):
    site.argus("user", "create", "old", "--no-password")
    with psycopg.connect(site.database) as connection:
        connection.execute("update account set password = %s where username = 'old'", [DJANGO])

    assert 400 == site.browser().log_in("old", "wrong").status_code
    assert 303 == site.browser().log_in("old", "correct").status_code

    with psycopg.connect(site.database) as connection:
        (hashed,) = connection.execute("select password from account where username = 'old'").fetchone()
    assert hashed.startswith("$argon2id$")
    assert 303 == site.browser().log_in("old", "correct").status_code


@pytest.mark.parametrize("path", ["v1/token-auth/", "v2/token-auth/", "v2/auth/token/login/"])
def test_processes_count_failures_together_and_the_api_with_the_pages(site, path):
    client = site.browser().client
    for number in range(throttle.FAILURES_PER_ACCOUNT):
        url = (site.url, site.neighbour)[number % 2]
        answer = client.post(f"{url}/api/{path}", json={"username": "alice", "password": "wrong"})
        assert answer.status_code in (400, 403)

    right = client.post(f"/api/{path}", json={"username": "alice", "password": SECRET})
    page = site.browser(site.neighbour).log_in()

    assert (429, 429) == (right.status_code, page.status_code)
    assert 0 < int(right.headers["retry-after"]) <= 900
    assert ["detail"] == list(right.json())
    assert 303 == site.browser().log_in("sam").status_code


def test_the_api_neither_sets_nor_reads_a_cookie(site):
    browser = site.browser()
    browser.log_in()

    answers = [browser.client.get(f"/api/{path}") for path in ("v2/incidents/", "v1/auth/user/", "")]
    out = browser.client.post("/api/v2/auth/logout/")

    assert [401, 401, 200] == [answer.status_code for answer in answers]
    assert not any("set-cookie" in answer.headers for answer in answers)
    assert [SESSION not in cookie for cookie in out.headers.get_list("set-cookie")] == [True]
    assert 200 == browser.client.get("/account/").status_code


def test_nobody_learns_from_the_time_it_takes_who_has_an_account(site):
    """
    The same number of wrong logins for a name that there is and for names that there are not, in turn. Were there no dummy to verify, the
    medians would lie apart by nearly all the time it takes; they differ by less than a third, and neither is always the slower one.
    """
    client = site.browser().client

    def seconds(name):
        begin = time.perf_counter()
        answer = client.post("/api/v2/token-auth/", json={"username": name, "password": "wrong"})
        assert answer.status_code == 400
        return time.perf_counter() - begin

    seconds("nobody")
    pairs = [(seconds("alice"), seconds(f"nobody-{number}")) for number in range(throttle.FAILURES_PER_ACCOUNT)]

    known, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    slower = sum(one > other for one, other in pairs)
    assert abs(known - unknown) < max(known, unknown) / 3, (known, unknown)
    assert 1 <= slower <= throttle.FAILURES_PER_ACCOUNT - 1


def test_a_forgotten_password_is_replaced_by_mail(site):
    site.argus("user", "create", "vera", "--email", "vera@example.org", "--no-password")
    site.mailbox.clear()
    browser = site.browser()

    for email in ("alice@example.org", "vera@example.org", "nobody@example.org"):
        assert 200 == browser.send("/password-reset/", {"email": email}, "/password-reset/").status_code

    (mail,) = site.mailbox.wait_for(len)
    assert "alice@example.org" == mail.recipient
    key = re.search(rf"{site.url}/password-reset/new/\?key=(\S+)", mail.text)[1]
    for url, status in ((site.neighbour, 303), (site.url, 403)):
        other = site.browser(url)
        answer = other.client.post(
            "/password-reset/new/",
            data={"csrf_token": other.token("/password-reset/"), "key": key, "new": SECRET, "again": SECRET},
        )
        assert status == answer.status_code
    assert key not in site.log()


def test_browsers_get_pages_about_what_is_not_there_and_programs_json(site):
    client = site.browser().client
    page = client.get("/nothing/", headers={"accept": "text/html"})

    assert (404, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    assert "There is no such page" in page.text
    assert {"detail": "Not found."} == client.get("/nothing/").json()
    assert 401 == client.get("/api/v2/incidents/", headers={"accept": "text/html"}).status_code
    assert "application/json" == client.get("/api/v2/nothing/", headers={"accept": "text/html"}).headers["content-type"]

import pytest

from adapters.http.auth import CredentialCache, Uses, token_in
from argus_core.domain.accounts import Credential
from argus_core.domain.actors import Actor, Scope
from argus_core.domain.errors import Unauthenticated, Unavailable

ALICE = Credential(1, Actor(id=1, username="alice"), None)
BOB = Credential(2, Actor(id=2, username="bob"), None)
PROTECTED = [
    ("GET", "auth/user/"),
    ("GET", "auth/users/1/"),
    ("POST", "auth/token/logout/"),
    ("POST", "auth/refresh-token/"),
    ("POST", "refresh-token/"),
    ("GET", "incidents/"),
    ("POST", "incidents/"),
    ("GET", "incidents/mine/"),
    ("GET", "incidents/sources/"),
    ("GET", "incidents/source-types/"),
    ("PATCH", "incidents/1/"),
    ("PUT", "incidents/1/ticket_url/"),
    ("GET", "incidents/987654321/acks/"),
    ("POST", "incidents/events/bulk/"),
    ("GET", "incidents/1/tags/"),
    ("PUT", "incidents/"),
    ("OPTIONS", "incidents/"),
]


class TestCache:
    """Whom tokens speak for is remembered for a second."""

    def setup_method(self):
        self.now = 100.0
        self.cache = CredentialCache(most=3, monotonic=lambda: self.now)

    def test_it_forgets_after_a_second(self):
        self.cache.keep(b"a", ALICE, self.cache.generation)
        self.now += 0.999
        before = self.cache.get(b"a")
        self.now += 0.001

        assert (ALICE, None) == (before, self.cache.get(b"a"))

    def test_it_never_remembers_longer_than_a_second(self):
        cache = CredentialCache(seconds=60, monotonic=lambda: self.now)
        cache.keep(b"a", ALICE, cache.generation)
        self.now += 1

        assert cache.get(b"a") is None

    def test_what_was_looked_up_before_it_was_cleared_is_not_kept(self):
        generation = self.cache.generation
        self.cache.clear()
        self.cache.keep(b"a", ALICE, generation)

        assert self.cache.get(b"a") is None

    def test_one_token_can_be_dropped(self):
        self.cache.keep(b"a", ALICE, 0)
        self.cache.keep(b"b", BOB, 0)
        self.cache.drop(ALICE.token_id)

        assert (None, BOB) == (self.cache.get(b"a"), self.cache.get(b"b"))

    def test_it_does_not_grow_without_bounds(self):
        for number in range(100):
            self.cache.keep(b"%d" % number, ALICE, 0)

        assert len(self.cache._kept) <= 3


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (b"Token abc", "abc"),
        (b"token  abc ", "abc"),
        (b"TOKEN abc", "abc"),
        (b"Bearer abc", None),
        (b"Basic YTpi", None),
        (b"", None),
        (b" ", None),
    ],
)
def test_the_scheme_is_token_in_any_case(header, key):
    assert key == token_in([(b"host", b"x"), (b"authorization", header)])


@pytest.mark.parametrize("header", [b"Token", b"Token ", b"Token a b"])
def test_a_header_without_a_key_is_refused(header):
    with pytest.raises(Unauthenticated):
        token_in([(b"authorization", header)])


@pytest.mark.anyio
@pytest.mark.parametrize(("method", "path"), PROTECTED)
async def test_everything_needs_a_token_before_anything_else_is_looked_at(lasting_world, method, path):
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Token nope"}, {"Authorization": "Token a b"}):
        answer = await lasting_world.ask(None, method, path, content=b"{", headers=headers)

        assert (401, "Token", ["detail"]) == (answer.status_code, answer.headers["www-authenticate"], list(answer.json()))


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/",
        "/api/schema/",
        "/api/v2/schema/",
        "/api/docs/",
        "/api/docs/files/viewer.js",
        "/login-methods/",
        "/health/live",
        "/health/ready",
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Token nope"}])
async def test_some_things_are_for_anybody(lasting_world, path, headers):
    async with lasting_world.as_(None, **headers) as client:
        answer = await client.get(path)

    assert answer.status_code < 400


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["token-auth/", "auth/token/login/"])
async def test_a_bad_token_spoils_even_a_good_login(lasting_world, path):
    body = {"username": "bob", "password": "bob's secret"}
    answer = await lasting_world.ask(None, "POST", path, json=body, headers={"Authorization": "Token nope"})

    assert answer.status_code == 401


@pytest.mark.anyio
async def test_reads_rely_on_the_cache_for_a_second_and_writes_never(world):
    pk = (await world.incident())["pk"]
    before = await world.ask("alice", "GET", "incidents/")
    await world.people.set_active("alice", active=False)

    read = await world.ask("alice", "GET", "incidents/")
    written = await world.ask("alice", "POST", f"incidents/{pk}/events/", json={"type": "OTH"})
    again = await world.ask("alice", "GET", "incidents/")

    assert [200, 200, 401, 401] == [answer.status_code for answer in (before, read, written, again)]
    assert written.headers["www-authenticate"] == "Token"


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["cleared", "not to be relied on"])
async def test_a_revocation_that_is_heard_of_holds_at_once(world, how):
    await world.ask("alice", "GET", "incidents/")
    await world.people.set_active("alice", active=False)
    if how == "cleared":
        world.credentials.clear()
    world.cache_ok = how == "cleared"

    assert 401 == (await world.ask("alice", "GET", "incidents/")).status_code


@pytest.mark.anyio
async def test_logging_in_replaces_the_login_token(world):
    body = {"username": " alice ", "password": "alice's secret"}
    world.tokens["first"] = (await world.ask(None, "POST", "token-auth/", json=body)).json()["token"]
    before = await world.ask("first", "GET", "auth/user/")
    answer = await world.ask(None, "POST", "token-auth/", data=body)
    world.tokens["second"] = answer.json()["token"]

    assert (200, "no-store") == (answer.status_code, answer.headers["cache-control"])
    assert [200, 401, 200] == [
        before.status_code,
        *[(await world.ask(who, "GET", "auth/user/")).status_code for who in ("first", "second")],
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("username", "password"), [("alice", "wrong"), ("nobody", "x"), ("Alice", "alice's secret"), ("alice", "alice's secret "), ("nav", "x")]
)
async def test_a_bad_login_is_no_missing_authentication(world, username, password):
    body = {"username": username, "password": password}
    answer = await world.ask(None, "POST", "token-auth/", json=body)
    beside = await world.ask(None, "POST", "auth/token/login/", json=body)

    assert (400, {"non_field_errors": ["Unable to log in with provided credentials."]}) == (answer.status_code, answer.json())
    assert (403, {"detail": "Unable to log in with provided credentials."}) == (beside.status_code, beside.json())


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["refresh-token/", "auth/refresh-token/"])
async def test_refreshing_replaces_the_token_that_was_used(world, path):
    world.tokens["new"] = (await world.ask("alice", "POST", path, content=b"whatever")).json()["token"]

    assert [401, 200] == [(await world.ask(who, "GET", "auth/user/")).status_code for who in ("alice", "new")]


@pytest.mark.anyio
async def test_one_more_token_lives_beside_the_others(world):
    body = {"username": "alice", "password": "alice's secret"}
    by_password = await world.ask(None, "POST", "auth/token/login/", json=body)
    by_token = await world.ask("alice", "POST", "auth/token/login/")
    world.tokens |= {"second": by_password.json()["token"], "third": by_token.json()["token"]}

    assert {"expiry": "2024-03-15T13:00:00+01:00", "token": world.tokens["second"]} == by_password.json()
    assert [200] * 3 == [(await world.ask(who, "GET", "auth/user/")).status_code for who in ("alice", "second", "third")]


@pytest.mark.anyio
async def test_a_token_can_be_revoked_with_itself(world):
    answer = await world.ask("alice", "POST", "auth/token/logout/")

    assert (204, b"") == (answer.status_code, answer.content)
    assert 401 == (await world.ask("alice", "GET", "auth/user/")).status_code


@pytest.mark.anyio
async def test_logging_out_is_for_anybody_and_forgets_the_cookie(world):
    for who in ("alice", None, "alice"):
        answer = await world.ask(who, "POST", "auth/logout/")

        assert (200, b"") == (answer.status_code, answer.content)
        assert answer.headers["set-cookie"].startswith('token="";')
        assert "Max-Age=0" in answer.headers["set-cookie"]
    assert 401 == (await world.ask("alice", "GET", "auth/user/")).status_code


@pytest.mark.anyio
async def test_tokens_run_out(world):
    world.later(days=1001)

    assert 401 == (await world.ask("alice", "GET", "auth/user/")).status_code


@pytest.mark.anyio
async def test_no_other_answer_sets_a_cookie(world):
    await world.incident()
    for method, path in [("GET", "incidents/"), ("GET", "auth/user/"), ("POST", "refresh-token/")]:
        assert "set-cookie" not in (await world.ask("alice", method, path)).headers


@pytest.mark.anyio
async def test_users_are_shown_to_others_without_their_roles(world):
    me, admin = [await world.ask(who, "GET", "auth/user/") for who in ("alice", "ada")]
    other = await world.ask("nav", "GET", f"auth/users/{world.pks['alice']}/")

    alice = {"username": "alice", "first_name": "Alice", "last_name": "Adams", "email": "alice@example.org"}
    assert {**alice, "admin_url": None} == me.json()
    assert admin.json()["admin_url"] == "http://argus.example.org/admin/"
    assert alice == other.json()


@pytest.mark.anyio
async def test_a_use_of_a_token_is_noted_afterwards(world):
    """
    A request only leaves a mark; the store hears of it when the marks are flushed.
    """
    number = (await world.people.tokens())[0][1].id
    await world.ask("alice", "GET", "auth/user/")
    before = world.accounts.tables.tokens[number].used
    await world.uses.flush(world.people)

    assert (None, world.now) == (before, world.accounts.tables.tokens[number].used)


@pytest.mark.anyio
async def test_uses_that_could_not_be_noted_are_kept_for_the_next_time():
    class Accounts:
        noted = None

        async def note_uses(self, token_ids):
            if self.noted is None:
                self.noted = set()
                raise Unavailable
            self.noted |= token_ids

    uses, accounts = Uses(), Accounts()
    uses.note(7)
    with pytest.raises(Unavailable):
        await uses.flush(accounts)
    await uses.flush(accounts)
    first = set(accounts.noted)
    accounts.noted = set()
    await uses.flush(accounts)

    assert ({7}, set()) == (first, accounts.noted)


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["refresh-token/", "auth/token/login/"])
async def test_a_narrow_token_makes_no_wider_one(world, path):
    narrow = (await world.people.create_token("alice", "narrow", days=1, scope=Scope.READ)).key
    world.tokens["narrow"] = narrow

    world.tokens["made"] = (await world.ask("narrow", "POST", path)).json()["token"]
    refused = await world.ask("made", "POST", "notificationprofiles/filters/", json={"name": "f", "filter": {"open": True}})

    sentence = 'This token has the scope "read"; that needs one with the scope "all".'
    assert (403, {"detail": sentence}) == (refused.status_code, refused.json())

"""Descriptions of users, sources and tokens are carried out whole, and only once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from argus_core.domain.actors import Scope
from argus_core.domain.errors import Invalid
from argus_core.memory import MemoryAccounts
from argus_core.memory.logins import MemoryAttempts
from argus_core.ports.accounts import Passwords
from argus_core.ports.secrets import Secret, Secrets
from argus_core.usecases.accounts import AccountService, NewUser
from argus_core.usecases.apply import TOKEN, ApplyService, Step, Verb, WantedSource, WantedToken, WantedUser, World

pytestmark = pytest.mark.anyio

NOW = datetime(2024, 5, 17, 12, tzinfo=UTC)
DAYS = 14

ALICE = WantedUser(actor="alice", username="alice", password="one", email="alice@example.org", token=WantedToken.VALID)
NAV = WantedUser(actor="nav", username="nav.oslo", token=WantedToken.VALID)
EVE = WantedUser(actor="eve", username="eve", token=WantedToken.EXPIRED)
DORA = WantedUser(actor="dora", username="dora", active=False, token=WantedToken.VALID)
OSLO = WantedSource(name="oslo", type="nav", actor="nav", base_url="https://nav.example.org/")
WORLD = World(users=(ALICE, NAV, EVE, DORA), source_types=("nav", "zabbix"), sources=(OSLO,))


class OpenPasswords(Passwords):
    """Hashes that tell everything, and how often one was made."""

    def __init__(self):
        self.made = 0

    async def hash(self, password):
        self.made += 1
        return f"{self.made}:{password}"

    async def verify(self, password, hashed):
        return hashed.partition(":")[2] == password

    def is_current(self, hashed):
        return True


class CountedKeys(Secrets):
    def __init__(self):
        self.made = 0

    def new(self):
        self.made += 1
        key = f"key-{self.made}"
        return Secret(key, key[:8], self.digest(key))

    def digest(self, key):
        return key.encode()


@pytest.fixture
def store():
    return MemoryAccounts(lambda: NOW)


@pytest.fixture
def accounts(store):
    return AccountService(store, OpenPasswords(), CountedKeys(), DAYS, "Europe/Oslo", MemoryAttempts())


@pytest.fixture
def service(accounts):
    return ApplyService(accounts)


def verbs(applied):
    return {step.verb for step in applied.steps}


async def tokens_of(accounts, username):
    return [token for user, token in await accounts.tokens() if user.username == username]


async def test_what_is_described_comes_into_being(service, accounts):
    applied = await service.apply(WORLD)

    assert ["alice", "nav.oslo", "eve", "dora"] == [user.username for user in await accounts.users()]
    assert [("oslo", "nav", applied.users["nav"].id)] == [(source.name, source.type, source.user_id) for source in await accounts.sources()]
    assert await accounts.log_in("alice", "one")
    assert {Verb.CREATE} == verbs(applied)


async def test_a_second_time_changes_nothing_and_makes_no_token(service, accounts):
    await service.apply(WORLD)
    before = await accounts.users(), await accounts.sources(), await accounts.tokens()

    applied = await service.apply(WORLD)

    assert {Verb.KEEP} == verbs(applied)
    assert {} == applied.keys
    assert before == (await accounts.users(), await accounts.sources(), await accounts.tokens())


async def test_trying_shows_the_same_steps_and_keeps_nothing(service, accounts):
    tried = await service.apply(WORLD, dry_run=True)

    assert [] == list(await accounts.users())
    assert tried.steps == (await service.apply(WORLD)).steps


def owned(store, what):
    return [thing for belongings in store.tables.belongings.values() for thing in getattr(belongings, what)]


async def test_every_new_user_has_what_users_have_from_the_start(service, store):
    await service.apply(WORLD)

    assert 4 == len(owned(store, "timeslots"))
    assert [{"email_address": "alice@example.org"}] == [destination.settings for destination in owned(store, "destinations")]


async def test_what_is_not_mentioned_stays(service, accounts):
    await accounts.create_user(NewUser(username="alice", first_name="Alice", last_name="Adams", staff=True, superuser=True, active=False))

    applied = await service.apply(World(users=(WantedUser(actor="alice", username="alice", last_name="Berg"),)))

    alice = await accounts.user_named("alice")
    assert ("Alice", "Berg", True, True, False) == (alice.first_name, alice.last_name, alice.staff, alice.superuser, alice.active)
    assert (Step(Verb.CHANGE, "user", "alice", ("last_name",)),) == applied.steps


async def test_a_changed_address_takes_its_destination_along(service, store):
    await service.apply(WORLD)

    await service.apply(World(users=(replace(ALICE, email="a@example.net"),)))

    assert ["a@example.net"] == [destination.settings["email_address"] for destination in owned(store, "destinations")]


async def test_a_password_that_fits_is_not_hashed_again(service, accounts):
    await service.apply(World(users=(ALICE,)))

    await service.apply(World(users=(ALICE,)))
    applied = await service.apply(World(users=(replace(ALICE, password="two"),)))

    assert 2 == accounts.passwords.made
    assert Step(Verb.CHANGE, "user", "alice", ("password",)) in applied.steps
    assert await accounts.log_in("alice", "two")


async def test_a_password_that_changes_meanwhile_is_set_back(service, accounts, monkeypatch):
    await service.apply(World(users=(ALICE,)))
    fits = accounts.passwords.verify

    async def verify_slowly(password, hashed):
        answer = await fits(password, hashed)
        monkeypatch.undo()
        await accounts.set_password("alice", "three")
        return answer

    monkeypatch.setattr(accounts.passwords, "verify", verify_slowly)
    await service.apply(World(users=(ALICE,)))

    assert await accounts.log_in("alice", "one")


async def test_tokens_of_sources_never_expire_those_of_people_do(service, accounts):
    await service.apply(WORLD)

    assert [None] == [token.expires for token in await tokens_of(accounts, "nav.oslo")]
    assert [NOW + timedelta(days=DAYS)] == [token.expires for token in await tokens_of(accounts, "alice")]


async def test_an_expired_token_ran_out_yesterday_and_opens_nothing(service, accounts):
    applied = await service.apply(WORLD)

    (token,) = await tokens_of(accounts, "eve")
    assert (NOW - timedelta(days=DAYS + 1), NOW - timedelta(days=1)) == (token.created, token.expires)
    assert await accounts.authenticate(applied.keys["eve"]) is None


async def test_a_login_does_not_count_as_a_token_but_a_named_one_does(service, accounts):
    await service.apply(World(users=(replace(ALICE, token=None),)))
    await accounts.log_in("alice", "one")
    after_login = await service.apply(World(users=(ALICE,)), dry_run=True)
    await accounts.create_token("alice", "laptop", days=None)

    after_naming = await service.apply(World(users=(ALICE,)), dry_run=True)

    assert {"alice"} == set(after_login.keys)
    assert set() == set(after_naming.keys)


async def test_a_token_that_ran_out_is_replaced(service, accounts, store):
    await service.apply(World(users=(ALICE,)))
    store._clock = lambda: NOW + timedelta(days=DAYS)

    await service.apply(World(users=(ALICE,)))

    assert [NOW + timedelta(days=2 * DAYS)] == [token.expires for token in await tokens_of(accounts, "alice")]


async def test_fresh_tokens_replace_those_made_here_and_no_others(service, accounts):
    await service.apply(WORLD)
    await accounts.create_token("alice", "laptop", days=None)
    await accounts.log_in("alice", "one")

    applied = await service.apply(WORLD, fresh_tokens=True)

    assert {"alice", "nav", "eve", "dora"} == set(applied.keys)
    assert ["", TOKEN, "laptop"] == sorted(token.name for token in await tokens_of(accounts, "alice"))
    assert (await accounts.authenticate(applied.keys["alice"])).actor.username == "alice"


async def test_what_cannot_be_told_is_not_done(service, accounts):
    await service.apply(WORLD, fresh_tokens=True)
    before = await accounts.tokens()
    told = []

    def fails(applied):
        told.append(applied)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await service.apply(WORLD, fresh_tokens=True, tell=fails)
    await service.apply(WORLD, dry_run=True, fresh_tokens=True, tell=fails)

    assert [{"alice", "nav", "eve", "dora"}] == [set(applied.keys) for applied in told]
    assert before == await accounts.tokens()


async def test_a_source_may_move_but_not_change_its_user(service, accounts):
    await service.apply(WORLD)

    moved = await service.apply(World(users=(NAV,), sources=(replace(OSLO, base_url="https://elsewhere.example.org/"),)))
    kept = await service.apply(World(users=(NAV,), sources=(replace(OSLO, base_url=None),)))
    with pytest.raises(Invalid) as stolen:
        await service.apply(World(users=(EVE,), sources=(replace(OSLO, actor="eve"),)))

    assert Step(Verb.CHANGE, "source", "oslo (nav)", ("base_url",)) in moved.steps
    assert ["https://elsewhere.example.org/"] == [source.base_url for source in kept.sources]
    assert {"sources[0].user"} == set(stolen.value.errors)


async def test_a_user_has_one_source(service, accounts):
    await service.apply(WORLD)

    with pytest.raises(Invalid) as refused:
        await service.apply(World(users=(NAV, ALICE), sources=(replace(OSLO, name="bergen"),)))

    assert {"sources[0].user"} == set(refused.value.errors)
    assert 1 == len(await accounts.sources())


async def test_a_bad_description_is_refused_whole_and_names_every_place(service, accounts):
    world = World(
        users=(ALICE, replace(ALICE, email="nowhere"), replace(EVE, username=" eve", password="")),
        source_types=("Nav",),
        sources=(OSLO, replace(OSLO, actor="alice", type="a b", base_url="nav"), replace(OSLO, actor="alice")),
    )

    with pytest.raises(Invalid) as refused:
        await service.apply(world)

    assert {
        "users[1].actor",
        "users[1].username",
        "users[1].email",
        "users[2].username",
        "users[2].password",
        "source_types[0]",
        "sources[0].user",
        "sources[1].type",
        "sources[1].base_url",
        "sources[2].name",
        "sources[2].user",
    } == set(refused.value.errors)
    assert [] == list(await accounts.users())


async def test_a_token_has_the_scope_that_is_wanted_and_one_of_another_will_not_do(service, accounts):
    """
    So a file in which the scope was changed brings a new token, and the former goes.
    """
    scopes = []
    for scope in (Scope.READ, Scope.READ, Scope.INCIDENTS):
        await service.apply(World(users=(replace(NAV, scope=scope),)))
        scopes.append([(token.id, token.scope) for token in await tokens_of(accounts, "nav.oslo")])

    assert scopes[0] == scopes[1]
    assert [[Scope.READ], [Scope.INCIDENTS]] == [[scope for _, scope in scopes[place]] for place in (0, 2)]

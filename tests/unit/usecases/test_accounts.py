"""Who may come in, with which key, and for how long."""

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain import throttle
from argus_core.domain.accounts import User
from argus_core.domain.actors import Actor, Scope
from argus_core.domain.audit import Origin
from argus_core.domain.destinations import synced_email
from argus_core.domain.errors import BadLogin, Invalid, NameTaken, NotAllowed, NotFound, ScopeTooNarrow, TooOften, Unauthenticated
from argus_core.domain.ids import SourceId, TokenId, UserId
from argus_core.domain.permissions import covers
from argus_core.domain.timeslots import all_the_time
from argus_core.memory import MemoryAccounts
from argus_core.memory.logins import MemoryAttempts
from argus_core.ports.secrets import Secret
from argus_core.usecases.accounts import LOGIN, AccountService, NewUser
from strategies import DAY, MICROSECOND, NOON, SECOND

pytestmark = pytest.mark.anyio

DAYS = 14
OLD = "old:"
ROOT = Actor(id=UserId(1), username="root", staff=True, superuser=True)


class ReversedPasswords:
    """Hashes that are no secret, and how often somebody looked."""

    def __init__(self):
        self.looked = []

    async def hash(self, password):
        return password[::-1]

    async def verify(self, password, hashed):
        self.looked.append(hashed)
        return hashed.removeprefix(OLD) == password[::-1] != ""

    def is_current(self, hashed):
        return not hashed.startswith(OLD)


class CountedSecrets:
    """Keys one after the other."""

    def __init__(self):
        self._numbers = itertools.count(1)

    def new(self):
        key = f"key-{next(self._numbers)}"
        return Secret(key, key[:4], self.digest(key))

    def digest(self, key):
        return key[::-1].encode()


class World:
    """An account service over stores in dicts, with a clock that is set by hand."""

    def __init__(self):
        self.now = NOON
        self.passwords = ReversedPasswords()
        self.accounts = MemoryAccounts(lambda: self.now)
        self.attempts = MemoryAttempts(lambda: self.now)
        self.service = AccountService(self.accounts, self.passwords, CountedSecrets(), DAYS, "Europe/Oslo", self.attempts)

    def owned(self, what):
        """What all users together have of something."""
        return [thing for owned in self.accounts.tables.belongings.values() for thing in getattr(owned, what)]

    async def opens(self, *tokens):
        """Which of these keys open the door now."""
        return [await self.service.authenticate(token.key) is not None for token in tokens]

    async def names(self, username="ola"):
        user = await self.service.user_named(username)
        return [token.name for owner, token in await self.service.tokens() if owner == user]


@pytest.fixture
async def world():
    world = World()
    await world.service.create_user(NewUser(username="ola", password="secret"))
    return world


async def test_a_user_who_acts_without_a_token_is_the_source_that_the_user_has(world):
    source, _ = await world.service.create_source("North", "nav")
    robot, ola = await world.service.user(source.user_id), await world.service.user_named("ola")

    assert [source, None] == [(await world.service.acting(user)).source for user in (robot, ola)]


async def test_staff_and_superusers_look_after_others_and_only_while_they_are_so(world):
    ola = await world.service.user_named("ola")

    asked = [await world.service.administers(ola.id)]
    for role in ("staff", "superuser"):
        for granted in (True, False):
            await world.service.set_roles("ola", **{role: granted})
            asked.append(await world.service.administers(ola.id))

    assert [False, True, False, True, False] == asked
    assert not await world.service.administers(UserId(404))


class TestLogIn:
    async def test_gives_a_token_that_opens_the_door(self, world):
        token = await world.service.log_in("ola", "secret")

        credential = await world.service.authenticate(token.key)
        assert ("ola", token.token.id, NOON + DAYS * DAY) == (credential.actor.username, credential.token_id, credential.expires)
        assert (LOGIN, NOON, NOON + DAYS * DAY) == (token.token.name, token.token.created, token.token.expires)

    async def test_trims_the_name_but_not_the_password(self, world):
        assert await world.service.log_in(" ola\n", "secret")
        for name, password in ((" ola", "secret "), ("Ola", "secret"), ("ola", "Secret"), ("ola", "")):
            with pytest.raises(BadLogin):
                await world.service.log_in(name, password)

    async def test_replaces_the_former_login_token_and_no_other(self, world):
        named = await world.service.create_token("ola", "script", days=None)
        first = await world.service.log_in("ola", "secret")
        await world.service.create_user(NewUser(username="kari", password="secret"))
        other = await world.service.log_in("kari", "secret")

        second = await world.service.log_in("ola", "secret")

        assert [False, True, True, True] == await world.opens(first, second, named, other)

    async def test_may_give_a_token_beside_the_others(self, world):
        first = await world.service.log_in("ola", "secret")
        second = await world.service.log_in("ola", "secret", beside=True)

        assert [True, True] == await world.opens(first, second)

        third = await world.service.log_in("ola", "secret")

        assert [False, False, True] == await world.opens(first, second, third)

    async def test_does_not_tell_an_unknown_user_from_a_wrong_password(self, world):
        refusals = []
        for name in ("ola", "nobody"):
            with pytest.raises(BadLogin) as refusal:
                await world.service.log_in(name, "wrong")
            refusals.append(str(refusal.value))

        assert 1 == len(set(refusals))
        assert ["terces", ""] == world.passwords.looked

    async def test_is_refused_to_inactive_users_after_looking_at_the_password(self, world):
        await world.service.set_active("ola", active=False)

        with pytest.raises(BadLogin):
            await world.service.log_in("ola", "secret")

        assert ["terces"] == world.passwords.looked

    async def test_needs_a_password(self, world):
        await world.service.create_user(NewUser(username="robot"))

        with pytest.raises(BadLogin):
            await world.service.log_in("robot", "")

    async def test_is_refused_after_too_many_failures_until_the_first_is_long_ago(self, world):
        for _ in range(throttle.FAILURES_PER_ACCOUNT):
            with pytest.raises(BadLogin):
                await world.service.log_in("ola", "wrong")
            world.now += SECOND

        with pytest.raises(TooOften) as refusal:
            await world.service.log_in("ola", "secret")

        assert throttle.WINDOW - throttle.FAILURES_PER_ACCOUNT * SECOND == refusal.value.after
        world.now += refusal.value.after
        assert await world.service.log_in("ola", "secret")

    async def test_is_refused_under_names_that_nobody_can_have(self, world):
        for name in ("\x00", "\ud800", "a" * 1000):
            with pytest.raises(BadLogin):
                await world.service.log_in(name, "wrong")

    async def test_is_refused_alike_for_users_that_there_are_not(self, world):
        for _ in range(throttle.FAILURES_PER_ACCOUNT):
            with pytest.raises(BadLogin):
                await world.service.log_in("nobody", "wrong")

        with pytest.raises(TooOften):
            await world.service.log_in("nobody", "wrong")

    async def test_forgets_the_failures_of_the_account_when_it_succeeds(self, world):
        for _ in range(3):
            for _ in range(throttle.FAILURES_PER_ACCOUNT - 1):
                with pytest.raises(BadLogin):
                    await world.service.log_in("ola", "wrong")
            assert await world.service.log_in("ola", "secret")

    async def test_counts_failures_by_address_whatever_the_account_and_no_successes(self, world):
        for number in range(throttle.FAILURES_PER_ADDRESS - 1):
            with pytest.raises(BadLogin):
                await world.service.seen_from(Origin(address="192.0.2.1")).log_in(f"user {number}", "wrong")
        for _ in range(3):
            assert await world.service.seen_from(Origin(address="192.0.2.1")).log_in("ola", "secret")
        with pytest.raises(BadLogin):
            await world.service.seen_from(Origin(address="192.0.2.1")).log_in("ola", "wrong")

        with pytest.raises(TooOften):
            await world.service.seen_from(Origin(address="192.0.2.1")).log_in("ola", "secret")

        assert await world.service.seen_from(Origin(address="192.0.2.2")).log_in("ola", "secret")

    async def test_renews_a_hash_that_is_out_of_date(self, world):
        user = await world.service.user_named("ola")
        async with world.accounts.begin() as work:
            await work.save_user(replace(user, password=OLD + user.password))

        with pytest.raises(BadLogin):
            await world.service.log_in("ola", "wrong")
        unproven = await world.service.user_named("ola")
        await world.service.log_in("ola", "secret")

        assert OLD + user.password == unproven.password
        assert user == await world.service.user_named("ola")

    async def test_follows_a_new_password(self, world):
        await world.service.set_password("ola", "better")

        assert await world.service.log_in("ola", "better")
        with pytest.raises(BadLogin):
            await world.service.log_in("ola", "secret")


class TestTokens:
    async def test_open_the_door_until_they_expire(self, world):
        token = await world.service.log_in("ola", "secret")

        world.now = token.token.expires - MICROSECOND
        assert [True] == await world.opens(token)
        world.now = token.token.expires
        assert [False] == await world.opens(token)

    async def test_open_nothing_for_inactive_users(self, world):
        token = await world.service.log_in("ola", "secret")

        await world.service.set_active("ola", active=False)
        assert [False] == await world.opens(token)
        await world.service.set_active("ola", active=True)
        assert [True] == await world.opens(token)

    async def test_nobody_has_made_open_nothing(self, world):
        assert await world.service.authenticate("key-0") is None

    async def test_are_renewed_by_one_of_the_same_name(self, world):
        named = await world.service.create_token("ola", "script", days=1)
        credential = await world.service.authenticate(named.key)
        world.now += timedelta(hours=1)

        renewed = await world.service.refresh(credential)

        assert [False, True] == await world.opens(named, renewed)
        assert ("script", world.now + DAYS * DAY) == (renewed.token.name, renewed.token.expires)

    async def test_are_joined_by_another_for_another_device(self, world):
        token = await world.service.log_in("ola", "secret")

        another = await world.service.another_token(await world.service.authenticate(token.key))

        assert [True, True] == await world.opens(token, another)
        assert [LOGIN, LOGIN] == await world.names()

    async def test_are_taken_away_by_logging_out(self, world):
        token, other = [await world.service.log_in("ola", "secret", beside=True) for _ in range(2)]

        await world.service.log_out(await world.service.authenticate(token.key))

        assert [False, True] == await world.opens(token, other)

    @pytest.mark.parametrize("renew", [AccountService.refresh, AccountService.another_token])
    async def test_make_no_new_ones_after_their_end(self, world, renew):
        token = await world.service.log_in("ola", "secret")
        credential = await world.service.authenticate(token.key)

        async def refused():
            with pytest.raises(Unauthenticated):
                await renew(world.service, credential)

        await world.service.set_active("ola", active=False)
        await refused()
        await world.service.set_active("ola", active=True)
        world.now = token.token.expires
        await refused()
        world.now = NOON
        await world.service.revoke_token(token.token.id)
        await refused()
        assert [] == await world.names()

    async def test_may_have_a_name_and_live_for_good(self, world):
        token = await world.service.create_token("ola", "script", days=None)

        world.now += 100_000 * DAY
        assert [True] == await world.opens(token)
        assert ["script"] == await world.names()

    async def test_have_a_name_once_while_they_live(self, world):
        await world.service.create_token("ola", "script", days=1)

        with pytest.raises(NameTaken):
            await world.service.create_token("ola", "script", days=None)
        world.now += DAY
        await world.service.create_token("ola", "script", days=None)

        assert ["script", "script"] == await world.names()

    async def test_of_two_users_may_share_a_name(self, world):
        await world.service.create_user(NewUser(username="kari"))
        await world.service.create_token("ola", "script", days=None)

        assert await world.service.create_token("kari", "script", days=None)

    @pytest.mark.parametrize("name", ["", " "])
    async def test_without_name_are_for_logging_in_only(self, world, name):
        with pytest.raises(Invalid) as refusal:
            await world.service.create_token("ola", name, days=None)

        assert ["name"] == list(refusal.value.errors)

    async def test_are_revoked_by_id(self, world):
        token, other = [await world.service.create_token("ola", name, days=None) for name in ("a", "b")]

        await world.service.revoke_token(token.token.id)

        assert [False, True] == await world.opens(token, other)

    async def test_of_sources_live_for_good_unless_it_is_said_otherwise(self, world):
        await world.service.create_source("North", "nav")

        assert [DAYS, None] == [await world.service.usual_days(username) for username in ("ola", "North")]

    async def test_are_listed_with_their_users_oldest_first(self, world):
        await world.service.create_user(NewUser(username="kari"))
        for name, user in (("a", "ola"), ("b", "kari"), ("c", "ola")):
            world.now += DAY
            await world.service.create_token(user, name, days=None)

        assert [("ola", "a"), ("kari", "b"), ("ola", "c")] == [(user.username, token.name) for user, token in await world.service.tokens()]


class TestUsers:
    async def test_have_the_defaults_from_the_start(self, world):
        user = await world.service.create_user(NewUser(username="kari", email="kari@example.org"))

        theirs = world.accounts.tables.of(user.id)
        assert (all_the_time(theirs.timeslots[0].id, user.id, "Europe/Oslo"),) == theirs.timeslots
        assert (synced_email(theirs.destinations[0].id, user.id, "kari@example.org"),) == theirs.destinations

    async def test_are_what_was_asked_for(self, world):
        new = NewUser(username="kari", password="pw", first_name="Kari", last_name="N", email="k@example.org", staff=True, superuser=True)

        user = await world.service.create_user(new)

        expected = User(
            id=user.id,
            username="kari",
            password="wp",
            first_name="Kari",
            last_name="N",
            email="k@example.org",
            staff=True,
            superuser=True,
        )
        assert expected == user == await world.service.user(user.id) == await world.service.user_named("kari")

    async def test_may_be_inactive_from_the_start(self, world):
        await world.service.create_user(NewUser(username="kari", password="secret", active=False))

        with pytest.raises(BadLogin):
            await world.service.log_in("kari", "secret")

    async def test_that_cannot_be_made_leave_nothing_behind(self, world):
        slots = world.owned("timeslots")

        with pytest.raises(NameTaken):
            await world.service.create_user(NewUser(username="ola", email="ola@example.org"))
        with pytest.raises(Invalid):
            await world.service.create_user(NewUser(username="kari", email="nowhere"))

        assert (slots, []) == (world.owned("timeslots"), world.owned("destinations"))

    async def test_have_roles_that_are_granted_and_revoked_one_by_one(self, world):
        seen = []
        for roles in ({"staff": True}, {"superuser": True}, {"staff": False}, {}, {"staff": True, "superuser": False}):
            await world.service.set_roles("ola", **roles)
            user = await world.service.user_named("ola")
            seen.append((user.staff, user.superuser))

        assert [(True, False), (True, True), (False, True), (False, True), (True, False)] == seen

    async def test_act_with_their_roles(self, world):
        await world.service.set_roles("ola", superuser=True)
        token = await world.service.log_in("ola", "secret")

        credential = await world.service.authenticate(token.key)

        assert (True, False, None) == (credential.actor.superuser, credential.actor.staff, credential.actor.source)

    async def test_are_listed_by_id_those_of_sources_too(self, world):
        await world.service.create_source("North", "nav")

        assert ["ola", "North"] == [user.username for user in await world.service.users()]

    async def test_that_do_not_exist_are_not_found(self, world):
        service = world.service
        for call in (
            service.user(UserId(404)),
            service.user_named("nobody"),
            service.set_password("nobody", "x"),
            service.set_active("nobody", active=True),
            service.set_roles("nobody"),
            service.create_token("nobody", "script", days=None),
            service.rename_source(SourceId(404), "x"),
            service.set_source_active(SourceId(404), active=True),
            service.rotate_source_token(SourceId(404)),
            service.revoke_token(TokenId(404)),
        ):
            with pytest.raises(NotFound):
                await call


class TestSources:
    async def test_come_with_a_user_a_type_and_a_token_for_good(self, world):
        source, token = await world.service.create_source("North", "nav", base_url="https://nav.example.org")

        world.now += 100_000 * DAY
        credential = await world.service.authenticate(token.key)
        assert ("North", source) == (credential.actor.username, credential.actor.source)
        assert ("North", "nav", "https://nav.example.org") == (source.name, source.type, source.base_url)
        assert "North" == token.token.name
        assert [source] == list(await world.service.sources())
        assert any(slot.owner == source.user_id for slot in world.owned("timeslots"))

    async def test_may_have_a_user_of_another_name_and_a_type_that_is_there(self, world):
        north, _ = await world.service.create_source("North", "nav")
        south, _ = await world.service.create_source("South", "nav", username="nav-south")

        assert "nav-south" == (await world.service.user(south.user_id)).username
        assert {"nav"} == world.accounts.tables.source_types
        assert [north, south] == list(await world.service.sources())

    async def test_have_a_name_once_for_each_type(self, world):
        await world.service.create_source("North", "nav")

        with pytest.raises(NameTaken):
            await world.service.create_source("North", "nav", username="another")
        await world.service.create_source("North", "zabbix", username="another")

        assert [("North", "nav"), ("North", "zabbix")] == [(source.name, source.type) for source in await world.service.sources()]

    async def test_are_found_by_name_and_if_need_be_by_type(self, world):
        nav, _ = await world.service.create_source("North", "nav")
        assert nav == await world.service.source_named("North")

        zabbix, _ = await world.service.create_source("North", "zabbix", username="another")

        assert [nav, zabbix] == [await world.service.source_named("North", type_) for type_ in ("nav", "zabbix")]
        with pytest.raises(Invalid, match="nav, zabbix"):
            await world.service.source_named("North")
        for name, type_ in (("South", None), ("North", "argus")):
            with pytest.raises(NotFound, match=name):
                await world.service.source_named(name, type_)

    async def test_that_cannot_be_made_leave_nothing_behind(self, world):
        for name, type_, username, base_url, fields in (
            (" ", "nav", "u", "", ["name"]),
            ("North", "NAV", "u", "", ["type"]),
            ("North", "nav", " u", "", ["username"]),
            ("North", "nav", "u", "nowhere", ["base_url"]),
        ):
            with pytest.raises(Invalid) as refusal:
                await world.service.create_source(name, type_, username=username, base_url=base_url)
            assert fields == list(refusal.value.errors)
        with pytest.raises(NameTaken):
            await world.service.create_source("ola", "nav")

        assert (set(), {}) == (world.accounts.tables.source_types, world.accounts.tables.sources)

    async def test_of_superusers_get_a_user_with_a_free_name(self, world):
        """
        A taken name gets a number, a long one is cut; nobody can report for the source before it has a token.
        """
        await world.service.add_source_type("nav", actor=ROOT)

        made = [
            await world.service.add_source(name, "nav", actor=ROOT, base_url="https://nav.example.org")
            for name in ("ola", "ola-2", "æ" * 500)
        ]

        users = [await world.service.user(source.user_id) for source in made]
        assert ["ola-2", "ola-2-2", "æ" * 117] == [user.username for user in users]
        assert made == [await world.service.source(source.id) for source in made]
        assert {"https://nav.example.org"} == {source.base_url for source in made}
        assert {source.user_id for source in made} <= {slot.owner for slot in world.owned("timeslots")}
        assert [] == await world.service.tokens()

    async def test_of_superusers_can_be_changed(self, world):
        for name in ("nav", "zabbix"):
            await world.service.add_source_type(name, actor=ROOT)
        source = await world.service.add_source("North", "nav", actor=ROOT, base_url="https://nav.example.org")

        changed = await world.service.change_source(source.id, "South", "zabbix", actor=ROOT)
        assert replace(source, name="South", type="zabbix") == changed
        assert "" == (await world.service.change_source(source.id, "South", "zabbix", actor=ROOT, base_url="")).base_url

    async def test_of_superusers_are_checked(self, world):
        await world.service.add_source_type("nav", actor=ROOT)
        source = await world.service.add_source("North", "nav", actor=ROOT)
        other = await world.service.add_source("South", "nav", actor=ROOT)
        for doing, field in (
            (world.service.add_source_type("nav", actor=ROOT), "name"),
            (world.service.add_source_type("NAV", actor=ROOT), "name"),
            (world.service.add_source("North", "nav", actor=ROOT), "name"),
            (world.service.add_source(" ", "nav", actor=ROOT), "name"),
            (world.service.add_source("East", "zabbix", actor=ROOT), "type"),
            (world.service.change_source(other.id, "North", "nav", actor=ROOT), "name"),
            (world.service.change_source(other.id, "South", "zabbix", actor=ROOT), "type"),
            (world.service.change_source(other.id, "South", "nav", actor=ROOT, base_url="nowhere"), "base_url"),
        ):
            with pytest.raises(Invalid) as refusal:
                await doing
            assert [field] == list(refusal.value.errors)
        with pytest.raises(NotFound):
            await world.service.change_source(SourceId(404), "x", "nav", actor=ROOT)

        assert [source, other] == list(await world.service.sources())
        assert ["ola", "North", "South"] == [user.username for user in await world.service.users()]

    async def test_are_made_by_nobody_but_superusers(self, world):
        await world.service.add_source_type("nav", actor=ROOT)
        source = await world.service.add_source("North", "nav", actor=ROOT)
        for actor in (replace(ROOT, superuser=False), replace(ROOT, superuser=False, source=source)):
            for doing in (
                world.service.add_source_type("zabbix", actor=actor),
                world.service.add_source("South", "nav", actor=actor),
                world.service.change_source(source.id, "South", "nav", actor=actor),
            ):
                with pytest.raises(NotAllowed):
                    await doing

        assert (["nav"], [source]) == (sorted(world.accounts.tables.source_types), list(await world.service.sources()))

    async def test_can_be_renamed(self, world):
        north, _ = await world.service.create_source("North", "nav")
        south, _ = await world.service.create_source("South", "nav")

        renamed = await world.service.rename_source(north.id, "Far north")

        assert "Far north" == renamed.name
        assert [renamed, south] == list(await world.service.sources())
        with pytest.raises(NameTaken):
            await world.service.rename_source(south.id, "Far north")
        with pytest.raises(Invalid):
            await world.service.rename_source(south.id, "")

    async def test_can_be_kept_out(self, world):
        source, token = await world.service.create_source("North", "nav")

        await world.service.set_source_active(source.id, active=False)
        assert [False] == await world.opens(token)
        await world.service.set_source_active(source.id, active=True)
        assert [True] == await world.opens(token)

    async def test_get_a_token_instead_of_all_they_have(self, world):
        source, token = await world.service.create_source("North", "nav")
        named = await world.service.create_token("North", "beside", days=None)
        other = await world.service.create_token("ola", "other", days=None)

        new = await world.service.rotate_source_token(source.id)

        assert [False, False, True, True] == await world.opens(token, named, new, other)
        assert ("North", None) == (new.token.name, new.token.expires)


@given(
    first=st.sampled_from(Scope),
    steps=st.lists(st.tuples(st.sampled_from(["refresh", "another", "create"]), st.sampled_from(Scope), st.integers(0, 9)), max_size=8),
)
def test_no_sequence_of_steps_makes_a_token_of_a_wider_scope(first, steps):
    """
    Whatever is made with a token, and with what was made with it, may do no more than it.
    """

    async def walk():
        world = World()
        await world.service.create_user(NewUser(username="ola"))
        live = [(await world.service.create_token("ola", "first", days=None, scope=first)).key]
        for number, (step, scope, which) in enumerate(steps):
            key = live[which % len(live)]
            credential = await world.service.authenticate(key)
            if step == "refresh":
                live[which % len(live)] = (await world.service.refresh(credential)).key
            elif step == "another":
                live.append((await world.service.another_token(credential)).key)
            elif covers(credential.actor.scope, scope):
                made = await world.service.create_own_token(credential.actor, f"{number}", days=1, scope=scope)
                live.append(made.key)
            else:
                with pytest.raises(ScopeTooNarrow):
                    await world.service.create_own_token(credential.actor, f"{number}", days=1, scope=scope)
        return [(await world.service.authenticate(key)).actor.scope for key in live]

    assert all(covers(first, scope) for scope in asyncio.run(walk()))


async def test_logging_in_opens_everything_whatever_other_tokens_may(world):
    await world.service.create_token("ola", "narrow", days=None, scope=Scope.READ)

    assert Scope.ALL is (await world.service.log_in("ola", "secret")).token.scope


async def test_a_user_has_several_tokens_at_once_and_so_can_change_over(world):
    """
    The new one is good before the old one goes; the other stays what it was.
    """
    old = await world.service.create_token("ola", "old", days=None, scope=Scope.INCIDENTS)
    new = await world.service.create_token("ola", "new", days=None, scope=Scope.INCIDENTS)
    both = await world.opens(old, new)
    await world.service.revoke_token(old.token.id)

    assert ([True, True], [False, True]) == (both, await world.opens(old, new))


async def test_a_user_sees_and_revokes_own_tokens_only(world):
    ola = await world.service.user_named("ola")
    await world.service.create_user(NewUser(username="kari"))
    hers = (await world.service.create_token("kari", "hers", days=None)).token
    his = (await world.service.create_token("ola", "his", days=None)).token
    actor = Actor(id=ola.id, username="ola")

    with pytest.raises(NotFound):
        await world.service.revoke_own_token(actor, hers.id)
    with pytest.raises(NotFound):
        await world.service.revoke_own_token(actor, TokenId(999))
    with pytest.raises(ScopeTooNarrow):
        await world.service.revoke_own_token(replace(actor, scope=Scope.INCIDENTS), his.id)
    before = await world.service.own_tokens(actor)
    await world.service.revoke_own_token(actor, his.id)

    assert ([his], []) == (before, await world.service.own_tokens(actor))


@pytest.mark.parametrize("name", [" ", "x" * 255, "a\x00b"])
async def test_the_name_of_a_token_can_be_stored(world, name):
    with pytest.raises(Invalid):
        await world.service.create_token("ola", name, days=None)


async def test_uses_are_noted_at_most_once_a_minute(world):
    made = (await world.service.create_token("ola", "laptop", days=None)).token
    noted = []
    for seconds in (0, 59, 61):
        world.now = NOON + timedelta(seconds=seconds)
        await world.service.note_uses({made.id, TokenId(999)})
        noted.append((await world.service.tokens())[-1][1].used)
    await world.service.note_uses(set())

    assert [NOON, NOON, NOON + timedelta(seconds=61)] == noted

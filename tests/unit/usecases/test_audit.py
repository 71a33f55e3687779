"""Every administrative act and every login leaves a trace, and no secret in it."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from argus_core.domain.actors import Actor, Scope
from argus_core.domain.audit import YOUNGEST_PRUNED, AuditQuery, Deed, Entry, Origin, as_plain
from argus_core.domain.errors import BadLogin, Invalid, NameTaken, NotAllowed, NotFound, ScopeTooNarrow
from argus_core.domain.ids import UserId
from argus_core.memory import MemoryAccounts
from argus_core.memory.audit import MemoryAudit
from argus_core.memory.logins import MemoryAttempts
from argus_core.ports.secrets import Secret
from argus_core.usecases.accounts import AccountService, NewUser
from argus_core.usecases.apply import ApplyService, WantedSource, WantedToken, WantedUser, World
from argus_core.usecases.audit import PORTION, AuditService
from strategies import NOON

pytestmark = pytest.mark.anyio

SHELL = Origin(address="command line (root)")
ROOT = Actor(id=UserId(1), username="root", superuser=True)
SECRET = "correct horse"


class Passwords:
    async def hash(self, password):
        return password[::-1]

    async def verify(self, password, hashed):
        return hashed == password[::-1]

    def is_current(self, hashed):
        return True


class Secrets:
    numbers = 0

    def new(self):
        self.numbers += 1
        return Secret(f"KEY-{self.numbers}", "KEY", self.digest(f"KEY-{self.numbers}"))

    def digest(self, key):
        return key.encode()


class House:
    def __init__(self):
        self.now = NOON
        self.accounts = MemoryAccounts(lambda: self.now)
        self.service = AccountService(self.accounts, Passwords(), Secrets(), 14, "UTC", MemoryAttempts(), SHELL)
        self.log = MemoryAudit(self.accounts)
        self.audit = AuditService(self.log, self.accounts, SHELL)

    async def noted(self):
        """What was noted since this was asked last, oldest first."""
        entries = [record.entry for record in reversed(await self.log.page(AuditQuery(), 1_000))]
        self.accounts.tables.audit = []
        return entries

    async def told(self):
        return [(entry.deed, re.sub(r"token \d+ of", "token of", entry.about), entry.details) for entry in await self.noted()]


@pytest.fixture
async def house():
    house = House()
    await house.service.create_user(NewUser(username="ola", password=SECRET, staff=True))
    await house.service.create_source("oslo", "nav", username="robot")
    return house


async def test_making_users_sources_types_and_tokens_is_noted(house):
    assert [
        (Deed.USER_CREATE, "user ola", "staff"),
        (Deed.SOURCE_TYPE_CREATE, "source type nav", ""),
        (Deed.SOURCE_CREATE, "source oslo (nav)", "user robot"),
        (Deed.TOKEN_CREATE, "token of robot", 'named "oslo", scope all, for good'),
    ] == await house.told()


async def test_changing_users_is_noted_without_what_they_are_changed_to(house):
    await house.noted()
    await house.service.set_password("ola", "another horse")
    await house.service.set_roles("ola", staff=False, superuser=True)
    await house.service.set_active("ola", active=False)

    assert [
        (Deed.USER_PASSWORD, "user ola", "password"),
        (Deed.USER_CHANGE, "user ola", "staff: no, superuser: yes"),
        (Deed.USER_CHANGE, "user ola", "active: no"),
    ] == await house.told()


async def test_changing_sources_is_noted(house):
    (source,) = await house.service.sources()
    await house.noted()
    await house.service.rename_source(source.id, "bergen")
    await house.service.set_source_active(source.id, active=False)
    await house.service.change_source(source.id, "bergen", "nav", actor=ROOT, base_url="https://nav.example.org/")
    await house.service.rotate_source_token(source.id)

    assert [
        (Deed.SOURCE_CHANGE, "source bergen (nav)", "name"),
        (Deed.SOURCE_CHANGE, "source bergen (nav)", "active: no"),
        (Deed.SOURCE_CHANGE, "source bergen (nav)", "base_url"),
        (Deed.TOKEN_CREATE, "token of robot", 'instead of all others, named "bergen", scope all, for good'),
    ] == await house.told()


async def test_what_superusers_make_over_the_network_is_noted_with_who_they_are(house):
    await house.noted()
    origin = Origin.of(ROOT, "192.0.2.7")
    service = house.service.seen_from(origin)
    await service.add_source_type("zino", actor=ROOT)
    await service.add_source("north", "zino", actor=ROOT)

    noted = await house.noted()
    assert [(Deed.SOURCE_TYPE_CREATE, origin), (Deed.SOURCE_CREATE, origin)] == [(entry.deed, entry.origin) for entry in noted]


async def test_tokens_leave_a_trace_from_beginning_to_end(house):
    await house.noted()
    made = await house.service.create_token("ola", "laptop", days=1, scope=Scope.INCIDENTS)
    credential = await house.service.authenticate(made.key)
    await house.service.another_token(credential)
    fresh = await house.service.authenticate((await house.service.refresh(credential)).key)
    await house.service.log_out(fresh)
    await house.service.log_out(fresh)
    own = (await house.service.own_tokens(credential.actor))[0]
    await house.service.revoke_own_token(Actor(id=credential.actor.id, username="ola"), own.id)
    last = await house.service.create_token("ola", "last", days=None)
    await house.service.revoke_token(last.token.id)

    assert [
        Deed.TOKEN_CREATE,
        Deed.TOKEN_CREATE,
        Deed.TOKEN_REFRESH,
        Deed.TOKEN_REVOKE,
        Deed.TOKEN_REVOKE,
        Deed.TOKEN_CREATE,
        Deed.TOKEN_REVOKE,
    ] == [deed for deed, _, _ in await house.told()]


async def test_logins_are_noted_with_who_came_in_and_from_where(house):
    await house.noted()
    await house.service.seen_from(Origin(address="192.0.2.7")).log_in("ola", SECRET)

    (entry,) = await house.noted()
    ola = await house.service.user_named("ola")
    came = Origin(user_id=ola.id, username="ola", address="192.0.2.7")
    assert Entry(deed=Deed.LOGIN, about="user ola", origin=came, details="by password") == entry


@pytest.mark.parametrize(("username", "about"), [("ola", "user ola"), (SECRET, "an unknown user")])
async def test_failed_logins_are_noted_without_what_was_typed(house, username, about):
    """
    Who mistypes may type the password where the name should be.
    """
    await house.noted()
    with pytest.raises(BadLogin):
        await house.service.seen_from(Origin(address="192.0.2.7")).log_in(username, "wrong")

    (entry,) = await house.noted()
    assert Entry(deed=Deed.LOGIN, about=about, origin=Origin(address="192.0.2.7"), done=False, details="by password") == entry


async def test_what_is_not_done_is_not_noted(house):
    await house.noted()
    with pytest.raises(NameTaken):
        await house.service.create_user(NewUser(username="ola"))
    with pytest.raises(NotFound):
        await house.service.set_password("nobody", "x")

    assert [] == await house.noted()


TEAM = World(
    users=(
        WantedUser(actor="kari", username="kari", password=SECRET, superuser=True, token=WantedToken.VALID),
        WantedUser(actor="ola", username="ola", password="another horse", active=False),
        WantedUser(actor="zino", username="zino"),
    ),
    sources=(WantedSource(name="north", type="zino", actor="zino"),),
)


async def test_what_a_file_changes_is_noted_step_by_step(house):
    await house.noted()
    service = ApplyService(house.service)
    await service.apply(TEAM)
    await service.apply(replace(TEAM, sources=(replace(TEAM.sources[0], base_url="https://zino.example.org/"),)))

    assert [
        (Deed.USER_CREATE, "user kari", "superuser"),
        (Deed.USER_CHANGE, "user ola", "password, active: no"),
        (Deed.USER_CREATE, "user zino", ""),
        (Deed.SOURCE_TYPE_CREATE, "source type zino", ""),
        (Deed.SOURCE_CREATE, "source north (zino)", "user zino"),
        (Deed.TOKEN_CREATE, "token of kari", 'named "apply", scope all, until 2030-03-17T12:00:00+00:00'),
        (Deed.SOURCE_CHANGE, "source north (zino)", "base_url"),
    ] == await house.told()


async def test_a_dry_run_is_not_noted(house):
    await house.noted()
    await ApplyService(house.service).apply(TEAM, dry_run=True)

    assert [] == await house.noted()


async def test_nothing_noted_holds_a_secret(house):
    service = house.service
    with pytest.raises(BadLogin):
        await service.log_in(SECRET, SECRET)
    await service.log_in("ola", SECRET)
    await service.set_password("ola", SECRET)
    await service.create_token("ola", "laptop", days=1)
    await service.rotate_source_token((await service.sources())[0].id)
    await ApplyService(service).apply(TEAM)

    everything = str([as_plain(record) for record in await house.log.page(AuditQuery(), 1_000)])
    assert [] == [secret for secret in ("horse", SECRET[::-1], "KEY") if secret in everything]


async def test_only_staff_may_look(house):
    staff = Actor(id=UserId(2), username="stan", staff=True)
    for refused, actor in (
        (NotAllowed, Actor(id=UserId(3), username="kari")),
        (ScopeTooNarrow, replace(staff, scope=Scope.READ)),
    ):
        with pytest.raises(refused):
            await house.audit.page(AuditQuery(), 10, actor=actor)

    assert 4 == len((await house.audit.page(AuditQuery(), 10, actor=staff)).records)


async def test_pages_go_on_where_the_last_one_ended(house):
    pages = [await house.audit.page(AuditQuery(), 3, actor=ROOT)]
    pages.append(await house.audit.page(AuditQuery(), 3, pages[0].records[-1].id, actor=ROOT))

    assert [(3, True), (1, False)] == [(len(page.records), page.more) for page in pages]
    with pytest.raises(NotFound):
        await house.audit.page(AuditQuery(), 3, 999_999, actor=ROOT)


async def test_an_export_has_everything(house):
    async with house.accounts.begin() as work:
        for number in range(PORTION):
            await work.note(Entry(deed=Deed.PLUGIN_TEST, about=f"{number}"))

    exported = [record.entry.about async for record in house.audit.all(AuditQuery(deed=Deed.PLUGIN_TEST))]

    assert [f"{number}" for number in reversed(range(PORTION))] == exported
    assert PORTION + 4 == len([record async for record in house.audit.all(AuditQuery())])


async def test_what_is_old_can_be_forgotten_and_what_is_not_cannot(house):
    """
    Whoever has just done something does not get rid of its trace.
    """
    house.now += YOUNGEST_PRUNED
    with pytest.raises(Invalid):
        await house.audit.prune(NOON + timedelta(microseconds=1))
    none = await house.audit.prune(NOON)
    house.now += timedelta(seconds=1)
    some = await house.audit.prune(NOON + timedelta(microseconds=1))

    assert (0, 4) == (none, some)
    assert [
        (Deed.AUDIT_PRUNE, "the audit log", f"0 records before {NOON.isoformat()}"),
        (Deed.AUDIT_PRUNE, "the audit log", f"4 records before {(NOON + timedelta(microseconds=1)).isoformat()}"),
    ] == await house.told()


def test_entries_hold_what_can_be_stored():
    entry = Entry(deed=Deed.LOGIN, about="a\x00b", details="x" * 2_000)

    assert ("a\N{REPLACEMENT CHARACTER}b", 1_000) == (entry.about, len(entry.details))

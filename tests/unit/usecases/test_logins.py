"""Sessions begin with a proof, end with the password, and a forgotten password is replaced once."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from argus_core.domain import throttle
from argus_core.domain.accounts import PASSWORD_BYTES, PASSWORD_CHARACTERS
from argus_core.domain.audit import Deed
from argus_core.domain.errors import BadLogin, IdentityRefused, Invalid, NotAsBefore, NotFound, ResetRefused, TooOften
from argus_core.domain.identities import Identity, RoleGroups
from argus_core.domain.sessions import Device, Lifetime
from argus_core.memory import MemoryAccounts
from argus_core.memory.logins import MemoryAttempts, MemorySessions, MemorySlips
from argus_core.ports.identity import Departure
from argus_core.usecases.accounts import AccountService, NewUser
from argus_core.usecases.identities import AWAY, IdentityService
from argus_core.usecases.logins import RESET_LIVES, LoginService
from strategies import DAY, NOON, SECOND
from unit.usecases.test_accounts import CountedSecrets, ReversedPasswords

pytestmark = pytest.mark.anyio

HERE = Device("192.0.2.1", "A browser\x00")
PAGE = "https://argus.example.org/password-reset/new/?key="
BACK = "https://argus.example.org/oidc/complete/feide/"


@dataclass
class Mailbox:
    """Letters that were written."""

    lacks: str = ""
    letters: list = field(default_factory=list)

    async def write(self, address, subject, text):
        self.letters.append((address, subject, text))

    @property
    def key(self):
        return self.letters[-1][2].partition(PAGE)[2].split()[0]


@dataclass
class Feide:
    """A provider that says what it is told to say."""

    slug: str = "feide"
    name: str = "Feide"
    roles: RoleGroups = field(default_factory=lambda: RoleGroups(staff=["operators"]))
    says: object = None
    departures: int = 0

    async def depart(self, return_to):
        self.departures += 1
        return Departure(url=f"https://feide.example.org/?to={return_to}", state=f"state-{self.departures}", nonce="n", verifier="v")

    async def arrive(self, query, departure, return_to):
        if isinstance(self.says, Exception):
            raise self.says
        self.arrived = departure, return_to
        return self.says

    async def leave(self, proof, return_to):
        return f"https://feide.example.org/out?{proof}&{return_to}"


class World:
    def __init__(self):
        self.now = NOON
        clock = lambda: self.now  # noqa: E731 - the same for all
        self.accounts = MemoryAccounts(clock)
        self.people = AccountService(self.accounts, ReversedPasswords(), CountedSecrets(), 14, "Europe/Oslo", MemoryAttempts(clock))
        self.mailbox = Mailbox()
        sessions = MemorySessions(self.accounts, Lifetime(DAY, 7 * DAY), clock)
        self.logins = LoginService(self.people, sessions, MemorySlips(clock), self.mailbox)
        self.feide = Feide(says=Identity(issuer="i", subject="s", username="ola", email="ola@uni.example", groups=frozenset(["operators"])))
        self.identities = IdentityService(self.logins, {"feide": self.feide, "other": Feide()})

    async def come_back(self, *, visitor="visitor", state=None, slug="feide"):
        await self.identities.depart("feide", visitor="visitor", onward="/account/", return_to=BACK)
        query = {"state": state if state is not None else f"state-{self.feide.departures}", "code": "c"}
        return await self.identities.arrive(slug, query, visitor=visitor, return_to=BACK, device=HERE)


@pytest.fixture
async def world():
    world = World()
    await world.people.create_user(NewUser(username="ola", password="first secret", email="ola@example.org"))
    return world


async def test_the_right_password_begins_a_session_of_this_browser(world):
    begun = await world.logins.log_in("ola", "first secret", HERE)

    visit = await world.logins.find(begun.key)
    assert (begun.session, begun.user) == visit
    assert Device("192.0.2.1", "A browser\N{REPLACEMENT CHARACTER}") == visit.session.device


async def test_the_wrong_password_begins_nothing(world):
    with pytest.raises(BadLogin):
        await world.logins.log_in("ola", "wrong", HERE)

    user = await world.people.user_named("ola")
    assert [] == await world.logins.sessions_of(user.id)


async def test_one_ends_ones_sessions(world):
    one, other = [await world.logins.log_in("ola", "first secret", HERE) for _ in range(2)]

    await world.logins.end(one.user.id, one.session.id)

    assert [None, (other.session, other.user)] == [await world.logins.find(begun.key) for begun in (one, other)]


async def test_a_proof_is_worth_nothing_once_the_password_is_another_one(world):
    user = await world.people.prove("ola", "first secret")
    await world.people.set_password("ola", "second secret")

    with pytest.raises(BadLogin):
        await world.logins.begin(user, HERE)


async def test_another_password_ends_all_sessions_and_begins_one_here(world):
    begun = [await world.logins.log_in("ola", "first secret", HERE) for _ in range(2)]

    now = await world.logins.change_password(begun[0].user, "first secret", "second secret", HERE)

    assert [None, None] == [await world.logins.find(one.key) for one in begun]
    assert [now.session] == await world.logins.sessions_of(now.user.id)
    assert await world.people.prove("ola", "second secret")


async def test_the_present_password_is_needed_for_another_one(world):
    begun = await world.logins.log_in("ola", "first secret", HERE)

    with pytest.raises(NotAsBefore):
        await world.logins.change_password(begun.user, "wrong", "second secret", HERE)

    assert await world.logins.find(begun.key)


@pytest.mark.parametrize(
    "password", ["", "a" * (PASSWORD_CHARACTERS - 1), "a" * (PASSWORD_BYTES + 1), "Ola@Example.org", "\x00" * PASSWORD_CHARACTERS]
)
async def test_some_passwords_are_none_to_have(world, password):
    begun = await world.logins.log_in("ola", "first secret", HERE)

    with pytest.raises(Invalid) as refusal:
        await world.logins.change_password(begun.user, "first secret", password, HERE)

    assert ["password"] == list(refusal.value.errors)
    assert await world.logins.find(begun.key)


async def test_a_forgotten_password_is_replaced_by_mail_once(world):
    begun = await world.logins.log_in("ola", "first secret", HERE)
    await world.logins.send_reset("OLA@example.org", PAGE)
    key = world.mailbox.key

    user = await world.logins.reset_password(key, "second secret")

    assert ["ola@example.org"] == [letter[0] for letter in world.mailbox.letters]
    assert user == await world.people.prove("ola", "second secret")
    assert await world.logins.find(begun.key) is None
    with pytest.raises(ResetRefused):
        await world.logins.reset_password(key, "third secret")


async def test_of_several_mails_one_is_good(world):
    await world.logins.send_reset("ola@example.org", PAGE)
    first = world.mailbox.key
    await world.logins.send_reset("ola@example.org", PAGE)

    await world.logins.reset_password(world.mailbox.key, "second secret")

    with pytest.raises(ResetRefused):
        await world.logins.reset_password(first, "third secret")


async def test_a_mail_is_good_only_for_so_long_and_for_somebody_who_may_come_in(world):
    await world.logins.send_reset("ola@example.org", PAGE)
    old = world.mailbox.key
    world.now += RESET_LIVES
    await world.logins.send_reset("ola@example.org", PAGE)
    await world.people.set_active("ola", active=False)

    for key in (old, world.mailbox.key, "made up"):
        with pytest.raises(ResetRefused):
            await world.logins.reset_password(key, "second secret")


async def test_a_password_that_is_none_to_have_does_not_use_up_the_mail(world):
    await world.logins.send_reset("ola@example.org", PAGE)

    with pytest.raises(Invalid):
        await world.logins.reset_password(world.mailbox.key, "short")

    assert await world.logins.reset_password(world.mailbox.key, "second secret")


async def test_a_new_password_by_mail_forgets_failures(world):
    for _ in range(throttle.FAILURES_PER_ACCOUNT):
        with pytest.raises(BadLogin):
            await world.logins.log_in("ola", "wrong", HERE)
    await world.logins.send_reset("ola@example.org", PAGE)

    await world.logins.reset_password(world.mailbox.key, "second secret")

    assert await world.logins.log_in("ola", "second secret", HERE)


async def test_nobody_gets_a_mail_who_has_no_password_here_or_may_not_come_in(world):
    await world.people.create_user(NewUser(username="kari", email="kari@example.org"))
    await world.people.create_user(NewUser(username="per", email="per@example.org", password="first secret", active=False))

    for address in ("kari@example.org", "per@example.org", "nobody@example.org", ""):
        await world.logins.send_reset(address, PAGE)

    assert [] == world.mailbox.letters


async def test_a_mail_may_be_asked_for_only_so_often(world):
    for _ in range(throttle.RESETS_PER_MAILBOX):
        await world.logins.admit_reset("ola@example.org", "192.0.2.1")

    with pytest.raises(TooOften):
        await world.logins.admit_reset("Ola@example.org", "192.0.2.1")


async def test_whoever_a_provider_vouches_for_becomes_a_user_with_a_session(world):
    arrival = await world.come_back()

    user = arrival.begun.user
    assert "/account/" == arrival.onward
    assert ("ola-2", "ola@uni.example", True, False, "") == (user.username, user.email, user.staff, user.superuser, user.password)
    assert arrival.begun.session == (await world.logins.find(arrival.begun.key)).session
    departure, return_to = world.feide.arrived
    assert ("state-1", "n", "v", BACK) == (departure.state, departure.nonce, departure.verifier, return_to)


async def test_somebody_without_a_role_becomes_a_user_without_one(world):
    world.feide.says = replace(world.feide.says, groups=frozenset())

    assert not (await world.come_back()).begun.user.staff


async def test_the_same_subject_is_the_same_user_whatever_they_are_called_now(world):
    first = (await world.come_back()).begun.user
    world.feide.says = replace(world.feide.says, username="kari", email="kari@uni.example", groups=frozenset())

    second = (await world.come_back()).begun.user

    assert replace(first, email="kari@uni.example", staff=False) == second
    assert second == await world.people.user(first.id)
    destinations = world.accounts.tables.of(first.id).destinations
    assert ["kari@uni.example"] == [one.settings["email_address"] for one in destinations]
    assert second == (await world.come_back()).begun.user


async def test_another_issuer_means_somebody_else(world):
    first = (await world.come_back()).begun.user
    world.feide.says = replace(world.feide.says, issuer="j")

    assert first.id != (await world.come_back()).begun.user.id


@pytest.mark.parametrize("told", [{"visitor": "somebody else"}, {"visitor": ""}, {"state": "made up"}, {"state": ""}, {"slug": "other"}])
async def test_whoever_did_not_leave_from_here_does_not_come_back(world, told):
    with pytest.raises(IdentityRefused):
        await world.come_back(**told)

    assert ["ola"] == [user.username for user in await world.people.users()]


async def test_nobody_comes_back_twice(world):
    await world.come_back()

    with pytest.raises(IdentityRefused):
        await world.identities.arrive("feide", {"state": "state-1"}, visitor="visitor", return_to=BACK, device=HERE)


async def test_nobody_comes_back_too_late(world):
    await world.identities.depart("feide", visitor="visitor", onward="/", return_to=BACK)
    world.now += AWAY + SECOND

    with pytest.raises(IdentityRefused):
        await world.identities.arrive("feide", {"state": "state-1"}, visitor="visitor", return_to=BACK, device=HERE)


async def test_whoever_was_locked_out_stays_so_whatever_a_provider_says(world):
    user = (await world.come_back()).begun.user
    await world.people.set_active(user.username, active=False)

    with pytest.raises(BadLogin, match="deactivated"):
        await world.come_back()

    assert not (await world.people.user(user.id)).active


async def test_a_refusal_of_the_provider_makes_no_user(world):
    world.feide.says = IdentityRefused()

    with pytest.raises(IdentityRefused):
        await world.come_back()

    assert ["ola"] == [user.username for user in await world.people.users()]


async def test_there_is_no_other_provider(world):
    with pytest.raises(NotFound):
        await world.identities.depart("google", visitor="visitor", onward="/", return_to=BACK)


async def test_one_logs_out_where_one_came_from(world):
    world.feide.says = replace(world.feide.says, proof="signed")
    arrival = await world.come_back()
    here = await world.logins.log_in("ola", "first secret", HERE)

    assert f"https://feide.example.org/out?signed&{BACK}" == await world.identities.leave(arrival.begun.session, BACK)
    assert await world.identities.leave(here.session, BACK) is None


async def test_a_session_is_found_until_it_is_over(world):
    begun = await world.logins.log_in("ola", "first secret", HERE)

    world.now += DAY - SECOND
    assert await world.logins.find(begun.key)
    world.now += DAY + timedelta(hours=1)
    assert await world.logins.find(begun.key) is None


async def test_the_audit_log_tells_who_came_in_how_and_from_where(world):
    """
    A password that was changed or reset is noted for whoever did it; what was typed in vain is noted without it.
    """
    world.accounts.tables.audit = []
    begun = await world.logins.log_in("ola", "first secret", HERE)
    with pytest.raises(BadLogin):
        await world.logins.log_in("ola", "guessed", HERE)
    await world.logins.change_password(begun.user, "first secret", "second secret", HERE)
    await world.come_back()

    entries = [record.entry for record in world.accounts.tables.audit]

    assert [
        ("login", "ola", True, "by password"),
        ("login", "", False, "by password"),
        ("user.password", "ola", True, "password"),
        ("login", "ola", True, "by password"),
    ] == [(entry.deed.value, entry.origin.username, entry.done, entry.details) for entry in entries][:4]
    assert ("login", "by feide") == (entries[-1].deed.value, entries[-1].details)
    assert {HERE.address} == {entry.origin.address for entry in entries if entry.deed is not Deed.USER_CREATE}

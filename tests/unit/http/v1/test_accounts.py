import pytest

from adapters.http.v1.shapes import phone_number_out
from argus_core.domain.destinations import Destination

pytestmark = pytest.mark.anyio

NUMBER, OTHER = "+4790909090", "+4767676767"
NUMBERS = "auth/phone-number/"


async def test_who_asks_has_phone_numbers(world, ask, make):
    number = await make("alice", NUMBERS, phone_number=" +47 909 09 090")
    me = (await ask("alice", "GET", "auth/user/")).json()
    her = (await ask("bob", "GET", f"auth/users/{world.pks['alice']}/")).json()

    known = {"username": "alice", "first_name": "Alice", "last_name": "Adams", "email": "alice@example.org"}
    assert {"pk": number["pk"], "user": world.pks["alice"], "phone_number": NUMBER} == number
    assert {**known, "phone_numbers": [number]} == me
    assert known == her


async def test_a_phone_number_is_a_destination_of_the_same_pk(world, ask, make):
    number = await make("alice", NUMBERS, phone_number=NUMBER)
    (destination,) = [one for one in (await world.profiles.belongings(world.pks["alice"])).destinations if one.medium == "sms"]

    assert number["pk"] == destination.id
    assert (number, [number]) == (
        (await ask("alice", "GET", f"{NUMBERS}{number['pk']}/")).json(),
        (await ask("alice", "GET", NUMBERS)).json(),
    )


@pytest.mark.parametrize("given", [[NUMBER], {"x": NUMBER}, True, None])
async def test_what_is_no_text_is_no_phone_number(ask, given):
    assert 400 == (await ask("alice", "POST", NUMBERS, json={"phone_number": given})).status_code


async def test_other_destinations_are_no_phone_numbers(world, ask):
    email = (await world.profiles.belongings(world.pks["alice"])).destinations[0]
    asked = [
        await ask("alice", method, f"{NUMBERS}{email.id}/", json={"phone_number": NUMBER}) for method in ("GET", "PUT", "PATCH", "DELETE")
    ]

    assert [404] * 4 == [answer.status_code for answer in asked]
    assert (email,) == (await world.profiles.belongings(world.pks["alice"])).destinations


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_phone_number_can_be_replaced(world, ask, make, method):
    number = await make("alice", NUMBERS, phone_number=NUMBER)
    replaced = await ask("alice", method, f"{NUMBERS}{number['pk']}/", json={"phone_number": OTHER})
    foreign = await ask("bob", method, f"{NUMBERS}{number['pk']}/", json={"phone_number": OTHER})

    assert (201, {**number, "phone_number": OTHER}, 404) == (replaced.status_code, replaced.json(), foreign.status_code)


@pytest.mark.parametrize(
    "body", [{}, {"phone_number": None}, {"phone_number": "90909090"}, {"phone_number": 5}, {"phone_number": {"a": []}}]
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_what_is_no_phone_number_is_refused(ask, make, body, method):
    number = await make("alice", NUMBERS, phone_number=NUMBER)
    answer = await ask("alice", method, NUMBERS if method == "POST" else f"{NUMBERS}{number['pk']}/", json=body)

    assert (400, ["phone_number"]) == (answer.status_code, list(answer.json()))


async def test_a_number_may_be_had_by_two_but_not_twice(ask, make):
    await make("alice", NUMBERS, phone_number=NUMBER)
    again = await ask("alice", "POST", NUMBERS, json={"phone_number": NUMBER})
    await make("bob", NUMBERS, phone_number=NUMBER)

    assert (400, ["phone_number"]) == (again.status_code, list(again.json()))


async def test_a_number_in_use_cannot_be_deleted(ask, make, profile):
    number = await make("alice", NUMBERS, phone_number=NUMBER)
    using = await profile(media=["SM"], phone_number=number["pk"])
    refused = await ask("alice", "DELETE", f"{NUMBERS}{number['pk']}/")
    await ask("alice", "DELETE", f"notificationprofiles/{using['pk']}/")
    removed = await ask("alice", "DELETE", f"{NUMBERS}{number['pk']}/")

    assert (400, list, 204) == (refused.status_code, type(refused.json()), removed.status_code)


async def test_logging_in_and_out(world, ask):
    token = (await ask(None, "POST", "token-auth/", json={"username": "alice", "password": "alice's secret"})).json()["token"]
    header = {"Authorization": f"Token {token}"}
    before = await ask(None, "GET", "auth/user/", headers=header)
    out = await ask(None, "POST", "auth/logout/", headers=header)
    after = await ask(None, "GET", "auth/user/", headers=header)
    wrong = await ask(None, "POST", "token-auth/", json={"username": "alice", "password": "x"})

    assert [200, 200, 401, 400] == [answer.status_code for answer in (before, out, after, wrong)]
    assert "token=" in out.headers["set-cookie"]


def test_a_phone_number_has_exactly_these_keys():
    shown = phone_number_out(Destination(id=7, owner=3, medium="sms", settings={"phone_number": NUMBER}, label="mine"))

    assert (7, 3, NUMBER) == (shown.pk, shown.user, shown.phone_number)
    assert ("pk", "user", "phone_number") == shown.__struct_fields__

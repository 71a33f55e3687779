"""What is asked over HTTP is noted with who asked, and from where."""

import pytest

from argus_core.domain.audit import AuditQuery, Deed
from argus_core.memory.audit import MemoryAudit

pytestmark = pytest.mark.anyio

HERE = "127.0.0.1"
"""Where the tests ask from."""


async def noted(world):
    record, *_ = await MemoryAudit(world.accounts).page(AuditQuery(), 1)
    entry = record.entry
    return entry.deed, entry.done, entry.origin.username, entry.origin.address


@pytest.mark.parametrize(
    ("version", "path"), [("v1", "token-auth/"), ("v2", "token-auth/"), ("v2", "auth/token/login/")], ids=["v1", "v2", "beside"]
)
async def test_logins_are_noted_well_or_not(world, version, path):
    outcomes = []
    for password in ("wrong", "alice's secret"):
        async with world.as_() as client:
            await client.post(f"/api/{version}/{path}", json={"username": "alice", "password": password})
        outcomes.append(await noted(world))

    assert [(Deed.LOGIN, False, "", HERE), (Deed.LOGIN, True, "alice", HERE)] == outcomes


@pytest.mark.parametrize(
    ("who", "method", "path", "body", "deed"),
    [
        ("alice", "POST", "v2/refresh-token/", {}, Deed.TOKEN_REFRESH),
        ("alice", "POST", "v2/auth/token/login/", {}, Deed.TOKEN_CREATE),
        ("alice", "POST", "v2/auth/token/logout/", {}, Deed.TOKEN_REVOKE),
        ("alice", "POST", "v2/auth/logout/", {}, Deed.TOKEN_REVOKE),
        ("alice", "POST", "v1/auth/logout/", {}, Deed.TOKEN_REVOKE),
        ("ada", "POST", "v2/incidents/source-types/", {"name": "zino"}, Deed.SOURCE_TYPE_CREATE),
        ("ada", "POST", "v2/incidents/sources/", {"name": "north", "type": "nav"}, Deed.SOURCE_CREATE),
        ("ada", "PUT", "v2/incidents/sources/{pk}/", {"name": "north", "type": "nav"}, Deed.SOURCE_CHANGE),
    ],
)
async def test_whoever_asks_is_named(world, who, method, path, body, deed):  # noqa: PLR0917 - a row of the table
    async with world.as_(who) as client:
        await client.request(method, f"/api/{path.format(pk=world.sources['nav'].id)}", json=body)

    assert (deed, True, who, HERE) == await noted(world)


async def test_what_people_do_to_incidents_is_in_the_journal_and_not_here(world):
    before = await MemoryAudit(world.accounts).page(AuditQuery(), 1_000)
    number = (await world.incident())["pk"]
    await world.ask("alice", "POST", f"incidents/{number}/acks/", json={})

    assert before == await MemoryAudit(world.accounts).page(AuditQuery(), 1_000)

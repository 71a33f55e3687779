"""The description of API v1, and what everybody may ask of it."""

import json
import re

import pytest

pytestmark = pytest.mark.anyio

OPEN_TO_ALL = {("post", "/api/v1/token-auth/"), ("post", "/api/v1/auth/logout/")}


async def described(world, path):
    async with world.as_() as client:
        return (await client.get(path)).json()


def operations(document):
    return {(method, path) for path, found in document["paths"].items() for method in found}


async def test_each_version_is_described_alone_and_both_together(world):
    whole, first, second = [await described(world, f"/api/{path}schema/") for path in ("", "v1/", "v2/")]

    assert {True} == {path.startswith("/api/v1/") for path in first["paths"]}
    assert {True} == {path.startswith("/api/v2/") for path in second["paths"]}
    assert operations(first) | operations(second) <= operations(whole)
    assert {"/api/", "/health/live", "/health/ready", "/login-methods/"} == whole["paths"].keys() - first["paths"].keys() - second[
        "paths"
    ].keys()


@pytest.mark.parametrize("path", ["/api/schema/", "/api/v1/schema/", "/api/v2/schema/"])
async def test_every_reference_leads_somewhere(world, path):
    document = await described(world, path)
    wanted = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))

    assert set() == wanted - document["components"]["schemas"].keys()


async def test_the_same_word_may_mean_another_thing_in_each_version(world):
    schemas = (await described(world, "/api/schema/"))["components"]["schemas"]

    assert ("metadata" in schemas["IncidentOut"]["properties"], "metadata" in schemas["V1IncidentOut"]["properties"]) == (True, False)


async def test_all_of_it_needs_a_token(world):
    document = await described(world, "/api/v1/schema/")
    async with world.as_() as client:
        answers = {
            (method, path): (await client.request(method, re.sub(r"\{\w+\}", "1", path), json={})).status_code
            for method, path in operations(document) - OPEN_TO_ALL
        }

    assert {401} == set(answers.values()), answers

"""What a provider says is believed only when it is signed by it, for us, for this login, and lately."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from adapters.oidc.config import ProviderSettings
from adapters.oidc.provider import KEYS_SECONDS, METADATA_SECONDS, SKEW, OidcProvider
from argus_core.domain.errors import IdentityRefused, ProviderTrouble

pytestmark = pytest.mark.anyio

ISSUER = "https://id.example.org"
BACK = "https://argus.example.org/oidc/complete/feide/"
KEYS = {kid: RSAKey.generate_key(2048, {"kid": kid}) for kid in ("one", "two")}
DEEP = ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":' + b"[" * 10_000, b"{}", b"signed"))
STRANGE = RSAKey.generate_key(2048, {"kid": "one"})


class Hostile:
    """A provider that says whatever a test wants."""

    def __init__(self):
        self.asked = []
        self.metadata = {
            "issuer": ISSUER,
            **{
                name: f"{ISSUER}/{name}"
                for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint")
            },
            "jwks_uri": f"{ISSUER}/keys",
        }
        self.keys = ["one"]
        self.userinfo = {"sub": "s", "preferred_username": "olga", "email": "o@uni.example", "groups": ["a", 1]}
        self.token = None
        self.status = {}

    def answer(self, request):
        path = request.url.path
        self.asked.append((path, parse_qs(request.content.decode()), request.headers))
        if path in self.status:
            status = self.status[path]
            if isinstance(status, Exception):
                raise status
            return httpx2.Response(status[0], content=status[1], headers={"content-type": "application/json"})
        bodies = {
            "/.well-known/openid-configuration": self.metadata,
            "/keys": {"keys": [KEYS[kid].as_dict(private=False) for kid in self.keys]},
            "/token_endpoint": {"access_token": "a", "token_type": "bearer", "id_token": self.token},
            "/userinfo_endpoint": self.userinfo,
        }
        return httpx2.Response(200, json=bodies[path])

    def count(self, path):
        return [asked for asked, _, _ in self.asked].count(path)


class World:
    def __init__(self, **settings):
        self.op = Hostile()
        self.clock, self.steady = 1_700_000_000.0, 0.0
        told = ProviderSettings(issuer=ISSUER, client_id="argus", client_secret="shared", name="Feide", **settings)
        self.provider = OidcProvider("feide", told, now=lambda: self.clock, monotonic=lambda: self.steady)

    def claims(self, **more):
        now = int(self.clock)
        usual = {"iss": ISSUER, "aud": "argus", "sub": "s", "nonce": self.departure.nonce, "iat": now, "exp": now + 300}
        return {name: value for name, value in {**usual, **more}.items() if value is not None}

    def sign(self, key=None, kid="one", alg="RS256", **claims):
        header = {"alg": alg, **({"kid": kid} if kid else {})}
        self.op.token = jwt.encode(header, self.claims(**claims), key or KEYS[kid], algorithms=[alg])

    async def leave(self):
        self.departure = await self.provider.depart(BACK)
        return self

    async def back(self, **query):
        return await self.provider.arrive({"code": "c", "state": self.departure.state, **query}, self.departure, BACK)


@pytest.fixture
async def world(monkeypatch):
    world = World()
    use(monkeypatch, world)
    return await world.leave()


def use(monkeypatch, world):
    usual = httpx2.AsyncClient.__init__

    def init(self, **more):
        usual(self, **{**more, "transport": httpx2.MockTransport(world.op.answer)})

    monkeypatch.setattr(httpx2.AsyncClient, "__init__", init)


async def test_somebody_leaves_with_a_challenge_that_only_we_can_answer(world):
    asked = {name: value for name, (value,) in parse_qs(urlsplit(world.departure.url).query).items()}

    assert world.departure.url.startswith(f"{ISSUER}/authorization_endpoint?")
    assert ("code", "argus", BACK, "S256") == tuple(
        asked[name] for name in ("response_type", "client_id", "redirect_uri", "code_challenge_method")
    )
    assert (world.departure.state, world.departure.nonce) == (asked["state"], asked["nonce"])
    assert world.departure.verifier not in world.departure.url
    other = await world.provider.depart(BACK)
    assert not {other.state, other.nonce, other.verifier} & {world.departure.state, world.departure.nonce, world.departure.verifier}


async def test_whom_it_vouches_for_comes_back(world):
    world.sign(email="id@uni.example", given_name="Olga")

    identity = await world.back()

    assert (ISSUER, "s", "olga", "Olga", "id@uni.example", frozenset("a"), world.op.token) == (
        identity.issuer,
        identity.subject,
        identity.username,
        identity.first_name,
        identity.email,
        identity.groups,
        identity.proof,
    )
    sent = next(body for path, body, _ in world.op.asked if path == "/token_endpoint")
    assert ([world.departure.verifier], [BACK], ["c"]) == (sent["code_verifier"], sent["redirect_uri"], sent["code"])


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example.org"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"aud": ["other"]},
        {"aud": ["argus", "other"]},
        {"aud": ["argus", "other"], "azp": "other"},
        {"azp": "other"},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": 7},
        {"exp": None},
        {"iat": None},
        {"exp": 1_700_000_000 - SKEW},
        {"iat": 1_700_000_000 + SKEW + 1},
        {"exp": "tomorrow"},
    ],
    ids=str,
)
async def test_an_id_token_for_something_else_is_refused(world, claims):
    world.sign(**claims)

    with pytest.raises(IdentityRefused):
        await world.back()


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["argus"]},
        {"aud": ["argus", "other"], "azp": "argus"},
        {"azp": "argus"},
        {"exp": 1_700_000_000 - SKEW + 1},
        {"iat": 1_700_000_000 + SKEW},
    ],
    ids=str,
)
async def test_an_id_token_for_us_is_good_also_when_clocks_differ_a_little(world, claims):
    world.sign(**claims)

    assert "s" == (await world.back()).subject


async def test_an_id_token_that_nobody_signed_is_refused(world):
    world.sign()
    _, body, _ = world.op.token.split(".")
    for header in ({"alg": "none"}, {"alg": "None", "kid": "one"}, {"alg": "none", "kid": "one"}):
        head = _segment(header)
        for token in (f"{head}.{body}.", f"{head}.{body}.AAAA"):
            world.op.token = token
            with pytest.raises(IdentityRefused):
                await world.back()


async def test_an_id_token_signed_by_somebody_else_is_refused(world):
    world.sign(STRANGE)
    with pytest.raises(IdentityRefused):
        await world.back()


@pytest.mark.parametrize("secret", [b"shared", KEYS["one"].as_pem(private=False)], ids=["our secret", "the public key"])
async def test_whoever_knows_what_we_know_cannot_sign(world, secret):
    for header in ({"alg": "HS256", "kid": "one"}, {"alg": "HS256"}):
        signed = f"{_segment(header)}.{_segment(world.claims())}"
        world.op.token = f"{signed}.{_encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"
        with pytest.raises(IdentityRefused):
            await world.back()


async def test_an_algorithm_that_was_not_allowed_is_refused(world):
    key = ECKey.generate_key("P-384", {"kid": "one"})
    world.sign(key, alg="ES384")

    with pytest.raises(IdentityRefused):
        await world.back()


@pytest.mark.parametrize(
    "token", [None, "", 7, "a.b.c", "a.b", "\N{SNOWMAN}.b.c", {"a": 1}, "." * 100, DEEP], ids=lambda token: str(token)[:30]
)
async def test_what_is_no_id_token_is_refused(world, token):
    world.op.token = token

    with pytest.raises(IdentityRefused):
        await world.back()


async def test_a_key_that_is_new_is_asked_for_and_not_again_and_again(world):
    world.sign()
    await world.back()
    world.op.keys = ["one", "two"]
    world.sign(kid="two")
    with pytest.raises(IdentityRefused):
        await world.back()  # asked a moment ago
    world.steady += KEYS_SECONDS

    assert await world.back()

    world.sign(STRANGE, kid="one")
    for _ in range(5):
        with pytest.raises(IdentityRefused):
            await world.back()
    assert 2 == world.op.count("/keys")


async def test_a_single_key_without_a_name_may_be_changed(world):
    world.sign(kid=None, key=KEYS["one"])
    await world.back()
    world.op.keys = ["two"]
    world.steady += KEYS_SECONDS
    world.sign(kid=None, key=KEYS["two"])

    assert await world.back()


async def test_what_it_says_of_itself_is_remembered_for_a_while(world):
    world.sign()
    await world.back()
    await world.provider.depart(BACK)
    assert 1 == world.op.count("/.well-known/openid-configuration")

    world.steady += METADATA_SECONDS
    await world.provider.depart(BACK)

    assert 2 == world.op.count("/.well-known/openid-configuration")


async def test_no_by_the_provider_is_no(world):
    with pytest.raises(IdentityRefused, match="access_denied"):
        await world.back(error="access_denied\r\n<b>")


@pytest.mark.parametrize("query", [{"code": ""}, {"iss": "https://evil.example.org"}])
async def test_an_answer_that_does_not_fit_is_refused_without_asking(world, query):
    with pytest.raises(IdentityRefused):
        await world.back(**query)

    assert 0 == world.op.count("/token_endpoint")


async def test_a_provider_that_says_who_it_is_has_to(world):
    world.op.metadata["authorization_response_iss_parameter_supported"] = True
    world.steady += METADATA_SECONDS
    world.sign()

    with pytest.raises(IdentityRefused):
        await world.back()

    assert await world.back(iss=ISSUER)


async def test_a_code_that_is_not_taken_is_a_refusal(world):
    world.op.status["/token_endpoint"] = 400, b'{"error": "invalid_grant"}'

    with pytest.raises(IdentityRefused, match="invalid_grant"):
        await world.back()


async def test_somebody_else_s_userinfo_is_refused(world):
    world.sign()
    world.op.userinfo = {"sub": "t", "email": "t@uni.example"}

    with pytest.raises(IdentityRefused):
        await world.back()


async def test_an_address_that_is_not_verified_is_not_taken(world):
    world.op.userinfo["email_verified"] = False
    world.sign()

    assert "" == (await world.back()).email


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token_endpoint", "/userinfo_endpoint"])
@pytest.mark.parametrize(
    "status",
    [(500, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"[" * 10_000), httpx2.ConnectError("refused"), httpx2.ReadTimeout("slow")],
    ids=lambda status: str(status)[:30],
)
async def test_a_provider_in_trouble_is_that(world, path, status, caplog):
    world.sign()
    world.op.status[path] = status
    world.steady += METADATA_SECONDS

    with pytest.raises((ProviderTrouble, IdentityRefused)) as raised:
        await world.back()

    assert raised.type is ProviderTrouble or status == (200, b"[]")


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": f"{ISSUER}/"},
        {"token_endpoint": "http://id.example.org/"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:1"},
    ],
    ids=str,
)
async def test_a_provider_that_describes_itself_wrongly_is_not_used(monkeypatch, metadata, caplog):
    world = World()
    use(monkeypatch, world)
    world.op.metadata.update(metadata)

    with pytest.raises(ProviderTrouble):
        await world.leave()


async def test_one_logs_out_there_if_there_is_a_place_for_it(world):
    to = await world.provider.leave("signed", f"{ISSUER}/back?a=1")
    assert {"id_token_hint": ["signed"], "client_id": ["argus"], "post_logout_redirect_uri": [f"{ISSUER}/back?a=1"]} == parse_qs(
        urlsplit(to).query
    )

    world.op.metadata["end_session_endpoint"] = "javascript:alert(1)"
    world.steady += METADATA_SECONDS
    assert await world.provider.leave("signed", BACK) is None
    world.op.status["/.well-known/openid-configuration"] = 500, b""
    world.steady += METADATA_SECONDS
    assert await world.provider.leave("signed", BACK) is None


def test_clocks_are_those_of_the_machine_unless_told_otherwise():
    assert abs(time.time() - OidcProvider("x", ProviderSettings(issuer=ISSUER, client_id="a"))._now()) < 5


def _segment(value):
    return _encoded(json.dumps(value).encode())


def _encoded(value):
    return urlsafe_b64encode(value).rstrip(b"=").decode()

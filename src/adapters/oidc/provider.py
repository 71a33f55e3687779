"""
One identity provider, spoken to in OpenID Connect: code flow with PKCE, state and nonce.

Authlib makes the requests; it does not look at the id_token, so that is verified here.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # it brings no types
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]  # it brings no types
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from adapters.oidc.config import ProviderSettings
from argus_core.domain.errors import IdentityRefused, ProviderTrouble
from argus_core.domain.identities import Identity, RoleGroups
from argus_core.ports.identity import Departure, IdentityProvider

SKEW = 120
"""Clocks may differ by so many seconds."""
ANSWER_SECONDS = 10.0
METADATA_SECONDS = 3_600.0
KEYS_SECONDS = 60.0
"""Keys that are not known yet are asked for at most so often."""

_SUBJECT_CHARACTERS = 255
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_log = logging.getLogger("argus.oidc")

Claims = Mapping[str, Any]


class OidcProvider(IdentityProvider):
    """A provider as its settings describe it; what it says of itself is asked for when it is first needed, and remembered."""

    def __init__(
        self,
        slug: str,
        settings: ProviderSettings,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.slug = slug
        self.name = settings.name or slug
        self.roles = RoleGroups(staff=settings.staff_groups, superuser=settings.superuser_groups)
        self._settings, self._now, self._monotonic = settings, now, monotonic
        self._metadata: Claims = {}
        self._metadata_until = 0.0
        self._keys: KeySet | None = None
        self._keys_after = 0.0

    async def depart(self, return_to: str) -> Departure:
        """See the port."""
        metadata = await self._described()
        verifier, nonce = token_urlsafe(48), token_urlsafe(32)
        async with self._client(return_to) as client:
            url, state = client.create_authorization_url(
                metadata["authorization_endpoint"], state=token_urlsafe(32), code_verifier=verifier, nonce=nonce
            )
        return Departure(url=url, state=state, nonce=nonce, verifier=verifier)

    async def arrive(self, query: Mapping[str, str], departure: Departure, return_to: str) -> Identity:
        """See the port."""
        if error := query.get("error"):
            raise IdentityRefused(f"{self.name} says: {_shown(error)}.")
        metadata = await self._described()
        announced = metadata.get("authorization_response_iss_parameter_supported") is True
        if (announced or "iss" in query) and query.get("iss") != self._settings.issuer:
            raise IdentityRefused("The answer came from another provider.")
        if not query.get("code"):
            raise IdentityRefused("The answer has no code.")
        async with self._client(return_to) as client:
            token = await self._token(client, metadata, query["code"], departure.verifier)
            claims = await self._verified(token.get("id_token"), departure.nonce)
            return self._identity({**await self._userinfo(client, metadata, claims), **claims}, token["id_token"])

    async def leave(self, proof: str, return_to: str) -> str | None:
        """See the port."""
        try:
            endpoint = (await self._described()).get("end_session_endpoint")
        except ProviderTrouble:
            return None
        if not isinstance(endpoint, str) or not _is_safe(endpoint):
            return None
        query = {"id_token_hint": proof, "client_id": self._settings.client_id, "post_logout_redirect_uri": return_to}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def _client(self, return_to: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret or None,
            scope=" ".join(dict.fromkeys(("openid", *self._settings.scopes))),
            redirect_uri=return_to,
            code_challenge_method="S256",
            timeout=ANSWER_SECONDS,
        )

    async def _described(self) -> Claims:
        """What the provider says about itself."""
        if self._monotonic() >= self._metadata_until:
            metadata = await self._asked(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            if metadata.get("issuer") != self._settings.issuer:
                raise self._trouble(f"It calls itself {_shown(metadata.get('issuer'))}")
            for endpoint in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not _is_safe(metadata.get(endpoint)):
                    raise self._trouble(f"Its {endpoint} is no https address")
            self._metadata, self._metadata_until = metadata, self._monotonic() + METADATA_SECONDS
        return self._metadata

    async def _token(self, client: AsyncOAuth2Client, metadata: Claims, code: str, verifier: str) -> Claims:
        try:
            token: Claims = await client.fetch_token(
                metadata["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier
            )
        except OAuthError as error:
            raise IdentityRefused(f"{self.name} does not take the code: {_shown(error.error)}.") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise self._trouble("It gives no token") from error
        return token

    async def _userinfo(self, client: AsyncOAuth2Client, metadata: Claims, claims: Claims) -> Claims:
        endpoint = metadata.get("userinfo_endpoint")
        if not isinstance(endpoint, str) or not _is_safe(endpoint):
            return {}
        try:
            answer = await client.get(endpoint)
            answer.raise_for_status()
            told = answer.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, OAuthError, ValueError, KeyError, RecursionError) as error:
            raise self._trouble("It tells nothing about the user") from error
        if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
            raise IdentityRefused(f"{self.name} tells about somebody else.")
        return told

    async def _verified(self, id_token: object, nonce: str) -> Claims:
        """The claims of an id_token that this provider signed, for us, for this departure and lately."""
        if not isinstance(id_token, str):
            raise IdentityRefused(f"{self.name} gives no id_token.")
        try:
            claims = await self._signed(id_token)
            jwt.JWTClaimsRegistry(
                now=int(self._now()),
                leeway=SKEW,
                iss={"essential": True, "value": self._settings.issuer},
                aud={"essential": True, "value": self._settings.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(dict(claims))
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise IdentityRefused(f"The id_token of {self.name} cannot be believed: {_shown(error)}.") from error
        if claims.get("nonce") != nonce:
            raise IdentityRefused(f"The id_token of {self.name} is not for this login.")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if ("azp" in claims or several) and claims.get("azp") != self._settings.client_id:
            raise IdentityRefused(f"The id_token of {self.name} was given to somebody else.")
        if not 0 < len(claims["sub"]) <= _SUBJECT_CHARACTERS or "\x00" in claims["sub"]:
            raise IdentityRefused(f"{self.name} does not say who it is.")
        return claims

    async def _signed(self, id_token: str) -> Claims:
        try:
            return self._decoded(id_token, self._keys or await self._fresh_keys())
        except (InvalidKeyIdError, BadSignatureError):
            # It may be that the keys have been changed since we asked.
            return self._decoded(id_token, await self._fresh_keys())

    def _decoded(self, id_token: str, keys: KeySet) -> Claims:
        return jwt.decode(id_token, keys, algorithms=self._settings.algorithms).claims

    async def _fresh_keys(self) -> KeySet:
        """The keys; those that are known when they were asked for a moment ago."""
        if self._keys is None or self._monotonic() >= self._keys_after:
            self._keys_after = self._monotonic() + KEYS_SECONDS
            try:
                self._keys = KeySet.import_key_set(await self._asked((await self._described())["jwks_uri"]))  # type: ignore[arg-type] # it is looked at there
            except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
                raise self._trouble("Its keys cannot be read") from error
        return self._keys

    async def _asked(self, url: str) -> dict[str, Any]:
        try:
            async with httpx2.AsyncClient(timeout=ANSWER_SECONDS) as client:
                answer = await client.get(url, headers={"accept": "application/json"})
            answer.raise_for_status()
            told = answer.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as error:
            raise self._trouble(f"{url} cannot be read") from error
        if not isinstance(told, dict):
            raise self._trouble(f"{url} is no JSON object")
        return told

    def _trouble(self, what: str) -> ProviderTrouble:
        _log.warning("The identity provider %s is in trouble: %s.", self.slug, what, exc_info=True)
        return ProviderTrouble(f"{self.name} cannot be used at the moment.")

    def _identity(self, claims: Claims, proof: str) -> Identity:
        return Identity(
            issuer=self._settings.issuer,
            subject=claims["sub"],
            username=_text(claims.get(self._settings.username_claim)),
            first_name=_text(claims.get("given_name")) or _text(claims.get("name")),
            last_name=_text(claims.get("family_name")),
            email=_text(claims.get("email")) if claims.get("email_verified") is not False else "",
            groups=frozenset(_texts(claims.get(self._settings.groups_claim))),
            proof=proof,
        )


def _is_safe(url: object) -> bool:
    """Whether what is sent there is read by nobody on the way."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(parts.hostname)) or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _text(claim: object) -> str:
    return claim if isinstance(claim, str) else ""


def _texts(claim: object) -> Sequence[str]:
    if isinstance(claim, str):
        return [claim]
    return [one for one in claim if isinstance(one, str)] if isinstance(claim, list) else []


def _shown(text: object) -> str:
    """What comes from elsewhere, short and on one line."""
    return " ".join(str(text).split())[:100].rstrip(".")

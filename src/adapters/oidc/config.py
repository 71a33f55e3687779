"""What an operator says about an identity provider."""

from typing import Annotated

from msgspec import Meta, Struct

_Text = Annotated[str, Meta(min_length=1, max_length=1_000)]

# Whoever knows the public keys, or the secret that we share, must not be able to sign: no `none`, no HS256.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")


class ProviderSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider. Without groups for a role it has no say in who has that role."""

    issuer: Annotated[str, Meta(pattern=r"^(https://|http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$))")]
    client_id: _Text
    client_secret: str = ""
    name: str = ""
    scopes: tuple[_Text, ...] = ("openid", "profile", "email")
    username_claim: _Text = "preferred_username"
    groups_claim: _Text = "groups"
    staff_groups: tuple[str, ...] = ()
    superuser_groups: tuple[str, ...] = ()
    algorithms: tuple[Annotated[str, Meta(pattern=f"^({'|'.join(ALGORITHMS)})$")], ...] = ("RS256", "PS256", "ES256", "Ed25519")

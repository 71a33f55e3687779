"""Identity providers: others who know who somebody is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from argus_core.domain.identities import Identity, RoleGroups


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Somebody on their way to a provider: where they go, and what has to fit when they come back."""

    url: str
    state: str
    nonce: str
    verifier: str


class IdentityProvider(Protocol):
    """One provider: `slug` is its name in addresses, `name` that for people, `roles` what its groups mean here. Many may use it at once."""

    slug: str
    name: str
    roles: RoleGroups

    async def depart(self, return_to: str) -> Departure:
        """
        Send somebody there, who shall come back to this address.

        Raises:
            ProviderTrouble: it cannot be reached, or not be understood.
        """
        ...

    async def arrive(self, query: Mapping[str, str], departure: Departure, return_to: str) -> Identity:
        """
        Whom the provider sends back, by the query they come with. Whether the state fits has been looked at.

        Raises:
            IdentityRefused: the provider says no, or what it says is not for us, not for this departure, too old, or not from it.
            ProviderTrouble: it cannot be reached, or not be understood.
        """
        ...

    async def leave(self, proof: str, return_to: str) -> str | None:
        """Where to go to log out there too, and come back to this address; None when the provider knows no such thing, or is in trouble."""
        ...


IdentityProviders: TypeAlias = Mapping[str, IdentityProvider]
"""Providers by slug."""

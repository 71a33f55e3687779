"""Log in through an identity provider: it says who somebody is, and what they may do here follows from their groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from argus_core.domain.accounts import User
from argus_core.domain.audit import Deed, Entry, Origin, called
from argus_core.domain.errors import BadLogin, IdentityRefused, NotFound
from argus_core.domain.identities import Identity, acceptable, known_as
from argus_core.domain.sessions import Device, Session
from argus_core.ports.accounts import AccountsWork
from argus_core.ports.identity import Departure, IdentityProvider, IdentityProviders
from argus_core.usecases.accounts import NewUser, changes_told, free_username, roles_told
from argus_core.usecases.logins import BegunSession, LoginService

DEPARTURE = "departure"
AWAY = timedelta(minutes=10)
"""So long may somebody take to come back from a provider."""


class Arrival(NamedTuple):
    """Somebody who came back, and where they wanted to go."""

    begun: BegunSession
    onward: str


@dataclass(frozen=True, slots=True)
class IdentityService:
    """
    `visitor` is a secret of the browser that somebody leaves with, and has to come back with.

    Every method that names a provider raises `NotFound` when there is none, and may raise `Unavailable`.
    """

    logins: LoginService
    providers: IdentityProviders

    async def depart(self, slug: str, *, visitor: str, onward: str, return_to: str) -> str:
        """
        Where to send somebody who wants to log in through a provider, and go onward from there.

        Raises:
            ProviderTrouble: see the port.
        """
        departure = await self._provider(slug).depart(return_to)
        content = {"provider": slug, "url": departure.url, "nonce": departure.nonce, "verifier": departure.verifier, "onward": onward}
        await self.logins.slips.keep(self._digest(visitor, departure.state), DEPARTURE, content, AWAY)
        return departure.url

    async def arrive(self, slug: str, query: Mapping[str, str], *, visitor: str, return_to: str, device: Device) -> Arrival:
        """
        Log in somebody whom a provider sends back. Whoever was not known becomes a user.

        Raises:
            IdentityRefused: nobody left with this state, from this browser and lately, or see the port; nobody becomes a user.
            ProviderTrouble: see the port.
            BadLogin: the user is inactive.
        """
        provider = self._provider(slug)
        state = query.get("state", "")
        content = await self.logins.slips.take(self._digest(visitor, state), DEPARTURE) if visitor and state else None
        if content is None or content["provider"] != slug:
            raise IdentityRefused("Nobody left for there from this browser, or it was too long ago. Begin again.")
        departure = Departure(url=content["url"], state=state, nonce=content["nonce"], verifier=content["verifier"])
        identity = acceptable(await provider.arrive(query, departure, return_to))
        user = await self._user(identity, provider, device)
        if not user.active:
            raise BadLogin("This account has been deactivated.")
        begun = await self.logins.begin(user, device, provider=slug, proof=identity.proof)
        return Arrival(begun, content["onward"])

    async def leave(self, session: Session, return_to: str) -> str | None:
        """Where to log out at the provider that a session came from, too; None when there is no such place."""
        provider = self.providers.get(session.provider)
        return await provider.leave(session.proof, return_to) if provider else None

    async def _user(self, identity: Identity, provider: IdentityProvider, device: Device) -> User:
        accounts = self.logins.accounts
        async with accounts.accounts.begin() as work:
            await work.lock()  # the same person may come twice at once
            known = await work.identified(identity.issuer, identity.subject)
            if known is None:
                return await self._new_user(work, identity, provider, device)
            user = provider.roles.applied(known_as(known, identity), identity.groups)
            if user != known:
                await work.save_user(user)
                await work.note(_entry(Deed.USER_CHANGE, user, provider, device, changes_told(known, user)))
            if user.email != known.email:
                await work.move_synced_email(user.id, user.email)
            return user

    async def _new_user(self, work: AccountsWork, identity: Identity, provider: IdentityProvider, device: Device) -> User:
        new = NewUser(
            username=await free_username(work, identity.username),
            first_name=identity.first_name,
            last_name=identity.last_name,
            email=identity.email,
        )
        user = await self.logins.accounts.add_user(work, new, "")
        await work.identify(user.id, identity.issuer, identity.subject)
        with_roles = provider.roles.applied(user, identity.groups)
        if with_roles != user:
            await work.save_user(with_roles)
        await work.note(_entry(Deed.USER_CREATE, with_roles, provider, device, roles_told(with_roles)))
        return with_roles

    def _provider(self, slug: str) -> IdentityProvider:
        provider = self.providers.get(slug)
        if provider is None:
            raise NotFound("There is no such identity provider.")
        return provider

    def _digest(self, visitor: str, state: str) -> bytes:
        return self.logins.accounts.secrets.digest(f"{visitor} {state}")


def _entry(deed: Deed, user: User, provider: IdentityProvider, device: Device, details: str) -> Entry:
    """What a provider has made of a user, who comes from this device."""
    origin = Origin(user_id=user.id, username=user.username, address=device.address)
    return Entry(deed=deed, about=called(user), origin=origin, details=f"{details} (as {provider.slug} says)".strip())

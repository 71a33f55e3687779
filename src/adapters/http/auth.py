"""Who is asking: the `Authorization: Token …` header becomes a credential."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from adapters.http.answers import Scope
from argus_core.domain.accounts import Credential
from argus_core.domain.errors import Unauthenticated
from argus_core.domain.ids import TokenId
from argus_core.usecases.accounts import AccountService

NOT_GIVEN = "Authentication credentials were not provided."


class Access(Enum):
    """Who may ask for a route. The default is TOKEN; others stand in a handler's `opt` under `access`."""

    TOKEN = auto()
    FRESH_TOKEN = auto()
    """As TOKEN, but looked up now: for what gives or takes tokens, a second ago is too long ago."""
    OPTIONAL = auto()
    """Without a token too; one that is given must be live."""
    FORGIVING = auto()
    """With any token or none; one that is not live is as good as none."""
    ANYBODY = auto()
    """The header is not even looked at."""


class CredentialCache:
    """Whom tokens speak for, remembered for at most a second. Only reads rely on it: a write asks the store, within its own statement."""

    def __init__(self, seconds: float = 1.0, most: int = 10_000, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = min(seconds, 1.0)
        self._most = most
        self._monotonic = monotonic
        self._kept: dict[bytes, tuple[float, Credential]] = {}
        self.generation = 0

    def get(self, digest: bytes) -> Credential | None:
        """The credential, if it was looked up within the last second."""
        until, credential = self._kept.get(digest, (0.0, None))
        return credential if until > self._monotonic() else None

    def keep(self, digest: bytes, credential: Credential, generation: int) -> None:
        """Remember what was looked up, unless the cache was cleared since that `generation`: then it may be out of date already."""
        if generation != self.generation:
            return
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[digest] = (self._monotonic() + self._seconds, credential)

    def drop(self, token_id: TokenId) -> None:
        """Forget one token."""
        self.generation += 1
        self._kept = {digest: kept for digest, kept in self._kept.items() if kept[1].token_id != token_id}

    def clear(self) -> None:
        """Forget everything: some token, user or source was changed."""
        self.generation += 1
        self._kept.clear()


class Uses:
    """Which tokens were used lately: collected here, and noted in the store now and then, so that no request pays for it."""

    def __init__(self) -> None:
        self._used: set[TokenId] = set()
        self.note = self._used.add

    async def flush(self, accounts: AccountService) -> None:
        """
        Have noted what was collected.

        Raises:
            Unavailable: it was not, and is kept for the next time.
        """
        used = set(self._used)
        await accounts.note_uses(used)
        self._used -= used


@dataclass(frozen=True, slots=True)
class Gate:
    """Finds out who asks, and puts the credential into the scope as `auth`, the actor as `user`; None is anybody."""

    accounts: AccountService
    cache: CredentialCache
    cache_ok: Callable[[], bool] = field(default=lambda: True)
    uses: Uses = field(default_factory=Uses)

    async def admit(self, scope: Scope, access: Access) -> None:
        """
        Let a request in.

        Raises:
            Unauthenticated: there is no token where one is needed, or it is not live.
            Unavailable: the store cannot be asked.
        """
        credential = None if access is Access.ANYBODY else await self._credential(scope, access)
        if credential:
            self.uses.note(credential.token_id)
        scope["auth"] = credential
        scope["user"] = credential.actor if credential else None

    async def _credential(self, scope: Scope, access: Access) -> Credential | None:
        try:
            credential = await self._looked_up(token_in(scope["headers"]), fresh=access is not Access.TOKEN)
        except Unauthenticated:
            if access is not Access.FORGIVING:
                raise
            credential = None
        if credential is None and access in (Access.TOKEN, Access.FRESH_TOKEN):
            raise Unauthenticated(NOT_GIVEN)
        return credential

    async def _looked_up(self, key: str | None, *, fresh: bool) -> Credential | None:
        if key is None:
            return None
        digest = self.accounts.secrets.digest(key)
        cached = not fresh and self.cache_ok()
        if cached and (known := self.cache.get(digest)):
            return known
        generation = self.cache.generation
        credential = await self.accounts.authenticate(key)
        if credential is None:
            raise Unauthenticated
        if cached:
            self.cache.keep(digest, credential, generation)
        return credential


def token_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """
    The key after the word `Token`; None when there is no such header, or one of another scheme.

    Raises:
        Unauthenticated: the header has no key, or blanks in it.
    """
    header = next((value for name, value in headers if name == b"authorization"), b"")
    scheme, *keys = header.decode("latin-1").split() or [""]
    if scheme.lower() != "token":
        return None
    if not keys:
        raise Unauthenticated("Invalid token header. No credentials provided.")
    if len(keys) > 1:
        raise Unauthenticated("Invalid token header. Token string should not contain spaces.")
    return keys[0]

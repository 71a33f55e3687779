"""New tokens: random, and kept as a digest only."""

import hashlib
import secrets

from argus_core.ports.secrets import Secret, Secrets

BYTES = 32
PREFIX = 8


def secret_of(key: str) -> Secret:
    """What is kept of a key."""
    return Secret(key, key[:PREFIX], _digest(key))


class RandomKeys(Secrets):
    """Keys of 256 random bits. No salt is needed to keep a digest of what nobody can guess."""

    def new(self) -> Secret:
        """See the port."""
        return secret_of(secrets.token_urlsafe(BYTES))

    def digest(self, key: str) -> bytes:
        """See the port."""
        return _digest(key)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()

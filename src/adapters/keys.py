"""New tokens: random, and kept as a digest only."""

import hashlib
import secrets

from argus_core.ports.secrets import Secret, Secrets

BYTES = 32
PREFIX = 8


class RandomKeys(Secrets):
    """Keys of 256 random bits. No salt is needed to keep a digest of what nobody can guess."""

    def new(self) -> Secret:
        """See the port."""
        key = secrets.token_urlsafe(BYTES)
        return Secret(key, key[:PREFIX], self.digest(key))

    def digest(self, key: str) -> bytes:
        """See the port."""
        return hashlib.sha256(key.encode(errors="surrogatepass")).digest()

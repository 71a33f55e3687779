"""Passwords: argon2id for those set here, and those that came along from Django."""

import asyncio
import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from argus_core.ports.accounts import Passwords

AT_ONCE = 2
"""So many are hashed at once in a process; each takes 19 MiB and a core."""

_DJANGO = "pbkdf2_sha256$"
# Of a random password that nobody kept. What is verified against it takes as long as against the hash of a user.
_DUMMY = "$argon2id$v=19$m=19456,t=2,p=1$a7IlO5C6xKS3aLKAxTKeDA$fAoekIluGKwDa6Ln+CjF1qfA4S/tX8LqLOOUKfFQHEM"

_Answer = TypeVar("_Answer")


class Argon2Passwords(Passwords):
    """argon2id with the parameters that OWASP recommends, in threads of its own so that requests need not wait for it."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(AT_ONCE, "passwords")

    async def hash(self, password: str) -> str:
        """See the port."""
        return await self._apart(lambda: self._hasher.hash(_bytes(password)))

    async def verify(self, password: str, hashed: str) -> bool:
        """See the port. What is no hash we know counts as empty."""
        return await self._apart(lambda: self._fits(password, hashed))

    def is_current(self, hashed: str) -> bool:
        """See the port."""
        return not hashed.startswith(_DJANGO) and not self._hasher.check_needs_rehash(hashed)

    def _fits(self, password: str, hashed: str) -> bool:
        if hashed.startswith(_DJANGO):
            return _fits_django(password, hashed)
        try:
            return self._hasher.verify(hashed, _bytes(password))
        except InvalidHashError:
            self._fits(password, _DUMMY)
            return False
        except VerificationError:
            return False

    async def _apart(self, work: Callable[[], _Answer]) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _fits_django(password: str, hashed: str) -> bool:
    """`pbkdf2_sha256$<iterations>$<salt>$<base64>`, as Django keeps it."""
    try:
        _, iterations, salt, expected = hashed.split("$")
        digest = hashlib.pbkdf2_hmac("sha256", _bytes(password), salt.encode(), int(iterations))
    except ValueError:
        return False
    return hmac.compare_digest(b64encode(digest), expected.encode())


def _bytes(password: str) -> bytes:
    # Whatever a client sends is a password, also what is no text.
    return password.encode(errors="surrogatepass")

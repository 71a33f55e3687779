"""Passwords and keys as they are kept."""

import re
import threading

import pytest
from argon2 import extract_parameters

from adapters import passwords
from adapters.keys import RandomKeys
from adapters.passwords import Argon2Passwords

pytestmark = pytest.mark.anyio

# python -c "import hashlib, base64; print(base64.b64encode(hashlib.pbkdf2_hmac('sha256', b'correct', b'salt', 1000)))"
DJANGO = "pbkdf2_sha256$1000$salt$Gqh1a0dau93l9kbZqwSU16P8k+ICFm8gow9Jjw85w34="


async def test_only_the_right_password_fits():
    kept = Argon2Passwords()

    hashed = await kept.hash("correct horse")

    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await kept.verify("correct horse", hashed)
    assert not await kept.verify("correct house", hashed)


async def test_the_same_password_never_looks_the_same():
    kept = Argon2Passwords()

    assert await kept.hash("correct horse") != await kept.hash("correct horse")


@pytest.mark.parametrize("hashed", ["", "!", "plain", "$argon2id$", "pbkdf2_sha256$", "pbkdf2_sha256$x$y$z"])
async def test_what_is_no_hash_fits_nothing(hashed):
    assert not await Argon2Passwords().verify("", hashed)


async def test_a_password_from_django_fits():
    kept = Argon2Passwords()

    assert await kept.verify("correct", DJANGO)
    assert not await kept.verify("incorrect", DJANGO)


async def test_a_password_need_not_be_text():
    kept = Argon2Passwords()

    assert await kept.verify("\ud800\x00", await kept.hash("\ud800\x00"))


async def test_unknown_users_take_as_long_as_known_ones():
    ours = Argon2Passwords()._hasher

    assert extract_parameters(passwords._DUMMY) == extract_parameters(ours.hash("x"))


async def test_hashing_keeps_the_event_loop_free():
    kept = Argon2Passwords()

    thread = await kept._apart(threading.get_ident)

    assert threading.get_ident() != thread


def test_keys_are_long_and_kept_as_a_digest_with_a_prefix():
    secret = RandomKeys().new()

    assert re.fullmatch(r"[\w-]{40,}", secret.key)
    assert secret.key[:8] == secret.prefix
    assert RandomKeys().digest(secret.key) == secret.digest
    assert secret.key.encode() not in secret.digest


def test_no_key_comes_twice():
    keys = RandomKeys()

    assert 100 == len({keys.new().key for _ in range(100)})


def test_whatever_somebody_shows_as_a_key_has_a_digest():
    assert RandomKeys().digest("\ud800") != RandomKeys().digest("é")

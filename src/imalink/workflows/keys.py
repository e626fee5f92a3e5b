"""What only one party knows: random keys and the hash they are kept as, and passwords as Argon2id spells them."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Generator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from imalink.errors import TooManyTriesError

_KEY_BYTES = 32
_AT_ONCE = threading.BoundedSemaphore(2)
"""A password takes 64 MB and some of a second, so that guessing is dear; strangers must not make many at once."""
_WAIT_SECONDS = 15
_HASHER = PasswordHasher()
"""Argon2id with the parameters of RFC 9106 for machines with little memory."""
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""Compared with where there is no account, so that the time tells nothing."""


def new_key(prefix: str = "") -> str:
    """Give a random key of 256 bits as text."""
    return prefix + secrets.token_urlsafe(_KEY_BYTES)


def hash_of(key: str) -> str:
    """Give what a key is kept as: its SHA-256, in hex. A random key of that length cannot be guessed from it."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def hash_password(password: str) -> str:
    """Give what a password is kept as, with its salt and parameters. Raises TooManyTriesError."""
    with _turn():
        return _HASHER.hash(password)


def is_password(kept: str | None, password: str) -> bool:
    """Tell whether this is the password that is kept so; None takes as long and is none. Raises TooManyTriesError."""
    with _turn():
        try:
            return _HASHER.verify(kept or _NOBODY, password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Tell whether a password is kept with other parameters than those of today."""
    return _HASHER.check_needs_rehash(kept)


@contextmanager
def _turn() -> Generator[None]:
    if not _AT_ONCE.acquire(timeout=_WAIT_SECONDS):
        raise TooManyTriesError(
            "Too many want to log in at this moment.", wait_seconds=_WAIT_SECONDS, hint="Try again in a moment."
        )
    try:
        yield
    finally:
        _AT_ONCE.release()

"""Tokens: minted for a user of one foundation, and read back. Never decides what a user may do.

They have the form of UAA's own, so that clients which look inside find what they expect: a JWT with the user's name,
scopes and expiry [cloudfoundry/uaa, docs/UAA-Tokens.md]. Times in them are those of the foundation's clock.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any

import msgspec

from mockfoundry.cloudfoundry.clock import LATEST, SECOND
from mockfoundry.cloudfoundry.entities import User

FOUNDATION = "mock_foundation"
"""The claim that names the foundation, which UAA's tokens don't have."""

LIFETIME = 10 * 365 * 24 * 3600 * SECOND
"""How long a token holds where nobody says otherwise, so that no test meets its end unasked."""

LONGEST_TOKEN = 4_096

_ALGORITHM = "HS256"
_CLIENT = "cf"


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """What mockfoundry reads of a token.

    Attributes:
        foundation: its name.
        user: the user's name.
        expires: virtual microseconds.
    """

    foundation: str
    user: Annotated[str, msgspec.Meta(pattern="^[^\ud800-\udfff]*$")]
    expires: Annotated[int, msgspec.Meta(ge=0, le=LATEST)]


def key_of(random_seed: int) -> bytes:
    """The key that a server's tokens are signed with; it follows from the random seed, as everything does."""
    return blake2b(f"tokens\0{random_seed}".encode(), digest_size=32).digest()


def minted(key: bytes, foundation: str, user: User, now: int, expires: int, number: int) -> str:
    """A token for a user.

    Args:
        foundation: its name.
        now, expires: virtual microseconds; the token says whole seconds, so its end is rounded up.
        number: tells tokens of one user and moment apart.
    """
    # Few servers are ever asked for one, and a start should be short.
    import jwt

    end = -(-expires // SECOND)
    claims: dict[str, Any] = {
        "jti": blake2b(f"{foundation}\0{user.guid}\0{now}\0{number}".encode(), digest_size=16).hexdigest(),
        "sub": user.guid,
        "scope": sorted(user.scopes),
        "client_id": _CLIENT,
        "cid": _CLIENT,
        "azp": _CLIENT,
        "grant_type": "password",
        "user_id": user.guid,
        "origin": "uaa",
        "user_name": user.name,
        "email": user.name,
        "auth_time": now // SECOND,
        "iat": now // SECOND,
        "exp": end,
        "iss": "http://uaa.mockfoundry/oauth/token",
        "zid": "uaa",
        "aud": ["cloud_controller", _CLIENT],
        FOUNDATION: foundation,
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def claims_of(key: bytes, token: str) -> Claims | None:
    """What a token says; None where it was not minted with that key. Whether it has expired is not looked at."""
    # Whatever is read is remembered, so what no server here has minted is not even read.
    return read_claims(key, token) if len(token) <= LONGEST_TOKEN and token.count(".") == 2 else None


@lru_cache(maxsize=4096)
def read_claims(key: bytes, token: str) -> Claims | None:
    import jwt

    # Time is the foundation's, so the library's own look at the machine's clock is switched off.
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
    try:
        claims = jwt.decode(token, key, algorithms=[_ALGORITHM], options=options)
        return msgspec.convert((claims[FOUNDATION], claims["user_name"], claims["exp"] * SECOND), Claims)
    except (jwt.PyJWTError, msgspec.ValidationError, KeyError, TypeError, ValueError):
        return None

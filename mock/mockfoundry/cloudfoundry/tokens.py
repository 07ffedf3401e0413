"""Tokens: signed for a user of one foundation, and read again. Never decides what a token allows.

They have the form of UAA's own, so that clients which look inside find what they expect: a JWT, RS256 with `kid`, with
the user's name, scopes and expiry [cloudfoundry/uaa, UaaTokenServices.java, HeaderParameters.java]. Times in them are
those of the foundation's clock.
"""

from base64 import urlsafe_b64decode
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple

import msgspec

from mockfoundry.cloudfoundry.clock import LATEST_MOMENT, SECOND
from mockfoundry.cloudfoundry.model import User
from mockfoundry.cloudfoundry.signing_keys import SigningKey

FOUNDATION_CLAIM, ISSUER_CLAIM = "mock_foundation", "mock_issuer"
"""The claims that name the foundation and its issuer; UAA's tokens do not have them."""

TOKEN_LIFETIME = 10 * 365 * 24 * 3600 * SECOND
"""How long a token is valid by default: so long that no test sees it expire without asking for that."""

MAX_REMEMBERED_TOKEN_LENGTH = 4_096
"""Longer tokens and headers are read each time: the caches would keep too much."""

MAX_TOKEN_LENGTH = 32 * 1024
"""No token that is minted here is longer: the name of a user has at most 255 characters."""

_ALGORITHM = "RS256"
_CLIENT = "cf"


class TokenHeader(msgspec.Struct, frozen=True):
    """What is read of a token before anything is verified: the name of its key."""

    kid: str


class TokenClaims(msgspec.Struct, frozen=True):
    """The claims of a token that mockfoundry reads.

    Attributes:
        foundation: its name.
        issuer: of the foundation that minted it; a foundation made anew under the same name has another one.
        user: the user's name.
        end: the second at which it expires, on the foundation's clock.
    """

    foundation: Annotated[str, msgspec.Meta(max_length=64)] = msgspec.field(name=FOUNDATION_CLAIM)
    issuer: str = msgspec.field(name=ISSUER_CLAIM)
    user: Annotated[str, msgspec.Meta(pattern="^[^\ud800-\udfff]*$")] = msgspec.field(name="user_name")
    end: Annotated[int, msgspec.Meta(ge=0, le=LATEST_MOMENT // SECOND)] = msgspec.field(name="exp")

    @property
    def expires(self) -> int:
        """Virtual microseconds."""
        return self.end * SECOND


class TokenReading(NamedTuple):
    """What a bearer token turns out to be.

    Attributes:
        names_key: whether it says that it was signed with the server's key.
        claims: None where it was not, or lacks what a token of ours has.
    """

    names_key: bool
    claims: TokenClaims | None


NO_TOKEN = TokenReading(False, None)

_decode_header = msgspec.json.Decoder(TokenHeader).decode
_decode_claims = msgspec.json.Decoder(TokenClaims).decode


def derive_issuer(name: str, number: int, real_time: int) -> str:
    """The issuer of a foundation's tokens: no other foundation, also of another server, has the same.

    Args:
        number: of foundations that the server has made.
        real_time: microseconds of the machine's clock when it was made.
    """
    return blake2b(f"issuer\0{name}\0{number}\0{real_time}".encode(), digest_size=16).hexdigest()


def sign_token(key: SigningKey, foundation: str, issuer: str, user: User, now: int, expires: int, number: int) -> str:
    """A signed token for a user.

    Args:
        foundation: its name.
        now, expires: virtual microseconds; a token has whole seconds, so its end is rounded up.
        number: distinguishes tokens that one user gets at the same moment.
    """
    # Imported late: few servers ever sign a token, and a start should be short.
    import jwt

    pair = key.load()
    claims: dict[str, Any] = {
        "jti": blake2b(f"{foundation}\0{issuer}\0{user.guid}\0{now}\0{number}".encode(), digest_size=16).hexdigest(),
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
        "exp": -(-expires // SECOND),
        "iss": "http://uaa.mockfoundry/oauth/token",
        "zid": "uaa",
        "aud": ["cloud_controller", _CLIENT],
        FOUNDATION_CLAIM: foundation,
        ISSUER_CLAIM: issuer,
    }
    return jwt.encode(claims, pair.private, algorithm=_ALGORITHM, headers={"kid": pair.name})


def claims_from_token(key: SigningKey, token: str) -> TokenClaims | None:
    """The claims of a token, expired or not; None where it was not signed with that key."""
    return read_token(key, token).claims


def read_token(key: SigningKey, token: str) -> TokenReading:
    """What a bearer token is; what can't be a token of ours is not verified, so that nothing is imported for it."""
    if token.count(".") != 2 or len(token) > MAX_TOKEN_LENGTH:
        return NO_TOKEN
    if len(token) > MAX_REMEMBERED_TOKEN_LENGTH:
        return verify_token.__wrapped__(key, token)
    return verify_token(key, token)


@lru_cache(maxsize=4096)
def verify_token(key: SigningKey, token: str) -> TokenReading:
    name = key.name
    header = read_token_header(token)
    if header is None or not name or header.kid != name:
        return NO_TOKEN
    import jwt

    try:
        # The header may name any algorithm; only RS256 is taken, so a public key is never used as a secret.
        content = jwt.PyJWS(algorithms=[_ALGORITHM]).decode(token, key.load().public, algorithms=[_ALGORITHM])
        # Time is the foundation's, so the library does not look at the claims.
        return TokenReading(True, _decode_claims(content))
    except (jwt.PyJWTError, msgspec.DecodeError, ValueError, TypeError):
        return TokenReading(True, None)


def read_token_header(token: str) -> TokenHeader | None:
    """The first part of a token; None where it is not a JWT's."""
    part = token.partition(".")[0]
    try:
        return _decode_header(urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4)))
    except (msgspec.DecodeError, ValueError):
        return None

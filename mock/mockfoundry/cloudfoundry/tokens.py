"""Tokens: claims signed for one foundation, and read again. Never decides what a token holds or allows.

They have the form of UAA's own, so that clients which look inside find what they expect: a JWT, RS256 with `kid`
[cloudfoundry/uaa, oauth/jwt/HeaderParameters.java]. Times in them are those of the foundation's clock. What they say is
made in the uaa room.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple

import msgspec

from mockfoundry.cloudfoundry.clock import LATEST_MOMENT, SECOND
from mockfoundry.cloudfoundry.signing_keys import SigningKey

FOUNDATION_CLAIM, ISSUER_CLAIM = "mock_foundation", "mock_issuer"
"""The claims that name the foundation and its issuer; UAA's tokens do not have them."""

TOKEN_LIFETIME = 10 * 365 * 24 * 3600 * SECOND
"""How long a token is valid by default: so long that no test sees it expire without asking for that."""

MAX_REMEMBERED_TOKEN_LENGTH = 4_096
"""Longer tokens and headers are read each time: the caches would keep too much."""

MAX_TOKEN_LENGTH = 32 * 1024
"""Longer ones are no tokens: no request could send one in its head."""

_ALGORITHM = "RS256"


class TokenHeader(msgspec.Struct, frozen=True):
    """What is read of a token before anything is verified: the name of its key."""

    kid: str


Text = Annotated[str, msgspec.Meta(pattern="^[^\ud800-\udfff]*$")]
"""Text that can be encoded: JSON may name halves of characters."""


class TokenClaims(msgspec.Struct, frozen=True):
    """The claims of a token that mockfoundry reads.

    Attributes:
        foundation: its name.
        issuer: of the foundation that minted it; a foundation made anew under the same name has another one.
        end: the second at which it expires, on the foundation's clock.
        user: the user's name; empty in a token that a client has for itself.
        client: the id of the client that got it.
        number: tells tokens apart; that of a refresh token ends in `-r`.
        scopes: what it allows; None where that is whatever its user may do.
        granted_scopes: of a refresh token: the most that a token has which is got with it.
        audience: whom it is for.
        grant: how it was got.
        since: the second at which its user logged in.
        owner: the guid of the user, or the id of the client.
        signature: of the user's password and the client's secret; with others it does not count any more.
    """

    foundation: Annotated[str, msgspec.Meta(max_length=64)] = msgspec.field(name=FOUNDATION_CLAIM)
    issuer: str = msgspec.field(name=ISSUER_CLAIM)
    end: Annotated[int, msgspec.Meta(ge=0, le=LATEST_MOMENT // SECOND)] = msgspec.field(name="exp")
    user: Text = msgspec.field(name="user_name", default="")
    client: Text = msgspec.field(name="client_id", default="")
    number: Text = msgspec.field(name="jti", default="")
    scopes: frozenset[Text] | None = msgspec.field(name="scope", default=None)
    granted_scopes: frozenset[Text] = frozenset()
    audience: tuple[Text, ...] = msgspec.field(name="aud", default=())
    grant: Text = msgspec.field(name="grant_type", default="")
    since: int = msgspec.field(name="auth_time", default=0)
    signature: Text = msgspec.field(name="rev_sig", default="")
    owner: Text = msgspec.field(name="sub", default="")

    @property
    def is_refresh(self) -> bool:
        """Whether it is a refresh token."""
        return self.number.endswith("-r")

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


def derive_shared_issuer(name: str) -> str:
    """The issuer of a foundation's tokens where every one of several servers mints them."""
    return blake2b(f"issuer\0{name}".encode(), digest_size=16).hexdigest()


def sign_claims(key: SigningKey, claims: Mapping[str, Any], key_address: str) -> str:
    """A signed token with these claims.

    Args:
        key_address: where the public part of the key is shown.
    """
    # Imported late: few servers ever sign a token, and a start should be short.
    import jwt

    pair = key.load()
    headers = {"kid": pair.name, "jku": key_address}
    return jwt.encode(dict(claims), pair.private, algorithm=_ALGORITHM, headers=headers)


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
    except (jwt.PyJWTError, msgspec.DecodeError, ValueError, TypeError, RecursionError):
        return TokenReading(True, None)


def read_token_header(token: str) -> TokenHeader | None:
    """The first part of a token; None where it is not a JWT's."""
    try:
        return _decode_header(decode_segment(token.partition(".")[0]))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def decode_payload(token: str) -> dict[str, Any]:
    """All claims of a token that was verified before."""
    claims: dict[str, Any] = msgspec.json.decode(decode_segment(token.split(".")[1]))
    return claims


def decode_segment(text: str) -> bytes:
    """What is in a part of a token between two dots; raises ValueError where it is not base64url of ASCII."""
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))

"""Signing keys: the RSA key that a server's tokens are signed with. Never signs a token, never decides whose counts.

There are three: one that is shipped, which everybody knows; one that is made at random; one that the user gives. A key
is read or made when something is first signed or verified, and so is cryptography imported: few servers ever do, and a
start should be short. A new key takes 50 to 200 ms, so it is made in the worker room.
"""

import errno
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from mockfoundry.documents.files import PEM_MARK
from mockfoundry.documents.problems import DocumentError, Problem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

THROW_AWAY_KEY_FILE = Path(__file__).with_name("throw_away_test_key.pem")
THROW_AWAY_KEY_ID = "mockfoundry-throw-away-test-key"

RANDOM_KEY_BITS = 2048
LEAST_KEY_BITS, MOST_KEY_BITS = 2048, 8192
"""RS256 wants the first at least [RFC 7518, 3.3]; with a key beyond the second a signature takes too long."""

MAX_KEY_FILE_BYTES = 64 * 1024
KEY_ADVICE = "make one with `openssl genrsa -out key.pem 2048`"


class KeyPair(NamedTuple):
    """A key that is there: its private part signs, its public part verifies.

    Attributes:
        name: the `kid` of the tokens that it signs.
    """

    private: "RSAPrivateKey"
    public: "RSAPublicKey"
    name: str


class SigningKey:
    """A key that is read or made when it is first needed, by whichever thread needs it first.

    Args:
        load: gives the private key.
        name: its `kid`, where that is known before; else it follows from the public part.
    """

    def __init__(self, load: "Callable[[], RSAPrivateKey]", name: str = "") -> None:
        self._load = load
        self._lock = Lock()
        self._name = name
        self._pair: KeyPair | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether nothing more has to be imported, read or made."""
        return self._pair is not None

    @property
    def name(self) -> str:
        """The `kid` of its tokens; empty as long as there is no key, so that no token can be signed with it."""
        return self._name if self._pair is None else self._pair.name

    def load(self) -> KeyPair:
        """The key; the first call takes long."""
        with self._lock:
            if self._pair is None:
                # Imported with the first key, so that signing and verifying find it there.
                import jwt  # noqa: F401

                private = self._load()
                public = private.public_key()
                self._pair = KeyPair(private, public, self._name or name_key(public))
            return self._pair


def name_key(public: "RSAPublicKey") -> str:
    """The `kid` of a key: it follows from the public part, so that no two keys have the same."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()[:32]


def choose_signing_key(given: str | None, *, strict: bool) -> SigningKey:
    """The key of a server: the one that is given, else the shipped one, or a random one where tokens have to be proof.

    Args:
        given: a PEM file's path, or its text; None for none.

    Raises:
        DocumentError: what is given is no key that can be used.
    """
    if given is not None:
        private = read_given_key(given)
        key = SigningKey(lambda: private)
        key.load()
        return key
    return SigningKey(make_random_key) if strict else SigningKey(read_throw_away_key, THROW_AWAY_KEY_ID)


def make_random_key() -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    return generate_private_key(public_exponent=65_537, key_size=RANDOM_KEY_BITS)


def read_throw_away_key() -> "RSAPrivateKey":
    return parse_private_key(THROW_AWAY_KEY_FILE.read_bytes(), THROW_AWAY_KEY_FILE.name)


def read_given_key(given: str) -> "RSAPrivateKey":
    """The key of a PEM file, or of a PEM file's text.

    Raises:
        DocumentError: it can't be read, or is no key that can be used; the text never shows what is in it.
    """
    if PEM_MARK in given:
        return parse_private_key(given.encode("utf-8", "replace"), "in --signing-key")
    if "\n" in given or "\0" in given or not given:
        # A key in another form; it must not be shown, as a path would be.
        raise key_problem("in --signing-key", "this is neither a path nor the text of a PEM file")
    try:
        with Path(given).open("rb") as file:
            content = file.read(MAX_KEY_FILE_BYTES + 1)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise key_problem("in --signing-key", "this is neither a path nor the text of a PEM file") from None
        raise key_problem(given, f"can't be read: {error.strerror or error}") from None
    if len(content) > MAX_KEY_FILE_BYTES:
        raise key_problem(given, f"is larger than {MAX_KEY_FILE_BYTES} bytes, as no key is")
    return parse_private_key(content, given)


def parse_private_key(pem: bytes, source: str) -> "RSAPrivateKey":
    """The RSA key in a PEM file.

    Args:
        source: the file's path, or what it is.

    Raises:
        DocumentError: there is none that can be used.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise key_problem(
            source, "the key has a passphrase; openssl rsa -in KEY -out PLAIN takes it off, or give one without"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise key_problem(source, "there is no private key in the PEM form") from None
    if not isinstance(key, RSAPrivateKey):
        raise key_problem(source, "the key is not an RSA key, and tokens are RS256")
    if not LEAST_KEY_BITS <= key.key_size <= MOST_KEY_BITS:
        raise key_problem(source, f"the key has {key.key_size} bits; {LEAST_KEY_BITS} to {MOST_KEY_BITS} are allowed")
    return key


def key_problem(source: str, text: str) -> DocumentError:
    return DocumentError([Problem(f"signing key {source}", 0, 0, f"{text}; {KEY_ADVICE}")])

"""Names of secrets: which headers, fields and parameters hold what nobody may read. Never looks at a value.

A name is judged by its words, however they are joined: `X-Api-Key`, `apiKey`, `api_key` and `apikey` are one.
"""

import re
from functools import lru_cache
from urllib.parse import unquote_plus

_ROOTS = (
    *("password", "passwd", "passphrase", "passcode", "secret", "token", "jwt", "cookie", "credential", "assertion"),
    *("authorization", "signature", "apikey", "accesskey", "privatekey", "sessionid", "sessid", "samlresponse"),
)
"""What makes a secret's name wherever it stands in it."""

_WORDS = frozenset(
    ("pwd", "auth", "sig", "hmac", "otp", "totp", "pin", "session", "sid", "dpop", "sas", "bearer", "verifier", "csrf")
)
"""What makes a secret's name as a word of its own."""

_KEYS = frozenset(
    (
        *("api", "access", "private", "secret", "subscription", "functions", "function", "rapidapi", "auth", "master"),
        *("account", "signing", "encryption", "shared", "host", "admin", "service", "client", "app", "session"),
    )
)
"""What makes a secret of a key: `api` of `X-Api-Key`. A key of another kind is none: `Idempotency-Key`."""

_NOT_SECRET = frozenset(
    (
        *("tokentype", "tokenendpoint", "tokenformat", "tokenurl", "tokenlifetime", "maxtokens", "authtype"),
        *("authmethod", "passwordgrant", "sessioncount", "cookieconsent", "xforwardedclientcert", "signaturemethod"),
        # A process tells by these which credential its droplet is pulled with: its guid.
        *("registrycredential", "registrycredentiallastsyncedat"),
    )
)

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether what a header, a field or a parameter of this name holds is a secret."""
    words = [word.lower() for word in _WORD.findall(unquote_plus(name))]
    joined = "".join(words)
    if joined in _NOT_SECRET:
        return False
    if any(root in joined for root in _ROOTS) or not _WORDS.isdisjoint(words):
        return True
    return any(word == "key" and words[index - 1] in _KEYS for index, word in enumerate(words) if index)


def is_secret_field(name: str) -> bool:
    """The same of a field of a body, where `code` is the code of a login as well."""
    return name.lower() == "code" or is_secret_name(name)


def is_secret_parameter(name: str) -> bool:
    """The same of a parameter of a URL, where `code` is the code of a login, and `key` the caller's key."""
    return unquote_plus(name).lower() in ("code", "key") or is_secret_name(name)

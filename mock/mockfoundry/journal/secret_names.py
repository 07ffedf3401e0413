"""Names of secrets: which headers, fields and parameters hold what nobody may read. Never hides a value.

A name is judged by its words, however they are joined: `X-Api-Key`, `apiKey`, `api_key` and `apikey` are one.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import unquote_plus

_ROOTS = (
    *("password", "passwd", "passphrase", "passcode", "secret", "token", "jwt", "cookie", "credential", "assertion"),
    *(
        "authorization",
        "signature",
        "apikey",
        "accesskey",
        "authkey",
        "privatekey",
        "sessionid",
        "sessid",
        "samlresponse",
    ),
    *("connectionstring", "connstring", "connstr"),
)
"""What makes a secret's name wherever it stands in it."""

_WORDS = frozenset(
    (
        *("pwd", "pw", "auth", "authentication", "creds", "cred", "mfa", "tfa", "sig", "hmac", "otp", "totp", "pin"),
        *("session", "sid", "dpop", "sas", "bearer", "verifier", "csrf", "dsn"),
    )
)
"""What makes a secret's name as a word of its own."""

_KEYS = frozenset(
    (
        *("api", "access", "private", "secret", "subscription", "functions", "function", "rapidapi", "auth", "master"),
        *("account", "signing", "encryption", "shared", "host", "admin", "service", "client", "app", "session"),
        *("license", "licence", "tls", "ssl", "ssh", "rsa", "pgp", "gpg", "decryption", "deploy", "server", "write"),
        *("primary", "secondary", "storage", "consumer", "integration", "instrumentation"),
    )
)
"""What makes a secret of a key: `api` of `X-Api-Key`. A key of another kind is none: `Idempotency-Key`."""

_CODES = frozenset(
    (
        *("mfa", "verification", "login", "access", "security", "recovery", "backup", "authorization", "device"),
        *("invite", "user"),
    )
)
"""What makes a secret of a code: `recovery` of `recovery_code`."""

_WORDS_WITH_PASS = frozenset(("bypass", "compass", "encompass", "overpass", "underpass", "surpass", "trespass"))
# Other words that end with `pass` are joined from two: `dbpass`.

_NOT_SECRET = frozenset(
    (
        *("tokentype", "tokenformat", "tokenurl", "tokenlifetime", "maxtokens", "authtype"),
        *("authmethod", "passwordgrant", "sessioncount", "cookieconsent", "xforwardedclientcert", "signaturemethod"),
        *("authenticationmethod", "authenticationtype", "authenticationscheme"),
        # A process tells by these which credential its droplet is pulled with: its guid.
        *("registrycredential", "registrycredentiallastsyncedat"),
    )
)

_ENDINGS = frozenset(("guid", "guids", "endpoint", "endpoints", "fingerprint", "modified", "at"))
"""Last words of names that tell of a secret, and hold none: `service_key_guid`, `passwordLastModified`."""

MAX_REMEMBERED_LENGTH = 160
"""Characters of a text whose answer is kept."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def is_secret_name(name: str) -> bool:
    """Whether what a header, a field or a parameter of this name holds is a secret."""
    return _judge_name(name) if len(name) > MAX_REMEMBERED_LENGTH else _judge_name_once(name)


def _judge_name(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(unquote_plus(name))]
    joined = "".join(words)
    if joined in _NOT_SECRET or (words and words[-1] in _ENDINGS):
        return False
    if any(root in joined for root in _ROOTS) or not _WORDS.isdisjoint(words):
        return True
    if any(word.endswith("auth") for word in words) or (words and is_word_for_password(words[-1])):
        return True
    pairs = list(pairwise(words))
    return any((word == "key" and kind in _KEYS) or (word == "code" and kind in _CODES) for kind, word in pairs)


def is_word_for_password(word: str) -> bool:
    """Whether a name's last word is `pass` or `pwd`, or ends so: a `pass_rate` is none."""
    return word.endswith("pwd") or (word.endswith("pass") and word not in _WORDS_WITH_PASS)


_judge_name_once = lru_cache(maxsize=4096)(_judge_name)


def is_secret_field(name: str) -> bool:
    """The same of a field of a body, where `code` is the code of a login as well."""
    return name.lower() == "code" or is_secret_name(name)


_PARAMETERS = frozenset(("code", "key", "ticket", "code_challenge"))
_DRAWN_PARAMETERS = frozenset(("state", "nonce", "relaystate"))
_WORDS_OR_ADDRESS = re.compile(r"[A-Za-z]{1,16}(?:[ _-][A-Za-z]{1,16})*|https?://.*", re.DOTALL)


def is_secret_parameter(name: str, value: str = "") -> bool:
    """The same of a parameter of a URL, where `code` and `ticket` are those of a login, and `key` the caller's key.

    Args:
        value: tells whether a `state` is what a client drew for its log-in, or a word, or where it goes on after that.
    """
    lowered = unquote_plus(name).lower()
    is_drawn = lowered in _DRAWN_PARAMETERS and not _WORDS_OR_ADDRESS.fullmatch(unquote_plus(value))
    return is_drawn or lowered in _PARAMETERS or is_secret_name(name)


_PLAIN_PARAMETERS = re.compile(
    r"(?:.*[_-])?(?:names?|guids?|order(?:[_-]?by)?|sort(?:[_-]?by)?|include|fields)", re.IGNORECASE
)


def may_be_condition(name: str) -> bool:
    """Whether the value of a parameter may have names of its own: `q=name:value`, and not `order=name:desc`."""
    return not _PLAIN_PARAMETERS.fullmatch(unquote_plus(name))


def is_secret_setting(value: Mapping[str, Any]) -> bool:
    """Whether a mapping is a setting as lists have them, `{name: API_KEY, value: …}`, and a secret.

    A step of a JSON Patch names what it sets by `path` [RFC 6902, 4].
    """
    if "value" not in value:
        return False
    names = (value.get(each) for each in ("name", "key", "id", "type", "path"))
    return any(isinstance(name, str) and is_secret_name(name) for name in names)


_HINTS = (
    *("token", "secret", "pass", "pwd", "jwt", "cookie", "cred", "assertion", "auth", "key", "ticket", "curl"),
    *("state", "nonce", "conn", "dsn", "ghp_", "gho_", "ghs_", "glpat-", "xoxb", "xoxp", "akia", "hooks.slack"),
    *(
        "signature",
        "hmac",
        "sess",
        "saml",
        "dpop",
        "bearer",
        "basic",
        "csrf",
        "verifier",
        "code",
        "eyj",
        "@",
        "%",
        "\\u",
    ),
)
_SHORT_HINTS = ("sid", "pin", "sig", "otp", "sas", "pw", "mfa", "tfa")


def may_hold_secret(text: str) -> bool:
    """Whether it is worth looking for secrets in a text: it has a part of a name, or what a form or an escape has.

    Most texts end here, so this is quick: a search for one word costs a tenth of one for several, and short texts, as
    headers are, come again and again.
    """
    return _find_hint(text) if len(text) > MAX_REMEMBERED_LENGTH else _find_hint_once(text)


def _find_hint(text: str) -> bool:
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS) or any(
        hint in lowered and has_word_end(lowered, text, hint) for hint in _SHORT_HINTS
    )


_find_hint_once = lru_cache(maxsize=4096)(_find_hint)


def has_word_end(lowered: str, text: str, word: str) -> bool:
    """Whether a word ends somewhere in a text as it is: in `sid=`, in `sidValue`, not in `sidecars`."""
    at = lowered.find(word)
    while at >= 0:
        after = text[at + len(word) : at + len(word) + 1]
        if not after.islower():
            return True
        at = lowered.find(word, at + 1)
    return False

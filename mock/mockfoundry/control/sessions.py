"""Sessions of browsers that have the console open: a signed cookie, and the token of its pages. Never reads a page.

The cookie stands for the control token, which a browser then need not keep. A page's token shows that a call which
changes something comes from one of the console's own pages, and not from another one that the browser has open.
"""

import hmac
import secrets
from collections.abc import Mapping
from functools import cached_property
from hashlib import pbkdf2_hmac, sha256

from mockfoundry.control.context import ControlProblem

COOKIE_PREFIX = "mockfoundry_console"
PAGE_TOKEN_HEADER = b"x-mock-page-token"
KEY_ROUNDS = 50_000
"""How much work a key is: some hundredths of a second, once."""

READING_METHODS = frozenset({"GET", "HEAD"})


def name_cookie(host: str) -> str:
    """The name of the cookie: browsers give a cookie to every port of a host, so the port is in it."""
    port = host.rpartition(":")[2]
    return f"{COOKIE_PREFIX}_{port if port.isdecimal() else 'default'}"


class ConsoleSessions:
    """The sessions of a server, and of every shard of it: their key follows from the control token.

    Args:
        token: the control token; empty for none, where a session gives no more than anybody has.
    """

    def __init__(self, token: bytes) -> None:
        self._token = token

    @cached_property
    def _key(self) -> bytes:
        """Slow to compute, so that who has a cookie can't try tokens by it."""
        return pbkdf2_hmac("sha256", self._token, b"mockfoundry console", KEY_ROUNDS)

    def begin(self) -> str:
        """A new session's cookie."""
        nonce = secrets.token_urlsafe(24)
        return f"{nonce}.{self._sign('session', nonce)}"

    def find(self, headers: Mapping[bytes, bytes]) -> str:
        """The session whose cookie a request carries; empty where it carries none of this server."""
        wanted = name_cookie(headers.get(b"host", b"").decode("latin-1"))
        for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
            name, _, value = part.strip().partition("=")
            nonce, _, signature = value.partition(".")
            if name == wanted and is_equal(signature, self._sign("session", nonce)):
                return value
        return ""

    def page_token(self, session: str) -> str:
        """The token that pages of a session carry."""
        return self._sign("page", session)

    def must_come_from_page(self, session: str, headers: Mapping[bytes, bytes]) -> None:
        """Raises ControlProblem (403) where a call of a session does not carry the token of its pages."""
        given = headers.get(PAGE_TOKEN_HEADER, b"").decode("latin-1")
        if not is_equal(given, self.page_token(session)):
            raise ControlProblem(
                403,
                "wrong-page-token",
                "header X-Mock-Page-Token: is not that of the console's page, which a call with the console's cookie "
                "needs that changes something; open the page anew, or call without the cookie",
            )

    def _sign(self, what: str, text: str) -> str:
        return hmac.new(self._key, f"{what}\0{text}".encode("latin-1", "replace"), sha256).hexdigest()


def is_equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("latin-1", "replace"), wanted.encode("latin-1", "replace"))

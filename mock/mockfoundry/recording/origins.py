"""Origins: the hosts of a foundation, and where each of them is found behind the proxy. Never asks a host itself.

The API is at the proxy's root. UAA, the log-in and the others that the root document names are below `/_at/`, by their
names, so a client that follows links stays on the proxy. No other host can be reached.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

OTHER_ORIGIN = "/_at/"
"""What the path of a request to another host than the API's begins with."""

SERVER_TARGET = b"*"
"""The path of a request that asks a server as a whole: `OPTIONS *` [RFC 9112, 3.2.4]."""

MAX_ORIGINS = 32

MAX_NAMES = 64
"""By how many names of its own a proxy remembers what to replace."""

Replacements = tuple[tuple[bytes, bytes], ...]
"""What stands in place of what; longer texts first."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


def find_origin(url: str) -> str:
    """Scheme, host and port of an http URL, in lower case without a default port; empty where it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")


class Origins:
    """Which URL of the foundation is which URL of the proxy.

    The methods take the URL of the proxy as its client calls it, without a slash at its end.

    Args:
        upstream: the URL of the API, without a slash at its end; it may have a path.

    Attributes:
        names: the other origins, by what stands for them behind OTHER_ORIGIN.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.names: dict[str, str] = {}
        self._replacements: dict[str, Replacements] = {}

    def learn(self, root: Any) -> None:
        """Takes the hosts of a root document's links."""
        own = find_origin(self.upstream)
        for url in iterate_links(root):
            origin = find_origin(url)
            if origin and origin != own and origin not in self.names.values() and len(self.names) < MAX_ORIGINS:
                name = origin.partition("://")[2]
                # The same host by http and by https are two.
                self.names[name if name not in self.names else origin.replace("://", ".", 1)] = origin
        self._replacements.clear()

    def _find_replacements(self, proxy: str) -> "Replacements":
        """What is replaced in answers, as it stands in text, in JSON with escaped slashes, and in queries."""
        if proxy in self._replacements:
            return self._replacements[proxy]
        pairs = [(self.upstream, proxy)]
        pairs += [(origin, f"{proxy}{OTHER_ORIGIN}{name}") for name, origin in self.names.items()]
        found = {}
        for theirs, ours in pairs:
            found[theirs] = ours
            found[theirs.replace("/", "\\/")] = ours.replace("/", "\\/")
            found[quote(theirs, safe="")] = quote(ours, safe="")
        longest_first = sorted(found.items(), key=lambda pair: -len(pair[0]))
        if len(self._replacements) >= MAX_NAMES:
            self._replacements.clear()
        made = tuple((theirs.encode(), ours.encode()) for theirs, ours in longest_first)
        self._replacements[proxy] = made
        return made

    def find_url(self, path: str, query: str) -> str | None:
        """Where a request to the proxy goes; None where no host has that name.

        Args:
            path: percent-encoded, as it came.
        """
        base, rest = self.upstream, path
        if path.startswith(OTHER_ORIGIN):
            name, slash, inside = path.removeprefix(OTHER_ORIGIN).partition("/")
            if name not in self.names:
                return None
            base, rest = self.names[name], slash + inside
        between = "" if rest.startswith("/") or not rest else "/"
        return f"{base}{between}{rest}{'?' if query else ''}{query}"

    def to_proxy(self, text: str, proxy: str) -> str:
        """Text of an answer, with the proxy's URLs in place of the foundation's."""
        rewriting = self.begin_rewriting(proxy)
        return (rewriting.feed(text.encode()) + rewriting.end()).decode()

    def to_upstream(self, text: str, proxy: str) -> str:
        """Text of a request, with the foundation's URLs in place of the proxy's."""
        back = tuple((ours, theirs) for theirs, ours in self._find_replacements(proxy))
        rewriting = UrlRewriting(tuple(sorted(back, key=lambda pair: -len(pair[0]))))
        return (rewriting.feed(text.encode("utf-8", "surrogateescape")) + rewriting.end()).decode("utf-8", "replace")

    def begin_rewriting(self, proxy: str) -> "UrlRewriting":
        """A rewriting of a body that comes in parts."""
        return UrlRewriting(self._find_replacements(proxy))


_URL_END = rb"(?![A-Za-z0-9.:-])"
# A host's name goes on with these: api.example.org is not the beginning of api.example.org.evil.


class UrlRewriting:
    """Replaces URLs in text that comes in parts, wherever it is cut."""

    def __init__(self, replacements: Replacements) -> None:
        self._table: Mapping[bytes, bytes] = dict(replacements)
        found = b"|".join(re.escape(each) for each, _ in replacements)
        self._pattern = re.compile(b"(?:" + found + b")" + _URL_END)
        # One sign more than the longest: what follows a host decides whether it is that host.
        self._longest = max(len(each) for each, _ in replacements)
        self._kept = b""

    def feed(self, part: bytes) -> bytes:
        """What can be sent of the text so far."""
        text = self._kept + part
        end = max(len(text) - self._longest, 0)
        sent: list[bytes] = []
        done = 0
        for found in self._pattern.finditer(text):
            if found.end() >= len(text):
                # What follows is not there yet.
                end = min(end, found.start())
                break
            sent += (text[done : found.start()], self._table[found[0]])
            done = found.end()
        end = max(end, done)
        sent.append(text[done:end])
        self._kept = text[end:]
        return b"".join(sent)

    def end(self) -> bytes:
        """The rest."""
        text, self._kept = self._kept, b""
        return self._pattern.sub(lambda found: self._table[found[0]], text)


def iterate_links(root: Any) -> Iterator[str]:
    """The links of a root document; none of what has another form."""
    match root:
        case {"links": dict(links)}:
            for each in links.values():
                match each:
                    case {"href": str(href)}:
                        yield href

"""Hosts: by which names the control API may be called, so that no web page drives it. Never looks at a token.

A browser sends a page's requests wherever the page asks for, and names in `Host` what the page named, in `Origin` where
the page came from. A page whose own name was made to lead to this server (DNS rebinding) is of the same origin for the
browser. So a control call has to name an address, or a name that nobody on the internet can own; and the page that
sends it has to come from there. The Cloud Controller's API under any other path takes every host.
"""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache

from mockfoundry.control.context import ControlProblem
from mockfoundry.documents.quoting import quote_line

LOCAL_ENDINGS = (".localhost", ".internal", ".local", ".svc")
"""Ends of names that no public name server answers for [RFC 6761, RFC 6762, ICANN on .internal], and Kubernetes' own.
`mock.ns.svc.cluster.local` ends with one, too."""

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_AUTHORITY = re.compile(r"(?P<host>\[[^\]\s]*\]|[^:\[\]\s]*)(?::(?P<port>[0-9]{1,5}))?")
MAX_PORT = 65_535
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def must_come_from_here(headers: Mapping[bytes, bytes], allowed: tuple[str, ...]) -> None:
    """Raises ControlProblem where a call may come from a strange web page: 421 for its Host, 403 for its Origin.

    A call without a Host comes from no browser.

    Args:
        headers: as they were sent: what a proxy says of the host does not count.
        allowed: names besides those that are always allowed; `*.example.org` is every name below one.
    """
    host = headers.get(b"host", b"").decode("latin-1").strip()
    if host and not is_allowed_host(host, allowed):
        name = quote_line(split_authority(host)[0][:200])
        raise ControlProblem(
            421,
            "strange-host",
            f"header Host: {quote_line(host[:200])!r} is not a name the control API answers to (a web page could point "
            "such a name here); allowed are IP addresses, single words, and names that end in "
            f"{', '.join(LOCAL_ENDINGS)}; call it by one of these, or start the server with --allow-host {name}",
        )
    if headers.get(b"sec-fetch-site") == b"cross-site" and headers.get(b"sec-fetch-mode") != b"navigate":
        # A picture or a script of a page has no Origin. What it gets can't be read, but it could be a stream.
        raise ControlProblem(
            403,
            "strange-origin",
            "header Sec-Fetch-Site: cross-site: a page of another site may not call the control API: call it from a "
            "program, or open it",
        )
    origin = headers.get(b"origin")
    if origin is not None and not is_same_authority(origin.decode("latin-1").strip(), host):
        raise ControlProblem(
            403,
            "strange-origin",
            f"header Origin: {quote_line(origin.decode('latin-1')[:200])!r} is not the same origin as "
            f"{quote_line(host[:200])!r}; a page of another origin may not call the control API: call it from a "
            "program, which sends no Origin",
        )


@lru_cache(maxsize=256)
def is_allowed_host(host: str, allowed: tuple[str, ...]) -> bool:
    """Whether the control API may be called by a host: an address, a name of one word, a local name, an allowed one.

    It is asked of each call; a server is called by few hosts.
    """
    name, _ = split_authority(host)
    if not name or is_address(name):
        return bool(name)
    if _NAME.fullmatch(name) is None:
        return False
    return "." not in name or name.endswith(LOCAL_ENDINGS) or any(names_host(each, name) for each in allowed)


def names_host(pattern: str, name: str) -> bool:
    """Whether `--allow-host` names a host: as it is, or with `*.` every name below one."""
    wanted = pattern.lower()
    return name.endswith(wanted[1:]) if wanted.startswith("*.") else name == wanted


def split_authority(authority: str) -> tuple[str, str]:
    """Name and port, the name in lower case without a dot at its end; two empty texts where it is no authority."""
    found = _AUTHORITY.fullmatch(authority)
    return (
        ("", "")
        if found is None or int(found["port"] or 0) > MAX_PORT
        else (found["host"].lower().removesuffix("."), found["port"] or "")
    )


def is_address(name: str) -> bool:
    """Whether a name is an IP address, one of version 6 in brackets."""
    try:
        ipaddress.IPv6Address(name[1:-1]) if name.startswith("[") else ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def is_same_authority(origin: str, host: str) -> bool:
    """Whether an origin is the place that was called; `null`, a page without a place, never is."""
    scheme, separator, authority = origin.lower().partition("://")
    if not separator or scheme not in _DEFAULT_PORTS:
        return False
    default = _DEFAULT_PORTS[scheme]
    name, port = split_authority(authority)
    host_name, host_port = split_authority(host)
    return bool(name) and (name, port or default) == (host_name, host_port or default)

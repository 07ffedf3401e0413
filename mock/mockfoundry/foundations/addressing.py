"""Addressing: which foundation a request is for, by path, header or host. Never makes one."""

from functools import lru_cache

import msgspec

from mockfoundry.foundations.registry import DEFAULT_FOUNDATION

PATH_PREFIX = "/foundations/"
HOST_SUFFIX = ".localhost"


class Address(msgspec.Struct, frozen=True, gc=False):
    """Where a request goes.

    Attributes:
        name: of the foundation.
        path: without the foundation's prefix.
        prefix: what links need before the path; empty unless the request came by path.
        named: whether the request named the foundation, by path, header or host.
    """

    name: str
    path: str
    prefix: str = ""
    named: bool = True


def parse_address(path: str, header: bytes | None, host: bytes) -> Address:
    """The foundation named by the path's prefix, else by the header, else by the host, else the default one.

    Args:
        header: the value of `X-Mock-Foundation`.
        host: what the request was sent to, empty where that is not known.
    """
    if path.startswith(PATH_PREFIX):
        name, slash, rest = path[len(PATH_PREFIX) :].partition("/")
        return Address(name, slash + rest or "/", PATH_PREFIX + name)
    if header:
        return Address(header.decode("latin-1"), path)
    name = find_name_in_host(host)
    return Address(name, path) if name else Address(DEFAULT_FOUNDATION, path, named=False)


@lru_cache(maxsize=256)
def find_name_in_host(host: bytes) -> str:
    """The foundation that a host names, empty where it names none. A server is asked by few hosts."""
    name, suffix, port = host.decode("latin-1").lower().partition(HOST_SUFFIX)
    return name if suffix and (not port or port[0] == ":") else ""

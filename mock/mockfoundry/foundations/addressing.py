"""Addressing: which foundation a request is for, by path, header or host. Never makes one."""

import msgspec

from mockfoundry.foundations.registry import DEFAULT_FOUNDATION

PATH_PREFIX = "/foundations/"
HOST_SUFFIX = b".localhost"


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
    if HOST_SUFFIX in host.lower():
        name, _, port = host.decode("latin-1").lower().partition(HOST_SUFFIX.decode())
        if name and (not port or port[0] == ":"):
            return Address(name, path)
    return Address(DEFAULT_FOUNDATION, path, named=False)

"""Values of options: the duration, store, share, URL or host that a text stands for. Never knows whose value it is."""

import re
from functools import partial

MOST_SHARDS = 50
"""How many servers may have a share each; of more, some would have twice as many foundations as others."""


def parse_positive_duration(text: str, *, of_zero: str) -> int:
    """The microseconds of a duration that is not 0.

    Args:
        of_zero: what is said of 0, with the mend.

    Raises:
        ValueError: it is not a duration, or 0.
    """
    from mockfoundry.documents.times import parse_duration

    try:
        microseconds = parse_duration(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a duration; {error}") from None
    if microseconds == 0:
        raise ValueError(f"{text!r} {of_zero}")
    return microseconds


parse_idle_duration = partial(
    parse_positive_duration, of_zero="would take away every foundation that another one is made beside; take 1m"
)
parse_time_limit = partial(parse_positive_duration, of_zero="would leave no time for any request; take 15s")
parse_store_interval = partial(parse_positive_duration, of_zero="would save all the time; take 30s")

REDIS_SCHEMES = ("redis", "rediss", "unix")


def parse_store_address(text: str) -> str:
    """Where foundations are kept: a folder, or a Redis.

    Raises:
        ValueError: it is neither; what was given is not repeated, since it may hold a password.
    """
    scheme, colon, rest = text.partition(":")
    if (scheme == "file" and rest) or (colon and scheme in REDIS_SCHEMES and rest.startswith("//")):
        return text
    raise ValueError("is no store; write it as file:DIR, or as redis://HOST:6379/0")


def parse_shard(text: str) -> tuple[int, int]:
    """The index and the count of `2/4`: the third of four.

    Raises:
        ValueError: it is no such pair.
    """
    found = re.fullmatch(r"([0-9]{1,3})/([0-9]{1,3})", text)
    index, count = (-1, 0) if found is None else (int(found[1]), int(found[2]))
    if not 0 <= index < count <= MOST_SHARDS:
        raise ValueError(
            f"{text!r} is no share of a server; write its number, counted from 0, and how many there are, at most "
            f"{MOST_SHARDS}: 0/4, 1/4, 2/4 or 3/4"
        )
    return index, count


HOST_PATTERN = r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])"
"""A name, or an address, one of version 6 in brackets."""


def parse_peer(text: str) -> str:
    """The URL of a shard, without a slash at its end.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(rf"https?://{HOST_PATTERN}(?::([0-9]{{1,5}}))?/?", text)
    if found is None or int(found[1] or 80) not in range(1, 65_536):
        raise ValueError(f"{text!r} is no URL of a server; write it as http://mock-0.mock:8080, without a path")
    return text.rstrip("/")


def parse_host_name(text: str) -> str:
    """A name by which the control API may be called; `*.example.org` is every name below one.

    Raises:
        ValueError: it is no name.
    """
    name = text.removeprefix("*.")
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", name):
        raise ValueError(
            f"{text!r} is no name of a host; write it as mock.example.org, without a port, or *.example.org"
        )
    return text

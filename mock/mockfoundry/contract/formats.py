"""Texts of the formats and patterns that schemas name, for made values. Each follows from the random numbers given."""

import re
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from random import Random
from uuid import UUID

WORDS = ("alder", "birch", "cedar", "elder", "hazel", "juniper", "larch", "maple", "rowan", "spruce", "willow", "yew")

MAX_PATTERN_TRIES = 8


def make_moment(random: Random) -> datetime:
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(5 * 365 * 86_400))


def make_address(random: Random) -> str:
    # A name that leads nowhere [RFC 2606], in case a client follows it.
    return f"https://{random.choice(WORDS)}.example.com/{random.choice(WORDS)}"


FORMATS: Mapping[str, Callable[[Random], str]] = {
    "date-time": lambda random: make_moment(random).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "date": lambda random: make_moment(random).strftime("%Y-%m-%d"),
    "time": lambda random: make_moment(random).strftime("%H:%M:%SZ"),
    "duration": lambda random: f"PT{random.randrange(1, 60)}M",
    "uuid": lambda random: str(UUID(int=random.getrandbits(128), version=4)),
    "email": lambda random: f"{random.choice(WORDS)}@example.com",
    "idn-email": lambda random: f"{random.choice(WORDS)}@example.com",
    "hostname": lambda random: f"{random.choice(WORDS)}.example.com",
    "idn-hostname": lambda random: f"{random.choice(WORDS)}.example.com",
    "ipv4": lambda random: str(IPv4Address("192.0.2.0") + random.randrange(1, 255)),
    "ipv6": lambda random: str(IPv6Address("2001:db8::") + random.randrange(1, 1 << 16)),
    "uri": make_address,
    "url": make_address,
    "iri": make_address,
    "uri-reference": lambda random: f"/{random.choice(WORDS)}",
    "iri-reference": lambda random: f"/{random.choice(WORDS)}",
    "uri-template": lambda random: make_address(random) + "{/name}",
    "byte": lambda random: b64encode(random.choice(WORDS).encode()).decode(),
    "json-pointer": lambda random: f"/{random.choice(WORDS)}",
    "relative-json-pointer": lambda random: f"0/{random.choice(WORDS)}",
    "regex": lambda random: f"^{random.choice(WORDS)}$",
}


def text_of_pattern(pattern: str, least: int, most: int, random: Random, spend: Callable[[int], None]) -> Iterator[str]:
    """Texts that a pattern may match, the shorter ones of what is drawn first; none where it can't be read.

    Args:
        least, most: signs that the text should have.
        spend: is told how many steps were taken.
    """
    from mockfoundry.contract.patterns import PatternTexts, TooLongError

    drawn = []
    spend(len(pattern) // 10)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
            for number in range(MAX_PATTERN_TRIES):
                texts = PatternTexts(random, REPEATS[number % len(REPEATS)])
                try:
                    drawn.append(texts.draw(pattern))
                except TooLongError:
                    pass
                finally:
                    spend(1 + texts.steps // 5)
    except (re.error, ValueError, KeyError, OverflowError, RecursionError):
        return
    yield from sorted(drawn, key=lambda text: (not least <= len(text) <= most, len(text), text))
    # A pattern that says nothing of the text's ends: more signs at them do no harm.
    for text in drawn[:3]:
        yield text.ljust(least, "x")


REPEATS = (100, 10, 3, 1)
"""How often a draw repeats at most what may be repeated without an end."""

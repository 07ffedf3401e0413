"""Texts that a pattern matches, drawn sign by sign and bounded. Never decides whether a text does match.

Apart from the formats, since rstr is needed only where a schema has a pattern.
"""

import string
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Any

from rstr import Rstr
from rstr.xeger import sre_parse  # type: ignore[attr-defined]

MAX_PATTERN_STEPS = 5_000
"""How many parts of a pattern one draw goes through."""


MAX_RANGE = 200
"""How many signs of a range are drawn from."""


class TooLongError(Exception):
    """A draw goes through too many parts."""


@lru_cache(maxsize=256)
def parse_pattern(pattern: str) -> Any:
    """A pattern's parts, as rstr goes through them."""
    return sre_parse.parse(pattern)


class PatternTexts(Rstr):
    """Draws texts, each from the random numbers alone.

    Attributes:
        steps: how many parts of the pattern were gone through.
    """

    def __init__(self, random: Random, most_repeats: int) -> None:
        super().__init__(random)
        self.most_repeats = most_repeats
        self.steps = 0

    def draw(self, pattern: str) -> str:
        return self._build_string(parse_pattern(pattern))

    def count(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MAX_PATTERN_STEPS:
            raise TooLongError

    def _handle_state(self, state: Any) -> Any:
        self.count(1)
        opcode, value = state
        if opcode.name == "RANGE":
            # It becomes a list of its signs.
            value = (value[0], min(value[1], value[0] + MAX_RANGE))
            return super()._handle_state((opcode, value))
        return super()._handle_state(state)

    def _handle_in(self, value: Any) -> Any:
        signs = [sign for each in value for sign in self._handle_state(each)]
        if signs[0] is False:
            # In an order that is the same in each process, which a set's is not.
            excluded = frozenset(signs[1:])
            signs = [sign for sign in string.printable if sign not in excluded]
        return self._random.choice(signs)

    def _handle_repeat(self, least: int, most: int, value: Sequence[Any]) -> str:
        times = self._random.randint(least, min(most, least + self.most_repeats))
        return "".join(self._handle_state(each) for _ in range(times) for each in value)

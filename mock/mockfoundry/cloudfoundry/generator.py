"""Random numbers and guids that follow from a seed. Never reads the operating system's randomness.

SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): one integer of state, so that
ten thousand foundations hold ten thousand integers.
"""

from functools import lru_cache
from hashlib import blake2b
from struct import Struct

import msgspec

_WORD_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15


class Generator(msgspec.Struct):
    """A stream of random numbers. It follows from `state` alone, so it can be copied, saved and read back."""

    state: int

    def next_word(self) -> int:
        """The next 64 bits."""
        self.state = state = (self.state + _STEP) & _WORD_MASK
        return mix_word(state)

    def next_fraction(self) -> float:
        """The next number in [0, 1)."""
        return (self.next_word() >> 11) * 2.0**-53


_VARIANT = "89ab" * 4


def mix_word(word: int) -> int:
    """64 bits in which each bit follows from all bits of `word`."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD_MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD_MASK
    return word ^ (word >> 31)


def mix_words(words: list[int]) -> tuple[int, ...]:
    """The same of several words, each below 2 to the power of 64, in fewer steps than one by one.

    They are mixed as one number, in which each has twice its room, so that no product reaches into the next one.
    """
    packer, mask = _words_as_one(len(words))
    word = int.from_bytes(packer.pack(*words), "little")
    word = ((word ^ (word >> 30)) & mask) * 0xBF58476D1CE4E5B9 & mask
    word = ((word ^ (word >> 27)) & mask) * 0x94D049BB133111EB & mask
    return packer.unpack(((word ^ (word >> 31)) & mask).to_bytes(packer.size, "little"))


@lru_cache(maxsize=32)
def _words_as_one(count: int) -> tuple[Struct, int]:
    """What packs so many words, each with as much room behind it, and the bits that are theirs."""
    return Struct("<" + "Q8x" * count), int.from_bytes((b"\xff" * 8 + bytes(8)) * count, "little")


def format_guid(high: int, low: int) -> str:
    """128 bits as a version 4 UUID."""
    text = f"{high:016x}{low:016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{_VARIANT[low >> 60]}{text[17:20]}-{text[20:]}"


def derive_word(random_seed: int, *names: str | int) -> int:
    """64 bits that follow from a seed and names alone, not from what a generator drew before."""
    text = "\0".join(map(str, (random_seed, *names)))
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def derive_guid(random_seed: int, *names: str | int) -> str:
    """A guid that follows from a seed and names alone."""
    word = derive_word(random_seed, *names)
    return format_guid(word, mix_word(word ^ _STEP))

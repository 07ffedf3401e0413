"""Shards: which of several servers has a foundation, by its name alone. Never asks another server.

A foundation has its own clock, counters and journal, so servers that have a share each need nothing in common: a proxy
sends every request for a foundation to the one that has it. Both have to agree on whose a name is. So a name belongs to
one of a hundred slots, by a hash that proxies have built in, and a slot belongs to a shard.

The hash is MurmurHash2 with 32 bits [Austin Appleby, public domain], as nginx's `split_clients` has it
[nginx, src/core/ngx_murmurhash.c, src/http/modules/ngx_http_split_clients_module.c].
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

SLOTS = 100
"""nginx divides names by percents, so that many are the most of the same size without fractions."""

_FACTOR = 0x5BD1E995
_MASK = 0xFFFFFFFF
_ROTATION = 24


@dataclass(frozen=True, slots=True)
class Shard:
    """The share of one server.

    Attributes:
        index: of this one; the first is 0, as Kubernetes counts.
        count: of all.
    """

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def has(self, name: str) -> bool:
        """Whether a foundation of that name is on this shard."""
        return find_shard(name, self.count) == self.index


def find_shard(name: str, count: int) -> int:
    """The index of the shard that has the foundation of a name.

    Args:
        count: how many shards there are.
    """
    return assign_slots(count)[find_slot(name)]


def find_slot(name: str) -> int:
    """The slot of a name: of all hashes, each slot has as many."""
    digest = hash_name(name.encode())
    return next((slot for slot, end in enumerate(SLOT_ENDS) if digest < end), SLOTS - 1)


SLOT_ENDS = tuple((slot + 1) * _MASK // SLOTS for slot in range(SLOTS))
"""The hash before which each slot ends, rounded as nginx does it."""


@lru_cache(maxsize=SLOTS)
def assign_slots(count: int) -> tuple[int, ...]:
    """The shard of each slot. With one shard more each gives away as few slots as it must, and no other moves."""
    shards = [0] * SLOTS
    for newcomer in range(1, count):
        share = SLOTS // (newcomer + 1)
        for _ in range(share):
            sizes = [shards.count(shard) for shard in range(newcomer)]
            richest = sizes.index(max(sizes))
            shards[SLOTS - 1 - shards[::-1].index(richest)] = newcomer
    return tuple(shards)


def hash_name(data: bytes) -> int:
    """MurmurHash2 of some bytes, 32 bits, with the seed 0."""
    digest = len(data)
    whole = len(data) // 4 * 4
    for start, end in pairwise(range(0, whole + 1, 4)):
        word = int.from_bytes(data[start:end], "little") * _FACTOR & _MASK
        word = (word ^ word >> _ROTATION) * _FACTOR & _MASK
        digest = digest * _FACTOR & _MASK ^ word
    if len(data) > whole:
        digest = (digest ^ int.from_bytes(data[whole:], "little")) * _FACTOR & _MASK
    digest = (digest ^ digest >> 13) * _FACTOR & _MASK
    return digest ^ digest >> 15

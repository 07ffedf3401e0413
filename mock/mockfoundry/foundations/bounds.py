"""Bounds: what one server holds at most. Never counts anything."""

from typing import Self

import msgspec

from mockfoundry.options import ServerOptions


class ServerBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one server holds at most.

    Attributes:
        foundations: how many.
        journal: bytes that the journal of each may hold.
        journals: bytes that all journals may hold together.
        rules: of the scenarios that are on in one foundation.
        seed_bytes: bytes of a seed or a state.
        idle: microseconds of real time after which a foundation that was not used is deleted; None for never.
    """

    foundations: int = ServerOptions.max_foundations
    journal: int = ServerOptions.max_journal
    journals: int = ServerOptions.max_journals
    rules: int = ServerOptions.max_rules
    seed_bytes: int = ServerOptions.max_seed
    idle: int | None = ServerOptions.expire_idle

    @classmethod
    def from_options(cls, options: ServerOptions) -> Self:
        return cls(
            foundations=options.max_foundations,
            journal=options.max_journal,
            journals=options.max_journals,
            rules=options.max_rules,
            seed_bytes=options.max_seed,
            idle=options.expire_idle,
        )

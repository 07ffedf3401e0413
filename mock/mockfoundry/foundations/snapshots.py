"""Snapshots: a foundation as bytes, exactly, and back. Never keeps them anywhere, never decides which one counts.

A snapshot is MessagePack, never pickle. It is made of a cut: values that nothing writes to any more, so that another
thread can encode them while the foundation goes on. What is held or followed belongs to connections, and is no part of
it.
"""

from functools import cache
from hashlib import blake2b
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from mockfoundry.cloudfoundry.rate_limits import RateLimitWindow
from mockfoundry.cloudfoundry.world import World
from mockfoundry.foundations.foundation import EntityChange, FoundationState
from mockfoundry.foundations.world_snapshots import (
    Part,
    WorldSnapshot,
    decode_part,
    decode_world,
    encode_part,
    encode_world,
    entity_type_of,
    snapshot_of_world,
    type_hints_of,
    world_of_snapshot,
)
from mockfoundry.journal.entry import JournalEntry
from mockfoundry.journal.store import Journal, JournalContent
from mockfoundry.scenarios.engine import ScenarioProgress
from mockfoundry.scenarios.model import Scenario
from mockfoundry.scenarios.rule_index import CompiledScenario, CompiledScenarios
from mockfoundry.version import __version__

SNAPSHOT_FORMAT = 1
"""How a snapshot is laid out. That of the entities in it is told by `compute_shape`."""

MAX_SNAPSHOT_BYTES = 512 * 1024 * 1024
"""A larger one is neither written nor read: it is what a value of Redis may have."""

MAX_SHARED_WORLDS = 64
"""How many worlds that foundations began as a reader remembers, so that foundations which it reads share them."""

MAX_ENCODED_WORLDS = 2
"""Of how many of them a writer remembers the bytes: nearly all foundations began as the server says, or as it said when
they were read from the store."""


class SnapshotError(Exception):
    """A snapshot can't be read, or a foundation can't be written; says why, as a clause."""


class ChangeSnapshot(msgspec.Struct, frozen=True, array_like=True):
    """An EntityChange."""

    table: str
    key: str
    before: Part
    after: Part


class FoundationSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A foundation; the attributes are those of FoundationState."""

    initial_world: bytes
    world: WorldSnapshot
    initial_scenarios: list[Part]
    scenarios: list[Part]
    progress: Part
    changes: dict[str, list[ChangeSnapshot]]
    windows: Part
    request_count: int
    request_id_prefix: str
    minted_tokens: int
    token_issuers: tuple[str, ...]
    journal: JournalContent


class SnapshotEnvelope(msgspec.Struct, frozen=True, array_like=True):
    """What stands around a snapshot.

    Attributes:
        format: SNAPSHOT_FORMAT.
        written_by: the version of mockfoundry.
        shape: what `compute_shape` gave there.
        name: of the foundation.
        digest: of the content.
        content: a FoundationSnapshot.
    """

    format: int
    written_by: str
    shape: str
    name: str
    digest: bytes
    content: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode_envelope = msgspec.msgpack.Decoder(SnapshotEnvelope).decode
_decode_foundation = msgspec.msgpack.Decoder(FoundationSnapshot).decode


@cache
def compute_shape() -> str:
    """Stands for all fields and types of what a snapshot holds: another text where one of them is another."""
    found: dict[str, Any] = {}

    def describe(type_: Any) -> str:
        origin, parts = get_origin(type_), get_args(type_)
        if origin is Literal:
            return " or ".join(sorted(map(repr, parts)))
        if origin in (Union, UnionType):
            return " or ".join(sorted(map(describe, parts)))
        if parts:
            return f"{origin.__name__} of {', '.join(map(describe, parts))}"
        if isinstance(type_, type) and issubclass(type_, msgspec.Struct) and type_.__name__ not in found:
            found[type_.__name__] = ""
            hints = type_hints_of(type_)
            found[type_.__name__] = {name: describe(hints[name]) for name in type_.__struct_fields__}
        return getattr(type_, "__name__", None) or str(type_)

    kinds = (World, Scenario, ScenarioProgress, RateLimitWindow, EntityChange, JournalEntry, FoundationSnapshot)
    for root in (*kinds, WorldSnapshot):
        describe(root)
    return blake2b(repr(sorted(found.items())).encode(), digest_size=8).hexdigest()


class FoundationCut(msgspec.Struct, frozen=True, kw_only=True):
    """A foundation at one moment, as values that nothing writes to any more; the attributes are FoundationState's."""

    name: str
    initial_world: World
    world: World
    initial_scenarios: tuple[Scenario, ...]
    scenarios: tuple[Scenario, ...]
    progress: Part
    changes: dict[str, tuple[EntityChange, ...]]
    windows: Part
    request_count: int
    request_id_prefix: str
    minted_tokens: int
    token_issuers: tuple[str, ...]
    journal: Journal


def cut_foundation(foundation: FoundationState) -> FoundationCut:
    """A foundation as it is now. To be called where exchanges are made; cheap, since tables are shared until written.

    A request that waits is in its journal without an outcome, as it is in that of a copy.
    """
    return FoundationCut(
        name=foundation.name,
        initial_world=foundation.initial_world,
        world=foundation.world.copy(),
        initial_scenarios=foundation.initial_scenarios.scenarios,
        scenarios=foundation.compiled_scenarios.scenarios,
        progress=encode_part(foundation.progress),
        changes={scenario: tuple(changes) for scenario, changes in foundation.changes.items()},
        windows=encode_part(foundation.windows),
        request_count=foundation.request_count,
        request_id_prefix=foundation.request_id_prefix,
        minted_tokens=foundation.minted_tokens,
        token_issuers=foundation.token_issuers,
        journal=foundation.journal.copy_without_open("when the foundation was saved"),
    )


class SnapshotWriter:
    """Writes snapshots. What several foundations began as, which never changes, is encoded once.

    May be called in several threads: at worst it is encoded once more.
    """

    def __init__(self) -> None:
        self._initial_worlds: tuple[tuple[World, bytes], ...] = ()

    def write(self, cut: FoundationCut) -> bytes:
        """The bytes of a cut.

        Raises:
            SnapshotError: it holds what can't be written, or is too large.
        """
        try:
            content = _encode(self._snapshot_of_foundation(cut))
        except (TypeError, ValueError, RecursionError) as error:
            raise SnapshotError(f"it holds what can't be written: {str(error)[:200]}") from error
        if len(content) > MAX_SNAPSHOT_BYTES:
            raise SnapshotError(f"it takes {len(content)} bytes, and a snapshot may have {MAX_SNAPSHOT_BYTES}")
        digest = compute_digest(content)
        return _encode(SnapshotEnvelope(SNAPSHOT_FORMAT, __version__, compute_shape(), cut.name, digest, content))

    def _snapshot_of_foundation(self, cut: FoundationCut) -> FoundationSnapshot:
        return FoundationSnapshot(
            initial_world=self._encode_initial_world(cut.initial_world),
            world=snapshot_of_world(cut.world, cut.initial_world),
            initial_scenarios=[encode_part(each) for each in cut.initial_scenarios],
            scenarios=[encode_part(each) for each in cut.scenarios],
            progress=cut.progress,
            changes={scenario: list(map(snapshot_of_change, each)) for scenario, each in cut.changes.items()},
            windows=cut.windows,
            request_count=cut.request_count,
            request_id_prefix=cut.request_id_prefix,
            minted_tokens=cut.minted_tokens,
            token_issuers=cut.token_issuers,
            journal=cut.journal.to_content(),
        )

    def _encode_initial_world(self, world: World) -> bytes:
        content = next((content for known, content in self._initial_worlds if known is world), None)
        if content is None:
            content = encode_world(world)
        others = (each for each in self._initial_worlds if each[0] is not world)
        # Those that were asked for last: nearly all foundations begin as the same one.
        self._initial_worlds = (*others, (world, content))[-MAX_ENCODED_WORLDS:]
        return content


def compute_digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


class ReadFoundation(msgspec.Struct, frozen=True):
    """A foundation as a snapshot has it, to be put into a registry.

    Attributes:
        state: without a journal, a generation, and a moment when it was last used: these are the registry's.
        journal: what its journal held.
    """

    state: FoundationState
    journal: JournalContent


class SnapshotReader:
    """Reads snapshots. Foundations that began as one world, or play the same scenarios, share them here, too.

    May be called in several threads: at worst two foundations then share less.
    """

    def __init__(self) -> None:
        self._worlds: dict[bytes, World] = {}
        self._scenarios: dict[tuple[Part, ...], CompiledScenarios] = {}
        self._compiled: dict[Part, CompiledScenario] = {}

    def read(self, name: str, snapshot: bytes) -> ReadFoundation:
        """The foundation of a snapshot.

        Args:
            name: that it has to have.

        Raises:
            SnapshotError: it is not a snapshot of that foundation that this version can read.
        """
        envelope = open_envelope(name, snapshot)
        try:
            return self._read_content(name, envelope.content)
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError, RecursionError) as error:
            raise SnapshotError(f"its content can't be read: {str(error)[:200]}") from error

    def _read_content(self, name: str, content: bytes) -> ReadFoundation:
        read = _decode_foundation(content)
        initial = self._read_initial_world(read.initial_world)
        state = FoundationState(
            name,
            generation=0,
            initial_world=initial,
            world=world_of_snapshot(read.world, initial),
            initial_scenarios=self._compile(tuple(read.initial_scenarios)),
            compiled_scenarios=self._compile(tuple(read.scenarios)),
            progress=decode_part(ScenarioProgress, read.progress),
            changes={scenario: list(map(change_of_snapshot, each)) for scenario, each in read.changes.items()},
            windows=decode_part(dict[str, RateLimitWindow], read.windows),
            request_count=read.request_count,
            request_id_prefix=read.request_id_prefix,
            minted_tokens=read.minted_tokens,
            token_issuers=read.token_issuers,
        )
        return ReadFoundation(state, read.journal)

    def _read_initial_world(self, content: bytes) -> World:
        digest = compute_digest(content)
        world = self._worlds.get(digest)
        if world is None:
            world = decode_world(content)
            if len(self._worlds) >= MAX_SHARED_WORLDS:
                self._worlds.clear()
            self._worlds[digest] = world
        return world

    def _compile(self, parts: tuple[Part, ...]) -> CompiledScenarios:
        compiled = self._scenarios.get(parts)
        if compiled is None:
            if len(self._scenarios) >= MAX_SHARED_WORLDS:
                self._scenarios.clear()
                self._compiled.clear()
            for part in parts:
                if part not in self._compiled:
                    self._compiled[part] = CompiledScenario(decode_part(Scenario, part))
            compiled = self._scenarios[parts] = CompiledScenarios([self._compiled[part] for part in parts])
        return compiled


def open_envelope(name: str, snapshot: bytes) -> SnapshotEnvelope:
    """The envelope of a snapshot, which is whole and can be read by this version.

    Raises:
        SnapshotError: it is not.
    """
    if len(snapshot) > MAX_SNAPSHOT_BYTES + 4096:
        raise SnapshotError(f"it has {len(snapshot)} bytes, and a snapshot may have {MAX_SNAPSHOT_BYTES}")
    try:
        envelope = _decode_envelope(snapshot)
    except (msgspec.MsgspecError, ValueError):
        raise SnapshotError("it is no snapshot, or not all of one") from None
    if envelope.format != SNAPSHOT_FORMAT or envelope.shape != compute_shape():
        raise SnapshotError(
            f"mockfoundry {envelope.written_by} wrote it, whose foundations are laid out otherwise than those of this "
            f"version, {__version__}"
        )
    if envelope.digest != compute_digest(envelope.content):
        raise SnapshotError("its content is not what was written")
    if envelope.name != name:
        raise SnapshotError(f"it is that of the foundation {envelope.name[:64]!r}")
    return envelope


def snapshot_of_change(change: EntityChange) -> ChangeSnapshot:
    return ChangeSnapshot(change.table, change.key, encode_part(change.before), encode_part(change.after))


def change_of_snapshot(change: ChangeSnapshot) -> EntityChange:
    kind = entity_type_of(change.table) | None
    return EntityChange(change.table, change.key, decode_part(kind, change.before), decode_part(kind, change.after))

"""Versions: which snapshot of a foundation a store has, and what a store can be asked. Never keeps one itself.

A store never writes over a snapshot that the writer has not seen: it compares its version first, and sets the new one
in the same step.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec


class StoreUnreachableError(Exception):
    """The store can't be asked now; says why, as a clause."""


class SnapshotBlockedError(Exception):
    """One snapshot can't be read, written or deleted, though the store is there; says why, as a clause."""


class SnapshotVersion(msgspec.Struct, frozen=True):
    """The version of a snapshot.

    Attributes:
        number: one more than that of the version which it has replaced.
        writer: stands for the process that wrote it; no other process has the same.
        place: host and process id of that one, for people.
    """

    number: int
    writer: str
    place: str = ""


class StoredSnapshot(msgspec.Struct, frozen=True):
    """A snapshot as a store has it.

    Attributes:
        version: None where it can't be read.
        content: its bytes.
        where: the file, or the key, for messages.
    """

    version: SnapshotVersion | None
    content: bytes
    where: str


class VersionConflictError(Exception):
    """The store has another version than the one that may be replaced; nothing was changed.

    Attributes:
        found: the version that it has; None where that can't be read.
    """

    def __init__(self, found: SnapshotVersion | None) -> None:
        super().__init__()
        self.found = found


MayReplace = Callable[[SnapshotVersion | None], bool]
"""Whether a version may be replaced; None is one that can't be read. Not asked where there is none."""


class SnapshotStore(Protocol):
    """Keeps snapshots by the names of foundations. May be called in several threads; each call may wait for a disk, or
    for a network, and raises StoreUnreachableError where that fails.

    Attributes:
        address: as the option gives it, without a password.
    """

    address: str

    def find_incarnation(self) -> str:
        """Stands for what the store has kept so far: another text where it may have lost some of that."""
        ...

    def read(self, name: str) -> StoredSnapshot | None:
        """The snapshot of a foundation, None where there is none."""
        ...

    def write(self, name: str, content: bytes, version: SnapshotVersion, may_replace: MayReplace) -> None:
        """Keeps a snapshot, in the place of the one that is there.

        Raises:
            VersionConflictError: that one may not be replaced.
        """
        ...

    def delete(self, name: str, may_replace: MayReplace) -> None:
        """Takes a snapshot away, where there is one.

        Raises:
            VersionConflictError: that one may not be replaced.
        """
        ...


_encode_version = msgspec.json.Encoder().encode
_version_decoder = msgspec.json.Decoder(SnapshotVersion)


def version_to_bytes(version: SnapshotVersion) -> bytes:
    """A version as stores have it beside a snapshot: JSON in one line."""
    return _encode_version(version)


def version_from_bytes(text: bytes) -> SnapshotVersion | None:
    """The version that a store has beside a snapshot; None where it can't be read."""
    try:
        return _version_decoder.decode(text)
    except (msgspec.MsgspecError, ValueError):
        return None

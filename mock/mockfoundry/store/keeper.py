"""The keeper: which foundations of a server are in its store, and whether they have changed. Never waits by itself.

A name is looked up once, before the first use of its foundation. From then on the foundation in memory counts, and each
snapshot is written only over one that this process has read or written. Where the store has another one, another
process serves the same name: that is told, and nothing is overwritten.

What waits for the store (`look_up`, `write`, `delete`, `check_incarnation`) runs in any thread, all else where
exchanges are made.
"""

import logging
import threading
import time
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.foundations.registry import FoundationRegistry
from mockfoundry.foundations.snapshots import (
    FoundationCut,
    ReadFoundation,
    SnapshotError,
    SnapshotReader,
    SnapshotWriter,
    cut_foundation,
)
from mockfoundry.foundations.world_snapshots import encode_part
from mockfoundry.store.versions import (
    SnapshotBlockedError,
    SnapshotStore,
    SnapshotVersion,
    StoreUnreachableError,
    VersionConflictError,
)

SNAPSHOT_UNREADABLE = CatalogueEntry("Mock-SnapshotUnreadable", 990040, 503, "")

PAUSE_SECONDS = 1.0
"""How long a store that could not be reached is not asked again for a name."""

MAX_TOLD = 20
"""How many foundations are named that can't be saved, or read; there may be thousands."""

FoundationMark = tuple[Any, ...]
"""Stands for what a foundation holds: another one after each change that a snapshot would show."""

log = logging.getLogger("mockfoundry")


def mark_foundation(foundation: FoundationState) -> FoundationMark:
    """The mark of a foundation as it is now; it costs nothing where exchanges are made, and looks at no entity."""
    world, journal = foundation.world, foundation.journal
    clock = world.clock
    return (
        foundation.generation,
        world.tables_version,
        (clock.virtual, clock.real_time, clock.rate),
        world.generator.state,
        world.settings,
        world.default_quota,
        world.deploying_apps,
        world.waiting_jobs,
        (world.event_count, world.nonce),
        (journal.recorded, journal.amended, journal.cleared_up_to),
        (foundation.request_count, foundation.minted_tokens, foundation.token_issuers),
        foundation.compiled_scenarios,
        tuple(foundation.progress.events.items()),
        # The journal has no handshakes, and scenarios count them.
        encode_part(foundation.progress) if foundation.compiled_scenarios.tls else b"",
    )


class KnownName(msgspec.Struct):
    """What this process knows of the snapshots of a name.

    Attributes:
        version: that it has read, or written last; None while there was none.
        read_version: that it has read, None for none.
        saved: the mark of what was written last, or could not be.
        order: of the cut that was written last.
        problem: why the last snapshot was not written, empty where it was.
        is_refused: whether that is since another process has written one.
    """

    version: SnapshotVersion | None = None
    read_version: SnapshotVersion | None = None
    saved: FoundationMark | None = None
    order: int = 0
    problem: str = ""
    is_refused: bool = False


class LookUp(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a name.

    Attributes:
        version: of the snapshot that is there; None where none is, or it can't be read.
        foundation: of that snapshot; None where none is, or it can't be read.
        unreadable: why that can't be read, empty where it can.
        where: it is.
    """

    version: SnapshotVersion | None = None
    foundation: ReadFoundation | None = None
    unreadable: str = ""
    where: str = ""


class PendingSave(msgspec.Struct, frozen=True):
    """A foundation to be saved.

    Attributes:
        known: of its name.
        order: later cuts have a higher one.
    """

    cut: FoundationCut
    mark: FoundationMark
    known: KnownName
    order: int


class StoreState(msgspec.Struct, frozen=True, kw_only=True):
    """How a server and its store get on.

    Attributes:
        address: without a password.
        problem: why the store could not be reached when it was asked last, empty where it could.
        foundations: how many of this server it has.
        written, bytes_written: snapshots since the start, and their bytes.
        last_written: real microseconds, None where none was.
        not_saved: why foundations could not be saved the last time, by name.
        refused: the names of those whose snapshot another process has written.
        unreadable: why snapshots could not be read, by name of the foundation.
    """

    address: str
    problem: str
    foundations: int
    written: int
    bytes_written: int
    last_written: int | None
    not_saved: dict[str, str]
    refused: tuple[str, ...]
    unreadable: dict[str, str]


class SnapshotKeeper:
    """The keeper of a server's foundations.

    Args:
        writer: stands for this process, in versions; no other one has it.
        place: this process for people, such as its host and its number.
    """

    def __init__(self, store: SnapshotStore, registry: FoundationRegistry, writer: str, place: str) -> None:
        self.store = store
        self._registry = registry
        self._writer = writer
        self._place = place
        self._reader, self._snapshots = SnapshotReader(), SnapshotWriter()
        self._known: dict[str, KnownName] = {}
        self._unreadable: dict[str, str] = {}
        self._writing = threading.Lock()
        self._order = 0
        self._problem = ""
        self._not_read_until = 0.0
        self._incarnation = ""
        self._written = self._bytes_written = 0
        self._last_written: int | None = None
        registry.kept_snapshots = self

    def is_wanted(self, name: str) -> bool:
        """Whether it is to be looked whether there is a snapshot of that name."""
        return name not in self._known

    def look_up(self, name: str) -> LookUp:
        """What the store has of a name. A store that can't be reached has nothing: the foundation begins anew, and is
        never saved over a snapshot that is found later."""
        if time.monotonic() < self._not_read_until:
            return LookUp()
        try:
            # That it can be read does not say that it can be written to: rounds find out whether it can be reached.
            return self._read(name)
        except StoreUnreachableError as error:
            self._note_unreachable(error)
            self._not_read_until = time.monotonic() + PAUSE_SECONDS
            return LookUp()

    def _read(self, name: str) -> LookUp:
        try:
            stored = self.store.read(name)
        except SnapshotBlockedError as error:
            return LookUp(unreadable=str(error), where=self.store.address)
        if stored is None:
            return LookUp()
        if stored.version is None:
            return LookUp(unreadable="it does not begin with a version", where=stored.where)
        try:
            read = self._reader.read(name, stored.content)
        except SnapshotError as error:
            return LookUp(version=stored.version, unreadable=str(error), where=stored.where)
        return LookUp(version=stored.version, foundation=read, where=stored.where)

    def take_in(self, name: str, found: LookUp, real_time: int) -> None:
        """Makes the foundation of what was found, unless that was done meanwhile.

        Raises:
            Refusal: the snapshot can't be read, or there are too many foundations.
        """
        if not self.is_wanted(name) or self._registry.find(name) is not None:
            return
        if found.unreadable:
            self._refuse_unreadable(name, found)
        self._unreadable.pop(name, None)
        known = KnownName(found.version, found.version)
        if found.foundation is not None:
            known.saved = mark_foundation(self._registry.restore(found.foundation, real_time))
        self._known[name] = known

    def _refuse_unreadable(self, name: str, found: LookUp) -> None:
        if name not in self._unreadable:
            log.error("the snapshot of the foundation %s can't be read (%s): %s", name, found.where, found.unreadable)
        if len(self._unreadable) < MAX_TOLD:
            self._unreadable[name] = found.unreadable
        raise Refusal(
            SNAPSHOT_UNREADABLE,
            f"The snapshot of the foundation {name} can't be read: {found.unreadable}. It stays as it is in "
            f"{self.store.address}, and nothing takes its place; DELETE /__mock/foundations/{name} deletes it",
            why="foundation: its snapshot can't be read",
        )

    def has_changed(self, foundation: FoundationState) -> bool:
        """Whether a foundation has changed since its last snapshot, and may be saved."""
        known = self._known.get(foundation.name)
        return known is None or (not known.is_refused and known.saved != mark_foundation(foundation))

    def cut(self, name: str) -> PendingSave | None:
        """A foundation as it is now, to be written; None where there is none of that name."""
        foundation = self._registry.find(name)
        if foundation is None:
            return None
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = KnownName()
        cut = cut_foundation(foundation)
        self._order += 1
        # After the cut: what a copy shares makes no other version.
        return PendingSave(cut, mark_foundation(foundation), known, self._order)

    def write(self, pending: PendingSave) -> None:
        """Writes a snapshot, unless a later one is there already. `KnownName.problem` says what went wrong.

        Raises:
            StoreUnreachableError: it could not be written now.
        """
        known, name = pending.known, pending.cut.name
        try:
            content = self._snapshots.write(pending.cut)
        except SnapshotError as error:
            self._note_problem(name, known, str(error), is_refused=False)
            # It is not tried again before it has changed: to encode it takes long.
            known.saved = pending.mark
            return
        with self._writing:
            if pending.order < known.order:
                return
            number = 1 if known.version is None else known.version.number + 1
            version = SnapshotVersion(number, self._writer, self._place)
            try:
                self.store.write(name, content, version, lambda found: self._may_replace(known, found))
            except VersionConflictError as error:
                self._note_problem(name, known, describe_conflict(error.found), is_refused=True)
                return
            except SnapshotBlockedError as error:
                self._note_problem(name, known, str(error), is_refused=False)
                return
            except StoreUnreachableError as error:
                self._note_unreachable(error)
                raise
            self._note_reachable()
            known.version, known.saved, known.order = version, pending.mark, pending.order
            known.problem, known.is_refused = "", False
            self._written += 1
            self._bytes_written += len(content)
            self._last_written = time.time_ns() // 1000

    def _may_replace(self, known: KnownName, found: SnapshotVersion | None) -> bool:
        """Whether a version is one of this process, or leads to the one that it has read: a store that was restored
        may have an earlier one."""
        if found is None:
            return False
        read = known.read_version
        return found.writer == self._writer or (
            read is not None and found.writer == read.writer and found.number <= read.number
        )

    def list_ended(self) -> list[str]:
        """The names whose foundations are gone though the store has snapshots of them. Names that neither has are
        forgotten."""
        ended = [name for name in self._known if self._registry.find(name) is None]
        for name in ended:
            known = self._known[name]
            if known.version is None or known.is_refused:
                del self._known[name]
        return [name for name in ended if name in self._known]

    def delete(self, name: str) -> None:
        """Deletes the snapshot of a foundation that is gone.

        Raises:
            StoreUnreachableError: it could not be deleted now.
        """
        known = self._known.get(name)
        with self._writing:
            if known is None or self._registry.find(name) is not None:
                return
            try:
                self.store.delete(name, lambda found: self._may_replace(known, found))
            except VersionConflictError as error:
                log.warning(
                    "the snapshot of the foundation %s was not deleted: %s", name, describe_conflict(error.found)
                )
            except SnapshotBlockedError as error:
                self._note_problem(name, known, f"it is gone, and its snapshot is not: {error}", is_refused=False)
                return
            except StoreUnreachableError as error:
                self._note_unreachable(error)
                raise
            self._note_reachable()
            self._known.pop(name, None)

    def delete_unreadable(self, name: str) -> None:
        """Deletes the snapshot of a name, if it can't be read.

        Raises:
            StoreUnreachableError: it could not be deleted now.
        """
        with self._writing:
            found = self._read(name)
            if found.unreadable:
                self.store.delete(name, lambda version: version == found.version)
            self._unreadable.pop(name, None)

    def check_incarnation(self) -> None:
        """Has everything saved again where the store may have lost what it had.

        Raises:
            StoreUnreachableError: it can't be asked now.
        """
        try:
            incarnation = self.store.find_incarnation()
        except StoreUnreachableError as error:
            self._note_unreachable(error)
            raise
        self._note_reachable()
        with self._writing:
            before, self._incarnation = self._incarnation, incarnation
            if before not in ("", incarnation):
                log.warning("the store %s was started anew, so everything is saved again", self.store.address)
                for known in tuple(self._known.values()):
                    known.saved = None

    def describe(self) -> StoreState:
        """How this server and its store get on. May be called in any thread."""
        known = dict(self._known)
        not_saved = {name: each.problem for name, each in known.items() if each.problem}
        return StoreState(
            address=self.store.address,
            problem=self._problem,
            foundations=sum(each.version is not None for each in known.values()),
            written=self._written,
            bytes_written=self._bytes_written,
            last_written=self._last_written,
            not_saved=not_saved,
            refused=tuple(name for name in not_saved if known[name].is_refused),
            unreadable=dict(self._unreadable),
        )

    def _note_problem(self, name: str, known: KnownName, problem: str, *, is_refused: bool) -> None:
        if known.problem != problem:
            log.error("the foundation %s is not saved: %s", name, problem)
        known.problem, known.is_refused = problem, is_refused

    def _note_unreachable(self, error: StoreUnreachableError) -> None:
        if not self._problem:
            log.error("the store %s can't be reached, so nothing is saved: %s", self.store.address, error)
        self._problem = str(error)

    def _note_reachable(self) -> None:
        if self._problem:
            log.warning("the store %s can be reached again", self.store.address)
        self._problem = ""


def describe_conflict(found: SnapshotVersion | None) -> str:
    """Why a snapshot may not be replaced, and what to do."""
    if found is None:
        return "the store has something in its place that can't be read; delete that, or take another store"
    return (
        f"another process ({found.place or found.writer}) has written a snapshot of that name, and two processes must "
        "not serve one foundation; give each its own share of the names, or its own store"
    )

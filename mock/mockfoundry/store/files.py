"""Snapshots as files of one folder. Never looks inside of one.

A file has its version as JSON in the first line, then the snapshot. It is written beside its name, synchronized, and
then renamed, so that it is whole whenever a process or a machine ends. Who writes has a lock (flock) on the file that
has the name at that moment. A file without content stands for none: it was made to be locked.
"""

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mockfoundry.store.versions import (
    MayReplace,
    SnapshotBlockedError,
    SnapshotVersion,
    StoredSnapshot,
    StoreUnreachableError,
    VersionConflictError,
    version_from_bytes,
    version_to_bytes,
)

SUFFIX = ".snapshot"
UNFINISHED_SUFFIX = ".unfinished"

MAX_UNFINISHED_SECONDS = 3600
"""After how long a file is removed that nobody has finished: its writer was killed."""

MAX_VERSION_BYTES = 1024
"""How long the first line is at most."""

PLAIN_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


def file_name_of(name: str) -> str:
    """The name of a foundation's file: no path leads out of the folder, and names that differ only in case differ."""
    text = "".join(
        each if each in PLAIN_CHARACTERS else "".join(f"+{byte:02x}" for byte in each.encode("utf-8", "surrogatepass"))
        for each in name
    )
    return f"{text}{SUFFIX}"


class FileStore:
    """A folder of snapshots, for this user alone. It is made where it is not there.

    Raises:
        StoreUnreachableError: there is no such folder, and it can't be made; or this system has no such locks.
    """

    def __init__(self, folder: Path) -> None:
        self.address = f"file:{folder}"
        self._folder = folder
        try:
            import fcntl  # noqa: F401 (Windows has none)
        except ImportError:
            raise StoreUnreachableError(
                "files need the locks of Linux or macOS (flock); take a redis:// store"
            ) from None
        with report_failures():
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except FileExistsError:
                raise StoreUnreachableError(
                    f"{folder} is no folder; name one, as in file:{folder}-kept, which is made where it is not there"
                ) from None
            self._remove_unfinished()

    def _remove_unfinished(self) -> None:
        for file in self._folder.glob(f"*{UNFINISHED_SUFFIX}"):
            with suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > MAX_UNFINISHED_SECONDS:
                    file.unlink()

    def find_incarnation(self) -> str:
        with report_failures():
            must_be_writable(self._folder)
            found = self._folder.stat()
        return f"{found.st_dev} {found.st_ino}"

    def read(self, name: str) -> StoredSnapshot | None:
        file = self._folder / file_name_of(name)
        with self._report_failures_of(file):
            try:
                content = read_regular_file(file)
            except FileNotFoundError:
                # Of the file, or of the folder.
                self._folder.stat()
                return None
        if not content:
            return None
        line, _, snapshot = content.partition(b"\n")
        return StoredSnapshot(version_from_bytes(line), snapshot, str(file))

    def write(self, name: str, content: bytes, version: SnapshotVersion, may_replace: MayReplace) -> None:
        file = self._folder / file_name_of(name)
        unfinished = file.with_name(f"{file.name}.{version.writer}{UNFINISHED_SUFFIX}")
        with self._report_failures_of(file), lock_file(file) as locked:
            must_be_replaceable(locked, may_replace)
            try:
                write_new_file(unfinished, version_to_bytes(version) + b"\n", content)
                unfinished.replace(file)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
            synchronize_folder(self._folder)

    def delete(self, name: str, may_replace: MayReplace) -> None:
        file = self._folder / file_name_of(name)
        with self._report_failures_of(file):
            if not file.exists():
                return
            with lock_file(file) as locked:
                must_be_replaceable(locked, may_replace)
                file.unlink()
                synchronize_folder(self._folder)

    @contextmanager
    def _report_failures_of(self, file: Path) -> Iterator[None]:
        """The same, but SnapshotBlockedError where only what has the file's name is in the way."""
        try:
            with report_failures():
                yield
        except StoreUnreachableError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno in OF_ONE_FILE and self._folder.is_dir():
                raise SnapshotBlockedError(f"{file}: {cause.strerror or cause}") from cause
            raise


OF_ONE_FILE = frozenset(
    (
        *(errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EIO),
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    )
)
"""What is wrong with one file, as a rule, and not with the whole store: a smaller one may have room."""


def must_be_writable(folder: Path) -> None:
    """Raises OSError where a path is no folder, or this user, or nobody, may write in it."""
    if not stat.S_ISDIR(folder.stat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def read_regular_file(file: Path) -> bytes:
    """The content of a file; raises OSError where it is another thing, such as a pipe, which nobody may wait for."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        must_be_regular(descriptor)
        return stream.read()


def must_be_regular(descriptor: int) -> None:
    """Raises OSError where an open file is a folder, a pipe or a device."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "is no regular file")


@contextmanager
def report_failures() -> Iterator[None]:
    """Raises StoreUnreachableError where the system refuses what the block does."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise StoreUnreachableError(f"{where}{error.strerror or error}") from error


@contextmanager
def lock_file(file: Path) -> Iterator[int]:
    """A descriptor of the file that has the name, locked against other writers; it is made where there is none."""
    import fcntl

    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            must_be_regular(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if has_name(descriptor, file):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def has_name(descriptor: int, file: Path) -> bool:
    """Whether an open file has the name still; another writer may have replaced it meanwhile."""
    try:
        named = file.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    opened = os.fstat(descriptor)
    return stat.S_ISREG(named.st_mode) and (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def must_be_replaceable(descriptor: int, may_replace: MayReplace) -> None:
    """Raises VersionConflictError where a locked file has a version that may not be replaced."""
    beginning = os.pread(descriptor, MAX_VERSION_BYTES, 0)
    if not beginning:
        return
    found = version_from_bytes(beginning.partition(b"\n")[0])
    if not may_replace(found):
        raise VersionConflictError(found)


def write_new_file(file: Path, *parts: bytes) -> None:
    """Writes a file, and has the system put it on the disk."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        for part in parts:
            stream.write(part)
        stream.flush()
        os.fsync(stream.fileno())


def synchronize_folder(folder: Path) -> None:
    """Has the system put the names of a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

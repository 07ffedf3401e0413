"""Stores: a snapshot is kept whole, and never written over one that its writer has not seen."""

import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockfoundry.store.addresses import open_store
from mockfoundry.store.files import SUFFIX, FileStore, file_name_of
from mockfoundry.store.redis import RedisStore
from mockfoundry.store.versions import (
    SnapshotBlockedError,
    SnapshotStore,
    SnapshotVersion,
    StoreUnreachableError,
    VersionConflictError,
)
from tests.store.redis_process import RedisProcess

OpenStore = Callable[[], SnapshotStore]

FIRST, SECOND = SnapshotVersion(1, "writer-a", "host a"), SnapshotVersion(2, "writer-b", "host b")


@pytest.fixture(params=["file", pytest.param("redis", marks=pytest.mark.long)])
def open_it(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens a store that has nothing yet; each time the same one."""
    if request.param == "file":
        return lambda: FileStore(tmp_path / "kept")
    process: RedisProcess = request.getfixturevalue("redis")
    return lambda: RedisStore(process.url)


def test_what_was_written_is_read_by_others(open_it: OpenStore) -> None:
    content = bytes(range(256)) * 1000
    assert open_it().read("team") is None
    open_it().write("team", content, FIRST, lambda _: False)
    found = open_it().read("team")
    assert found is not None
    assert (found.version, found.content) == (FIRST, content)
    assert open_it().read("Team") is None


def test_what_may_not_be_replaced_stays(open_it: OpenStore) -> None:
    store = open_it()
    store.write("team", b"first", FIRST, lambda _: False)
    asked: list[SnapshotVersion | None] = []

    def refuse(found: SnapshotVersion | None) -> bool:
        asked.append(found)
        return False

    with pytest.raises(VersionConflictError) as error:
        store.write("team", b"second", SECOND, refuse)
    assert error.value.found == FIRST
    with pytest.raises(VersionConflictError) as error:
        store.delete("team", refuse)
    assert error.value.found == FIRST
    assert asked == [FIRST, FIRST]
    found = store.read("team")
    assert found is not None
    assert found.content == b"first"


def test_what_may_be_replaced_is_replaced_and_deleted(open_it: OpenStore) -> None:
    store = open_it()
    store.write("team", b"first", FIRST, lambda _: False)
    store.write("team", b"second", SECOND, lambda found: found == FIRST)
    found = store.read("team")
    assert found is not None
    assert (found.version, found.content) == (SECOND, b"second")
    store.delete("team", lambda found: found == SECOND)
    assert store.read("team") is None
    store.delete("team", lambda _: False)


def test_of_writers_at_once_one_is_the_first(open_it: OpenStore) -> None:
    """All the others find it there."""
    begin = threading.Barrier(8)
    found: list[SnapshotVersion | None] = []

    def write(number: int) -> None:
        store = open_it()
        begin.wait()
        try:
            store.write("team", b"%d" % number, SnapshotVersion(1, f"writer-{number}"), lambda _: False)
        except VersionConflictError as error:
            found.append(error.found)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    kept = open_it().read("team")
    assert kept is not None
    assert kept.version is not None
    assert found == [SnapshotVersion(1, f"writer-{kept.content.decode()}")] * 7


def test_writers_at_once_replace_each_others_one_after_the_other(open_it: OpenStore) -> None:
    """Of 40 increments by 4 writers none is lost."""
    open_it().write("team", b"", SnapshotVersion(0, "writer"), lambda _: False)

    def count() -> None:
        store = open_it()
        for _ in range(10):
            while True:
                seen = store.read("team")
                assert seen is not None
                assert seen.version is not None
                more = SnapshotVersion(seen.version.number + 1, "writer")
                try:
                    store.write("team", b"", more, lambda found, seen=seen.version: found == seen)  # type: ignore[misc]
                except VersionConflictError:
                    continue
                break

    with ThreadPoolExecutor(4) as threads:
        for counted in [threads.submit(count) for _ in range(4)]:
            counted.result()
    kept = open_it().read("team")
    assert kept is not None
    assert kept.version == SnapshotVersion(40, "writer")


@given(st.text(min_size=1, max_size=64))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    file = file_name_of(name)
    assert file.endswith(SUFFIX)
    assert not {"/", "\\", "\0", ":"} & set(file)
    assert file.lower() == file
    assert file not in (".", "..")


@given(st.lists(st.text(min_size=1, max_size=5), min_size=2, max_size=2, unique=True))
def test_two_names_have_two_files(names: list[str]) -> None:
    """Also where the file system does not tell upper case from lower case."""
    assert file_name_of(names[0]) != file_name_of(names[1])


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """They hold what clients sent: tokens, passwords."""
    before = os.umask(0)
    try:
        FileStore(tmp_path / "kept").write("team", b"secret", FIRST, lambda _: False)
    finally:
        os.umask(before)
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700
    assert [each.stat().st_mode & 0o777 for each in (tmp_path / "kept").iterdir()] == [0o600]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "kept")
    (tmp_path / "kept" / "team.snapshot").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SnapshotBlockedError):
        store.write("team", b"content", FIRST, lambda _: True)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["a folder", "a pipe"])
def test_what_is_no_file_is_in_the_way_of_its_own_foundation_alone(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    store = FileStore(tmp_path)
    make(tmp_path / "team.snapshot")
    with pytest.raises(SnapshotBlockedError, match=r"team\.snapshot: "):
        store.read("team")
    with pytest.raises(SnapshotBlockedError, match=r"team\.snapshot: "):
        store.write("team", b"content", FIRST, lambda _: True)
    store.write("other", b"content", FIRST, lambda _: True)
    assert store.read("other") is not None


def test_what_nobody_finished_is_removed_after_a_while(tmp_path: Path) -> None:
    """A writer that was killed has left it; one that is a moment old may still be written."""
    FileStore(tmp_path)
    for name, age in (("old", 7_200), ("new", 0)):
        file = tmp_path / f"team.snapshot.{name}.unfinished"
        file.write_bytes(b"half")
        moment = file.stat().st_mtime - age
        os.utime(file, (moment, moment))
    FileStore(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["team.snapshot.new.unfinished"]


@pytest.mark.parametrize("beginning", [b"", b"\xff\xfe\n", b'{"number": "one"}\n', b"[" * 5000])
def test_what_is_no_version_is_told_and_stays(tmp_path: Path, beginning: bytes) -> None:
    """An empty file stands for none: it is there to be locked."""
    store = FileStore(tmp_path)
    (tmp_path / "team.snapshot").write_bytes(beginning)
    found = store.read("team")
    if not beginning:
        assert found is None
        return
    assert found is not None
    assert found.version is None
    with pytest.raises(VersionConflictError):
        store.write("team", b"content", FIRST, lambda found: found is not None)
    assert (tmp_path / "team.snapshot").read_bytes() == beginning


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnreachableError, match="file"):
        open_store(f"file:{tmp_path / 'file' / 'kept'}")
    file = tmp_path / "file"
    says = f"{file} is no folder; name one, as in file:{file}-kept, which is made where it is not there"
    with pytest.raises(StoreUnreachableError, match=re.escape(says)):
        open_store(f"file:{file}")


def test_a_redis_that_is_not_there_is_told_without_its_password() -> None:
    store = open_store("redis://user:secret@127.0.0.1:1/0")
    assert store.address == "redis://user:***@127.0.0.1:1/0"
    with pytest.raises(StoreUnreachableError, match="refused") as error:
        store.read("team")
    assert "secret" not in str(error.value)


def test_an_address_of_redis_that_is_none_is_told() -> None:
    with pytest.raises(StoreUnreachableError, match="can't be used"):
        open_store("redis://host:99999")

"""Snapshots as keys of Redis or Valkey. Never looks inside of one.

The key of a foundation is `mockfoundry:foundation:NAME`, a hash of two fields: `version` (JSON) and `snapshot`. It is
compared and set in one transaction (WATCH, MULTI, EXEC).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

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

KEY_PREFIX = "mockfoundry:foundation:"
VERSION_FIELD, SNAPSHOT_FIELD = "version", "snapshot"

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 10.0
"""How long Redis is waited for: a large snapshot takes a while to write."""

MAX_TRIES = 16
"""How often a transaction is tried again in whose way another writer came."""


def hide_password(address: str) -> str:
    """The address of a Redis without its password."""
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    shown = f"{user.partition(':')[0]}:***@{host}" if at else host
    return urlunsplit((parts.scheme, shown, parts.path, "", ""))


class RedisStore:
    """The snapshots of a Redis.

    Args:
        address: `redis://`, `rediss://` or `unix://`, as redis-py takes it.

    Raises:
        StoreUnreachableError: redis-py is not installed, or the address is none. Redis itself need not be there yet.
    """

    def __init__(self, address: str) -> None:
        self.address = hide_password(address)
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise StoreUnreachableError("it needs redis-py: pip install redis") from None
        self._failures = (redis.RedisError, OSError)
        self._watch_error = redis.WatchError
        self._response_error = redis.ResponseError
        try:
            self._client = redis.Redis.from_url(
                address,
                socket_connect_timeout=CONNECT_SECONDS,
                socket_timeout=ANSWER_SECONDS,
                # Who asks tries again when it is time.
                retry=Retry(NoBackoff(), 0),
            )
        except (ValueError, TypeError) as error:
            raise StoreUnreachableError(f"the address can't be used: {error}") from None

    @contextmanager
    def _report_failures(self) -> Iterator[None]:
        try:
            yield
        except self._response_error as error:
            # It answers: the key has another type, or there is no memory left for it.
            raise SnapshotBlockedError(str(error)) from error
        except self._failures as error:
            raise StoreUnreachableError(str(error) or type(error).__name__) from error

    def find_incarnation(self) -> str:
        try:
            with self._report_failures():
                found: Any = self._client.info("server")
        except SnapshotBlockedError as error:
            raise StoreUnreachableError(str(error)) from error
        return str(found.get("run_id", ""))

    def read(self, name: str) -> StoredSnapshot | None:
        key = f"{KEY_PREFIX}{name}"
        with self._report_failures():
            found: Any = self._client.hmget(key, [VERSION_FIELD, SNAPSHOT_FIELD])
        version, content = found
        if version is None and content is None:
            return None
        return StoredSnapshot(version_from_bytes(version or b""), content or b"", key)

    def write(self, name: str, content: bytes, version: SnapshotVersion, may_replace: MayReplace) -> None:
        fields: Any = {VERSION_FIELD: version_to_bytes(version), SNAPSHOT_FIELD: content}
        self._compare_and_run(name, may_replace, lambda pipe, key: pipe.hset(key, mapping=fields))

    def delete(self, name: str, may_replace: MayReplace) -> None:
        self._compare_and_run(name, may_replace, lambda pipe, key: pipe.delete(key))

    def _compare_and_run(self, name: str, may_replace: MayReplace, add_command: Callable[[Any, str], object]) -> None:
        key = f"{KEY_PREFIX}{name}"
        with self._report_failures(), self._client.pipeline() as pipe:
            for _ in range(MAX_TRIES):
                pipe.watch(key)  # type: ignore[no-untyped-call] # redis-py gives it no type
                # In this order, another writer that comes between is seen with its version.
                is_there = pipe.exists(key)
                text: Any = pipe.hget(key, VERSION_FIELD)
                if is_there or text is not None:
                    found = version_from_bytes(text or b"")
                    if not may_replace(found):
                        raise VersionConflictError(found)
                pipe.multi()
                add_command(pipe, key)
                try:
                    pipe.execute()
                except self._watch_error:
                    continue
                return
        raise StoreUnreachableError(f"{key}: others write to it all the time")

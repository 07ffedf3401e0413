"""Addresses: the store that an option names, opened. Never asks it anything."""

import os
import secrets
import socket
from pathlib import Path

from mockfoundry.foundations.registry import FoundationRegistry
from mockfoundry.store.keeper import SnapshotKeeper
from mockfoundry.store.versions import SnapshotStore


def open_store(address: str) -> SnapshotStore:
    """The store of an address.

    Args:
        address: `file:DIR`, or a URL of Redis.

    Raises:
        StoreUnreachableError: the folder can't be made, or what Redis needs is not installed.
    """
    scheme, _, rest = address.partition(":")
    if scheme == "file":
        from mockfoundry.store.files import FileStore

        return FileStore(Path(rest.removeprefix("//")).absolute())
    from mockfoundry.store.redis import RedisStore

    return RedisStore(address)


def open_keeper(address: str, registry: FoundationRegistry) -> SnapshotKeeper:
    """What keeps the foundations of a registry in the store of an address, for this process.

    Raises:
        StoreUnreachableError: as `open_store`.
    """
    return SnapshotKeeper(
        open_store(address), registry, secrets.token_hex(8), f"{socket.gethostname()}, process {os.getpid()}"
    )

"""Kept plans: a compiled contract as data, in the user's cache or shipped with the package. Never compiles anything.

It is MessagePack, read into the plans' own types and into nothing else. An entry's name is a digest of the document and
of everything that compiled it, so a stale one is never found.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from mockfoundry.contract.plan import Plan, PlanTable, RoutePattern, Schema
from mockfoundry.version import __version__

COMPILERS = ("connexion", "jsonschema-rs", "openapi-spec-validator")
"""The packages that decide what a document is compiled to."""

MAX_KEPT_CONTRACTS = 16
"""How many compiled contracts are kept; the oldest are deleted first."""

DIGEST_BYTES = sha256().digest_size

log = logging.getLogger("mockfoundry")


class CompiledContract(msgspec.Struct, frozen=True):
    """A contract, compiled.

    Attributes:
        title, version: from its `info`.
        patterns: of the plans, in the order of the document.
        plans: in the same order.
        definitions: what references of the plans' schemas lead to, by their text.
        files: the digest of each file that the document refers to, by its path in the contract's folder.
        broken_examples: a line for each of the document's own examples that breaks its schema.
    """

    title: str
    version: str
    patterns: tuple[RoutePattern, ...]
    plans: PlanTable
    definitions: Mapping[str, Any]
    files: Mapping[str, str]
    broken_examples: tuple[str, ...]


class KeptContract(msgspec.Struct, frozen=True):
    """A compiled contract as it is written: the plans and the definitions are read when they are first needed."""

    title: str
    version: str
    patterns: tuple[RoutePattern, ...]
    plans: tuple[msgspec.Raw, ...]
    definitions: msgspec.Raw
    files: Mapping[str, str]
    broken_examples: tuple[str, ...]


class KeptDefinitions(Mapping[str, Any]):
    """What references lead to, by their text; read when one is first followed."""

    def __init__(self, content: msgspec.Raw) -> None:
        self._content = content

    @cached_property
    def _definitions(self) -> dict[str, Any]:
        definitions: dict[str, Any] = msgspec.msgpack.decode(self._content)
        return definitions

    def __getitem__(self, reference: str) -> Any:
        return self._definitions[reference]

    def __iter__(self) -> Iterator[str]:
        return iter(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)


def encode_compiled(compiled: CompiledContract) -> bytes:
    """A compiled contract as data, behind the digest of that, so that a changed one is not believed."""

    def encode(value: Any) -> Any:
        if isinstance(value, Schema):
            return value.raw
        raise NotImplementedError

    encoder = msgspec.msgpack.Encoder(enc_hook=encode)
    kept = KeptContract(
        compiled.title,
        compiled.version,
        compiled.patterns,
        tuple(msgspec.Raw(encoder.encode(plan)) for plan in compiled.plans.values()),
        msgspec.Raw(encoder.encode(dict(compiled.definitions))),
        compiled.files,
        compiled.broken_examples,
    )
    content = encoder.encode(kept)
    return sha256(content).digest() + content


def decode_compiled(data: bytes) -> CompiledContract:
    """A compiled contract from its data.

    Raises:
        msgspec.DecodeError: it is none, or was changed.
    """
    digest, content = data[:DIGEST_BYTES], memoryview(data)[DIGEST_BYTES:]
    if sha256(content).digest() != digest:
        raise msgspec.DecodeError("it is not what was written")
    kept = msgspec.msgpack.decode(content, type=KeptContract)
    definitions = KeptDefinitions(kept.definitions)

    def decode(kind: type, value: Any) -> Any:
        if kind is Schema and isinstance(value, dict):
            return Schema(value, definitions)
        raise msgspec.DecodeError(f"{kind.__name__} is not a mapping")

    read_plan = msgspec.msgpack.Decoder(Plan, dec_hook=decode).decode
    entries = {
        pattern.operation: partial(read_plan, plan) for pattern, plan in zip(kept.patterns, kept.plans, strict=True)
    }
    return CompiledContract(
        kept.title, kept.version, kept.patterns, PlanTable(entries), definitions, kept.files, kept.broken_examples
    )


def find_cache_directory() -> Path:
    """Where the user's programs keep what they can make again.

    Raises:
        RuntimeError: the user has no home.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        # The XDG Base Directory Specification has a relative path ignored.
        return named / "mockfoundry"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "mockfoundry" / "Cache"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "mockfoundry"


def compute_cache_key(text: str) -> str:
    """The digest of a document and of what compiles it: the packages' versions, and this room's own code."""
    # Only another document than the shipped ones needs it, and a start should be short.
    from importlib.metadata import version

    digest = sha256(f"{__version__} {sys.version_info[:2]}".encode())
    for name in COMPILERS:
        digest.update(f"\0{name} {version(name)}".encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(b"\0" + file.read_bytes())
    digest.update(b"\0" + text.encode())
    return digest.hexdigest()


def read_kept_contract(key: str) -> CompiledContract | None:
    """The compiled contract that is kept under a key; None if there is none, or if it can't be read."""
    try:
        return decode_compiled((find_cache_directory() / f"{key}.contract").read_bytes())
    except (OSError, RuntimeError, msgspec.DecodeError):
        return None


def keep_contract(key: str, compiled: CompiledContract) -> None:
    """Keeps a compiled contract for later starts. A line is logged where that can't be."""
    try:
        directory = find_cache_directory()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(directory / f"{key}.contract", encode_compiled(compiled))
        delete_oldest(directory)
    except (OSError, RuntimeError) as error:
        log.warning("the compiled contract can't be kept (%s), so each start compiles it anew", error)


def write_whole(file: Path, content: bytes) -> None:
    """Writes a file so that another process reads all of it, or nothing."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise


def delete_oldest(directory: Path) -> None:
    entries = sorted(directory.glob("*.contract"), key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in entries[MAX_KEPT_CONTRACTS:]:
        entry.unlink(missing_ok=True)

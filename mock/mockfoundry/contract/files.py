"""A contract's file: its text, bounded, and the digest of that. Never parses one."""

from hashlib import sha256
from pathlib import Path

from mockfoundry.contract.plan import ContractError

MAX_CONTRACT_BYTES = 64 * 1024 * 1024
"""Bytes that a contract may have, with all the files that it refers to."""


def read_contract_text(file: Path, most: int = MAX_CONTRACT_BYTES) -> str:
    """A file's text. A device or a pipe is read no further than the bound.

    Raises:
        ContractError: it can't be read, is larger, or is not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ContractError(f"{file}: can't be read: {reason}") from error
    if len(content) > most:
        raise ContractError(
            f"{file}: is too large: a contract, with the files that it refers to, has {MAX_CONTRACT_BYTES} bytes at "
            "most; leave out what is not called"
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContractError(f"{file}: can't be read: is not UTF-8 text at byte {error.start}") from error


def compute_digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()

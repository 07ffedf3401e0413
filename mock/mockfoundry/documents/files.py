"""Files: the text of one, up to a bound, so that a device or a pipe without an end does no harm. Knows no format."""

import os
from pathlib import Path
from typing import BinaryIO

from mockfoundry.documents.problems import DocumentError, Problem

PEM_MARK = "-----BEGIN "
"""What the text of a key or a certificate begins with, where a path may stand, too."""

STANDARD_INPUT = "-"
"""In place of a file's path."""

DOCUMENT_SUFFIXES = (".yaml", ".yml", ".json")
SCHEMA_SUFFIX = ".schema.json"
"""What a JSON Schema for editors ends with; it is no document, though it stands beside those that it is for."""


def list_document_files(folder: Path) -> list[Path]:
    """The files of a folder itself that may be scenarios or seeds, in the order of their names.

    Raises:
        OSError: it can't be read.
    """
    return sorted(
        each
        for each in folder.iterdir()
        # A pipe would be waited for without end, and editors lock a file by a link to nothing.
        if each.suffix in DOCUMENT_SUFFIXES and not each.name.endswith(SCHEMA_SUFFIX) and each.is_file()
    )


def read_document_file(path: Path, most: int, mend: str) -> str:
    """A file's text.

    Args:
        most: bytes that are read.
        mend: what to do about a file that has more.

    Raises:
        DocumentError: it has more, or is not UTF-8.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        return read_document_stream(file, str(path), most, mend)


def read_document_stream(file: BinaryIO, source: str, most: int, mend: str) -> str:
    """The text of what is open: a file, or the standard input.

    Args:
        source: what problems call it.

    Raises:
        DocumentError, OSError: as `read_document_file` does.
    """
    content = file.read(most + 1)
    if len(content) > most:
        raise DocumentError([Problem(source, 1, 1, f"is larger than {most} bytes, the most that is read; {mend}")])
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise DocumentError([Problem(source, line, column, describe_bytes(content))]) from None


def describe_bytes(content: bytes) -> str:
    """What is wrong with bytes that are not UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "is UTF-16; save it as UTF-8"
    return (
        "is no text; name a file of YAML or JSON" if b"\0" in content else "is not UTF-8 from here on; save it as UTF-8"
    )


def shorten_path(path: str) -> str:
    """A path as it is shown: without `./` and `a/..`, and from the current folder on where it is below that."""
    tidy = os.path.normpath(path)
    if os.path.realpath(tidy) != os.path.realpath(path):
        # A symbolic link before a `..` leads elsewhere.
        return path
    below = os.path.relpath(tidy) if os.path.isabs(tidy) else tidy
    return below if not below.startswith(os.pardir) else tidy

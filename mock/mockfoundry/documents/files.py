"""Files: the text of one, up to a bound, so that a device or a pipe without an end does no harm. Knows no format."""

from pathlib import Path

from mockfoundry.documents.problems import DocumentError, Problem


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
        content = file.read(most + 1)
    if len(content) > most:
        raise DocumentError([Problem(str(path), 1, 1, f"is larger than {most} bytes, the most that is read; {mend}")])
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise DocumentError([Problem(str(path), line, column, "is not UTF-8; save it as UTF-8")]) from None

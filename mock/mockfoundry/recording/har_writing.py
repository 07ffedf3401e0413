"""Writes HAR files, which are whole at any time, and take no other file's place. Never decides what is kept."""

import base64
import json
import os
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from mockfoundry.documents.times import format_precise_moment
from mockfoundry.recording.har import HarEntry, HarError
from mockfoundry.version import __version__

OWNER_ONLY = 0o600


def entry_to_dict(entry: HarEntry) -> dict[str, Any]:
    """An exchange as an entry of HAR."""
    parts = urlsplit(entry.url)
    request: dict[str, Any] = {
        "method": entry.method,
        "url": entry.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers_to_list(entry.headers),
        "queryString": [
            {"name": name, "value": value} for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(entry.content),
    }
    if entry.content:
        text, encoding = write_body(entry.content)
        request["postData"] = {"mimeType": entry.header("content-type"), "params": [], "text": text, **encoding}
    text, encoding = write_body(entry.answer)
    milliseconds = entry.took / 1000
    written: dict[str, Any] = {
        "startedDateTime": format_precise_moment(entry.started),
        "time": milliseconds,
        "request": request,
        "response": {
            "status": entry.status,
            "statusText": find_phrase(entry.status),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers_to_list(entry.answer_headers),
            "content": {
                "size": len(entry.answer),
                "mimeType": entry.answer_header("content-type"),
                "text": text,
                **encoding,
            },
            "redirectURL": entry.answer_header("location"),
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }
    if entry.actor is not None:
        written["_actor"] = msgspec.to_builtins(entry.actor)
    if entry.comment:
        written["comment"] = entry.comment
    return written


def headers_to_list(headers: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def write_body(content: bytes) -> tuple[str, dict[str, str]]:
    """A body as text, and how that is to be read."""
    try:
        return content.decode(), {}
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), {"encoding": "base64"}


def find_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


class HarWriter:
    """Writes a recording: beside its file, which is whole at any time, and is given its name at the end.

    Args:
        path: of the file; must not be there yet.
        upstream: the URL of the foundation.

    Raises:
        HarError: there is such a file, or it can't be written.
    """

    def __init__(self, path: Path, upstream: str) -> None:
        self.path = path
        must_be_free(path)
        self.part = path.with_name(f"{path.name}.part")
        creator = {"name": "mockfoundry", "version": __version__}
        head = {"version": "1.2", "creator": creator, "_upstream": upstream, "entries": []}
        self._head = json.dumps({"log": head}, ensure_ascii=False)[: -len("]}}")]
        self._is_first = True
        try:
            descriptor = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        except FileExistsError:
            raise HarError(
                f"{self.part} exists, of a recording that was killed; keep it elsewhere, or remove it"
            ) from None
        except ValueError:
            raise HarError(f"{str(path)[:100]!r} can't be the name of a file; take another one") from None
        except OSError as error:
            raise HarError(f"{self.part} can't be written: {error.strerror or error}") from None
        self._file: IO[bytes] = os.fdopen(descriptor, "wb")
        try:
            self._file.write(self._head.encode())
            self._end = self._file.tell()
            self._write_tail("")
        except OSError as error:
            self._let_go()
            self.part.unlink(missing_ok=True)
            raise HarError(f"{self.part} can't be written: {error.strerror or error}") from None

    def add(self, entry: HarEntry) -> int:
        """Writes an exchange; how many bytes it took.

        Raises:
            HarError: it can't be written.
        """
        written = msgspec.json.encode(entry_to_dict(entry))
        try:
            self._file.seek(self._end)
            self._file.write((b"\n" if self._is_first else b",\n") + written)
            self._end = self._file.tell()
            self._is_first = False
            self._write_tail("")
        except OSError as error:
            raise HarError(f"{self.part} can't be written: {error.strerror or error}") from None
        return len(written)

    def _write_tail(self, comment: str) -> None:
        self._file.seek(self._end)
        told = f', "comment": {json.dumps(comment)}' if comment else ""
        self._file.write(f"\n]{told}}}}}\n".encode())
        self._file.truncate()
        self._file.flush()

    def _let_go(self) -> None:
        with suppress(OSError):
            self._file.close()

    def close(self, comment: str = "") -> None:
        """Completes the file.

        Args:
            comment: what is to be said of all exchanges, empty for nothing.

        Raises:
            HarError: it can't be given its name; what was recorded is beside it.
        """
        try:
            self._write_tail(comment)
            os.fsync(self._file.fileno())
            self._file.close()
            give_name(self.part, self.path)
        except FileExistsError:
            raise HarError(f"{self.path} exists by now; the recording is in {self.part}") from None
        except OSError as error:
            self._let_go()
            raise HarError(f"{self.path} can't be written: {error.strerror or error}; look for {self.part}") from None


def must_be_free(path: Path) -> None:
    """Refuses what can't be the name of a new file.

    Raises:
        HarError: it can't.
    """
    try:
        is_folder, is_there = path.is_dir(), os.path.lexists(path)
    except OSError as error:
        raise HarError(f"{str(path)[:100]} can't be written: {error.strerror or error}") from None
    if is_folder:
        raise HarError(f"{path} is a folder; name a file in it")
    if is_there:
        raise HarError(f"{path} exists; name another file, or remove that one")


def give_name(part: Path, path: Path) -> None:
    """Gives a file its name, which no other file must have by now."""
    try:
        # It fails where there is such a file, which a renaming would replace.
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        part.rename(path)
    else:
        part.unlink()

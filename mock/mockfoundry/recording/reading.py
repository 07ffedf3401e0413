"""Reading: a HAR file as every command gets it, whoever wrote it. Never lets a secret through.

A browser writes the secrets of all that it asked, and an exchange may repeat what a later one alone shows by its name.
So each is redacted as a recording is, and once more where a secret may stand in it that a later one names.
"""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from mockfoundry.recording.har import HarError, Recording, read_har
from mockfoundry.recording.keeping import SecretKeeper

MAX_HAR_BYTES = 1 << 30
"""Bytes of the largest file that is read."""


def read_recording_file(path: Path) -> Recording:
    """The exchanges of a file, in the order in which they began, without their secrets.

    Raises:
        HarError: it is no HAR file.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        text = file.read(MAX_HAR_BYTES + 1)
    if len(text) > MAX_HAR_BYTES:
        raise HarError(f"{path} is larger than {MAX_HAR_BYTES} bytes; record less in one file")
    return read_recording(text, str(path))


def read_recording(text: bytes, source: str) -> Recording:
    """The same of a file's text.

    Raises:
        HarError: it is no HAR file.
    """
    recording = read_har(text, source)
    keeper = SecretKeeper()
    first = [keeper.redact(each) for each in recording.entries]
    if keeper.known.is_full:
        raise HarError(f"{source} has more secrets than can be looked for; record less in one file")
    parts = urlsplit(recording.upstream)
    return msgspec.structs.replace(
        recording,
        entries=tuple(keeper.redact(each) if keeper.may_repeat(each) else each for each in first),
        upstream=parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
    )

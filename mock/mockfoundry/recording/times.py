"""Times: when the exchanges of a recording came, by the foundation's own clock. Never reads a clock itself."""

from datetime import UTC
from email.utils import parsedate_to_datetime

import msgspec

from mockfoundry.documents.times import count_microseconds
from mockfoundry.recording.har import HarEntry, Recording

MAX_SKEW = 2_000_000
"""Microseconds by which two clocks may differ that show the same second: an answer takes its time, too."""


def follow_foundation_clock(recording: Recording) -> Recording:
    """The recording with the times of the foundation, where its answers tell another time than the recorder's clock."""
    skew, latest = 0, 0
    entries: list[HarEntry] = []
    for entry in recording.entries:
        date = read_date(entry.answer_header("date"))
        if date is not None:
            found = date - entry.started - entry.took
            skew = found if abs(found) > MAX_SKEW else 0
        latest = max(latest, entry.started + skew)
        entries.append(msgspec.structs.replace(entry, started=latest))
    return msgspec.structs.replace(recording, entries=tuple(entries))


def read_date(text: str) -> int | None:
    """A `Date` in microseconds; None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return count_microseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))

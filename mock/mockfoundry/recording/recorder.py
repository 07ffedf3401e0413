"""The recorder: what is written of the exchanges that pass, within bounds, and what is told at the end. Asks nobody."""

from collections import Counter

import msgspec

from mockfoundry.recording.har import HarEntry, HarError, LeftOut
from mockfoundry.recording.har_writing import HarWriter
from mockfoundry.recording.keeping import MAX_NESTING, SecretKeeper


class RecordingBounds(msgspec.Struct, frozen=True):
    """How much is kept.

    Attributes:
        body: bytes of a body; a larger one is left out.
        entries: exchanges.
        total: bytes of the file.
    """

    body: int = 1 << 20
    entries: int = 10_000
    total: int = 256 << 20


class Recorder:
    """Writes exchanges without their secrets; what has no room passes unrecorded, and is counted.

    Attributes:
        recorded: how many exchanges were written.
        unwritable: why nothing more can be written; empty where it can.
    """

    def __init__(self, writer: HarWriter, bounds: RecordingBounds) -> None:
        self._writer = writer
        self._bounds = bounds
        self._keeper = SecretKeeper()
        self._left_out: Counter[str] = Counter()
        self._bytes = 0
        self.recorded = 0
        self.unwritable = ""

    @property
    def body_bound(self) -> int:
        return self._bounds.body

    def record(self, entry: HarEntry) -> None:
        """Writes an exchange, if there is room."""
        if self.recorded >= self._bounds.entries:
            self._left_out[f"exchanges beyond {self._bounds.entries} (--max-entries)"] += 1
        elif self._bytes >= self._bounds.total:
            self._left_out[f"exchanges beyond {self._bounds.total} bytes (--max-bytes)"] += 1
        elif self.unwritable:
            self._left_out["exchanges that could not be written"] += 1
        else:
            try:
                kept = self._keeper.redact(entry)
            except Exception:
                # What can't be redacted is never written, and passes all the same.
                self._left_out["exchanges that mockfoundry failed to redact"] += 1
                return
            if self._keeper.known.is_full:
                self._left_out["exchanges after more secrets than can be remembered"] += 1
                return
            try:
                self._bytes += self._writer.add(kept)
            except HarError as error:
                self.unwritable = str(error)
                self._left_out["exchanges that could not be written"] += 1
                return
            self.recorded += 1
            for reason in sorted(kept.left_out, key=list(LeftOut).index):
                self._left_out[f"exchanges' bodies {self._describe(reason)}"] += 1

    def _describe(self, reason: LeftOut) -> str:
        match reason:
            case LeftOut.LARGE:
                return f"beyond {self._bounds.body} bytes (--max-body)"
            case LeftOut.NO_TEXT:
                return "that are no text"
            case LeftOut.DEEP:
                return f"that nest deeper than {MAX_NESTING}"
            case LeftOut.PACKED:
                return "that could not be unpacked"

    def describe_left_out(self) -> str:
        """What is not in the file, in words; empty for nothing."""
        if not self._left_out:
            return ""
        return "left out: " + ", ".join(f"{count} {what}" for what, count in self._left_out.items())

    def close(self) -> None:
        """Completes the file.

        Raises:
            HarError: it can't be given its name.
        """
        self._writer.close(self.describe_left_out())

"""Bodies that pass: unpacked as they come, and the first bytes of them kept. Never changes what passes.

A body may be packed wrongly: it breaks off, or is not what its `Content-Encoding` says. Then what could be unpacked is
kept, and it is said that this is not all.
"""

import zlib
from collections.abc import Iterator
from typing import Any

from mockfoundry.recording.har import LeftOut

PIECE_BYTES = 1 << 20
"""Bytes that are unpacked at once: a few may say a thousand times as many."""

GZIP = frozenset({"gzip", "x-gzip"})
PACKED = GZIP | {"deflate"}


class Unpacker:
    """Unpacks gzip, which may have several members, and deflate, with zlib's frame and without [RFC 9110, 8.4.1].

    Args:
        encoding: one of PACKED.

    Attributes:
        problem: why not all could be unpacked; empty where all was, so far.
    """

    def __init__(self, encoding: str) -> None:
        self._is_gzip = encoding in GZIP
        self._decoder: Any = None
        self._rest = b""
        self._has_ended = False
        self.problem = ""

    def feed(self, part: bytes) -> Iterator[bytes]:
        """What a part says; nothing once there is a problem."""
        if self.problem:
            return
        self._rest += part
        # A decoder may have taken all that came, and not yet have given all that this says.
        is_full = False
        while (self._rest or is_full) and not self.problem:
            if self._decoder is None and not self._begin():
                return
            try:
                piece = self._decoder.decompress(self._rest, PIECE_BYTES)
            except zlib.error:
                self._give_up("what follows is not packed so")
                return
            is_over = self._decoder.eof
            is_full = len(piece) == PIECE_BYTES and not is_over
            self._rest = self._decoder.unused_data if is_over else self._decoder.unconsumed_tail
            if is_over:
                self._decoder, self._has_ended = None, True
            yield piece

    def _give_up(self, problem: str) -> None:
        self.problem, self._rest = problem, b""

    def _begin(self) -> bool:
        """Begins a member; false where too little of it is there yet."""
        if self._has_ended:
            if not self._is_gzip:
                self._give_up("more follows its end")
                return False
            # Some fill up with zeros behind it [gzip's manual, 3].
            self._rest = self._rest.lstrip(b"\x00")
        if len(self._rest) < 2:
            return False
        head = int.from_bytes(self._rest[:2], "big")
        if self._is_gzip:
            if head != 0x1F8B:
                self._give_up("more follows its end" if self._has_ended else "it is no gzip")
                return False
            self._decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
        else:
            # Two bytes of zlib's frame are a number that 31 divides, with the method in it [RFC 1950, 2.2].
            is_framed = head % 31 == 0 and head >> 8 & 15 == 8
            self._decoder = zlib.decompressobj(zlib.MAX_WBITS if is_framed else -zlib.MAX_WBITS)
        return True

    def end(self) -> None:
        """Notes that no more comes."""
        if not self.problem and (self._decoder is not None or self._rest or not self._has_ended):
            self.problem = "it breaks off"


class BodyCopy:
    """The first bytes of a body that passes, unpacked.

    Args:
        most: bytes; a larger body is not kept at all.
        encoding: its `Content-Encoding`, in lower case.

    Attributes:
        is_packed: whether it comes in a form that is unpacked.
        size: bytes so far.
    """

    def __init__(self, most: int, encoding: str = "") -> None:
        self._most = most
        self._parts: list[bytes] = []
        self._unpacker = Unpacker(encoding) if encoding in PACKED else None
        self._is_unknown = encoding not in ("", "identity", *PACKED)
        self._has_begun = False
        self.is_packed = self._unpacker is not None or self._is_unknown
        self.size = 0

    def take(self, part: bytes) -> Iterator[bytes]:
        """Takes a part as it came; what it says, unpacked."""
        self._has_begun |= bool(part)
        for piece in self._list_pieces(part):
            self.size += len(piece)
            if self.size <= self._most:
                self._parts.append(piece)
            else:
                self._parts.clear()
            yield piece

    def _list_pieces(self, part: bytes) -> Iterator[bytes]:
        if self._unpacker is not None:
            return self._unpacker.feed(part)
        return iter(() if self._is_unknown else (part,))

    def end(self) -> None:
        """Notes that no more comes. Where there is no body at all, none breaks off."""
        if self._unpacker is not None and self._has_begun:
            self._unpacker.end()

    @property
    def content(self) -> bytes:
        return b"".join(self._parts)

    @property
    def problem(self) -> str:
        """Why not all of it could be unpacked; empty where all was."""
        if self._is_unknown:
            return "nobody here knows its encoding" if self._has_begun else ""
        return "" if self._unpacker is None else self._unpacker.problem

    @property
    def left_out(self) -> LeftOut | None:
        """Why not all of it is kept."""
        if self.size > self._most:
            return LeftOut.LARGE
        return LeftOut.PACKED if self.problem else None

    def describe(self, whose: str) -> str:
        """What is not kept of it, in words; empty where all is."""
        if self.size > self._most:
            return f"the {whose}'s body of {self.size} bytes is left out"
        if not self.problem:
            return ""
        kept = f"but for its first {self.size} bytes" if self.size else "at all"
        return f"the {whose}'s body could not be unpacked {kept}: {self.problem}"

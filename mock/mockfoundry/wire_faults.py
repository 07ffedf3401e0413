"""Wire faults: how a connection breaks in place of a response, or before any request. Never touches a socket.

A new fault is one class here, its entry in WIRE_FAULTS, and its name in the lists that docs/architecture.md tells of.
Scenario files, lint, coverage, torture, the strategies, the server, the in-process transports and the generated
documents take it from here.

The faults of TLS are decided in the handshake, before there is a request. So they are no answers of a rule: `tls:` of a
scenario names them, and the server alone plays them.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import msgspec


class BrokenResponse(msgspec.Struct, frozen=True):
    """What goes out on a connection in place of a response. A client that leaves ends every wait at once.

    Attributes:
        opening: bytes sent at once, before any of the response's body: its head, something else, or nothing.
        body_parts: what is sent of the response's body, in order.
        pause_seconds: the wait before each of these parts.
        silence_seconds: the wait between the last byte and the end.
        ending: `close` ends the connection after what was sent; `reset` ends it by a TCP reset.
    """

    opening: bytes = b""
    body_parts: tuple[bytes, ...] = ()
    pause_seconds: float = 0.0
    silence_seconds: float = 0.0
    ending: Literal["close", "reset"] = "close"


class WireFault(ABC):
    """One way in which a connection breaks.

    Attributes:
        name: as scenario files give it.
        about: what the client meets, for documents; a sentence.
        effect: what a call meets, for generated scenarios; goes on after `Call 1 of scaleProcess`.
        needs_body: whether a response without a body would arrive whole.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    effect: ClassVar[str]
    needs_body: ClassVar[bool] = False

    @abstractmethod
    def break_response(self, head: bytes, body: bytes) -> BrokenResponse:
        """What goes out.

        Args:
            head: of the response that there would have been: status line, headers, empty line.
            body: of that response.
        """

    @property
    def sends_headers(self) -> bool:
        """Whether the client gets the headers of the response."""
        return self.break_response(b"head", b"").opening == b"head"

    @property
    def is_instant(self) -> bool:
        """Whether the client meets it without waiting."""
        broken = self.break_response(b"head", b"body")
        return not (broken.pause_seconds or broken.silence_seconds)


class ResetFault(WireFault):
    """As when a gateway dies."""

    name = "reset"
    about = "The connection ends with a TCP reset."
    effect = "has its connection reset"

    def break_response(self, head: bytes, body: bytes) -> BrokenResponse:
        return BrokenResponse(ending="reset")


class EmptyFault(WireFault):
    """As when a worker is stopped between request and response."""

    name = "empty"
    about = "The connection is closed before a byte is sent."
    effect = "has its connection closed without a byte"

    def break_response(self, head: bytes, body: bytes) -> BrokenResponse:
        return BrokenResponse()


class TruncateFault(WireFault):
    """As when a gateway stops in the middle of a response."""

    name = "truncate"
    about = "The headers promise the whole body, but only half of it comes."
    effect = "gets half of an answer"
    needs_body = True

    def break_response(self, head: bytes, body: bytes) -> BrokenResponse:
        return BrokenResponse(opening=head, body_parts=(body[: len(body) // 2],))


# A TLS alert (handshake failure), which a client without TLS gets from a port that speaks TLS, and some noise.
NOT_HTTP = bytes([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]) + b"\x00mockfoundry garbage\xff\xfe\r\n\r\n"


class GarbageFault(WireFault):
    """As from a port where something else listens."""

    name = "garbage"
    about = "Bytes come that are not HTTP."
    effect = "gets bytes that are no HTTP"

    def break_response(self, head: bytes, body: bytes) -> BrokenResponse:
        return BrokenResponse(opening=NOT_HTTP)


@dataclass(frozen=True)
class HangFault(WireFault):
    """As when a worker is stuck: the client's own timeout decides.

    Attributes:
        silence_seconds: after which the connection is closed anyway.
    """

    silence_seconds: float = 300.0

    name = "hang"
    about = "Nothing comes, and the connection stays open."
    effect = "is never answered"

    def break_response(self, head: bytes, body: bytes) -> BrokenResponse:
        return BrokenResponse(silence_seconds=self.silence_seconds)


@dataclass(frozen=True)
class DribbleFault(WireFault):
    """As behind an overloaded gateway: each read is in time, the whole response comes too late for some clients.

    Attributes:
        pieces: into which the body is cut, at most.
        total_seconds: that all pieces take together.
    """

    pieces: int = 20
    total_seconds: float = 5.0

    name = "dribble"
    about = "The whole answer comes, a few bytes at a time."
    effect = "is answered a few bytes at a time"

    def break_response(self, head: bytes, body: bytes) -> BrokenResponse:
        size = max(1, -(-len(body) // self.pieces))
        parts = tuple(body[start : start + size] for start in range(0, len(body), size))
        return BrokenResponse(opening=head, body_parts=parts, pause_seconds=self.total_seconds / self.pieces)


WIRE_FAULTS: dict[str, WireFault] = {
    fault.name: fault
    for fault in (ResetFault(), EmptyFault(), TruncateFault(), GarbageFault(), HangFault(), DribbleFault())
}
"""Every fault by its name, the simplest first."""

WIRE_FAULT_NAMES = tuple(WIRE_FAULTS)
INSTANT_FAULT_NAMES = tuple(name for name, fault in WIRE_FAULTS.items() if fault.is_instant)
"""The faults that are drawn unless others are named: those that a client meets without waiting."""

TlsFaultName = Literal[
    "expired", "other-host", "self-signed", "hang", "alert", "answer-cut", "answer-alert", "answer-garbled"
]


@dataclass(frozen=True, slots=True)
class TlsFault:
    """One way in which a connection by TLS goes wrong.

    Attributes:
        about: what the client meets, for documents; a sentence.
        needs_authority: whether only a server with an authority of its own can show it.
        breaks_answer: whether the handshake goes well, and the first answer after it does not.
    """

    about: str
    needs_authority: bool = False
    breaks_answer: bool = False


TLS_FAULTS: dict[TlsFaultName, TlsFault] = {
    "expired": TlsFault("The certificate was valid until yesterday. Only with `--tls`.", needs_authority=True),
    "other-host": TlsFault("The certificate is for another host. Only with `--tls`.", needs_authority=True),
    "self-signed": TlsFault("The certificate is signed by itself, and by no authority."),
    "hang": TlsFault("The client's first message is never answered, and the connection stays open."),
    "alert": TlsFault("The handshake ends with the alert `internal_error`."),
    "answer-cut": TlsFault(
        "The connection ends in the middle of the first answer's body, without the end that TLS announces "
        "(`close_notify`), as it does where a process dies.",
        breaks_answer=True,
    ),
    "answer-alert": TlsFault(
        "In the middle of the first answer's body comes the alert `bad_record_mac`, as it does where something on the "
        "way has changed what the client sent.",
        breaks_answer=True,
    ),
    "answer-garbled": TlsFault(
        "In the middle of the first answer's body comes a record that can't be decrypted, as it does where something "
        "on the way has changed what the server sent.",
        breaks_answer=True,
    ),
}
"""Every fault of a connection by TLS, by its name."""

TLS_FAULT_NAMES: tuple[TlsFaultName, ...] = get_args(TlsFaultName)

NO_TLS_TITLE = "Mock-NoTls"
"""What a server with TLS calls a request that came by http."""

CONTROL_PROTOCOL = "mockfoundry-control"
"""What mockfoundry's own clients offer by ALPN. Their handshakes are never broken, or they could not end a scenario."""

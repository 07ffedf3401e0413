"""Entries: one exchange as it is read from the journal: its parts decoded when they are looked at. Changes nothing."""

from typing import Any

import msgspec

from mockfoundry.bodies import read_query

NOTHING = msgspec.UNSET
"""What stands for a body that is not there, or can't be read."""


ALL = -1
OPEN = -2
"""What stands for the whole body of an answer, and for one whose end is not there yet."""


class Entry(msgspec.Struct, array_like=True):
    """One exchange.

    Attributes:
        number: from 1, in the order of the foundation's exchanges.
        real: when it arrived, in microseconds of the machine's clock.
        now: the same moment on the foundation's clock.
        kept: whether the world did what it asks for, also where the answer was then lost.
        changed: whether the world was another then: not, where it was scaled to what it had.
        sent_headers: the request's, names in lower case.
        content: the request's body.
        delay: microseconds that the answer waited.
        phase: of the scenario's answer, empty where no scenario answered.
        near: the rule that nearly matched, in words.
        virtual_delay: the same on the foundation's clock.
        worldly: whether it was refused by a world that a scenario had changed.
        bytes_sent: of the answer's body what really went out; ALL where nobody said otherwise, OPEN while it may.
    """

    number: int
    real: int
    now: int
    operation: str
    actor: str
    process: str
    kept: bool
    changed: bool
    method: str
    target: str
    query_string: bytes
    path: dict[str, str]
    sent_headers: dict[bytes, bytes]
    content: bytes
    scheme: str
    status: int
    answer_headers: list[tuple[bytes, bytes]]
    answer: bytes
    said: str
    delay: int
    hold: str
    fault: str
    scenario: str
    rule: int
    phase: str
    near: str
    virtual_delay: int
    worldly: bool
    bytes_sent: int = ALL

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The request's headers, as conditions ask for them."""
        return self.sent_headers

    @property
    def token(self) -> str:
        scheme, _, token = self.header(b"authorization").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def query(self) -> dict[str, list[str]]:
        """The query parameters, each with all its values in order."""
        return read_query(self.query_string)

    @property
    def body(self) -> Any:
        """The request's body as a value, NOTHING where there is none that can be read."""
        return value_of(self.content, self.header(b"content-type"))

    @property
    def answered(self) -> Any:
        """The answer's body as a value, NOTHING where there is none that can be read."""
        return value_of(self.answer, self.answer_header(b"content-type"))

    @property
    def why(self) -> str:
        """What decided it, in a line."""
        return self.answer_header(b"x-mock-why") or self.said

    @property
    def laxer(self) -> str:
        """What the contract does not allow and was let pass all the same."""
        return self.answer_header(b"x-mock-contract")

    @property
    def lost(self) -> bool:
        """Whether the client was not given the answer of what was done."""
        return self.kept and (bool(self.fault) or self.status >= 400)

    @property
    def failed(self) -> bool:
        """Whether the client has reason to think that it did not work."""
        return bool(self.fault) or self.status >= 400

    @property
    def outcome(self) -> str:
        """The status, or what went wrong on the wire."""
        return self.fault or str(self.status)

    @property
    def path_there(self) -> str:
        """The path in its foundation, without the prefix that may have named that."""
        _, _, rest = self.target.removeprefix("/foundations/").partition("/")
        return f"/{rest}" if self.target.startswith("/foundations/") else self.target

    def header(self, name: bytes) -> str:
        return self.sent_headers.get(name, b"").decode("latin-1")

    def answer_header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.answer_headers if key == name), "")


def value_of(content: bytes, content_type: str) -> Any:
    """A body as a value, where it says that it is JSON and is."""
    if not content or "json" not in content_type.lower():
        return NOTHING
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        return NOTHING

"""Calls about one foundation: made on the first of them, and never a second time unasked. Knows no call's meaning."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from mockfoundry.client.arguments import encode_text, join_with_commas
from mockfoundry.client.control import ControlClient
from mockfoundry.client.errors import ControlError
from mockfoundry.documents.problems import Document

UNKNOWN_FOUNDATION = "unknown-foundation"
BAD_DOCUMENT = "bad-document"
"""Kinds of ControlError."""

WAS_PRESENT = "it was there, and was deleted since or has expired"
WAS_DELETED = "it was deleted"
"""What a call of this process last saw of a foundation; also the words for it in an error."""

_BODY_PLACE = re.compile(r"^body(?=:\d)", re.MULTILINE)
"""Where a problem's place begins: the server knows a document as its request's body."""


def name_source_in_detail(detail: str, source: str) -> str:
    """A problem's detail with the name of a document where the server says that it is the body of its request."""
    return _BODY_PLACE.sub(lambda _: source, detail)


class FoundationCalls:
    """The calls about one foundation. It is made on the first call, and never a second time without being asked to.

    Args:
        control: the control API of its server.
        without_scenarios: it is made without the scenarios that the server was started with.

    Attributes:
        name: of the foundation.
    """

    def __init__(self, name: str, control: ControlClient, without_scenarios: bool) -> None:
        self.name = name
        self._control = control
        self._path = f"/foundations/{quote(name, safe='')}"
        self._last_seen = ""
        self._seed: Document | None = None
        self._random_seed: int | None = None
        self._scenarios = "none" if without_scenarios else None

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        document: Document | None = None,
    ) -> Any:
        """What a call about this foundation answers; the foundation is made first where it was never used.

        Raises:
            ControlError: the control API refuses the call; or the foundation is gone.
        """
        if self._last_seen == WAS_DELETED:
            # Some calls would make it again, with a different world; this one is refused.
            self._send_call("GET", "")
        try:
            return self._send_call(method, path, body, query=query, document=document)
        except ControlError as error:
            if error.kind != UNKNOWN_FOUNDATION or self._last_seen:
                raise
        self._make()
        return self._send_call(method, path, body, query=query, document=document)

    def _begin(self, seed: Document | None, random_seed: int | None, play: Sequence[str] = ()) -> None:
        """Makes the foundation; one that is there is replaced.

        Args:
            play: scenarios of the library that are switched on in it.
        """
        before = self._seed, self._random_seed, self._last_seen
        # Set before the call: where only its answer is lost, the foundation is already the new one.
        self._seed, self._random_seed = seed, random_seed
        self._last_seen = ""
        try:
            query = {"random_seed": random_seed, "scenarios": self._scenarios, "play": join_with_commas(play)}
            self._send_call("PUT", "", query=query, document=seed)
        except ControlError:
            self._seed, self._random_seed, self._last_seen = before
            raise

    def _make(self) -> None:
        """Makes the foundation from the seed of `begin`, else the server's, unless it was made meanwhile."""
        query = {"random_seed": self._random_seed, "scenarios": self._scenarios}
        try:
            self._send_call("PUT", "", query=query, document=self._seed, headers={"If-None-Match": "*"})
        except ControlError as error:
            if error.status != 412:
                raise

    def _is_there(self) -> bool:
        """Whether there is a foundation of the name, whoever made it."""
        try:
            self._control("GET", self._path)
        except ControlError as error:
            if error.kind != UNKNOWN_FOUNDATION:
                raise
            return False
        return True

    def _delete(self) -> None:
        """Deletes the foundation; no error if there is none."""
        try:
            self._control("DELETE", self._path)
        except ControlError as error:
            if error.kind != UNKNOWN_FOUNDATION:
                raise
        self._last_seen = WAS_DELETED

    def _send_call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        document: Document | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        content = body if document is None else encode_text(document)
        if self._last_seen:
            # Else the server would make a new foundation of this name, with another world.
            headers = {**(headers or {}), "If-Match": "*"}
        try:
            answer = self._control(method, self._path + path, content, query=query, headers=headers)
        except ControlError as error:
            detail = error.detail
            if document is not None:
                detail = name_source_in_detail(detail, document.source)
            if self._last_seen and error.kind == UNKNOWN_FOUNDATION:
                detail += f"; {self._last_seen}: begin() makes it anew"
            raise ControlError(error.status, error.kind, detail) from None
        self._last_seen = WAS_PRESENT
        return answer

"""Calls about one foundation, which is made when it is first needed, and never a second time unasked.

Never knows what a call means.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mockfoundry.client.calls import Calls
from mockfoundry.client.errors import ControlError
from mockfoundry.client.wording import Document

UNKNOWN = "unknown-foundation"

THERE = "it was there, and was deleted since or has expired"
DELETED = "it was deleted"
"""What a foundation was when it was last asked for, by what this process has seen of it."""

_PLACE = re.compile(r"^body(?=:\d)", re.MULTILINE)


class Addressed:
    """A foundation's name, and the calls about it.

    Args:
        calls: the control API of its server.

    Attributes:
        name: of the foundation.
    """

    def __init__(self, name: str, calls: Calls) -> None:
        self.name = name
        self._calls = calls
        self._path = f"/foundations/{quote(name, safe='')}"
        self._was = ""
        self._seed: Document | None = None
        self._random_seed: int | None = None

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        document: Document | None = None,
    ) -> Any:
        """What a call about this foundation answers; one that nobody has used yet is made for it.

        Raises:
            ControlError: the control API says no; or the foundation was there, and is there no more.
        """
        if self._was == DELETED:
            # Some calls would make it anew, as another world than it was.
            self._asked("GET", "")
        try:
            return self._asked(method, path, body, query=query, document=document)
        except ControlError as error:
            if error.kind != UNKNOWN or self._was:
                raise
        self._make()
        return self._asked(method, path, body, query=query, document=document)

    def _begin(self, seed: Document | None, random_seed: int | None) -> None:
        """Makes the foundation, in the place of the one there may be."""
        before = self._seed, self._random_seed, self._was
        # Where the answer is lost, and the call with it, the foundation is still the one that was asked for.
        self._seed, self._random_seed = seed, random_seed
        self._was = ""
        try:
            self._asked("PUT", "", query={"random_seed": random_seed}, document=seed)
        except ControlError:
            self._seed, self._random_seed, self._was = before
            raise

    def _make(self) -> None:
        """Makes the foundation as it was begun, else from the server's seed, unless somebody did so meanwhile."""
        query = {"random_seed": self._random_seed}
        try:
            self._asked("PUT", "", query=query, document=self._seed, headers={"If-None-Match": "*"})
        except ControlError as error:
            if error.status != 412:
                raise

    def _delete(self) -> None:
        """Takes the foundation away; that it is not there is no error."""
        try:
            self._calls("DELETE", self._path)
        except ControlError as error:
            if error.kind != UNKNOWN:
                raise
        self._was = DELETED

    def _asked(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        document: Document | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        sent = body if document is None else document.text.encode()
        if self._was:
            # Nobody wants another world that goes by the name of the one that was there.
            headers = {**(headers or {}), "If-Match": "*"}
        try:
            answer = self._calls(method, self._path + path, sent, query=query, headers=headers)
        except ControlError as error:
            detail = error.detail
            if document is not None:
                # The server knows what was sent as its body; whoever wrote it knows it by another name.
                detail = _PLACE.sub(lambda _: document.source, detail)
            if self._was and error.kind == UNKNOWN:
                detail += f"; {self._was}: begin() makes it anew"
            raise ControlError(error.status, error.kind, detail) from None
        self._was = THERE
        return answer

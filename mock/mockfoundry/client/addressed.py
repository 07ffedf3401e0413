"""Calls about one foundation, which is made when it is first needed. Never knows what a call means."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mockfoundry.client.calls import Calls
from mockfoundry.client.errors import ControlError
from mockfoundry.client.wording import Document

UNKNOWN = "unknown-foundation"

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

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        document: Document | None = None,
    ) -> Any:
        """What a call about this foundation answers; one that nobody has used yet is made for it."""
        sent = body if document is None else document.text.encode()
        try:
            try:
                return self._calls(method, self._path + path, sent, query=query)
            except ControlError as error:
                if error.kind != UNKNOWN:
                    raise
            self._make()
            return self._calls(method, self._path + path, sent, query=query)
        except ControlError as error:
            if document is None:
                raise
            # The server knows what was sent as its body; whoever wrote it knows it by another name.
            raise ControlError(error.status, error.kind, _PLACE.sub(lambda _: document.source, error.detail)) from None

    def _make(self) -> None:
        """Makes the foundation from the server's seed, unless somebody did so meanwhile."""
        try:
            self._calls("PUT", self._path, headers={"If-None-Match": "*"})
        except ControlError as error:
            if error.status != 412:
                raise

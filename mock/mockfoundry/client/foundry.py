"""A foundry: what all servers have in common for a test: foundations, and what their clients have met. Starts none."""

from collections.abc import Sequence

import msgspec

from mockfoundry.client.calls import Calls
from mockfoundry.client.errors import ServerError
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.names import fresh_name, must_be_name
from mockfoundry.client.values import Coverage
from mockfoundry.client.wording import SeedSource, comma_separated


class Foundry:
    """A server, wherever it runs."""

    def __init__(self) -> None:
        self._url = ""
        self._calls: Calls | None = None

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end.

        Raises:
            ServerError: it is not running.
        """
        self._running()
        return self._url

    def foundation(
        self, name: str | None = None, seed: SeedSource | None = None, random_seed: int | None = None
    ) -> Foundation:
        """A foundation: a fresh one, the one of a name, or, with a seed, one that is made anew at once.

        Without a seed nothing is asked of the server: the foundation is made from the server's seed on its first use.

        Args:
            name: 1 to 64 letters, digits, '-', '_' or '.'; None for one that no other foundation has.
            seed: a file, the text of one, or its value.
            random_seed: what everything follows from that the seed leaves out; the server's where it is None. Only
                with a seed: the server's own has its random seed already.

        Raises:
            ControlError: the seed, or the name of a foundation that has one, can't be used.
            OSError: the seed's file can't be read.
            ServerError: the server is not running.
            TypeError, ValueError: the name or the seed is empty or nothing of the kind; or a random seed stands alone.
        """
        calls = self._running()
        named = fresh_name() if name is None else must_be_name(name, "foundation", "or None for a fresh one")
        foundation = Foundation(self._url, named, calls)
        if seed is not None or random_seed is not None:
            foundation.begin(seed, random_seed)
        return foundation

    def coverage(self, operations: Sequence[str] = ()) -> Coverage:
        """Which documented answers and faults the clients of all foundations have met, those that are gone too.

        Args:
            operations: only these; none for all.
        """
        query = {"operation": comma_separated(operations)}
        return msgspec.convert(self._running()("GET", "/coverage", query=query), Coverage)

    def _open(self, url: str, calls: Calls) -> None:
        self._url, self._calls = url.rstrip("/"), calls

    def _close(self) -> None:
        calls, self._calls = self._calls, None
        if calls is not None:
            calls.close()

    def _running(self) -> Calls:
        if self._calls is None:
            raise ServerError(
                f"this {type(self).__name__} is not running; use it in its block: "
                f"with {type(self).__name__}() as server: …"
            )
        return self._calls

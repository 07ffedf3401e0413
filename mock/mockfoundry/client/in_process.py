"""A server without a socket: foundations served in this process to httpx and httpx2. Answers nothing itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from mockfoundry.client.calls import PATIENCE_SECONDS, Calls, Reply
from mockfoundry.client.errors import ServerError, ServerGoneError
from mockfoundry.client.foundry import Foundry
from mockfoundry.client.recipe import Mode, begun, recipe_of
from mockfoundry.client.wording import SeedSource

if TYPE_CHECKING:
    import httpx
    import httpx2
    from starlette.types import ASGIApp

    from mockfoundry.client.transports import LibraryName
    from mockfoundry.client.wording import ScenarioSource
    from mockfoundry.exchange import Service
    from mockfoundry.in_process import Door, Turns

URL = "http://mockfoundry.test"
"""Where its foundations seem to be: a name that is never resolved, so a forgotten transport is noticed."""


class InProcess(Foundry):
    """A server without a socket, from the beginning of its `with` block to its end.

    `httpx.Client(transport=server.transport(), base_url=foundation.url)` is served by it. A client waits for a delay
    really, unless it is longer than its read timeout, which then is raised at once.

    Args:
        seed: what each foundation begins with: a file, the text of one, or its value; None for one small app.
        scenarios: what each foundation begins with: names of the library, files, texts, values, or Scenarios.
        random_seed: what everything follows from that the seed leaves out.
        contract: another OpenAPI document.
        strict: refuse what the contract does not allow, also where the real Cloud Controller lets it pass.
        mode: answer from a world that changes, or (`canned`) from the contract's examples.
        max_foundations: how many there may be; None for the server's own bound.

    Raises:
        OSError: a file can't be read.
        TypeError, ValueError: the seed or a scenario is nothing of the kind, or empty.
    """

    def __init__(
        self,
        seed: SeedSource | None = None,
        scenarios: "Sequence[ScenarioSource]" = (),
        random_seed: int = 1,
        contract: str | Path | None = None,
        strict: bool = False,
        mode: Mode = "stateful",
        max_foundations: int | None = None,
    ) -> None:
        super().__init__()
        self._recipe = recipe_of(seed, scenarios, random_seed, contract, strict, mode, max_foundations)
        self._door: Door | None = None

    def __enter__(self) -> Self:
        """Makes the server.

        Raises:
            ServerError: it can't be made; the text says why.
        """
        if self._door is not None:
            raise ServerError("this InProcess is running already; make another one")
        self._door = door_of(begun(self._recipe))
        self._open(URL, Calls(DoorSender(self._door), URL))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._door = None

    @overload
    def transport(self, library: Literal["httpx"] = "httpx") -> "httpx.BaseTransport": ...
    @overload
    def transport(self, library: Literal["httpx2"]) -> "httpx2.BaseTransport": ...
    def transport(self, library: "LibraryName" = "httpx") -> Any:
        """A transport for a library's `Client`.

        Raises:
            ImportError: the library is not installed.
            ServerError: the server is not running.
        """
        from mockfoundry.client.transports import transport_class

        return transport_class(library)(self._opened())

    @overload
    def async_transport(self, library: Literal["httpx"] = "httpx") -> "httpx.AsyncBaseTransport": ...
    @overload
    def async_transport(self, library: Literal["httpx2"]) -> "httpx2.AsyncBaseTransport": ...
    def async_transport(self, library: "LibraryName" = "httpx") -> Any:
        """A transport for a library's `AsyncClient`.

        Raises:
            ImportError: the library is not installed.
            ServerError: the server is not running.
        """
        from mockfoundry.client.transports import async_transport_class

        return async_transport_class(library)(self._opened())

    def _opened(self) -> "Door":
        self._running()
        assert self._door is not None  # noqa: S101 (it runs)
        return self._door


class DoorSender:
    """Takes control calls to a door in this process."""

    def __init__(self, door: "Door") -> None:
        self._door = door

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to a call.

        Raises:
            ServerGoneError: it did not come, or there is no server any more.
        """
        from mockfoundry.in_process import EndedError, TooLateError, waited

        sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        sent += [(b"host", URL.partition("//")[2].encode()), (b"content-length", b"%d" % len(body))]
        try:
            pauses = self._door.controlled(method, target.encode("ascii"), sent, body, PATIENCE_SECONDS)
            answer = waited(pauses, self._door.closed)
        except (EndedError, TooLateError) as error:
            found = "has ended" if isinstance(error, EndedError) else "does not answer"
            raise ServerGoneError(f"the server in this process {found}; use it inside its `with` block") from None
        media = next((value.decode("latin-1") for name, value in answer.headers if name == b"content-type"), "")
        return Reply(answer.status, media, answer.body)

    def close(self) -> None:
        self._door.close()


def door_of(service: "Service") -> "Door":
    """A service for callers in this process."""
    from mockfoundry.in_process import Door
    from mockfoundry.server.limits import Limits

    def control(turns: "Turns") -> "ASGIApp":
        # Not every test asks for it, and a start should be short.
        from mockfoundry.control import control_app

        return control_app(service, turns)

    return Door(service, Limits(), control)

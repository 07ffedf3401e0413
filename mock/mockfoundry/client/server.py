"""A server on a socket for a test: in its own process, in a thread, or one that runs elsewhere. Answers nothing."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mockfoundry.client.calls import Calls, SocketSender
from mockfoundry.client.errors import ServerError
from mockfoundry.client.foundry import Foundry
from mockfoundry.client.recipe import Mode, Recipe, begun, recipe_of
from mockfoundry.client.wording import SeedSource

if TYPE_CHECKING:
    from mockfoundry.client.wording import ScenarioSource

ELSEWHERE = "start it, or give Server.connect the URL at which it is"
ENDED = "use it inside its `with` block"


class Server(Foundry):
    """A server on a free port of this machine, from the beginning of its `with` block to its end.

    It runs in a process of its own, which ends when this one does, in whatever way.

    Args:
        seed: what each foundation begins with: a file, the text of one, or its value; None for one small app.
        scenarios: what each foundation begins with: names of the library, files, texts, values, or Scenarios.
        random_seed: what everything follows from that the seed leaves out.
        contract: another OpenAPI document.
        strict: refuse what the contract does not allow, also where the real Cloud Controller lets it pass.
        mode: answer from a world that changes, or (`canned`) from the contract's examples.
        max_foundations: how many there may be; None for the server's own bound.
        in_thread: run it in a thread of this process, where a debugger sees it.

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
        in_thread: bool = False,
    ) -> None:
        super().__init__()
        self._recipe: Recipe | None = recipe_of(seed, scenarios, random_seed, contract, strict, mode, max_foundations)
        self._in_thread = in_thread
        self._ending = ExitStack()

    @classmethod
    def connect(cls, url: str, control_token: str = "", mend: str = ELSEWHERE) -> "Server":
        """A server that runs elsewhere; it is never ended from here, and may be used without a `with` block.

        Args:
            control_token: that it was started with; empty for none.
            mend: what an error says to do where the server does not answer.

        Raises:
            ServerError: the URL is none.
        """
        server = cls.__new__(cls)
        Foundry.__init__(server)
        server._recipe = None
        server._ending = ExitStack()
        server._open(url, Calls(SocketSender(url, lambda: mend), url, control_token))
        return server

    def __enter__(self) -> Self:
        """Starts the server.

        Raises:
            ServerError: it can't be started; the text says why.
        """
        if self._recipe is None:
            return self
        if self._calls is not None:
            raise ServerError(f"this server is running already, at {self._url}; make another Server")
        with ExitStack() as ending:
            if self._in_thread:
                self._begin_thread(self._recipe, ending)
            else:
                self._begin_process(self._recipe, ending)
            ending.callback(self._close)
            self._ending = ending.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._recipe is None:
            self._close()
        self._ending.close()

    def _begin_process(self, recipe: Recipe, ending: ExitStack) -> None:
        from mockfoundry.client.lifeline import Child

        child = Child(recipe)
        ending.callback(child.end)
        self._open(child.url, Calls(SocketSender(child.url, child.last_words), child.url))

    def _begin_thread(self, recipe: Recipe, ending: ExitStack) -> None:
        from mockfoundry.listening import BackgroundServer

        server = ending.enter_context(BackgroundServer(begun(recipe)))
        self._open(server.url, Calls(SocketSender(server.url, lambda: ENDED), server.url))

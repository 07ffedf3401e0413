"""Servers for a test: a process of its own, a thread, or one that runs elsewhere. Never answers anything.

`ServerBase` is what they share with a server without a socket: foundations, and what all their clients have met.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from mockfoundry.client.arguments import (
    SeedSource,
    generate_foundation_name,
    join_with_commas,
    must_be_name,
    options_from_arguments,
)
from mockfoundry.client.control import ControlClient, SocketControlClient, split_foundation_url
from mockfoundry.client.errors import ServerError
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.subprocess_server import build_local_service, set_up_local_tls
from mockfoundry.client.values import Coverage
from mockfoundry.options import Mode, ServerOptions

if TYPE_CHECKING:
    import ssl

    from mockfoundry.client.arguments import ScenarioSource


class ServerBase:
    """A server, wherever it runs."""

    def __init__(self) -> None:
        self._url = ""
        self._control: ControlClient | None = None
        self._begins_without_scenarios = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._url or 'that is not running'}>"

    @property
    def url(self) -> str:
        """Its URL, without a slash at the end.

        Raises:
            ServerError: it is not running.
        """
        self._require_running()
        return self._url

    def foundation(
        self,
        name: str | None = None,
        seed: SeedSource | None = None,
        random_seed: int | None = None,
        scenarios: "Sequence[ScenarioSource]" = (),
    ) -> Foundation:
        """A foundation: a fresh one, or the one of that name. With a seed or scenarios it is made again at once.

        Without them the server is not called: the foundation is made from the server's seed on its first use. Where
        foundations are to begin without the server's scenarios, this one is made at once, unless it is there.

        Args:
            name: 1 to 64 letters, digits, '-', '_' or '.'; None for one that no other foundation has.
            seed: a file, the text of one, or its value.
            random_seed: the number from which everything is derived that the seed leaves out; None for the server's.
                Only with a seed, since the server's own is built already.
            scenarios: switched on in it, as `Foundation.begin` does it.

        Raises:
            ControlError: the seed, a scenario, or the name of a foundation that has one, can't be used.
            OSError: the seed's file can't be read.
            ServerError: the server is not running.
            ScenarioError: what is written is not a scenario.
            TypeError, ValueError: the name, the seed or a scenario is empty or of a wrong type, or a random seed has no
                seed.
        """
        control = self._require_running()
        chosen_name = (
            generate_foundation_name() if name is None else must_be_name(name, "foundation", "or None for a fresh one")
        )
        foundation = Foundation(self._url, chosen_name, control, self._begins_without_scenarios)
        if seed is not None or random_seed is not None or scenarios:
            foundation.begin(seed, random_seed, scenarios)
        elif self._begins_without_scenarios:
            foundation.make()
        return foundation

    def scenarios(self) -> list[str]:
        """The names of the scenarios that the server was started with, with which foundations begin."""
        return list(self._require_running()("GET", "/health").get("scenarios", ()))

    def coverage(self, operations: Sequence[str] = ()) -> Coverage:
        """Which documented answers and faults clients have met, in all foundations that there are or have been.

        Args:
            operations: only these; none for all.
        """
        query = {"operation": join_with_commas(operations)}
        return msgspec.convert(self._require_running()("GET", "/coverage", query=query), Coverage)

    def _open(self, url: str, control: ControlClient) -> None:
        self._url, self._control = url.rstrip("/"), control

    def _close(self) -> None:
        control, self._control = self._control, None
        if control is not None:
            control.close()

    def _require_running(self) -> ControlClient:
        """The server's control API.

        Raises:
            ServerError: it is not running.
        """
        if self._control is None:
            raise ServerError(
                f"this {type(self).__name__} is not running; use it in its block: "
                f"with {type(self).__name__}() as server: …"
            )
        return self._control


CONNECT_ADVICE = "start it, or give Server.connect the URL at which it is"
WITH_BLOCK_ADVICE = "use it inside its `with` block"


class Server(ServerBase):
    """A server on a free port of this machine, from the beginning of its `with` block to its end.

    It runs in its own process. That ends when this process does, however this one ends.

    Args:
        seed: what each foundation begins with: a file, the text of one, or its value; None for one small app.
        scenarios: what each foundation begins with: names of the library, files, texts, values, or Scenarios.
        random_seed: the number from which everything is derived that the seed leaves out.
        contract: another OpenAPI document.
        strict: refuse what the contract does not allow, also where the real Cloud Controller lets it pass.
        mode: answer from a world that changes, or (`canned`) from the contract's examples.
        max_foundations: how many there may be; None for the server's own bound.
        platform: another one of the log-in and of what stands around the contract; with another contract there is none
            unless this is given, and `"shipped"` is the one that ships.
        tls: serve https, with a certificate of a throw-away authority that is made at the start; `authority` and
            `ssl_context` are what clients trust it by.
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
        platform: str | Path | None = None,
        tls: bool = False,
        in_thread: bool = False,
    ) -> None:
        super().__init__()
        self._options: ServerOptions | None = options_from_arguments(
            seed=seed,
            scenarios=scenarios,
            random_seed=random_seed,
            contract=contract,
            strict=strict,
            mode=mode,
            max_foundations=max_foundations,
            platform=platform,
            tls=tls,
        )
        self._authority = ""
        self._in_thread = in_thread
        self._exit_stack = ExitStack()

    @classmethod
    def connect(
        cls,
        url: str,
        control_token: str = "",
        mend: str = CONNECT_ADVICE,
        without_scenarios: bool = False,
        authority: str | Path = "",
    ) -> "Server":
        """A server that runs elsewhere; it is never ended from here, and may be used without a `with` block.

        Args:
            url: of the server, or of any of its foundations, as `MOCKFOUNDRY_URL` may be.
            control_token: that it was started with; empty for none.
            mend: what the error advises where the server does not answer.
            without_scenarios: foundations begin without the scenarios that the server was started with.
            authority: the file of the authority by which it is trusted, of a server with TLS; empty for those that
                every program here trusts, or `SSL_CERT_FILE` names.

        Raises:
            OSError: the authority's file can't be read.
            ServerError: the text is not a URL, or the authority's file has no certificate.
        """
        server = cls.__new__(cls)
        ServerBase.__init__(server)
        server._options = None
        server._begins_without_scenarios = without_scenarios
        server._authority = str(authority)
        server._exit_stack = ExitStack()
        server_url, _ = split_foundation_url(url)
        if authority:
            must_be_authority(str(authority))
        server._open(server_url, SocketControlClient(server_url, lambda: mend, control_token, authority=str(authority)))
        return server

    @property
    def authority(self) -> str:
        """The path of the certificate (PEM) that clients trust: for `verify=`, `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`.

        It is there until the server ends.

        Raises:
            ServerError: it is not running, it speaks no TLS, or it runs elsewhere and no authority was named.
        """
        self._require_running()
        if not self._authority:
            mend = (
                "start it with Server(tls=True)" if self._options is not None else "give Server.connect its authority="
            )
            raise ServerError(f"{self._url} has no authority of its own to trust; {mend}")
        return self._authority

    def ssl_context(self) -> "ssl.SSLContext":
        """A new context for a client, which trusts `authority` and nobody else.

        Raises:
            ServerError: as `authority`.
        """
        import ssl

        return ssl.create_default_context(cafile=self.authority)

    def __enter__(self) -> Self:
        """Starts the server.

        Raises:
            ServerError: it can't be started; the text says why.
        """
        if self._options is None:
            return self
        if self._control is not None:
            raise ServerError(f"this server is running already, at {self._url}; make another Server")
        with ExitStack() as ending:
            if self._in_thread:
                self._start_in_thread(self._options, ending)
            else:
                self._start_subprocess(self._options, ending)
            ending.callback(self._close)
            self._exit_stack = ending.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._options is None:
            self._close()
        self._exit_stack.close()

    def _start_subprocess(self, options: ServerOptions, ending: ExitStack) -> None:
        from mockfoundry.client.subprocess_server import SubprocessServer

        child = SubprocessServer(options)
        ending.callback(child.end)
        self._authority = child.authority
        self._open(child.url, SocketControlClient(child.url, child.describe_state, authority=child.authority))

    def _start_in_thread(self, options: ServerOptions, ending: ExitStack) -> None:
        from mockfoundry.server.run import BackgroundServer

        service, tls = build_local_service(options), set_up_local_tls(options, ending.callback)
        server = ending.enter_context(BackgroundServer(service, options, tls))
        self._authority = "" if tls is None else tls.authority_file
        self._open(server.url, SocketControlClient(server.url, lambda: WITH_BLOCK_ADVICE, authority=self._authority))


def must_be_authority(path: str) -> None:
    """Refuses a file by which nothing can be trusted; raises OSError or ServerError."""
    import ssl

    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise ServerError(
            f"authority: {path} has no certificate in PEM; name the file that the server has written"
        ) from None

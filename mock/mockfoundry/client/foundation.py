"""Calls about one foundation, which is made when it is first needed, and never a second time unasked.

Never knows what a call means.

What a foundation's clients did, as a test asks for it. Never judges: the server does.

A foundation as a test has it: its world, clock, scenarios and journal, asked by control calls. Holds no state.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import quote

import msgspec

from mockfoundry.client.arguments import (
    Duration,
    Moment,
    SeedSource,
    SentDocument,
    VerifyArguments,
    generate_foundation_name,
    join_with_commas,
    load_scenario_document,
    load_seed_document,
    must_be_name,
    serialize_duration,
    serialize_expectation,
    serialize_moment,
)
from mockfoundry.client.clock import FoundationClock, HeldRequests
from mockfoundry.client.control import ControlClient
from mockfoundry.client.errors import CannotBeKnownError, ControlError, VerificationError
from mockfoundry.client.values import (
    ActiveScenario,
    Audit,
    Coverage,
    Exchange,
    Process,
    StateChange,
    Verdict,
    find_process_in_state,
)

if TYPE_CHECKING:
    from mockfoundry.client.arguments import ScenarioSource


UNKNOWN_FOUNDATION = "unknown-foundation"

WAS_PRESENT = "it was there, and was deleted since or has expired"
WAS_DELETED = "it was deleted"
"""What a foundation was when it was last asked for, by what this process has seen of it."""

_BODY_PLACE = re.compile(r"^body(?=:\d)", re.MULTILINE)


class FoundationCalls:
    """A foundation's name, and the calls about it.

    Args:
        calls: the control API of its server.

    Attributes:
        name: of the foundation.
    """

    def __init__(self, name: str, calls: ControlClient) -> None:
        self.name = name
        self._calls = calls
        self._path = f"/foundations/{quote(name, safe='')}"
        self._last_seen = ""
        self._seed: SentDocument | None = None
        self._random_seed: int | None = None

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        document: SentDocument | None = None,
    ) -> Any:
        """What a call about this foundation answers; one that nobody has used yet is made for it.

        Raises:
            ControlError: the control API says no; or the foundation was there, and is there no more.
        """
        if self._last_seen == WAS_DELETED:
            # Some calls would make it anew, as another world than it was.
            self._send_call("GET", "")
        try:
            return self._send_call(method, path, body, query=query, document=document)
        except ControlError as error:
            if error.kind != UNKNOWN_FOUNDATION or self._last_seen:
                raise
        self._make()
        return self._send_call(method, path, body, query=query, document=document)

    def _begin(self, seed: SentDocument | None, random_seed: int | None) -> None:
        """Makes the foundation, in the place of the one there may be."""
        before = self._seed, self._random_seed, self._last_seen
        # Where the answer is lost, and the call with it, the foundation is still the one that was asked for.
        self._seed, self._random_seed = seed, random_seed
        self._last_seen = ""
        try:
            self._send_call("PUT", "", query={"random_seed": random_seed}, document=seed)
        except ControlError:
            self._seed, self._random_seed, self._last_seen = before
            raise

    def _make(self) -> None:
        """Makes the foundation as it was begun, else from the server's seed, unless somebody did so meanwhile."""
        query = {"random_seed": self._random_seed}
        try:
            self._send_call("PUT", "", query=query, document=self._seed, headers={"If-None-Match": "*"})
        except ControlError as error:
            if error.status != 412:
                raise

    def _delete(self) -> None:
        """Takes the foundation away; that it is not there is no error."""
        try:
            self._calls("DELETE", self._path)
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
        document: SentDocument | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        sent = body if document is None else document.text.encode()
        if self._last_seen:
            # Nobody wants another world that goes by the name of the one that was there.
            headers = {**(headers or {}), "If-Match": "*"}
        try:
            answer = self._calls(method, self._path + path, sent, query=query, headers=headers)
        except ControlError as error:
            detail = error.detail
            if document is not None:
                # The server knows what was sent as its body; whoever wrote it knows it by another name.
                detail = _BODY_PLACE.sub(lambda _: document.source, detail)
            if self._last_seen and error.kind == UNKNOWN_FOUNDATION:
                detail += f"; {self._last_seen}: begin() makes it anew"
            raise ControlError(error.status, error.kind, detail) from None
        self._last_seen = WAS_PRESENT
        return answer


MAX_LISTED_EXCHANGES = 10_000


class FoundationJournal(FoundationCalls):
    """A foundation by what happened in it."""

    def requests(
        self,
        operation: str | Sequence[str] = (),
        status: int | Sequence[int] = (),
        scenario: str = "",
        since: Moment | None = None,
        after: int = 0,
        limit: int = MAX_LISTED_EXCHANGES,
    ) -> list[Exchange]:
        """What the foundation's clients did, oldest first.

        Args:
            operation, status, scenario: only these.
            since: only from this moment of the foundation's clock on.
            after: only exchanges with a larger number.
            limit: so many at most, the latest.
        """
        query = {
            "operation": join_with_commas(operation),
            "status": join_with_commas(status),
            "scenario": scenario,
            "since": None if since is None else serialize_moment(since),
            "after": after or None,
            "limit": limit,
        }
        return msgspec.convert(self._call("GET", "/requests", query=query)["requests"], list[Exchange])

    def curl(self, number: int) -> str:
        """The command that sends the request of an exchange again."""
        return str(self._call("GET", f"/requests/{number}")["curl"])

    def replay(self) -> str:
        """The failures that its clients have met, as the text of a scenario file that plays them again.

        Returns:
            Nothing where there was no failure.
        """
        return self._call("GET", "/replay")["scenario"] or ""

    def forget(self) -> int:
        """Empties the journal; says how many exchanges it held."""
        return int(self._call("DELETE", "/requests")["cleared"])

    def check(self, operation: str | Sequence[str] = (), **expected: Unpack[VerifyArguments]) -> Verdict:
        """Whether the journal holds what is expected of an operation; the keys are those of `Expected`."""
        return msgspec.convert(self._call("POST", "/verify", serialize_expectation(operation, expected)), Verdict)

    def verify(self, operation: str | Sequence[str] = (), **expected: Unpack[VerifyArguments]) -> Verdict:
        """As `check`, and fails where it does not hold.

        Raises:
            VerificationError: it does not hold; the text has the nearest exchanges, and what is different.
            CannotBeKnownError: what it asks about was dropped from the journal.
        """
        __tracebackhide__ = True
        verdict = self.check(operation, **expected)
        must_hold(verdict)
        return verdict

    def retries(
        self,
        operation: str = "",
        max: int | None = None,  # noqa: A002 (the API's word)
        honours_retry_after: bool = False,
        never_twice: bool = False,
        within: Duration | None = None,
    ) -> Audit:
        """What clients sent again: after what, with what wait, and whether it did something twice.

        Args:
            operation: only this one.
            max: repeats that one request may have.
            honours_retry_after: no repeat may come before Retry-After says.
            never_twice: no repeat may change the world once more.
            within: what is sent later than that after an answer repeats nothing, as a poller's next look.

        Raises:
            VerificationError: clients did what the arguments do not allow.
            CannotBeKnownError: exchanges that may count were dropped from the journal.
        """
        __tracebackhide__ = True
        query = {
            "operation": operation,
            "max": max,
            "honours_retry_after": honours_retry_after,
            "never_twice": never_twice,
            "within": None if within is None else serialize_duration(within),
        }
        audit = msgspec.convert(self._call("GET", "/retries", query=query), Audit)
        if max is not None or honours_retry_after or never_twice:
            must_hold(audit.verdict, audit.table)
        return audit

    def coverage(self, operations: Sequence[str] = ()) -> Coverage:
        """Which documented answers and which faults the foundation's clients have met.

        Args:
            operations: only these; none for all.
        """
        query = {"operation": join_with_commas(operations)}
        return msgspec.convert(self._call("GET", "/coverage", query=query), Coverage)


def must_hold(verdict: Verdict, more: str = "") -> None:
    """Raises what a verdict that does not hold comes to.

    Args:
        more: what is told beside the verdict.
    """
    __tracebackhide__ = True
    if verdict.result == "does_not_hold":
        raise VerificationError(verdict, more)
    if verdict.result == "cannot_be_known":
        raise CannotBeKnownError(verdict, more)


class Foundation(FoundationJournal):
    """One Cloud Foundry of a server. It is made when it is first used, by a client or by a call here.

    Each method raises ControlError where the control API says no, and ServerGoneError where the server does not answer.
    A foundation that was there and is gone, since it was deleted or has expired, is a 404; `begin` makes it anew.

    Args:
        url: of the server.
        calls: its control API.

    Attributes:
        name: of the foundation.
        url: what a client takes for the API's address.
        clock: its virtual clock.
    """

    def __init__(self, url: str, name: str, calls: ControlClient) -> None:
        super().__init__(name, calls)
        self.url = f"{url}/foundations/{name}"
        self.clock = FoundationClock(self._call)
        self._server_url = url
        self._token = ""

    def __repr__(self) -> str:
        return f"<Foundation {self.url}>"

    @property
    def token(self) -> str:
        """A bearer token of an admin, which alone leads an unmodified client here; minted once."""
        if not self._token:
            self._token = self.token_for("admin")
        return self._token

    def token_for(self, user: str, expires_in: Duration | None = None) -> str:
        """A bearer token of a user of the seed.

        Args:
            expires_in: on the foundation's clock; None for as long as no test runs.
        """
        body = {"user": user} if expires_in is None else {"user": user, "expires_in": serialize_duration(expires_in)}
        return str(self._call("POST", "/tokens", body)["access_token"])

    @property
    def random_seed(self) -> int:
        """What everything follows from that its seed leaves out."""
        return int(self._call("GET", "")["random_seed"])

    def play(self, scenario: "ScenarioSource") -> str:
        """Switches a scenario on, or begins it anew; gives its name.

        Args:
            scenario: a name of the library; a file, its text or its value; or a Scenario.

        Raises:
            ScenarioError: what is written is no scenario; with every problem and its place.
            OSError: its file can't be read.
            TypeError, ValueError: it is nothing that can be a scenario, or empty.
        """
        document = load_scenario_document(scenario)
        if document is None:
            name = str(scenario)
        else:
            from mockfoundry.scenarios.format import read_scenario

            name = read_scenario(document.text, source=document.source).name
        self._call("PUT", f"/scenarios/{quote(name, safe='')}", document=document)
        return name

    def stop(self, name: str) -> None:
        """Switches a scenario off; what it changed in the world goes back."""
        must_be_name(name, "scenario", "foundation.stop_all() switches all off")
        self._call("DELETE", f"/scenarios/{quote(name, safe='')}")

    def stop_all(self) -> None:
        """Switches every scenario off."""
        self._call("DELETE", "/scenarios")

    def playing(self) -> list[ActiveScenario]:
        """What is on, in the order in which it is asked."""
        return msgspec.convert(self._call("GET", "/scenarios")["scenarios"], list[ActiveScenario])

    def hold(self, name: str) -> HeldRequests:
        """For a `with` block, after which the requests that a scenario holds under that name go on."""
        must_be_name(name, "hold", "the scenario's, or what its hold says behind name:")
        return HeldRequests(self._call, name)

    def process(self, app: str, type: str = "web", space: str = "", organization: str = "") -> Process:  # noqa: A002 (the API's word)
        """A process as it is now.

        Args:
            app: the name of its app.
            space, organization: names; only needed where several have an app of that name.

        Raises:
            UnknownProcessError: there is none, or there are several.
        """
        return find_process_in_state(self.state(), app, type, space, organization)

    def state(self) -> dict[str, Any]:
        """The world, as the value of a seed file."""
        state: dict[str, Any] = self._call("GET", "/state")
        return state

    def change(self, patch: Mapping[str, Any]) -> dict[str, Any]:
        """Changes the world by a merge patch of its seed: None takes a key away, a list is replaced whole.

        Returns:
            The world as it is then.
        """
        state: dict[str, Any] = self._call("PATCH", "/state", dict(patch))
        return state

    def changes(self) -> list[StateChange]:
        """What is another way than in its seed."""
        return msgspec.convert(self._call("GET", "/changes")["changes"], list[StateChange])

    def replace(self, seed: SeedSource) -> dict[str, Any]:
        """Puts another world in the place of this one; clock, scenarios and journal go on.

        Returns:
            The world as it is then.
        """
        state: dict[str, Any] = self._call("PUT", "/state", document=load_seed_document(seed))
        return state

    def begin(self, seed: SeedSource | None = None, random_seed: int | None = None) -> None:
        """Makes the foundation anew, from a seed or from the server's, also where it was deleted.

        Args:
            random_seed: what everything follows from that the seed leaves out; the server's where it is None. Only
                with a seed: the server's own has its random seed already.

        Raises:
            OSError: the seed's file can't be read.
            TypeError, ValueError: it is nothing that can be a seed, or empty; or a random seed stands alone.
        """
        if random_seed is not None and seed is None:
            raise ValueError(
                f"random_seed={random_seed} needs a seed that is built anew with it; give seed= too, "
                "or give the server its random_seed when it is started"
            )
        self._begin(None if seed is None else load_seed_document(seed), random_seed)

    def copy(self, name: str | None = None, replace: bool = False) -> "Foundation":
        """The whole foundation once more, clock, scenarios, counters and journal included, to be played on apart.

        Args:
            name: of the copy; None for one that no other foundation has.
            replace: put it in the place of the one that may have the name; else that is an error.
        """
        other = (
            generate_foundation_name() if name is None else must_be_name(name, "foundation", "or None for a fresh one")
        )
        self._call("POST", "/copy", {"as": other, "replace": replace})
        made = Foundation(self._server_url, other, self._calls)
        made._last_seen = WAS_PRESENT
        return made

    def reset(self) -> None:
        """Brings it back to its seed: state, clock, scenarios, counters and journal."""
        self._call("POST", "/reset")

    def delete(self) -> None:
        """Takes it away; that it is not there is no error. A client's next request would make another one."""
        self._delete()

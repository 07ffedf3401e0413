"""A foundation for a test: its world, clock, scenarios and journal, by control calls. Holds none of them itself."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import quote

import msgspec

from mockfoundry.client.arguments import (
    Duration,
    Moment,
    SeedSource,
    VerifyArguments,
    generate_foundation_name,
    is_library_name,
    join_with_commas,
    load_scenario_document,
    load_seed_document,
    must_be_name,
    scenario_to_json_value,
    serialize_duration,
    serialize_expectation,
    serialize_listing,
)
from mockfoundry.client.clock import FoundationClock, HeldRequests
from mockfoundry.client.control import ControlClient
from mockfoundry.client.errors import ControlError, must_hold
from mockfoundry.client.foundation_calls import BAD_DOCUMENT, WAS_PRESENT, FoundationCalls
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
from mockfoundry.documents.problems import Document

if TYPE_CHECKING:
    from mockfoundry.client.arguments import ScenarioSource


MAX_LISTED_EXCHANGES = 10_000


class FoundationJournal(FoundationCalls):
    """What happened in a foundation. The server judges, never this class."""

    def requests(
        self,
        operation: str | Sequence[str] = (),
        status: int | Sequence[int] = (),
        scenario: str = "",
        since: Moment | None = None,
        after: int = 0,
        limit: int = MAX_LISTED_EXCHANGES,
    ) -> list[Exchange]:
        """The exchanges of the foundation's clients, oldest first.

        Args:
            operation, status, scenario: only these.
            since: only from this moment of the foundation's clock on.
            after: only exchanges with a larger number.
            limit: how many at most; the latest are given.
        """
        query = serialize_listing(operation, status, scenario, since, after, limit)
        return msgspec.convert(self._call("GET", "/requests", query=query)["requests"], list[Exchange])

    def log(
        self,
        operation: str | Sequence[str] = (),
        status: int | Sequence[int] = (),
        scenario: str = "",
        since: Moment | None = None,
        after: int = 0,
        limit: int = MAX_LISTED_EXCHANGES,
    ) -> str:
        """The same for people: what was sent and what came, a line of 100 columns each, repeats in a row in one.

        `#4 +0.9s scaleProcess dora/web {"instances":5} → 409 CF-Conflict`
        """
        query = serialize_listing(operation, status, scenario, since, after, limit)
        return str(self._call("GET", "/requests", query={**query, "format": "text"}))

    def curl(self, number: int) -> str:
        """A curl command that sends the request of the exchange of that number again."""
        return str(self._call("GET", f"/requests/{number}")["curl"])

    def replay(self) -> str:
        """A scenario file that plays again the failures that clients have met, as text; empty where there were none."""
        return self._call("GET", "/replay")["scenario"] or ""

    def forget(self) -> int:
        """Empties the journal.

        Returns:
            How many exchanges it held.
        """
        return int(self._call("DELETE", "/requests")["cleared"])

    def check(self, operation: str | Sequence[str] = (), **expected: Unpack[VerifyArguments]) -> Verdict:
        """Whether the journal holds what is expected.

        Args:
            operation: one operationId or several; none for any request.
            expected: what the exchanges must be like; see `VerifyArguments`.
        """
        return msgspec.convert(self._call("POST", "/verify", serialize_expectation(operation, expected)), Verdict)

    def verify(self, operation: str | Sequence[str] = (), **expected: Unpack[VerifyArguments]) -> Verdict:
        """As `check`, but raises an error where it does not hold.

        Raises:
            VerificationError: it does not hold; the text has the exchanges that fit, and the nearest others with their
                differences.
            CannotBeKnownError: exchanges that may count were dropped from the journal.
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
        """What clients repeated: after which answer, with what wait, and whether it was done twice.

        Args:
            operation: only this one.
            max: how often one request may be repeated.
            honours_retry_after: no repeat may come before the time that Retry-After names.
            never_twice: no repeat may change the world a second time.
            within: a request that comes later than this after an answer is not a repeat, such as a poller's next one.

        Raises:
            VerificationError: clients did what the arguments forbid.
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
            must_hold(audit.verdict)
        return audit

    def coverage(self, operations: Sequence[str] = ()) -> Coverage:
        """Which documented answers and faults the foundation's clients have met.

        Args:
            operations: only these; none for all.
        """
        query = {"operation": join_with_commas(operations)}
        return msgspec.convert(self._call("GET", "/coverage", query=query), Coverage)


class Foundation(FoundationJournal):
    """One Cloud Foundry on a server. It is made on its first use, by a client or by a method of this object.

    Each method raises ControlError where the control API refuses the call, and ServerGoneError where the server does
    not answer. For a foundation that was deleted or has expired the error is a 404; `begin` makes it again.

    Args:
        url: of the server.
        control: the control API of the server.

    Attributes:
        name: of the foundation.
        url: the API's address, for a client.
        clock: its virtual clock.
    """

    def __init__(self, url: str, name: str, control: ControlClient, without_scenarios: bool = False) -> None:
        super().__init__(name, control, without_scenarios)
        self.url = f"{url}/foundations/{name}"
        self.clock = FoundationClock(self._call)
        self._server_url = url
        self._token = ""

    def __repr__(self) -> str:
        return f"<Foundation {self.url}>"

    @property
    def token(self) -> str:
        """A bearer token of an admin, minted once. It leads a client to this foundation, whatever URL it uses."""
        if not self._token:
            self._token = self.token_for("admin")
        return self._token

    def token_for(self, user: str, expires_in: Duration | None = None) -> str:
        """A bearer token of a user of the seed.

        Args:
            expires_in: on the foundation's clock; None for longer than any test runs.
        """
        body = {"user": user} if expires_in is None else {"user": user, "expires_in": serialize_duration(expires_in)}
        return str(self._call("POST", "/tokens", body)["access_token"])

    @property
    def random_seed(self) -> int:
        """The number from which everything is derived that its seed leaves out."""
        return int(self._call("GET", "")["random_seed"])

    def play(self, scenario: "ScenarioSource") -> str:
        """Switches a scenario on; one that is already on begins again.

        Args:
            scenario: a name of the library; a file, its text or its value; or a Scenario.

        Returns:
            The scenario's name.

        Raises:
            ScenarioError: what is written is not a scenario; with every problem and its place.
            OSError: its file can't be read.
            TypeError, ValueError: what is given can be no scenario, or is empty.
        """
        value = scenario_to_json_value(scenario)
        if value is not None:
            try:
                return self._put_scenario(value["scenario"], value)
            except ControlError as error:
                # A wrong one is sent again as a file, so that its problems are reported by the file's lines.
                if error.kind != BAD_DOCUMENT:
                    raise
        document = load_scenario_document(scenario)
        if document is None:
            return self._put_scenario(str(scenario))
        from mockfoundry.scenarios.format import read_scenario

        name = read_scenario(document.text, source=document.source).name
        return self._put_scenario(name, document=document)

    def _put_scenario(self, name: str, value: Any = None, document: Document | None = None) -> str:
        self._call("PUT", f"/scenarios/{quote(name, safe='')}", value, document=document)
        return name

    def stop(self, name: str) -> None:
        """Switches a scenario off; what it changed in the world is reverted."""
        must_be_name(name, "scenario", "foundation.stop_all() switches all off")
        self._call("DELETE", f"/scenarios/{quote(name, safe='')}")

    def stop_all(self) -> None:
        """Switches every scenario off."""
        self._call("DELETE", "/scenarios")

    def playing(self) -> list[ActiveScenario]:
        """The scenarios that are on, in the order in which they are tried."""
        return msgspec.convert(self._call("GET", "/scenarios")["scenarios"], list[ActiveScenario])

    def hold(self, name: str) -> HeldRequests:
        """A `with` block, at whose end the requests go on that a scenario holds under that name."""
        must_be_name(name, "hold", "the scenario's, or what its hold says behind name:")
        return HeldRequests(self._call, name, self.name)

    def process(self, app: str, type: str = "web", space: str = "", organization: str = "") -> Process:  # noqa: A002 (the API's word)
        """A process as it is now.

        Args:
            app: the name of its app.
            space, organization: their names; needed only where several have an app of that name.

        Raises:
            UnknownProcessError: there is none, or there are several.
        """
        return find_process_in_state(self.state(), app, type, space, organization)

    def state(self) -> dict[str, Any]:
        """The world, as the value of a seed file."""
        state: dict[str, Any] = self._call("GET", "/state")
        return state

    def change(self, patch: Mapping[str, Any]) -> dict[str, Any]:
        """Changes the world in the words of `given:`: what is found by its name is changed, what is not named stays.

        Returns:
            The world after the change, as the value of a seed file.
        """
        state: dict[str, Any] = self._call("PATCH", "/state", dict(patch))
        return state

    def changes(self) -> list[StateChange]:
        """What differs between the world and its seed."""
        return msgspec.convert(self._call("GET", "/changes")["changes"], list[StateChange])

    def replace(self, seed: SeedSource) -> dict[str, Any]:
        """Replaces the world; clock, scenarios and journal stay.

        Returns:
            The new world, as the value of a seed file.
        """
        state: dict[str, Any] = self._call("PUT", "/state", document=load_seed_document(seed))
        return state

    def begin(
        self,
        seed: SeedSource | None = None,
        random_seed: int | None = None,
        scenarios: "Sequence[ScenarioSource]" = (),
    ) -> None:
        """Makes the foundation again, from a seed or from the server's, even if it was deleted.

        Tokens that were minted before do not count in it. Where the seed or a scenario is refused, the foundation stays
        as it was; if the server has no room for another one, a scenario that is not one of the library is tried on this
        one itself, and leaves none where it is refused.

        Args:
            random_seed: the number from which everything is derived that the seed leaves out; None for the server's.
                Only with a seed, since the server's own is built already.
            scenarios: switched on in it, in this order, beside those that the server was started with. Names of the
                library that come first cost no call of their own; with any other one, a foundation that is there
                already is made anew only after one of another name was made so.

        Raises:
            ScenarioError: what is written is not a scenario.
            OSError: the seed's file can't be read.
            TypeError, ValueError: what is given can be no seed or no scenario, or is empty; or a random seed is given
                alone.
        """
        if random_seed is not None and seed is None:
            raise ValueError(
                f"random_seed={random_seed} needs a seed that is built anew with it; give seed= too, "
                "or give the server its random_seed when it is started"
            )
        if isinstance(scenarios, str):
            raise TypeError(f"scenarios={scenarios!r} is one text, not a list of scenarios; write [{scenarios!r}]")
        scenarios = list(scenarios)
        document = None if seed is None else load_seed_document(seed)
        if not all(map(is_named_in_library, scenarios)) and self._is_there():
            self._rehearse(document, random_seed, scenarios)
        self._begin_playing(document, random_seed, scenarios)

    def _begin_playing(self, seed: Document | None, random_seed: int | None, scenarios: "list[ScenarioSource]") -> None:
        """Makes the foundation, and switches scenarios on; where one is refused, there is no foundation."""
        names = [str(each) for each in takewhile(is_named_in_library, scenarios)]
        self._begin(seed, random_seed, names)
        # The foundation that has the name now has minted none yet.
        self._token = ""
        try:
            for scenario in scenarios[len(names) :]:
                self.play(scenario)
        except Exception:
            self._delete()
            raise

    def _rehearse(self, seed: Document | None, random_seed: int | None, scenarios: "list[ScenarioSource]") -> None:
        """Makes a foundation of another name so, and takes it away: what is refused leaves this one as it was."""
        other = Foundation(self._server_url, generate_foundation_name(), self._control, self._scenarios == "none")
        try:
            other._begin_playing(seed, random_seed, scenarios)
            other._delete()
        except ControlError as error:
            # That there is no place for the other one says nothing of this one.
            if error.kind not in ("TooManyFoundations", "OtherShard"):
                raise ControlError(error.status, error.kind, error.detail.replace(other.name, self.name)) from None

    def make(self) -> None:
        """Makes the foundation from its seed now, rather than on its first use; one that is there stays."""
        self._make()

    def copy(self, name: str | None = None, replace: bool = False) -> "Foundation":
        """A copy of the whole foundation, with clock, scenarios, counters and journal; the two are independent.

        Args:
            name: of the copy; None for one that no other foundation has.
            replace: replace a foundation that has the name already; otherwise it is an error.
        """
        copy_name = (
            generate_foundation_name() if name is None else must_be_name(name, "foundation", "or None for a fresh one")
        )
        self._call("POST", "/copy", {"as": copy_name, "replace": replace})
        foundation_copy = Foundation(self._server_url, copy_name, self._control)
        foundation_copy._last_seen = WAS_PRESENT
        return foundation_copy

    def reset(self) -> None:
        """Sets it back to its seed: world, clock, scenarios, counters and journal."""
        self._call("POST", "/reset")

    def delete(self) -> None:
        """Deletes it; no error if there is none. Its clients get a 404 `Mock-FoundationGone` until `begin` makes it
        again; so do those whose requests were waiting."""
        self._delete()
        self._token = ""


def is_named_in_library(scenario: "ScenarioSource") -> bool:
    """Whether a scenario is given by a name of the library, which the server reads by itself."""
    return isinstance(scenario, str) and bool(scenario.strip()) and "," not in scenario and is_library_name(scenario)

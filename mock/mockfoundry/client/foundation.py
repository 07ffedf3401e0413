"""A foundation as a test has it: its world, clock, scenarios and journal, asked by control calls. Holds no state."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from mockfoundry.client.addressed import THERE
from mockfoundry.client.calls import Calls
from mockfoundry.client.clock import Clock
from mockfoundry.client.finding import found_process
from mockfoundry.client.holding import Held
from mockfoundry.client.journalled import Journalled
from mockfoundry.client.names import fresh_name, must_be_name
from mockfoundry.client.values import Change, Playing, Process
from mockfoundry.client.wording import Duration, SeedSource, duration_words, scenario_document, seed_document

if TYPE_CHECKING:
    from mockfoundry.client.wording import ScenarioSource


class Foundation(Journalled):
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

    def __init__(self, url: str, name: str, calls: Calls) -> None:
        super().__init__(name, calls)
        self.url = f"{url}/foundations/{name}"
        self.clock = Clock(self._call)
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
        body = {"user": user} if expires_in is None else {"user": user, "expires_in": duration_words(expires_in)}
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
        document = scenario_document(scenario)
        if document is None:
            name = str(scenario)
        else:
            from mockfoundry.scenarios import read_scenario

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

    def playing(self) -> list[Playing]:
        """What is on, in the order in which it is asked."""
        return msgspec.convert(self._call("GET", "/scenarios")["scenarios"], list[Playing])

    def hold(self, name: str) -> Held:
        """For a `with` block, after which the requests that a scenario holds under that name go on."""
        must_be_name(name, "hold", "the scenario's, or what its hold says behind name:")
        return Held(self._call, name)

    def process(self, app: str, type: str = "web", space: str = "", organization: str = "") -> Process:  # noqa: A002 (the API's word)
        """A process as it is now.

        Args:
            app: the name of its app.
            space, organization: names; only needed where several have an app of that name.

        Raises:
            UnknownProcessError: there is none, or there are several.
        """
        return found_process(self.state(), app, type, space, organization)

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

    def changes(self) -> list[Change]:
        """What is another way than in its seed."""
        return msgspec.convert(self._call("GET", "/changes")["changes"], list[Change])

    def replace(self, seed: SeedSource) -> dict[str, Any]:
        """Puts another world in the place of this one; clock, scenarios and journal go on.

        Returns:
            The world as it is then.
        """
        state: dict[str, Any] = self._call("PUT", "/state", document=seed_document(seed))
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
        self._begin(None if seed is None else seed_document(seed), random_seed)

    def copy(self, name: str | None = None, replace: bool = False) -> "Foundation":
        """The whole foundation once more, clock, scenarios, counters and journal included, to be played on apart.

        Args:
            name: of the copy; None for one that no other foundation has.
            replace: put it in the place of the one that may have the name; else that is an error.
        """
        other = fresh_name() if name is None else must_be_name(name, "foundation", "or None for a fresh one")
        self._call("POST", "/copy", {"as": other, "replace": replace})
        made = Foundation(self._server_url, other, self._calls)
        made._was = THERE
        return made

    def reset(self) -> None:
        """Brings it back to its seed: state, clock, scenarios, counters and journal."""
        self._call("POST", "/reset")

    def delete(self) -> None:
        """Takes it away; that it is not there is no error. A client's next request would make another one."""
        self._delete()

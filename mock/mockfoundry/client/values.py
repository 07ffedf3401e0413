"""Values: what the control API answers, typed. Never asks for anything.

Finding a process in a foundation's state, by names that people use. Never asks for the state.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from mockfoundry.client.errors import UnknownProcessError
from mockfoundry.journal.retries import Chain


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process as it is now, in a seed file's words.

    Attributes:
        app, space, organization: the names of what it belongs to.
        app_guid: of its app.
        app_state: STARTED or STOPPED.
        memory_in_mb, disk_in_mb: of each instance.
        log_rate_limit_in_bytes_per_second: -1 for none.
        instance_states: by index, of those that are kept in a state.
    """

    guid: str
    type: str
    app: str
    app_guid: str
    app_state: str
    space: str
    organization: str
    instances: int
    memory_in_mb: int
    disk_in_mb: int
    log_rate_limit_in_bytes_per_second: int
    created_at: datetime
    updated_at: datetime
    command: str | None = None
    user: str | None = None
    version: str = ""
    revision: str | None = None
    health_check: dict[str, Any] = {}
    readiness_health_check: dict[str, Any] = {}
    metadata: dict[str, dict[str, str]] = {}
    instance_states: dict[str, Any] = {}
    crash_after: str | None = None
    starts: bool = True
    ready: bool = True
    placement_error: str | None = None
    load: dict[str, Any] | None = None


class StateChange(msgspec.Struct, frozen=True):
    """One thing in a world that is another way than in its seed.

    Attributes:
        where: by which names it is reached: `organizations/acme/suspended`.
        before, after: None where it is not there.
    """

    where: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.where}: {self.before!r} became {self.after!r}"


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request that a foundation got, and what became of it.

    Attributes:
        number: from 1, in the order in which they were answered.
        time: on the foundation's clock; `real_time` on the machine's.
        operation: the operationId, None where the contract has no such route.
        actor: who asked, None where nobody was recognized.
        headers, answer_headers: with everything secret taken out.
        body, answer: as values where they are JSON, else as text.
        why: what decided it.
        delay: seconds that the answer waited.
        kept: whether the world did what it asks for, also where the answer was lost.
        changed: whether the world was another then.
        violations: what the contract does not allow and was let pass.
        near_miss: the rule of a scenario that nearly took it.
        bytes_sent: of the answer's body.
        line: the exchange in a line.
    """

    number: int
    time: datetime
    real_time: datetime
    operation: str | None
    actor: str | None
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    status: int
    answer_headers: dict[str, str]
    answer: Any
    why: str
    scenario: str | None
    rule: int | None
    phase: str | None
    fault: str | None
    delay: float
    kept: bool
    changed: bool
    violations: str | None
    near_miss: str | None
    bytes_sent: int | None
    line: str

    def __str__(self) -> str:
        return self.line


class FieldDifference(msgspec.Struct, frozen=True):
    """One thing that an exchange does not have of what was asked for."""

    what: str
    wanted: Any
    got: Any


class NearMatch(msgspec.Struct, frozen=True):
    """An exchange that is nearly what was asked for, and what is different."""

    number: int
    line: str
    differences: list[FieldDifference]


class Verdict(msgspec.Struct, frozen=True):
    """Whether a journal holds what was expected.

    Attributes:
        said: the sentence; where it does not hold, with the nearest exchange and the difference.
        matched: the numbers of the exchanges that fit.
        dropped: how many that might have fitted were forgotten.
    """

    result: Literal["holds", "does_not_hold", "cannot_be_known"]
    said: str
    matched: list[int]
    nearest: list[NearMatch]
    dropped: int

    @property
    def holds(self) -> bool:
        return self.result == "holds"

    def __bool__(self) -> bool:
        return self.holds


class Audit(msgspec.Struct, frozen=True):
    """Everything that clients repeated.

    Attributes:
        requests: how many exchanges were looked at.
        dishonoured: repeats that came before Retry-After said.
        twice: repeats that changed the world once more.
        table: for people.
    """

    requests: int
    dropped: int
    repeats: int
    dishonoured: int
    twice: int
    chains: list[Chain]
    table: str
    verdict: Verdict

    def __str__(self) -> str:
        return self.table


class CoverageRow(msgspec.Struct, frozen=True):
    """One thing that a client may meet: a documented status, or a fault with the phase it comes in.

    Attributes:
        status: 0 where it is a fault.
        fault, phase: empty where it is a status.
        times: how often it was met.
        scenario: the text of a scenario file that makes a client meet it; None where it was met.
    """

    operation: str
    status: int
    fault: str
    phase: str
    times: int
    scenario: str | None


class Coverage(msgspec.Struct, frozen=True):
    """How much of the contract clients have met.

    Attributes:
        percent: of the squares, met at least once.
        undocumented: what was met beside them: how often, by operation and status.
        table: for people.
    """

    percent: float
    met: int
    of: int
    squares: list[CoverageRow]
    undocumented: dict[str, dict[str, int]]
    table: str

    @property
    def missing(self) -> list[CoverageRow]:
        """The squares that nobody has met."""
        return [each for each in self.squares if not each.times]

    def __str__(self) -> str:
        return self.table


class ActiveScenario(msgspec.Struct, frozen=True):
    """A scenario that is on.

    Attributes:
        since: when it was switched on, on the foundation's clock.
        over: whether its time is up.
        answered: requests that its rules have taken.
        scenario: as its file says it.
    """

    name: str
    description: str
    since: datetime
    over: bool
    answered: int
    scenario: dict[str, Any]


MAX_LISTED_PROCESSES = 20


def find_process_in_state(state: Mapping[str, Any], app: str, type_: str, space: str, organization: str) -> Process:
    """The process of a type in an app.

    Args:
        state: a seed's value.
        space, organization: names; empty for any.

    Raises:
        UnknownProcessError: there is none, or there are several.
    """
    every = list(iterate_processes(state))
    found = [
        each
        for each in every
        if (each["app"], each["type"]) == (app, type_)
        and space in ("", each["space"])
        and organization in ("", each["organization"])
    ]
    if len(found) == 1:
        return msgspec.convert(found[0], Process)
    asked = f"process {type_} of app {app}{f' in space {space}' if space else ''}"
    asked += f" of organization {organization}" if organization else ""
    if found:
        raise UnknownProcessError(
            f"{asked}: there are {len(found)}: {format_process_names(found)}; say which by space= and organization="
        )
    if not every:
        raise UnknownProcessError(f"{asked}: the foundation has no process at all; give it a seed that has one")
    raise UnknownProcessError(
        f"{asked}: there is none; there are {format_process_names(every)}; "
        "name one of them, or give the foundation another seed"
    )


def iterate_processes(state: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every process of a seed's value, with the names of what it belongs to."""
    for organization in state.get("organizations", ()):
        for space in organization.get("spaces", ()):
            for app in space.get("apps", ()):
                for process in app.get("processes", ()):
                    yield {
                        **process,
                        "app": app["name"],
                        "app_guid": app["guid"],
                        "app_state": app["state"],
                        "space": space["name"],
                        "organization": organization["name"],
                    }


def format_process_names(found: list[dict[str, Any]]) -> str:
    """Processes by their names, the first of them where there are many."""
    names = [
        f"{each['organization']}/{each['space']}/{each['app']} {each['type']}" for each in found[:MAX_LISTED_PROCESSES]
    ]
    more = len(found) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")

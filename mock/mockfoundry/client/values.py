"""What the control API answers, as values, and a process found in a foundation's state. Never calls a server.

control/openapi.yaml is where the properties are described; a test holds these classes equal to it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from mockfoundry.client.errors import UnknownProcessError
from mockfoundry.documents.quoting import quote_line
from mockfoundry.journal.lines import MAX_LINE_WIDTH, cut_end
from mockfoundry.journal.retries import Chain


def represent(kind: str, words: str) -> str:
    """What `repr` gives for a value: a short line, since pytest shows it where an assertion fails."""
    return f"<{cut_end(quote_line(f'{kind} {words}'), MAX_LINE_WIDTH - 2)}>"


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process as it is now, in a seed file's words.

    Attributes:
        app, space, organization: the names of those to which it belongs.
        app_guid: of its app.
        app_state: STARTED or STOPPED.
        memory_in_mb, disk_in_mb: of each instance.
        log_rate_limit_in_bytes_per_second: of each instance; -1 for none.
        instance_states: by index, of the instances that a seed or a scenario keeps in a state.
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
    registry_credential: str | None = None
    registry_credential_last_synced_at: datetime | None = None
    health_check: dict[str, Any] = {}
    readiness_health_check: dict[str, Any] = {}
    metadata: dict[str, dict[str, str]] = {}
    instance_states: dict[str, Any] = {}
    crash_after: str | None = None
    starts: bool = True
    ready: bool = True
    placement_error: str | None = None
    load: dict[str, Any] | None = None

    def __repr__(self) -> str:
        sizes = f"instances={self.instances} memory_in_mb={self.memory_in_mb} disk_in_mb={self.disk_in_mb}"
        return represent(
            "Process", f"{self.app}/{self.type} {sizes} {self.app_state} in {self.organization}/{self.space}"
        )


class StateChange(msgspec.Struct, frozen=True):
    """One difference between a world and its seed.

    Attributes:
        where: its path, by names: `organizations/acme/suspended`.
        before, after: None where it is not there.
    """

    where: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return quote_line(f"{self.where}: {self.before!r} became {self.after!r}")

    def __repr__(self) -> str:
        return represent("StateChange", str(self))


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request that a foundation received, and its response.

    Attributes:
        number: from 1, in the order in which the requests came.
        time: on the foundation's clock; `real_time` on the machine's.
        operation: the operationId, None where the contract has no such route.
        actor: the user who sent it, None if the token names no user.
        headers, answer_headers: without secrets.
        body, answer: as values where they are JSON, else as text.
        status: None while the request waits, and where no answer was made: a fault came before it, or its client left.
        why: what decided the answer.
        delay: seconds by which the answer was delayed.
        kept: whether the operation was done, also where its answer was lost.
        changed: whether it changed the world.
        violations: what the contract forbids and the real Cloud Controller accepts.
        near_miss: the rule of a scenario that nearly matched.
        answered: False while the request, or its answer, waits.
        bytes_sent: of the answer's body; None until that is known.
        line: the exchange in one line.
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
    status: int | None
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
    answered: bool
    bytes_sent: int | None
    line: str

    def __str__(self) -> str:
        return self.line

    def __repr__(self) -> str:
        asked = self.operation or f"{self.method} {self.path}"
        waits = "still waits" if not self.answered else "nothing"
        return represent("Exchange", f"#{self.number} {asked} → {self.fault or self.status or waits}")


class FieldDifference(msgspec.Struct, frozen=True):
    """One difference between an exchange and what was expected."""

    what: str
    wanted: Any
    got: Any

    def __repr__(self) -> str:
        return represent("FieldDifference", f"{self.what}: wanted {self.wanted!r}, got {self.got!r}")


class NearMatch(msgspec.Struct, frozen=True):
    """An exchange that is nearly what was expected, with the differences."""

    number: int
    line: str
    differences: list[FieldDifference]

    def __repr__(self) -> str:
        return represent("NearMatch", f"{self.line}; {'; '.join(map(repr, self.differences))}")


class Verdict(msgspec.Struct, frozen=True):
    """Whether a journal holds what was expected.

    Attributes:
        said: what was asked and what held; where it does not hold, with a line for each exchange that it is about.
        matched: the numbers of the exchanges that matched.
        dropped: how many exchanges that may have matched were dropped from the journal.
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

    def __str__(self) -> str:
        return self.said

    def __repr__(self) -> str:
        return represent("Verdict", f"{self.result}: {self.said.partition(chr(10))[0].rstrip(':')}")


class Audit(msgspec.Struct, frozen=True):
    """Everything that clients repeated.

    Attributes:
        requests: how many exchanges were examined.
        dropped: how many were dropped from the journal.
        dishonoured: how many repeats came before the time that Retry-After named.
        twice: how many repeats changed the world a second time.
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

    def __repr__(self) -> str:
        counts = f"repeats={self.repeats} dishonoured={self.dishonoured} twice={self.twice}"
        return represent("Audit", f"requests={self.requests} {counts}")


class CoverageRow(msgspec.Struct, frozen=True):
    """One answer that a client may meet: a documented status, or a fault with its phase.

    Attributes:
        status: 0 where it is a fault.
        fault, phase: empty where it is a status.
        times: how often it was met.
        scenario: the text of a scenario file that makes a client meet it.
    """

    operation: str
    status: int
    fault: str
    phase: str
    times: int
    scenario: str

    def __repr__(self) -> str:
        answer = f"{self.fault} {self.phase}" if self.fault else str(self.status)
        return represent("CoverageRow", f"{self.operation} {answer} times={self.times}")


class UnreachableShard(msgspec.Struct, frozen=True):
    """A shard that did not answer.

    Attributes:
        shard: its number.
        reason: why not.
    """

    shard: int
    reason: str


class Coverage(msgspec.Struct, frozen=True):
    """How much of the contract clients have met.

    Attributes:
        percent: how many of the squares were met at least once, in percent.
        met, of: the same as numbers.
        squares: every answer that a client may meet.
        undocumented: how often other statuses were met, by operation and status.
        unanswered: how often nothing was answered, or not yet, by operation.
        table: for people.
        unreachable: the shards that did not answer when all were asked, and of which nothing is in here.
    """

    percent: float
    met: int
    of: int
    squares: list[CoverageRow]
    undocumented: dict[str, dict[str, int]]
    unanswered: dict[str, int]
    table: str
    unreachable: list[UnreachableShard] = []

    @property
    def missing(self) -> list[CoverageRow]:
        """The squares that no client has met."""
        return [each for each in self.squares if not each.times]

    def __str__(self) -> str:
        return self.table

    def __repr__(self) -> str:
        return represent("Coverage", f"{self.met} of {self.of} met, {self.percent:g} %")


class ActiveRule(msgspec.Struct, frozen=True):
    """How far a rule of a scenario has come.

    Attributes:
        answered: how many requests it has answered.
        left: how many more it answers; None where it goes on for ever, or counts for each of several by itself.
    """

    answered: int
    left: int | None


class ActiveScenario(msgspec.Struct, frozen=True):
    """A scenario that is on.

    Attributes:
        since: when it was switched on, on the foundation's clock.
        over: whether it has ended by itself.
        answered: how many requests its rules have answered, and handshakes it has broken.
        rules: how far each of them has come.
        scenario: the value of its file.
    """

    name: str
    description: str
    since: datetime
    over: bool
    answered: int
    rules: list[ActiveRule]
    scenario: dict[str, Any]

    def __repr__(self) -> str:
        return represent("ActiveScenario", f"{self.name} answered={self.answered} over={self.over}")


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
    wanted = f"process {type_} of app {app}{f' in space {space}' if space else ''}"
    wanted += f" of organization {organization}" if organization else ""
    if len({each["app_guid"] for each in found}) > 1:
        raise UnknownProcessError(
            f"{wanted}: there are {len(found)}: {format_process_names(found)}; say which by space= and organization="
        )
    if found:
        guids = " and ".join(each["guid"] for each in found)
        raise UnknownProcessError(
            f"{wanted}: there are {len(found)} while a deployment of it runs, with the guids {guids}; wait until that "
            "has ended (foundation.clock.advance), or find both in foundation.state()"
        )
    if not every:
        raise UnknownProcessError(f"{wanted}: the foundation has no process at all; give it a seed that has one")
    raise UnknownProcessError(
        f"{wanted}: there is none; there are {format_process_names(every)}; "
        "name one of them, or give the foundation another seed"
    )


def iterate_processes(state: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every process in a seed's value, with the names of its app, space and organization."""
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
    """The names of processes; if there are many, of the first ones."""
    names = [
        f"{each['organization']}/{each['space']}/{each['app']} {each['type']}" for each in found[:MAX_LISTED_PROCESSES]
    ]
    more = len(found) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")

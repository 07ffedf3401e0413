"""The context of an exchange: what it is made with, and what is learned on its way. Never decides anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from mockfoundry.bodies import read_query
from mockfoundry.cloudfoundry.api.operations import Operation
from mockfoundry.cloudfoundry.auth import Authority, authenticate_actor, read_bearer_token
from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.cloudfoundry.uaa.operations import UAA_ENVELOPE, UAA_OPERATIONS, UaaOperation
from mockfoundry.cloudfoundry.users import User
from mockfoundry.contract.load import Contract
from mockfoundry.contract.plan import Plan, Violation
from mockfoundry.contract.routes import QueryReading, Route
from mockfoundry.exchange.facts import find_process_facts, find_process_key
from mockfoundry.exchange.request import Request, read_request_body
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.foundations.registry import FoundationRegistry
from mockfoundry.journal.entry import RecordedResponse
from mockfoundry.journal.store import OpenExchange
from mockfoundry.scenarios.engine import LetThrough, ScenarioMatch, ScenarioProgress
from mockfoundry.scenarios.model import Scenario
from mockfoundry.scenarios.rule_index import CompiledScenarios
from mockfoundry.wire_faults import TlsFaultName

if TYPE_CHECKING:
    from mockfoundry.store.keeper import SnapshotKeeper


class NoteRequest(Protocol):
    """Takes each request with its response."""

    def __call__(
        self,
        method: str,
        target: str,
        response: RecordedResponse,
        foundation: FoundationState | None = None,
        number: int = 0,
    ) -> None:
        """Takes one.

        Args:
            method, target: as they came, as far as they were read.
            foundation: None where no foundation has taken it.
            number: in the journal of that.
        """


@dataclass(frozen=True, slots=True)
class Service:
    """What a server serves: everything an exchange needs besides a foundation and a request.

    Attributes:
        contract: of the processes; what is covered and tortured is counted by it.
        served: every operation that is served: those of the contract, and those of the platform around it.
        operations: the behaviours by operationId; an operation that is served without one is answered from its
            examples.
        uaa_operations: the same of UAA.
        platform: the contract of the platform around the processes, None for none.
        named_scenarios: the scenarios that a request may ask for by name, each compiled.
        authority: whose tokens count.
        trust_forwarded: whether `X-Forwarded-Proto` and `X-Forwarded-Host` say where a request was sent to.
        strict: whether a request that the real one lets pass, though its documentation does not, is refused.
        note_request: called with each response, also of requests that no foundation has taken; None where nobody asks.
        tls_faults: the faults of a handshake that the server can play; none where it speaks no TLS.
        keeper: keeps the foundations in a store; None where they end with the process.
    """

    contract: Contract
    served: Contract
    operations: Mapping[str, Operation]
    registry: FoundationRegistry
    named_scenarios: Mapping[str, CompiledScenarios]
    authority: Authority
    trust_forwarded: bool = False
    strict: bool = False
    uaa_operations: Mapping[str, UaaOperation] = field(default_factory=lambda: UAA_OPERATIONS)
    platform: Contract | None = None
    note_request: NoteRequest | None = None
    tls_faults: tuple[TlsFaultName, ...] = ()
    keeper: "SnapshotKeeper | None" = None


_UNREAD: Any = object()

NO_QUERY = QueryReading({}, ())


class ReadBody(msgspec.Struct, frozen=True):
    """A large body, read before its exchange.

    Attributes:
        value: ABSENT if there is none, or if it can't be read.
        violations: everything that the contract does not allow of the request.
        message: what the operation's message made of it, or the Refusal; None where the operation has no message.
    """

    value: Any
    violations: tuple[Violation, ...]
    message: Any


class ExchangeContext(msgspec.Struct):
    """One exchange: what it is made with, then what is learned on its way. Scenarios match it, the journal keeps it.

    Attributes:
        route: None where the contract has none.
        prefix: what links need before the path.
        real_time: real microseconds of the exchange: when the request arrived, or was resumed.
        now: the same moment on the foundation's clock.
        operation: the operationId, empty where the route is unknown.
        path: the path parameters, decoded.
        progress: how far the scenarios have come that were asked about the request.
        match: the scenario rule that takes the request, None for none.
        let_through: where the request counts once it has succeeded, for the `after:` of rules that let it through.
        requested_scenario: the scenario that the request itself named, None for none.
        near_miss: the rule that nearly took the request, in words.
        missed_station: the rule that would have taken it at the controller, which it did not reach, in words.
        actor: who asks, empty until that is known.
        is_unknown_bearer: whether that is an admin because the token names none of the seed's users.
        read_body: its large body, None where the body is read in the exchange.
        opened: its entry in the journal while it waits before its exchange, and until that is recorded; else None.
    """

    service: Service
    foundation: FoundationState
    request: Request
    route: Route | None
    prefix: str
    real_time: int
    now: int
    operation: str
    path: dict[str, str]
    progress: ScenarioProgress
    match: ScenarioMatch | None = None
    let_through: Sequence[LetThrough] = ()
    requested_scenario: Scenario | None = None
    near_miss: str = ""
    missed_station: str = ""
    actor: str = ""
    is_unknown_bearer: bool = False
    read_body: ReadBody | None = None
    opened: OpenExchange | None = None
    _query: QueryReading | Any = _UNREAD
    _body: Any = _UNREAD
    _user: str | Any = _UNREAD
    _process: str | Any = _UNREAD
    _process_facts: Mapping[str, str] | Any = _UNREAD

    @property
    def needs_naming(self) -> bool:
        """Whether only scenario rules that name the operation, or any, are about it."""
        plan = self.answering_plan if self.route is None else self.route.plan
        return plan is not None and plan.needs_naming

    @property
    def answering_plan(self) -> Plan | None:
        """The plan by whose form the request is answered: its route's, else that of another method which UAA has of
        the path; None where the Cloud Controller answers that it does not know the route."""
        if self.route is not None:
            return self.route.plan
        other = self.service.served.routes.find_other_plan(self.request.target.removeprefix(self.prefix))
        return other if other is not None and other.error_envelope == UAA_ENVELOPE else None

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The request's headers."""
        return self.request.headers

    @property
    def token(self) -> str:
        """The request's bearer token, empty if there is none."""
        return self.request.token

    @property
    def query(self) -> Mapping[str, list[str]]:
        """The query parameters, each with all its values in order."""
        return self.query_reading.parameters

    @property
    def query_reading(self) -> QueryReading:
        """The query, and what the contract does not allow of it."""
        reading: QueryReading | Any = self._query
        if reading is _UNREAD:
            query_string, route = self.request.query_string, self.route
            if route is None:
                reading = QueryReading(read_query(query_string), ())
            elif query_string or route.plan.requires_query:
                reading = self.service.served.routes.read_query(route.plan, query_string)
            else:
                reading = NO_QUERY
            self._query = reading
        return reading

    @property
    def body(self) -> Any:
        """The body as a value; ABSENT if there is none, or if it can't be read."""
        body = self._body
        if body is _UNREAD:
            read = self.read_body
            body = self._body = read_request_body(self.request) if read is None else read.value
        return body

    @property
    def user(self) -> str:
        """The name of the user, or of the client, whose token the request has; empty where none is accepted."""
        user: str | Any = self._user
        if user is _UNREAD:
            try:
                user = self.authenticate().name
            except Refusal:
                user = ""
            self._user = user
        return user

    def authenticate(self) -> User:
        """Who asks; raises Refusal (401) where there is no token, or one that is not accepted."""
        token, foundation = read_bearer_token(self.request.headers.get(b"authorization", b"")), self.foundation
        authority, issuers = self.service.authority, foundation.token_issuers
        return authenticate_actor(foundation.world, token, authority, issuers, self.real_time)

    @property
    def process(self) -> str:
        """What rules that count for each process count it by, empty if there is none."""
        process: str | Any = self._process
        if process is _UNREAD:
            world, operations = self.foundation.world, self.service.operations
            process = self._process = find_process_key(world, operations, self.operation, self.path)
        return process

    @property
    def process_facts(self) -> Mapping[str, str]:
        """Type, app, space and organization of the one process that the request is about; empty where there is none."""
        facts: Mapping[str, str] | Any = self._process_facts
        if facts is _UNREAD:
            template = "" if self.route is None else self.route.plan.path
            facts = self._process_facts = find_process_facts(self.foundation.world, template, self.path)
        return facts

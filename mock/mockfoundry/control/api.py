"""The control API: its document compiled into plans, its calls validated by them and bound to handlers. Never waits.

A call goes one way: guards (printable path, token), route, parameters, body, preparation, handler. All of it runs where
exchanges are made, but for a large body and its preparation: those run in the worker room.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

from msgspec.structs import replace

from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.contract.load import Contract, load_contract
from mockfoundry.contract.routes import Route
from mockfoundry.control.changes import CHANGES_HANDLERS
from mockfoundry.control.context import (
    YAML,
    ControlAnswer,
    ControlCall,
    ControlContext,
    ControlHandler,
    ControlOutcome,
    ControlProblem,
    ControlWork,
    HoldReleaser,
    Preparation,
    encode_in_parts,
    index_handlers,
    response_from_control_answer,
    response_from_problem,
)
from mockfoundry.control.follow import JournalStream
from mockfoundry.control.foundations import FOUNDATION_HANDLERS, FOUNDATION_PREPARATIONS, LONG_PREPARATIONS
from mockfoundry.control.guards import CONSOLE_PATH, check_guards, is_console_path
from mockfoundry.control.journals import JOURNAL_HANDLERS
from mockfoundry.control.metrics import METRICS_HANDLERS, ServerGauges
from mockfoundry.control.peers import Peers
from mockfoundry.control.reading import find_media_type, read_body, read_parameters
from mockfoundry.control.replays import REPLAY_HANDLERS
from mockfoundry.control.requests import REQUEST_HANDLERS
from mockfoundry.control.scenarios import SCENARIO_HANDLERS, SCENARIO_PREPARATIONS
from mockfoundry.control.sessions import ConsoleSessions
from mockfoundry.control.world_view import WORLD_HANDLERS
from mockfoundry.documents.problems import DocumentError
from mockfoundry.documents.times import format_precise_moment
from mockfoundry.exchange.look_ups import wait_for_look_up
from mockfoundry.exchange.request import CONTROL_PATH, Request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import Service
from mockfoundry.foundations.registry import SnapshotWantedError
from mockfoundry.journal.redaction import redact_line
from mockfoundry.shipped import CONTROL_CONTRACT_FILE
from mockfoundry.store.keeper import MAX_TOLD, LookUp, StoreState
from mockfoundry.version import __version__

MAX_LOOP_BODY_BYTES = 16 * 1024
"""Bytes of a body that is read where exchanges are made; a larger one is read in the worker room."""

PAGE_METHODS = ("GET", "HEAD")
FORM_METHODS = ("POST",)
FORM_PATHS = frozenset({f"{CONSOLE_PATH}/login", f"{CONSOLE_PATH}/logout"})

log = logging.getLogger("mockfoundry")

T = TypeVar("T")


def show_health(context: ControlContext, call: ControlCall) -> ControlAnswer:
    service, contract = context.service, context.service.contract
    return ControlAnswer(
        {
            "status": "ready",
            "version": __version__,
            "mode": "stateful" if service.operations else "canned",
            "contract": describe_contract(contract),
            "platform": None if service.platform is None else describe_contract(service.platform),
            "scenarios": [each.name for each in service.registry.initial_scenarios.scenarios],
            "store": None if service.keeper is None else store_to_dict(service.keeper.describe()),
        }
    )


def store_to_dict(state: StoreState) -> dict[str, Any]:
    """How a server and its store get on, as JSON's values."""
    told = {**state.unreadable, **state.not_saved}
    return {
        "address": state.address,
        "reachable": not state.problem,
        "problem": state.problem or None,
        "foundations": state.foundations,
        "written": state.written,
        "bytes_written": state.bytes_written,
        "last_written": None if state.last_written is None else format_precise_moment(state.last_written),
        "refused": len(state.refused),
        "not_saved": [{"foundation": name, "reason": told[name]} for name in sorted(told)[:MAX_TOLD]],
    }


def describe_contract(contract: Contract) -> dict[str, Any]:
    return {"title": contract.title, "version": contract.version, "operations": len(contract.plans)}


def show_document(context: ControlContext, call: ControlCall) -> ControlAnswer:
    return ControlAnswer(load_control_contract().text, media_type=YAML)


def show_contract(context: ControlContext, call: ControlCall) -> ControlAnswer:
    return ControlAnswer(context.service.contract.text, media_type=YAML)


def show_platform(context: ControlContext, call: ControlCall) -> ControlAnswer:
    platform = context.service.platform
    if platform is None:
        raise ControlProblem(
            404, "no-platform", "the server plays no platform beside its contract; start it with --platform shipped"
        )
    return ControlAnswer(platform.text, media_type=YAML)


HANDLERS: Mapping[str, ControlHandler] = {
    **index_handlers(show_health, show_document, show_contract, show_platform),
    **FOUNDATION_HANDLERS,
    **CHANGES_HANDLERS,
    **WORLD_HANDLERS,
    **SCENARIO_HANDLERS,
    **REPLAY_HANDLERS,
    **REQUEST_HANDLERS,
    **JOURNAL_HANDLERS,
    **METRICS_HANDLERS,
}

PREPARATIONS: Mapping[str, Preparation] = {**FOUNDATION_PREPARATIONS, **SCENARIO_PREPARATIONS}


@cache
def load_control_contract() -> Contract:
    """The control API's own document, compiled once."""
    return load_contract(CONTROL_CONTRACT_FILE)


@dataclass(frozen=True, slots=True)
class ControlApi:
    """The control API of a service.

    Attributes:
        contract: its own document.
        token: that every call but health must carry; empty for none.
        allowed_hosts: by which it may be called besides local names; None for any, where no browser can call it.
        sessions: of browsers that have the console open.
    """

    context: ControlContext
    contract: Contract
    handlers: Mapping[str, ControlHandler]
    token: bytes
    allowed_hosts: tuple[str, ...] | None
    sessions: ConsoleSessions


def build_control_api(
    service: Service,
    holds: HoldReleaser,
    token: str = "",
    allowed_hosts: tuple[str, ...] | None = (),
    peers: tuple[str, ...] = (),
    read_gauges: Callable[[], ServerGauges] | None = None,
) -> ControlApi:
    """The control API of a service.

    Args:
        holds: the held requests of the server that serves it.
        token: that every call but health must carry; empty for none.
        allowed_hosts: by which it may be called besides local names; None for any, where no browser can call it.
        peers: the URLs of all shards, in the order of their numbers.
        read_gauges: what that server knows of itself, for metrics; None where none listens.
    """
    shard = service.registry.shard
    known = Peers() if shard is None else Peers(peers, shard.index, token)
    contract = load_control_contract()
    handlers = bind_handlers(contract, HANDLERS)
    sessions = ConsoleSessions(token.encode())
    context = ControlContext(service, holds, known, read_gauges)
    return ControlApi(context, contract, handlers, token.encode(), allowed_hosts, sessions)


def bind_handlers(contract: Contract, handlers: Mapping[str, ControlHandler]) -> Mapping[str, ControlHandler]:
    """The handlers, held against the operations of the document.

    Raises:
        LookupError: there is an operation without a handler, or a handler without an operation.
    """
    missing, unreachable = sorted(contract.plans.keys() - handlers), sorted(handlers.keys() - contract.plans)
    if missing or unreachable:
        raise LookupError(f"{contract.source}: operations without handler: {missing}; handlers without: {unreachable}")
    return handlers


def handle_control_request(api: ControlApi, request: Request) -> Response | PendingRequest:
    """The answer to a control call, or its first wait. To be called where exchanges are made.

    The door bounds the body before, and leaves the body out of an answer to HEAD.
    """
    return answer_or_refuse(request, partial(start_call, api, request))


class StreamLookUp(NamedTuple):
    """What comes before the stream of a foundation that has to be looked up in the store.

    Attributes:
        work: asks the store, so it is to be called in another thread.
        finish: opens the stream with what that gave.
    """

    work: Callable[[], LookUp]
    finish: "Callable[[LookUp], JournalStream | Response | StreamLookUp]"


def open_journal_stream(api: ControlApi, request: Request) -> JournalStream | Response | StreamLookUp:
    """The stream that a call with `follow=true` asks for; a response where it is refused."""

    def open_stream() -> JournalStream | StreamLookUp:
        check_guards(request, api.token, api.allowed_hosts, api.sessions)
        call = read_parameters(request, find_control_route(api.contract, request))
        try:
            return JournalStream(api.context, call)
        except SnapshotWantedError as wanted:
            keeper = api.context.must_keep()
            return StreamLookUp(
                partial(keeper.look_up, wanted.name), partial(take_in_and_open, api, request, call, wanted.name)
            )

    return answer_or_refuse(request, open_stream)


def take_in_and_open(
    api: ControlApi, request: Request, call: ControlCall, name: str, found: LookUp
) -> JournalStream | Response | StreamLookUp:
    """The stream of a foundation that was looked up."""

    def open_stream() -> JournalStream | Response | StreamLookUp:
        api.context.must_keep().take_in(name, found, call.real_time)
        return open_journal_stream(api, request)

    return answer_or_refuse(request, open_stream)


def answer_or_refuse(request: Request, step: Callable[[], T]) -> T | Response:
    """What a step of a call returns, or the problem for what it raises."""
    try:
        return step()
    except Exception as error:
        return response_from_problem(problem_from_error(error, request), request.target)


def problem_from_error(error: Exception, request: Request) -> ControlProblem:
    """The problem for an error of this room, or of those below."""
    if isinstance(error, ControlProblem):
        return error
    if isinstance(error, DocumentError):
        return ControlProblem(422, "bad-document", f"{error}\nnothing was changed; mend it and send it again")
    if isinstance(error, Refusal):
        return ControlProblem(error.entry.status, error.entry.title.removeprefix("Mock-"), error.detail)
    log.error("mockfoundry failed on %s %s", request.method, redact_line(request.target), exc_info=error)
    detail = (
        f"{request.method} {request.target}: mockfoundry failed on this; its log has the traceback, please report it"
    )
    return ControlProblem(500, "failed", detail)


def start_call(api: ControlApi, request: Request) -> Response | PendingRequest:
    """A call from its guards to its answer, or to its first wait.

    Raises:
        ControlProblem, DocumentError, Refusal: it is refused; nothing was changed.
    """
    check_guards(request, api.token, api.allowed_hosts, api.sessions)
    if request.target.rstrip("/") == CONTROL_PATH or is_console_path(request.target):
        return wait_for_page(api, request)
    try:
        return start_routed_call(api, request)
    except SnapshotWantedError as wanted:
        return wait_for_snapshot(api, request, wanted.name, lambda _: start_routed_call(api, request))


def start_routed_call(api: ControlApi, request: Request) -> Response | PendingRequest:
    """The same for a call that was let in.

    Raises:
        SnapshotWantedError: the foundation has to be looked up first.
    """
    route = find_control_route(api.contract, request)
    plan = route.plan
    call = read_parameters(request, route)
    media_type = find_media_type(plan, request.headers)
    preparation = PREPARATIONS.get(plan.operation)
    prepare = None if preparation is None else preparation(api.context, call)
    read = partial(read_body, plan, media_type, request.content, call, prepare)
    takes_long = LONG_PREPARATIONS.get(plan.operation)
    if len(request.content) <= MAX_LOOP_BODY_BYTES and not (takes_long is not None and takes_long(api.context)):
        return run_handler(api, request, read())
    return wait_for_worker(request, read, lambda now, read: run_handler(api, request, replace(read, real_time=now)))


def run_handler(api: ControlApi, request: Request, call: ControlCall) -> Response | PendingRequest:
    try:
        return respond_or_wait(request, api.handlers[call.operation](api.context, call))
    except SnapshotWantedError as wanted:
        # A handler looks for its foundations before it does anything.
        return wait_for_snapshot(
            api, request, wanted.name, lambda now: run_handler(api, request, replace(call, real_time=now))
        )


def wait_for_snapshot(
    api: ControlApi, request: Request, name: str, go_on: Callable[[int], Response | PendingRequest]
) -> PendingRequest:
    """Has a foundation looked up in the store before a call goes on.

    Args:
        go_on: takes real microseconds.
    """

    def go_on_or_refuse(real_time: int) -> Response | PendingRequest:
        return answer_or_refuse(request, lambda: go_on(real_time))

    return wait_for_look_up(api.context.service, name, go_on_or_refuse, partial(give_up_call, request))


def respond_or_wait(request: Request, outcome: ControlOutcome) -> Response | PendingRequest:
    """What a handler answers, as a door delivers it."""
    if isinstance(outcome, ControlAnswer):
        return response_from_control_answer(outcome)
    if isinstance(outcome, ControlWork):
        work, finish = outcome.work, outcome.finish
        if finish is None:
            return wait_for_worker(
                request, lambda: response_from_control_answer(work(), encode_in_parts), lambda _, response: response
            )
        return wait_for_worker(request, work, lambda now, result: respond_or_wait(request, finish(now, result)))

    def resume(real_time: int, _: Any) -> Response | PendingRequest:
        return answer_or_refuse(request, lambda: respond_or_wait(request, outcome.ask_again(real_time)))

    give_up = partial(give_up_call, request)
    return PendingRequest(resume=resume, give_up=give_up, until=outcome.until, until_at_most=outcome.at_most)


def wait_for_worker(
    request: Request, work: Callable[[], T], go_on: Callable[[int, T], Response | PendingRequest]
) -> PendingRequest:
    """Has something done in the worker room before a call goes on.

    Args:
        go_on: takes the real time of that moment in microseconds, and what the work gave.
    """

    def work_or_fail() -> T | Exception:
        try:
            return work()
        except Exception as error:
            return error

    def resume(real_time: int, result: T | Exception) -> Response | PendingRequest:
        def go_on_or_raise() -> Response | PendingRequest:
            if isinstance(result, Exception):
                raise result
            return go_on(real_time, result)

        return answer_or_refuse(request, go_on_or_raise)

    return PendingRequest(resume=resume, give_up=partial(give_up_call, request), work=work_or_fail)


def wait_for_page(api: ControlApi, request: Request) -> PendingRequest:
    """Has a page made in the worker room, by Flask, which is imported for the first one."""
    must_be_method_of_page(request)

    def work() -> Response:
        from mockfoundry.control.console.app import Console, render_page

        return render_page(Console(api.context.service, api.sessions, api.token), request)

    return PendingRequest(resume=lambda _, page: page, give_up=partial(give_up_call, request), work=work)


def must_be_method_of_page(request: Request) -> None:
    """Raises ControlProblem (405) where a page is not just asked for, or a form of the console is not sent."""
    methods = FORM_METHODS if request.target in FORM_PATHS else PAGE_METHODS
    if request.method not in methods:
        raise ControlProblem(
            405,
            "unknown-call",
            f"{request.method} {request.target}: is not a method of this page; "
            "GET /__mock/openapi.yaml lists the calls",
            ((b"allow", ", ".join(methods).encode()),),
        )


def give_up_call(request: Request, refusal: Refusal) -> Response:
    """The answer to a call that can't be kept waiting; nothing of it was done."""
    return response_from_problem(problem_from_error(refusal, request), request.target)


def find_control_route(contract: Contract, request: Request) -> Route:
    """The route of a call.

    Raises:
        ControlProblem: 404, there is no such call; 405, it does not have this method.
    """
    route = contract.routes.find(request.method, request.target)
    if route is not None:
        return route
    methods = contract.routes.list_methods(request.target)
    found = "is not a method of this call" if methods else "is not a call of the control API"
    raise ControlProblem(
        405 if methods else 404,
        "unknown-call",
        f"{request.method} {unquote(request.target)}: {found}; GET /__mock/openapi.yaml lists them",
        ((b"allow", ", ".join(methods).encode()),) if methods else (),
    )

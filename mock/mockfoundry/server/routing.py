"""connexion's routing of a contract, alone: which operation a path leads to. Never answers.

connexion's operations are replaced by ours (`FoundOperationMiddleware`), so its decorators, validators and problem+json
have no part in a response.
"""

import warnings
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockfoundry.contract.compile import OperationIdResolver, build_routing_document
from mockfoundry.contract.plan import Plan

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # as in contract/compile.py
    from connexion.middleware import ConnexionMiddleware
    from connexion.middleware.abstract import ROUTING_CONTEXT, RoutedAPI, RoutedMiddleware
    from connexion.middleware.routing import RoutingMiddleware
    from connexion.operations import AbstractOperation

FOUND_OPERATIONS_KEY = "mockfoundry.found"


class FoundOperation:
    """Takes the place of one of connexion's operations: notes in the scope that routing found it, no more."""

    def __init__(self, operation: AbstractOperation) -> None:
        self.operation = operation.operation_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[FOUND_OPERATIONS_KEY].append(self.operation)


class FoundOperationAPI(RoutedAPI):  # type: ignore[misc]
    """The contract's operations, each as a FoundOperation."""

    def __init__(self, specification: Any, *args: Any, next_app: ASGIApp, **kwargs: Any) -> None:
        super().__init__(specification, *args, next_app=next_app, **kwargs)
        self.add_paths()

    def make_operation(self, operation: AbstractOperation) -> FoundOperation:
        return FoundOperation(operation)


class FoundOperationMiddleware(RoutedMiddleware):  # type: ignore[misc]
    """Calls the FoundOperation that connexion's routing found."""

    api_cls = FoundOperationAPI


async def end_routing(scope: Scope, receive: Receive, send: Send) -> None:
    """The end of connexion's stack, reached where routing found no operation."""


async def receive_nothing() -> Message:
    """What connexion's stack is given to read: no body has a part in routing."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def discard_message(message: Message) -> None:
    """Takes what connexion's stack sends, which is nothing: it only routes."""


def make_routing(plans: Mapping[str, Plan]) -> Callable[[str, str], Awaitable[str | None]]:
    """What finds the operationId of a method and a decoded path by connexion's routing.

    It finds None where connexion's path converters take less than the Cloud Controller's routes. The contract's own
    route table decides then.
    """
    stack = ConnexionMiddleware(
        end_routing, middlewares=[RoutingMiddleware, FoundOperationMiddleware], resolver=OperationIdResolver()
    )
    stack.add_api(build_routing_document(plans))

    async def find_operation(method: str, path: str) -> str | None:
        found: list[str] = []
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "root_path": "",
            "query_string": b"",
            "headers": [],
            "path_params": {},
            "extensions": {ROUTING_CONTEXT: {}},
            FOUND_OPERATIONS_KEY: found,
        }
        try:
            await stack(scope, receive_nothing, discard_message)
        except HTTPException:
            return None
        return found[0] if found else None

    return find_operation

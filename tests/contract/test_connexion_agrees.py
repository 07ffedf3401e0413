"""The compiled plans accept and refuse the requests that connexion's own validation accepts and refuses.

connexion is the measure. Where a plan differs on purpose, the difference is in DIFFERENCES with its reason.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockfoundry import shipped
from mockfoundry.bodies import read_json, read_query
from mockfoundry.contract.compile import OperationIdResolver
from mockfoundry.contract.load import load_contract
from mockfoundry.contract.plan import Parameter, Plan
from mockfoundry.strategies.contract_values import invalid_values, valid_values
from tests.searching import examples
from tests.serving import read_document

# After mockfoundry.contract.compile, which bears with the warnings of connexion's first import.
from connexion.exceptions import ProblemException  # isort: skip
from connexion.middleware.abstract import AbstractRoutingAPI  # isort: skip
from connexion.middleware.request_validation import RequestValidationOperation  # isort: skip
from connexion.operations import AbstractOperation  # isort: skip
from connexion.spec import OpenAPISpecification  # isort: skip

logging.getLogger("connexion").setLevel(logging.ERROR)

CONTRACTS = {
    "openapi.yaml": load_contract(shipped.CONTRACT_FILE),
    "control/openapi.yaml": load_contract(shipped.CONTROL_CONTRACT_FILE),
}


@dataclass(frozen=True)
class Sent:
    """A request that was routed to an operation."""

    path: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    content_type: str
    content: bytes


def is_repeated_list(plan: Plan, sent: Sent) -> bool:
    names = [name for name, _ in sent.query]
    return any(each.comma_separated and names.count(each.name) > 1 for each in plan.parameters)


def has_newline_at_end(plan: Plan, sent: Sent) -> bool:
    texts = (*sent.path.values(), *(value for _, value in sent.query), *strings_in(sent.content))
    return any(text.endswith("\n") for text in texts)


def strings_in(content: bytes) -> list[str]:
    def walk(value: Any) -> list[str]:
        if isinstance(value, str):
            return [value]
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return [text for each in inside for text in walk(each)]

    try:
        return walk(json.loads(content))
    except ValueError:
        return []


def is_number_beyond_json(plan: Plan, sent: Sent) -> bool:
    return any(word in sent.content for word in (b"NaN", b"Infinity"))


def is_empty_optional_body(plan: Plan, sent: Sent) -> bool:
    return not sent.content and plan.body is not None and not plan.body_required


NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)


def is_number_of_python(plan: Plan, sent: Sent) -> bool:
    sent_values = {**dict(sent.query), **sent.path}
    numbers = (each.name for each in plan.parameters if each.schema.source.get("type") in ("integer", "number"))
    return any(name in sent_values and not NUMBER.fullmatch(sent_values[name]) for name in numbers)


DIFFERENCES: Mapping[str, Callable[[Plan, Sent], bool]] = {
    "a body that is required, of a media type for which connexion has no validator, so it misses none": (
        lambda plan, sent: (
            plan.body_required and not sent.content and not (sent.content_type or "json").endswith("json")
        )
    ),
    "of a repeated parameter connexion splits the last one at its commas, a plan each of them": is_repeated_list,
    "connexion's `$` matches before a line break at the end; in JSON Schema it matches at the end alone": (
        has_newline_at_end
    ),
    "connexion refuses an empty body though none is required; the Cloud Controller reads it as no changes": (
        is_empty_optional_body
    ),
    "connexion reads a number of a parameter as Python does, with blanks, underscores and any digits": (
        is_number_of_python
    ),
    "connexion reads NaN and Infinity, which JSON does not have": is_number_beyond_json,
}
"""When a plan may differ from connexion, by the reason."""


class OperationCollector(AbstractRoutingAPI):  # type: ignore[misc]
    """connexion's operation objects of a contract, by operationId."""

    def __init__(self, source: Path) -> None:
        self.found: dict[str, AbstractOperation] = {}
        super().__init__(OpenAPISpecification(read_document(source)), resolver=OperationIdResolver())

    def make_operation(self, operation: AbstractOperation) -> AbstractOperation:
        return operation

    @staticmethod
    def _framework_path_and_name(operation: AbstractOperation, path: str) -> tuple[str, str]:
        return path, operation.operation_id

    def _add_operation_internal(self, method: str, path: str, operation: Any, name: str | None = None) -> None:
        self.found[operation.operation_id] = operation


async def answer_nothing(*_: Any) -> None:
    """The end of connexion's stack: a request that came so far is accepted."""


@cache
def validations(name: str) -> Mapping[str, RequestValidationOperation]:
    """connexion's own validation of a contract's operations, by operationId; made when the first test asks."""
    return {
        operation: RequestValidationOperation(answer_nothing, operation=each, strict_validation=True)
        for operation, each in OperationCollector(CONTRACTS[name].source).found.items()
    }


def connexion_accepts(validation: RequestValidationOperation, plan: Plan, sent: Sent) -> bool:
    headers = [(b"content-length", str(len(sent.content)).encode())]
    if sent.content_type:
        headers.append((b"content-type", sent.content_type.encode()))
    scope = {
        "type": "http",
        "method": plan.method,
        "path": plan.path,
        "query_string": urlencode(sent.query).encode(),
        "headers": headers,
        "path_params": dict(sent.path),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": sent.content, "more_body": False}

    try:
        # Nothing in it waits, so it ends at its first step, and no event loop is needed.
        with pytest.raises(StopIteration):
            validation(scope, receive, answer_nothing).send(None)
    except (ProblemException, UnicodeDecodeError):
        # It has no problem for a body that is not UTF-8: it fails, which is not accepting it either.
        return False
    return True


def plan_accepts(plan: Plan, sent: Sent) -> bool:
    if plan.path_violations(sent.path) or plan.query_violations(read_query(urlencode(sent.query).encode())):
        return False
    if not plan.bodies:
        return True
    media_type = sent.content_type or next(iter(plan.bodies))
    if media_type not in plan.bodies:
        return False
    if not sent.content:
        return not plan.body_required
    if not media_type.endswith("json"):
        return True
    try:
        body = read_json(sent.content)
    except ValueError:
        return False
    return plan.bodies[media_type].accepts(body)


def parameter_texts(parameter: Parameter) -> st.SearchStrategy[str]:
    def text_of(value: Any) -> str:
        if isinstance(value, list):
            return ",".join(map(text_of, value))
        return value if isinstance(value, str) else json.dumps(value)

    drawn = valid_values(parameter.schema.source).map(text_of)
    strange = st.sampled_from(["", "0", "-1", "1.5", "True", "FALSE", "1,2", "a,,b", " 7", "null", "a b", "é", "a\n"])
    return st.one_of(drawn, strange, st.text(st.characters(codec="utf-8"), max_size=8))


def bodies(plan: Plan) -> st.SearchStrategy[bytes]:
    if plan.body is None:
        return st.sampled_from([b"", b"{}", b"{"])
    source = plan.body.source
    values = st.one_of(valid_values(source), invalid_values(source), valid_values(source).flatmap(mutated))
    broken = st.sampled_from(
        [b"", b"{", b"null", b"[]", b"{}", b'"x"', b"NaN", b'{"rate": Infinity}', b"[1,]", b"\xef"]
    )
    return st.one_of(values.map(msgspec.json.encode), broken)


def mutated(value: Any) -> st.SearchStrategy[Any]:
    """A value of which one property is another, or of another name."""
    if not isinstance(value, dict) or not value:
        return st.sampled_from([None, 0, 1.0, "x", [], {}, True])
    others: st.SearchStrategy[Any] = st.sampled_from(
        [None, 0, -1, 1.0, 10**18, "", "x", [], {}, True, {"at_least": []}]
    )
    return st.tuples(st.sampled_from(sorted(value)), others, st.booleans()).map(
        lambda change: {**value, (change[0] + "s" if change[2] else change[0]): change[1]}
    )


@cache
def requests(name: str, operation: str) -> st.SearchStrategy[Sent]:
    plan = CONTRACTS[name].plans[operation]
    by_place = {place: [each for each in plan.parameters if each.place == place] for place in ("path", "query")}
    path = st.fixed_dictionaries({each.name: parameter_texts(each) for each in by_place["path"]})
    pairs = [st.tuples(st.just(each.name), parameter_texts(each)) for each in by_place["query"]]
    pairs.append(st.tuples(st.sampled_from(["foo", "operations", ""]), st.sampled_from(["", "1"])))
    return st.builds(
        Sent,
        path=path,
        query=st.lists(st.one_of(pairs), max_size=3).map(tuple),
        content_type=st.sampled_from([*plan.bodies, *plan.bodies, "", "text/html"]),
        content=bodies(plan),
    )


PLANS = [(name, operation) for name, contract in CONTRACTS.items() for operation in contract.plans]


@pytest.mark.parametrize(("name", "operation"), PLANS, ids=[f"{operation}" for _, operation in PLANS])
@settings(max_examples=examples(10), deadline=None)
@given(data=st.data())
def test_a_plan_decides_as_connexion_does(name: str, operation: str, data: st.DataObject) -> None:
    """Both accept, or both refuse, but for the differences that are listed with their reason."""
    plan = CONTRACTS[name].plans[operation]
    sent = data.draw(requests(name, operation))
    if not any(differs(plan, sent) for differs in DIFFERENCES.values()):
        assert plan_accepts(plan, sent) == connexion_accepts(validations(name)[operation], plan, sent)

"""Both APIs keep their documents under schemathesis, which draws requests that a document allows, and others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.core
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter
from schemathesis import APIOperation, CheckFunction, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.openapi import from_dict
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mockfoundry import shipped
from tests import searching
from tests.serving import ADMIN, Serving, read_document, serving
from tests.waiting import DEADLINE_SECONDS

ALWAYS = (not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance)

# What is true of a valid request: the thing is not there (404), another one is in the way (409), a quota or a feature
# flag does not allow it (422, 403), or too many were sent (429).
TRUE_REFUSALS = (401, 403, 404, 409, 422, 429)
# Of the process API's queries 400 too: an empty list is sent as an empty word, which no list allows, and selectors of
# labels have a grammar that no schema says.
QUERY_REFUSALS = (*TRUE_REFUSALS, 400)
# Of the control API 400 for names that can't be printed; and 422, since readers of their own say what is wrong with
# durations, moments, operations, seeds and scenarios.
CONTROL_REFUSALS = (*TRUE_REFUSALS, 400)


# The real Cloud Controller answers 500 to a few shapes of a body, and so does the mock, also where it is strict.
OWN_FAILURE = "world: the Cloud Controller fails on "


Operation = APIOperation[Any, Any, Any, Any]


def list_operations(file: Path, refusals: tuple[int, ...]) -> list[Operation]:
    """The operations of a document, of which valid requests may be refused with these statuses."""
    expected = {"expected-statuses": ["2xx", *map(str, refusals)]}
    config = SchemathesisConfig.from_dict({"checks": {"positive_data_acceptance": expected}})
    found = from_dict(read_document(file), config=config).get_all_operations()
    return [each.ok() for each in found if isinstance(each, Ok)]


OPERATIONS = [
    *(each for each in list_operations(shipped.CONTRACT_FILE, QUERY_REFUSALS) if each.method == "get"),
    *(each for each in list_operations(shipped.CONTRACT_FILE, TRUE_REFUSALS) if each.method != "get"),
    *list_operations(shipped.CONTROL_CONTRACT_FILE, CONTROL_REFUSALS),
]


def list_checks(operation: Operation, media_type: str) -> list[CheckFunction]:
    """The checks of a request; what is left out has its reason.

    Args:
        media_type: of its body, empty without one.
    """
    checks: list[CheckFunction] = [*ALWAYS, positive_data_acceptance]
    if not operation.path.endswith(".yaml"):
        # Documents are described as the text that they are; schemathesis reads them, and finds a mapping.
        checks.append(response_schema_conformance)
    if operation.method != "get" and not media_type.endswith("yaml"):
        # All of a query is text: null is sent as an empty one, and true as four letters, which are allowed. So is all
        # YAML: whatever a document is made of in place of a text, it is sent as a text.
        checks.append(negative_data_rejection)
    return checks


@pytest.fixture(autouse=True)
def printer() -> Iterator[None]:
    """Puts Hypothesis's own printer back: schemathesis has one that prints nothing, for every test of the process."""
    yield
    vars(hypothesis.core)["RepresentationPrinter"] = RepresentationPrinter


@pytest.fixture(scope="module")
def running() -> Iterator[Serving]:
    with serving(strict=True) as server:
        yield server


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as kept:
        kept.headers.update(ADMIN)
        yield kept


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@settings(max_examples=searching.examples(4))
@given(data=st.data())
def test_it_answers_as_documented(
    operation: Operation, running: Serving, session: requests.Session, data: st.DataObject
) -> None:
    """The server is strict: without that it takes what the Cloud Controller takes, which is more than is documented."""
    mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
    case = data.draw(operation.as_strategy(mode))
    # A stream has no end.
    case.query.pop("follow", None)
    base = "" if operation.path.startswith("/v3") else "/__mock"
    response = case.call(base_url=running.url + base, session=session, timeout=DEADLINE_SECONDS)
    if str(response.headers.get("x-mock-why", "")).startswith(OWN_FAILURE):
        assert response.status_code == 500
        return
    case.validate_response(response, checks=list_checks(operation, case.media_type or ""))

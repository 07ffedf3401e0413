"""What must be named: a rule without an operation leaves the way in alone; by name, or by `any`, it is reached."""

from collections.abc import Mapping
from typing import Any

import pytest

from mockfoundry.contract.load import Contract, join_contracts, load_contract
from mockfoundry.scenarios.engine import ScenarioProgress, match_scenarios
from mockfoundry.scenarios.lint import check_scenario
from mockfoundry.scenarios.model import Respond, Rule, Scenario, When
from mockfoundry.scenarios.near_misses import find_near_miss
from mockfoundry.scenarios.rule_index import CompiledScenarios
from mockfoundry.shipped import PLATFORM_CONTRACT_FILE
from tests.scenarios.conftest import AskRequest

BUSY = Respond(status=503)

REQUESTS: dict[str, tuple[str, bool]] = {
    "an operation behind a token": ("scaleProcess", False),
    "a log-in": ("issueToken", True),
    "another log-in": ("getLogin", True),
    "an unknown route": ("", False),
}

REACHED: dict[tuple[str, ...], set[str]] = {
    (): {"an operation behind a token", "an unknown route"},
    ("any",): set(REQUESTS),
    ("issueToken",): {"a log-in"},
    ("issueToken", "scaleProcess"): {"a log-in", "an operation behind a token"},
    ("any", "scaleProcess"): set(REQUESTS),
}


def playing(*rules: Rule) -> CompiledScenarios:
    return CompiledScenarios([Scenario(name="it", rules=rules)])


@pytest.mark.parametrize("first", REACHED)
@pytest.mark.parametrize("second", REACHED)
def test_a_rule_reaches_what_it_is_about(first: tuple[str, ...], second: tuple[str, ...], ask: AskRequest) -> None:
    """The first rule that is about a request takes it, also where both are in one index."""
    compiled = playing(Rule(operation=first, respond=BUSY), Rule(operation=second, respond=BUSY))
    for name, (operation, needs_naming) in REQUESTS.items():
        request = ask(operation=operation, needs_naming=needs_naming)
        found = match_scenarios(compiled, ScenarioProgress(), request, 0, float)
        taken = [number for number, rule in ((1, first), (2, second)) if name in REACHED[rule]]
        assert (found and found.rule) == (taken[0] if taken else None), name


def test_a_near_miss_says_that_the_operation_must_be_named(ask: AskRequest) -> None:
    compiled = playing(Rule(when=When(headers={"X-Client": "a"}), respond=BUSY))
    request = ask(operation="issueToken", needs_naming=True, headers={b"x-client": b"a"})
    assert match_scenarios(compiled, ScenarioProgress(), request, 0, float) is None
    near = find_near_miss(compiled, ScenarioProgress(), request, 0)
    assert str(near) == (
        "scenario it, rule 1: operation: wanted one that must not be named, as those of logging in must, got issueToken"
    )


@pytest.fixture(scope="module")
def everything(contract: Contract) -> Contract:
    """All that is served with the shipped contracts."""
    return join_contracts(contract, load_contract(PLATFORM_CONTRACT_FILE))


LINTED: dict[str, tuple[tuple[Rule, ...], list[str]]] = {
    "a rule for what stands behind a token need not fit the way in": (
        (Rule(respond=Respond(error="CF-ServiceUnavailable")),),
        [],
    ),
    "a rule for any operation must": (
        (Rule(operation="any", respond=Respond(error="CF-ServiceUnavailable")),),
        ["documents no 503"],
    ),
    "unless it says so": (
        (Rule(operation="any", respond=Respond(error="CF-ServiceUnavailable", undocumented=True)),),
        [],
    ),
    "a rule for all that stands behind a token leaves the log-in to the next": (
        (Rule(respond=Respond(delay=1)), Rule(operation="issueToken", respond=Respond(delay=1))),
        [],
    ),
    "and so it does to a rule for any operation": (
        (Rule(respond=Respond(delay=1)), Rule(operation="any", respond=Respond(delay=1))),
        [],
    ),
    "a rule for any operation leaves nothing": (
        (
            Rule(operation="any", respond=Respond(delay=1)),
            Rule(operation="issueToken", respond=Respond(delay=1)),
            Rule(respond=Respond(delay=1)),
            Rule(operation="scaleProcess", respond=Respond(delay=1)),
        ),
        ["rule 2 is never reached: rule 1", "rule 3 is never reached: rule 1", "rule 4 is never reached: rule 1"],
    ),
}


@pytest.mark.parametrize("row", LINTED)
def test_lint_knows_what_must_be_named(row: str, everything: Contract, errors: Mapping[str, int]) -> None:
    rules, expected = LINTED[row]
    problems: list[Any] = check_scenario(Scenario(name="it", rules=rules), everything, errors)
    assert len(problems) == len(expected)
    assert [text for text, problem in zip(expected, problems, strict=True) if text not in problem.text] == []

"""A scenario that is written wrong in Python is told as its file would be; durations may be text there, too."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockfoundry.client.errors import ControlError
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess
from mockfoundry.client.server import Server
from mockfoundry.scenarios.model import (
    PASS,
    Event,
    Hold,
    Respond,
    Rule,
    Scenario,
    ScenarioError,
    Uniform,
    Virtual,
    When,
)

HALF: Any = 0.5
ONE: Any = "1s"


def scenario_of(**keys: Any) -> Scenario:
    return Scenario(name="late", rules=(Rule(**{"respond": PASS, **keys}),))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"when": When(process={"typ": "web"})}, '"typ" is not a key of process; did you mean type?'),
        ({"when": {"usr": "alice"}}, '"usr" is not a key of when; did you mean user?'),
        ({"when": 3}, "when is 3; it must be a mapping of path, query, headers, body, user, process"),
        ({"respond": "passs"}, 'respond is "passs"; it must be a mapping, or the word pass; write {error: passs}'),
        ({"operation": 3}, "operation is 3; it must be an operationId such as scaleProcess"),
        ({"until": "5 s"}, 'until is "5 s"; write a number and a unit: 250ms, 2s, 1.5s, 1m or 1h'),
        ({"respond": Respond(delay=HALF)}, "delay is 0.5; it must be a number and a unit"),
        ({"respond": Respond(status=503, body=b"x")}, "scenario late: rules/0/respond/body is b'x'; JSON has no bytes"),
        ({"respond": Respond(status=503, body={1: 2})}, "rules/0/respond/body has the key 1; keys are text"),
        (
            {"respond": Respond(status=503, body={10**5000: 2})},
            "body has the key a number of 16610 bits; keys are text",
        ),
        ({"when": object()}, "rules/0/when is a object, which no file can hold"),
    ],
)
def test_what_is_wrong_in_python_is_told_as_in_a_file(foundation: Foundation, keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError) as error:
        foundation.play(scenario_of(**keys))
    assert told in str(error.value)
    assert str(error.value).startswith("scenario late:")
    with pytest.raises(ScenarioError) as error:
        Server(scenarios=[scenario_of(**keys)])
    assert told in str(error.value)


@pytest.mark.parametrize("rules", ["x", 5])
def test_rules_that_are_no_list_are_told(foundation: Foundation, rules: Any) -> None:
    with pytest.raises(ScenarioError, match="it must be a list of rules, at least one"):
        foundation.play(Scenario(name="late", rules=rules))


def test_base64_is_given_as_bytes() -> None:
    wrong: Any = "AAEC"
    with pytest.raises(TypeError, match="base64: 'AAEC' is no bytes; give the bytes themselves"):
        Respond(status=503, base64=wrong)


def test_a_duration_may_be_text_or_a_timedelta() -> None:
    six: Any
    for six in ("6s", timedelta(seconds=6), 6_000_000):
        assert Respond(delay=six) == Respond(delay=6_000_000)
        assert Virtual(six, at_most=six) == Virtual(6_000_000, 6_000_000)
        assert Uniform(ONE, six) == Uniform(1_000_000, 6_000_000)
        assert Hold(at="after-commit", at_most=six).at_most == 6_000_000
        assert (Rule(from_=ONE, until=six).from_, Rule(until=six).until) == (1_000_000, 6_000_000)
        assert (Event(at=six, given={}).at, Scenario(name="x", for_=six).for_) == (6_000_000, 6_000_000)


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        ["5s", "pass", "scaleProcess", b"x", object(), {"user": "alice"}, {1: 2}, ["a"], {3}, ("a", 1), "\ud800"]
    ),
    st.just(When(user="alice")),
    st.just(Respond(status=503)),
)


def draw_scenario(data: st.DataObject) -> Scenario:
    """One whose rule, answer or conditions have anything at all in one of their fields."""
    value = data.draw(ANYTHING)
    of = data.draw(st.sampled_from([Rule, Respond, When]))
    name = data.draw(st.sampled_from(of.__struct_fields__))
    if of is Rule:
        return scenario_of(**{name: value})
    return scenario_of(respond=Respond(**{name: value})) if of is Respond else scenario_of(when=When(**{name: value}))


def test_whatever_stands_in_a_scenario_it_plays_or_is_refused_in_a_sentence() -> None:
    with InProcess() as server:
        foundation = server.foundation()

        @given(data=st.data())
        def play(data: st.DataObject) -> None:
            told = ""
            try:
                foundation.play(draw_scenario(data))
            except (ScenarioError, ControlError, TypeError) as error:
                told = str(error)
            assert not told or "late" in told or told.startswith("base64: ")

        play()

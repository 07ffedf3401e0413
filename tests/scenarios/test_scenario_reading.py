"""A scenario file: what it says is what is played, and what is wrong with it is told with its place."""

import json
import re
from collections.abc import Mapping

import msgspec
import pytest

from mockfoundry.contract.load import Contract
from mockfoundry.documents.problems import Problem
from mockfoundry.documents.times import format_duration, format_passed_time, parse_duration
from mockfoundry.scenarios.format import read_scenario, scenario_to_dict
from mockfoundry.scenarios.lint import check_scenario
from mockfoundry.scenarios.model import (
    PASS,
    Event,
    Hold,
    Lognormal,
    Respond,
    Rule,
    Scenario,
    ScenarioError,
    Uniform,
    When,
)
from tests.effort import effort_of

EVERYTHING = Scenario(
    name="everything",
    description="Every key of the format, once.",
    story="It was raining.",
    good_client="Takes an umbrella.",
    for_=60_000_000,
    start="calm",
    given={"settings": {"platform": "unavailable"}},
    events=(Event(at=30_000_000, given={"feature_flags": {"app_scaling": False}}),),
    rules=(
        Rule(
            operation=("listProcesses", "listProcessesForApp"),
            when=When(query={"per_page": {"minimum": 100}}, headers={"X-Client": "autoscaler"}),
            state=("calm", "windy"),
            goto="windy",
            after=1,
            times=2,
            chance=0.5,
            from_=1_000,
            until=59_000_000,
            respond=Respond(error="CF-BadQueryParameter", detail="No.", headers={"Retry-After": "1", "Date": None}),
        ),
        Rule(
            operation=("scaleProcess",),
            when=When(
                path={"guid": "6a901b7c-9417-4dc1-8189-d3234aa0ab82"},
                body={"instances": 2},
                user="alice",
                process={"type": {"enum": ["web", "worker"]}, "app": "dora"},
            ),
            sequence=(
                Respond(fault="reset", phase="after"),
                PASS,
                Respond(status=202),
                Respond(example="scaled", delay=250_000),
                Respond(delay=Uniform(100_000, 2_000_000)),
                Respond(delay=Lognormal(200_000, 2_000_000)),
                Respond(hold=Hold(at="before-commit")),
                Respond(hold=Hold(at="after-commit", name="first", at_most=1_000_000)),
                Respond(status=409, body={"errors": [{"code": 10016, "title": "CF-Conflict", "detail": "Wait"}]}),
                Respond(status=502, text="<h1>Bad gateway</h1>", undocumented=True),
            ),
            finally_="stay",
        ),
    ),
)

EVERYTHING_AS_FILE = """\
scenario: everything
description: Every key of the format, once.
story: It was raining.
good-client: Takes an umbrella.
for: 1m
start: calm
given: {settings: {platform: unavailable}}
events:
  - {at: 30s, given: {feature_flags: {app_scaling: false}}}
rules:
  - operation: [listProcesses, listProcessesForApp]
    when:
      query: {per_page: {minimum: 100}}
      headers: {X-Client: autoscaler}
    state: [calm, windy]
    goto: windy
    after: 1
    times: 2
    chance: 0.5
    from: 1ms
    until: 59s
    respond: {error: CF-BadQueryParameter, detail: No., headers: {Retry-After: 1, Date: null}}
  - operation: scaleProcess
    when:
      path: {guid: 6a901b7c-9417-4dc1-8189-d3234aa0ab82}
      body: {instances: 2}
      user: alice
      process: {type: {enum: [web, worker]}, app: dora}
    sequence:
      - {fault: reset, phase: after}
      - pass
      - {status: 202}
      - {example: scaled, delay: 0.25s}
      - {delay: {uniform: [100ms, 2s]}}
      - {delay: {lognormal: {median: 200ms, p99: 2s}}}
      - {hold: before-commit}
      - {hold: {at: after-commit, name: first, at-most: 1s}}
      - {status: 409, body: {errors: [{code: 10016, title: CF-Conflict, detail: Wait}]}}
      - {status: 502, text: "<h1>Bad gateway</h1>", undocumented: true}
    finally: stay
"""


def test_a_file_gives_the_value_that_python_writes(contract: Contract, errors: Mapping[str, int]) -> None:
    assert read_scenario(EVERYTHING_AS_FILE, source="everything.yaml") == EVERYTHING
    assert check_scenario(EVERYTHING_AS_FILE, contract, errors) == []


def test_a_value_prints_as_a_file_that_gives_it_again() -> None:
    assert read_scenario(str(EVERYTHING), source="printed") == EVERYTHING
    assert repr(EVERYTHING) == EVERYTHING.to_yaml()


def test_json_is_taken_as_well_as_yaml() -> None:
    data = scenario_to_dict(EVERYTHING)
    assert read_scenario(json.dumps(data), source="everything.json") == EVERYTHING
    assert read_scenario(json.dumps(data, indent="\t"), source="everything.json") == EVERYTHING


def test_signs_beyond_the_first_plane_survive_json_s_escapes() -> None:
    text = json.dumps({"scenario": "late", "description": "a \\ud83d backslash, and 🐢", "given": {"settings": {}}})
    assert read_scenario(text, source="x").description == "a \\ud83d backslash, and 🐢"


def test_what_is_given_may_have_numbers_for_keys_as_a_seed_file_has() -> None:
    process = "{type: web, instance_states: {2: CRASHED}}"
    apps = f"[{{name: dora, processes: [{process}]}}]"
    text = f"scenario: late\ngiven: {{organizations: [{{name: acme, spaces: [{{name: dev, apps: {apps}}}]}}]}}\n"
    (organization,) = read_scenario(text, source="late.yaml").given["organizations"]
    (web,) = organization["spaces"][0]["apps"][0]["processes"]
    assert web["instance_states"] == {"2": "CRASHED"}


def test_one_operation_needs_no_list() -> None:
    assert Rule(operation="scaleProcess", respond=PASS) == Rule(operation=("scaleProcess",), respond=PASS)


def test_all_problems_of_a_file_are_told_at_once(contract: Contract, errors: Mapping[str, int]) -> None:
    text = "scenario: late\nfor: soon\nrules:\n  - operation: scaleProcess\n    times: 0\n    respnd: pass\n"
    assert [(each.line, each.column) for each in check_scenario(text, contract, errors)] == [(2, 6), (5, 12), (6, 5)]


def test_an_error_lists_its_problems_one_a_line() -> None:
    with pytest.raises(ScenarioError) as caught:
        read_scenario("scenario: late\nfor: soon\nrulez: []\n", source="late.yaml")
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["late.yaml:2:6", "late.yaml:3:1"]


HOSTILE = {
    "deep-lists": "[" * 500_000,
    "deep-mappings": "{a: " * 200_000,
    "deep-blocks": "\n".join(" " * depth + "a:" for depth in range(1_000)),
    "deep-keys": "? " * 400_000,
    "too-large": "# " + "x" * (1 << 20),
    "too-large-in-bytes": "# " + "é" * (1 << 19),
    "billion-laughs": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "alias-to-nothing": "scenario: *late\n",
    "merge": "scenario: late\n<<: {for: 1s}\n",
    "many-scalars": "- a\n" * 260_000,
    "many-keys": "\n".join(f"k{number}: 1" for number in range(60_000)),
    "same-key": "a: 1\n" * 100_000,
    "long-digits": "scenario: " + "1" * 1_000_000,
    "long-almost-number": "scenario: " + "1" * 1_000_000 + "x",
    "long-sexagesimal": "scenario: " + "1:" * 500_000 + "1",
    "large-number": "scenario: late\nrules: [{times: 99999999999999999999999, respond: pass}]\n",
    "infinite": "scenario: late\nrules: [{chance: 1e999, respond: pass}]\n",
    "not-a-number": "scenario: late\nrules: [{chance: .nan, respond: pass}]\n",
    "yes": "scenario: yes\ngiven: {settings: {}}\n",
    "octal": "scenario: 0777\ngiven: {settings: {}}\n",
    "sexagesimal": "scenario: 12:30\ngiven: {settings: {}}\n",
    "date": "scenario: 2026-11-24\ngiven: {settings: {}}\n",
    "null-name": "scenario:\ngiven: {settings: {}}\n",
    "key-is-null": "scenario: late\n~: 1\n",
    "key-is-true": "scenario: late\ntrue: 1\n",
    "key-is-a-list": "scenario: late\n[a]: 1\n",
    "key-is-a-fraction": "scenario: late\ngiven: {1.5: 1}\n",
    "tag": "!!python/object/apply:os.system [echo]\n",
    "local-tag": "scenario: !late late\n",
    "directive": "%YAML 9.9\n---\nscenario: late\n",
    "control-sign": "scenario: la\x07te\n",
    "null-sign": "scenario: la\x00te\n",
    "half-a-pair": "scenario: la\ud83dte\n",
    "empty": "",
    "only-a-comment": "# nothing\n",
    "a-scalar": "late\n",
    "braces": "{{{{}}}}\n",
    "path-as-name": "scenario: ../../etc/passwd\ngiven: {settings: {}}\n",
    "slow-pattern": 'scenario: late\nrules: [{when: {body: {a: {pattern: "(?=a)*b"}}}, respond: pass}]\n',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_refused_at_once_with_its_place(text: str) -> None:
    problems: list[Problem] = []

    def read() -> None:
        with pytest.raises(ScenarioError) as caught:
            read_scenario(text, source="hostile.yaml")
        problems.extend(caught.value.problems)

    assert effort_of(read) < 3
    assert problems
    for problem in problems:
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.column >= 1
        assert len(problem.text) < 400
        assert problem.text.isprintable()


DURATIONS = [
    ("250ms", 250_000),
    ("2s", 2_000_000),
    ("1.5s", 1_500_000),
    ("1m", 60_000_000),
    ("1h", 3_600_000_000),
    ("7us", 7),
    ("0s", 0),
]


@pytest.mark.parametrize(("text", "microseconds"), DURATIONS)
def test_a_duration_is_whole_microseconds(text: str, microseconds: int) -> None:
    assert parse_duration(text) == microseconds
    assert parse_duration(format_duration(microseconds)) == microseconds


PASSED = [(0, "0s"), (1, "0.000001s"), (6_200_000, "6.2s"), (90_000_000, "90s"), (-1_500_000, "-1.5s")]


@pytest.mark.parametrize(("microseconds", "text"), PASSED)
def test_time_that_has_passed_is_told_in_seconds(microseconds: int, text: str) -> None:
    assert format_passed_time(microseconds) == text


NO_NUMBER_AND_UNIT = "write a number and a unit: 250ms, 2s, 1.5s, 1m or 1h"
TOO_LONG = "a duration is at most 8760h"
TOO_MANY_DIGITS = "the number of a duration has at most 17 digits, and 6 after the point"
NO_DURATIONS = {
    **dict.fromkeys(("", "1", "s", "-1s", "1 s", "1d", "1S", "1s\n", "\u0661s", "1e3s", ".5s"), NO_NUMBER_AND_UNIT),
    **dict.fromkeys(("9000h", "99999999999999999h", "99999999999999999999h", "9" * 10_000 + "ms"), TOO_LONG),
    **dict.fromkeys(("0.0000001s", "000000000000000001s"), TOO_MANY_DIGITS),
    "0.5us": "a duration is a whole number of microseconds",
}


@pytest.mark.parametrize(("text", "told"), NO_DURATIONS.items())
def test_what_is_no_duration_is_refused_with_what_is_allowed(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        parse_duration(text)


def test_a_scenario_can_be_written_out_and_read_back() -> None:
    assert msgspec.json.decode(msgspec.json.encode(EVERYTHING), type=Scenario) == EVERYTHING

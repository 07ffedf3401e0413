"""Whatever a scenario says: it is the same written and read, it is refused with a place or plays, and an index is only
an index."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mockfoundry.contract.load import Contract
from mockfoundry.scenarios.conditions import ABSENT
from mockfoundry.scenarios.engine import (
    LetThrough,
    ScenarioProgress,
    commit_match,
    count_let_through,
    match_scenarios,
    reach_controller,
    switch_on,
    take_due_events,
)
from mockfoundry.scenarios.format import PROCESS, SCENARIO, read_scenario, scenario_to_dict
from mockfoundry.scenarios.lint import check_scenario
from mockfoundry.scenarios.model import (
    PASS,
    CountScope,
    Event,
    Hold,
    Lognormal,
    Respond,
    Rule,
    Scenario,
    ScenarioError,
    Uniform,
    Virtual,
    When,
)
from mockfoundry.scenarios.near_misses import describe_near_miss, find_near_miss, recall_near_miss, remember_near_miss
from mockfoundry.scenarios.rule_index import CompiledScenarios
from tests.scenarios.conftest import Ask
from tests.searching import examples

patient = settings(max_examples=examples(50), suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

# Text without halves of surrogate pairs, which are no text; control signs and line breaks of all kinds are in it.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
plain_awkward = ["", " ", "a ", " a", "yes", "null", "~", "1", "1.0", "0x1", "2026-11-24", "=", "<<", "1_000", "1:30"]
marks_awkward = ["- a", "a: b", "a #b", "#", "'", '"', "|", ">", "&a", "*a", "!a", "%a", "@a", "`", "{a}", "[a]", "a,b"]
lines_awkward = [
    "?",
    ":",
    "-",
    "--- ",
    "...",
    "a\n",
    "\na",
    "a\n\nb",
    "\t",
    "\u2028",
    "\x85",
    "\x00",
    "\ufeff",
    "\\u0041",
]
long_awkward = ["word " * 60, "w" * 300, "word word: " * 20, "\U0001f422"]
awkward = st.sampled_from([*plain_awkward, *marks_awkward, *lines_awkward, *long_awkward])
words = texts | awkward
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)
names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,20}[A-Za-z0-9])?", fullmatch=True)
durations = st.integers(0, 10**12)
times = (
    durations
    | st.tuples(durations, durations).map(lambda pair: Uniform(*sorted(pair)))
    | st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)).map(lambda pair: Lognormal(*sorted(pair)))
)
delays = times | st.builds(Virtual, times, st.integers(1, 10**9))
latin = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20).map(str.strip)
header_names = st.sampled_from(["Retry-After", "X-Mine", "Date", "Content-Type"])
headers = st.dictionaries(header_names, latin | st.none(), max_size=3)
holds = st.builds(
    Hold,
    at=st.sampled_from(["before-commit", "after-commit"]),
    name=st.just("") | names,
    at_most=st.integers(1, 10**9),
)
answers = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"error": words}, optional={"detail": words}),
    st.fixed_dictionaries({"status": st.integers(205, 303)}),
    st.fixed_dictionaries({"status": st.integers(305, 599), "body": json_values}),
    st.fixed_dictionaries({"status": st.integers(305, 599), "text": words}),
    st.fixed_dictionaries({"status": st.integers(305, 599), "base64": st.binary(max_size=20)}),
    st.fixed_dictionaries({"example": words}),
)
answered = st.tuples(
    answers, headers, delays, st.sampled_from(["before", "after"]), st.none() | holds, st.booleans()
).map(
    lambda drawn: Respond(
        **drawn[0],
        headers=drawn[1],
        delay=drawn[2],
        phase=drawn[3],
        hold=drawn[4],
        undocumented=drawn[5] and bool(drawn[0] or drawn[1]),
    )
)
faults = st.builds(
    Respond, fault=st.sampled_from(["reset", "empty", "garbage", "hang", "truncate", "dribble"]), delay=delays
)
responds = (answered | faults).map(lambda respond: respond if respond.changes else PASS)

about_one = [{"minimum": 2}, {"maximum": 2}, {"enum": [1, "a"]}, {"const": 2}, {"pattern": "^a"}, {"type": "string"}]
about_many = [{"not": {"const": 1}}, {"anyOf": [{"minimum": 2}, {"type": "null"}]}, {"required": ["a"]}, {"const": [1]}]
schemas = st.sampled_from([*about_one, *about_many])
plain = st.sampled_from([1, 2, 1.0, "1", "a", True, False, None, [1], ["a", "b"], "", 0])
fields = st.sampled_from(["a", "b", "guid"])
conditions = st.dictionaries(fields, plain | schemas, max_size=2)
wanted_names = st.sampled_from(["a", "b", {"enum": ["a", "c"]}, {"pattern": "^a"}, {"not": {"const": "a"}}])
whens = st.builds(
    When,
    path=conditions,
    query=conditions,
    headers=conditions,
    body=conditions,
    user=st.just(ABSENT) | st.none() | wanted_names,
    process=st.just({}) | st.dictionaries(st.sampled_from(sorted(PROCESS.by_name)), wanted_names, max_size=2),
)
operations = st.lists(st.sampled_from(["scaleProcess", "getProcess", "listProcesses"]), unique=True, max_size=2).map(
    tuple
)


COUNT_SCOPES: tuple[CountScope, ...] = ("process", "user", "token", "foundation")


@st.composite
def rules(draw: st.DrawFn, states: bool, per: CountScope) -> Rule:
    window = draw(st.none() | st.tuples(durations, st.integers(1, 10**12)))
    sequence = draw(st.booleans())
    return Rule(
        operation=draw(operations),
        when=draw(whens),
        at=draw(st.sampled_from([None, "gateway", "controller"])),
        per=per if states else draw(st.sampled_from(COUNT_SCOPES)),
        state=tuple(draw(st.lists(st.sampled_from(["s", "t"]), unique=True, max_size=2))) if states else (),
        goto=draw(st.none() | st.sampled_from(["s", "t"])) if states else None,
        after=draw(st.integers(0, 2)),
        times=None if sequence else draw(st.none() | st.integers(1, 3)),
        chance=draw(st.sampled_from([1.0, 0.5, 1e-9])),
        from_=window and window[0],
        until=window and window[0] + window[1],
        respond=None if sequence else draw(responds),
        sequence=tuple(draw(st.lists(responds, min_size=1, max_size=3))) if sequence else (),
        finally_=draw(st.sampled_from(["pass", "repeat", "stay"])) if sequence else "pass",
    )


marked = st.dictionaries(st.sampled_from(["a", "b", "c"]), words, max_size=3).map(
    lambda texts: {"organizations": [{"name": "*", "metadata": {"annotations": texts}}]}
)
timed = st.fixed_dictionaries(
    {}, optional={"start_seconds": st.integers(0, 99) | st.floats(0, 99), "crash_seconds": st.none() | st.just("2s")}
).map(lambda settings: {"settings": settings})
switched = st.dictionaries(st.sampled_from(["app_scaling", "diego_docker"]), st.booleans()).map(
    lambda flags: {"feature_flags": flags}
)
seed_words = st.one_of(marked, timed, switched)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    per = draw(st.sampled_from(COUNT_SCOPES))
    states = draw(st.booleans())
    drawn = tuple(draw(st.lists(rules(states, per), max_size=4)))
    begun = any(rule.state or rule.goto for rule in drawn)
    return Scenario(
        name=draw(names),
        description=draw(words),
        story=draw(words),
        good_client=draw(words),
        start=draw(st.sampled_from(["s", "t"])) if begun else None,
        given=draw(seed_words),
        events=tuple(draw(st.lists(st.builds(Event, at=durations, given=seed_words), max_size=2))),
        rules=drawn,
    )


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types: 1 is not 1.0, and not true."""
    return one == other and json.dumps(one) == json.dumps(other)


@patient
@given(scenarios())
def test_a_scenario_is_the_same_written_and_read(scenario: Scenario) -> None:
    text = scenario.to_yaml()
    again = read_scenario(text, source="printed")
    assert again == scenario
    assert same(scenario_to_dict(again), scenario_to_dict(scenario))
    assert again.to_yaml() == text


@patient
@given(scenarios())
def test_a_scenario_is_the_same_as_json(scenario: Scenario) -> None:
    text = json.dumps(scenario_to_dict(scenario))
    assert read_scenario(text, source="sent") == scenario


def from_schema(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit a schema, of the keywords that the scenario's schema has."""
    if "anyOf" in schema:
        return st.one_of([from_schema(each) for each in schema["anyOf"]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "$ref" in schema:
        return DEFINED[schema["$ref"].rpartition("/")[2]]
    kind = schema.get("type")
    if kind == "string":
        return st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else words
    if kind == "integer":
        return st.integers(schema.get("minimum"), schema.get("maximum"))
    if kind == "number":
        return st.floats(0, 1, exclude_min=True)
    if kind == "array":
        unique = json.dumps if schema.get("uniqueItems") else None
        return st.lists(
            from_schema(schema["items"]),
            min_size=schema.get("minItems", 0),
            max_size=schema.get("maxItems", 3),
            unique_by=unique,
        )
    if kind == "object" and "properties" in schema:
        required = schema.get("required", [])
        parts = {key: from_schema(each) for key, each in schema["properties"].items()}
        optional = [key for key in parts if key not in required]
        # Few keys at a time, since many of them exclude each other.
        return st.lists(st.sampled_from(optional or required), unique=True, min_size=1, max_size=3).flatmap(
            lambda chosen: st.fixed_dictionaries({key: parts[key] for key in {*required, *chosen}})
        )
    if kind == "object":
        values = from_schema(schema["additionalProperties"]) if "additionalProperties" in schema else json_values
        return st.dictionaries(words, values, min_size=schema.get("minProperties", 0), max_size=3)
    return scalars if isinstance(kind, list) else json_values


DEFINED: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("operation", "error", "example"), words),
    "status": st.integers(200, 599),
    "given": seed_words,
}
"""What stands for the words that the contract, the catalogue and the seed's form know."""

WHOLE = SCENARIO.schema()
RULE = WHOLE["properties"]["rules"]["items"]
answering = st.tuples(from_schema(RULE), from_schema(RULE["properties"]["respond"])).map(
    lambda drawn: {
        "respond": drawn[1],
        **{key: value for key, value in drawn[0].items() if key not in ("sequence", "finally", "state", "goto")},
    }
)
files = from_schema(WHOLE) | st.fixed_dictionaries(
    {"scenario": names, "rules": st.lists(answering, min_size=1, max_size=3)}
)

values = st.sampled_from([None, True, 1, 2, 1.5, "a", "b", "1", [1], {"a": 1}, 10**40, float("1e300")])
asks = st.builds(
    Ask,
    operation=st.sampled_from(["scaleProcess", "getProcess", "listProcesses", "", "unknown"]),
    path=st.dictionaries(fields, st.sampled_from(["a", "b", "1", "2"]), max_size=2),
    query=st.dictionaries(fields, st.lists(st.sampled_from(["1", "a", "2", "true"]), max_size=2), max_size=2),
    headers=st.dictionaries(st.sampled_from([b"a", b"b"]), st.sampled_from([b"a", b"1", b"\xff"]), max_size=2),
    body=st.just(ABSENT) | values | st.dictionaries(fields, values, max_size=2),
    token=st.sampled_from(["", "t", "u"]),
    process=st.sampled_from(["", "p", "q"]),
    user=st.sampled_from(["", "a", "b"]),
    process_facts=st.dictionaries(st.sampled_from(sorted(PROCESS.by_name)), st.sampled_from(["a", "b"]), max_size=2),
)


def play(scenario: Scenario, requests: list[Ask], draws: list[float]) -> None:
    """Plays requests against a scenario, each a second later, as an exchange would."""
    compiled_scenarios, progress = CompiledScenarios([scenario]), ScenarioProgress()
    switch_on(progress, scenario, 0)
    left = iter(draws * 1_000)
    for second, request in enumerate(requests):
        now = second * 1_000_000
        take_due_events(compiled_scenarios, progress, now)
        let_through: list[LetThrough] = []
        decision = match_scenarios(
            compiled_scenarios, progress, request, now, lambda: next(left, 0.5), reach_controller, let_through
        )
        count_let_through(progress, let_through)
        if decision is None:
            find_near_miss(compiled_scenarios, progress, request, now)
        elif decision.respond is not None and decision.respond.phase == "after":
            commit_match(progress, decision, now)
        if decision is not None:
            assert decision.delay >= 0
            assert 1 <= decision.rule <= len(scenario.rules)


draws = st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=5)


@patient
@given(scenarios(), st.lists(asks, max_size=6), draws)
def test_a_scenario_that_can_be_written_can_be_played(scenario: Scenario, requests: Any, draws: Any) -> None:
    play(scenario, requests, draws)


STATES = ("s", "t", "u")
moments = st.none() | st.integers(0, 6)
timed_rules = st.builds(
    lambda states, goto, begins, lasts: Rule(
        per="process",
        state=tuple(states),
        goto=goto,
        from_=begins,
        until=None if lasts is None else (begins or 0) + lasts + 1,
        respond=Respond(status=503),
    ),
    st.lists(st.sampled_from(STATES), unique=True, max_size=2),
    st.none() | st.sampled_from(STATES),
    moments,
    moments,
)


@patient
@given(st.lists(timed_rules, min_size=1, max_size=4), st.lists(st.tuples(st.integers(0, 4), st.sampled_from("pq"))))
def test_each_process_is_in_its_state_for_as_long_as_a_simple_model_says(
    timed: list[Rule], steps: list[tuple[int, str]]
) -> None:
    """The model knows of each process its state and when it was entered, and tries the rules in order."""
    scenario = Scenario(name="timed", start="s", rules=tuple(timed))
    compiled_scenarios, progress, now = CompiledScenarios([scenario]), ScenarioProgress(), 1_000
    switch_on(progress, scenario, now)
    model = dict.fromkeys("pq", ("s", now))
    for passed, process in steps:
        now += passed
        state, entered = model[process]
        expected = None
        for number, rule in enumerate(timed, 1):
            age = now - entered if rule.state else now - 1_000
            in_time = (rule.from_ or 0) <= age and (rule.until is None or age < rule.until)
            if in_time and (not rule.state or state in rule.state):
                expected = number
                if rule.goto is not None:
                    model[process] = (rule.goto, now)
                break
        found = match_scenarios(compiled_scenarios, progress, Ask(process=process), now, float)
        assert (found and found.rule) == expected


@patient
@given(files, st.lists(asks, max_size=3), draws)
def test_a_file_of_the_schema_is_refused_with_its_place_or_plays(
    contract: Contract, errors: Mapping[str, int], document: Any, requests: Any, draws: Any
) -> None:
    text = json.dumps(document, indent=1)
    try:
        scenario = read_scenario(text, source="file")
    except ScenarioError as error:
        assert_placed(error, text)
        return
    play(scenario, requests, draws)
    for problem in check_scenario(scenario, contract, errors):
        assert 1 <= problem.line <= len(scenario.to_yaml().splitlines())


@patient
@given(
    words | st.lists(words, max_size=6).map("\n".join) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))
)
def test_any_text_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(text, source="file")
    assert_placed(caught.value, text)


@patient
@given(scenarios(), st.data())
def test_a_file_broken_anywhere_is_refused_with_its_place_or_read(scenario: Scenario, data: st.DataObject) -> None:
    text = scenario.to_yaml()
    at = data.draw(st.integers(0, len(text)))
    broken = text[:at] + data.draw(words) + text[at + data.draw(st.integers(0, 5)) :]
    try:
        read_scenario(broken, source="file")
    except ScenarioError as error:
        assert_placed(error, broken)


def assert_placed(error: ScenarioError, text: str) -> None:
    assert error.problems
    for problem in error.problems:
        # YAML breaks lines at more signs than newlines.
        assert 1 <= problem.line <= len(text.splitlines()) + 2
        assert problem.column >= 1
        assert "\n" not in problem.text


in_paths = [When(), When(path={"a": "a"}), When(path={"a": "a"}, body={"a": 1})]
in_bodies = [When(body={"a": wanted}) for wanted in (1, True, {"enum": [1, "b"]}, {"minimum": 1})]
in_queries = [When(query={"a": 1}), When(query={"a": None}), When(query={"a": {"enum": ["1", "2"]}})]
in_headers = [When(headers={"A": "a"}), When(headers={"A": {"enum": ["a", "1"]}})]
overlapping = st.builds(
    Rule,
    operation=operations,
    when=st.sampled_from([*in_paths, *in_bodies, *in_queries, *in_headers]),
    after=st.integers(0, 1),
    times=st.integers(1, 2),
    respond=st.just(PASS),
)
overlapped = st.builds(
    Ask,
    operation=st.sampled_from(["scaleProcess", "getProcess", ""]),
    path=st.sampled_from([{}, {"a": "a"}, {"a": "b"}]),
    query=st.sampled_from([{}, {"a": ["1"]}, {"a": ["2", "1"]}]),
    headers=st.sampled_from([{}, {b"a": b"a"}, {b"a": b"1"}]),
    body=st.sampled_from([ABSENT, {"a": 1}, {"a": True}, {"a": "b"}, {"a": [1]}]),
)


@patient
@given(
    st.lists(overlapping | rules(False, "foundation"), min_size=1, max_size=12),
    st.lists(overlapped | asks, min_size=1, max_size=12),
    draws,
)
def test_the_index_changes_no_decision(many: Any, requests: Any, draws: Any) -> None:
    compiled_scenarios = CompiledScenarios([Scenario(name="late", rules=tuple(many))])
    plain_lineup = without_index(CompiledScenarios([Scenario(name="late", rules=tuple(many))]))
    indexed, plainly = ScenarioProgress(), ScenarioProgress()
    for index, request in enumerate(requests):
        draw = itertools.repeat(draws[index % len(draws)]).__next__
        mine = match_scenarios(compiled_scenarios, indexed, request, index, draw)
        theirs = match_scenarios(plain_lineup, plainly, request, index, draw)
        assert mine == theirs
    assert indexed == plainly


def without_index(compiled_scenarios: CompiledScenarios) -> CompiledScenarios:
    """The same lineup with every rule asked of every request."""
    for compiled in compiled_scenarios.compiled:
        everywhere = compiled.fallback_index
        for operation, table in compiled.indexes.items():
            table.unindexed = [
                ready for ready in compiled.rules if not ready.rule.operation or operation in ready.rule.operation
            ]
            table.by_value = {}
        if everywhere is not None:
            everywhere.unindexed = [ready for ready in compiled.rules if not ready.rule.operation]
            everywhere.by_value = {}
    return compiled_scenarios


@patient
@given(
    st.lists(overlapping | rules(False, "foundation"), min_size=1, max_size=12),
    st.lists(overlapped | asks, min_size=1, max_size=12),
    draws,
)
def test_scenarios_that_share_an_index_decide_as_each_does_alone(many: Any, requests: Any, draws: Any) -> None:
    single = [Scenario(name=f"s{number}", rules=(rule,)) for number, rule in enumerate(many)]
    together, alone = CompiledScenarios(single), [CompiledScenarios([each]) for each in single]
    shared, own = ScenarioProgress(), ScenarioProgress()
    for index, request in enumerate(requests):
        drawn, again = (itertools.repeat(draws[index % len(draws)]).__next__ for _ in range(2))
        mine = match_scenarios(together, shared, request, index, drawn)
        theirs = (match_scenarios(each, own, request, index, again) for each in alone)
        assert mine == next((each for each in theirs if each is not None), None)
    assert shared == own


texts_only = st.builds(
    Rule,
    operation=operations,
    when=st.sampled_from([*in_headers, When(path={"a": "a"}), When(path={"a": None}, user="a"), When(user=None)]),
    times=st.sampled_from([None, None, None, 1]),
    respond=st.sampled_from([PASS, Respond(error="CF-Conflict")]),
)


@patient
@given(st.lists(texts_only, min_size=1, max_size=4), st.lists(overlapped, min_size=2, max_size=12), st.booleans())
def test_what_is_recalled_of_a_near_miss_is_what_a_fresh_look_finds(many: Any, requests: Any, is_refused: bool) -> None:
    compiled_scenarios = CompiledScenarios([Scenario(name="late", rules=tuple(many))])
    progress, refused = ScenarioProgress(), itertools.cycle(["404" if is_refused else "", ""])
    for request in [*requests, *requests]:
        refusal, asked = next(refused), list[str]()

        def refused_before(refusal: str = refusal, asked: list[str] = asked) -> str:
            asked.append(refusal)
            return refusal

        recalled = recall_near_miss(compiled_scenarios, request)
        decided = match_scenarios(compiled_scenarios, progress, request, 0, float, refused_before)
        if decided is not None:
            assert recalled is None
            continue
        found = find_near_miss(compiled_scenarios, progress, request, 0, refused_before)
        if recalled is not None:
            assert recalled == ("" if found is None else str(found))
        described = describe_near_miss(compiled_scenarios, progress, request, 0, refused_before)
        assert described[0] == ("" if found is None else str(found))
        assert bool(described[1]) == (found is not None and found.missed_controller)
        if not asked:
            remember_near_miss(compiled_scenarios, request, described[0])


@patient
@given(scenarios())
def test_text_that_is_read_is_never_mistaken_for_another_type(scenario: Scenario) -> None:
    assume(scenario.given)
    again = read_scenario(scenario.to_yaml(), source="printed")
    assert json.dumps(again.given) == json.dumps(dict(scenario.given))

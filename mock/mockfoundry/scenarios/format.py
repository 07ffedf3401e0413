"""The form of a scenario file: its keys, what each holds and is for, and the rules between them. Never plays one.

Reading, writing, the JSON Schema and the documentation follow from these tables.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from mockfoundry.cloudfoundry.seeds.format import SEED
from mockfoundry.cloudfoundry.seeds.snapshot import SNAPSHOT_KEYS
from mockfoundry.documents.declare import (
    Form,
    FormKey,
    Path,
    Reading,
    StructForm,
    TooManyFindings,
    format_path,
    locate_finding,
)
from mockfoundry.documents.json import MAX_DOCUMENT_DEPTH
from mockfoundry.documents.kinds import ChoiceKind, DefinedKind, IntegerKind, ListKind, TextKind
from mockfoundry.documents.nodes import Node, node_to_data
from mockfoundry.documents.problems import DocumentError, Problem
from mockfoundry.documents.quoting import quote_line
from mockfoundry.documents.times import format_duration
from mockfoundry.documents.yaml_writing import render_mapping
from mockfoundry.scenarios.answer_forms import ANSWER, TEXT
from mockfoundry.scenarios.kinds import (
    ConditionsKind,
    DurationKind,
    FactConditionsKind,
    NameConditionKind,
    NameKind,
    OneOrManyKind,
    ProbabilityKind,
    WorldPatchKind,
)
from mockfoundry.scenarios.model import (
    MAX_PROBLEMS,
    Event,
    Rule,
    Scenario,
    ScenarioError,
    TlsRule,
    When,
)
from mockfoundry.wire_faults import TLS_FAULT_NAMES

MAX_WRITTEN_BITS = 4_096
"""Bits of the largest whole number that is written."""

# What the contract and the seed's form know of these stands in the schema's `$defs`.
OPERATION = DefinedKind(TextKind(allowed="an operationId such as scaleProcess", is_listed=True), "operation")
GIVEN = DefinedKind(WorldPatchKind(), "given")


PROCESS = Form(
    "process",
    (
        FormKey("type", NameConditionKind(), "Its type, such as web or worker."),
        FormKey("app", NameConditionKind(), "The name of its app."),
        FormKey("space", NameConditionKind(), "The name of the app's space."),
        FormKey("organization", NameConditionKind(), "The name of the space's organization."),
    ),
)

WHEN = StructForm(
    "when",
    (
        FormKey("path", ConditionsKind(), "Path parameters."),
        FormKey("query", ConditionsKind(), "Query parameters; null means not sent."),
        FormKey("headers", ConditionsKind(), "Request headers, in upper or lower case; null means not sent."),
        FormKey("body", ConditionsKind(), "Fields of the JSON body."),
        FormKey(
            "user",
            NameConditionKind("a request without a user"),
            "The name of the user, or of the client, whose token the request has; null means that it has none.",
        ),
        FormKey(
            "process",
            FactConditionsKind(PROCESS),
            "Type, app, space and organization of the process, where the request is about one: {type: worker}.",
        ),
    ),
    When,
)


def check_rule(value: Rule, given: Mapping[str, Any], path: Path, reading: Reading) -> None:
    def report_key(key: str, text: str) -> None:
        reading.report((*path, key), text, "key")

    if "respond" in given and "sequence" in given:
        report_key("sequence", "sequence stands beside respond; a rule has one of them")
    if "respond" not in given and "sequence" not in given:
        reading.report(path, "the rule answers nothing; give it respond or sequence")
    if "finally" in given and "sequence" not in given:
        report_key("finally", "finally goes with sequence; leave it out, or say times for how often")
    if "times" in given and "sequence" in given:
        report_key("times", "times stands beside sequence, whose length says how often; leave times out")
    if value.at == "controller" and value.is_for_any:
        text = "at is controller, but some requests of operation: any never get there"
        report_key("at", f"{text}; leave at out, or name operations")
    if value.until is not None and value.until <= (value.from_ or 0):
        until = format_duration(value.until)
        report_key("until", f"until is {until}, which is not after from; make it later, or the rule never applies")


RULE = StructForm(
    "a rule",
    (
        FormKey(
            "operation",
            OneOrManyKind(OPERATION),
            "One operationId or several. Unless given: every request but those of logging in (root documents, UAA), "
            "which must be named. `any`: every request, those too, and unknown routes.",
        ),
        FormKey(
            "at",
            ChoiceKind(("gateway", "controller")),
            "Where the rule is asked. gateway: before everything else, as a router answers. controller: only for "
            "requests that the Cloud Controller would work on, so one that gets a 401, or a 404 for its guid, does not "
            "count. Unless given: controller for its errors; gateway for faults, 429, 502, 503 and other answers.",
        ),
        FormKey("when", WHEN, "Conditions on the request: a plain value is compared, a mapping is a JSON Schema."),
        FormKey(
            "per",
            ChoiceKind(("process", "user", "token", "foundation")),
            "process, user, token or foundation: matches are counted separately for each; foundation unless given.",
        ),
        FormKey("state", OneOrManyKind(NameKind()), "The states in which the rule applies."),
        FormKey("goto", NameKind(), "The state after this rule has answered; that of now is entered anew."),
        FormKey(
            "after", IntegerKind(0), "How many matches are let through first; with phase: after, how many that succeed."
        ),
        FormKey("times", IntegerKind(1), "How many matches are answered after those; all unless given."),
        FormKey(
            "chance",
            ProbabilityKind(),
            "The probability that a match is answered, drawn from the foundation's generator.",
        ),
        FormKey(
            "from",
            DurationKind(),
            "When the rule begins to apply: in a rule with `state:` counted from the moment when that state was "
            "entered, in another from switching the scenario on.",
        ),
        FormKey("until", DurationKind(least=1), "When the rule stops applying, counted as `from:` is."),
        FormKey("respond", ANSWER, "The answer, or the word pass."),
        FormKey("sequence", ListKind(ANSWER, None, 1, "answers"), "The answers, one for each match."),
        FormKey(
            "finally",
            ChoiceKind(("pass", "repeat", "stay")),
            "After the sequence: pass (default), repeat it, or stay with its last answer.",
        ),
    ),
    Rule,
    check_rule,
)

EVENT = StructForm(
    "an event",
    (
        FormKey("at", DurationKind(), "When it happens, counted from switching the scenario on.", required=True),
        FormKey("given", GIVEN, "What it changes in the world, in the seed file's words.", required=True),
    ),
    Event,
)


TLS = StructForm(
    "tls",
    (
        FormKey("fault", ChoiceKind(TLS_FAULT_NAMES), "How the connection goes wrong.", required=True),
        FormKey("after", IntegerKind(0), "How many connections are let through first."),
        FormKey("times", IntegerKind(1), "How many go wrong after those; all unless given."),
    ),
    TlsRule,
)


def check_scenario_keys(value: Scenario, given: Mapping[str, Any], path: Path, reading: Reading) -> None:
    if given.keys().isdisjoint(("rules", "given", "events", "tls")):
        reading.report(path, "the scenario does nothing; give it rules, given, events or tls")
    check_states(value, given, path, reading)
    if value.for_ is None:
        return
    ends = format_duration(value.for_)
    for position, rule in enumerate(value.rules):
        if rule.from_ is not None and rule.from_ >= value.for_:
            begins = format_duration(rule.from_)
            at = (*path, "rules", position, "from")
            reading.report(at, f"from is {begins}, but for ends the scenario after {ends}", "key")
    for position, event in enumerate(value.events):
        if event.at >= value.for_:
            at = (*path, "events", position, "at")
            happens = format_duration(event.at)
            reading.report(at, f"at is {happens}, but for ends the scenario after {ends}", "key")


def check_states(value: Scenario, given: Mapping[str, Any], path: Path, reading: Reading) -> None:
    """Refuses states without a first one, and rules that share states and count for different things."""
    with_states = [
        (rule, (*path, "rules", position), given["rules"][position])
        for position, rule in enumerate(value.rules)
        if rule.state or rule.goto is not None
    ]
    for rule, at, written in with_states:
        first = with_states[0][0]
        if rule.per != first.per:
            text = (
                f"per is {rule.per} here and {first.per} in an earlier rule; rules that share states must count alike"
            )
            report_first_key(written, ("per",), at, text, reading)
    if with_states and value.start is None:
        _, at, written = with_states[0]
        report_first_key(written, ("state", "goto"), at, "start is missing; name the first state", reading)
    if value.start is not None and not with_states:
        text = "start names a state, but no rule has state or goto; leave it out"
        reading.report((*path, "start"), text, "key")


def report_first_key(given: Mapping[str, Any], keys: tuple[str, ...], path: Path, text: str, reading: Reading) -> None:
    """Reports a problem at the first of these keys that is there, else at the mapping."""
    key = next((key for key in keys if key in given), None)
    if key is None:
        reading.report(path, text)
    else:
        reading.report((*path, key), text, "key")


SCENARIO = StructForm(
    "a scenario",
    (
        FormKey("scenario", NameKind(), "The name by which it is switched on.", required=True, attribute="name"),
        FormKey("description", TEXT, "What happens, in one sentence."),
        FormKey("story", TEXT, "Why it happens on a real foundation, and where it was seen."),
        FormKey("good-client", TEXT, "What a good client does."),
        FormKey("for", DurationKind(least=1), "After this time it switches itself off."),
        FormKey("start", NameKind(), "The first state, if rules have states."),
        FormKey("given", GIVEN, "What it changes in the world when it is switched on, in the seed file's words."),
        FormKey(
            "events", ListKind(EVENT, None, 1, "events"), "Changes of the world some time after it was switched on."
        ),
        FormKey(
            "rules",
            ListKind(RULE, None, 1, "rules"),
            "The first rule that matches and has something left to do decides.",
        ),
        FormKey("tls", TLS, "How connections by TLS go wrong while it is on; for a server that speaks TLS."),
    ),
    Scenario,
    check_scenario_keys,
)


def read_scenario(text: str, *, source: str) -> Scenario:
    """The scenario in a YAML or JSON text.

    Args:
        source: what its places begin with: the file's path, or a name for text that is not from a file.

    Raises:
        ScenarioError: with all the problems found, each with its place.
    """
    return read_scenario_with_nodes(text, source)[0]


def read_scenario_with_nodes(text: str, source: str) -> tuple[Scenario, Node]:
    """The scenario in a text, with the nodes that know where each part of it is.

    Raises:
        ScenarioError: as `read_scenario` does.
    """
    # PyYAML is imported where there is YAML, and a start should be short.
    from mockfoundry.documents.yaml import read_nodes

    try:
        root = read_nodes(text, source)
    except DocumentError as error:
        raise ScenarioError(error.problems) from None
    data = node_to_data(root)
    if is_seed(data):
        raise ScenarioError([Problem(source, 1, 1, SEED_IN_PLACE_OF_SCENARIO)])
    reading = begin_reading(root)
    scenario = read_scenario_data(data, reading)
    if scenario is None:
        raise ScenarioError(sorted(locate_finding(root, each, source) for each in reading.findings))
    return scenario, root


SEED_IN_PLACE_OF_SCENARIO = (
    "is a seed, not a scenario; a seed is given by --seed, by seed= in Python, by @pytest.mark.seed_file, or by PUT "
    "/__mock/foundations/NAME"
)


def is_seed(data: Any) -> bool:
    """Whether a document has keys of a seed, and none of a scenario."""
    return (
        isinstance(data, Mapping)
        and SCENARIO.by_name.keys().isdisjoint(data)
        and any(key in SEED.by_name for key in data)
    )


def begin_reading(root: Node | None = None) -> Reading:
    """A reading of a scenario, of a text's nodes or of a value."""
    return Reading(root, MAX_PROBLEMS, "the scenario", SNAPSHOT_KEYS)


def read_scenario_data(data: Any, reading: Reading) -> Scenario | None:
    """The scenario that JSON's values give; None where the reading has found problems."""
    try:
        scenario = SCENARIO.read(data, (), reading)
    except TooManyFindings:
        return None
    return scenario if isinstance(scenario, Scenario) and not reading.findings else None


def scenario_to_dict(scenario: Scenario) -> dict[str, Any]:
    """A scenario as JSON's values, with the keys of its file. What is wrong in it stays as it is."""
    written: dict[str, Any] = SCENARIO.write(scenario)
    return written


def must_be_writable(value: Any, source: str) -> None:
    """Raises ScenarioError where a value of a file holds what no file can hold, with the place of each."""
    problems = [Problem(source, 0, 0, text) for text in islice(find_unwritable(value, ()), MAX_PROBLEMS)]
    if problems:
        raise ScenarioError(problems)


def find_unwritable(value: Any, path: Path) -> Iterator[str]:
    """What no file can hold in a value, each in a sentence with its path."""
    where = format_path(path) or "the scenario"
    if len(path) > MAX_DOCUMENT_DEPTH * 2:
        yield f"{where[:80]} is nested deeper than {MAX_DOCUMENT_DEPTH} levels"
    elif isinstance(value, Mapping):
        for key, inside in value.items():
            if isinstance(key, str):
                yield from find_unwritable(inside, (*path, key))
            else:
                yield f"{where} has the key {describe_object(key)}; keys are text"
    elif isinstance(value, list | tuple):
        for position, inside in enumerate(value):
            yield from find_unwritable(inside, (*path, position))
    elif isinstance(value, str):
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            yield f"{where} has half of a surrogate pair, which is no character; leave it out"
    elif isinstance(value, int) and value.bit_length() > MAX_WRITTEN_BITS:
        yield f"{where} is a number of {value.bit_length()} bits; give a smaller one"
    elif isinstance(value, bytes | bytearray):
        mend = 'give an answer\'s body of bytes as base64=b"…"'
        yield f"{where} is {describe_object(value)}; JSON has no bytes, so {mend}"
    elif not isinstance(value, int | float | None):
        yield f"{where} is {describe_object(value)}, which no file can hold; give text, a number, a list or a mapping"


def describe_object(value: Any) -> str:
    """An object in a few words; its own may be long, or fail."""
    if isinstance(value, int) and value.bit_length() > MAX_WRITTEN_BITS:
        return f"a number of {value.bit_length()} bits"
    plain = isinstance(value, int | float | bytes | None)
    return quote_line(repr(value)[:80]) if plain else f"a {type(value).__name__}"


def scenario_to_yaml(scenario: Scenario) -> str:
    """A scenario as the text of its file, ending in a newline.

    Raises:
        ScenarioError: it holds what no file can hold.
    """
    written = scenario_to_dict(scenario)
    must_be_writable(written, name_scenario(scenario))
    return "\n".join(render_mapping(written, 0)) + "\n"


def name_scenario(scenario: Scenario) -> str:
    """What problems of a scenario that was made as a value call it."""
    return f"scenario {scenario.name}" if isinstance(scenario.name, str) else "scenario"

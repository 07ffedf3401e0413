"""The form of a scenario file: its keys, what each holds and is for, and the rules between them. Never plays one.

Reading, writing, the JSON Schema and the documentation follow from these tables.
"""

from collections.abc import Mapping
from typing import Any

from mockfoundry.documents.declare import (
    UNREADABLE,
    Form,
    FormKey,
    Path,
    Reading,
    StructForm,
    TooManyFindings,
    locate_finding,
)
from mockfoundry.documents.kinds import ChoiceKind, DefinedKind, IntegerKind, JsonKind, ListKind, TextKind
from mockfoundry.documents.problems import DocumentError
from mockfoundry.documents.times import format_duration
from mockfoundry.documents.yaml import Node, node_to_data, read_nodes, render_mapping
from mockfoundry.scenarios.conditions import ABSENT
from mockfoundry.scenarios.kinds import (
    Base64Kind,
    ConditionsKind,
    DurationKind,
    FactConditionsKind,
    FlagKind,
    HeadersKind,
    NameConditionKind,
    NameKind,
    OneOrManyKind,
    ProbabilityKind,
    RangeKind,
    WordKind,
    WorldPatchKind,
)
from mockfoundry.scenarios.model import (
    MAX_PROBLEMS,
    PASS,
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
from mockfoundry.wire_faults import WIRE_FAULT_NAMES, WIRE_FAULTS

TEXT = TextKind(allowed="text")

# What the contract, the catalogue and the seed's form know of these stands in the schema's `$defs`.
OPERATION = DefinedKind(TextKind(allowed="an operationId such as scaleProcess", is_listed=True), "operation")
ERROR = DefinedKind(TextKind(allowed="the title of an error, such as CF-Conflict", is_listed=True), "error")
STATUS = DefinedKind(IntegerKind(200, 599), "status")
EXAMPLE = DefinedKind(TEXT, "example")
GIVEN = DefinedKind(WorldPatchKind(), "given")


class TimeKind:
    """A time to wait: a duration, or one of the distributions of `DISTRIBUTIONS`."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, Mapping) and list(value) == ["uniform"]:
            pair = UNIFORM.read(value["uniform"], (*path, "uniform"), reading)
            return UNREADABLE if pair is UNREADABLE else Uniform(*pair)
        if isinstance(value, Mapping) and list(value) == ["lognormal"]:
            return LOGNORMAL.read(value["lognormal"], (*path, "lognormal"), reading)
        if isinstance(value, Mapping | list):
            allowed = "a duration, {uniform: [100ms, 2s]} or {lognormal: {median: 200ms, p99: 2s}}"
            return reading.refuse_value(path, value, allowed)
        return DurationKind().read(value, path, reading)

    def write(self, value: Any) -> Any:
        if isinstance(value, Uniform):
            return {"uniform": UNIFORM.write((value.low, value.high))}
        return {"lognormal": LOGNORMAL.write(value)} if isinstance(value, Lognormal) else DurationKind().write(value)

    def schema(self) -> dict[str, Any]:
        one = {"type": "object", "additionalProperties": False}
        distributions = [
            {**one, "required": [key.name], "properties": {key.name: {"description": key.about, **key.kind.schema()}}}
            for key in DISTRIBUTIONS
        ]
        return {"anyOf": [DurationKind().schema(), *distributions]}


class DelayKind:
    """A delay: a time to wait on the machine's clock, or `virtual:` with one on the foundation's."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, Mapping) or list(value) in (["uniform"], ["lognormal"]):
            return TimeKind().read(value, path, reading)
        if "virtual" in value or "at-most" in value:
            return VIRTUAL.read(value, path, reading)
        distributions = "{uniform: [100ms, 2s]}, {lognormal: {median: 200ms, p99: 2s}}"
        return reading.refuse_value(path, value, f"a duration, {distributions} or {{virtual: 6s}}")

    def write(self, value: Any) -> Any:
        return VIRTUAL.write(value) if isinstance(value, Virtual) else TimeKind().write(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [*TimeKind().schema()["anyOf"], VIRTUAL.schema()]}


class HoldKind:
    """A hold: the word that says when, or a mapping that names it too."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, Mapping | list):
            return HOLD.read(value, path, reading)
        at = _HOLD_AT.read(value, path, reading)
        return UNREADABLE if at is UNREADABLE else Hold(at=at)

    def write(self, value: Hold) -> Any:
        written = HOLD.write(value)
        return written["at"] if len(written) == 1 else written

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [_HOLD_AT.schema(), HOLD.schema()]}


def check_lognormal(value: Lognormal, _given: Mapping[str, Any], path: Path, reading: Reading) -> None:
    if value.p99 < value.median:
        reading.report((*path, "p99"), "p99 is below the median; it must be at least the median", "key")


LOGNORMAL = StructForm(
    "a lognormal delay",
    (
        FormKey("median", DurationKind(least=1), "Half of the delays are shorter.", required=True),
        FormKey("p99", DurationKind(least=1), "One delay in a hundred is longer.", required=True),
    ),
    Lognormal,
    check_lognormal,
)

UNIFORM = RangeKind(DurationKind())

DISTRIBUTIONS = (
    FormKey("uniform", UNIFORM, "Anything between two durations: [100ms, 2s]."),
    FormKey("lognormal", LOGNORMAL, "Mostly short, sometimes long: {median: 200ms, p99: 2s}."),
)

VIRTUAL = StructForm(
    "a virtual delay",
    (
        FormKey(
            "virtual",
            TimeKind(),
            "The same on the foundation's clock: {virtual: 6s}. A test ends it by advancing that clock.",
            required=True,
            attribute="delay",
        ),
        FormKey(
            "at-most",
            DurationKind(least=1),
            "Goes with virtual: after this time of the machine's the request ends with an error; 30s unless given.",
        ),
    ),
    Virtual,
)

_HOLD_AT = ChoiceKind(("before-commit", "after-commit"))

HOLD = StructForm(
    "a hold",
    (
        FormKey(
            "at",
            _HOLD_AT,
            "before-commit: before the operation runs. after-commit: after it ran, before its answer is sent.",
            required=True,
        ),
        FormKey("name", NameKind(), "The name by which a test releases it; the scenario's name unless given."),
        FormKey("at-most", DurationKind(least=1), "After this time the request goes on by itself; 30s unless given."),
    ),
    Hold,
)

ANSWER_KEYS = ("error", "status", "example", "fault")
BODY_KEYS = ("body", "text", "base64")


def check_respond(value: Respond, given: Mapping[str, Any], path: Path, reading: Reading) -> None:
    def report_key(key: str, text: str) -> None:
        reading.report((*path, key), text, "key")

    named = [key for key in ANSWER_KEYS if key in given]
    for key in named[1:]:
        report_key(key, f"{key} stands beside {named[0]}; one answer has one of {', '.join(ANSWER_KEYS)}")
    for key, needed in (("detail", "error"), *((body, "status") for body in BODY_KEYS)):
        if key in given and needed not in given:
            report_key(key, f"{key} goes with {needed}; add {needed}, or leave {key} out")
    bodies = [key for key in BODY_KEYS if key in given]
    for key in bodies[1:]:
        kinds = "body is JSON, text is raw, base64 is bytes"
        report_key(key, f"{key} stands beside {bodies[0]}; an answer has one of them: {kinds}")
    if value.status in (204, 304) and (value.body is not ABSENT or value.text or value.base64):
        report_key("status", f"a {value.status} has no body; leave {', '.join(bodies)} out")
    if value.fault is not None and value.headers and not WIRE_FAULTS[value.fault].sends_headers:
        report_key("headers", f"the fault {value.fault} sends no headers; leave headers out")
    if value.undocumented and not (value.has_own_answer or value.headers):
        report_key("undocumented", "undocumented goes with an answer or headers; leave it out")
    if not value.changes:
        reading.report(
            path, f"the answer changes nothing; give it one of {', '.join(ANSWER_KEYS)}, or write the word pass"
        )


RESPOND = StructForm(
    "an answer",
    (
        FormKey("error", ERROR, "The title of one of the Cloud Controller's errors, such as CF-Conflict."),
        FormKey("detail", TEXT, "Words for the error in place of its usual ones."),
        FormKey(
            "status",
            STATUS,
            "The status. It goes with body, text or base64; without them, the contract's example is sent.",
        ),
        FormKey("body", JsonKind(), "The answer's JSON."),
        FormKey("text", TEXT, "The answer's body as raw text, if it should not be JSON."),
        FormKey(
            "base64",
            Base64Kind(),
            "The answer's body in base64, if it is no text. It is sent as application/octet-stream, or as headers say.",
        ),
        FormKey("example", EXAMPLE, "The name of an example of the contract."),
        FormKey("fault", ChoiceKind(WIRE_FAULT_NAMES), "What goes wrong on the wire."),
        FormKey("headers", HeadersKind(), "Headers to add or replace; null removes one."),
        FormKey(
            "delay",
            DelayKind(),
            "How long to wait, on the machine's clock: 250ms, {uniform: [100ms, 2s]}, {lognormal: {median: 200ms, p99: "
            "2s}}. On the foundation's: {virtual: 6s}.",
        ),
        FormKey(
            "phase",
            ChoiceKind(("before", "after")),
            "Before the operation runs (default), or after its change is kept.",
        ),
        FormKey("hold", HoldKind(), "Holds the request until the test releases it: before-commit or after-commit."),
        FormKey("undocumented", FlagKind(), "true: the contract does not document this answer, and that is intended."),
    ),
    Respond,
    check_respond,
)


def propose_answer(value: Any) -> str:
    """The answer that was meant by a word or a number alone."""
    if isinstance(value, str) and value:
        return f"; write {{{'fault' if value in WIRE_FAULT_NAMES else 'error'}: {value}}}"
    return f"; write {{status: {value}}}" if isinstance(value, int) and not isinstance(value, bool) else ""


ANSWER = WordKind("pass", PASS, RESPOND, "answers", propose_answer)

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
        FormKey("after", IntegerKind(0), "How many matches are let through first."),
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


def check_scenario_keys(value: Scenario, given: Mapping[str, Any], path: Path, reading: Reading) -> None:
    if not ("rules" in given or "given" in given or "events" in given):
        reading.report(path, "the scenario does nothing; give it rules, given or events")
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
    try:
        root = read_nodes(text, source)
    except DocumentError as error:
        raise ScenarioError(error.problems) from None
    reading = begin_reading(root)
    scenario = read_scenario_data(node_to_data(root), reading)
    if scenario is None:
        raise ScenarioError(sorted(locate_finding(root, each, source) for each in reading.findings))
    return scenario, root


def begin_reading(root: Node | None = None) -> Reading:
    """A reading of a scenario, of a text's nodes or of a value."""
    return Reading(root, MAX_PROBLEMS, "the scenario")


def read_scenario_data(data: Any, reading: Reading) -> Scenario | None:
    """The scenario that JSON's values give; None where the reading has found problems."""
    try:
        scenario = SCENARIO.read(data, (), reading)
    except TooManyFindings:
        return None
    return scenario if isinstance(scenario, Scenario) and not reading.findings else None


def scenario_to_dict(scenario: Scenario) -> dict[str, Any]:
    """A scenario as JSON's values, with the keys of its file."""
    written: dict[str, Any] = SCENARIO.write(scenario)
    return written


def scenario_to_yaml(scenario: Scenario) -> str:
    """A scenario as the text of its file, ending in a newline."""
    return "\n".join(render_mapping(scenario_to_dict(scenario), 0)) + "\n"

"""The form of a scenario file: every key, what it may hold, what it is for, and the rules between keys. Never plays.

Reading, writing, the JSON Schema and the documentation are made from these tables, so that they can't say different
things.
"""

from typing import Any

from mockfoundry.documents import Entry, Items, Mapping, Node, Scalar
from mockfoundry.documents import duration_text as told
from mockfoundry.scenarios.conditions import ABSENT
from mockfoundry.scenarios.kinds import INVALID, Chance, Duration, Marked, Name, OneOf, Reader, Text, Whole, shown
from mockfoundry.scenarios.mappings import AnyJson, Conditions, Headers, SeedWords
from mockfoundry.scenarios.shapes import Form, Key, ListOf, OneOrMany, Pair, Word
from mockfoundry.scenarios.values import (
    PASS,
    Event,
    Hold,
    Lognormal,
    Respond,
    Rule,
    Scenario,
    Uniform,
    When,
)


class Delays:
    """A delay: a duration, or one of the distributions of `DISTRIBUTIONS`."""

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if isinstance(node, Mapping) and list(node.entries) == ["uniform"]:
            pair = UNIFORM.read(node.entries["uniform"].value, "uniform", reader)
            return INVALID if pair is INVALID else Uniform(*pair)
        if isinstance(node, Mapping) and list(node.entries) == ["lognormal"]:
            return LOGNORMAL.read(node.entries["lognormal"].value, "lognormal", reader)
        if isinstance(node, Mapping | Items):
            return reader.refuse(
                node,
                f"{name} is {shown(node)}; it must be a duration, {{uniform: [100ms, 2s]}} or "
                "{lognormal: {median: 200ms, p99: 2s}}",
            )
        return Duration().read(node, name, reader)

    def write(self, value: Any) -> Any:
        if isinstance(value, Uniform):
            return {"uniform": UNIFORM.write((value.low, value.high))}
        return {"lognormal": LOGNORMAL.write(value)} if isinstance(value, Lognormal) else Duration().write(value)

    def schema(self) -> dict[str, Any]:
        one = {"type": "object", "additionalProperties": False}
        distributions = [
            {**one, "required": [key.name], "properties": {key.name: {"description": key.about, **key.kind.schema()}}}
            for key in DISTRIBUTIONS
        ]
        return {"anyOf": [Duration().schema(), *distributions]}


class Holds:
    """A hold: the word that says when, or a mapping that names it too."""

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if isinstance(node, Scalar):
            at = _HOLD_AT.read(node, name, reader)
            return INVALID if at is INVALID else Hold(at=at)
        return HOLD.read(node, name, reader)

    def write(self, value: Hold) -> Any:
        written = HOLD.write(value)
        return written["at"] if len(written) == 1 else written

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [_HOLD_AT.schema(), HOLD.schema()]}


def check_lognormal(value: Lognormal, node: Mapping, reader: Reader) -> None:
    if value.p99 < value.median:
        reader.refuse(node.entries["p99"], "p99 is below the median; it must be at least the median")


LOGNORMAL = Form(
    "lognormal delay",
    Lognormal,
    (
        Key("median", Duration(least=1), "Half of the delays are below it.", required=True),
        Key("p99", Duration(least=1), "One delay in a hundred is above it.", required=True),
    ),
    check_lognormal,
)

UNIFORM = Pair(Duration())

DISTRIBUTIONS = (
    Key("uniform", UNIFORM, "Anywhere between two durations: [100ms, 2s]."),
    Key("lognormal", LOGNORMAL, "With a long tail: {median: 200ms, p99: 2s}."),
)

_HOLD_AT = OneOf(("before-commit", "after-commit"))

HOLD = Form(
    "hold",
    Hold,
    (
        Key("at", _HOLD_AT, "Before the request's exchange, or with its outcome in hand.", required=True),
        Key("name", Name(), "What it is released by; the scenario's name unless given."),
        Key("at-most", Duration(least=1), "It goes on by itself after that; 30s unless given."),
    ),
)

ANSWERS = ("error", "status", "example", "fault")


def check_respond(value: Respond, node: Mapping, reader: Reader) -> None:
    entries = node.entries
    named = [word for word in ANSWERS if word in entries]
    for word in named[1:]:
        reader.refuse(entries[word], f"{word} stands beside {named[0]}; one answer has one of {', '.join(ANSWERS)}")
    belong = (("detail", "error"), ("body", "status"), ("text", "status"))
    for word, to in belong:
        if word in entries and to not in entries:
            reader.refuse(entries[word], f"{word} goes with {to}; add {to}, or leave {word} out")
    if "body" in entries and "text" in entries:
        reader.refuse(entries["text"], "text stands beside body; an answer has one of them: body is JSON, text is raw")
    if value.status in (204, 304) and (value.body is not ABSENT or value.text):
        reader.refuse(entries["status"], f"a {value.status} has no body; leave body and text out")
    if value.fault is not None and value.headers and value.fault not in ("truncate", "dribble"):
        reader.refuse(entries["headers"], f"the fault {value.fault} sends no headers; leave headers out")
    if value.undocumented and not (value.answers or value.headers):
        reader.refuse(entries["undocumented"], "undocumented goes with an answer or headers; leave it out")
    if not value.changes:
        reader.refuse(node, f"answers nothing; give it one of {', '.join(ANSWERS)}, or write the word pass")


FAULTS = {
    "reset": "The connection ends by a TCP reset.",
    "empty": "The connection is closed without a byte.",
    "truncate": "The head promises the whole body, and half of it comes.",
    "garbage": "Bytes that are no HTTP.",
    "hang": "Nothing comes, and the connection stays open.",
    "dribble": "The answer comes whole, a few bytes at a time.",
}

RESPOND = Form(
    "respond",
    Respond,
    (
        Key("error", Text(), "The title of an error of the catalogue, such as CF-Conflict."),
        Key("detail", Text(), "The error's words, in place of the catalogue's."),
        Key("status", Whole(200, 599), "The status; with body, text, or neither for the contract's own example."),
        Key("body", AnyJson(), "The answer's JSON."),
        Key("text", Text(), "The answer's body as it stands, where it is not to be JSON."),
        Key("example", Text(), "The name of an example of the contract."),
        Key("fault", OneOf(tuple(FAULTS)), "What goes wrong on the wire."),
        Key("headers", Headers(), "Headers to add or replace; null takes one away."),
        Key(
            "delay", Delays(), "How long to wait: 250ms, {uniform: [100ms, 2s]}, {lognormal: {median: 200ms, p99: 2s}}."
        ),
        Key("phase", OneOf(("before", "after")), "Before the operation runs (default), or after its change is kept."),
        Key("hold", Holds(), "Parks the request until the test releases it: before-commit or after-commit."),
        Key("undocumented", Marked(), "The contract does not document this answer, and that is meant."),
    ),
    check_respond,
)

ANSWER = Word("pass", PASS, RESPOND)

WHEN = Form(
    "when",
    When,
    (
        Key("path", Conditions(), "Path parameters."),
        Key("query", Conditions(), "Query parameters; null for one that is not sent."),
        Key("headers", Conditions(), "Request headers, in any case; null for one that is not sent."),
        Key("body", Conditions(), "Fields of the JSON body."),
    ),
)


def check_rule(value: Rule, node: Mapping, reader: Reader) -> None:
    entries = node.entries
    if "respond" in entries and "sequence" in entries:
        reader.refuse(entries["sequence"], "sequence stands beside respond; a rule has one of them")
    if "respond" not in entries and "sequence" not in entries:
        reader.refuse(node, "answers nothing; give the rule respond or sequence")
    if "finally" in entries and "sequence" not in entries:
        reader.refuse(entries["finally"], "finally goes with sequence; leave it out, or say times for how often")
    if "times" in entries and "sequence" in entries:
        reader.refuse(entries["times"], "times stands beside sequence, whose length says how often; leave times out")
    if value.until is not None and value.until <= (value.from_ or 0):
        reader.refuse(
            entries["until"],
            f"until is {told(value.until)}, which is not after from; make it later, or the rule never applies",
        )


RULE = Form(
    "rule",
    Rule,
    (
        Key("operation", OneOrMany(Text()), "The operationId, or several; left out, every request."),
        Key("when", WHEN, "What must hold of the request: a plain value is compared, a mapping is a JSON Schema."),
        Key(
            "per",
            OneOf(("process", "token", "foundation")),
            "What matches are counted for; foundation unless given.",
        ),
        Key("state", OneOrMany(Name()), "The states in which the rule applies."),
        Key("goto", Name(), "The state after this rule has answered."),
        Key("after", Whole(0), "How many matches are let through first."),
        Key("times", Whole(1), "How many are answered then; for ever unless given."),
        Key("chance", Chance(), "How likely a match is answered, drawn from the foundation's generator."),
        Key("from", Duration(), "When it begins to apply, since the scenario was switched on."),
        Key("until", Duration(least=1), "When it ceases to apply, since the scenario was switched on."),
        Key("respond", ANSWER, "What is answered, or the word pass."),
        Key("sequence", ListOf(ANSWER, "answers"), "What is answered match by match."),
        Key(
            "finally",
            OneOf(("pass", "repeat", "stay")),
            "After a sequence: pass (default), repeat it, stay with its last.",
        ),
    ),
    check_rule,
)

EVENT = Form(
    "event",
    Event,
    (
        Key("at", Duration(), "When, since the scenario was switched on.", required=True),
        Key("given", SeedWords(), "What changes then, in the seed file's words.", required=True),
    ),
)


def check_scenario_keys(value: Scenario, node: Mapping, reader: Reader) -> None:
    entries = node.entries
    if not ("rules" in entries or "given" in entries or "events" in entries):
        reader.refuse(node, "does nothing; give it rules, given or events")
    rules = entries.get("rules")
    nodes = rules.value.items if rules is not None and isinstance(rules.value, Items) else []
    with_states = [
        (rule, at) for rule, at in zip(value.rules, nodes, strict=True) if rule.state or rule.goto is not None
    ]
    for rule, at in with_states:
        if rule.per != with_states[0][0].per:
            reader.refuse(
                key_place(at, "per"),
                f"per is {rule.per} here and {with_states[0][0].per} in an earlier rule; "
                "rules that share states must count alike",
            )
    if with_states and value.start is None:
        reader.refuse(key_place(with_states[0][1], "state", "goto"), "start is missing; name the first state")
    if value.start is not None and not with_states:
        reader.refuse(entries["start"], "start names a state, but no rule has state or goto; leave it out")
    ends = value.for_
    if ends is None:
        return
    for rule, at in zip(value.rules, nodes, strict=True):
        if rule.from_ is not None and rule.from_ >= ends:
            reader.refuse(
                key_place(at, "from"), f"from is {told(rule.from_)}, but for ends the scenario after {told(ends)}"
            )
    events = entries.get("events")
    at_events = events.value.items if events is not None and isinstance(events.value, Items) else []
    for event, at in zip(value.events, at_events, strict=True):
        if event.at >= ends:
            reader.refuse(key_place(at, "at"), f"at is {told(event.at)}, but for ends the scenario after {told(ends)}")


def key_place(node: Node, *names: str) -> Node | Entry:
    """The place of the first of these keys that is there, else of the mapping."""
    entries = node.entries if isinstance(node, Mapping) else {}
    return next((entries[name] for name in names if name in entries), node)


SCENARIO = Form(
    "scenario",
    Scenario,
    (
        Key("scenario", Name(), "Its name, by which it is switched on.", required=True, attribute="name"),
        Key("description", Text(), "What happens, in a sentence."),
        Key("story", Text(), "Why it happens on a real foundation, and where it was seen."),
        Key("good-client", Text(), "What a good client does."),
        Key("for", Duration(least=1), "It switches itself off after that."),
        Key("start", Name(), "The first state, where rules have states."),
        Key("given", SeedWords(), "What it changes in the world when it is switched on, in the seed file's words."),
        Key("events", ListOf(EVENT, "events"), "Changes of the world at a time after that."),
        Key("rules", ListOf(RULE, "rules"), "The first in this order that matches and has something left decides."),
    ),
    check_scenario_keys,
)

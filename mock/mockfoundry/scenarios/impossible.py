"""Impossible matchers: conditions that no request valid under the contract can fulfil. Finds no more than it can prove.

A condition and the contract's schema are laid over each other: their choices, types, bounds and lengths. What they say
beyond that (patterns, dependencies) is taken to be possible.
"""

import math
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from mockfoundry.cloudfoundry.auth import find_bearer_token
from mockfoundry.contract.plan import Parameter, Plan, Schema, shorten_value
from mockfoundry.documents.problems import did_you_mean
from mockfoundry.scenarios.conditions import (
    add_implied_type,
    encode_parameter,
    is_about_one_process,
    means_text,
)
from mockfoundry.scenarios.model import describe_demand, quote_value

SchemaSource = Mapping[str, Any]


def explain_impossible_condition(plan: Plan, place: str, name: str, wanted: Any) -> str | None:
    """Why no valid request of an operation fulfils a condition; None where one may."""
    if place == "body":
        return explain_impossible_field(plan, name, wanted)
    if place == "process":
        return explain_impossible_process(plan, name, wanted)
    if place == "user":
        return explain_impossible_text(wanted, " (write user: null for a request without a user)")
    declared = {each.name: each for each in plan.parameters if each.place == _SINGULAR[place]}
    if place == "headers":
        declared = {each.lower(): parameter for each, parameter in declared.items()}
        parameter = declared.get(name.lower())
    else:
        parameter = declared.get(name)
    if parameter is not None:
        return explain_impossible_parameter(parameter, wanted)
    if place == "headers" or wanted is None:
        return explain_impossible_text(wanted, f" (write {shorten_value(name)}: null for that)")
    hint = did_you_mean(name, declared) if declared else ", nor any other"
    return f'{plan.operation} has no {_SINGULAR[place]} parameter "{shorten_value(name)}"{hint}'


_SINGULAR = {"path": "path", "query": "query", "headers": "header"}


def explain_impossible_process(plan: Plan, name: str, wanted: Any) -> str | None:
    """Why no request of an operation can be about a process of which a condition asks this."""
    if not is_about_one_process(plan.path):
        return f"{plan.operation} is not about one process"
    of_path = next((each for each in plan.parameters if each.place == "path" and each.name == name), None)
    if of_path is not None:
        return explain_impossible_parameter(of_path, wanted)
    return explain_impossible_text(wanted, "")


def explain_impossible_text(wanted: Any, mend: str) -> str | None:
    """Why nothing that comes as text fulfils a condition.

    Args:
        mend: how to ask for what did not come, which no JSON Schema is ever asked about.
    """
    if not isinstance(wanted, Mapping):
        return None
    schema = add_implied_type(wanted)
    clash = find_clash(schema, {})
    if clash is not None or find_clash(schema, _SPELLED_IN_TEXT) is None:
        return clash
    return f"text comes there, or nothing, and a JSON Schema is not met by nothing{mend}"


_SPELLED_IN_TEXT: SchemaSource = {"type": ["boolean", "number", "string"]}


def is_of_no_caller(place: str, name: str, wanted: Any) -> bool:
    """Whether only requests fulfil a condition that name nobody, so that they are refused where a token is needed."""
    if place == "user":
        return wanted is None
    if place != "headers" or name != "authorization":
        return False
    return wanted is None or (
        not isinstance(wanted, Mapping) and not find_bearer_token(encode_parameter(wanted).encode("latin-1", "replace"))
    )


def explain_impossible_parameter(parameter: Parameter, wanted: Any) -> str | None:
    if wanted is None:
        return f"{parameter.name} is required, so it is always sent" if parameter.required else None
    if not isinstance(wanted, Mapping):
        return explain_refused_texts(parameter, [wanted])
    schema = add_implied_type(wanted)
    choices = choices_of(schema)
    if choices is not None:
        return explain_refused_texts(parameter, choices)
    if not means_text(schema) and parameter.kind in ("integer", "number", "boolean"):
        return find_clash(schema, parameter.schema.source)
    return find_clash(schema, {})


def explain_refused_texts(parameter: Parameter, values: list[Any]) -> str | None:
    """Why a parameter can have none of these values."""
    if any(parameter.schema.accepts(parameter.read([encode_parameter(value)])) for value in values):
        return None
    violations = parameter.violations([encode_parameter(values[0])])
    one = quote_value(values[0]) if len(values) == 1 else "any of " + shorten_value(values)
    return f"{parameter.name} can't be {one}; the contract says {describe_demand(violations[0])}"


def explain_impossible_field(plan: Plan, name: str, wanted: Any) -> str | None:
    if plan.body is None:
        return f"{plan.operation} takes no body"
    source: SchemaSource = plan.body.source
    fields: SchemaSource = source.get("properties", {})
    if name not in fields:
        if source.get("additionalProperties") is not False or "patternProperties" in source:
            return None
        return f'the body of {plan.operation} has no field "{shorten_value(name)}"{did_you_mean(name, fields)}'
    if isinstance(wanted, Mapping):
        return find_clash(add_implied_type(wanted), fields[name])
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    for violation in plan.body_violations({name: wanted}):
        if violation.pointer == pointer or violation.pointer.startswith(pointer + "/"):
            return f"{name} can't be {quote_value(wanted)}; the contract says {describe_demand(violation)}"
    return None


def find_clash(wanted: SchemaSource, contract: SchemaSource) -> str | None:
    """Why no value fits both schemas; None where one may."""
    if "$ref" in contract:
        return None
    choices = choices_of(wanted)
    from_contract = choices_of(contract)
    both = [each for each in (choices, from_contract) if each is not None]
    if both and not any_fits(both[0], wanted, contract):
        known = choices if from_contract is None else from_contract
        return f"none of {shorten_value(known)} fits both the condition and the contract"
    for branch in wanted.get("allOf", ()):
        reason = find_clash(add_implied_type(branch), contract) if isinstance(branch, Mapping) else None
        if reason is not None:
            return reason
    for keyword in ("anyOf", "oneOf"):
        branches = [branch for branch in wanted.get(keyword, ()) if isinstance(branch, Mapping)]
        reasons = [find_clash(add_implied_type(branch), contract) for branch in branches]
        if reasons and all(reasons):
            return reasons[0]
    return find_type_clash(wanted, contract)


def choices_of(schema: SchemaSource) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return schema["enum"] if isinstance(schema.get("enum"), list) else None


def any_fits(values: list[Any], wanted: SchemaSource, contract: SchemaSource) -> bool:
    ours, theirs = jsonschema_rs.Draft202012Validator(dict(wanted)).is_valid, Schema(contract).accepts
    return any(ours(value) and theirs(value) for value in values)


def find_type_clash(wanted: SchemaSource, contract: SchemaSource) -> str | None:
    ours, theirs = types_of(wanted), types_of(contract)
    shared = ours & theirs
    if not shared:
        return f"the condition is about {format_types(ours)}, and the contract has {format_types(theirs)}"
    reasons = [find_clash_in_type(kind, wanted, contract) for kind in sorted(shared)]
    return reasons[0] if all(reasons) else None


def types_of(schema: SchemaSource) -> frozenset[str]:
    """The types that a schema allows; a number is a fraction, unless it is an integer."""
    named = schema.get("type")
    if named is None:
        return _TYPES
    names = {named} if isinstance(named, str) else set(named)
    if "number" in names:
        names.add("integer")
    if schema.get("nullable") is True:
        names.add("null")
    return frozenset(names)


_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


def format_types(types: frozenset[str]) -> str:
    names = sorted(types - {"integer"} if "number" in types else types)
    return " or ".join(("an " if name[0] in "aio" else "a ") + name if name != "null" else name for name in names)


def find_clash_in_type(kind: str, wanted: SchemaSource, contract: SchemaSource) -> str | None:
    if kind in ("integer", "number"):
        return find_bounds_clash(kind == "integer", interval_of_schema(wanted), interval_of_schema(contract))
    if kind == "object":
        return find_field_clash(wanted, contract)
    least, most = _COUNTED.get(kind, ("", ""))
    low = max(wanted.get(least, 0), contract.get(least, 0))
    high = min(wanted.get(most, math.inf), contract.get(most, math.inf))
    return f"{least} {low} is above {most} {high}" if low > high else None


_COUNTED = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems")}

Bound = tuple[float, bool]


def interval_of_schema(schema: SchemaSource) -> tuple[Bound, Bound]:
    """The least and the most of a schema, each with whether it is itself excluded; in any spelling."""
    low: Bound = (schema.get("minimum", -math.inf), schema.get("exclusiveMinimum") is True)
    high: Bound = (schema.get("maximum", math.inf), schema.get("exclusiveMaximum") is True)
    above: Any = schema.get("exclusiveMinimum", False)
    below: Any = schema.get("exclusiveMaximum", False)
    if not isinstance(above, bool):
        low = max(low, (above, True))
    if not isinstance(below, bool):
        high = select_lower_bound(high, (below, True))
    return low, high


def select_lower_bound(one: Bound, other: Bound) -> Bound:
    return min((one, other), key=lambda bound: (bound[0], not bound[1]))


def find_bounds_clash(whole: bool, ours: tuple[Bound, Bound], theirs: tuple[Bound, Bound]) -> str | None:
    low, high = max(ours[0], theirs[0]), select_lower_bound(ours[1], theirs[1])
    least: float = low[0]
    most: float = high[0]
    if whole:
        least = math.floor(least) + 1 if low[1] and math.isfinite(least) else round_up(least)
        most = math.ceil(most) - 1 if high[1] and math.isfinite(most) else round_down(most)
        empty = least > most
    else:
        empty = least > most or (least == most and (low[1] or high[1]))
    bounds = f"at least {shorten_value(least)} and at most {shorten_value(most)}"
    return f"the condition and the contract together ask for {bounds}" if empty else None


def round_up(number: float) -> float:
    return math.ceil(number) if math.isfinite(number) else number


def round_down(number: float) -> float:
    return math.floor(number) if math.isfinite(number) else number


def find_field_clash(wanted: SchemaSource, contract: SchemaSource) -> str | None:
    """Why an object can't have a field that the condition requires."""
    fields = wanted.get("properties", {})
    allowed = contract.get("properties", {})
    for name in wanted.get("required", ()):
        if name not in allowed:
            if contract.get("additionalProperties") is False and "patternProperties" not in contract:
                return f'the contract has no field "{shorten_value(name)}" there{did_you_mean(name, allowed)}'
            continue
        inside = fields.get(name, {})
        reason = find_clash(add_implied_type(inside), allowed[name]) if isinstance(inside, Mapping) else None
        if reason is not None:
            return f"{name}: {reason}"
    return None

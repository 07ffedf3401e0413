"""Impossible matchers: conditions that no request valid under the contract can fulfil. Finds no more than it can prove.

A condition and the contract's schema are laid over each other: their choices, types, bounds and lengths. What they say
beyond that (patterns, dependencies) is taken to be possible.
"""

import math
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from mockfoundry.contract import Parameter, Plan, Schema, brief
from mockfoundry.documents import did_you_mean
from mockfoundry.scenarios.conditions import as_parameter, implied, means_text
from mockfoundry.scenarios.problems import demand, quoted

SchemaSource = Mapping[str, Any]


def why_impossible(plan: Plan, place: str, name: str, wanted: Any) -> str | None:
    """Why no valid request of an operation fulfils a condition; None where one may."""
    if place == "body":
        return impossible_field(plan, name, wanted)
    declared = {each.name: each for each in plan.parameters if each.place == _SINGULAR[place]}
    if place == "headers":
        declared = {each.lower(): parameter for each, parameter in declared.items()}
        parameter = declared.get(name.lower())
    else:
        parameter = declared.get(name)
    if parameter is not None:
        return impossible_parameter(parameter, wanted)
    if place == "headers" or wanted is None:
        return clash(implied(wanted), {}) if isinstance(wanted, Mapping) else None
    hint = did_you_mean(name, declared) if declared else ", nor any other"
    return f'{plan.operation} has no {_SINGULAR[place]} parameter "{brief(name)}"{hint}'


_SINGULAR = {"path": "path", "query": "query", "headers": "header"}


def impossible_parameter(parameter: Parameter, wanted: Any) -> str | None:
    if wanted is None:
        return f"{parameter.name} is required, so it is always sent" if parameter.required else None
    if not isinstance(wanted, Mapping):
        return refused_texts(parameter, [wanted])
    schema = implied(wanted)
    choices = choices_of(schema)
    if choices is not None:
        return refused_texts(parameter, choices)
    if not means_text(schema) and parameter.kind in ("integer", "number", "boolean"):
        return clash(schema, parameter.schema.source)
    return clash(schema, {})


def refused_texts(parameter: Parameter, values: list[Any]) -> str | None:
    """Why a parameter can have none of these values."""
    if any(parameter.schema.accepts(parameter.read([as_parameter(value)])) for value in values):
        return None
    violations = parameter.violations([as_parameter(values[0])])
    one = quoted(values[0]) if len(values) == 1 else "any of " + brief(values)
    return f"{parameter.name} can't be {one}; the contract says {demand(violations[0])}"


def impossible_field(plan: Plan, name: str, wanted: Any) -> str | None:
    if plan.body is None:
        return f"{plan.operation} takes no body"
    source: SchemaSource = plan.body.source
    fields: SchemaSource = source.get("properties", {})
    if name not in fields:
        if source.get("additionalProperties") is not False or "patternProperties" in source:
            return None
        return f'the body of {plan.operation} has no field "{brief(name)}"{did_you_mean(name, fields)}'
    if isinstance(wanted, Mapping):
        return clash(implied(wanted), fields[name])
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    for violation in plan.body_violations({name: wanted}):
        if violation.pointer == pointer or violation.pointer.startswith(pointer + "/"):
            return f"{name} can't be {quoted(wanted)}; the contract says {demand(violation)}"
    return None


def clash(wanted: SchemaSource, contract: SchemaSource) -> str | None:
    """Why no value fits both schemas; None where one may."""
    if "$ref" in contract:
        return None
    choices = choices_of(wanted)
    from_contract = choices_of(contract)
    both = [each for each in (choices, from_contract) if each is not None]
    if both and not any_fits(both[0], wanted, contract):
        known = choices if from_contract is None else from_contract
        return f"none of {brief(known)} fits both the condition and the contract"
    for branch in wanted.get("allOf", ()):
        reason = clash(implied(branch), contract) if isinstance(branch, Mapping) else None
        if reason is not None:
            return reason
    for keyword in ("anyOf", "oneOf"):
        branches = [branch for branch in wanted.get(keyword, ()) if isinstance(branch, Mapping)]
        reasons = [clash(implied(branch), contract) for branch in branches]
        if reasons and all(reasons):
            return reasons[0]
    return clash_of_types(wanted, contract)


def choices_of(schema: SchemaSource) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return schema["enum"] if isinstance(schema.get("enum"), list) else None


def any_fits(values: list[Any], wanted: SchemaSource, contract: SchemaSource) -> bool:
    ours, theirs = jsonschema_rs.Draft202012Validator(dict(wanted)).is_valid, Schema(contract).accepts
    return any(ours(value) and theirs(value) for value in values)


def clash_of_types(wanted: SchemaSource, contract: SchemaSource) -> str | None:
    ours, theirs = types_of(wanted), types_of(contract)
    shared = ours & theirs
    if not shared:
        return f"the condition is about {listed(ours)}, and the contract has {listed(theirs)}"
    reasons = [clash_of_type(kind, wanted, contract) for kind in sorted(shared)]
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


def listed(types: frozenset[str]) -> str:
    names = sorted(types - {"integer"} if "number" in types else types)
    return " or ".join(("an " if name[0] in "aio" else "a ") + name if name != "null" else name for name in names)


def clash_of_type(kind: str, wanted: SchemaSource, contract: SchemaSource) -> str | None:
    if kind in ("integer", "number"):
        return clash_of_bounds(kind == "integer", interval(wanted), interval(contract))
    if kind == "object":
        return clash_of_fields(wanted, contract)
    least, most = _COUNTED.get(kind, ("", ""))
    low = max(wanted.get(least, 0), contract.get(least, 0))
    high = min(wanted.get(most, math.inf), contract.get(most, math.inf))
    return f"{least} {low} is above {most} {high}" if low > high else None


_COUNTED = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems")}

Bound = tuple[float, bool]


def interval(schema: SchemaSource) -> tuple[Bound, Bound]:
    """The least and the most of a schema, each with whether it is itself excluded; in any spelling."""
    low: Bound = (schema.get("minimum", -math.inf), schema.get("exclusiveMinimum") is True)
    high: Bound = (schema.get("maximum", math.inf), schema.get("exclusiveMaximum") is True)
    above: Any = schema.get("exclusiveMinimum", False)
    below: Any = schema.get("exclusiveMaximum", False)
    if not isinstance(above, bool):
        low = max(low, (above, True))
    if not isinstance(below, bool):
        high = below_of(high, (below, True))
    return low, high


def below_of(one: Bound, other: Bound) -> Bound:
    return min((one, other), key=lambda bound: (bound[0], not bound[1]))


def clash_of_bounds(whole: bool, ours: tuple[Bound, Bound], theirs: tuple[Bound, Bound]) -> str | None:
    low, high = max(ours[0], theirs[0]), below_of(ours[1], theirs[1])
    least: float = low[0]
    most: float = high[0]
    if whole:
        least = math.floor(least) + 1 if low[1] and math.isfinite(least) else ceiling(least)
        most = math.ceil(most) - 1 if high[1] and math.isfinite(most) else flooring(most)
        empty = least > most
    else:
        empty = least > most or (least == most and (low[1] or high[1]))
    told = f"the condition and the contract together ask for at least {brief(least)} and at most {brief(most)}"
    return told if empty else None


def ceiling(number: float) -> float:
    return math.ceil(number) if math.isfinite(number) else number


def flooring(number: float) -> float:
    return math.floor(number) if math.isfinite(number) else number


def clash_of_fields(wanted: SchemaSource, contract: SchemaSource) -> str | None:
    """Why an object can't have a field that the condition requires."""
    fields = wanted.get("properties", {})
    allowed = contract.get("properties", {})
    for name in wanted.get("required", ()):
        if name not in allowed:
            if contract.get("additionalProperties") is False and "patternProperties" not in contract:
                return f'the contract has no field "{brief(name)}" there{did_you_mean(name, allowed)}'
            continue
        inside = fields.get(name, {})
        reason = clash(implied(inside), allowed[name]) if isinstance(inside, Mapping) else None
        if reason is not None:
            return f"{name}: {reason}"
    return None

"""The client's values are what the control API's document says: the same properties, of the same types."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

import mockfoundry.control
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server
from mockfoundry.client.values import ActiveScenario, Audit, Coverage, Exchange, Process, StateChange, Verdict
from mockfoundry.cloudfoundry.seeds.process_forms import PROCESS
from mockfoundry.cloudfoundry.seeds.snapshot import SNAPSHOT_KEYS
from tests.client.scaling import scale

DOCUMENT = Path(mockfoundry.control.__file__).with_name("openapi.yaml")

NOT_LISTED = {"Exchange.curl"}
"""Properties that are no fields: only a call about one exchange answers them, which is a method of its own."""

FILLED_LATER = {"Chain.repeats"}
"""Required properties that have a default in Python: the journal fills them after it has made the value."""

TYPES: Mapping[str, tuple[type[Any], ...]] = {
    "string": (msgspec.inspect.StrType, msgspec.inspect.DateTimeType),
    "integer": (msgspec.inspect.IntType,),
    "number": (msgspec.inspect.FloatType,),
    "boolean": (msgspec.inspect.BoolType,),
}


@cache
def document() -> Any:
    return yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))


def resolve(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema, or the one that it refers to."""
    if "$ref" not in schema:
        return schema
    found = document()
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolve(found)


def schema_of_response(path: str, method: str) -> Mapping[str, Any]:
    response = resolve(document()["paths"][path][method]["responses"]["200"])
    return resolve(response["content"]["application/json"]["schema"])


def differences(schema: Mapping[str, Any], found: msgspec.inspect.Type, place: str) -> Iterator[str]:
    """Where a type does not hold what a schema describes, or more."""
    schema = resolve(schema)
    if isinstance(found, msgspec.inspect.AnyType):
        return
    if isinstance(found, msgspec.inspect.UnionType):
        kinds = [each for each in found.types if not isinstance(each, msgspec.inspect.NoneType)]
        if (len(kinds) < len(found.types)) != schema.get("nullable", False):
            yield f"{place}: None"
        (found,) = kinds
    elif schema.get("nullable"):
        yield f"{place}: can be null"
    if isinstance(found, msgspec.inspect.StructType):
        yield from differences_of_fields(schema, found)
    elif isinstance(found, msgspec.inspect.ListType):
        yield from differences(schema["items"], found.item_type, f"{place}[]")
    elif isinstance(found, msgspec.inspect.DictType):
        if isinstance(schema.get("additionalProperties"), dict):
            yield from differences(schema["additionalProperties"], found.value_type, f"{place}{{}}")
        elif schema["type"] != "object":
            yield f"{place}: {schema['type']}"
    elif isinstance(found, msgspec.inspect.LiteralType):
        if set(found.values) != set(schema["enum"]):
            yield f"{place}: one of {schema['enum']}"
    elif not isinstance(found, TYPES[schema["type"]]):
        yield f"{place}: {schema['type']}"


def differences_of_fields(schema: Mapping[str, Any], found: msgspec.inspect.StructType) -> Iterator[str]:
    name = found.cls.__name__
    fields = {each.encode_name: each for each in found.fields}
    for key, inside in schema["properties"].items():
        place = f"{name}.{key}"
        if key in fields:
            if fields[key].required != (key in schema["required"]) and place not in FILLED_LATER:
                yield f"{place}: required"
            yield from differences(inside, fields[key].type, place)
        elif place not in NOT_LISTED:
            yield f"{place}: no such field"
    yield from (f"{name}.{key}: no such property" for key in fields if key not in schema["properties"])


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#/components/schemas/Exchange"}, Exchange),
        ({"$ref": "#/components/schemas/Verdict"}, Verdict),
        ({"$ref": "#/components/schemas/Audit"}, Audit),
        ({"$ref": "#/components/schemas/Playing"}, ActiveScenario),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_value_is_what_its_schema_says(schema: Mapping[str, Any], value: type[Any]) -> None:
    assert list(differences(schema, msgspec.inspect.type_info(value), value.__name__)) == []


def test_coverage_and_changes_are_what_their_calls_answer() -> None:
    coverage = schema_of_response("/foundations/{name}/coverage", "get")
    assert list(differences(coverage, msgspec.inspect.type_info(Coverage), "Coverage")) == []
    change = schema_of_response("/foundations/{name}/changes", "get")["properties"]["changes"]["items"]
    assert list(differences(change, msgspec.inspect.type_info(StateChange), "StateChange")) == []


def test_a_value_that_lacks_a_property_is_found() -> None:
    class Short(msgspec.Struct):
        result: str
        said: int = 0

    found = list(differences({"$ref": "#/components/schemas/Verdict"}, msgspec.inspect.type_info(Short), "Short"))
    assert {"Short.matched: no such field", "Short.said: required", "Short.said: string"} <= set(found)


def test_a_process_has_every_field_that_a_seed_gives_it() -> None:
    """A field that is added to the seed's declaration is added to the client's value."""
    keys = {key.name for key in PROCESS.keys} - SNAPSHOT_KEYS
    assert keys - set(Process.__struct_fields__) == set()


def test_values_are_shown_in_a_short_line(server: Server, foundation: Foundation) -> None:
    """Pytest shows them where an assertion fails."""
    scale(foundation, 2)
    near = foundation.check("scaleProcess", times=2, when={"body": {"instances": 3}})
    long = foundation.check("scaleProcess", when={"body": {"command": "x" * 100}})
    coverage = foundation.coverage(["scaleProcess"])
    foundation.play("conflict")
    shown = [
        repr(foundation.process("dora")),
        repr(foundation.changes()[0]),
        repr(foundation.requests()[0]),
        repr(near),
        repr(near.nearest[0].differences[0]),
        repr(foundation.retries()),
        repr(coverage),
        repr(coverage.squares[0]),
        repr(foundation.playing()[0]),
        repr(foundation.clock),
        repr(foundation.hold("gate")),
        repr(server),
    ]
    assert shown == [
        "<Process dora/web instances=2 memory_in_mb=256 disk_in_mb=1024 STARTED in acme/dev>",
        "<StateChange organizations/acme/spaces/dev/apps/dora/processes/web/instances: 1 became 2>",
        "<Exchange #1 scaleProcess → 202>",
        "<Verdict does_not_hold: expected scaleProcess with body instances 3 exactly 2 times, saw 0 times>",
        "<FieldDifference body instances: wanted 3, got 2>",
        "<Audit requests=1 repeats=0 dishonoured=0 twice=0>",
        f"<Coverage 1 of {coverage.of} met, {coverage.percent:g} %>",
        "<CoverageRow scaleProcess 202 times=1>",
        "<ActiveScenario conflict answered=0 over=False>",
        "<FoundationClock>",
        "<HeldRequests gate>",
        f"<Server {server.url}>",
    ]
    assert (len(repr(long)), repr(long)[-2:], str(long)) == (100, "…>", long.said)
    assert repr(near.nearest[0]).startswith('<NearMatch #1 scaleProcess dora/web {"instances":2} → 202; <Field')
    assert foundation.token not in repr(foundation)

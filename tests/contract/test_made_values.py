"""Made values have an end: of what is endless, huge or slow to find no value is made, and what is ordinary is made."""

from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft4Validator

from mockfoundry.contract.making import make_value
from mockfoundry.contract.nesting import NoValueError
from mockfoundry.contract.plan import Schema
from mockfoundry.documents.json import is_json_deeper


def refer(name: str) -> dict[str, Any]:
    return {"$ref": f"#/{name}"}


def list_of(items: Mapping[str, Any], **keywords: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **keywords}


def object_of(required: bool = True, /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": list(properties)} if required else {})}


DEFINITIONS: Mapping[str, Any] = {
    "#/Expression": {"oneOf": [refer("And"), refer("Or"), object_of(value={"type": "integer"})]},
    "#/And": object_of(all=list_of(refer("Expression"), minItems=2)),
    "#/Or": object_of(any=list_of(refer("Expression"), minItems=2)),
    "#/Itself": {"oneOf": [refer("Itself"), refer("Itself")]},
    "#/Tree": object_of(left=refer("Tree"), right=refer("Tree")),
    **{f"#/{name}": object_of(False, **{each: refer(each) for each in "abcdefghij"}) for name in "abcdefghij"},
}


@pytest.mark.parametrize(
    "schema",
    [
        refer("Expression"),
        {"type": "string", "minLength": 200_000},
        {"type": "string", "pattern": "^((((a*)*)*)*)*$"},
        {"type": "string", "pattern": "^[\U00010000-\U0010ffff]{5}$"},
        list_of({"type": "integer", "minimum": 0, "maximum": 100_000}, minItems=5_000, uniqueItems=True),
        list_of({"allOf": [object_of(x={"type": "string", "pattern": "^[a-z]+$"})]}, minItems=100),
        refer("a"),
        {"oneOf": [object_of(False, a={"type": "string"}), object_of(False, b={"type": "integer"})]},
        {"oneOf": [object_of(False, a={"type": "integer"}), object_of(False, b={"type": "integer"})]},
    ],
)
def test_what_has_a_value_gets_one(schema: dict[str, Any]) -> None:
    asked = Schema(schema, DEFINITIONS)
    value = make_value(asked, 1, "it")
    Draft4Validator(asked.document).validate(value)
    assert value != {}
    assert make_value(Schema(schema, DEFINITIONS), 1, "it") == value


@pytest.mark.parametrize(
    "schema",
    [
        refer("Itself"),
        refer("Tree"),
        {"type": "string", "minLength": 5_000_000},
        {"type": "object", "minProperties": 20_000_000},
        list_of({"type": "integer"}, minItems=10**9),
        list_of({"allOf": [object_of(x={"type": "string", "pattern": "^[a-z]+$"})]}, minItems=40_000),
        list_of({"enum": list(range(100_000))}, minItems=2_000),
        {"type": "number", "minimum": 1e10, "multipleOf": 1e-320},
    ],
)
def test_what_is_endless_or_huge_or_beyond_numbers_gets_none(schema: dict[str, Any]) -> None:
    with pytest.raises(NoValueError):
        make_value(Schema(schema, DEFINITIONS), 1, "it")


def test_depth_is_that_of_brackets_outside_of_strings() -> None:
    """However many there are, and however they are escaped; what nests too deep is found at its beginning."""
    assert is_json_deeper(b"[" * 5_000_000, 100)
    assert is_json_deeper(b'["\\\\\\"]]",' + b"[" * 100, 100)
    assert not is_json_deeper(b'["\\\\\\"]]",' + b"[" * 99, 100)
    assert not is_json_deeper(b'["' + b"[" * 200_000 + b'\\\\"]', 100)
    assert is_json_deeper(b'["' + b"[" * 200 + b'\\\\",' + b"[" * 100, 100)

"""Metadata: which labels and annotations a message may have, and label selectors. Changes nothing.

Source: cloud_controller_ng, app/messages/validators/metadata_validator.rb, app/messages/metadata_validator_helper.rb;
for label selectors app/models/helpers/metadata_helpers.rb (the patterns),
app/messages/validators/label_selector_requirement_validator.rb and app/fetchers/label_selector_query_generator.rb.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

MAX_NAME_LENGTH = 63
MAX_PREFIX_LENGTH = 253
MAX_ANNOTATION_LENGTH = 5000
RESERVED_PREFIX = "cloudfoundry.org"

_INVALID_CHARACTER = re.compile(r"[^A-Za-z0-9_\-.]")
_ALPHANUMERIC_ENDS = re.compile(r"(?=[a-zA-Z0-9]).*[a-zA-Z0-9]", re.ASCII)
_DNS = re.compile(
    r"(([a-z0-9]|[a-z0-9][a-z0-9-]{0,61}[a-z0-9])\.)+([a-z0-9]|[a-z0-9][a-z0-9-]{0,61}[a-z0-9])\n?",
    re.ASCII | re.IGNORECASE,
)


def find_metadata_errors(metadata: Any) -> Iterator[str]:
    """The errors of the metadata of a message."""
    if not isinstance(metadata, dict):
        yield "Metadata must be an object"
        return
    unexpected = [f"'{name}'" for name in metadata if name not in ("labels", "annotations")]
    if unexpected:
        yield f"Metadata has unexpected field(s): {' '.join(unexpected)}"
    labels, annotations = metadata.get("labels"), metadata.get("annotations")
    if labels is not None and labels is not False:
        yield from find_label_errors(labels)
    if annotations is not None and annotations is not False:
        yield from find_annotation_errors(annotations)


def find_label_errors(labels: Any) -> Iterator[str]:
    if not isinstance(labels, dict):
        yield "Metadata 'labels' is not an object"
        return
    for key, value in labels.items():
        if error := find_key_error(key):
            yield f"Metadata label key error: {error}"
        if error := find_label_value_error(format_like_ruby(value)):
            yield f"Metadata label value error: {error}"


def find_annotation_errors(annotations: Any) -> Iterator[str]:
    if not isinstance(annotations, dict):
        yield "Metadata 'annotations' is not an object"
        return
    for key, value in annotations.items():
        present = value if isinstance(value, bool | dict | list) else format_like_ruby(value).strip()
        if present and (error := find_key_error(key)):
            yield f"Metadata annotation key error: {error}"
        if isinstance(value, str | list) and len(value) > MAX_ANNOTATION_LENGTH:
            yield f"Metadata annotation value error: '{format_like_ruby(value[:8])}...' is greater than 5000 characters"


def find_key_error(key: str) -> str:
    """The error of the key of a label or an annotation; empty where it has none."""
    prefix, name = split_metadata_key(key)
    if not key.strip():
        return "key cannot be empty string"
    if key.count("/") > 1:
        return "key has more than one '/'"
    if prefix is not None:
        if not _DNS.fullmatch(prefix):
            return f"prefix '{prefix}' must be in valid dns format"
        if len(prefix) > MAX_PREFIX_LENGTH:
            return f"prefix '{prefix[:8]}...' is greater than {MAX_PREFIX_LENGTH} characters"
        if prefix.lower() == RESERVED_PREFIX:
            return f"prefix '{RESERVED_PREFIX}' is reserved"
    if not name.strip():
        return "key cannot be empty string"
    return find_name_error(name)


def find_label_value_error(value: str) -> str:
    """The error of the value of a label, given as text; empty where it has none."""
    return find_name_error(value) if value else ""


def find_name_error(name: str) -> str:
    if _INVALID_CHARACTER.search(name):
        return f"'{name}' contains invalid characters"
    if not _ALPHANUMERIC_ENDS.fullmatch(name):
        return f"'{name}' starts or ends with invalid characters"
    return f"'{name[:8]}...' is greater than {MAX_NAME_LENGTH} characters" if len(name) > MAX_NAME_LENGTH else ""


def split_metadata_key(key: str) -> tuple[str | None, str]:
    """The prefix and the name of a key; no prefix where it has no `/`."""
    if "/" not in key:
        return None, key
    parts = key.split("/")
    return parts[0], parts[1]


def format_like_ruby(value: Any) -> str:
    """A value as Ruby's `to_s` writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{inspect_like_ruby(key)}=>{inspect_like_ruby(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(inspect_like_ruby(item) for item in value)}]"
    return str(value)


def inspect_like_ruby(value: Any) -> str:
    """A value as Ruby's `inspect` writes it inside a list or a mapping."""
    if value is None:
        return "nil"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return format_like_ruby(value)


# Label selectors

MAX_REQUIREMENTS = 50

_REQUIREMENT_TEXTS = re.compile(r"(?:\(.*?\)|[^,])+")
_KEY = r"(?P<key>[A-Za-z0-9_\-./]+)"
_REQUIREMENT_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("in", re.compile(r"(?P<key>.*?) in \((?P<values>.*)\)")),
    ("notin", re.compile(r"(?P<key>.*?) notin \((?P<values>.*)\)")),
    ("in", re.compile(rf"{_KEY}==?(?P<values>.*)")),
    ("notin", re.compile(rf"{_KEY}!=(?P<values>.*)")),
    ("exists", re.compile(rf"{_KEY}(?P<values>)")),
    ("missing", re.compile(rf"!{_KEY}(?P<values>)")),
)
"""A requirement has the relation of the first pattern that it matches."""


class LabelRequirement(NamedTuple):
    """One requirement of a label selector.

    Attributes:
        relation: `in` (also for `=`), `notin` (also for `!=`), `exists` or `missing`.
    """

    key: str
    relation: str
    values: tuple[str, ...]

    def is_met_by(self, labels: Mapping[str, str]) -> bool:
        if self.relation == "exists":
            return self.key in labels
        if self.relation == "missing":
            return self.key not in labels
        return (labels.get(self.key) in self.values) == (self.relation == "in")


def parse_label_selector(selector: str) -> list[LabelRequirement | None]:
    """The requirements of a selector, None for each that can't be read."""
    return [parse_requirement(text) for text in _REQUIREMENT_TEXTS.findall(selector)]


def parse_requirement(text: str) -> LabelRequirement | None:
    for relation, pattern in _REQUIREMENT_PATTERNS:
        match = pattern.fullmatch(text)
        if match is not None:
            values = match["values"].split(",")
            while values and not values[-1]:
                values.pop()
            return LabelRequirement(match["key"], relation, tuple(values))
    return None


def find_selector_errors(requirements: list[LabelRequirement | None]) -> list[str]:
    """The errors of a selector with these requirements."""
    if not requirements:
        return ["Missing label_selector value"]
    if len(requirements) > MAX_REQUIREMENTS:
        return [f"Too many label_selector requirements (maximum is {MAX_REQUIREMENTS})"]
    return [error for each in requirements if (error := find_requirement_error(each))]


def find_requirement_error(requirement: LabelRequirement | None) -> str:
    """The first error of a requirement; empty where it has none."""
    if requirement is None:
        return "Invalid label_selector value"
    value_errors = (error for value in requirement.values if (error := find_label_value_error(value)))
    return find_key_error(requirement.key) or next(value_errors, "")

"""Metadata: labels and annotations in a message, and which keys and values they may have. Changes nothing.

Source: cloud_controller_ng, app/messages/validators/metadata_validator.rb, app/messages/metadata_validator_helper.rb.
"""

import re
from collections.abc import Iterator
from typing import Any

LONGEST_NAME = 63
LONGEST_PREFIX = 253
LONGEST_ANNOTATION = 5000
RESERVED_PREFIX = "cloudfoundry.org"

_STRANGE = re.compile(r"[^A-Za-z0-9_\-.]")
_ALPHANUMERIC_ENDS = re.compile(r"(?=[a-zA-Z0-9]).*[a-zA-Z0-9]", re.ASCII)
_DNS = re.compile(
    r"(([a-z0-9]|[a-z0-9][a-z0-9-]{0,61}[a-z0-9])\.)+([a-z0-9]|[a-z0-9][a-z0-9-]{0,61}[a-z0-9])\n?",
    re.ASCII | re.IGNORECASE,
)


def metadata_faults(metadata: Any) -> Iterator[str]:
    """What is said of the metadata of a message."""
    if not isinstance(metadata, dict):
        yield "Metadata must be an object"
        return
    unexpected = [f"'{name}'" for name in metadata if name not in ("labels", "annotations")]
    if unexpected:
        yield f"Metadata has unexpected field(s): {' '.join(unexpected)}"
    labels, annotations = metadata.get("labels"), metadata.get("annotations")
    if labels is not None and labels is not False:
        yield from label_faults(labels)
    if annotations is not None and annotations is not False:
        yield from annotation_faults(annotations)


def label_faults(labels: Any) -> Iterator[str]:
    if not isinstance(labels, dict):
        yield "Metadata 'labels' is not an object"
        return
    for key, value in labels.items():
        if fault := key_fault(key):
            yield f"Metadata label key error: {fault}"
        if fault := value_fault(as_text(value)):
            yield f"Metadata label value error: {fault}"


def annotation_faults(annotations: Any) -> Iterator[str]:
    if not isinstance(annotations, dict):
        yield "Metadata 'annotations' is not an object"
        return
    for key, value in annotations.items():
        present = value if isinstance(value, bool | dict | list) else as_text(value).strip()
        if present and (fault := key_fault(key)):
            yield f"Metadata annotation key error: {fault}"
        if isinstance(value, str | list) and len(value) > LONGEST_ANNOTATION:
            yield f"Metadata annotation value error: '{as_text(value[:8])}...' is greater than 5000 characters"


def key_fault(key: str) -> str:
    """What is wrong with the key of a label or an annotation; empty where nothing is."""
    prefix, name = divided(key)
    if not key.strip():
        return "key cannot be empty string"
    if key.count("/") > 1:
        return "key has more than one '/'"
    if prefix is not None:
        if not _DNS.fullmatch(prefix):
            return f"prefix '{prefix}' must be in valid dns format"
        if len(prefix) > LONGEST_PREFIX:
            return f"prefix '{prefix[:8]}...' is greater than {LONGEST_PREFIX} characters"
        if prefix.lower() == RESERVED_PREFIX:
            return f"prefix '{RESERVED_PREFIX}' is reserved"
    if not name.strip():
        return "key cannot be empty string"
    return name_fault(name)


def value_fault(value: str) -> str:
    """What is wrong with the value of a label, as text; empty where nothing is."""
    return name_fault(value) if value else ""


def name_fault(name: str) -> str:
    if _STRANGE.search(name):
        return f"'{name}' contains invalid characters"
    if not _ALPHANUMERIC_ENDS.fullmatch(name):
        return f"'{name}' starts or ends with invalid characters"
    return f"'{name[:8]}...' is greater than {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else ""


def divided(key: str) -> tuple[str | None, str]:
    """The prefix and the name of a key; no prefix where it has no `/`."""
    if "/" not in key:
        return None, key
    parts = key.split("/")
    return parts[0], parts[1]


def as_text(value: Any) -> str:
    """A value as Ruby's `to_s` writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{inspected(key)}=>{inspected(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(inspected(item) for item in value)}]"
    return str(value)


def inspected(value: Any) -> str:
    """A value as Ruby's `inspect` writes it inside a list or a mapping."""
    if value is None:
        return "nil"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return as_text(value)

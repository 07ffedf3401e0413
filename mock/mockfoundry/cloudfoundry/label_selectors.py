"""Label selectors: the requirements in a list's `label_selector`, and which processes meet them. Changes nothing.

Source: cloud_controller_ng, app/models/helpers/metadata_helpers.rb (the patterns),
app/messages/validators/label_selector_requirement_validator.rb and app/fetchers/label_selector_query_generator.rb.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from mockfoundry.cloudfoundry.messages.metadata import key_fault, value_fault

MOST_REQUIREMENTS = 50

_SPLIT = re.compile(r"(?:\(.*?\)|[^,])+")
_KEY = r"(?P<key>[A-Za-z0-9_\-./]+)"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("in", re.compile(r"(?P<key>.*?) in \((?P<values>.*)\)")),
    ("notin", re.compile(r"(?P<key>.*?) notin \((?P<values>.*)\)")),
    ("in", re.compile(rf"{_KEY}==?(?P<values>.*)")),
    ("notin", re.compile(rf"{_KEY}!=(?P<values>.*)")),
    ("exists", re.compile(rf"{_KEY}(?P<values>)")),
    ("missing", re.compile(rf"!{_KEY}(?P<values>)")),
)
"""The first that a requirement has decides."""


class Requirement(NamedTuple):
    """What the labels of a process have to be.

    Attributes:
        relation: `in` and `notin` (which `=` and `!=` are too), `exists`, `missing`.
    """

    key: str
    relation: str
    values: tuple[str, ...]

    def met_by(self, labels: Mapping[str, str]) -> bool:
        if self.relation == "exists":
            return self.key in labels
        if self.relation == "missing":
            return self.key not in labels
        return (labels.get(self.key) in self.values) == (self.relation == "in")


def requirements(selector: str) -> list[Requirement | None]:
    """The requirements of a selector, None for each that has no form."""
    return [requirement(text) for text in _SPLIT.findall(selector)]


def requirement(text: str) -> Requirement | None:
    for relation, form in _FORMS:
        found = form.fullmatch(text)
        if found is not None:
            values = found["values"].split(",")
            while values and not values[-1]:
                values.pop()
            return Requirement(found["key"], relation, tuple(values))
    return None


def selector_faults(found: list[Requirement | None]) -> list[str]:
    """What is said of a selector with these requirements."""
    if not found:
        return ["Missing label_selector value"]
    if len(found) > MOST_REQUIREMENTS:
        return [f"Too many label_selector requirements (maximum is {MOST_REQUIREMENTS})"]
    return [fault for each in found if (fault := requirement_fault(each))]


def requirement_fault(found: Requirement | None) -> str:
    if found is None:
        return "Invalid label_selector value"
    return key_fault(found.key) or next((fault for value in found.values if (fault := value_fault(value))), "")

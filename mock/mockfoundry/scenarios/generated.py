"""The files that are made from the form and the library: the JSON Schema and the library's README. Never hand-written.

`python -m mockfoundry.scenarios.generated` writes both anew.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mockfoundry.scenarios.form import DISTRIBUTIONS, EVENT, HOLD, LOGNORMAL, RESPOND, RULE, SCENARIO, WHEN
from mockfoundry.scenarios.library import library
from mockfoundry.scenarios.reading import read_scenario
from mockfoundry.scenarios.shapes import Key
from mockfoundry.scenarios.values import Scenario
from mockfoundry.shipped import SCENARIOS

SCHEMA_FILE = Path(__file__).with_name("scenario.schema.json")
README_FILE = SCENARIOS / "README.md"


def scenario_schema() -> dict[str, Any]:
    """The form of a scenario file as JSON Schema, for editors and for strategies."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mockfoundry scenario",
        "description": "One failure mode of a Cloud Foundry foundation, to be played by mockfoundry.",
        **SCENARIO.schema(),
    }


def schema_text() -> str:
    return json.dumps(scenario_schema(), indent=2) + "\n"


def readme_text() -> str:
    """The README of the library: what there is, and every key that a file may have."""
    scenarios = [read_scenario(path.read_text(encoding="utf-8"), source=str(path)) for path in library().values()]
    return "\n".join([*_INTRODUCTION, *library_rows(scenarios), *keys_of_all()]) + "\n"


_INTRODUCTION = (
    "# The library of scenarios",
    "",
    "One file, one failure mode. Switch one on by its name, copy one to write your own, and check it with",
    "`mockfoundry check FILE`. This page is made from the files by `python -m mockfoundry.scenarios.generated`.",
    "",
    "| name | what happens | a good client |",
    "|---|---|---|",
)


def library_rows(scenarios: list[Scenario]) -> Iterator[str]:
    for each in scenarios:
        yield f"| [{each.name}]({each.name}.yaml) | {cell(each.description)} | {cell(each.good_client)} |"


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def keys_of_all() -> Iterator[str]:
    yield from ("", "## Keys of a scenario file", "")
    for title, keys in _KEYS:
        yield from (f"### {title}", "", "| key | what it is for |", "|---|---|")
        yield from key_rows(keys)
        yield ""


_KEYS: tuple[tuple[str, tuple[Key, ...]], ...] = (
    ("A scenario", SCENARIO.keys),
    ("A rule of `rules:`", RULE.keys),
    ("`when:`", WHEN.keys),
    ("`respond:`, and each step of `sequence:`", RESPOND.keys),
    ("`delay:`, where it is not a duration", DISTRIBUTIONS),
    ("`lognormal:`", LOGNORMAL.keys),
    ("`hold:`", HOLD.keys),
    ("An event of `events:`", EVENT.keys),
)


def key_rows(keys: Iterable[Key]) -> Iterator[str]:
    for key in keys:
        yield f"| `{key.name}` | {cell(key.about)}{' Required.' if key.required else ''} |"


def every_key(schema: Any) -> Iterator[str]:
    """Every key that the schema of a scenario file names, at any depth."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in schema.values():
            yield from every_key(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from every_key(item)


def main() -> None:
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    README_FILE.write_text(readme_text(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Reports: problems as text, as JSON, or as annotations of a CI run. Never prints."""

from collections.abc import Iterable

import msgspec

from mockfoundry.documents import Problem


def as_text(problems: Iterable[Problem]) -> str:
    """One `file:line:column: text` a line."""
    return "".join(f"{problem}\n" for problem in problems)


def as_json(problems: Iterable[Problem]) -> str:
    """A list of `{file, line, column, text}`."""
    return msgspec.json.format(msgspec.json.encode(list(problems)), indent=2).decode() + "\n"


def as_github(problems: Iterable[Problem]) -> str:
    """Workflow commands that annotate the lines of a change.

    Source: GitHub's documentation, "Workflow commands for GitHub Actions".
    """
    return "".join(
        f"::error file={property_of(each.file)},line={each.line},col={each.column}::{message_of(each.text)}\n"
        for each in problems
    )


def message_of(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def property_of(text: str) -> str:
    return message_of(text).replace(":", "%3A").replace(",", "%2C")


FORMATS = {"text": as_text, "json": as_json, "github": as_github}
"""By the name that `mockfoundry check --format` takes."""

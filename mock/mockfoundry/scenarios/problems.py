"""Problems of a scenario: the error that carries them, and words for what was found. Never decides what is wrong."""

from typing import Final

from mockfoundry.contract import Violation, brief
from mockfoundry.documents import DocumentError

MOST_PROBLEMS: Final = 100
"""How many problems of one file are told."""


class ScenarioError(DocumentError):
    """A scenario can't be used. `problems` says why, place by place; as text it is one line for each."""


def demand(violation: Violation) -> str:
    """What the contract asks for, where it was not met: `type integer`, `minimum 0`, `required errors`."""
    limit = violation.limit
    allowed = " or ".join(brief(each) for each in limit) if isinstance(limit, list) else brief(limit)
    if violation.keyword == "additionalProperties":
        return f"no {allowed}"
    return f"{violation.keyword} {allowed}"


def quoted(value: object) -> str:
    """A value that was found, in a line; text in quotes, so that it can be told from a number."""
    return f'"{brief(value)}"' if isinstance(value, str) else brief(value)

"""Written: the text of a document that did not come from a file of its own. Never reads it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Written:
    """A seed or a scenario as text.

    Attributes:
        source: what problems with it are told of.
    """

    text: str
    source: str

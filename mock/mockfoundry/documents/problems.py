"""Problems: what is wrong with a file that someone wrote, and where. Never decides what is wrong."""

import difflib
from collections.abc import Iterable

import msgspec


class Problem(msgspec.Struct, frozen=True, order=True):
    """One thing to mend in a file.

    Attributes:
        file: where it was read from: a file's path, or a name for text that came another way.
        line, column: from 1.
        text: what was found, what is allowed and what to do, in a line.
    """

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text}"


class DocumentError(Exception):
    """A file can't be used. `problems` says why, place by place; as text it is one line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def did_you_mean(found: str, allowed: Iterable[str]) -> str:
    """`; did you mean X?` where an allowed word is close, else all of them where they are few, else nothing."""
    words = sorted(allowed)
    lowered = {word.lower(): word for word in words}
    close = difflib.get_close_matches(found.lower()[:100], lowered, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {lowered[close[0]]}?"
    return f"; allowed: {', '.join(words)}" if 0 < len(words) <= 16 else ""

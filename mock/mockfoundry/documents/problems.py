"""Problems: what is wrong with a document and where, as text, JSON or annotations of a CI run. Never finds one."""

from collections.abc import Callable, Iterable
from itertools import groupby, islice
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Problem(msgspec.Struct, frozen=True, order=True):
    """One thing to mend in a file.

    Attributes:
        file: the file's path, or a name for a text that did not come from a file.
        line, column: from 1; both 0 where there is nothing in the file to point at.
        text: what was found, what is allowed and how to mend it, in a line.
    """

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.file}{place}: {self.text}"


MAX_LISTED = 20
"""How many errors of one thing are listed; of more it is said how many there are."""


def list_first(values: Iterable[T], describe: Callable[[T], str]) -> list[str]:
    """The first values in words, and a last text that says how many more there are."""
    rest = iter(values)
    first = [describe(each) for each in islice(rest, MAX_LISTED)]
    more = sum(1 for _ in rest)
    return [*first, f"and {more} more"] if more else first


class DocumentError(Exception):
    """A document can't be used. `problems` says why, each with its place; as text, a line for each of the first."""

    def __init__(self, problems: Iterable[Problem], more: int = 0) -> None:
        found = tuple(problems)
        more = max(more, 0) + max(len(found) - MAX_LISTED, 0)
        self.problems = found
        lines = [str(each) for each in found[:MAX_LISTED]]
        super().__init__("\n".join([*lines, f"and {more} more"] if more else lines))


def did_you_mean(found: str, allowed: Iterable[str]) -> str:
    """`; did you mean X?` where an allowed word is near, else `; allowed: …` where they are few, else nothing."""
    words = sorted(allowed)
    near = find_near_word(found[:100], words)
    if near is not None:
        return f"; did you mean {near}?"
    return f"; allowed: {', '.join(words)}" if 0 < len(words) <= 16 else ""


def find_near_word(found: str, words: Iterable[str]) -> str | None:
    """The word that was meant: one that is a slip or two away, or the only one that begins or ends so; None for none.

    What follows a word after an `@` does not count: a user's name may be written with a foundation.
    """
    folded = {fold_word(word): word for word in words}
    wanted = fold_word(found)
    # Only mistakes need it, and a start should be short.
    import difflib

    # A ratio is quickly computed, and is above this for every word that so few slips lead to.
    similar = difflib.get_close_matches(wanted, folded, n=3, cutoff=0.6)
    slips = {word: count_slips(wanted, word) for word in similar}
    near = [word for word in similar if slips[word] <= max(1, min(len(wanted), len(word)) // 3)]
    if near:
        return folded[min(near, key=slips.__getitem__)]
    begun = [word for word in folded if begins_with(word, wanted) or begins_with(wanted, word + "@")]
    if not begun and len(wanted) >= MIN_BEGINNING:
        begun = [word for word in folded if word.endswith(f"-{wanted}")]
    return folded[begun[0]] if len(begun) == 1 else None


MIN_BEGINNING = 3
"""So many letters of a word say which one is meant."""


def begins_with(word: str, beginning: str) -> bool:
    return len(beginning) >= MIN_BEGINNING and word.startswith(beginning)


def fold_word(word: str) -> str:
    """A word without the differences that are no slip: upper case, and `_` for `-`."""
    return word.lower().replace("_", "-")


def count_slips(one: str, other: str) -> int:
    """How many letters are left out, added, changed or swapped with their neighbour between two words."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            slips = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                slips = min(slips, last[j - 2] + 1)
            row.append(slips)
    return row[-1]


class Document(msgspec.Struct, frozen=True):
    """A seed or a scenario as text.

    Attributes:
        source: the name that problems give for it: a file's path, or what it is.
    """

    text: str
    source: str


def problems_to_text(problems: Iterable[Problem]) -> str:
    """One `file:line:column: text` a line, of each file the first."""
    by_file = groupby(problems, key=lambda problem: problem.file)
    return "".join(f"{line}\n" for _, found in by_file for line in list_first(found, str))


def problems_to_json(problems: Iterable[Problem]) -> str:
    """A list of `{file, line, column, text}`."""
    return msgspec.json.format(msgspec.json.encode(list(problems)), indent=2).decode() + "\n"


def problems_to_github(problems: Iterable[Problem]) -> str:
    """Workflow commands that annotate the lines of a change.

    Source: GitHub's documentation, "Workflow commands for GitHub Actions".
    """
    return "".join(
        f"::error file={escape_annotation_property(each.file)}"
        + (f",line={each.line},col={each.column}" if each.line else "")
        + f"::{escape_annotation_text(each.text)}\n"
        for each in problems
    )


def escape_annotation_text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_annotation_property(text: str) -> str:
    return escape_annotation_text(text).replace(":", "%3A").replace(",", "%2C")


PROBLEM_FORMATS = {"text": problems_to_text, "json": problems_to_json, "github": problems_to_github}
"""The renderers, by their names for `mockfoundry check --format`."""

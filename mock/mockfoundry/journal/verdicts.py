"""Verdicts: a verification's result as people read it, with the lines of the exchanges it is about. Never judges."""

from collections.abc import Iterator

import msgspec

from mockfoundry.journal.lines import (
    MAX_LINE_WIDTH,
    NO_NAMES,
    ListedEntry,
    Names,
    cut_end,
    find_entry,
    fold_entries,
    tell_entry,
)
from mockfoundry.journal.store import Journal
from mockfoundry.journal.verify import EntryDifference, VerdictResult, VerificationResult

MAX_SHOWN_MATCHES = 200
"""Of how many exchanges that fit a failed verification has the lines."""

MAX_MATCH_LINES = 10


class NearestLine(msgspec.Struct, frozen=True):
    """An exchange that is nearly what was asked for: its line, and in what it differs."""

    number: int
    line: str
    differences: tuple[EntryDifference, ...]


class ShownVerdict(msgspec.Struct, frozen=True):
    """A verification's result as JSON has it.

    Attributes:
        said: what was asked and what held; where it does not hold, with a line for each exchange that fits, and for the
            nearest that do not, each with its differences in a line below.
        matched: the numbers of the exchanges that fit.
        dropped: how many that might fit were dropped from the journal.
    """

    result: VerdictResult
    said: str
    matched: tuple[int, ...]
    nearest: tuple[NearestLine, ...]
    dropped: int


def list_shown_entries(result: VerificationResult, journal: Journal) -> list[ListedEntry]:
    """The exchanges that a failed verification shows, those that fit first; none where it did not fail."""
    if result.result == "holds":
        return []
    numbers = [*result.matched[:MAX_SHOWN_MATCHES], *(near.number for near in result.nearest)]
    return [each for number in numbers if (each := find_entry(journal, number)) is not None]


def show_verdict(result: VerificationResult, shown: list[ListedEntry], names: Names = NO_NAMES) -> ShownVerdict:
    """A verification's result with the lines of its exchanges.

    Args:
        shown: what `list_shown_entries` gives for it.
    """
    by_number = {each.entry.number: each for each in shown}
    nearest = tuple(
        NearestLine(near.number, tell_entry(by_number[near.number], names).line, near.differences)
        for near in result.nearest
        if near.number in by_number
    )
    matched = [by_number[number] for number in result.matched if number in by_number]
    lines = [*list_match_lines(result, matched, names), *list_nearest_lines(result, nearest)]
    said = result.message + (":" if matched and lines else "")
    return ShownVerdict(result.result, "\n".join((said, *lines)), result.matched, nearest, result.dropped)


def list_match_lines(result: VerificationResult, matched: list[ListedEntry], names: Names) -> Iterator[str]:
    """The lines of the exchanges that fit; the first of many."""
    folded = fold_entries(tell_entry(each, names) for each in matched)
    for each in folded[:MAX_MATCH_LINES]:
        yield f"  {each.line}"
    shown = sum(each.times for each in folded[:MAX_MATCH_LINES])
    if matched and len(result.matched) > shown:
        yield f"  … and {len(result.matched) - shown} more"


def list_nearest_lines(result: VerificationResult, nearest: tuple[NearestLine, ...]) -> Iterator[str]:
    """The lines of the exchanges that nearly fit, each with its differences in a line below."""
    if nearest:
        yield "nearest:"
    for near in nearest:
        yield f"  {near.line}"
        yield cut_end(f"      {'; '.join(map(str, near.differences))}", MAX_LINE_WIDTH)

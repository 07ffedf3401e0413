"""Verifying: whether a journal holds what a test expects: it holds, it does not, or it cannot be known. Never waits."""

from itertools import pairwise
from typing import Literal

import msgspec

from mockfoundry.journal.asking import Difference, Question
from mockfoundry.journal.entries import Entry
from mockfoundry.journal.journal import Journal
from mockfoundry.journal.telling import line

Result = Literal["holds", "does_not_hold", "cannot_be_known"]

MOST_NEAREST = 3
"""How many of the nearest exchanges are told."""

MOST_COMPARED = 2_000
"""How many of the latest exchanges are looked through for the nearest."""

TOLERANCE = 2_000
"""Microseconds by which a gap may fall short: two clocks measured it."""

Gaps = tuple[int, ...] | Literal["growing"] | None
"""Least waits between one and the next in microseconds; or each longer than the one before."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What is expected of the exchanges that a question is about.

    Attributes:
        times, at_least, at_most: how many there are; with none of them, at least one.
        gaps: the waits between them, from each answer to the next request.
    """

    question: Question
    times: int | None = None
    at_least: int | None = None
    at_most: int | None = None
    gaps: Gaps = None

    @property
    def least(self) -> int:
        if self.times is not None:
            return self.times
        if self.at_least is not None:
            return self.at_least
        if isinstance(self.gaps, tuple):
            return len(self.gaps) + 1
        return 0 if self.at_most is not None else 1

    @property
    def most(self) -> int | None:
        return self.at_most if self.times is None else self.times

    def count_text(self) -> str:
        if self.times is not None:
            return f"exactly {counted(self.times)}"
        bounds = [f"at least {counted(self.least)}"] if self.least or self.most is None else []
        if self.at_most is not None:
            bounds.append(f"at most {counted(self.at_most)}")
        return " and ".join(bounds)


class Near(msgspec.Struct, frozen=True):
    """An exchange that is nearly what was asked for, and what is different."""

    number: int
    line: str
    differences: tuple[Difference, ...]


class Verdict(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        said: the sentence; where it does not hold, with the nearest exchange and the difference.
        matched: the numbers of the exchanges that fit.
        dropped: how many that might have fitted were forgotten.
    """

    result: Result
    said: str
    matched: tuple[int, ...] = ()
    nearest: tuple[Near, ...] = ()
    dropped: int = 0


def verified(journal: Journal, expected: Expectation) -> Verdict:
    """Whether a journal holds as many exchanges as expected, at the distances expected."""
    question = expected.question
    matched = [entry for entry in journal if question.holds(entry)]
    dropped = dropped_within(journal, question)
    numbers = tuple(entry.number for entry in matched)
    count, least, most = len(matched), expected.least, expected.most
    told = f"expected {question} {expected.count_text()}, saw {counted(count)}"
    too_many = most is not None and count > most
    if too_many or (count < least and not dropped):
        near = () if too_many else nearest(journal, question)
        return Verdict("does_not_hold", with_nearest(told, near), numbers, near)
    if count < least or (dropped and most is not None):
        return Verdict("cannot_be_known", f"{told}; {forgotten(dropped)}", numbers, (), dropped)
    wrong = wrong_gap(matched, expected.gaps)
    if wrong is not None:
        return Verdict("does_not_hold", f"expected {question} {wrong}", numbers)
    if dropped and expected.gaps is not None:
        return Verdict(
            "cannot_be_known", f"expected gaps between {question}; {forgotten(dropped)}", numbers, (), dropped
        )
    return Verdict("holds", told, numbers, (), dropped)


def in_order(journal: Journal, questions: tuple[Question, ...]) -> Verdict:
    """Whether exchanges that fit the questions came in their order; others may lie between them."""
    found: list[Entry] = []
    entries = iter(journal)
    for position, question in enumerate(questions):
        entry = next((each for each in entries if question.holds(each)), None)
        if entry is None:
            after = f" after {line(found[-1])}" if found else ""
            told = f"expected {question} as number {position + 1} of {len(questions)} in order{after}, saw none there"
            numbers = tuple(each.number for each in found)
            dropped = sum(dropped_within(journal, each) for each in questions)
            if dropped:
                return Verdict("cannot_be_known", f"{told}; {forgotten(dropped)}", numbers, (), dropped)
            near = nearest(journal, question, found[-1].number if found else 0)
            return Verdict("does_not_hold", with_nearest(told, near), numbers, near)
        found.append(entry)
    told = "; then ".join(f"#{entry.number} {question}" for entry, question in zip(found, questions, strict=True))
    return Verdict("holds", f"saw in order: {told}", tuple(entry.number for entry in found))


def nearest(journal: Journal, question: Question, behind: int = 0) -> tuple[Near, ...]:
    """The exchanges that differ least from what is asked for, the latest of equal ones first."""
    ranked: list[tuple[int, int, Near]] = []
    for entry in journal.after(max(behind, question.behind, journal.recorded - MOST_COMPARED)):
        if not question.in_reach(entry):
            continue
        differences = question.differences(entry)
        if not differences:
            continue
        # Another operation is farther away than any other difference.
        far = len(differences) + 3 * any(each.what == "operation" for each in differences)
        ranked.append((far, -entry.number, Near(entry.number, line(entry), tuple(differences))))
    return tuple(near for _, _, near in sorted(ranked, key=lambda each: each[:2])[:MOST_NEAREST])


def dropped_within(journal: Journal, question: Question) -> int:
    """How many exchanges were forgotten that the question may have been about."""
    dropped = journal.dropped
    if not dropped or question.behind >= journal.cleared + dropped:
        return 0
    if question.since is not None:
        first = next(iter(journal), None)
        if first is not None and first.now < question.since:
            return 0
    return journal.dropped_of(question.about)


def wrong_gap(entries: list[Entry], gaps: Gaps) -> str | None:
    """The first gap that is not as expected, in words."""
    if gaps is None:
        return None
    waits = [wait_between(one, other) for one, other in pairwise(entries)]
    if gaps == "growing":
        for number, (one, other) in enumerate(pairwise(waits), 2):
            if other <= one:
                return (
                    f"with growing gaps, gap {number} (#{entries[number - 1].number} to #{entries[number].number}) "
                    f"is {seconds(other)} after {seconds(one)}"
                )
        return None
    for number, (wait, least) in enumerate(zip(waits, gaps, strict=False), 1):
        if wait < least - TOLERANCE:
            return (
                f"with gap {number} at least {seconds(least)}, "
                f"#{entries[number].number} came {seconds(wait)} after the answer of #{entries[number - 1].number}"
            )
    return None


def wait_between(one: Entry, other: Entry) -> int:
    """Microseconds from the answer of one exchange to the request of another, by the clock that says more.

    A client waits by its own clock, or by the foundation's where a test advances that in place of sleeping.
    """
    return max(0, other.real - one.real - one.delay, other.now - one.now - one.virtual_delay)


def with_nearest(told: str, near: tuple[Near, ...]) -> str:
    if not near:
        return told + "; nothing else came"
    first = near[0]
    return f"{told}; the nearest other: {first.line}; {'; '.join(str(each) for each in first.differences)}"


def forgotten(dropped: int) -> str:
    return (
        f"{dropped} exchange{'s' if dropped > 1 else ''} that may count "
        f"{'were' if dropped > 1 else 'was'} dropped from the journal; start the server with a larger --max-journal"
    )


def counted(times: int) -> str:
    return "1 time" if times == 1 else f"{times} times"


def seconds(microseconds: int) -> str:
    return f"{microseconds / 1_000_000:.3f}".rstrip("0").rstrip(".") + "s"

"""What a foundation's clients did, as a test asks for it. Never judges: the server does."""

from collections.abc import Sequence
from typing import Unpack

import msgspec

from mockfoundry.client.addressed import Addressed
from mockfoundry.client.errors import CannotBeKnownError, VerificationError
from mockfoundry.client.values import Audit, Coverage, Exchange, Verdict
from mockfoundry.client.wording import (
    Duration,
    Expected,
    Moment,
    comma_separated,
    duration_words,
    expectation_words,
    moment_words,
)

MOST_LISTED = 10_000


class Journalled(Addressed):
    """A foundation by what happened in it."""

    def requests(
        self,
        operation: str | Sequence[str] = (),
        status: int | Sequence[int] = (),
        scenario: str = "",
        since: Moment | None = None,
        after: int = 0,
        limit: int = MOST_LISTED,
    ) -> list[Exchange]:
        """What the foundation's clients did, oldest first.

        Args:
            operation, status, scenario: only these.
            since: only from this moment of the foundation's clock on.
            after: only exchanges with a larger number.
            limit: so many at most, the latest.
        """
        query = {
            "operation": comma_separated(operation),
            "status": comma_separated(status),
            "scenario": scenario,
            "since": None if since is None else moment_words(since),
            "after": after or None,
            "limit": limit,
        }
        return msgspec.convert(self._call("GET", "/requests", query=query)["requests"], list[Exchange])

    def curl(self, number: int) -> str:
        """The command that sends the request of an exchange again."""
        return str(self._call("GET", f"/requests/{number}")["curl"])

    def replay(self) -> str:
        """The failures that its clients have met, as the text of a scenario file that plays them again.

        Returns:
            Nothing where there was no failure.
        """
        return self._call("GET", "/replay")["scenario"] or ""

    def forget(self) -> int:
        """Empties the journal; says how many exchanges it held."""
        return int(self._call("DELETE", "/requests")["cleared"])

    def check(self, operation: str | Sequence[str] = (), **expected: Unpack[Expected]) -> Verdict:
        """Whether the journal holds what is expected of an operation; the keys are those of `Expected`."""
        return msgspec.convert(self._call("POST", "/verify", expectation_words(operation, expected)), Verdict)

    def verify(self, operation: str | Sequence[str] = (), **expected: Unpack[Expected]) -> Verdict:
        """As `check`, and fails where it does not hold.

        Raises:
            VerificationError: it does not hold; the text has the nearest exchanges, and what is different.
            CannotBeKnownError: what it asks about was dropped from the journal.
        """
        __tracebackhide__ = True
        verdict = self.check(operation, **expected)
        must_hold(verdict)
        return verdict

    def retries(
        self,
        operation: str = "",
        max: int | None = None,  # noqa: A002 (the API's word)
        honours_retry_after: bool = False,
        never_twice: bool = False,
        within: Duration | None = None,
    ) -> Audit:
        """What clients sent again: after what, with what wait, and whether it did something twice.

        Args:
            operation: only this one.
            max: repeats that one request may have.
            honours_retry_after: no repeat may come before Retry-After says.
            never_twice: no repeat may change the world once more.
            within: what is sent later than that after an answer repeats nothing, as a poller's next look.

        Raises:
            VerificationError: clients did what the arguments do not allow.
            CannotBeKnownError: exchanges that may count were dropped from the journal.
        """
        __tracebackhide__ = True
        query = {
            "operation": operation,
            "max": max,
            "honours_retry_after": honours_retry_after,
            "never_twice": never_twice,
            "within": None if within is None else duration_words(within),
        }
        audit = msgspec.convert(self._call("GET", "/retries", query=query), Audit)
        if max is not None or honours_retry_after or never_twice:
            must_hold(audit.verdict, audit.table)
        return audit

    def coverage(self, operations: Sequence[str] = ()) -> Coverage:
        """Which documented answers and which faults the foundation's clients have met.

        Args:
            operations: only these; none for all.
        """
        query = {"operation": comma_separated(operations)}
        return msgspec.convert(self._call("GET", "/coverage", query=query), Coverage)


def must_hold(verdict: Verdict, more: str = "") -> None:
    """Raises what a verdict that does not hold comes to.

    Args:
        more: what is told beside the verdict.
    """
    __tracebackhide__ = True
    if verdict.result == "does_not_hold":
        raise VerificationError(verdict, more)
    if verdict.result == "cannot_be_known":
        raise CannotBeKnownError(verdict, more)

"""Autopsies: what happened in a foundation, for the report of a test that failed. Never changes anything there."""

from collections.abc import Iterator

from mockfoundry.client.errors import ControlError, ServerError
from mockfoundry.client.foundation import Foundation

MOST_LINES = 60
"""How many exchanges are shown, the latest."""

MOST_CHANGES = 30

MOST_REPLAYED = 60
"""How many lines a replay may have."""


def autopsy(foundation: Foundation) -> str:
    """What a failed test's foundation was like: each request with its reason, the changes, the clock, and a replay."""
    try:
        return "\n".join(told(foundation))
    except (ServerError, ControlError) as error:
        return f"{foundation.name}: can't be told: {error}"


def told(foundation: Foundation) -> Iterator[str]:
    exchanges = foundation.requests()
    yield f"foundation {foundation.name} at {foundation.url}"
    yield f"clock {foundation.clock.now.isoformat()}, random seed {foundation.random_seed}"
    if len(exchanges) > MOST_LINES:
        yield f"… {len(exchanges) - MOST_LINES} requests before these"
    yield from (exchange.line for exchange in exchanges[-MOST_LINES:])
    if not exchanges:
        yield "no request came; does the client ask foundation.url?"
    changes = foundation.changes()
    yield "changed in the world:" if changes else "nothing was changed in the world"
    yield from (f"  {change}" for change in changes[:MOST_CHANGES])
    if len(changes) > MOST_CHANGES:
        yield f"  … and {len(changes) - MOST_CHANGES} more"
    replay = foundation.replay().splitlines()
    if len(replay) > MOST_REPLAYED:
        yield f"it met many failures; the same scenarios with random seed {foundation.random_seed} play them again"
    elif replay:
        yield "to meet the same failures again, save this beside the test and mark it with it:"
        yield from (f"  {line}" for line in replay)

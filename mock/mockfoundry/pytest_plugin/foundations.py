"""The foundation of one test: its name, its state before each Hypothesis example, and its report after a failure.

Never makes a foundation.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from mockfoundry.client.errors import ControlError, ServerError
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.values import StateChange
from mockfoundry.documents.quoting import quote_line, quote_text
from mockfoundry.documents.times import count_microseconds, format_moment
from mockfoundry.journal.lines import cut_middle

MAX_FOUNDATION_NAME_LENGTH = 64

_numbers = count(1)


def name_test_foundation(request: pytest.FixtureRequest) -> str:
    """The test's name, the worker and a number; on a server that other runs use too, also what only this run has."""
    from mockfoundry.client.arguments import generate_foundation_name

    config = request.config
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    parts = [worker, generate_foundation_name() if config.getoption("mock_url") else "", str(next(_numbers))]
    ending = "-".join(part for part in parts if part)
    slug = re.sub(r"[^A-Za-z0-9_.]+", "-", request.node.name).strip("-_.")
    return f"{slug[: MAX_FOUNDATION_NAME_LENGTH - len(ending) - 1] or 'test'}-{ending}"


@contextmanager
def restore_for_each_example(node: pytest.Item, begin: Callable[[bool], None]) -> Iterator[None]:
    """Calls a function before each example of a Hypothesis test; any other test is left as it is.

    Args:
        begin: given whether the example is the first one.
    """
    handle = getattr(getattr(node, "obj", None), "hypothesis", None)
    if handle is None or not hasattr(handle, "inner_test"):
        yield
        return
    inner_test = handle.inner_test
    is_first = True

    def begin_example() -> None:
        nonlocal is_first
        begin(is_first)
        is_first = False

    # Plugins for async tests look whether the test is a coroutine function.
    if inspect.iscoroutinefunction(inner_test):

        @functools.wraps(inner_test)
        async def run_example(*arguments: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            begin_example()
            return await inner_test(*arguments, **named)
    else:

        @functools.wraps(inner_test)
        def run_example(*arguments: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            begin_example()
            return inner_test(*arguments, **named)

    handle.inner_test = run_example
    allow_function_fixture(node)
    try:
        yield
    finally:
        handle.inner_test = inner_test


def allow_function_fixture(node: pytest.Item) -> None:
    """Stops Hypothesis from warning of a fixture of function scope, which it takes for one that examples share."""
    from hypothesis import HealthCheck, settings

    test: Any = getattr(node.obj, "__func__", node.obj)  # type: ignore[attr-defined]  # of a function's
    current: settings = getattr(test, "_hypothesis_internal_use_settings", None) or settings()
    suppressed = {*current.suppress_health_check, HealthCheck.function_scoped_fixture}
    test._hypothesis_internal_use_settings = settings(current, suppress_health_check=tuple(suppressed))


MAX_REPORTED_LINES = 60
"""How many lines of requests are shown; the latest are."""

MAX_COMPARED_EXCHANGES = 1_000
"""How many exchanges are looked through for the one that came nearest to a rule; the latest are."""

MAX_REPORTED_CHANGES = 30

MAX_VALUE_WIDTH = 40
"""Characters of a value that was changed."""

MAX_REPLAY_LINES = 60
"""How many lines a replay may have to be shown."""


def render_failure_report(foundation: Foundation) -> str:
    """A failed test's foundation: what was sent and what came, the scenarios, the changes, the clock, and a replay."""
    try:
        return "\n".join(map(quote_line, describe_foundation(foundation)))
    except (ServerError, ControlError) as error:
        return f"{foundation.name}: can't be told: {quote_text(str(error))}"


def describe_foundation(foundation: Foundation) -> Iterator[str]:
    yield f"foundation {foundation.url}"
    yield f"random seed {foundation.random_seed}, clock {format_moment(count_microseconds(foundation.clock.now))}"
    lines = foundation.log().splitlines()
    if len(lines) > MAX_REPORTED_LINES:
        yield f"… {len(lines) - MAX_REPORTED_LINES} lines before these; foundation.log() has them all"
    yield from lines[-MAX_REPORTED_LINES:]
    if not lines:
        yield "no request came; does the client ask foundation.url?"
    yield from describe_scenarios(foundation)
    changes = foundation.changes()
    yield "changed in the world:" if changes else "nothing was changed in the world"
    folded = fold_changes(changes)
    yield from folded[:MAX_REPORTED_CHANGES]
    if len(folded) > MAX_REPORTED_CHANGES:
        yield f"  … and {len(folded) - MAX_REPORTED_CHANGES} more"
    replay = foundation.replay().splitlines()
    if len(replay) > MAX_REPLAY_LINES:
        yield f"it met many failures; the same scenarios with random seed {foundation.random_seed} play them again"
    elif replay:
        yield "to meet the same failures again, save this beside the test and mark it with it:"
        yield from (f"  {line}" for line in replay)


def describe_scenarios(foundation: Foundation) -> Iterator[str]:
    """What no line of a request says of the scenarios that are on: what they changed, and which answered nothing.

    With one that answered nothing stands the request that came nearest to one of its rules.
    """
    playing = foundation.playing()
    for each in playing:
        if each.scenario.get("given"):
            yield f"the given: of scenario {each.name} has changed the world"
        if each.scenario.get("tls") and not each.answered:
            yield f"scenario {each.name} has broken no connection: a handshake comes before the path, so before this"
            yield "  foundation is known; play it in the foundation default"
    idle = [each.name for each in playing if each.scenario.get("rules") and not each.answered]
    exchanges = foundation.requests(limit=MAX_COMPARED_EXCHANGES) if idle else []
    for name in idle:
        yield f"scenario {name} has answered no request"
        head = f"scenario {name}, "
        near = next((each for each in reversed(exchanges) if (each.near_miss or "").startswith(head)), None)
        if near is not None and near.near_miss is not None:
            yield f"  #{near.number} came near to {near.near_miss.removeprefix(head)}"


MIN_FOLDED_CHANGES = 3
"""How many of the same change share a line."""


def fold_changes(changes: list[StateChange]) -> list[str]:
    """A line for each change; the same in several entities has one line, at the first of them, with how many more."""
    alike: dict[tuple[int, str, str, str], list[StateChange]] = {}
    for change in changes:
        key = (change.where.count("/"), change.where.rpartition("/")[2], repr(change.before), repr(change.after))
        alike.setdefault(key, []).append(change)
    lines: list[str] = []
    for same in alike.values():
        if len(same) < MIN_FOLDED_CHANGES:
            lines += map(describe_change, same)
        else:
            lines.append(f"{describe_change(same[0])}; so in {len(same) - 1} others, the last {same[-1].where}")
    return lines


def describe_change(change: StateChange) -> str:
    """A change in a line; long values are cut."""
    before, after = (cut_middle(repr(each), MAX_VALUE_WIDTH) for each in (change.before, change.after))
    return f"  {change.where}: {before} became {after}"

"""Examples: a test by Hypothesis has many, and each finds its foundation as the first one did. Draws nothing."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def fresh_for_each_example(node: pytest.Item, begin: Callable[[bool], None]) -> Iterator[None]:
    """Lets a test by Hypothesis begin anew before each example; any other test is left as it is.

    Args:
        begin: called before each example; told whether it is the first.
    """
    handle = getattr(getattr(node, "obj", None), "hypothesis", None)
    if handle is None or not hasattr(handle, "inner_test"):
        yield
        return
    inner = handle.inner_test
    is_first = True

    def begun() -> None:
        nonlocal is_first
        begin(is_first)
        is_first = False

    # What runs async tests looks whether this is one.
    if inspect.iscoroutinefunction(inner):

        @functools.wraps(inner)
        async def fresh(*arguments: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            begun()
            return await inner(*arguments, **named)
    else:

        @functools.wraps(inner)
        def fresh(*arguments: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            begun()
            return inner(*arguments, **named)

    handle.inner_test = fresh
    allow_fixture(node)
    try:
        yield
    finally:
        handle.inner_test = inner


def allow_fixture(node: pytest.Item) -> None:
    """Tells Hypothesis that this fixture may be used: it warns of those that are not made anew for each example."""
    from hypothesis import HealthCheck, settings

    test: Any = getattr(node.obj, "__func__", node.obj)  # type: ignore[attr-defined]  # of a function's
    used: settings = getattr(test, "_hypothesis_internal_use_settings", None) or settings()
    suppressed = {*used.suppress_health_check, HealthCheck.function_scoped_fixture}
    test._hypothesis_internal_use_settings = settings(used, suppress_health_check=tuple(suppressed))

"""A user's mistakes: wrong marks, told where tests are collected, and errors of mockfoundry, shown at the user's line.

Never judges what only a server can know: which contract it has, and what is in its world.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import pytest

from mockfoundry.pytest_plugin.options import SCENARIO, SEED_FILE, read_scenario_marks, read_seed_mark

PACKAGE = "mockfoundry"

JUDGING_MODULES = ("mockfoundry.client.", "mockfoundry.documents.", "mockfoundry.scenarios.")
"""What raises Python's own errors for arguments of users; elsewhere such an error is a fault of mockfoundry."""


def refuse_wrong_marks(report: pytest.CollectReport) -> None:
    """Makes an error of a collection whose tests have marks that can't be used, with a sentence for each of them."""
    if report.outcome != "passed":
        return
    told = [mistake for item in report.result if isinstance(item, pytest.Item) for mistake in find_mark_mistakes(item)]
    if told:
        # Its classes are not collected any more; what is wrong in them is told at once, too.
        for node in report.result:
            if isinstance(node, pytest.Collector):
                inside = node.ihook.pytest_make_collect_report(collector=node)
                told += [str(inside.longrepr)] if inside.failed else []
        report.outcome = "failed"
        report.longrepr = "\n".join(dict.fromkeys(told))
        report.result = []


def find_mark_mistakes(item: pytest.Item) -> Iterator[str]:
    """What is wrong with the marks of a test, each with the place of the test."""
    if item.get_closest_marker(SCENARIO) is None and item.get_closest_marker(SEED_FILE) is None:
        return
    for read in (read_marked_scenarios, read_marked_seed):
        try:
            read(item)
        except pytest.UsageError as error:
            yield f"{locate_test(item)}: {error}"
        except Exception as error:
            yield f"{locate_test(item)}: its mark can't be read: {type(error).__name__}: {error}"


def locate_test(item: pytest.Item) -> str:
    """`test_it.py:12`, as pytest names files."""
    path, line, _ = item.location
    return path if line is None else f"{path}:{line + 1}"


def read_marked_scenarios(item: pytest.Item) -> None:
    """Raises UsageError where a scenario of a test's marks is not there, or is written wrong."""
    from mockfoundry.client.arguments import is_library_name, load_scenario_document
    from mockfoundry.documents.problems import DocumentError, find_near_word
    from mockfoundry.shipped import list_library_files

    for scenario in read_scenario_marks(item):
        if isinstance(scenario, str) and is_library_name(scenario):
            library = list_library_files()
            # A server that runs elsewhere may be of another version, with another library.
            if scenario not in library and item.config.getoption("mock_url") is None:
                near = find_near_word(scenario, library)
                hint = f"did you mean {near}?" if near else "`mockfoundry scenarios` lists it"
                raise pytest.UsageError(f"@pytest.mark.scenario: the library has no {scenario!r}; {hint}")
            continue
        # Reading one loads much that names of the library do without.
        from mockfoundry.scenarios.format import read_scenario

        try:
            document = load_scenario_document(scenario)
            if document is not None:
                read_scenario(document.text, source=document.source)
        except (DocumentError, OSError, TypeError, ValueError) as error:
            raise pytest.UsageError(f"@pytest.mark.scenario: {error}") from None


def read_marked_seed(item: pytest.Item) -> None:
    """Raises UsageError where the seed of a test's mark is not there, or is written wrong."""
    from mockfoundry.client.arguments import load_seed_document
    from mockfoundry.cloudfoundry.seeds.read import read_seed
    from mockfoundry.documents.problems import DocumentError

    seed = read_seed_mark(item, None)
    if seed is None:
        return
    try:
        document = load_seed_document(seed)
        read_seed(document.text, document.source)
    except (DocumentError, OSError, TypeError, ValueError) as error:
        raise pytest.UsageError(f"@pytest.mark.seed_file: {error}") from None


@contextmanager
def telling_mistakes(item: pytest.Item) -> Iterator[None]:
    """Fails the setup of a test with one sentence, where what the test asks for can't be used."""
    __tracebackhide__ = True
    try:
        yield
    except Exception as error:
        if not is_own_error(error) or item.config.option.fulltrace:
            raise
        pytest.fail(f"{locate_test(item)}: {error}", pytrace=False)


def cut_own_frames(call: pytest.CallInfo[Any]) -> None:
    """Ends the traceback of an error of mockfoundry at the user's line that made it."""
    if call.excinfo is None or not is_own_error(call.excinfo.value):
        return
    step: TracebackType | None = call.excinfo.tb
    last_of_user: TracebackType | None = None
    while step is not None:
        if not is_own_frame(step):
            last_of_user = step
        elif step.tb_next is None and last_of_user is not None:
            last_of_user.tb_next = None
        step = step.tb_next


def is_own_frame(step: TracebackType) -> bool:
    name = str(step.tb_frame.f_globals.get("__name__", ""))
    return name.partition(".")[0] == PACKAGE


def is_own_error(error: BaseException) -> bool:
    """Whether an error's text was written for users: mockfoundry's own, or one of an argument that was refused."""
    if type(error).__module__.partition(".")[0] == PACKAGE or isinstance(error, pytest.UsageError):
        return True
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    raised_in = "" if last is None else str(last.tb_frame.f_globals.get("__name__", ""))
    return isinstance(error, TypeError | ValueError | OSError) and raised_in.startswith(JUDGING_MODULES)

"""Fixtures of all tests: servers on real sockets; and what all tests run under."""

import json
import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, TypeVar

import pytest

import mockfoundry
from mockfoundry.contract import cache
from mockfoundry.wire_faults import WIRE_FAULTS, DribbleFault
from tests import searching
from tests.serving import Serving, serving

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

searching.register_profiles()

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs the tests in the background has them ignore Ctrl-C, and every process of theirs would, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def serve() -> Iterator[Callable[..., Serving]]:
    """Starts servers: `serve(seed=TEXT_OR_MAPPING, scenarios=("conflict",), strict=False, door="protocol")`."""
    with ExitStack() as stack:

        def start(**options: Any) -> Serving:
            return stack.enter_context(serving(**options))

        yield start


@pytest.fixture
def server(serve: Callable[..., Serving]) -> Serving:
    """A server with the default seed."""
    return serve()


@pytest.fixture
def quick_dribble(monkeypatch: pytest.MonkeyPatch) -> DribbleFault:
    """The dribble of this process's servers takes half a second in place of five; its pieces are as many."""
    quick = DribbleFault(total_seconds=0.5)
    monkeypatch.setitem(WIRE_FAULTS, quick.name, quick)
    return quick


@pytest.fixture(scope="session")
def package_imported() -> None:
    """All of the package is imported.

    pytester forgets what is imported while it runs, and servers of this process would be left with two of a class.
    """
    for module in walk_packages(mockfoundry.__path__, "mockfoundry."):
        if module.name != "mockfoundry.__main__":
            import_module(module.name)


@pytest.fixture
def pytester(package_imported: None, pytester: pytest.Pytester) -> pytest.Pytester:
    """pytest's own, once all of the package is imported."""
    return pytester


@pytest.fixture(scope="session", autouse=True)
def documents_are_validated_once() -> Iterator[None]:
    """Each server has connexion validate its two documents, which takes more time than most tests: once is enough."""
    from mockfoundry.contract import compile as _  # noqa: F401, I001 (bears with the warnings of connexion's import)
    from connexion.spec import Specification

    valid: set[str] = set()
    validate = Specification._validate_spec

    def validate_once(kind: type[Specification], document: dict[str, Any]) -> None:
        text = json.dumps([kind.__name__, document], default=str)
        if text not in valid:
            validate.__func__(kind, document)
            valid.add(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Specification, "_validate_spec", classmethod(validate_once))
        yield


@pytest.fixture(scope="session", autouse=True)
def contracts_are_kept_for_this_run_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests compile is not kept among what the user's servers compiled."""
    directory = tmp_path_factory.mktemp("kept-contracts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "find_cache_directory", lambda: directory)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything that tests need is installed, none of them may be skipped."""
    report = yield
    return must_not_be_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return must_not_be_skipped(report)


def must_not_be_skipped(report: Report) -> Report:
    """A report; in CI, that of a test that was skipped is one of a failure. What is expected to fail is not skipped."""
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI no test may be: {report.longrepr}"
    return report

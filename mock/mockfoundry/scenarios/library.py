"""The library: the scenarios that ship with mockfoundry, and scenarios from files. Never switches one on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from mockfoundry.contract.load import Contract
from mockfoundry.documents.files import list_document_files, read_document_file
from mockfoundry.documents.nodes import MAX_DOCUMENT_BYTES
from mockfoundry.documents.problems import Document, DocumentError, Problem, did_you_mean
from mockfoundry.scenarios.lint import FindMore, accept_scenario, find_nothing_more, read_checked_scenario
from mockfoundry.scenarios.model import Scenario, ScenarioError
from mockfoundry.shipped import list_library_files

ScenarioSource = str | Path | Document | Scenario
"""A name of the library, a file, a directory, a text, or a value."""

CheckedSource = tuple[str, Callable[..., Scenario]]
"""What problems of a source are reported for, and what gives its scenario or raises a ScenarioError."""


def load_scenarios(
    sources: Sequence[ScenarioSource],
    contract: Contract,
    errors: Mapping[str, int],
    find_more: FindMore = find_nothing_more,
) -> tuple[Scenario, ...]:
    """Scenarios by their names in the library, from files, from texts, or as values.

    A directory means the files in it. A value is written as text only when a problem needs a place in it.

    Args:
        errors: the catalogue's titles, each with its status.
        find_more: finds what else is wrong with each of them.

    Raises:
        ScenarioError: with the problems of all of them, as `check_scenario` finds them.
    """
    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    origin: dict[str, str] = {}
    built_in = list_library_files()
    for source, load in (each for given in sources for each in open_sources(given, built_in, problems)):
        try:
            scenario = load(contract, errors, find_more=find_more)
        except ScenarioError as error:
            problems.extend(error.problems)
            continue
        if scenario.name in origin:
            text = f"the name {scenario.name} is taken by {origin[scenario.name]}; give one of them another"
            problems.append(Problem(source, 1, 1, text))
            continue
        origin[scenario.name] = source
        scenarios.append(scenario)
    if problems:
        raise ScenarioError(problems)
    return tuple(scenarios)


def open_sources(
    given: ScenarioSource, built_in: Mapping[str, Path], problems: list[Problem]
) -> Iterator[CheckedSource]:
    """The scenarios that a source names, not yet read."""
    if isinstance(given, Scenario):
        source = f"scenario {given.name}"
        yield source, partial(accept_scenario, given, source=source)
    elif isinstance(given, Document):
        yield given.source, partial(read_checked_scenario, given.text, source=given.source)
    else:
        for file in find_scenario_files(str(given), built_in, problems):
            text = read_scenario_text(file, problems)
            if text is not None:
                yield str(file), partial(read_checked_scenario, text, source=str(file))


def find_scenario_files(name: str, built_in: Mapping[str, Path], problems: list[Problem]) -> list[Path]:
    """The files that a name means."""
    if name in built_in:
        return [built_in[name]]
    path = Path(name)
    if path.is_dir():
        return list_document_files(path)
    if path.is_file():
        return [path]
    hint = did_you_mean(name, built_in) or "; `mockfoundry scenarios` lists the library"
    problems.append(Problem(name, 0, 0, f"is neither a file nor a scenario of the library{hint}"))
    return []


def read_scenario_text(path: Path, problems: list[Problem]) -> str | None:
    """A file's text; no more of it is read than a scenario may have."""
    try:
        return read_document_file(path, MAX_DOCUMENT_BYTES, "split it")
    except DocumentError as error:
        problems += error.problems
    except OSError as error:
        problems.append(Problem(str(path), 0, 0, f"can't be read: {error.strerror}"))
    return None

"""Checking: what is wrong with files before a server reads them. Never starts one, never mends a file.

A file says by its keys whether it is a scenario, a seed or a configuration. What is let pass, a server takes; only what
a scenario changes in the world may still not fit the world that it meets, unless it is tried on one here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from mockfoundry.assembly import ERROR_STATUSES, build_seed_world_from_text, find_scenario_misfits
from mockfoundry.cloudfoundry.seeds.format import SEED
from mockfoundry.cloudfoundry.world import World
from mockfoundry.configuration import CONFIGURATION, options_of_configuration, read_configuration
from mockfoundry.contract.load import Contract
from mockfoundry.documents.files import (
    STANDARD_INPUT,
    list_document_files,
    read_document_file,
    read_document_stream,
    shorten_path,
)
from mockfoundry.documents.json import is_json_text
from mockfoundry.documents.nodes import MAX_DOCUMENT_BYTES, node_to_data
from mockfoundry.documents.problems import DocumentError, Problem, find_near_word
from mockfoundry.documents.yaml import read_nodes
from mockfoundry.options import ServerOptions, find_contradiction
from mockfoundry.scenarios.format import SCENARIO
from mockfoundry.scenarios.lint import find_nothing_more, read_checked_scenario
from mockfoundry.shipped import list_library_files

DocumentName = Literal["scenario", "seed", "configuration"]

LARGER_FILE = "make it smaller, or split it"


class CheckReport(msgspec.Struct):
    """What was found in files.

    Attributes:
        problems: of all files, in their order.
        files: how many were looked at.
        unreadable: how many could not be read at all.
    """

    problems: list[Problem] = []
    files: int = 0
    unreadable: int = 0


def check_paths(
    paths: Iterable[str], standard_input: BinaryIO, contract: Contract, world: World | None = None
) -> CheckReport:
    """Checks files, the files of folders, and what comes by the standard input.

    Args:
        paths: `-` is the standard input.
        contract: all that a server answers.
        world: what scenarios are tried on; None for none.
    """
    report = CheckReport()
    for given in paths:
        path = given if given == STANDARD_INPUT else shorten_path(given)
        try:
            files = list_document_files(Path(path)) if path != STANDARD_INPUT and Path(path).is_dir() else [path]
        except OSError as error:
            add_unreadable(report, path, error)
            continue
        if not files:
            report.problems.append(Problem(path, 0, 0, "holds no .yaml, .yml or .json file; name a file or a folder"))
        names: dict[str, str] = {}
        for file in files:
            check_file(str(file), standard_input, contract, world, names, report)
    return report


def add_unreadable(report: CheckReport, source: str, error: OSError) -> None:
    report.unreadable += 1
    report.problems.append(Problem(source, 0, 0, f"can't be read: {error.strerror or error}"))


def check_file(
    source: str,
    standard_input: BinaryIO,
    contract: Contract,
    world: World | None,
    names: dict[str, str],
    report: CheckReport,
) -> None:
    """Adds to the report what is wrong with one file.

    Args:
        names: of the scenarios before it in its folder, each with its file; a server that is given the folder plays
            them all.
    """
    report.files += 1
    try:
        if source == STANDARD_INPUT:
            text = read_document_stream(standard_input, source, ServerOptions.max_seed, LARGER_FILE)
        else:
            text = read_document_file(Path(source), ServerOptions.max_seed, LARGER_FILE)
        name = check_text(text, source, contract, world)
    except DocumentError as error:
        report.problems += error.problems
    except OSError as error:
        add_unreadable(report, source, error)
    else:
        if name in names:
            report.problems.append(
                Problem(source, 1, 1, f"the name {name} is taken by {names[name]}; give one of them another")
            )
        elif name is not None:
            names[name] = source


def check_text(text: str, source: str, contract: Contract, world: World | None) -> str | None:
    """The name of the scenario in a text; None where it is something else.

    Raises:
        DocumentError: with everything that is wrong with it.
    """
    document = find_document_name(text, source)
    if document == "configuration":
        contradiction = find_contradiction(
            options_of_configuration(read_configuration(text, source, list_library_files()))
        )
        if contradiction:
            raise DocumentError([Problem(source, 1, 1, f"a server does not start with this: {contradiction}")])
        return None
    if document == "seed":
        build_seed_world_from_text(text, source, random_seed=ServerOptions.random_seed, began_at=0)
        return None
    find_misfits = find_nothing_more
    if world is not None:
        find_misfits = partial(find_scenario_misfits, world=world, now=world.began_at)
    scenario = read_checked_scenario(text, contract, ERROR_STATUSES, source, find_misfits)
    return scenario.name


NEITHER = (
    "is neither a scenario nor a seed: a scenario has `scenario:` with its name, and `rules:`; a seed has "
    "`organizations:`, `users:` or `settings:`; `mockfoundry new` writes a first one (nor is it a configuration, which "
    "has flags of `mockfoundry serve`, such as `port:`)"
)


def find_document_name(text: str, source: str) -> DocumentName:
    """What a text is, by the keys of its outermost mapping; a wrong key counts for the one that was meant.

    Raises:
        DocumentError: it is neither, or no document at all.
    """
    # An export is as large as its world; a scenario is not.
    if len(text) > MAX_DOCUMENT_BYTES:
        return "seed"
    data = read_outermost(text, source)
    if isinstance(data, Mapping):
        # A configuration has a list of them.
        if "scenario" in data and not isinstance(data["scenario"], list):
            return "scenario" if is_scenario(data) else "configuration"
        votes = Counter(vote for key in data for vote in vote_for_document(str(key)))
        for name, _ in votes.most_common(1):
            return name
    raise DocumentError([Problem(source, 1, 1, NEITHER)])


def is_scenario(data: Mapping[str, Any]) -> bool:
    """Whether a mapping with the key `scenario` is one, and no configuration that plays one from the start."""
    others = [key for key in data if key != "scenario"]
    # `tls` is an option, too, which is true or false.
    return not others or isinstance(data.get("tls"), Mapping) or any(key not in CONFIGURATION.by_name for key in others)


def read_outermost(text: str, source: str) -> Any:
    """The values of a text; those of JSON are read at once."""
    if is_json_text(text):
        try:
            return msgspec.json.decode(text.removeprefix("\ufeff").encode())
        except (ValueError, RecursionError):
            pass
    return node_to_data(read_nodes(text, source))


def vote_for_document(key: str) -> Iterator[DocumentName]:
    if key in CONFIGURATION.by_name:
        yield "configuration"
    elif find_near_word(key, SCENARIO.by_name) is not None:
        yield "scenario"
    elif find_near_word(key, SEED.by_name) is not None:
        yield "seed"
    elif find_near_word(key, CONFIGURATION.by_name) is not None:
        yield "configuration"

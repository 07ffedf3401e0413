"""Reading a scenario: text to value, with the place of everything wrong. Knows no contract and plays nothing."""

from mockfoundry.documents import DocumentError, Node, read_nodes
from mockfoundry.scenarios.form import SCENARIO
from mockfoundry.scenarios.kinds import Reader
from mockfoundry.scenarios.problems import ScenarioError
from mockfoundry.scenarios.values import Scenario


def read_scenario(text: str, *, source: str) -> Scenario:
    """The scenario in a YAML or JSON text.

    Args:
        source: what its places begin with: the file's path, or a name for text that came another way.

    Raises:
        ScenarioError: with all the problems found, each with its place.
    """
    return read_with_places(text, source)[0]


def read_with_places(text: str, source: str) -> tuple[Scenario, Node]:
    """The same, with the nodes that know where each part of it stands."""
    try:
        root = read_nodes(text, source)
    except DocumentError as error:
        raise ScenarioError(error.problems) from None
    reader = Reader(source)
    value = SCENARIO.read(root, "the scenario", reader)
    if reader.problems or not isinstance(value, Scenario):
        raise ScenarioError(sorted(reader.problems))
    return value, root

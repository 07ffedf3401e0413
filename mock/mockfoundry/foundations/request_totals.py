"""Request totals: how often what was answered in all foundations, the ended ones included. Never counts a request.

The journals count. Here their counts are added up: when they are asked for, and when a foundation ends, so that no
total ever falls. No name of a foundation is kept, and of scenarios' names a bounded number.
"""

import re
from collections import Counter
from typing import Literal, get_args

from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.journal.entry import NO_STATUS

FoundationClass = Literal["default", "pytest", "named"]
"""What kind of foundation it is, by its name: the one without a name, one of a test, or any other."""

FOUNDATION_CLASSES: tuple[FoundationClass, ...] = get_args(FoundationClass)

# As the fixture of the pytest plugin makes them of a test's name and a number.
_NAME_OF_TEST = re.compile(r"test.*-\d+")

MAX_NAMED_SCENARIOS = 200
"""How many scenarios are told apart by their names, the first ones; the others are counted together."""

OTHER_SCENARIOS = "(others)"
"""In place of the names of all others."""

RequestKey = tuple[FoundationClass, str, int, str]
"""Class, operation, status and fault."""

ScenarioRequestKey = tuple[FoundationClass, str, int, str, str]
"""Class, operation, status and fault, and a scenario's name or OTHER_SCENARIOS."""


def class_of_foundation(name: str, default: str) -> FoundationClass:
    """What kind of foundation has that name.

    Args:
        default: the name of the foundation that a request without a name is for.
    """
    if name == default:
        return "default"
    return "pytest" if _NAME_OF_TEST.fullmatch(name) else "named"


class RequestTotals:
    """Totals of foundations.

    Args:
        default: the name of the foundation that a request without a name is for.

    Attributes:
        requests: those that are over; status NO_STATUS where nothing was sent.
        by_scenario: the part of them that scenarios took.
        dropped: exchanges that journals forgot for lack of room, by class.
    """

    def __init__(self, default: str) -> None:
        self._default = default
        self.requests = Counter[RequestKey]()
        self.by_scenario = Counter[ScenarioRequestKey]()
        self.dropped = Counter[FoundationClass]()
        self._named_scenarios: dict[str, None] = {}

    def copy(self) -> "RequestTotals":
        """A copy to which more can be added. The scenarios that it tells apart are those of the original, too."""
        made = RequestTotals(self._default)
        made.requests, made.by_scenario, made.dropped = (
            self.requests.copy(),
            self.by_scenario.copy(),
            self.dropped.copy(),
        )
        made._named_scenarios = self._named_scenarios
        return made

    def add(self, foundation: FoundationState) -> None:
        """Adds what a foundation has counted, without what it has from the one that it was copied from."""
        journal, kind = foundation.journal, class_of_foundation(foundation.name, self._default)
        for hit_key, times in journal.hit_counts.items():
            operation, status, fault, _ = hit_key
            self.requests[kind, operation, status, fault] += times - journal.inherited_hit_counts.get(hit_key, 0)
        for operation in journal.open_operations:
            self.requests[kind, operation, NO_STATUS, ""] -= 1
        for key, times in journal.scenario_hit_counts.items():
            own = times - journal.inherited_scenario_hit_counts.get(key, 0)
            self.by_scenario[kind, key[0], key[1], key[2], self._label_of(key[3])] += own
        self.dropped[kind] += journal.dropped_ever - journal.inherited_dropped

    def _label_of(self, scenario: str) -> str:
        if scenario in self._named_scenarios:
            return scenario
        if len(self._named_scenarios) >= MAX_NAMED_SCENARIOS:
            return OTHER_SCENARIOS
        self._named_scenarios[scenario] = None
        return scenario

"""Scenarios: failures as data, matched and counted exactly, giving decisions. Never imports world or journal."""

from mockfoundry.documents import Problem, duration, duration_text
from mockfoundry.scenarios.conditions import ABSENT, Asked
from mockfoundry.scenarios.engine import (
    Count,
    Decision,
    Progress,
    decide,
    events_due,
    keep,
    switch_off,
    switch_on,
)
from mockfoundry.scenarios.library import library, load_scenarios
from mockfoundry.scenarios.lineup import Lineup
from mockfoundry.scenarios.lint import check_scenario
from mockfoundry.scenarios.near_misses import Checked, NearMiss, near_miss
from mockfoundry.scenarios.problems import ScenarioError
from mockfoundry.scenarios.reading import read_scenario
from mockfoundry.scenarios.values import (
    PASS,
    Delay,
    Event,
    Hold,
    Lognormal,
    Respond,
    Rule,
    Scenario,
    Uniform,
    When,
)
from mockfoundry.scenarios.writing import scenario_data

__all__ = [
    "ABSENT",
    "PASS",
    "Asked",
    "Checked",
    "Count",
    "Decision",
    "Delay",
    "Event",
    "Hold",
    "Lineup",
    "Lognormal",
    "NearMiss",
    "Problem",
    "Progress",
    "Respond",
    "Rule",
    "Scenario",
    "ScenarioError",
    "Uniform",
    "When",
    "check_scenario",
    "decide",
    "duration",
    "duration_text",
    "events_due",
    "keep",
    "library",
    "load_scenarios",
    "near_miss",
    "read_scenario",
    "scenario_data",
    "switch_off",
    "switch_on",
]

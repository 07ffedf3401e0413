"""The story: a client that repeats a relative change is broken by one lost answer, and Hypothesis finds just that."""

from pathlib import Path

import pytest
from hypothesis import find, given, settings

from mockfoundry.scenarios.model import Scenario
from mockfoundry.strategies.schedules import failures, keep
from tests.serving import serving
from tests.strategies.naive_client import add_one_instance
from tests.strategies.playing import Shared, instances_of, playing, quick, shrunk

pytestmark = pytest.mark.hypothesis


def test_one_lost_answer_breaks_the_naive_client_and_its_kept_file_breaks_it_again(
    shared: Shared, tmp_path: Path
) -> None:
    def breaks(schedule: Scenario) -> bool:
        with playing(shared, schedule) as client:
            return add_one_instance(client) and instances_of(client) != 2

    found = find(failures("scaleProcess"), breaks, settings=settings(shrunk, max_examples=200))
    assert found.to_yaml() == (
        "scenario: lost-scale\n"
        "description: Call 1 of scaleProcess has its connection reset, and its change is kept.\n"
        "rules:\n"
        "  - operation: scaleProcess\n"
        "    times: 1\n"
        "    respond: {fault: reset, phase: after}\n"
    )
    with serving(scenarios=(str(keep(found, tmp_path)),)) as again:
        assert add_one_instance(again.client)
        assert instances_of(again.client) == 3


@given(failures("scaleProcess", phases="before"))
@quick
def test_without_a_lost_answer_the_naive_client_is_right(shared: Shared, schedule: Scenario) -> None:
    with playing(shared, schedule) as client:
        assert add_one_instance(client)
        assert instances_of(client) == 2

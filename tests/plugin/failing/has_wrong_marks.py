"""Tests of a user whose marks are wrong in several ways."""

import pytest

from mockfoundry import Foundation


@pytest.mark.scenario
def test_without_a_scenario(foundation: Foundation) -> None:
    assert foundation.playing() == []


@pytest.mark.parametrize("number", range(3))
@pytest.mark.scenario("conflict", "late.yaml")
def test_with_a_file_that_is_not_there(foundation: Foundation, number: int) -> None:
    assert foundation.playing() == []


@pytest.mark.scenario({"scenario": "late", "rules": [{"opration": "scaleProcess", "respond": "pass"}]})
def test_with_a_misspelt_key(foundation: Foundation) -> None:
    assert foundation.playing() == []


@pytest.mark.seed_file("world.yaml")
def test_with_a_seed_that_is_not_there(foundation: Foundation) -> None:
    assert foundation.playing() == []


class TestOfAClass:
    @pytest.mark.scenario("conflcit")
    def test_with_a_scenario_that_is_misspelt(self, foundation: Foundation) -> None:
        assert foundation.playing() == []

"""A test of a user whose mark names a scenario that the library does not have."""

import pytest

from mockfoundry import Foundation


@pytest.mark.scenario("conflict-then-okay")
def test_names_an_unknown_scenario(foundation: Foundation) -> None:
    assert foundation.process("dora").instances == 1

"""A test of a user whose mark has a scenario with a key in `given:` that there is not."""

import pytest

from mockfoundry import Foundation


@pytest.mark.scenario({"scenario": "small", "given": {"organizations": [{"name": "acme", "quota": {"instances": 1}}]}})
def test_has_a_wrong_given(foundation: Foundation) -> None:
    assert foundation.process("dora").instances == 1

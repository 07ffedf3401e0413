"""Exactness: under parallel requests a rule fires exactly as often as it says, in every round."""

import pytest

from mockfoundry.selftest import run_selftest
from tests.command_line import run_here


@pytest.mark.parametrize("rounds", [100, pytest.param(1_000, marks=pytest.mark.long)])
def test_in_rounds_of_32_parallel_requests_every_one_is_exact(rounds: int) -> None:
    result = run_selftest(rounds)
    assert (result.exact_counted_rounds, result.exact_sequence_rounds) == (rounds, rounds)


def test_the_command_says_so() -> None:
    told = run_here("selftest", "--rounds", "3")
    assert told.returncode == 0
    assert "fired exactly 5 times  3 of 3 rounds" in told.stdout

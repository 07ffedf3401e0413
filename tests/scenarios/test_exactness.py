"""Exactness: under parallel requests a rule fires exactly as often as it says, in every round."""

from mockfoundry.selftest import run_selftest
from tests.cli.test_commands import run


def test_in_a_thousand_rounds_of_32_parallel_requests_every_one_is_exact() -> None:
    result = run_selftest(1000)
    assert (result.exact_counted_rounds, result.exact_sequence_rounds) == (1000, 1000)


def test_the_command_says_so() -> None:
    told = run("selftest", "--rounds", "3")
    assert told.returncode == 0
    assert "fired exactly 5 times    3 of 3 rounds" in told.stdout

"""Suggestions: a word that was nearly written is named, and no other."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockfoundry.documents.problems import count_slips, did_you_mean, find_near_word
from tests.searching import examples

NEAR = [
    ("confict", ["conflict", "conflict-storm", "brownout"], "conflict"),
    ("amdin", ["admin", "alice"], "admin"),
    ("good_client", ["good-client", "for"], "good-client"),
    ("SCALEPROCESS", ["scaleProcess", "scaleProcessForApp"], "scaleProcess"),
    ("start_secs", ["start_seconds", "stop_seconds"], "start_seconds"),
    ("memory", ["memory_in_mb", "disk_in_mb"], "memory_in_mb"),
    ("org", ["organizations", "users"], "organizations"),
    ("wep", ["web", "worker"], "web"),
    ("alice@ci-43", ["admin", "alice"], "alice"),
]


@pytest.mark.parametrize(("found", "words", "meant"), NEAR)
def test_a_word_that_is_a_slip_or_two_away_is_suggested(found: str, words: list[str], meant: str) -> None:
    assert did_you_mean(found, words) == f"; did you mean {meant}?"


FAR = [
    ("user", ["query", "path", "headers", "body"]),
    ("gone", ["available", "unavailable"]),
    ("instance", ["memory_in_mb"]),
    ("", ["a"]),
]


@pytest.mark.parametrize(("found", "words"), FAR)
def test_a_word_that_is_only_of_the_same_letters_is_not(found: str, words: list[str]) -> None:
    assert find_near_word(found, words) is None
    assert did_you_mean(found, words) == f"; allowed: {', '.join(sorted(words))}"


def test_nothing_is_said_where_there_are_many_and_none_is_near() -> None:
    assert did_you_mean("zzz", [f"word-{number}" for number in range(17)]) == ""


words = st.text("abc-", max_size=8)


@settings(max_examples=examples(100))
@given(words, words)
def test_slips_are_counted_alike_from_both_ends(one: str, other: str) -> None:
    assert count_slips(one, other) == count_slips(other, one)
    assert (count_slips(one, other) == 0) == (one == other)
    assert abs(len(one) - len(other)) <= count_slips(one, other) <= max(len(one), len(other))

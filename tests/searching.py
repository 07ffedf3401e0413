"""How far Hypothesis searches: few examples in `make test`, many in what `make test-all` adds; and never by the clock.

pytest's `--hypothesis-profile` says which of the two it is.
"""

from hypothesis import settings

FEW, MANY = "few", "many"

TIMES_MANY = 10


def register_profiles() -> None:
    """Makes both profiles known, and loads the one with few examples. No example has a deadline."""
    settings.register_profile(FEW, deadline=None, max_examples=50)
    settings.register_profile(MANY, settings.get_profile(FEW), max_examples=1_000)
    settings.load_profile(FEW)


def examples(few: int) -> int:
    """How many examples are tried of a test for which so many are enough while one works on something else."""
    return few * TIMES_MANY if settings.get_current_profile_name() == MANY else few

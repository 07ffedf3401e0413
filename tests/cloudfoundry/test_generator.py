"""Random words: several that are mixed together are those that each would be by itself."""

from hypothesis import given
from hypothesis import strategies as st

from mockfoundry.cloudfoundry.generator import mix_word, mix_words


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40))
def test_words_that_are_mixed_together_do_not_touch_each_other(words: list[int]) -> None:
    assert mix_words(words) == tuple(mix_word(word) for word in words)


def test_the_words_of_a_seed_stay_what_they_were() -> None:
    """The figures of a world follow from them."""
    assert mix_words([0, 1, 2**64 - 1]) == (0, 6238072747940578789, 13029008266876403067)

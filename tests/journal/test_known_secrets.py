"""Known secrets: thousands of them are found wherever a text repeats one, and no word is taken for one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockfoundry.journal.known_secrets import KnownSecrets, is_distinctive
from tests.effort import effort_of
from tests.searching import examples

# Few signs: secrets then begin alike, and hold one another. One of letters alone may be a word.
secrets = st.lists(st.text("ab1", min_size=8, max_size=14).filter(lambda text: "1" in text), min_size=1, max_size=6)


def know(*secrets: str) -> KnownSecrets:
    known = KnownSecrets()
    known.add(secrets)
    return known


@given(secrets, st.data())
@settings(max_examples=examples(100))
def test_a_secret_is_found_at_each_place_of_a_text(drawn: list[str], data: st.DataObject) -> None:
    """Whatever others are known, and whatever stands before and behind it."""
    before, after = data.draw(st.text("ab1 ", max_size=9)), data.draw(st.text("ab1 ", max_size=9))
    secret = data.draw(st.sampled_from(drawn))
    known = know(*drawn)
    assert known.may_stand_in(before + secret + after)
    assert secret not in known.replace(before + secret + after, lambda _: "#")


def test_all_that_a_text_repeats_is_replaced() -> None:
    known = know("qwe4rty-one", "qwe4rty-one-more", "zxc5vbn-two")
    found: list[str] = []

    def hide(secret: str) -> str:
        found.append(secret)
        return "#"

    assert known.replace("a qwe4rty-one, qwe4rty-one-more;zxc5vbn-twozxc5vbn-two", hide) == "a #, #;##"
    assert found == ["qwe4rty-one", "qwe4rty-one-more", "zxc5vbn-two", "zxc5vbn-two"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it is q%2Fw4e+rty+%C3%A4", "it is #"),
        ("it is q%2Fw4e%20rty%20%C3%A4", "it is #"),
        ("it is q/w4e rty \\u00e4", "it is q/w4e rty \\u00e4"),
        ("cut: q/w4e rt…", "cut: #…"),
        ("q/w4e rt is another", "q/w4e rt is another"),
    ],
)
def test_it_is_found_as_it_may_be_written(text: str, shown: str) -> None:
    """In a URL, or cut. In JSON it is looked for once that is decoded."""
    assert know("q/w4e rty ä").replace(text, lambda _: "#") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it is b2b-portal", "it is #"),
        ("it is b2b-portal.apps.example.org", "it is #"),
        ("it is b2b-portal.apps.exa…", "it is #…"),
        ("it is b2b-portal.else", "it is #.else"),
    ],
)
def test_of_two_that_begin_alike_the_one_is_found_that_hides_most(text: str, shown: str) -> None:
    """One begins the other, and the text ends with the shorter, or is cut in the longer."""
    assert know("b2b-portal", "b2b-portal.apps.example.org").replace(text, lambda _: "#") == shown


@pytest.mark.parametrize("word", ["changeme", "password", "administrator", "hunter2", ""])
def test_a_word_makes_no_holes_in_other_texts(word: str) -> None:
    assert know(word).replace(f"the {word} of all", lambda _: "#") == f"the {word} of all"


def test_none_is_forgotten() -> None:
    """There is a bound, beyond which none is taken, and that is said."""
    known = KnownSecrets(most=100)
    known.add(f"secret-{number:03}" for number in range(20))
    assert known.is_full
    assert known.replace("secret-000 secret-009", lambda _: "#") == "# #"
    assert not know("secret-000").is_full


def test_thousands_cost_little_more_than_one() -> None:
    """5,000, half of them tokens that begin alike: a text of 60 kB is read in some 15 ms."""
    few, many = know("secret-000"), KnownSecrets()
    many.add(
        f"eyJhbGciOiJSUzI1NiJ9.{number:06}.signature" if number % 2 else f"q{number:09}7" for number in range(5000)
    )
    text = "eyJhbGciOiJSUzI1NiJ9 is a beginning, and this is a text that repeats no secret at all. " * 700
    assert effort_of(lambda: many.replace(text, lambda _: "#")) < 0.5
    assert effort_of(lambda: few.replace(text, lambda _: "#")) < 0.5


@pytest.mark.parametrize("text", ["Zq7SecretValue99", "s3cr3t-one", "AKIA4X7Q2W9E", "0f3b9c8d7e6a5f4b3c2d1e0f"])
def test_a_key_is_told_from_a_word(text: str) -> None:
    assert is_distinctive(text)


@pytest.mark.parametrize(
    "text",
    [
        *("eu-central-1", "space_developer", "8a3f4b5c-1111-4222-8333-444455556666", "https://a1b.example.org"),
        *("2026-11-28T10:00:00", "1024M", "good morning", "java_buildpack"),
    ],
)
def test_a_name_is_no_key(text: str) -> None:
    assert not is_distinctive(text)

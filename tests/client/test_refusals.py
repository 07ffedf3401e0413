"""What a test can't mean is refused in Python, at once, with what to write instead."""

from pathlib import Path
from typing import Any

import pytest

from mockfoundry.client.errors import ControlError
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess
from mockfoundry.client.server import Server
from tests.client.scaling import scale, seed_of

EMPTY = ("", " ", "\n")


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_name_does_not_stand_for_all_there_are(foundation: Foundation, name: str) -> None:
    foundation.play("conflict")
    with pytest.raises(ValueError, match="scenario: there is nothing in it; write a scenario"):
        foundation.play(name)
    with pytest.raises(ValueError, match=r"is an empty name; give its name, foundation\.stop_all\(\) switches all off"):
        foundation.stop(name)
    with pytest.raises(ValueError, match=r"hold: .* is an empty name"):
        foundation.hold(name)
    with pytest.raises(ValueError, match=r"foundation: .* is an empty name; give its name, or None"):
        foundation.copy(name)
    assert [each.name for each in foundation.playing()] == ["conflict"]


def test_an_empty_name_is_no_fresh_foundation(server: Server) -> None:
    with pytest.raises(ValueError, match="foundation: '' is an empty name; give its name, or None for a fresh one"):
        server.foundation("")


@pytest.mark.parametrize("seed", EMPTY)
def test_an_empty_seed_is_not_the_servers_own(server: Server, foundation: Foundation, seed: str) -> None:
    for refused in (
        lambda: server.foundation(seed=seed),
        lambda: foundation.begin(seed),
        lambda: foundation.replace(seed),
        lambda: Server(seed),
        lambda: InProcess(seed),
    ):
        with pytest.raises(ValueError, match="seed: there is nothing in it; write a seed, or leave it out"):
            refused()


def test_an_empty_file_is_named(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text("\n")
    with pytest.raises(ValueError, match=f"{file}: there is nothing in it; write a seed"):
        server.foundation(seed=file)


def test_a_random_seed_alone_says_what_it_needs(server: Server, foundation: Foundation) -> None:
    with pytest.raises(ValueError, match="random_seed=7 needs a seed that is built anew with it; give seed= too"):
        server.foundation(random_seed=7)
    with pytest.raises(ValueError, match="random_seed=7 needs a seed"):
        foundation.begin(random_seed=7)
    foundation.begin(seed_of("a"), random_seed=7)
    assert foundation.random_seed == 7


@pytest.mark.parametrize("duration", [float("inf"), float("nan"), -1.0, None, [], "", b"2s"])
def test_what_is_no_duration_is_told_with_what_is_one(foundation: Foundation, duration: Any) -> None:
    before = foundation.clock.freeze()
    with pytest.raises((ValueError, TypeError, ControlError), match=r"2s") as caught:
        foundation.clock.advance(duration)
    found = {float("inf"): "endless", -1.0: "negative"}
    if isinstance(duration, float):
        assert found.get(duration, "not a number") in str(caught.value)
    assert foundation.clock.now == before


@pytest.mark.parametrize("moment", [5, None, []])
def test_what_is_no_moment_is_told_with_what_is_one(foundation: Foundation, moment: Any) -> None:
    with pytest.raises(TypeError, match=r"is no moment but a .*; give a datetime with a zone, or a text such as 2026"):
        foundation.clock.set(moment)


@pytest.mark.parametrize(
    ("rate", "kind"), [(float("inf"), ValueError), (float("nan"), ValueError), ("fast", TypeError)]
)
def test_what_is_no_rate_is_told(foundation: Foundation, rate: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"rate: .*; give .* such as 1.0"):
        foundation.clock.rate(rate)


@pytest.mark.parametrize("given", [[], 42, b"organizations: []"])
def test_what_is_no_document_is_told_with_what_is_one(server: Server, foundation: Foundation, given: Any) -> None:
    with pytest.raises(TypeError, match=r"seed: .* is a (list|int|bytes); give a file, the text of one, or its value"):
        server.foundation(seed=given)
    with pytest.raises(TypeError, match=r"scenario: .* is a (list|int|bytes); give a name of the library, a file"):
        foundation.play(given)
    with pytest.raises(TypeError, match=r"scenario: .* is no name but a (list|int|bytes); give its name"):
        foundation.stop(given)


def test_a_mistyped_operation_does_not_look_like_a_client_that_did_nothing(foundation: Foundation) -> None:
    scale(foundation, 2)
    with pytest.raises(ControlError, match=r"scaleProces.*did you mean scaleProcess"):
        foundation.requests("scaleProces")

"""What a test gets from a foundation through the Python client."""

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from mockfoundry.client.errors import (
    CannotBeKnownError,
    ControlError,
    ServerGoneError,
    UnknownProcessError,
    VerificationError,
)
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server
from mockfoundry.foundations.bounds import ServerBounds
from mockfoundry.scenarios.model import Hold, Respond, Rule, Scenario, ScenarioError, When
from mockfoundry.server.run import BackgroundServer
from tests.client.scaling import scale, scaled, seed_of
from tests.serving import Serving, service_of
from tests.waiting import must_end

SHOP: dict[str, Any] = {
    "organizations": [
        {"name": name, "spaces": [{"name": "live", "apps": [{"name": "shop", "processes": [{"type": "web"}]}]}]}
        for name in ("east", "west")
    ],
    "users": [{"name": "alice", "organizations": {"east": ["organization_user"]}}],
}


def test_a_fresh_foundation_asks_the_server_nothing() -> None:
    with Server.connect("http://127.0.0.1:9") as server:
        names = {server.foundation().name for _ in range(100)}
    assert len(names) == 100


def test_foundations_of_one_server_know_nothing_of_each_other(server: Server) -> None:
    one, other = server.foundation(), server.foundation()
    one.play("conflict")
    assert (scale(one, 3), scale(other, 3)) == (409, 202)
    assert (one.process("dora").instances, other.process("dora").instances) == (1, 3)
    assert other.playing() == []


def test_a_named_foundation_is_the_same_wherever_it_is_asked_for(server: Server) -> None:
    name = server.foundation().name
    scale(server.foundation(name), 4)
    assert server.foundation(name).process("dora").instances == 4


@pytest.mark.parametrize("form", ["value", "text", "file", "name of a file"])
def test_a_seed_may_be_a_value_a_text_or_a_file(server: Server, tmp_path: Path, form: str) -> None:
    value = seed_of("a", instances=7)
    text = yaml.safe_dump(value)
    file = tmp_path / "seed.yaml"
    file.write_text(text)
    forms: dict[str, Any] = {"value": value, "text": text, "file": file, "name of a file": str(file)}
    seed = forms[form]
    foundation = server.foundation("seeded-" + form.replace(" ", "-"), seed=seed, random_seed=5)
    process = foundation.process("a")
    assert (process.instances, process.space, process.organization) == (7, "s", "o")
    assert process.guid == server.foundation("again", seed=seed, random_seed=5).process("a").guid


def test_a_bad_seed_is_told_with_its_file_and_line(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text("organizations:\n  - nam: acme\n")
    with pytest.raises(ControlError) as caught:
        server.foundation("bad", seed=file)
    assert f"{file}:2:5: " in str(caught.value)
    assert (caught.value.status, caught.value.kind) == (422, "bad-document")


def test_a_process_that_is_not_there_is_told_with_those_that_are(foundation: Foundation) -> None:
    with pytest.raises(UnknownProcessError, match=r"process web of app dorra: there is none; .*acme/dev/dora web"):
        foundation.process("dorra")


def test_a_process_that_is_there_twice_needs_more_words(server: Server) -> None:
    foundation = server.foundation("two-shops", seed=SHOP)
    with pytest.raises(UnknownProcessError, match=r"there are 2: east/live/shop web, west/live/shop web; say which"):
        foundation.process("shop")
    assert foundation.process("shop", organization="west").organization == "west"


def test_a_control_call_that_is_refused_says_what_to_do(foundation: Foundation) -> None:
    with pytest.raises(ControlError, match="did you mean conflict") as caught:
        foundation.play("conflicts")
    assert (caught.value.status, caught.value.kind) == (404, "unknown-scenario")
    assert caught.value.detail == str(caught.value)


MINE = Scenario(
    name="mine",
    rules=(
        Rule(
            operation="scaleProcess",
            when=When(body={"instances": {"minimum": 5}}),
            respond=Respond(status=503, headers={"Retry-After": "1"}),
        ),
    ),
)


@pytest.mark.parametrize("form", ["scenario", "value", "text", "file"])
def test_a_scenario_may_be_a_value_a_text_or_a_file(foundation: Foundation, tmp_path: Path, form: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(str(MINE))
    value = {
        "scenario": "mine",
        "rules": [
            {
                "operation": "scaleProcess",
                "when": {"body": {"instances": {"minimum": 5}}},
                "respond": {"status": 503, "headers": {"Retry-After": "1"}},
            }
        ],
    }
    forms: dict[str, Any] = {"scenario": MINE, "value": value, "text": str(MINE), "file": file}
    assert foundation.play(forms[form]) == "mine"
    assert (scale(foundation, 5), scale(foundation, 4)) == (503, 202)
    assert [(each.name, each.answered) for each in foundation.playing()] == [("mine", 1)]
    foundation.stop("mine")
    assert scale(foundation, 5) == 202


def test_a_scenario_that_cannot_be_played_is_told_by_its_own_name(foundation: Foundation, tmp_path: Path) -> None:
    file = tmp_path / "late.yaml"
    file.write_text("scenario: late\nrules:\n  - operation: scaleProces\n    respond: {status: 503}\n")
    with pytest.raises(ControlError) as caught:
        foundation.play(file)
    assert f"{file}:3:16: " in str(caught.value)
    file.write_text("scenario: late\nrule: []\n")
    with pytest.raises(ScenarioError, match=r"late\.yaml:2:1: "):
        foundation.play(file)
    assert foundation.playing() == []


def test_printing_a_scenario_gives_its_file(foundation: Foundation, capsys: pytest.CaptureFixture[str]) -> None:
    print(MINE)  # noqa: T201 (what is tested)
    printed = capsys.readouterr().out
    assert printed.startswith("scenario: mine\nrules:\n")
    assert foundation.play(printed) == "mine"


def test_everything_can_be_switched_off_at_once(foundation: Foundation) -> None:
    foundation.play("conflict")
    foundation.play("unprocessable")
    foundation.stop_all()
    assert foundation.playing() == []


def test_a_test_turns_the_clock(foundation: Foundation) -> None:
    clock = foundation.clock
    frozen = clock.freeze()
    assert clock.now == frozen
    assert clock.advance("30s") - frozen == timedelta(seconds=30)
    assert clock.advance(timedelta(minutes=1)) - frozen == timedelta(seconds=90)
    assert clock.advance(0.5) - frozen == timedelta(seconds=90.5)
    later = datetime(2090, 1, 1, tzinfo=UTC)
    assert clock.set(later) == clock.now == later
    assert clock.set("2091-01-01T00:00:00Z").year == 2091
    clock.rate(1000)
    assert clock.run() > datetime(2091, 1, 1, tzinfo=UTC)


def test_a_client_is_handed_the_time_of_the_foundation(foundation: Foundation) -> None:
    virtual = foundation.clock.virtual()
    begun = virtual.now()
    virtual.sleep(90)
    foundation.clock.advance("30s")
    assert virtual.now() == pytest.approx(begun + 120)
    assert foundation.clock.now.timestamp() == pytest.approx(virtual.now())


def test_a_moment_without_a_zone_and_a_negative_duration_are_refused_at_once(foundation: Foundation) -> None:
    with pytest.raises(ValueError, match="has no zone; give it one"):
        foundation.clock.set(datetime(2090, 1, 1))  # noqa: DTZ001 (what is tested)
    with pytest.raises(ValueError, match="negative"):
        foundation.clock.advance(-1)


def test_a_copy_is_played_on_apart(foundation: Foundation) -> None:
    scale(foundation, 3)
    copy = foundation.copy()
    scale(copy, 5)
    foundation.play("conflict")
    assert (foundation.process("dora").instances, copy.process("dora").instances) == (3, 5)
    assert (len(foundation.requests()), len(copy.requests())) == (1, 2)
    assert copy.playing() == []


def test_state_is_read_changed_and_replaced(foundation: Foundation) -> None:
    changed = foundation.change({"feature_flags": {"app_scaling": False}})
    assert changed["feature_flags"]["app_scaling"] is False
    assert scale(foundation, 3, bearer="alice") == 403
    assert foundation.replace(SHOP)["organizations"][0]["name"] == "east"
    assert [each["name"] for each in foundation.state()["users"]] == ["alice"]
    foundation.reset()
    assert foundation.process("dora", type="worker").instances == 0


def test_deleting_twice_is_no_error(foundation: Foundation) -> None:
    foundation.delete()
    scale(foundation, 3)
    foundation.delete()
    foundation.delete()
    foundation.begin()
    assert foundation.process("dora").instances == 1


def test_the_journal_is_typed(foundation: Foundation) -> None:
    foundation.play("conflict-then-ok")
    assert (scale(foundation, 2), scale(foundation, 2)) == (409, 202)
    first, second = foundation.requests(operation="scaleProcess")
    assert (first.status, first.scenario, first.kept, first.body) == (409, "conflict-then-ok", False, {"instances": 2})
    assert second.time >= first.time
    assert [each.number for each in foundation.requests(status=[202, 503], after=1)] == [2]
    assert foundation.requests(scenario="other", since=first.time) == []
    for number, found in ((-1, "negative"), (2**63, "larger than 9007199254740991")):
        with pytest.raises(ValueError, match=f"^after: what was given is {found}; give the number of an exchange"):
            foundation.requests(after=number)
        with pytest.raises(ValueError, match=found):
            foundation.check(order=[{"after": number}])
    with pytest.raises(TypeError, match="is no whole number but a str"):
        foundation.check("scaleProcess", after="1")  # type: ignore[arg-type]
    assert '"instances": 2' in foundation.curl(first.number)
    assert foundation.forget() == 2
    assert foundation.requests() == []


def test_what_a_client_met_can_be_played_again(server: Server, foundation: Foundation) -> None:
    assert foundation.replay() == ""
    foundation.play("conflict-then-ok")
    met = [scale(foundation, 2) for _ in range(2)]
    again = server.foundation()
    again.play(foundation.replay())
    assert [scale(again, 2) for _ in range(2)] == met == [409, 202]


def test_what_changed_is_told_apart_from_its_seed(foundation: Foundation) -> None:
    assert foundation.changes() == []
    scale(foundation, 3)
    assert [str(each) for each in foundation.changes()] == [
        "organizations/acme/spaces/dev/apps/dora/processes/web/instances: 1 became 3"
    ]


def test_a_foundation_knows_its_random_seed(server: Server, foundation: Foundation) -> None:
    assert foundation.random_seed == 1
    assert server.foundation("of-seven", seed=seed_of("a"), random_seed=7).random_seed == 7


def test_verify_says_what_was_nearest_and_what_was_different(foundation: Foundation) -> None:
    foundation.play("conflict-then-ok")
    for _ in range(2):
        scale(foundation, 2)
    assert foundation.verify("scaleProcess", times=2, within="60s").matched == [1, 2]
    foundation.verify(order=["scaleProcess", {"operation": "scaleProcess", "status": 202}])
    with pytest.raises(VerificationError) as caught:
        foundation.verify("scaleProcess", at_least=2, status=202, when=When(body={"instances": {"minimum": 3}}))
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("expected scaleProcess with body instances")
    assert lines[1] == "nearest:"
    assert re.fullmatch(r'  #2 \+\S+ scaleProcess dora/web {"instances":2} → 202', lines[2])
    assert lines[4] == '  #1 scaleProcess dora/web {"instances":2} → 409 CF-Conflict by rule 1 of conflict-then-ok'
    assert lines[5].startswith("      status: wanted 202, got 409; body instances")
    assert caught.value.verdict.nearest[0].number == 2
    assert isinstance(caught.value, AssertionError)


def test_check_judges_without_failing(foundation: Foundation) -> None:
    assert not foundation.check("scaleProcess", times=1)
    scale(foundation, 2)
    assert foundation.check("scaleProcess", times=1, kept=True, fault="none", since="2020-01-01T00:00:00Z")


def test_what_was_dropped_cannot_be_known() -> None:
    with (
        BackgroundServer(service_of(bounds=ServerBounds(journal=6_000))) as running,
        Server.connect(running.url) as server,
    ):
        foundation = server.foundation()
        for _ in range(20):
            scale(foundation, 2)
        with pytest.raises(CannotBeKnownError, match="dropped from the journal") as caught:
            foundation.verify("scaleProcess", times=20)
    assert caught.value.verdict.dropped > 0
    assert isinstance(caught.value, VerificationError)


def test_a_repeat_beyond_what_is_allowed_fails_with_its_requests(foundation: Foundation) -> None:
    foundation.play("conflict-then-ok")
    for _ in range(2):
        scale(foundation, 2)
    audit = foundation.retries("scaleProcess")
    assert (audit.repeats, audit.chains[0].repeats[0].after) == (1, "409")
    assert audit.table.splitlines()[1] == "#1 scaleProcess dora/web"
    assert foundation.retries(max=1, honours_retry_after=True, never_twice=True).verdict
    with pytest.raises(VerificationError) as caught:
        foundation.retries(max=0)
    said, first, second = str(caught.value).splitlines()
    assert said == "expected each request to be repeated at most 0 times, #1 was repeated 1 time:"
    assert first == '  #1 scaleProcess dora/web {"instances":2} → 409 CF-Conflict by rule 1 of conflict-then-ok'
    assert second.endswith(' scaleProcess dora/web {"instances":2} → 202')


def test_coverage_tells_what_is_missing_and_how_to_meet_it(server: Server, foundation: Foundation) -> None:
    scale(foundation, 2)
    coverage = foundation.coverage(["scaleProcess"])
    assert 0 < coverage.percent < 100
    assert "scaleProcess" in coverage.table
    missing = next(each for each in coverage.missing if each.status == 422)
    assert missing.scenario is not None
    foundation.play(missing.scenario)
    assert scale(foundation, 3) == 422
    assert len(foundation.coverage(["scaleProcess"]).missing) == len(coverage.missing) - 1
    foundation.delete()
    assert server.coverage(["scaleProcess"]).met >= 2


HELD = Scenario(
    name="held",
    rules=(Rule(operation="scaleProcess", respond=Respond(hold=Hold(at="after-commit", name="gate"))),),
)


def test_what_is_held_goes_on_at_the_end_of_the_block(foundation: Foundation) -> None:
    foundation.play(HELD)
    statuses: list[int] = []
    clients = [threading.Thread(target=lambda: statuses.append(scale(foundation, 2))) for _ in range(2)]
    with suppress(ZeroDivisionError), foundation.hold("gate") as held:
        clients[0].start()
        foundation.verify("scaleProcess", times=1, within="60s")
        assert statuses == []
        assert held.release() == 1
        must_end(clients[0])
        clients[1].start()
        foundation.verify("scaleProcess", times=2, within="60s")
        raise ZeroDivisionError
    must_end(clients[1])
    assert statuses == [202, 202]


def test_a_token_leads_to_its_foundation_alone(server: Server, foundation: Foundation) -> None:
    assert foundation.token == foundation.token
    assert scaled(server.url, 6, foundation.token) == 202
    assert foundation.process("dora").instances == 6
    alice = foundation.token_for("alice", expires_in="10m")
    assert scale(foundation, 2, alice) == 202
    assert foundation.requests()[-1].actor == "alice"
    foundation.clock.advance("11m")
    assert scale(foundation, 2, alice) == 401


def test_a_server_that_is_gone_is_named(server: Server) -> None:
    with Server() as other:
        foundation = other.foundation()
        url = other.url
        foundation.state()
    with pytest.raises(ServerGoneError, match=f"{url} does not answer: .*ended with exit code 0"):
        foundation.state()
    assert server.foundation().process("dora")


def test_foundations_begin_without_the_scenarios_of_a_server_that_runs_elsewhere(serve: Callable[..., Serving]) -> None:
    """Where that is asked for: a fresh one, one with a seed, and each after a reset; others begin with them."""
    running = serve(scenarios=("conflict",))
    with Server.connect(running.url, without_scenarios=True) as plain, Server.connect(running.url) as other:
        assert plain.scenarios() == ["conflict"]
        for foundation in (plain.foundation(), plain.foundation(seed=SHOP), plain.foundation().copy()):
            assert foundation.playing() == []
            foundation.play("not-found")
            foundation.reset()
            assert foundation.playing() == []
        assert [each.name for each in other.foundation().playing()] == ["conflict"]
        theirs = other.foundation()
        theirs.play("not-found")
        assert {each.name for each in plain.foundation(theirs.name).playing()} == {"conflict", "not-found"}

"""Commands that change what a server holds: the world follows, the answer is printed, errors name the mend."""

import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import pytest

from mockfoundry.cli import main
from tests.command_line import run_here
from tests.serving import WEB, Serving


def ask(server: Serving, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command about a server, which the environment names."""
    done = run_here(*arguments, environment={"MOCKFOUNDRY_URL": server.url, **environment})
    return done.returncode, done.stdout, done.stderr


def ask_json(server: Serving, *arguments: str) -> Any:
    code, printed, said = ask(server, *arguments, "--format", "json")
    assert (code, said) == (0, "")
    return json.loads(printed)


def show(server: Serving, name: str, path: str = "") -> Any:
    """What the control API shows of a foundation."""
    return server.client.get(f"/__mock/foundations/{name}{path}").json()


def test_a_foundation_is_made_listed_shown_copied_and_deleted(server: Serving, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("organizations: [{name: acme, spaces: [{name: dev, apps: [{name: one}, {name: two}]}]}]\n")
    assert ask(server, "foundation", "list") == (0, "there is none yet; the first request makes one\n", "")
    made = ask_json(server, "foundation", "make", "ci-42", "--seed", str(seed))
    assert {**made, "time": ""} == {**show(server, "ci-42"), "time": ""}
    code, printed, _ = ask(server, "foundation", "show", "ci-42")
    assert code == 0
    assert printed.startswith("ci-42: 1 organization, 1 space, 2 apps, 2 processes\n")
    assert f"  URL         {server.url}/foundations/ci-42\n" in printed
    assert ask_json(server, "foundation", "copy", "ci-42", "later")["apps"] == 2
    assert ask(server, "foundation", "list")[1] == "ci-42  0 requests\nlater  0 requests\n"
    assert ask_json(server, "foundation", "delete", "later") == {"deleted": "later"}
    assert [each["name"] for each in ask_json(server, "foundation", "list")["foundations"]] == ["ci-42"]


def test_make_replaces_a_foundation_unless_it_is_kept(server: Serving) -> None:
    ask(server, "foundation", "make", "ci-42")
    ask(server, "play", "conflict", "--foundation", "ci-42")
    assert ask_json(server, "foundation", "make", "ci-42", "--keep")["scenarios"] == ["conflict"]
    assert ask_json(server, "foundation", "make", "ci-42")["scenarios"] == []


def test_a_random_seed_needs_a_seed(server: Serving, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("organizations: []\n")
    made = ask_json(server, "foundation", "make", "ci-42", "--seed", str(seed), "--random-seed", "7")
    assert made["random_seed"] == 7
    said = "mockfoundry: --random-seed: needs a --seed that is built anew with it\n"
    assert ask(server, "foundation", "make", "ci-42", "--random-seed", "7") == (2, "", said)


def test_a_copy_takes_no_name_that_is_taken_unless_it_is_told_to(server: Serving) -> None:
    ask(server, "foundation", "make", "one")
    ask(server, "foundation", "make", "two")
    said = "mockfoundry: OTHER: there is a foundation two already; give --replace to put the copy in its place\n"
    assert ask(server, "foundation", "copy", "one", "two") == (2, "", said)
    assert ask(server, "foundation", "copy", "one", "two", "--replace")[0] == 0


def test_scenarios_are_played_and_stopped(server: Serving, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("scenario: own\ndescription: Mine.\nrules: [{operation: getProcess, respond: {status: 404}}]\n")
    code, printed, _ = ask(server, "play", "conflict", str(file))
    assert (code, printed) == (
        0,
        "conflict is on in default: Every scale is refused with 409.\nown is on in default: Mine.\n",
    )
    assert server.scale({"instances": 2}).status_code == 409
    assert ask(server, "stop", "conflict") == (0, "on in default: own\n", "")
    assert server.scale({"instances": 2}).status_code == 202
    assert ask_json(server, "stop", "--all") == {"playing": []}
    assert ask_json(server, "play", "conflict")["name"] == "conflict"


def test_a_scenario_without_a_description_is_told_without_one(server: Serving, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("scenario: own\nrules: [{operation: getProcess, respond: {status: 404}}]\n")
    assert ask(server, "play", str(file)) == (0, "own is on in default\n", "")


def test_nothing_is_played_where_one_of_several_is_not_right(server: Serving, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("scenario: own\nrule: []\n")
    code, printed, said = ask(server, "play", "conflict", str(file))
    assert (code, printed) == (2, "")
    assert f"{file}:2:" in said
    assert "did you mean rules?" in said
    assert server.scale({"instances": 2}).status_code == 202


def test_nothing_is_played_where_one_of_several_names_is_unknown(server: Serving) -> None:
    code, printed, said = ask(server, "play", "conflict", "conflit")
    assert (code, printed) == (2, "")
    assert "did you mean conflict?" in said
    assert server.scale({"instances": 2}).status_code == 202


def test_what_a_server_says_of_a_file_names_the_file(server: Serving, tmp_path: Path) -> None:
    """The contract that decides whether an operation is known is the server's."""
    file = tmp_path / "own.yaml"
    file.write_text("scenario: own\nrules:\n  - {operation: scaleProces, respond: {status: 409}}\n")
    code, _, said = ask(server, "play", str(file))
    assert code == 2
    assert said.startswith(f"mockfoundry: {file}:3:")
    assert "did you mean scaleProcess?" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("play", "confict"), "did you mean conflict?; mockfoundry scenarios lists them"),
        (("play", "none.yaml"), "none.yaml: can't be read: No such file or directory"),
        (("stop", "conflict"), "is not on in default; mockfoundry foundation show default lists what is"),
        (("stop",), "name the scenarios to switch off, or give --all"),
        (("stop", "conflict", "--all"), "one of the two"),
        (("clock", "--advance", "soon"), "--advance: 'soon' is not a duration"),
        (("clock", "--set", "noon"), "--set: 'noon' is not"),
        (("clock", "--rate", "nan"), "is no number that JSON has"),
        (("clock", "--rate", "-1"), "--rate"),
        (("state", "--patch", "{feature_flag: 1}"), '--patch:1:2: "feature_flag" is not a key of a seed; did you mean'),
        (("state", "--patch", "none.yaml"), "none.yaml: can't be read"),
        (("state", "--patch", "{}", "--replace", "x"), "give one of the two"),
        (("token", "alise"), "USER: 'alise' is not a user of default; did you mean alice?"),
        (("token", "--expires-in", "x"), "--expires-in: 'x' is not a duration"),
        (("foundation", "show", "nobody"), "there is none of that name; mockfoundry foundation list lists those"),
        (("foundation", "delete", "nobody"), "mockfoundry foundation make nobody makes it"),
        (("foundation", "delete", "defautl"), "did you mean default?"),
        (("log", "--foundation", "nobody"), "allowed: default"),
        (("foundation", "make", "a/b"), 'foundation name: "a/b" does not match'),
        (("foundation", "mak", "a"), "Did you mean 'make'?"),
        (("reset", "--foundation", "nobody"), "foundation nobody: there is none"),
        (("reset", "--foundation", " "), "is an empty name; give one"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_told_with_its_mend(server: Serving, words: tuple[str, ...], says: str) -> None:
    server.client.get("/v3/processes")
    code, printed, said = ask(server, *words)
    assert (code, printed) == (2, "")
    assert says in said
    assert "Traceback" not in said


def test_the_clock_is_frozen_advanced_set_and_run(server: Serving) -> None:
    before = ask_json(server, "clock", "--freeze")
    assert before == show(server, "default", "/clock")
    assert before["frozen"]
    assert ask_json(server, "clock", "--set", "2030-01-01T00:00:00Z")["now"] == "2030-01-01T00:00:00.000000Z"
    assert ask(server, "clock", "--advance", "1.5s") == (0, "2030-01-01T00:00:01.500000Z, frozen\n", "")
    assert ask(server, "clock", "--rate", "10")[1].endswith("Z, running at 10 seconds a second\n")
    assert ask_json(server, "clock", "--run")["rate"] == 1.0
    assert ask_json(server, "clock")["rate"] == 1.0


def test_a_state_is_printed_as_a_seed_that_makes_the_same_world(server: Serving, tmp_path: Path) -> None:
    server.scale({"instances": 4})
    code, printed, _ = ask(server, "state")
    assert code == 0
    file = tmp_path / "world.yaml"
    file.write_text(printed)
    ask(server, "foundation", "make", "other", "--seed", str(file))
    assert server.client.get(f"/foundations/other/v3/processes/{WEB}").json()["instances"] == 4


def test_a_state_is_patched_replaced_and_compared(server: Serving, tmp_path: Path) -> None:
    changed = ask_json(server, "state", "--patch", "{feature_flags: {app_scaling: false}}", "--changes")
    assert changed == {"changes": [{"where": "feature_flags/app_scaling", "before": True, "after": False}]}
    patch = tmp_path / "patch.yaml"
    patch.write_text("feature_flags: {app_scaling: true}\n")
    assert ask_json(server, "state", "--patch", str(patch))["feature_flags"]["app_scaling"] is True
    assert ask(server, "state", "--changes") == (0, "changes: []\n", "")
    seed = tmp_path / "seed.json"
    seed.write_text('{"organizations": []}')
    assert ask_json(server, "state", "--replace", str(seed))["organizations"] == []


def test_files_may_come_by_the_standard_input(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("feature_flags: {app_scaling: false}\n"))
    assert ask_json(server, "state", "--patch", "-")["feature_flags"]["app_scaling"] is False
    monkeypatch.setattr("sys.stdin", io.StringIO("scenario: typed\ngiven: {feature_flags: {app_scaling: true}}\n"))
    assert ask_json(server, "play", "-")["name"] == "typed"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, _, said = ask(server, "play", "-")
    assert (code, said) == (2, "mockfoundry: scenario: there is nothing in it; write a scenario, or leave it out\n")


def test_a_token_is_a_users_and_leads_to_the_foundation(server: Serving) -> None:
    ask(server, "state", "--foundation", "ci-42", "--patch", "{feature_flags: {app_scaling: false}}")
    code, printed, _ = ask(server, "token", "alice", "--foundation", "ci-42")
    assert code == 0
    answer = server.scale({"instances": 2}, headers={"Authorization": f"bearer {printed.strip()}"})
    assert answer.json()["errors"][0]["title"] == "CF-FeatureDisabled"
    short = ask_json(server, "token", "--expires-in", "10m")
    assert (short["expires_in"], short["user"]) == (600, "admin")


def test_a_reset_brings_back_the_beginning(server: Serving) -> None:
    server.scale({"instances": 4})
    assert ask(server, "reset")[1].startswith("default: 1 organization, 1 space, 1 app, 2 processes\n")
    assert server.client.get(f"/v3/processes/{WEB}").json()["instances"] == 1


def test_released_requests_are_counted_and_none_is_exit_code_1(server: Serving) -> None:
    server.client.put("/__mock/foundations/default/scenarios/held-scale")
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(server.scale, {"instances": 2})
        held = {"operation": "scaleProcess", "answered": False, "within": "30s"}
        assert server.client.post("/__mock/foundations/default/verify", json=held).json()["result"] == "holds"
        assert ask(server, "release", "first-scale") == (0, "1 request goes on\n", "")
        assert waiting.result().status_code == 202
    code, printed, said = ask(server, "release", "first-scale", "--format", "json")
    assert (code, json.loads(printed)) == (1, {"released": 0})
    assert said == "mockfoundry: no request was held under first-scale in default\n"


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ((), {}, "default"),
        ((), {"MOCKFOUNDRY_URL": "{url}/foundations/by-url"}, "by-url"),
        ((), {"MOCKFOUNDRY_URL": "{url}/foundations/by-url/", "MOCKFOUNDRY_FOUNDATION": "by-name"}, "by-name"),
        (("--url", "{url}/foundations/typed"), {"MOCKFOUNDRY_FOUNDATION": "by-name"}, "typed"),
        (("--url", "{url}"), {"MOCKFOUNDRY_FOUNDATION": "by-name"}, "by-name"),
        (("--url", "{url}/foundations/typed", "--foundation", "named"), {}, "named"),
        (("--foundation", "named"), {"MOCKFOUNDRY_FOUNDATION": "by-name"}, "named"),
    ],
)
def test_what_is_typed_comes_before_the_environment_and_a_name_before_a_url(
    server: Serving, arguments: tuple[str, ...], environment: dict[str, str], expected: str
) -> None:
    typed = [each.format(url=server.url) for each in arguments]
    ask(server, "clock", "--freeze", *typed, **{key: each.format(url=server.url) for key, each in environment.items()})
    assert [each["name"] for each in ask_json(server, "foundation", "list")["foundations"]] == [expected]


@pytest.mark.parametrize("command", [("log",), ("retries",), ("replay",), ("foundation", "show")])
def test_commands_that_read_are_about_the_same_foundation(server: Serving, command: tuple[str, ...]) -> None:
    for environment in ({"MOCKFOUNDRY_FOUNDATION": "gone"}, {"MOCKFOUNDRY_URL": f"{server.url}/foundations/gone"}):
        code, _, said = ask(server, *command, **environment)
        assert code == 2
        assert said.startswith("mockfoundry: foundation gone: there is none")


def test_every_command_needs_the_control_token_where_the_server_has_one(serve: Callable[..., Serving]) -> None:
    token = "s3cr3t"
    server = serve(control_token=token)
    code, _, said = ask(server, "play", "conflict")
    assert code == 2
    assert token not in said
    assert ask(server, "play", "conflict", MOCKFOUNDRY_CONTROL_TOKEN=token)[0] == 0


def test_operations_are_listed_for_programs_too() -> None:
    listed = json.loads(run_here("operations", "--format", "json").stdout)["operations"]
    scale = next(each for each in listed if each["operation"] == "scaleProcess")
    assert (scale["method"], scale["path"]) == ("POST", "/v3/processes/{guid}/actions/scale")
    assert "conflict" in json.dumps(scale["responses"]["409"])


def list_leaves(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that is no group, with its name."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    for verb, each in command.commands.items():
        yield from list_leaves(each, f"{name} {verb}".strip())


PRINTING_NO_JSON = {
    "serve",
    "selftest",
    "schema",
    "new scenario",
    "new seed",
    "proxy-config",
    "record",
    "seed-from",
    "scenario-from",
}


@pytest.mark.parametrize(("name", "command"), list(list_leaves(main)), ids=str)
def test_every_command_has_help_and_tells_programs_what_it_tells_people(name: str, command: click.Command) -> None:
    """A server prints where it is, the self-test a result, which is its exit code; the others write files."""
    assert command.help
    assert all(each.help for each in command.params if isinstance(each, click.Option))
    forms = [
        each.type.choices for each in command.params if each.name == "form" and isinstance(each.type, click.Choice)
    ]
    assert ["json" in each for each in forms] == ([] if name in PRINTING_NO_JSON else [True])

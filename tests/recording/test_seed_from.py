"""A seed of a recording: it makes the world that the API showed, and says what that did not show."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import yaml

from mockfoundry.assembly import build_seed_world_from_text
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess
from mockfoundry.recording.har import HarEntry, Recording
from mockfoundry.recording.seed_from import seed_text_from_recording
from tests.command_line import run_here
from tests.recording.recorded import ADMIN, get, list_readings, post, record_foundation


def read_all(client: httpx.Client, targets: Iterable[str]) -> dict[str, Any]:
    base = str(client.base_url).rstrip("/")
    return {target: client.get(target).text.replace(base, "") for target in targets}


def test_the_world_that_is_read_is_the_world_of_the_seed(
    server: InProcess, foundation: Foundation, client: httpx.Client, tmp_path: Path
) -> None:
    """Whatever the API shows of organizations, apps, processes, deployments and users is the same in the new world."""
    targets = list_readings(client)
    session = record_foundation(server, foundation.url, tmp_path / "all.har", [get(each) for each in targets])
    assert {answer.status_code for answer in session.answers} == {200}
    text = seed_text_from_recording(session.recording, "all.har")
    (tmp_path / "seed.yaml").write_text(text, "utf-8")
    assert run_here("check", str(tmp_path / "seed.yaml")).stdout == "1 file is right\n"
    made = server.foundation()
    made.begin(text)
    made.clock.freeze()
    made.clock.advance("20s")
    with httpx.Client(transport=server.transport(), base_url=made.url, headers=ADMIN) as other:
        wanted, found = read_all(client, targets), read_all(other, targets)
        steady = [each for each in targets if not each.endswith("/stats")]
        assert {each: found[each] for each in steady} == {each: wanted[each] for each in steady}
        for target in targets:
            if target.endswith("/stats"):
                assert states(other, target) == states(client, target)


def states(client: httpx.Client, target: str) -> list[tuple[int, str]]:
    return [(each["index"], each["state"]) for each in client.get(target).json()["resources"]]


def test_the_world_is_as_it_was_when_the_recording_began(
    server: InProcess, foundation: Foundation, client: httpx.Client, tmp_path: Path
) -> None:
    """A scale and a new app of the client's are no part of the seed: it makes them again."""
    dora = client.get("/v3/apps?names=dora").json()["resources"][0]
    space = dora["relationships"]["space"]["data"]["guid"]
    new = {"name": "new", "relationships": {"space": {"data": {"guid": space}}}}
    requests = [
        get(f"/v3/processes/{dora['guid']}"),
        post(f"/v3/processes/{dora['guid']}/actions/scale", {"instances": 5}),
        get(f"/v3/processes/{dora['guid']}"),
        post("/v3/apps", new),
        get("/v3/apps"),
    ]
    session = record_foundation(server, foundation.url, tmp_path / "a.har", requests)
    assert [each.status_code for each in session.answers] == [200, 202, 200, 201, 200]
    made = server.foundation()
    made.begin(seed_text_from_recording(session.recording, "a.har"))
    found = made.state()
    (place,) = [each for each in found["organizations"] if each["spaces"]]
    apps = {each["name"]: each for each in place["spaces"][0]["apps"]}
    assert sorted(apps) == ["deploying", "dora", "stopped"]
    assert [each["instances"] for each in apps["dora"]["processes"] if each["type"] == "web"] == [2]


def test_what_was_not_seen_is_said(
    server: InProcess, foundation: Foundation, client: httpx.Client, tmp_path: Path
) -> None:
    """A process alone leads to an app, a space and an organization that nobody has seen."""
    dora = client.get("/v3/apps?names=dora").json()["resources"][0]
    space = dora["relationships"]["space"]["data"]["guid"]
    requests = [get(f"/v3/processes/{dora['guid']}"), get("/v3/routes"), get(f"/v3/apps/{dora['guid']}/env")]
    session = record_foundation(server, foundation.url, tmp_path / "a.har", requests)
    lines = seed_text_from_recording(session.recording, "a.har").splitlines()
    assert [each for each in lines if each.startswith("#")][1:] == [
        "# Not seen: the name of an organization.",
        f"# Not seen: the name of a space ({space}).",
        f"# Not seen: the name of an app ({dora['guid']}).",
        "# Not seen: the stats of a process; its instances run.",
        "# Seen, and not taken: environment_variables (1).",
    ]


def test_a_user_of_a_token_is_there_and_has_no_password(
    server: InProcess, foundation: Foundation, client: httpx.Client, tmp_path: Path
) -> None:
    """Who asked is read from the token, and what they may from the roles."""
    headers = {"authorization": f"bearer {foundation.token_for('alice')}"}
    requests = [get("/v3/organizations", headers), get("/v3/spaces", headers), get("/v3/roles", headers)]
    session = record_foundation(server, foundation.url, tmp_path / "a.har", requests)
    made = server.foundation()
    made.begin(seed_text_from_recording(session.recording, "a.har"))
    (alice,) = [each for each in made.state()["users"] if each["name"] == "alice"]
    assert (alice["organizations"], alice["spaces"]) == (
        {"acme": ["organization_user"]},
        {"acme/dev": ["space_developer"]},
    )
    assert alice["scopes"] == ["cloud_controller.read", "cloud_controller.write"]
    assert alice["password"] is None


def test_one_whose_roles_were_not_seen_is_an_admin(server: InProcess, foundation: Foundation, tmp_path: Path) -> None:
    """Whoever could do what was recorded can do it again."""
    headers = {"authorization": f"bearer {foundation.token_for('alice')}"}
    session = record_foundation(server, foundation.url, tmp_path / "a.har", [get("/v3/spaces", headers)])
    text = seed_text_from_recording(session.recording, "a.har")
    assert "# Not seen: the roles of alice, who asked; an admin here." in text.splitlines()


def test_a_rate_limit_is_learned_from_its_headers() -> None:
    """The mock then sends such headers, too."""
    answer = HarEntry(
        started=1, method="GET", url="https://api/v3/apps", status=200, answer_headers=(("x-ratelimit-limit", "20000"),)
    )
    assert "settings: {rate_limit: 20000}" in seed_text_from_recording(Recording((answer,)), "a.har").splitlines()


def test_an_empty_recording_makes_an_empty_world() -> None:
    text = seed_text_from_recording(Recording(()), "a.har")
    assert text.splitlines() == ["# Made from a.har.", "organizations: []"]


def resource(kind: str, guid: str, **fields: Any) -> dict[str, Any]:
    return {"guid": guid, "links": {"self": {"href": f"https://api/v3/{kind}/{guid}"}}, **fields}


def related(**guids: str) -> dict[str, Any]:
    return {name: {"data": {"guid": guid}} for name, guid in guids.items()}


def answers(*bodies: dict[str, Any], started: int = 1_795_870_800_000_000) -> Recording:
    """A recording of answers to GET, a second apart."""
    return Recording(
        tuple(
            HarEntry(
                started=started + number * 1_000_000,
                method="GET",
                url="https://api/v3/apps",
                status=200,
                answer_headers=(("content-type", "application/json"),),
                answer=json.dumps(each).encode(),
            )
            for number, each in enumerate(bodies)
        ),
        "https://api",
    )


def read_seed_of(recording: Recording) -> Any:
    text = seed_text_from_recording(recording, "a.har")
    build_seed_world_from_text(text, "seed", random_seed=1, began_at=0)
    return yaml.safe_load(text)


ORGANIZATION = resource("organizations", "o", name="acme", relationships=related(quota="q"))
SPACE = resource("spaces", "s", name="dev", relationships=related(organization="o"))


def test_what_has_one_name_here_keeps_its_guid_in_the_other() -> None:
    """Two apps had one name, one after the other; a deployment made a second process of a type."""
    apps = [resource("apps", guid, name="dora", relationships=related(space="s")) for guid in ("a", "b")]
    webs = [resource("processes", guid, type="web", relationships=related(app="a")) for guid in ("a", "w")]
    found = read_seed_of(answers(ORGANIZATION, SPACE, *apps, *webs))["organizations"][0]["spaces"][0]["apps"]
    assert [each["name"] for each in found] == ["dora", "dora-b"]
    assert [each["guid"] for each in found[0]["processes"]] == ["a"]


def test_a_quota_of_several_owners_is_the_default_or_made_again() -> None:
    """A seed gives each space a quota of its own."""
    other = resource("organizations", "p", name="other", relationships=related(quota="q"))
    quota = resource("organization_quotas", "q", name="shared", apps={"total_memory_in_mb": 7})
    spaces = [
        resource("spaces", guid, name=guid, relationships=related(organization="o", quota="sq")) for guid in ("s", "t")
    ]
    limit = resource("space_quotas", "sq", name="small", apps={"total_instances": 3})
    found = read_seed_of(answers(ORGANIZATION, other, quota, *spaces, limit))
    assert (found["default_quota"]["guid"], found["default_quota"]["total_memory_in_mb"]) == ("q", 7)
    assert [each.get("quota") for each in found["organizations"]] == [None, None]
    assert [each["quota"] for each in found["organizations"][0]["spaces"]] == [
        {"name": "small", "guid": "sq", "total_instances": 3},
        {"total_instances": 3},
    ]


def test_a_deployment_that_is_seen_to_end_takes_as_long() -> None:
    """One whose end is not seen goes on."""
    app = resource("apps", "a", name="dora", relationships=related(space="s"))
    begun = {"created_at": "2026-11-28T13:00:00Z", "strategy": "rolling", "relationships": related(app="a")}
    active = resource("deployments", "d", status={"value": "ACTIVE", "reason": "DEPLOYING"}, **begun)
    ended = resource("deployments", "d", status={"value": "FINALIZED", "reason": "DEPLOYED"}, **begun)
    for bodies, seconds in (((active,), None), ((active, active, ended), "5s")):
        found = read_seed_of(answers(ORGANIZATION, SPACE, app, *bodies))
        assert found["organizations"][0]["spaces"][0]["apps"][0]["deployment"]["seconds"] == seconds


def test_an_instance_is_held_in_a_state_that_it_stays_in() -> None:
    """One that only starts is not."""
    process = resource("processes", "a", type="web", instances=3, relationships=related(app="a"))
    app = resource("apps", "a", name="dora", relationships=related(space="s"))
    recording = answers(ORGANIZATION, SPACE, app, process)
    entries = list(recording.entries)
    for second in ("STARTING", "RUNNING"):
        states = ["RUNNING", second, "CRASHED"]
        stats = [{"index": index, "state": state, "details": None} for index, state in enumerate(states)]
        url, answer = "https://api/v3/processes/a/stats", json.dumps({"resources": stats}).encode()
        entries.append(msgspec.structs.replace(entries[-1], url=url, answer=answer))
    found = read_seed_of(Recording(tuple(entries), "https://api"))
    (web,) = found["organizations"][0]["spaces"][0]["apps"][0]["processes"]
    assert web["instance_states"] == {"2": "CRASHED"}

"""Foundations outlive their process: read at first use, saved when they have changed, never over another's."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec
import pytest

from mockfoundry.foundations import snapshots
from mockfoundry.foundations.snapshots import SnapshotReader, SnapshotWriter, cut_foundation
from mockfoundry.options import DoorName
from mockfoundry.server.saving import SnapshotSaver
from mockfoundry.store.files import FileStore
from mockfoundry.store.keeper import PendingSave
from tests import plain_http
from tests.serving import ADMIN, WEB, Serving, serving
from tests.store.keeping import Still, world_to_values
from tests.waiting import DEADLINE_SECONDS, eventually

SCALE = f"/foundations/team/v3/processes/{WEB}/actions/scale"
READ = f"/foundations/team/v3/processes/{WEB}"

OpenServer = Callable[[], Still]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def begin(folder: Path) -> OpenServer:
    """Begins a server; all have one store."""
    return lambda: Still(lambda: FileStore(folder))


def instances_of(server: Still) -> int:
    answer = server.ask(9, "GET", READ)
    assert answer.status == 200, answer.body
    count: int = json.loads(answer.body)["instances"]
    return count


def health_of(server: Still) -> dict[str, Any]:
    store: dict[str, Any] = json.loads(server.ask(9, "GET", "/__mock/health").body)["store"]
    return store


def title_of(body: bytes) -> str:
    """The title of the Cloud Controller's error in a body."""
    title: str = json.loads(body)["errors"][0]["title"]
    return title


def test_a_foundation_is_read_at_its_first_use(begin: OpenServer) -> None:
    server = begin()
    server.ask(1, "POST", SCALE, {"instances": 7})
    server.save()
    assert instances_of(begin()) == 7


def test_all_of_a_foundation_is_read_again(begin: OpenServer) -> None:
    """World, clock, chance, scenarios with what they have changed, counts and journal."""
    server = begin()
    for scenario in ("conflict-then-ok", "organization-suspended", "flaky"):
        server.ask(1, "PUT", f"/__mock/foundations/team/scenarios/{scenario}")
    for moment in range(2, 6):
        server.ask(moment, "POST", SCALE, {"instances": moment})
    server.ask(6, "PATCH", "/__mock/foundations/team/clock", {"advance": "90s", "rate": 3})
    server.ask(7, "POST", "/__mock/foundations/team/tokens", {})
    server.ask(8, "DELETE", "/__mock/foundations/team/requests")
    server.ask(9, "GET", READ)
    before = server.service.registry.find("team")
    server.save()
    after_server = begin()
    after_server.ask(9, "GET", "/__mock/foundations/team")
    after = after_server.service.registry.find("team")
    assert before is not None
    assert after is not None
    assert world_to_values(after.world) == world_to_values(before.world)
    assert world_to_values(after.initial_world) == world_to_values(before.initial_world)
    assert after.progress == before.progress
    assert after.changes == before.changes
    assert list(after.journal) == list(before.journal)
    assert after.journal.to_content() == before.journal.to_content()
    assert after.journal.size == before.journal.size
    assert after.compiled_scenarios.scenarios == before.compiled_scenarios.scenarios
    names = ("windows", "request_count", "request_id_prefix", "minted_tokens", "token_issuers")
    assert [getattr(after, name) for name in names] == [getattr(before, name) for name in names]


def test_what_was_not_changed_is_not_written_again(begin: OpenServer) -> None:
    server = begin()
    server.ask(1, "GET", READ)
    server.save()
    server.save()
    assert health_of(server)["written"] == 1
    server.ask(2, "GET", READ)
    server.save()
    assert health_of(server)["written"] == 2


SINGLE_CHANGES = {
    "clock": ("PATCH", "/clock", {"advance": "1s"}),
    "rate of the clock": ("PATCH", "/clock", {"frozen": True}),
    "scenario on": ("PUT", "/scenarios/conflict", None),
    "scenario off": ("DELETE", "/scenarios/unavailable", None),
    "settings": ("PATCH", "/state", {"settings": {"start_seconds": 9}}),
    "feature flag": ("PATCH", "/state", {"feature_flags": {"app_scaling": False}}),
    "user": ("PATCH", "/state", {"users": [{"name": "carol"}]}),
    "state": ("PUT", "/state", {"organizations": []}),
    "token": ("POST", "/tokens", {}),
    "journal": ("DELETE", "/requests", None),
    "reset": ("POST", "/reset", None),
    "foundation": ("PUT", "", None),
}
"""Control calls that change one thing of a foundation, which no request of it tells."""


@pytest.mark.parametrize("change", SINGLE_CHANGES.values(), ids=SINGLE_CHANGES)
def test_each_single_change_is_saved(begin: OpenServer, change: tuple[str, str, Any]) -> None:
    """And what only looks changes nothing."""
    server = begin()
    server.ask(1, "PUT", "/__mock/foundations/team/scenarios/unavailable")
    server.ask(1, "GET", READ)
    server.save()
    for path in ("", "/state", "/requests", "/scenarios", "/clock"):
        assert server.ask(2, "GET", f"/__mock/foundations/team{path}").status == 200
    server.save()
    assert health_of(server)["written"] == 1
    method, path, body = change
    assert server.ask(2, method, f"/__mock/foundations/team{path}", body).status < 300
    server.save()
    assert health_of(server)["written"] == 2


def test_what_was_read_is_not_written_until_it_changes(begin: OpenServer) -> None:
    server = begin()
    server.ask(1, "GET", READ)
    server.save()
    later = begin()
    later.ask(2, "GET", "/__mock/foundations/team")
    later.save()
    assert health_of(later)["written"] == 0
    assert health_of(later)["foundations"] == 1


def test_tokens_count_after_the_process_that_minted_them(begin: OpenServer) -> None:
    """They name their foundation, which is looked up for that: the request names none."""
    server = begin()
    minted = json.loads(server.ask(1, "POST", "/__mock/foundations/team/tokens", {}).body)["access_token"]
    server.ask(1, "POST", SCALE, {"instances": 7})
    server.save()
    answer = begin().ask(2, "GET", f"/v3/processes/{WEB}", token=minted)
    assert (answer.status, json.loads(answer.body)["instances"]) == (200, 7)


def test_foundations_that_are_read_share_what_they_began_as(begin: OpenServer) -> None:
    """As they did before, so that thousands need no more room."""
    server = begin()
    for name in ("one", "other"):
        server.ask(1, "GET", f"/foundations/{name}/v3/apps")
        server.ask(1, "PUT", f"/__mock/foundations/{name}/scenarios/conflict")
    server.save()
    later = begin()
    for name in ("one", "other"):
        later.ask(2, "GET", f"/foundations/{name}/v3/apps")
    one, other = (later.service.registry.find(name) for name in ("one", "other"))
    assert one is not None
    assert other is not None
    assert one.initial_world is other.initial_world
    assert one.world.processes is one.initial_world.processes
    assert one.compiled_scenarios is other.compiled_scenarios


def test_a_request_that_is_held_has_no_outcome_in_what_is_read(folder: Path) -> None:
    """It is its client's, and that has gone with the process."""
    with serving(store=f"file:{folder}") as server:
        server.client.put("/__mock/foundations/team/scenarios/held-scale")
        with plain_http.client(base_url=server.url, headers=ADMIN, timeout=httpx.Timeout(60)) as client:
            waiting = threading.Thread(target=client.post, args=(SCALE,), kwargs={"json": {"instances": 7}})
            waiting.start()
            eventually(lambda: _recorded(server) == 1, what="the request is held")
            saved = server.client.post("/__mock/foundations/team/save")
            assert saved.json() == {"name": "team", "version": 1}
            later = Still(lambda: FileStore(folder))
            entry = json.loads(later.ask(9, "GET", "/__mock/foundations/team/requests").body)["requests"][0]
            server.client.post("/__mock/foundations/team/holds/first-scale/release")
            waiting.join()
    assert entry["status"] is None
    assert entry["why"].endswith("when the foundation was saved")


def _recorded(server: Serving) -> int:
    count: int = server.client.get("/__mock/foundations/team").json()["journal"]["recorded"]
    return count


def test_a_second_owner_is_refused_and_told(begin: OpenServer, caplog: pytest.LogCaptureFixture) -> None:
    """Both began the foundation; who saves first has it."""
    one, other = begin(), begin()
    one.ask(1, "POST", SCALE, {"instances": 7})
    other.ask(1, "POST", SCALE, {"instances": 8})
    one.save()
    other.save()
    other.save()
    assert instances_of(begin()) == 7
    assert instances_of(other) == 8
    told = health_of(other)
    assert told["refused"] == 1
    assert [each["foundation"] for each in told["not_saved"]] == ["team"]
    assert "another process (test " in told["not_saved"][0]["reason"]
    assert [each.levelname for each in caplog.records if "team is not saved" in each.getMessage()] == ["ERROR"]
    answer = other.ask(2, "POST", "/__mock/foundations/team/save")
    problem = json.loads(answer.body)
    assert (answer.status, problem["type"]) == (409, "urn:mockfoundry:another-owner")
    assert "two processes must not serve one foundation" in problem["detail"]
    assert health_of(one)["refused"] == 0


def test_who_was_overtaken_is_refused_too(begin: OpenServer) -> None:
    """One had saved before the other read; then the other goes on, and the first is the second owner."""
    one = begin()
    one.ask(1, "POST", SCALE, {"instances": 7})
    one.save()
    other = begin()
    other.ask(2, "POST", SCALE, {"instances": 8})
    other.save()
    one.ask(3, "POST", SCALE, {"instances": 9})
    one.save()
    assert (health_of(one)["refused"], health_of(other)["refused"]) == (1, 0)
    assert instances_of(begin()) == 8


def test_a_refused_foundation_that_is_deleted_leaves_the_snapshot_of_the_other(begin: OpenServer) -> None:
    one, other = begin(), begin()
    one.ask(1, "POST", SCALE, {"instances": 7})
    other.ask(1, "POST", SCALE, {"instances": 8})
    one.save()
    other.save()
    other.ask(2, "DELETE", "/__mock/foundations/team")
    other.save()
    assert health_of(other)["not_saved"] == []
    assert instances_of(begin()) == 7


def test_what_is_deleted_is_deleted_in_the_store(begin: OpenServer, folder: Path) -> None:
    server = begin()
    server.ask(1, "GET", READ)
    server.save()
    server.ask(2, "DELETE", "/__mock/foundations/team")
    server.save()
    assert list(folder.iterdir()) == []
    server.ask(3, "PUT", "/__mock/foundations/team")
    server.save()
    assert instances_of(begin()) == instances_of(server)
    assert [each.name for each in folder.iterdir()] == ["team.snapshot"]


def test_what_is_in_the_store_alone_can_be_deleted_replaced_and_copied_over(begin: OpenServer) -> None:
    """Calls find it as they find one that is in memory."""
    server = begin()
    for name in ("gone", "replaced", "over"):
        server.ask(1, "GET", f"/foundations/{name}/v3/apps")
    server.save()
    later = begin()
    assert later.ask(2, "DELETE", "/__mock/foundations/gone").status == 204
    assert later.ask(2, "PUT", "/__mock/foundations/replaced").status == 200
    assert later.ask(2, "PUT", "/__mock/foundations/new").status == 201
    assert later.ask(2, "POST", "/__mock/foundations/new/copy", {"as": "over"}).status == 409
    assert later.ask(2, "POST", "/__mock/foundations/new/copy", {"as": "over", "replace": True}).status == 201
    later.save()
    assert health_of(later)["not_saved"] == []
    last = begin()
    assert last.ask(3, "GET", "/__mock/foundations/gone").status == 404
    assert last.ask(3, "GET", "/__mock/foundations/over").status == 200


def break_digest(content: bytes) -> bytes:
    """What a disk has lost a bit of."""
    return content[:-1] + bytes([content[-1] ^ 1])


def write_other_format(content: bytes) -> bytes:
    """What a later version writes."""
    line, _, rest = content.partition(b"\n")
    envelope = msgspec.structs.replace(snapshots._decode_envelope(rest), format=2, written_by="9.0.0")
    return line + b"\n" + msgspec.msgpack.encode(envelope)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[: len(content) // 2], "it is no snapshot, or not all of one"),
        (lambda content: b"x" + content, "it does not begin with a version"),
        (lambda content: content[:10], "it does not begin with a version"),
        (break_digest, "its content is not what was written"),
        (write_other_format, "mockfoundry 9.0.0 wrote it"),
    ],
    ids=["half", "garbage", "beginning", "bit", "version"],
)
def test_what_can_not_be_read_is_told_and_never_overwritten(
    begin: OpenServer, folder: Path, change: Callable[[bytes], bytes], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The foundation is refused until somebody deletes its snapshot on purpose."""
    server = begin()
    server.ask(1, "POST", SCALE, {"instances": 7})
    server.save()
    file = folder / "team.snapshot"
    broken = change(file.read_bytes())
    file.write_bytes(broken)
    later = begin()
    for _ in range(2):
        answer = later.ask(2, "GET", READ)
        assert (answer.status, title_of(answer.body)) == (503, "Mock-SnapshotUnreadable")
        assert reason.encode() in answer.body
    made = later.ask(2, "PUT", "/__mock/foundations/team")
    assert (made.status, json.loads(made.body)["type"]) == (503, "urn:mockfoundry:SnapshotUnreadable")
    assert later.ask(2, "GET", "/foundations/other/v3/apps").status == 200
    later.save()
    assert file.read_bytes() == broken
    assert [each["foundation"] for each in health_of(later)["not_saved"]] == ["team"]
    assert sum("can't be read" in each.getMessage() for each in caplog.records) == 1
    assert later.ask(3, "DELETE", "/__mock/foundations/team").status == 204
    assert not file.exists()
    assert later.ask(4, "GET", READ).status == 200
    later.save()
    assert health_of(later)["not_saved"] == []


def test_the_snapshot_of_another_name_is_refused(begin: OpenServer, folder: Path) -> None:
    """Somebody has renamed a file."""
    server = begin()
    server.ask(1, "GET", READ)
    server.save()
    (folder / "team.snapshot").rename(folder / "other.snapshot")
    answer = begin().ask(2, "GET", "/foundations/other/v3/apps")
    assert b"it is that of the foundation 'team'" in answer.body


def test_a_store_that_is_away_is_told_and_everything_is_saved_when_it_is_back(
    begin: OpenServer, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = begin()
    server.ask(1, "POST", SCALE, {"instances": 7})
    server.save()
    folder.rename(tmp_path / "away")
    assert server.ask(2, "POST", SCALE, {"instances": 8}).status == 202
    server.save()
    server.save()
    told = health_of(server)
    assert (told["reachable"], told["problem"]) == (False, f"{folder}: No such file or directory")
    metrics = server.ask(2, "GET", "/__mock/metrics").body.decode().splitlines()
    assert {"mockfoundry_store_reachable 0.0", "mockfoundry_store_snapshots_total 1.0"} <= set(metrics)
    assert [each.levelname for each in caplog.records if "can't be reached" in each.getMessage()] == ["ERROR"]
    saved = server.ask(3, "POST", "/__mock/foundations/team/save")
    assert (saved.status, json.loads(saved.body)["type"]) == (503, "urn:mockfoundry:store-unreachable")
    (tmp_path / "away").rename(folder)
    server.save()
    assert health_of(server)["reachable"] is True
    assert b"mockfoundry_store_reachable 1.0" in server.ask(4, "GET", "/__mock/metrics").body
    assert instances_of(begin()) == 8


def test_that_the_store_was_away_is_no_problem_of_a_foundation(begin: OpenServer, folder: Path, tmp_path: Path) -> None:
    """One that is saved already stays so, and one that is refused goes on to say why, whoever asks for it meanwhile."""
    one, other = begin(), begin()
    for server in (one, other):
        server.ask(1, "GET", READ)
    for server in (one, other):
        server.save()
    (before,) = health_of(other)["not_saved"]
    assert health_of(one)["not_saved"] == []
    folder.rename(tmp_path / "away")
    for server in (one, other):
        assert server.ask(2, "POST", "/__mock/foundations/team/save").status == 503
    (tmp_path / "away").rename(folder)
    for server in (one, other):
        server.save()
    assert health_of(one)["not_saved"] == []
    assert health_of(other)["not_saved"] == [before]


def test_what_began_while_the_store_was_away_is_never_saved_over_what_that_has(
    begin: OpenServer, folder: Path, tmp_path: Path
) -> None:
    server = begin()
    server.ask(1, "POST", SCALE, {"instances": 7})
    server.save()
    later = begin()
    folder.rename(tmp_path / "away")
    folder.write_text("")
    later.ask(2, "POST", SCALE, {"instances": 8})
    folder.unlink()
    (tmp_path / "away").rename(folder)
    later.save()
    assert instances_of(later) == 8
    assert health_of(later)["refused"] == 1
    assert instances_of(begin()) == 7


def test_a_store_that_has_lost_everything_gets_everything_again(
    begin: OpenServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing has changed since it was saved, and yet it is written: a Redis without a disk has begun anew."""
    server = begin()
    server.ask(1, "POST", SCALE, {"instances": 7})
    server.save()
    (folder.parent / "other").mkdir()
    folder.rename(folder.parent / "before")
    (folder.parent / "other").rename(folder)
    with caplog.at_level(logging.WARNING):
        server.save()
    assert "everything is saved again" in caplog.text
    assert instances_of(begin()) == 7


def test_a_store_that_was_set_back_takes_what_this_process_has(begin: OpenServer, folder: Path) -> None:
    """An earlier snapshot leads to the one that it has read: nobody else wrote it."""
    server = begin()
    server.ask(1, "POST", SCALE, {"instances": 7})
    server.save()
    earlier = (folder / "team.snapshot").read_bytes()
    server.ask(2, "POST", SCALE, {"instances": 8})
    server.save()
    later = begin()
    later.ask(3, "GET", READ)
    (folder / "team.snapshot").write_bytes(earlier)
    later.save()
    assert health_of(later)["not_saved"] == []
    assert instances_of(begin()) == 8


def test_a_later_snapshot_stays_where_two_are_written_at_once(begin: OpenServer) -> None:
    """A call saves while the interval does: what was cut first never comes last."""
    server = begin()
    server.ask(1, "POST", SCALE, {"instances": 7})
    first = server.keeper.cut("team")
    server.ask(2, "POST", SCALE, {"instances": 8})
    second = server.keeper.cut("team")
    assert first is not None
    assert second is not None
    server.keeper.write(second)
    server.keeper.write(first)
    assert instances_of(begin()) == 8


def test_a_cut_is_of_one_moment(begin: OpenServer) -> None:
    """What is done while it is written is no part of it."""
    server = begin()
    server.ask(1, "POST", SCALE, {"instances": 7})
    foundation = server.service.registry.find("team")
    assert foundation is not None
    cut = cut_foundation(foundation)
    at_once = SnapshotWriter().write(cut)
    server.ask(2, "PUT", "/__mock/foundations/team/scenarios/organization-suspended")
    server.ask(3, "POST", SCALE, {"instances": 8})
    server.ask(4, "PATCH", "/__mock/foundations/team/clock", {"advance": "1h"})
    later, first = (SnapshotReader().read("team", each) for each in (SnapshotWriter().write(cut), at_once))
    assert world_to_values(later.state.world) == world_to_values(first.state.world)
    assert later.journal == first.journal
    assert later.state.progress == first.state.progress


def test_foundations_of_several_seeds_are_written_as_if_each_were_alone(begin: OpenServer) -> None:
    """What they began as is encoded once for those that share it, and never for another one."""
    server = begin()
    names = [f"team-{number}" for number in range(8)]
    for number, name in enumerate(names):
        seed = {"users": [{"name": f"of-{number % 4}"}]} if number % 4 else None
        server.ask(number, "PUT", f"/__mock/foundations/{name}", seed)
        server.ask(number, "PATCH", f"/__mock/foundations/{name}/state", {"feature_flags": {"app_scaling": False}})
    found = [server.service.registry.find(each) for each in names]
    cuts = [cut_foundation(each) for each in found if each is not None]
    writer = SnapshotWriter()
    written = [writer.write(each) for each in (*cuts, *cuts[::-1])]
    assert written == [SnapshotWriter().write(each) for each in (*cuts, *cuts[::-1])]
    read = [SnapshotReader().read(name, snapshot).state for name, snapshot in zip(names, written, strict=False)]
    assert [world_to_values(each.initial_world) for each in read] == [
        world_to_values(each.initial_world) for each in cuts
    ]


def test_a_snapshot_that_is_too_large_is_told(begin: OpenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MAX_SNAPSHOT_BYTES", 1000)
    server = begin()
    server.ask(1, "GET", READ)
    server.save()
    (told,) = health_of(server)["not_saved"]
    assert "a snapshot may have 1000" in told["reason"]
    foundation = server.service.registry.find("team")
    assert foundation is not None
    assert not server.keeper.has_changed(foundation)
    assert server.ask(2, "POST", "/__mock/foundations/team/save").status == 409


def test_a_server_without_a_store_says_so() -> None:
    server = Still()
    server.ask(1, "GET", READ)
    answer = server.ask(2, "POST", "/__mock/foundations/team/save")
    assert (answer.status, json.loads(answer.body)["type"]) == (409, "urn:mockfoundry:no-store")
    assert health_of(server) is None


def test_there_are_no_more_foundations_than_there_may_be(begin: OpenServer) -> None:
    server = begin()
    for name in ("one", "other"):
        server.ask(1, "GET", f"/foundations/{name}/v3/apps")
    server.save()
    later = begin()
    later.service.registry.bounds = msgspec.structs.replace(later.service.registry.bounds, foundations=1)
    assert later.ask(2, "GET", "/foundations/one/v3/apps").status == 200
    refused = later.ask(2, "GET", "/foundations/other/v3/apps")
    assert (refused.status, title_of(refused.body)) == (503, "Mock-TooManyFoundations")


def test_a_journal_that_is_read_keeps_within_the_bounds(begin: OpenServer) -> None:
    server = begin()
    for moment in range(1, 30):
        server.ask(moment, "GET", READ)
    server.save()
    later = begin()
    later.service.registry.bounds = msgspec.structs.replace(later.service.registry.bounds, journal=5_000)
    journal = json.loads(later.ask(50, "GET", "/__mock/foundations/team").body)["journal"]
    assert journal["recorded"] == 29
    assert 0 < journal["held"] < 29
    assert journal["dropped"] == 29 - journal["held"]


def test_a_server_saves_at_its_end(folder: Path) -> None:
    with serving(store=f"file:{folder}") as server:
        server.client.post(SCALE, json={"instances": 7})
        assert list(folder.iterdir()) == []
    assert instances_of(Still(lambda: FileStore(folder))) == 7


def test_a_server_saves_on_an_interval(folder: Path) -> None:
    with serving(store=f"file:{folder}", store_interval=20_000) as server:
        server.client.post(SCALE, json={"instances": 7})
        file = folder / "team.snapshot"
        eventually(file.exists, what="it is saved")
        first = file.read_bytes()
        server.client.post(SCALE, json={"instances": 8})
        eventually(lambda: file.read_bytes() != first, what="it is saved again")


@pytest.mark.parametrize("door", get_args(DoorName))
def test_each_door_looks_foundations_up(folder: Path, door: DoorName) -> None:
    """By the path, by a token, at a log-in, and where a journal is followed."""
    with serving(store=f"file:{folder}", door=door) as server:
        server.client.post(SCALE, json={"instances": 7})
        minted = server.client.post("/__mock/foundations/team/tokens", json={}).json()["access_token"]
    for path, headers in (
        (READ, {}),
        (f"/v3/processes/{WEB}", {"Authorization": f"bearer {minted}"}),
        (f"/v3/processes/{WEB}", {"X-Mock-Foundation": "team"}),
    ):
        with serving(store=f"file:{folder}", door=door) as server:
            assert server.client.get(path, headers=headers).json()["instances"] == 7
    with serving(store=f"file:{folder}", door=door) as server:
        form = {"grant_type": "password", "username": "admin", "password": "x"}
        as_cf = {"Authorization": "Basic Y2Y6"}
        log_in = server.client.post("/foundations/team/oauth/token", data=form, headers=as_cf)
        assert log_in.status_code == 200
        assert server.client.get(READ).json()["instances"] == 7
    with (
        serving(store=f"file:{folder}", door=door) as server,
        server.client.stream("GET", "/__mock/foundations/team/requests?follow=true") as stream,
    ):
        assert stream.status_code == 200
        assert json.loads(next(stream.iter_lines()))["number"] == 1


def test_one_snapshot_that_is_blocked_keeps_no_other_from_being_saved_or_read(
    begin: OpenServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "blocked.snapshot").mkdir(parents=True)
    server = begin()
    refused = server.ask(1, "GET", "/foundations/blocked/v3/apps")
    assert (refused.status, b"Mock-SnapshotUnreadable" in refused.body) == (503, True)
    assert server.ask(2, "POST", SCALE, {"instances": 7}).status == 202
    server.save()
    assert health_of(server)["reachable"] is True
    later = begin()
    assert later.ask(1, "GET", "/foundations/blocked/v3/apps").status == 503
    assert instances_of(later) == 7
    assert "can't be reached" not in caplog.text


def test_what_changes_while_the_last_round_is_written_is_saved_too(begin: OpenServer) -> None:
    server = begin()
    server.ask(1, "POST", SCALE, {"instances": 7})

    async def end_in_the_middle() -> None:
        saver = SnapshotSaver(server.keeper, server.service.registry, 0.0)
        write, begun = server.keeper.write, threading.Event()

        def write_slowly(pending: PendingSave) -> None:
            begun.set()
            write(pending)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(server.keeper, "write", write_slowly)
            saver.start()
            await asyncio.to_thread(begun.wait, DEADLINE_SECONDS)
            server.ask(2, "POST", SCALE, {"instances": 8})
            await saver.end()

    asyncio.run(end_in_the_middle())
    assert instances_of(begin()) == 8


def test_a_store_that_stays_unreachable_is_told_once(
    begin: OpenServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = begin()
    server.ask(1, "GET", READ)
    folder.rmdir()
    folder.write_text("no folder")
    for _ in range(3):
        server.save()
        server.ask(2, "GET", "/foundations/other/v3/apps")
    assert health_of(server)["reachable"] is False
    assert [each.levelname for each in caplog.records if "reached" in each.getMessage()] == ["ERROR"]

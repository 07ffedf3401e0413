"""Whatever is asked, a foundation that is saved and read again at any step answers as one that stayed in memory."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mockfoundry.store.files import FileStore
from mockfoundry.store.redis import RedisStore
from mockfoundry.store.versions import SnapshotStore
from tests.searching import examples
from tests.serving import WEB
from tests.store.keeping import Still
from tests.store.redis_process import RedisProcess

NAMES = st.sampled_from(["team-a", "Team-A", "x.y_z"])
SCENARIOS = st.sampled_from(
    [
        *("conflict-then-ok", "organization-suspended", "quota-instances", "deployment-in-flight", "crash-loop"),
        *("flaky", "stale-reads", "maintenance-window", "cool-down", "guid-reused", "unavailable-after-scales"),
    ]
)
READS = st.sampled_from(
    [
        *("/v3/apps", f"/v3/processes/{WEB}", f"/v3/processes/{WEB}/stats", "/v3/deployments", "/v3/audit_events"),
        *("/v3/organizations", "/v3/feature_flags", "/v3/jobs/none", "/v3/nothing", "/v3/processes?per_page=1&page=2"),
    ]
)
LOOKS = st.sampled_from(
    ["", "/state", "/changes", "/scenarios", "/requests", "/clock", "/coverage?operation=scaleProcess", "/retries"]
)
CHANGES = st.sampled_from(
    [
        {"settings": {"start_seconds": 7, "rate_limit": {"requests": 3, "unauthenticated": 1, "admins": 5}}},
        {"feature_flags": {"app_scaling": False}},
        {"organizations": [{"name": "org", "suspended": True}]},
        {"users": [{"name": "carol", "password": "secret"}]},
    ]
)


class SavedAtAnyStep(RuleBasedStateMachine):
    """One server that keeps its foundations in memory, and others that end and begin again, asked the same.

    Attributes:
        open_stores: open the stores of the others.
    """

    open_stores: tuple[Callable[[Path], Callable[[], SnapshotStore]], ...]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.sides = [Still(), *(Still(each(self.folder)) for each in self.open_stores)]
        self.moment = 0
        self.deleted: set[str] = set()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def ask(self, method: str, path: str, body: Any = None) -> None:
        """Asks all of them the same, and holds their answers against each other, to the last byte."""
        self.moment += 250_000
        first, *others = [each.ask(self.moment, method, path, body) for each in self.sides]
        for other in others:
            assert (other.status, other.headers, other.body, other.reason) == (
                *(first.status, first.headers, first.body, first.reason),
            )

    def name(self, name: str) -> str:
        """A name whose foundation may be made by a request: who was deleted stays so in one process alone."""
        if name in self.deleted:
            self.ask("PUT", f"/__mock/foundations/{name}")
            self.deleted.discard(name)
        return name

    def is_there(self, name: str) -> bool:
        return self.sides[0].service.registry.find(name) is not None

    @rule(side=st.integers(0, 9))
    def save_and_read(self, side: int) -> None:
        self.sides[side % len(self.sides)].begin_again()

    @rule(side=st.integers(0, 9))
    def save(self, side: int) -> None:
        found = self.sides[side % len(self.sides)]
        if found.service.keeper is not None:
            found.save()

    @rule(name=NAMES, instances=st.integers(0, 9))
    def scale(self, name: str, instances: int) -> None:
        self.ask("POST", f"/foundations/{self.name(name)}/v3/processes/{WEB}/actions/scale", {"instances": instances})

    @rule(name=NAMES, action=st.sampled_from(["start", "stop", "restart"]))
    def act_on_the_app(self, name: str, action: str) -> None:
        foundation = self.sides[0].service.registry.find(self.name(name))
        if foundation is not None:
            app = next(iter(foundation.world.apps))
            self.ask("POST", f"/foundations/{name}/v3/apps/{app}/actions/{action}")
            self.ask("POST", f"/foundations/{name}/v3/deployments", {"relationships": {"app": {"data": {"guid": app}}}})

    @rule(name=NAMES, number=st.sampled_from([2**70, -1, 1.5]))
    def play_own(self, name: str, number: float) -> None:
        """Numbers in JSON have no end, those of MessagePack do."""
        rule_ = {"operation": "getProcess", "times": 2, "respond": {"status": 404, "body": {"number": number}}}
        self.ask("PUT", f"/__mock/foundations/{self.name(name)}/scenarios/own", {"scenario": "own", "rules": [rule_]})

    @rule(name=NAMES, path=READS)
    def read(self, name: str, path: str) -> None:
        self.ask("GET", f"/foundations/{self.name(name)}{path}")

    @rule(name=NAMES, path=LOOKS)
    def look(self, name: str, path: str) -> None:
        if self.is_there(name):
            self.ask("GET", f"/__mock/foundations/{name}{path}")

    @rule(name=NAMES, scenario=SCENARIOS, off=st.booleans())
    def play(self, name: str, scenario: str, off: bool) -> None:
        path = f"/__mock/foundations/{self.name(name)}/scenarios/{scenario}"
        self.ask("DELETE" if off else "PUT", path)

    @rule(name=NAMES, seconds=st.integers(1, 90))
    def advance(self, name: str, seconds: int) -> None:
        self.ask("PATCH", f"/__mock/foundations/{self.name(name)}/clock", {"advance": f"{seconds}s"})

    @rule(name=NAMES, change=CHANGES)
    def patch(self, name: str, change: dict[str, Any]) -> None:
        self.ask("PATCH", f"/__mock/foundations/{self.name(name)}/state", change)

    @rule(name=NAMES)
    def reset(self, name: str) -> None:
        if self.is_there(name):
            self.ask("POST", f"/__mock/foundations/{name}/reset")

    @rule(name=NAMES)
    def clear(self, name: str) -> None:
        if self.is_there(name):
            self.ask("DELETE", f"/__mock/foundations/{name}/requests")

    @rule(name=NAMES, other=NAMES)
    def copy(self, name: str, other: str) -> None:
        if self.is_there(name):
            self.ask("POST", f"/__mock/foundations/{name}/copy", {"as": other, "replace": True})
            self.deleted.discard(other)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        if self.is_there(name):
            self.ask("DELETE", f"/__mock/foundations/{name}")
            self.deleted.add(name)

    @invariant()
    def nothing_is_left_unsaved(self) -> None:
        for each in self.sides[1:]:
            assert each.keeper.describe().not_saved == {}


def open_files(folder: Path) -> Callable[[], SnapshotStore]:
    return lambda: FileStore(folder / "store")


class SavedInFiles(SavedAtAnyStep):
    open_stores = (open_files,)


TestSavedInFiles = SavedInFiles.TestCase
TestSavedInFiles.settings = settings(max_examples=examples(12), stateful_step_count=20)


@pytest.mark.long
def test_saved_in_files_and_in_redis(redis: RedisProcess) -> None:
    class SavedInBoth(SavedAtAnyStep):
        open_stores = (open_files, lambda _: lambda: RedisStore(redis.url))

        def __init__(self) -> None:
            redis.forget_all()
            super().__init__()

    run_state_machine_as_test(SavedInBoth, settings=settings(max_examples=examples(10), stateful_step_count=30))

"""What a scenario can promise of a cf session, and which of its requests a promise is about. Knows no scenario."""

from collections.abc import Callable, Iterable
from typing import Any

import httpx

from mockfoundry.client.in_process import InProcess
from tests.clients.cf_session import Step, Waits, play_session


class Session:
    """A session under one scenario. alice is a developer; `admin` may be played too."""

    def __init__(self, server: InProcess, waits: Waits, scenario: str) -> None:
        self._server, self._waits, self._scenario = server, waits, scenario

    def play(self, user: str = "alice", times: int = 1) -> list[Step]:
        """What came of every request. Whoever logs in gets in: that is held here, for all scenarios."""
        steps = play_session(self._server, self._waits, self._scenario, user, times)
        assert [step for step in steps if step.is_log_in and not step.is_as_recorded] == []
        return steps

    def play_without(self) -> list[Step]:
        """The same session where nothing is played."""
        return play_session(self._server, self._waits, "", "alice")


Promise = Callable[[Session], None]


def must_differ(steps: list[Step], expected: Iterable[Step]) -> None:
    """Fails unless exactly these steps have another status than on a foundation where all is well."""
    assert [str(step) for step in steps if not step.is_as_recorded] == [str(step) for step in expected]


def scales_of(steps: list[Step], process: str = "") -> list[Step]:
    """The scales, of all processes or of one type."""
    return [step for step in steps if step.is_scale and process in ("", step.process)]


def first_scales(steps: list[Step], times: int = 1) -> list[Step]:
    """The first scales of each process, in the session's order."""
    first = scales_of(steps, "web")[:times] + scales_of(steps, "worker")[:times]
    return [step for step in steps if step in first]


def every_scale(status: int, title: str, also: Callable[[httpx.Response], bool] = lambda _: True) -> Promise:
    """Every scale is refused, and nothing is changed by it.

    Args:
        also: what else holds for each answer.
    """

    def check(session: Session) -> None:
        steps = session.play()
        scales = scales_of(steps)
        must_differ(steps, scales)
        assert {(step.status, step.error) for step in scales} == {(status, title)}
        assert [step for step in scales if not also(step.answer)] == []
        assert set(instances_seen(steps)) == {(1, 0)}

    return check


def processes_seen(steps: list[Step]) -> list[dict[str, Any]]:
    """Each list of the app's processes, by their types, before the deployment makes another web."""
    lists = [step for step in steps if step.recorded.path == "/v3/apps/{app}/processes" and step.status == 200]
    early = [step.resources for step in lists if "rolling" not in step.command]
    return [{process["type"]: process for process in processes} for processes in early]


def instances_seen(steps: list[Step]) -> list[tuple[int, int]]:
    """How many instances web and worker have in each of these lists."""
    return [(types["web"]["instances"], types["worker"]["instances"]) for types in processes_seen(steps)]


def first_scales_refused(times: int, status: int, title: str, retry_after: str | None = None) -> Promise:
    """The first scales of each process are refused, and the next ones work."""

    def check(session: Session) -> None:
        steps = session.play()
        refused = first_scales(steps, times)
        must_differ(steps, refused)
        assert {(step.status, step.error, step.answer.headers.get("retry-after")) for step in refused} == {
            (status, title, retry_after)
        }

    return check


def first_answer_lost(error: type[httpx.TransportError], words: str, *, kept: bool) -> Promise:
    """No answer comes to the first scale of each process, and its change is kept or not."""

    def check(session: Session) -> None:
        steps = session.play()
        lost = first_scales(steps)
        must_differ(steps, lost)
        for step in lost:
            assert type(step.outcome) is error
            assert words in str(step.outcome)
        before = {False: (1, 0), True: (3, 0)}[kept]
        after = {False: (3, 0), True: (3, 2)}[kept]
        assert (seen_after(steps, lost[0]), seen_after(steps, lost[1])) == (before, after)

    return check


def seen_after(steps: list[Step], step: Step) -> tuple[int, int]:
    return instances_seen(steps[steps.index(step) :])[0]


def chance(status: int, title: str, share: float, chosen: Callable[[Step], bool], times: int = 1) -> Promise:
    """A share of some requests fails, and the same ones for the same seed."""

    def check(session: Session) -> None:
        steps, again = (session.play(times=times) for _ in range(2))
        assert [step.status for step in steps] == [step.status for step in again]
        could_fail = [step for step in steps if chosen(step)]
        failed = [step for step in could_fail if step.status == status and step.error == title]
        assert 0.4 * share < len(failed) / len(could_fail) < 2 * share
        assert [step for step in steps if step.error == title and step not in failed] == []

    return check


def refused_by_quota(words: str, chosen: Callable[[list[Step]], list[Step]]) -> Promise:
    def check(session: Session) -> None:
        steps = session.play()
        refused = chosen(steps)
        must_differ(steps, refused)
        assert {step.status for step in refused} == {422}
        assert [step.detail for step in refused if words not in step.detail] == []

    return check


def starts_of(steps: list[Step]) -> list[Step]:
    """Starts of the app, and of a deployment, which starts it anew beside itself."""
    paths = ("/v3/apps/{app}/actions/start", "/v3/deployments")
    return [step for step in steps if step.recorded.method == "POST" and step.recorded.path in paths]


def until_stopped(steps: list[Step]) -> list[Step]:
    """The steps before the app is stopped for the first time: it can't be started again without memory."""
    (first, *_) = (number for number, step in enumerate(steps) if step.recorded.path.endswith("/actions/stop"))
    return steps[:first]


def more_memory(steps: list[Step]) -> list[Step]:
    """What takes more memory: scales while the app runs, then each start. A stopped app's scales take none."""
    wanted = [*scales_of(until_stopped(steps)), *starts_of(steps)]
    return [step for step in steps if step in wanted]


def more_instances(steps: list[Step]) -> list[Step]:
    """What asks for more than one instance."""
    scales = [step for step in scales_of(steps) if '"instances"' in str(step.recorded.body)]
    deployments = [step for step in starts_of(steps) if step.recorded.path == "/v3/deployments"]
    return [step for step in steps if step in (*scales, *deployments)]


def instances_of(steps: list[Step], process: str = "") -> list[dict[str, Any]]:
    """Every instance in every answer with stats, of all processes or of one type."""
    answers = [step for step in steps if step.is_stats and step.status == 200 and process in ("", step.process)]
    return [instance for step in answers for instance in step.resources]


def started_under(steps: list[Step]) -> list[str]:
    """The states of instances that were started while the scenario played: all but the first, until it is restarted."""
    early = until_stopped(steps)
    added = [instance["state"] for instance in instances_of(early) if instance["index"] > 0]
    return added + [instance["state"] for instance in instances_of(steps[len(early) :])]


def runs_on(steps: list[Step]) -> bool:
    """Whether the instance that ran before the scenario runs until the app is stopped."""
    seen = instances_of(until_stopped(steps), "web")
    return {instance["state"] for instance in seen if instance["index"] == 0} == {"RUNNING"}

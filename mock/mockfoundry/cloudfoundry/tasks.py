"""Tasks: what a task is at a moment, from the clock alone. Never ticks, and never looks at an actor.

Source: cloud_controller_ng, app/models/runtime/task_model.rb, app/actions/task_create.rb and task_cancel.rb.
"""

from msgspec.structs import replace

from mockfoundry.cloudfoundry.app_parts import ENDED_STATES, Task
from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

HIDDEN = "[PRIVATE DATA HIDDEN]"
"""What events, and those who may not see it, have in place of what is private."""

CANCELED_REASON = "task was cancelled"
"""Why a task failed that was canceled, in the scheduler's words [bbs]."""


def task_at(task: Task, now: int) -> Task:
    """A task as it is at a moment: what runs succeeds in the end, and what is canceled fails."""
    if task.state in ENDED_STATES or task.seconds is None or now < task.updated_at + task.seconds:
        return task
    ended_at = task.updated_at + task.seconds
    if task.state == "CANCELING":
        return replace(task, state="FAILED", failure_reason=CANCELED_REASON, updated_at=ended_at)
    return replace(task, state="SUCCEEDED", updated_at=ended_at)


def list_tasks(app: App, now: int) -> list[Task]:
    """The tasks of an app as they are at a moment, in the order of their creation."""
    return [task_at(task, now) for task in app.tasks]


def find_task(world: World, guid: str, now: int) -> tuple[App, Task] | None:
    """The task of that guid as it is at a moment, with its app."""
    for app in world.apps.values():
        for task in app.tasks:
            if task.guid == guid:
                return app, task_at(task, now)
    return None


def record_task_event(world: World, kind: str, app: App, task: Task, actor: User, now: int) -> None:
    """Records what is done to a task, without its command [app/repositories/task_event_repository.rb]."""
    shown = {"name": task.name, "memory_in_mb": task.memory_in_mb, "command": HIDDEN}
    world.record_event(kind, app, actor, now, {"task_guid": task.guid, "request": shown})

"""Tasks: started and canceled, in the Cloud Controller's order. Never waits; the clock decides when one ends.

Source: cloud_controller_ng, app/controllers/v3/tasks_controller.rb, app/actions/task_create.rb, task_cancel.rb,
app/models/runtime/task_model.rb and app/models/runtime/constraints/.
"""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import (
    find_writable_app,
    require_app_manager,
    require_feature_flag,
)
from mockfoundry.cloudfoundry.api.app_parts.lists import require_readable
from mockfoundry.cloudfoundry.api.app_parts.presenters import present_task
from mockfoundry.cloudfoundry.api.app_parts.task_messages import find_template_guid, read_create_task_message
from mockfoundry.cloudfoundry.api.metadata import format_like_ruby
from mockfoundry.cloudfoundry.api.presenters import command_of
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.app_parts import ENDED_STATES, Task
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.constraints import ConstraintViolation, find_user_violations, format_violations
from mockfoundry.cloudfoundry.errors import (
    PROCESS_NOT_FOUND,
    RESOURCE_NOT_FOUND,
    TASK_WORKERS_UNAVAILABLE,
    UNPROCESSABLE_ENTITY,
    Refusal,
)
from mockfoundry.cloudfoundry.generator import derive_guid, derive_word
from mockfoundry.cloudfoundry.model import DEFAULT_DISK_IN_MB, DEFAULT_MEMORY_IN_MB, UNLIMITED, App, ProcessModel
from mockfoundry.cloudfoundry.organizations import Organization, Quota, Space
from mockfoundry.cloudfoundry.staging import list_droplets
from mockfoundry.cloudfoundry.tasks import find_task, list_tasks, record_task_event
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import NO_USAGE, QuotaUsage, World

NO_DROPLET = "Task must have a droplet. Specify droplet or assign current droplet to app."
NOT_RUN = "Unable to request task to be run"

MAX_COMMAND_LENGTH = 4096
MAX_TASKS = 1_000
"""How many tasks an app keeps, besides those that run; the oldest go first."""

# Starting


def create_task(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Starts a task of an app: it runs at once, and ends by itself."""
    require_feature_flag(world, "task_creation", actor)  # 403
    fields, now = read_create_task_message(request), request.now  # 422, 500
    app, space = find_writable_app(world, actor, request)  # 404, 403, 422 being deleted
    organization = world.organizations[space.organization]
    droplet = find_task_droplet(app, fields)  # 404, 422
    require_allowed_disk(world, fields)  # 422
    template = find_template(world, fields)  # 404
    task = build_task(world, app, fields, template, droplet, now)
    require_valid_task(world, task, space, organization, now)  # 422
    world.next_nonce()
    is_run = world.settings.platform == "available"
    task = task if is_run else replace(task, state="FAILED", failure_reason=NOT_RUN, seconds=None)
    world.put_app(replace(app, tasks=(*drop_oldest(list_tasks(app, now)), task)))
    record_task_event(world, "audit.app.task.create", app, task, actor, now)
    if not is_run:
        raise Refusal(TASK_WORKERS_UNAVAILABLE, why="world: settings.platform is unavailable")
    body = present_task(app, task, request.base, shows_secrets=True)
    return ApiResponse(202, body, "world: task started", tolerated_violations=request.violations)


def find_task_droplet(app: App, fields: dict[str, Any]) -> str | None:
    """The guid of the droplet that a task names; None where it takes the app's current one.

    Raises:
        Refusal: 404, where the app has no such droplet; 422, where it has no current one.
    """
    if "droplet_guid" in fields:
        guid: str | None = fields["droplet_guid"]
        if all(droplet.guid != guid for droplet in list_droplets(app)):
            raise Refusal(RESOURCE_NOT_FOUND, "Droplet not found", why=f"world: app {app.name} has no droplet {guid}")
        return guid
    if app.droplet is None:
        raise Refusal(UNPROCESSABLE_ENTITY, NO_DROPLET)
    return app.droplet.guid


def require_allowed_disk(world: World, fields: dict[str, Any]) -> None:
    """Raises Refusal (422) where a task asks for more disk than any process may have."""
    most = world.settings.maximum_disk_in_mb
    if fields.get("disk_in_mb") is not None and int(fields["disk_in_mb"]) > most:
        raise Refusal(UNPROCESSABLE_ENTITY, f"Cannot request disk_in_mb greater than {most}")


def find_template(world: World, fields: dict[str, Any]) -> ProcessModel | None:
    """The process that a task is to be like, of any app; raises Refusal (404) where it is not there."""
    if "template" not in fields:
        return None
    guid = find_template_guid(fields)
    process = world.processes.get(guid)
    if process is None:
        raise Refusal(PROCESS_NOT_FOUND, PROCESS_NOT_FOUND.fill_template(guid), "world: no process has this guid")
    return process


def build_task(
    world: World, app: App, fields: dict[str, Any], template: ProcessModel | None, droplet: str | None, now: int
) -> Task:
    """A task as a message asks for it, with the next number of the world, which it does not take yet.

    A null name or command is an empty one.
    """
    sequence_id = max((task.sequence_id for task in app.tasks), default=0) + 1
    guid = derive_guid(world.random_seed, "task", app.guid, world.nonce + 1)
    metadata = fields.get("metadata") or {}
    command = fields.get("command")
    if "command" not in fields and template is not None:
        command = command_of(template, world.apps[template.app])
    user = fields.get("user", None if template is None else template.user)
    return Task(
        guid=guid,
        sequence_id=sequence_id,
        name=read_text(fields["name"]) if "name" in fields else f"{derive_word(0, guid) & 0xFFFF_FFFF:08x}",
        command=read_text(command),
        created_at=now,
        updated_at=now,
        seconds=int(world.settings.task_seconds * SECOND),
        user=user,
        memory_in_mb=choose_number(fields, "memory_in_mb", template, DEFAULT_MEMORY_IN_MB),
        disk_in_mb=choose_number(fields, "disk_in_mb", template, DEFAULT_DISK_IN_MB),
        log_rate_limit_in_bytes_per_second=choose_number(
            fields, "log_rate_limit_in_bytes_per_second", template, UNLIMITED
        ),
        droplet=droplet,
        labels=drop_nulls(metadata.get("labels")),
        annotations=drop_nulls(metadata.get("annotations")),
    )


def read_text(value: Any) -> str:
    """A value as the database stores it in a column of text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else format_like_ruby(value)


def choose_number(fields: dict[str, Any], name: str, template: ProcessModel | None, default: int) -> int:
    if fields.get(name) is not None:
        return int(fields[name])
    return default if template is None else getattr(template, name)


def drop_nulls(given: dict[str, Any] | None) -> dict[str, str]:
    return {name: read_text(value) for name, value in (given or {}).items() if value is not None}


def drop_oldest(tasks: list[Task]) -> list[Task]:
    """The tasks that an app keeps beside another one."""
    ended = [task.guid for task in tasks if task.state in ENDED_STATES]
    gone = frozenset(ended[: max(0, len(ended) - MAX_TASKS + 1)])
    return [task for task in tasks if task.guid not in gone]


def require_valid_task(world: World, task: Task, space: Space, organization: Organization, now: int) -> None:
    """Checks what the database takes of a task, and that it fits into its quotas.

    Raises:
        Refusal: 422, with every violation, as the database's columns and texts.
    """
    violations = list(find_task_violations(world, task, space, organization, now))
    if violations:
        raise Refusal(UNPROCESSABLE_ENTITY, format_violations(violations))


def find_task_violations(
    world: World, task: Task, space: Space, organization: Organization, now: int
) -> Iterator[ConstraintViolation]:
    if not task.name:
        yield ConstraintViolation("name", "format")
    if not task.command.strip():
        yield ConstraintViolation("command", "presence")
    if len(task.command) > MAX_COMMAND_LENGTH:
        yield ConstraintViolation("command", f"must be shorter than {MAX_COMMAND_LENGTH + 1} characters")
    if not task.name.strip():
        yield ConstraintViolation("name", "presence")
    spaces = {each.guid for each in world.spaces.values() if each.organization == organization.guid}
    quota = world.quota_of(organization)
    yield from find_task_quota_violations(world, task, quota, organization, "organization", spaces, now)
    if space.quota is not None:
        yield from find_task_quota_violations(world, task, space.quota, space, "space", {space.guid}, now)
    yield from find_user_violations(task.user or "", world.settings.allowed_process_users)


def find_task_quota_violations(
    world: World, task: Task, quota: Quota, owner: Organization | Space, kind: str, spaces: set[str], now: int
) -> Iterator[ConstraintViolation]:
    """The limits of an organization or a space that a task breaks, beside the processes and tasks that run there.

    Args:
        spaces: that the owner's quota counts for, by guid.
    """
    tasks = [
        each
        for app in world.apps.values()
        if app.tasks and app.space in spaces
        for each in list_tasks(app, now)
        if each.state in ("PENDING", "RUNNING")
    ]
    usage: QuotaUsage = world.usage.get(owner.guid, NO_USAGE)
    limit = quota.total_memory_in_mb
    taken = usage.memory + sum(each.memory_in_mb for each in tasks)
    if limit is not None and limit - taken < task.memory_in_mb:
        yield ConstraintViolation("memory_in_mb", f"exceeds {kind} memory quota")
    limit = quota.per_process_memory_in_mb
    if limit is not None and task.memory_in_mb > limit:
        yield ConstraintViolation("memory_in_mb", f"exceeds {kind} instance memory quota")
    limit, wanted = quota.log_rate_limit_in_bytes_per_second, task.log_rate_limit_in_bytes_per_second
    if limit is not None:
        if wanted == UNLIMITED:
            yield ConstraintViolation("log_rate_limit", f"cannot be unlimited in {kind} '{owner.name}'.")
        taken = usage.log_rate + sum(each.log_rate_limit_in_bytes_per_second for each in tasks)
        if limit - taken < wanted:
            yield ConstraintViolation("log_rate_limit", f"exceeds {kind} log rate quota")
    limit = quota.per_app_tasks
    if limit is not None and limit <= len(tasks):
        yield ConstraintViolation("app_task_limit", "quota exceeded")


# Canceling


def find_managed_task(world: World, actor: User, request: ApiRequest) -> tuple[App, Task]:
    """The task that a path names, which the actor may cancel, with its app.

    Raises:
        Refusal: 404, if there is none or the actor may not read its space; then 403 or 422, as for the app.
    """
    found = find_task(world, request.path["guid"], request.now)
    app, task, space = require_readable(world, actor, found, "Task")
    require_app_manager(actor, space, world.organizations[space.organization])
    return app, task


def cancel_task(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Cancels a task that has not ended: it fails in as long as an instance takes to stop."""
    now = request.now
    app, task = find_managed_task(world, actor, request)  # 404, 403, 422 being deleted
    if task.state in ENDED_STATES:
        text = f"Task state is {task.state} and therefore cannot be canceled"
        raise Refusal(UNPROCESSABLE_ENTITY, text)
    seconds = int(world.settings.stop_seconds * SECOND)
    is_canceling = task.state == "CANCELING"
    canceling = task if is_canceling else replace(task, state="CANCELING", updated_at=now, seconds=seconds)
    world.put_app(replace(app, tasks=tuple(canceling if each.guid == task.guid else each for each in app.tasks)))
    record_task_event(world, "audit.app.task.cancel", app, canceling, actor, now)
    body = present_task(app, canceling, request.base, shows_secrets=True)
    return ApiResponse(202, body, "world: task is canceled", (), request.violations, not is_canceling)

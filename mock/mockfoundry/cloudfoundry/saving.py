"""Saving: what the model checks of a process whenever it is saved, by scale, update or start. Never changes anything.

Source: cloud_controller_ng, app/models/runtime/process_model.rb (`validation_policies`) and
app/models/runtime/constraints/.
"""

from collections.abc import Iterator

from mockfoundry.cloudfoundry.entities import App, HealthCheck, Organization, Process, Space
from mockfoundry.cloudfoundry.errors import UNPROCESSABLE_ENTITY, refuse
from mockfoundry.cloudfoundry.messages.update import is_path
from mockfoundry.cloudfoundry.quotas import Fault, quota_faults
from mockfoundry.cloudfoundry.world import World

USUAL_USER = "vcap"

SIDECARS_NEED_MORE = "The requested memory allocation is not large enough to run all of your sidecar processes"


def must_be_savable(
    world: World,
    app: App,
    space: Space,
    organization: Organization,
    before: Process,
    after: Process,
    was_started: bool = True,
) -> None:
    """Checks a new value of a process.

    Args:
        app: as it is to be.
        was_started: whether the app was started before, where it is to be.

    Raises:
        Refusal: 422, with everything that the model minds, in the database's words.
    """
    settings = world.settings
    faults: list[Fault] = []
    if app.state == "STARTED" and (space.quota is not None or organization.quota is not None):
        faults = quota_faults(world, space, organization, before if was_started else None, after)
    if after.disk_in_mb > settings.maximum_disk_in_mb:
        most = settings.maximum_disk_in_mb
        asked = f"requested {after.disk_in_mb} MB - must be less than {most} MB"
        faults.insert(0, Fault("disk_quota", f"too much disk requested ({asked})", "settings.maximum_disk_in_mb"))
    check, readiness = after.health_check, after.readiness_health_check
    if check.timeout is not None or check.type == "http":
        faults += check_faults("", check, settings.maximum_health_check_timeout_in_seconds)
    if readiness.type == "http":
        faults += check_faults("readiness ", readiness, None)
    if after.user is not None:
        faults += user_faults(after.user, settings.allowed_process_users)
    if app.sidecars and before.memory_in_mb != after.memory_in_mb and sidecar_memory(app, after) >= after.memory_in_mb:
        taken = f"the sidecars take {sidecar_memory(app, after)} MB of {after.memory_in_mb}"
        raise refuse(UNPROCESSABLE_ENTITY, SIDECARS_NEED_MORE, f"world: {taken}")
    if faults:
        words = joined(faults)
        limits = "; ".join(each.limit for each in faults if each.limit)
        raise refuse(UNPROCESSABLE_ENTITY, words, f"world: {words}{f' ({limits})' if limits else ''}")


def joined(faults: list[Fault]) -> str:
    """Faults as one text: those of one column together, in the order of each column's first."""
    columns = dict.fromkeys(each.column for each in faults)
    return ", ".join(f"{column} {each.text}" for column in columns for each in faults if each.column == column)


def check_faults(kind: str, check: HealthCheck, longest: int | None) -> Iterator[Fault]:
    column = f"{kind}health_check".replace(" ", "_")
    if longest is not None and check.timeout is not None and check.timeout > longest:
        yield Fault(f"{column}_timeout", f"Maximum exceeded: max {longest}s")
    if check.type == "http" and not is_path(check.endpoint):
        path = check.endpoint or ""
        yield Fault(f"{column}_http_endpoint", f"HTTP {kind}health check endpoint is not a valid URI path: {path}")


def user_faults(user: str, allowed: tuple[str, ...]) -> Iterator[Fault]:
    permitted = (USUAL_USER, *allowed)
    if user.strip() and user.lower() not in {each.lower() for each in permitted}:
        names = ", ".join(f"'{each}'" for each in permitted)
        yield Fault("user", f"invalid (requested user '{user}' not allowed, permitted users are: {names})")


def sidecar_memory(app: App, process: Process) -> int:
    """What the sidecars of a process take of its memory."""
    return sum(each.memory_in_mb or 0 for each in app.sidecars if process.type in each.process_types)

"""What each client can't do without in an answer: left out, the client fails. Found by leaving out each field once.

`*` stands for every element of a list, and for every member of an object.
"""

import re
from collections.abc import Iterator
from typing import Any

JAVA_PROCESS = (
    "guid", "created_at", "type", "command", "instances", "memory_in_mb", "disk_in_mb", "health_check.type",
    "readiness_health_check.type", "relationships", "metadata",
)  # fmt: skip
JAVA_LIST = ("pagination.first.href", "pagination.last.href", "pagination.total_pages")
JAVA_APP = (
    "guid", "created_at", "name", "state", "lifecycle.type", "lifecycle.data", "relationships.space",
)  # fmt: skip


def each(fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"resources.*.{field}" for field in fields)


NEEDED_FIELDS: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "python": (
        ("GET", r"/", ("links", "links.cloud_controller_v3.href", "links.login.href")),
        ("POST", r"/oauth/token", ("access_token", "refresh_token")),
        ("GET", r"/v3/apps", each(("guid", "links.processes.href", "links.start.href", "links.stop.href"))),
        ("GET", r"/v3/apps/[^/]+", ("guid", "links.processes.href", "links.start.method", "links.stop.method")),
        ("GET", r"/v3/apps/[^/]+/processes", each(("guid", "links.scale.href", "links.scale.method"))),
        ("GET", r"/v3/processes", each(("guid", "links.*.href"))),
        (
            "GET",
            r"/v3/processes/[^/]+",
            (
                "guid", "links.*.href", "links.scale.href", "links.scale.method", "links.stats.href", "links.app.href",
                "links.space.href", "links.process_instances.href",
            ),
        ),
        ("GET", r".*/stats", each(("index", "state"))),
        ("POST", r".*/actions/scale", ("guid", "instances", "links.*.href")),
        ("GET", r"/v3/(organizations|spaces)", each(("guid", "name", "links.*.href"))),
    ),
    "go": (
        ("GET", r"/", ("links.uaa.href",)),
        ("POST", r"/oauth/token", ("access_token",)),
        ("GET", r"/v3/apps", ("resources", *each(("guid", "name", "state", "lifecycle.data")))),
        ("GET", r"/v3/apps/[^/]+", ("guid", "lifecycle.data", "included.spaces.0.guid")),
        ("GET", r"/v3/(organizations|spaces)", each(("guid", "name"))),
        ("POST", r"/v3/deployments", ("guid", "status.value", "status.reason")),
    ),
    "java": (
        ("GET", r"/v2/info", ("authorization_endpoint",)),
        ("POST", r"/oauth/token", ("access_token", "token_type")),
        ("GET", r"/v3/apps", (*JAVA_LIST, *each(JAVA_APP))),
        ("GET", r"/v3/apps/[^/]+", JAVA_APP),
        ("GET", r"/v3/processes|/v3/apps/[^/]+/processes", (*JAVA_LIST, *each(JAVA_PROCESS))),
        ("GET", r"/v3/processes/[^/]+", JAVA_PROCESS),
        ("GET", r".*/stats", each(("type", "uptime", "host", "fds_quota", "state"))),
        ("POST", r".*/actions/scale", JAVA_PROCESS),
        ("GET", r"/v3/(organizations|spaces)", (*JAVA_LIST, *each(("guid", "name", "links.*.href")))),
    ),
    "cf": (
        ("GET", r"/", ("links.login.href", "links.cloud_controller_v3.meta.version")),
        ("GET", r"/login", ("prompts.username.1", "prompts.password.1")),
        ("POST", r"/oauth/token", ("access_token", "refresh_token", "token_type")),
        ("GET", r"/v3/(organizations|spaces)", each(("guid", "name"))),
        ("GET", r"/v3/apps", ("resources", *each(("guid", "name", "state")))),
        ("GET", r"/v3/apps/[^/]+/processes", each(("guid", "type", "memory_in_mb"))),
        ("GET", r"/v3/processes", each(("type", "relationships.app.data.guid"))),
        ("GET", r".*/stats", each(("state",))),
        ("GET", r".*/(sidecars|routes|deployments)", ("resources",)),
        ("GET", r"/v3/packages", each(("guid",))),
        ("GET", r"/v3/packages/[^/]+/droplets", ("resources",)),
        ("POST", r"/v3/deployments", ("guid", "status.value", "status.reason", "new_processes.*.guid")),
        ("GET", r"/v3/deployments/[^/]+", ("guid", "status.value", "status.reason")),
        ("GET", r"/v3/audit_events", each(("created_at", "type", "actor.name", "data"))),
    ),
}  # fmt: skip
"""By client: method, path without prefix, and the places of the fields."""


def missing_fields(client: str, method: str, path: str, answer: Any) -> list[str]:
    """The places where an answer lacks what the client needs; null is as good as nothing."""
    return [
        place
        for needed_method, pattern, places in NEEDED_FIELDS[client]
        if needed_method == method and re.fullmatch(pattern, path)
        for place in places
        if any(found is None for found in values_at(answer, place.split(".")))
    ]


def values_at(value: Any, steps: list[str]) -> Iterator[Any]:
    """Every value at a place; None for each that is not there."""
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step == "*":
        members = value.values() if isinstance(value, dict) else value
        for member in members or ():
            # A link that is null is none: clients skip it.
            if member is not None:
                yield from values_at(member, rest)
    elif isinstance(value, list):
        yield from values_at(value[int(step)] if int(step) < len(value) else None, rest)
    else:
        yield from values_at(value.get(step) if isinstance(value, dict) else None, rest)

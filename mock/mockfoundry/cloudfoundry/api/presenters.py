"""Presenters: processes, instances and pages as JSON, keys in the Cloud Controller's order. Never decides anything.

Parts that are the same in many responses are encoded once and shared, so a presented value must not be changed inside.
Source: cloud_controller_ng, app/presenters/v3/ (process_presenter.rb, process_instances_presenter.rb,
paginated_list_presenter.rb) and lib/cloud_controller/paging/.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import msgspec

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.instances import Instance
from mockfoundry.cloudfoundry.model import DEFAULT_USER, App, HealthCheck, ProcessModel
from mockfoundry.documents.times import format_moment, format_second

HIDDEN_IN_LISTS = "[PRIVATE DATA HIDDEN IN LISTS]"

DEFAULT_DOCKER_USER = "root"


class HasMetadata(Protocol):
    """A resource with labels and annotations."""

    @property
    def labels(self) -> Mapping[str, str]: ...

    @property
    def annotations(self) -> Mapping[str, str]: ...


def command_of(process: ProcessModel, app: App) -> str:
    """The command of a process: its own, else the one that staging found, else none."""
    if process.command is not None and process.command.strip():
        return process.command
    return app.droplet.process_types.get(process.type, "") if app.droplet is not None else ""


def user_of(process: ProcessModel, app: App) -> str:
    """The user that runs a process: its own, else the default of its app's lifecycle."""
    if process.user is not None and process.user.strip():
        return process.user
    return DEFAULT_DOCKER_USER if app.lifecycle == "docker" else DEFAULT_USER


def present_process(
    process: ProcessModel, app: App, base: str, command: str, instances: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A process.

    Args:
        base: what links begin with.
        command: as the reader may see it.
        instances: already presented; None where they are not asked for.
    """
    guid = process.guid
    presented: dict[str, Any] = {
        "guid": guid,
        "created_at": format_second(process.created_at // SECOND),
        "updated_at": format_second(process.updated_at // SECOND),
        "version": process.version,
        "type": process.type,
        "command": command,
        "user": DEFAULT_USER if process.user is None and app.lifecycle != "docker" else user_of(process, app),
        "instances": process.instances,
        "memory_in_mb": process.memory_in_mb,
        "disk_in_mb": process.disk_in_mb,
        "log_rate_limit_in_bytes_per_second": process.log_rate_limit_in_bytes_per_second,
    }
    if process.registry_credential_last_synced_at is not None:
        presented["registry_credential_last_synced_at"] = format_moment(process.registry_credential_last_synced_at)
    presented["health_check"] = present_health_check(process.health_check)
    presented["readiness_health_check"] = present_readiness_health_check(process.readiness_health_check)
    if instances is not None:
        presented["process_instances"] = instances
    credential = process.registry_credential
    presented["relationships"] = present_relationships(process.app, process.revision, credential)
    presented["metadata"] = {"labels": process.labels, "annotations": process.annotations}
    presented["links"] = present_links(base, guid, process.app, app.space, credential)
    return presented


class KeptFragment(NamedTuple):
    """A process as it was last encoded, and what it was encoded with besides itself."""

    app: App
    base: str
    command: str
    fragment: msgspec.Raw


def encode_process(process: ProcessModel, app: App, base: str, command: str) -> msgspec.Raw:
    """A process without its instances, encoded once for each of its versions, however often it is read.

    That is kept with the version, and goes with it. Copies of a foundation share both.
    """
    kept: KeptFragment | None = process.__dict__.get("shown")
    if kept is None or kept.app is not app or kept.base != base or kept.command != command:
        fragment = encode_fragment(present_process(process, app, base, command))
        kept = process.__dict__["shown"] = KeptFragment(app, base, command, fragment)
    return kept.fragment


def encode_listed_processes(processes: Iterable[ProcessModel], apps: Mapping[str, App], base: str) -> list[msgspec.Raw]:
    """Processes as lists show them, each kept as by `encode_process`."""
    fragments: list[msgspec.Raw] = []
    for process in processes:
        app = apps[process.app]
        kept: KeptFragment | None = process.__dict__.get("listed")
        if kept is None or kept.app is not app or kept.base != base:
            fragment = encode_fragment(present_process(process, app, base, HIDDEN_IN_LISTS))
            kept = process.__dict__["listed"] = KeptFragment(app, base, HIDDEN_IN_LISTS, fragment)
        fragments.append(kept.fragment)
    return fragments


def present_metadata(entity: HasMetadata) -> dict[str, Any]:
    return {"labels": entity.labels, "annotations": entity.annotations}


def present_moment(moment: int) -> str:
    """A timestamp as resources have it: to the second."""
    return format_second(moment // SECOND)


def present_reference(guid: str | None) -> dict[str, Any]:
    """A relationship to one other resource, or to none."""
    return {"data": None if guid is None else {"guid": guid}}


def encode_fragment(value: dict[str, Any]) -> msgspec.Raw:
    """A part of a response, or the whole, encoded once for all responses that have it."""
    return msgspec.Raw(encode_like_rails(value))


_encode = msgspec.json.Encoder().encode

# Python looks for a number in bytes in a tenth of the time that it takes for bytes in bytes.
_AMPERSAND, _LESS, _GREATER = b"&<>"


def encode_like_rails(value: Any) -> bytes:
    """A value as JSON, where what HTML would take for its own is escaped [config/initializers/json.rb]."""
    content = _encode(value)
    if _AMPERSAND in content:
        content = content.replace(b"&", b"\\u0026")
    if _LESS in content or _GREATER in content:
        content = content.replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
    return content


@lru_cache(maxsize=8192)
def present_relationships(app: str, revision: str | None, credential: str | None) -> msgspec.Raw:
    presented: dict[str, Any] = {
        "app": {"data": {"guid": app}},
        "revision": None if revision is None else {"data": {"guid": revision}},
    }
    if credential is not None:
        presented["registry_credential"] = {"data": {"guid": credential}}
    return encode_fragment(presented)


MAX_KEPT_LINKS = 16_384
"""Of how many processes the links are kept: ten thousand foundations that are asked by path have as many bases."""


@lru_cache(maxsize=MAX_KEPT_LINKS)
def present_links(base: str, guid: str, app: str, space: str, credential: str | None) -> msgspec.Raw:
    url = f"{base}/v3/processes/{guid}"
    presented: dict[str, Any] = {
        "self": {"href": url},
        "scale": {"href": f"{url}/actions/scale", "method": "POST"},
        "app": {"href": f"{base}/v3/apps/{app}"},
        "space": {"href": f"{base}/v3/spaces/{space}"},
        "stats": {"href": f"{url}/stats"},
        "process_instances": {"href": f"{url}/process_instances"},
    }
    if credential is not None:
        presented["registry_credential"] = {"href": f"{base}/v3/registry_credentials/{credential}"}
    return encode_fragment(presented)


@lru_cache(maxsize=1024)
def present_health_check(check: HealthCheck) -> msgspec.Raw:
    data: dict[str, Any] = {
        "timeout": check.timeout,
        "invocation_timeout": check.invocation_timeout,
        "interval": check.interval,
    }
    if check.type == "http":
        data["endpoint"] = check.endpoint
    return encode_fragment({"type": check.type, "data": data})


@lru_cache(maxsize=1024)
def present_readiness_health_check(check: HealthCheck) -> msgspec.Raw:
    data: dict[str, Any] = {"invocation_timeout": check.invocation_timeout, "interval": check.interval}
    if check.type == "http":
        data["endpoint"] = check.endpoint
    return encode_fragment({"type": check.type, "data": data})


def present_instances(instances: Iterable[Instance], stopped: bool, now: int) -> list[dict[str, Any]]:
    """Instances in short: index, state and for how many seconds they have it, unknown where their app is stopped."""
    return [
        {
            "index": each.index,
            "state": each.state,
            "since": None if stopped or each.since is None else max(0, now - each.since) // SECOND,
        }
        for each in instances
    ]


def present_process_instances(process: ProcessModel, instances: list[dict[str, Any]], base: str) -> dict[str, Any]:
    """The instances of a process with their links."""
    url = f"{base}/v3/processes/{process.guid}"
    return {
        "resources": instances,
        "links": {"self": {"href": f"{url}/process_instances"}, "process": {"href": url}},
    }


def present_page(
    resources: list[Any], total: int, page: int, per_page: int, url: str, link_parameters: Collection[str]
) -> dict[str, Any]:
    """One page of a list.

    Args:
        resources: already presented.
        total: how many there are on all pages.
        url: of the list, without a query.
        link_parameters: what links repeat besides the page, each as `name=value`, encoded.
    """
    pages = max(1, -(-total // per_page))

    def link(number: int) -> dict[str, str]:
        if not link_parameters:
            return {"href": f"{url}?page={number}&per_page={per_page}"}
        query = "&".join(sorted((*link_parameters, f"page={number}", f"per_page={per_page}")))
        return {"href": f"{url}?{query}"}

    return {
        "pagination": {
            "total_results": total,
            "total_pages": pages,
            "first": link(1),
            "last": link(pages),
            "next": link(page + 1) if page < pages else None,
            "previous": link(page - 1) if page > 1 else None,
        },
        "resources": resources,
    }

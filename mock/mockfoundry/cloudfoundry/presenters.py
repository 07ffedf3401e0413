"""Presenters: entities as the JSON that clients read, keys in the Cloud Controller's order. Never decides anything.

Source: cloud_controller_ng, app/presenters/v3/process_presenter.rb, process_stats_presenter.rb,
process_instances_presenter.rb and paginated_list_presenter.rb.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus

from mockfoundry.cloudfoundry.clock import SECOND, written
from mockfoundry.cloudfoundry.world import App, HealthCheck, Process

HIDDEN = "[PRIVATE DATA HIDDEN]"
HIDDEN_IN_LISTS = "[PRIVATE DATA HIDDEN IN LISTS]"

DEFAULT_USER = "vcap"


def present_process(process: Process, app: App, base: str, command: str | None) -> dict[str, Any]:
    """A process.

    Args:
        base: what links begin with.
        command: as the reader may see it.
    """
    url = f"{base}/v3/processes/{process.guid}"
    relationships: dict[str, Any] = {
        "app": {"data": {"guid": process.app}},
        "revision": None if process.revision is None else {"data": {"guid": process.revision}},
    }
    links: dict[str, Any] = {
        "self": {"href": url},
        "scale": {"href": f"{url}/actions/scale", "method": "POST"},
        "app": {"href": f"{base}/v3/apps/{process.app}"},
        "space": {"href": f"{base}/v3/spaces/{app.space}"},
        "stats": {"href": f"{url}/stats"},
        "process_instances": {"href": f"{url}/process_instances"},
    }
    presented: dict[str, Any] = {
        "guid": process.guid,
        "created_at": written(process.created_at),
        "updated_at": written(process.updated_at),
        "version": process.version,
        "type": process.type,
        "command": command,
        "user": process.user or DEFAULT_USER,
        "instances": process.instances,
        "memory_in_mb": process.memory_in_mb,
        "disk_in_mb": process.disk_in_mb,
        "log_rate_limit_in_bytes_per_second": process.log_rate_limit_in_bytes_per_second,
        "health_check": present_health_check(process.health_check),
        "readiness_health_check": present_readiness_health_check(process.readiness_health_check),
        "relationships": relationships,
        "metadata": {"labels": process.labels, "annotations": process.annotations},
        "links": links,
    }
    if process.registry_credential is not None:
        synced = process.registry_credential_last_synced_at
        presented["registry_credential_last_synced_at"] = None if synced is None else written(synced)
        relationships["registry_credential"] = {"data": {"guid": process.registry_credential}}
        links["registry_credential"] = {"href": f"{base}/v3/registry_credentials/{process.registry_credential}"}
    return presented


def present_health_check(check: HealthCheck) -> dict[str, Any]:
    data: dict[str, Any] = {
        "timeout": check.timeout,
        "invocation_timeout": check.invocation_timeout,
        "interval": check.interval,
    }
    if check.type == "http":
        data["endpoint"] = check.endpoint
    return {"type": check.type, "data": data}


def present_readiness_health_check(check: HealthCheck) -> dict[str, Any]:
    data: dict[str, Any] = {"invocation_timeout": check.invocation_timeout, "interval": check.interval}
    if check.type == "http":
        data["endpoint"] = check.endpoint
    return {"type": check.type, "data": data}


def present_process_instances(
    process: Process, states: Iterable[tuple[int, str, int | None]], now: int, base: str
) -> dict[str, Any]:
    """The instances of a process.

    Args:
        states: of each its index, its state, and since when, in microseconds.
    """
    url = f"{base}/v3/processes/{process.guid}"
    return {
        "resources": [
            {"index": index, "state": state, "since": None if since is None else max(0, now - since) // SECOND} for index, state, since in states
        ],
        "links": {"self": {"href": f"{url}/process_instances"}, "process": {"href": url}},
    }


def present_page(
    resources: list[dict[str, Any]], total: int, page: int, per_page: int, url: str, query: Mapping[str, str]
) -> dict[str, Any]:
    """One page of a list.

    Args:
        total: how many there are on all pages.
        url: of the list, without a query.
        query: the filters and the order that links keep.
    """
    pages = max(1, -(-total // per_page))

    def link(number: int) -> dict[str, str]:
        pairs = {**query, "page": str(number), "per_page": str(per_page)}
        text = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in sorted(pairs.items()))
        return {"href": f"{url}?{text}"}

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

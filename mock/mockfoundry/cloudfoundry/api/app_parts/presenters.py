"""Presenters of what belongs to apps as JSON, keys in the Cloud Controller's order. Never decides anything.

Source: cloud_controller_ng, app/presenters/v3/ (route_presenter.rb, route_destinations_presenter.rb,
domain_presenter.rb, droplet_presenter.rb, package_presenter.rb, build_presenter.rb, revision_presenter.rb,
revision_environment_variables_presenter.rb, task_presenter.rb).
"""

from typing import Any

from mockfoundry.cloudfoundry.api.apps.presenters import REDACTED_CREDENTIAL, hide_credentials
from mockfoundry.cloudfoundry.api.presenters import (
    DEFAULT_DOCKER_USER,
    present_metadata,
    present_moment,
    present_reference,
)
from mockfoundry.cloudfoundry.app_parts import Package, Revision, RouteModel, Task
from mockfoundry.cloudfoundry.auth import ANY_ADMIN
from mockfoundry.cloudfoundry.model import DEFAULT_USER, App, Droplet
from mockfoundry.cloudfoundry.revising import contents_of_revision
from mockfoundry.cloudfoundry.route_table import (
    DEFAULT_PORT,
    Domain,
    derive_domain_guid,
    list_destinations,
    url_of,
)
from mockfoundry.cloudfoundry.staging import (
    Build,
    buildpacks_of,
    commands_of,
    commands_of_revision,
    derive_checksum,
    droplet_guid_of,
    image_of,
    list_droplets,
    package_guid_of,
    package_type_of,
    stack_of,
)
from mockfoundry.cloudfoundry.world import World

STAGING_MEMORY_IN_MB = 1024
STAGING_DISK_IN_MB = 4096
"""What each build gets, as deployments of Cloud Foundry configure it."""


def present_app_relationship(app: App) -> dict[str, Any]:
    return {"app": present_reference(app.guid)}


# Routes and domains


def present_route(world: World, route: RouteModel, base: str) -> dict[str, Any]:
    domain = derive_domain_guid(route.domain)
    url = f"{base}/v3/routes/{route.guid}"
    presented: dict[str, Any] = {
        "guid": route.guid,
        "created_at": present_moment(route.created_at),
        "updated_at": present_moment(route.updated_at),
        "protocol": "http" if route.port is None else "tcp",
        "host": route.host,
        "path": route.path,
        "port": route.port,
        "url": url_of(route),
        "destinations": present_destinations(world, route),
    }
    if route.options is not None:
        presented["options"] = route.options
    presented["metadata"] = present_metadata(route)
    presented["relationships"] = {"space": present_reference(route.space), "domain": present_reference(domain)}
    presented["links"] = {
        "self": {"href": url},
        "space": {"href": f"{base}/v3/spaces/{route.space}"},
        "destinations": {"href": f"{url}/destinations"},
        "domain": {"href": f"{base}/v3/domains/{domain}"},
    }
    return presented


def present_destinations(world: World, route: RouteModel) -> list[dict[str, Any]]:
    """The destinations of a route, ordered by guid."""
    created, updated = present_moment(route.created_at), present_moment(route.updated_at)
    return [
        {
            "guid": guid,
            "app": {"guid": destination.app, "process": {"type": destination.process_type}},
            "weight": destination.weight,
            "port": destination.port or DEFAULT_PORT,
            "protocol": "tcp" if route.port is not None and destination.protocol != "http2" else destination.protocol,
            "created_at": created,
            "updated_at": updated,
        }
        for guid, destination in list_destinations(world, route)
    ]


def present_domain(domain: Domain, base: str) -> dict[str, Any]:
    url = f"{base}/v3/domains/{domain.guid}"
    is_tcp = domain.router_group is not None
    links = {"self": {"href": url}, "route_reservations": {"href": f"{url}/route_reservations"}}
    if is_tcp:
        links["router_group"] = {"href": f"{base}/routing/v1/router_groups/{domain.router_group}"}
    return {
        "guid": domain.guid,
        "created_at": present_moment(domain.created_at),
        "updated_at": present_moment(domain.updated_at),
        "name": domain.name,
        "internal": False,
        "router_group": {"guid": domain.router_group} if is_tcp else None,
        "supported_protocols": ["tcp"] if is_tcp else ["http"],
        "relationships": {"organization": {"data": None}, "shared_organizations": {"data": []}},
        "metadata": present_metadata(domain),
        "links": links,
    }


# Droplets, packages and builds


def present_droplet(app: App, droplet: Droplet, base: str, hidden: str = "") -> dict[str, Any]:
    """A droplet.

    Args:
        hidden: what stands in place of its commands; empty where the reader may see them.
    """
    package = package_guid_of(droplet)
    links = {
        "self": {"href": f"{base}/v3/droplets/{droplet.guid}"},
        "app": {"href": f"{base}/v3/apps/{app.guid}"},
        "assign_current_droplet": {
            "href": f"{base}/v3/apps/{app.guid}/relationships/current_droplet",
            "method": "PATCH",
        },
    }
    if package is not None:
        links["package"] = {"href": f"{base}/v3/packages/{package}"}
    if droplet.state == "AWAITING_UPLOAD":
        links["upload"] = {"href": f"{base}/v3/droplets/{droplet.guid}/upload", "method": "POST"}
    if droplet.state == "STAGED" and app.lifecycle == "buildpack":
        links["download"] = {"href": f"{base}/v3/droplets/{droplet.guid}/download"}
    commands = commands_of(droplet)
    has_bits = commands is not None and app.lifecycle != "docker"
    return {
        "guid": droplet.guid,
        "created_at": present_moment(droplet.created_at),
        "updated_at": present_moment(droplet.updated_at),
        "state": droplet.state,
        "error": droplet.error,
        "lifecycle": {"type": app.lifecycle, "data": {}},
        "checksum": {"type": "sha256", "value": derive_checksum(droplet.guid)} if has_bits else None,
        "buildpacks": present_buildpacks(app, droplet),
        "stack": stack_of(app, droplet),
        "image": image_of(app, droplet.image),
        "execution_metadata": hidden or droplet.execution_metadata,
        "process_types": {"redacted_message": hidden} if hidden else commands,
        "relationships": present_app_relationship(app),
        "metadata": present_metadata(droplet),
        "links": links,
    }


def present_buildpacks(app: App, droplet: Droplet) -> list[dict[str, Any]] | None:
    buildpacks = buildpacks_of(app, droplet)
    if buildpacks is None:
        return None
    return [
        {
            "name": hide_credentials(each.name),
            "detect_output": each.detect_output,
            "buildpack_name": each.buildpack_name,
            "version": each.version,
        }
        for each in buildpacks
    ]


def present_package(app: App, package: Package, base: str) -> dict[str, Any]:
    kind = package_type_of(app, package)
    url = f"{base}/v3/packages/{package.guid}"
    links: dict[str, Any] = {"self": {"href": url}}
    data: dict[str, Any]
    if kind == "docker":
        data = {
            "image": package.image or f"example/{app.name}:latest",
            "username": package.username,
            "password": package.username and REDACTED_CREDENTIAL,
        }
    else:
        links["upload"] = {"href": f"{url}/upload", "method": "POST"}
        links["download"] = {"href": f"{url}/download"}
        has_bits = package.state in ("READY", "EXPIRED")
        checksum = {"type": "sha256", "value": derive_checksum(package.guid) if has_bits else None}
        data = {"error": package.error, "checksum": checksum}
    links["app"] = {"href": f"{base}/v3/apps/{app.guid}"}
    return {
        "guid": package.guid,
        "created_at": present_moment(package.created_at),
        "updated_at": present_moment(package.updated_at),
        "type": kind,
        "data": data,
        "state": package.state,
        "relationships": present_app_relationship(app),
        "metadata": present_metadata(package),
        "links": links,
    }


def present_build(build: Build, base: str) -> dict[str, Any]:
    app, droplet = build.app, build.droplet
    buildpacks = buildpacks_of(app, droplet)
    lifecycle: dict[str, Any] = {}
    if buildpacks is not None:
        asked_for = [hide_credentials(each) for each in app.buildpacks]
        lifecycle = {"buildpacks": asked_for, "stack": stack_of(app, droplet)}
    links = {"self": {"href": f"{base}/v3/builds/{build.guid}"}, "app": {"href": f"{base}/v3/apps/{app.guid}"}}
    is_over = build.state != "STAGING"
    if is_over:
        links["droplet"] = {"href": f"{base}/v3/droplets/{droplet.guid}"}
    return {
        "guid": build.guid,
        "created_at": present_moment(build.created_at),
        "updated_at": present_moment(build.updated_at),
        "state": build.state,
        "staging_memory_in_mb": STAGING_MEMORY_IN_MB,
        "staging_disk_in_mb": STAGING_DISK_IN_MB,
        "staging_log_rate_limit_bytes_per_second": -1,
        "error": droplet.error,
        "lifecycle": {"type": app.lifecycle, "data": lifecycle},
        "package": {"guid": package_guid_of(droplet)},
        "droplet": {"guid": droplet.guid} if is_over else None,
        "created_by": {"guid": ANY_ADMIN.guid, "name": ANY_ADMIN.name, "email": ANY_ADMIN.name},
        "relationships": present_app_relationship(app),
        "metadata": present_metadata(build),
        "links": links,
    }


# Revisions and tasks


def present_revision(world: World, app: App, revision: Revision, base: str) -> dict[str, Any]:
    url = f"{base}/v3/revisions/{revision.guid}"
    droplet = droplet_guid_of(app, revision)
    staged = {each.guid for each in list_droplets(app) if each.state == "STAGED"}
    commands = commands_of_revision(world, app, revision)
    return {
        "guid": revision.guid,
        "version": revision.version,
        "droplet": {"guid": droplet},
        "processes": {kind: {"command": command} for kind, command in commands.items()},
        "sidecars": [
            {
                "name": each.name,
                "command": each.command,
                "memory_in_mb": each.memory_in_mb,
                "process_types": list(each.process_types),
            }
            for each in app.sidecars
        ],
        "description": revision.description,
        "relationships": present_app_relationship(app),
        "created_at": present_moment(revision.created_at),
        "updated_at": present_moment(revision.updated_at),
        "links": {
            "self": {"href": url},
            "app": {"href": f"{base}/v3/apps/{app.guid}"},
            "environment_variables": {"href": f"{url}/environment_variables"},
        },
        "metadata": present_metadata(revision),
        "deployable": droplet in staged,
    }


def present_revision_variables(world: World, app: App, revision: Revision, base: str) -> dict[str, Any]:
    url = f"{base}/v3/revisions/{revision.guid}"
    return {
        "var": contents_of_revision(world, app, revision).environment_variables,
        "links": {
            "self": {"href": f"{url}/environment_variables"},
            "revision": {"href": url},
            "app": {"href": f"{base}/v3/apps/{app.guid}"},
        },
    }


def present_task(app: App, task: Task, base: str, shows_secrets: bool) -> dict[str, Any]:
    """A task.

    Args:
        shows_secrets: whether the reader may see its command; else it has none at all.
    """
    url = f"{base}/v3/tasks/{task.guid}"
    droplet = task.droplet or (None if app.droplet is None else app.droplet.guid)
    presented: dict[str, Any] = {
        "guid": task.guid,
        "created_at": present_moment(task.created_at),
        "updated_at": present_moment(task.updated_at),
        "sequence_id": task.sequence_id,
        "name": task.name,
    }
    if shows_secrets:
        presented["command"] = task.command
    return presented | {
        "user": task.user or (None if droplet is None else _TASK_USERS.get(app.lifecycle, DEFAULT_USER)),
        "state": task.state,
        "memory_in_mb": task.memory_in_mb,
        "disk_in_mb": task.disk_in_mb,
        "log_rate_limit_in_bytes_per_second": task.log_rate_limit_in_bytes_per_second,
        "result": {"failure_reason": task.failure_reason},
        "droplet_guid": droplet,
        "relationships": present_app_relationship(app),
        "metadata": present_metadata(task),
        "links": {
            "self": {"href": url},
            "app": {"href": f"{base}/v3/apps/{app.guid}"},
            "cancel": {"href": f"{url}/actions/cancel", "method": "POST"},
            "droplet": {"href": f"{base}/v3/droplets/{droplet or ''}"},
        },
    }


_TASK_USERS = {"docker": DEFAULT_DOCKER_USER, "cnb": "root"}

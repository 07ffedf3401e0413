"""Staging: the droplets, packages, builds and revisions of apps, those that follow from others too. Changes nothing.

An app with a droplet was staged from a package by a build, and has a revision. A world of sixty thousand apps holds
none of these: they are derived when they are looked at, and their guids lead back to the droplet. Source:
cloud_controller_ng, app/actions/build_create.rb, app/models/runtime/droplet_model.rb and revision_model.rb.
"""

import re
from hashlib import sha256
from typing import Literal

import msgspec

from mockfoundry.cloudfoundry.app_parts import Buildpack, DropletState, Package, PackageState, Revision
from mockfoundry.cloudfoundry.model import App, Droplet
from mockfoundry.cloudfoundry.world import World

# Guids that lead back to the droplet that they follow from

PartKind = Literal["package", "build"]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MASKS: dict[PartKind, int] = {
    "package": 0x70AC_4A6E_0000_0000_0000_0000_0000_0000,
    "build": 0xB011_D000_0000_0000_0000_0000_0000_0000,
}


def derive_part_guid(kind: PartKind, droplet: str) -> str:
    """The guid of what a droplet was made of, or by: another UUID where the droplet has one."""
    return flip_uuid(droplet, _MASKS[kind]) if _UUID.fullmatch(droplet) else f"{kind}-of-{droplet}"


def find_droplet_guid(kind: PartKind, guid: str) -> str:
    """The guid of the droplet from which that of a package or a build would follow; empty where it can't."""
    if _UUID.fullmatch(guid):
        return flip_uuid(guid, _MASKS[kind])
    prefix = f"{kind}-of-"
    return guid.removeprefix(prefix) if guid.startswith(prefix) else ""


def flip_uuid(guid: str, mask: int) -> str:
    digits = f"{int(guid.replace('-', ''), 16) ^ mask:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def derive_checksum(guid: str) -> str:
    """The SHA-256 that the bits of a package or a droplet are said to have."""
    return sha256(guid.encode("utf-8", "surrogatepass")).hexdigest()


# Droplets

DEFAULT_BUILDPACKS = (Buildpack(name="ruby_buildpack", detect_output="", buildpack_name="ruby"),)

UPLOADED_STATES: tuple[DropletState, ...] = ("AWAITING_UPLOAD", "PROCESSING_UPLOAD", "COPYING")
"""Of droplets that no build makes."""

WITH_COMMANDS: tuple[DropletState, ...] = ("STAGED", "EXPIRED")
"""Only staging that succeeds finds commands."""


def list_droplets(app: App) -> list[Droplet]:
    """Every droplet of an app, oldest first."""
    droplets = app.droplets if app.droplet is None else (*app.droplets, app.droplet)
    return sorted(droplets, key=lambda droplet: (droplet.created_at, droplet.guid))


def find_droplet(world: World, guid: str) -> tuple[App, Droplet] | None:
    """The droplet of that guid, with its app."""
    for app in world.apps.values():
        if app.droplet is not None and app.droplet.guid == guid:
            return app, app.droplet
        for droplet in app.droplets:
            if droplet.guid == guid:
                return app, droplet
    return None


def commands_of(droplet: Droplet) -> dict[str, str] | None:
    """The commands by type that staging found; None where it has not."""
    return droplet.process_types if droplet.state in WITH_COMMANDS else None


def stack_of(app: App, droplet: Droplet) -> str | None:
    return None if app.lifecycle == "docker" else droplet.stack or app.stack


def buildpacks_of(app: App, droplet: Droplet) -> tuple[Buildpack, ...] | None:
    """The buildpacks that made a droplet; None for a Docker app."""
    if app.lifecycle == "docker":
        return None
    if droplet.buildpacks is not None:
        return droplet.buildpacks
    return tuple(Buildpack(name=name) for name in app.buildpacks) or DEFAULT_BUILDPACKS


def image_of(app: App, image: str | None) -> str | None:
    """The image of a package or a droplet; None for an app that has none."""
    return (image or f"example/{app.name}:latest") if app.lifecycle == "docker" else None


# Packages

_PACKAGE_STATES: dict[DropletState, PackageState] = {"EXPIRED": "EXPIRED"}


def has_own_package(droplet: Droplet) -> bool:
    """Whether the package of a droplet follows from it."""
    return droplet.package is None and droplet.state not in UPLOADED_STATES


def package_guid_of(droplet: Droplet) -> str | None:
    """The guid of what was staged; None where nothing was."""
    return derive_part_guid("package", droplet.guid) if has_own_package(droplet) else droplet.package


def derive_package(droplet: Droplet) -> Package:
    """The package that is of a droplet alone."""
    return Package(
        guid=derive_part_guid("package", droplet.guid),
        state=_PACKAGE_STATES.get(droplet.state, "READY"),
        created_at=droplet.created_at,
        updated_at=droplet.created_at,
    )


def list_packages(app: App) -> list[Package]:
    """Every package of an app, oldest first."""
    named = {package.guid for package in app.packages}
    derived = (derive_package(droplet) for droplet in list_droplets(app) if has_own_package(droplet))
    packages = [*app.packages, *(package for package in derived if package.guid not in named)]
    return sorted(packages, key=lambda package: (package.created_at, package.guid))


def find_package(world: World, guid: str) -> tuple[App, Package] | None:
    """The package of that guid, with its app."""
    for app in world.apps.values():
        for package in app.packages:
            if package.guid == guid:
                return app, package
    found = find_droplet(world, find_droplet_guid("package", guid))
    if found is None or not has_own_package(found[1]):
        return None
    return found[0], derive_package(found[1])


def package_type_of(app: App, package: Package) -> str:
    return package.type or ("docker" if app.lifecycle == "docker" else "bits")


# Builds

BuildState = Literal["STAGING", "STAGED", "FAILED"]


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One staging, as a droplet says that it was."""

    guid: str
    app: App
    droplet: Droplet
    state: BuildState
    created_at: int
    updated_at: int
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


_BUILD_STATES: dict[DropletState, BuildState] = {"FAILED": "FAILED", "STAGING": "STAGING"}


def list_builds(app: App) -> list[Build]:
    """Every build of an app, oldest first."""
    return [derive_build(app, droplet) for droplet in list_droplets(app) if droplet.state not in UPLOADED_STATES]


def derive_build(app: App, droplet: Droplet) -> Build:
    """The build that made a droplet."""
    return Build(
        guid=derive_part_guid("build", droplet.guid),
        app=app,
        droplet=droplet,
        state=_BUILD_STATES.get(droplet.state, "STAGED"),
        created_at=droplet.created_at,
        updated_at=droplet.updated_at,
    )


def find_build(world: World, guid: str) -> Build | None:
    """The build of that guid."""
    found = find_droplet(world, find_droplet_guid("build", guid))
    return None if found is None or found[1].state in UPLOADED_STATES else derive_build(*found)


# Revisions

MAX_VERSION = 9999
"""After it versions begin anew [app/actions/revision_create.rb]."""


def list_revisions(app: App) -> list[Revision]:
    """Every revision of an app, oldest first."""
    revisions = list(app.revisions)
    if app.revision is not None and all(revision.guid != app.revision for revision in revisions):
        revisions.append(derive_revision(app, app.revision))
    return sorted(revisions, key=lambda revision: (revision.created_at, revision.version))


def derive_revision(app: App, guid: str) -> Revision:
    """The current revision that follows from an app."""
    return Revision(guid=guid, version=find_next_version(app), created_at=app.created_at, updated_at=app.created_at)


def find_next_version(app: App) -> int:
    """The version of the revision after those that an app holds."""
    latest = max((revision.version for revision in app.revisions), default=0)
    return 1 if latest >= MAX_VERSION else latest + 1


def find_revision(world: World, guid: str) -> tuple[App, Revision] | None:
    """The revision of that guid, with its app."""
    for app in world.apps.values():
        for revision in app.revisions:
            if revision.guid == guid:
                return app, revision
        if app.revision == guid:
            return app, derive_revision(app, guid)
    return None


def commands_of_revision(world: World, app: App, revision: Revision) -> dict[str, str | None]:
    """The command that was set for each type of process; None for a type without one."""
    if revision.processes is not None:
        return revision.processes
    return {process.type: process.command for process in world.list_app_processes(app.guid)}


def droplet_guid_of(app: App, revision: Revision) -> str | None:
    """The guid of the droplet that a revision ran; None where the app has none any more."""
    if revision.droplet is not None:
        return revision.droplet
    return None if app.droplet is None else app.droplet.guid

"""Revisions made: what an app ran is kept before it runs something else. Never decides what it is to run.

Source: cloud_controller_ng, app/actions/revision_resolver.rb and revision_create.rb.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from mockfoundry.cloudfoundry.app_parts import Revision
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.staging import (
    commands_of_revision,
    droplet_guid_of,
    find_next_version,
    list_revisions,
)
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

MAX_REVISIONS = 100
"""How many revisions of an app are kept [config max_retained_revisions_per_app]."""


class RevisionContents(NamedTuple):
    """What an app runs, as far as revisions tell it.

    Attributes:
        droplet: its guid; None where there is none.
        commands: that were set, by type of process; None for a type without one.
    """

    droplet: str | None
    environment_variables: dict[str, Any]
    commands: dict[str, str | None]


def find_current_revision(app: App) -> Revision | None:
    """The revision that an app runs; None where it has no revisions."""
    if not app.revisions_enabled or app.revision is None:
        return None
    return next((each for each in list_revisions(app) if each.guid == app.revision), None)


def contents_of_app(world: World, app: App) -> RevisionContents:
    """What an app is to run."""
    commands = {process.type: process.command for process in world.list_app_processes(app.guid)}
    droplet = None if app.droplet is None else app.droplet.guid
    return RevisionContents(droplet, dict(app.environment_variables or {}), commands)


def contents_of_revision(world: World, app: App, revision: Revision) -> RevisionContents:
    """What a revision of an app ran; what it does not say itself is as in the app."""
    variables: Mapping[str, Any] | None = revision.environment_variables
    return RevisionContents(
        droplet_guid_of(app, revision),
        dict(variables if variables is not None else app.environment_variables or {}),
        commands_of_revision(world, app, revision),
    )


def contents_of_current(world: World, app: App) -> RevisionContents:
    """What an app runs by its current revision; where it has none, what it is to run."""
    current = find_current_revision(app)
    return contents_of_app(world, app) if current is None else contents_of_revision(world, app, current)


def describe_changes(before: RevisionContents, after: RevisionContents) -> list[str]:
    """Why a revision is made, in the order in which it says so; empty where nothing differs."""
    return sorted(find_changes(before, after))


def find_changes(before: RevisionContents, after: RevisionContents) -> Iterator[str]:
    if before.droplet != after.droplet:
        yield "New droplet deployed."
    if before.environment_variables != after.environment_variables:
        yield "New environment variables deployed."
    for kind, command in after.commands.items():
        if kind not in before.commands:
            yield f"New process type '{kind}' added."
        elif before.commands[kind] != command:
            had = before.commands[kind]
            what = "added" if had is None else "removed" if command is None else "updated"
            yield f"Custom start command {what} for '{kind}' process."
    for kind in before.commands:
        if kind not in after.commands:
            yield f"Process type '{kind}' removed."


def add_revision(
    world: World, app: App, before: RevisionContents, after: RevisionContents, origin: Revision | None, now: int
) -> App:
    """An app with a revision of what it is to run, where that differs from what it ran; else as it is.

    Its other revisions keep what they ran.

    Args:
        origin: the revision that the app goes back to; None where it does not.
    """
    changes = describe_changes(before, after)
    if not changes:
        return app
    if origin is not None:
        changes.append(f"Rolled back to revision {origin.version}.")
    kept = [keep_contents(world, app, each) for each in list_revisions(app)]
    pinned = replace(app, revisions=tuple(kept))
    made = Revision(
        guid=derive_guid(world.random_seed, "revision", app.guid, world.next_nonce()),
        created_at=now,
        updated_at=now,
        version=find_next_version(pinned),
        description=" ".join(changes),
        droplet=after.droplet,
        processes=after.commands,
        environment_variables=after.environment_variables,
    )
    return replace(app, revisions=(*kept, made)[-MAX_REVISIONS:], revision=made.guid)


def add_first_revision(world: World, app: App, now: int) -> App:
    """An app with a revision of what it runs, which has none that is current."""
    guid = derive_guid(world.random_seed, "revision", app.guid, world.next_nonce())
    made = Revision(guid=guid, version=find_next_version(app), created_at=now, updated_at=now)
    return replace(app, revision=guid, revisions=(*app.revisions, made))


def hold_revision(world: World, app: App) -> App:
    """An app whose current revision says itself what it ran: before the app's droplet, variables or commands change."""
    current = find_current_revision(app)
    if current is None:
        return app
    held = keep_contents(world, app, current)
    return replace(app, revisions=(*(each for each in app.revisions if each.guid != held.guid), held))


def update_revision(world: World, actor: User, app: App, now: int) -> App:
    """An app with the revision that it starts with: another one, where it is no longer what the current one ran."""
    if not app.revisions_enabled or app.droplet is None:
        return app
    current = find_current_revision(app)
    if current is None:
        changed = add_first_revision(world, app, now)
    else:
        before = contents_of_revision(world, app, current)
        changed = add_revision(world, app, before, contents_of_app(world, app), None, now)
    if changed is app:
        return app
    world.put_app(changed)
    made = changed.revisions[-1]
    data = {"revision_guid": made.guid, "revision_version": made.version}
    world.record_event("audit.app.revision.create", changed, actor, now, data)
    return changed


def keep_contents(world: World, app: App, revision: Revision) -> Revision:
    """A revision that says itself what it ran, whatever its app runs from now on."""
    contents = contents_of_revision(world, app, revision)
    return replace(
        revision,
        droplet=contents.droplet,
        processes=contents.commands,
        environment_variables=contents.environment_variables,
    )

"""Apps created and updated. Neither starts nor stops one.

Source: cloud_controller_ng, app/controllers/v3/apps_controller.rb, app/actions/app_create.rb, app_update.rb and
process_create.rb, app/models/runtime/app_model.rb, lib/cloud_controller/diego/lifecycles/.
"""

import re
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import find_writable_app, require_app_writer, require_feature_flag
from mockfoundry.cloudfoundry.api.app_parts.droplets import add_process
from mockfoundry.cloudfoundry.api.apps.actions import LIFECYCLE_FLAGS
from mockfoundry.cloudfoundry.api.apps.messages import (
    DEFAULT_LIFECYCLE,
    find_buildpack_data_errors,
    read_create_app_message,
    read_update_app_message,
)
from mockfoundry.cloudfoundry.api.apps.presenters import present_app
from mockfoundry.cloudfoundry.api.apps.variables import find_environment_errors
from mockfoundry.cloudfoundry.api.fields import dig, is_blank
from mockfoundry.cloudfoundry.api.messages import refuse_unexpected
from mockfoundry.cloudfoundry.api.metadata_merging import apply_metadata
from mockfoundry.cloudfoundry.api.platform.stacks import BUILDPACK_STACKS, STACK_DESCRIPTIONS
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.auth import may_read_space
from mockfoundry.cloudfoundry.errors import UNIQUENESS_ERROR, UNPROCESSABLE_ENTITY, CatalogueEntry, Refusal
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.model import (
    DEFAULT_STACK,
    App,
    Lifecycle,
)
from mockfoundry.cloudfoundry.tasks import HIDDEN
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

# What Ruby's URI takes for an absolute one, and git's own forms [lib/utils/uri_utils.rb].
_BUILDPACK_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+|git@.+?:.+?\.git", re.ASCII)


def create_app(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Creates an app: stopped, without a droplet, with a web process of one instance."""
    fields = read_create_app_message(request)  # 422
    guid = dig(fields, "relationships", "space", "data", "guid")
    space = world.spaces.get(guid) if guid is not None else None
    if space is None or not may_read_space(actor, space):
        why = "world: no space has this guid" if space is None else f"world: {actor.name} may not read this space"
        text = "Invalid space. Ensure that the space exists and you have access to it."
        raise Refusal(UNPROCESSABLE_ENTITY, text, why)
    require_app_writer(actor, space, world.organizations[space.organization])  # 403, 422 being deleted
    kind: Any = dig(fields, "lifecycle", "type")
    lifecycle: Lifecycle = DEFAULT_LIFECYCLE if is_blank(kind) else kind
    app = App(
        guid=derive_guid(world.random_seed, "created app", space.guid, world.nonce + 1),
        name=str(fields["name"]).strip(),
        space=space.guid,
        state="STOPPED",
        lifecycle=lifecycle,
        environment_variables=fields.get("environment_variables"),
        created_at=request.now,
        updated_at=request.now,
    )
    if app.lifecycle in LIFECYCLE_FLAGS:
        require_feature_flag(world, LIFECYCLE_FLAGS[app.lifecycle], actor)  # 403
    app = apply_first_lifecycle(app, fields)  # 500
    require_known_lifecycle(world, app, fields)  # 422
    require_valid_app(world, app, UNIQUENESS_ERROR)  # 422
    app = apply_metadata(app, fields.get("metadata"))  # 422 too many, 500
    world.next_nonce()
    world.put_app(app)
    add_process(world, actor, app, "web", request.now)
    world.record_event("audit.app.create", app, actor, request.now, {"request": hide_variables(fields)})
    return ApiResponse(201, present_app(app, request.base), "world: app created", (), request.violations)


def update_app(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Changes name, lifecycle and metadata of an app; what is not sent stays as it is."""
    fields = read_update_app_message(request)  # 422
    app, _ = find_writable_app(world, actor, request)  # 404, 403, 422 being deleted
    require_known_lifecycle(world, app, fields)  # 422
    kind = dig(fields, "lifecycle", "type")
    if not is_blank(kind) and kind != app.lifecycle:
        text = f"Lifecycle type cannot be changed from {app.lifecycle} to {kind}"
        raise Refusal(UNPROCESSABLE_ENTITY, text)
    updated = apply_lifecycle(app, fields)
    if "name" in fields:
        updated = replace(updated, name=(fields["name"] or "").strip())
    updated = apply_metadata(updated, fields.get("metadata"))  # 422 too many, 500
    require_valid_app(world, updated, UNPROCESSABLE_ENTITY)  # 422
    changed = updated != app
    updated = replace(updated, updated_at=request.now)
    world.put_app(updated)
    world.record_event("audit.app.update", updated, actor, request.now, {"request": hide_variables(fields)})
    body = present_app(updated, request.base)
    return ApiResponse(200, body, "world: app updated", (), request.violations, changed)


def apply_first_lifecycle(app: App, fields: dict[str, Any]) -> App:
    """A new app with the buildpacks, the stack and the credentials that a message gives.

    Raises:
        Refusal: 500, for data that nobody has checked, since it names no type, and that can't be read.
    """
    data = dig(fields, "lifecycle", "data")
    if app.lifecycle == "docker" or not isinstance(data, dict):
        return app
    if any(find_buildpack_data_errors(data)):
        raise refuse_unexpected("a lifecycle without a type whose data has not the right form")
    named = data if data.get("stack") is not None else {**data, "stack": DEFAULT_STACK}
    app = apply_lifecycle(app, {"lifecycle": {"data": named}})
    return replace(app, has_registry_credentials=app.lifecycle == "cnb" and data.get("credentials") is not None)


def apply_lifecycle(app: App, fields: dict[str, Any]) -> App:
    """An app with the buildpacks and the stack that a message gives."""
    data = dig(fields, "lifecycle", "data")
    if app.lifecycle == "docker" or not isinstance(data, dict):
        return app
    changes: dict[str, Any] = {}
    if "buildpacks" in data:
        changes["buildpacks"] = tuple(data["buildpacks"] or ())
    if "stack" in data:
        changes["stack"] = data["stack"]
    return replace(app, **changes)


def require_known_lifecycle(world: World, app: App, fields: dict[str, Any]) -> None:
    """Checks that the buildpacks and the stack of a message exist.

    Raises:
        Refusal: 422, with every error.
    """
    kind = dig(fields, "lifecycle", "type")
    data = dig(fields, "lifecycle", "data")
    if (app.lifecycle if is_blank(kind) else kind) == "docker" or not isinstance(data, dict):
        return
    errors = list(find_unknown_lifecycle_data(world, data))
    if errors:
        raise Refusal(UNPROCESSABLE_ENTITY, ", ".join(errors))


def find_unknown_lifecycle_data(world: World, data: dict[str, Any]) -> Iterator[str]:
    """Buildpacks and a stack that are not there."""
    stack = data.get("stack")
    is_known = stack is None or stack in STACK_DESCRIPTIONS or any(app.stack == stack for app in world.apps.values())
    found_stack = f' for stack "{stack or DEFAULT_STACK}"' if is_known else ""
    for each in data.get("buildpacks") or ():
        if each in BUILDPACK_STACKS or _BUILDPACK_URI.fullmatch(each):
            continue
        if not any(each in app.buildpacks for app in world.apps.values()):
            yield f'Buildpack "{each}"{found_stack} must be an existing admin buildpack or a valid git URI'
    if not is_known:
        yield "Stack must be an existing stack"


def require_valid_app(world: World, app: App, taken: CatalogueEntry) -> None:
    """Checks what the database takes of an app.

    Args:
        taken: the entry of the catalogue for a name that another app of the space has.

    Raises:
        Refusal: 422, where it does not take it.
    """
    errors = []
    if not app.name:
        errors.append("name presence")
    if not is_printable(app.name):
        errors.append("name format")
    if app.environment_variables is not None:
        # The database's messages are no texts here, so Ruby writes what they are.
        variable_errors = find_environment_errors("", app.environment_variables)
        errors += [f'environment_variables {{:message=>"{error.strip()}"}}' for error in variable_errors]
    if errors:
        raise Refusal(UNPROCESSABLE_ENTITY, ", ".join(errors))
    name = app.name.lower()
    others = (each for each in world.apps.values() if each.space == app.space and each.guid != app.guid)
    if any(each.name.lower() == name for each in others):
        raise Refusal(taken, f"App with the name '{app.name}' already exists.")


def is_printable(name: str) -> bool:
    """Whether the database takes a text for an app's name: no control signs, and something at all."""
    return bool(name) and all(sign >= " " and not "\x7f" <= sign <= "\x9f" for sign in name)


def hide_variables(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a message as an audit event has them."""
    return {name: HIDDEN if name == "environment_variables" else value for name, value in fields.items()}

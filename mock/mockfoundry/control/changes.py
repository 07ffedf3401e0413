"""Changes: where a foundation's world differs from the one that it began as. Never makes one."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mockfoundry.cloudfoundry.seeds.export import export_world
from mockfoundry.cloudfoundry.world import World
from mockfoundry.control.context import (
    ControlAnswer,
    ControlCall,
    ControlContext,
    ControlWork,
    answer_in_turn,
    index_handlers,
)
from mockfoundry.control.foundations import is_large, settle_foundation
from mockfoundry.journal.redaction import redact_named_value

SeedChange = dict[str, Any]

IDENTITY_KEYS = ("name", "type", "guid", "id")
"""What an entity in a list is known by: the first of these that it has."""

IGNORED_KEYS = frozenset({"updated_at"})
"""What moves with every other change of an entity."""


def show_changes(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    foundation, now = context.find_foundation(call)
    settle_foundation(foundation, now)
    before, after = foundation.initial_world, foundation.world.copy()
    return answer_in_turn(
        is_large(before) or is_large(after),
        lambda: ControlAnswer({"changes": list_changes(before, after)}),
    )


def list_changes(before: World, after: World) -> list[SeedChange]:
    return [redact_change(each) for each in find_changes(export_world(before), export_world(after))]


def redact_change(change: SeedChange) -> SeedChange:
    """A change without secrets: a client may have written one into an annotation, or into a command."""
    name = change["where"].rpartition("/")[2]
    return {
        "where": change["where"],
        "before": redact_named_value(name, change["before"]),
        "after": redact_named_value(name, change["after"]),
    }


def find_changes(before: Any, after: Any, where: str = "") -> Iterator[SeedChange]:
    """Where two exported seeds differ, from the outside in: `organizations/acme/suspended`, before and after."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        is_entity = "guid" in before
        for key in dict.fromkeys((*before, *after)):
            if not (is_entity and key in IGNORED_KEYS):
                yield from find_changes(before.get(key), after.get(key), f"{where}/{key}" if where else str(key))
    elif are_all_entities(before) and are_all_entities(after):
        yield from find_changes(entities_by_identity(before, after), entities_by_identity(after, before), where)
    elif before != after:
        yield {"where": where, "before": abbreviate_entity(before), "after": abbreviate_entity(after)}


def are_all_entities(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) and identity_of(each) for each in value)


def entities_by_identity(entities: list[Any], others: list[Any]) -> dict[str, Any]:
    """Entities by what they are known by; by their guids too where one of the two lists has two of a name."""
    repeated = {
        name for side in (entities, others) for name, count in Counter(map(identity_of, side)).items() if count > 1
    }
    return {
        f"{identity_of(each)} {each.get('guid', '')}" if identity_of(each) in repeated else identity_of(each): each
        for each in entities
    }


def identity_of(entity: Mapping[str, Any]) -> str:
    return next((str(entity[key]) for key in IDENTITY_KEYS if entity.get(key)), "")


def abbreviate_entity(value: Any) -> Any:
    """A value as a change shows it: of a whole entity only what it is known by."""
    return {key: value[key] for key in IDENTITY_KEYS if key in value} or value if isinstance(value, Mapping) else value


CHANGES_HANDLERS = index_handlers(show_changes)

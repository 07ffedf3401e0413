"""Changes: what is another way in a foundation than in its seed, entity by entity. Never changes it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mockfoundry.cloudfoundry.seeds import world_as_seed
from mockfoundry.control.clerk import Clerk, Handlers
from mockfoundry.control.state import exported
from mockfoundry.foundations import Foundation

Change = dict[str, Any]

IDENTITY = ("name", "type", "guid")
"""What an entity in a list is known by, the first that it has."""

PASSED_OVER = frozenset({"updated_at"})
"""What moves with every other change of an entity."""


def change_handlers(clerk: Clerk) -> Handlers:
    """The handler of a foundation's changes."""

    def show_changes(name: str) -> dict[str, Any]:
        def read(foundation: Foundation, now: int) -> dict[str, Any]:
            return {"changes": list(changes(world_as_seed(foundation.seed), exported(foundation, now)))}

        return clerk.within(name, read)

    return {"show_changes": show_changes}


def changes(before: Any, after: Any, where: str = "") -> Iterator[Change]:
    """Where two seeds are not the same, from the outside in: `organizations/acme/suspended`, before and after."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        is_entity = "guid" in before
        for key in dict.fromkeys((*before, *after)):
            if not (is_entity and key in PASSED_OVER):
                yield from changes(before.get(key), after.get(key), f"{where}/{key}" if where else str(key))
    elif are_entities(before) and are_entities(after):
        yield from changes(by_identity(before, after), by_identity(after, before), where)
    elif before != after:
        yield {"where": where, "before": brief(before), "after": brief(after)}


def are_entities(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) and identity(each) for each in value)


def by_identity(entities: list[Any], others: list[Any]) -> dict[str, Any]:
    """Entities by what they are known by; by their guids too where one side has two of a name."""
    twice = {name for side in (entities, others) for name, count in Counter(map(identity, side)).items() if count > 1}
    return {
        f"{identity(each)} {each.get('guid', '')}" if identity(each) in twice else identity(each): each
        for each in entities
    }


def identity(entity: Mapping[str, Any]) -> str:
    return next((str(entity[key]) for key in IDENTITY if entity.get(key)), "")


def brief(value: Any) -> Any:
    """A value as it is shown: of a whole entity what it is known by."""
    return {key: value[key] for key in IDENTITY if key in value} or value if isinstance(value, Mapping) else value

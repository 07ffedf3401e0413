"""State: a foundation's world written out as a seed, replaced, and patched. Never touches clock or scenarios."""

from collections.abc import Mapping
from typing import Any

from mockfoundry.cloudfoundry.deployments import settle
from mockfoundry.cloudfoundry.seeds import Seed, read_seed, seed_from, world_as_seed, world_from
from mockfoundry.control.clerk import Clerk, Handlers, sent_text
from mockfoundry.control.problems import ControlError
from mockfoundry.foundations import Foundation

DEEPEST = 64


def state_handlers(clerk: Clerk) -> Handlers:
    """The handlers of a foundation's state."""

    def export_state(name: str) -> dict[str, Any]:
        return clerk.within(name, exported)

    def replace_state(name: str) -> dict[str, Any]:
        seed = read_seed(sent_text(), "body")
        return clerk.within_new(name, lambda foundation, now: replaced(foundation, seed, now))

    def patch_state(name: str, body: dict[str, Any]) -> dict[str, Any]:
        must_not_nest(body)

        def patch(foundation: Foundation, now: int) -> dict[str, Any]:
            return replaced(foundation, seed_from(merge_patched(exported(foundation, now), body), "patched state"), now)

        return clerk.within_new(name, patch)

    return {"export_state": export_state, "replace_state": replace_state, "patch_state": patch_state}


def exported(foundation: Foundation, now: int) -> dict[str, Any]:
    """The world in a seed file's words."""
    if foundation.world.deploying:
        settle(foundation.world, now)
    return world_as_seed(foundation.world)


def replaced(foundation: Foundation, seed: Seed, now: int) -> dict[str, Any]:
    """Puts the world of a seed in the place of the one there is; clock and chance go on as they were."""
    before = foundation.world
    world = world_from(seed, random_seed=before.seed, born=now)
    world.clock, world.chance = before.clock, before.chance
    foundation.world = world
    return exported(foundation, now)


def merge_patched(target: Any, patch: Any) -> Any:
    """A value with a merge patch put upon it: null takes a key away, a list is replaced whole [RFC 7396]."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patched(merged.get(key), value)
    return merged


def must_not_nest(body: Any, depth: int = 0) -> None:
    """Raises ControlError (422) where a patch nests deeper than any seed can."""
    if depth > DEEPEST:
        raise ControlError(422, "bad-value", f"body: nests deeper than {DEEPEST} levels, which no seed does; mend it")
    inside = body.values() if isinstance(body, Mapping) else body if isinstance(body, list) else ()
    for each in inside:
        must_not_nest(each, depth + 1)

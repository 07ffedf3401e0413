"""Foundations: listed, shown, made, copied, reset and deleted. Never changes what is in one."""

from typing import Any

import flask

from mockfoundry.cloudfoundry.seeds import read_seed, world_from
from mockfoundry.control.clerk import Clerk, Handlers, sent_text
from mockfoundry.control.problems import ControlError
from mockfoundry.foundations import Foundation
from mockfoundry.journal.telling import moment

KEPT = "it was left as it is, since If-None-Match: * was sent; send the call without that to make it anew"


def foundation_handlers(clerk: Clerk) -> Handlers:
    """The handlers of `/__mock/foundations`."""
    registry = clerk.service.registry

    def list_foundations() -> dict[str, Any]:
        def listed() -> list[dict[str, Any]]:
            registry.expire(clerk.desk.real())
            return [{"name": each.name, "requests": each.journal.recorded} for each in registry]

        return {"foundations": clerk.desk.ask(listed)}

    def show_foundation(name: str) -> dict[str, Any]:
        return clerk.within(name, shown)

    def put_foundation(name: str, random_seed: int | None = None) -> tuple[dict[str, Any], int]:
        only_new = "*" in flask.request.if_none_match
        text = sent_text()
        seed = read_seed(text, "body") if text.strip() else None
        if random_seed is not None and seed is None:
            raise ControlError(
                422, "bad-value", "query random_seed: needs a seed in the body, to be built anew with it; send one"
            )

        def made() -> tuple[dict[str, Any], int]:
            real = clerk.desk.real()
            number = registry.seed.seed if random_seed is None else random_seed
            world = None if seed is None else world_from(seed, random_seed=number, born=real)
            status = 201 if registry.find(name) is None else 200
            if status == 200 and only_new:
                raise ControlError(412, "foundation-exists", f"foundation {name}: is there already; {KEPT}")
            foundation = registry.create(name, world, real)
            return shown(foundation, foundation.world.clock.now(real)), status

        return clerk.desk.ask(made)

    def delete_foundation(name: str) -> tuple[None, int]:
        def deleted() -> None:
            clerk.foundation(name)
            registry.delete(name)

        clerk.desk.ask(deleted)
        return None, 204

    def copy_foundation(name: str, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        other, may_replace = body["as"], body.get("replace", False)

        def copied() -> dict[str, Any]:
            clerk.foundation(name)
            if registry.find(other) is not None and not may_replace:
                text = (
                    f"body /as: there is a foundation {other} already; send replace: true to put the copy in its place"
                )
                raise ControlError(409, "foundation-exists", text)
            real = clerk.desk.real()
            made = registry.copy(name, other, real)
            assert made is not None  # noqa: S101 (it was there a line above, in the same step)
            return shown(made, made.world.clock.now(real))

        return clerk.desk.ask(copied), 201

    def reset_foundation(name: str) -> dict[str, Any]:
        def reset() -> dict[str, Any]:
            clerk.foundation(name)
            real = clerk.desk.real()
            made = registry.reset(name, real)
            assert made is not None  # noqa: S101
            return shown(made, made.world.clock.now(real))

        return clerk.desk.ask(reset)

    return {
        "list_foundations": list_foundations,
        "show_foundation": show_foundation,
        "put_foundation": put_foundation,
        "delete_foundation": delete_foundation,
        "copy_foundation": copy_foundation,
        "reset_foundation": reset_foundation,
    }


def shown(foundation: Foundation, now: int) -> dict[str, Any]:
    """A foundation in short."""
    world, journal = foundation.world, foundation.journal
    return {
        "name": foundation.name,
        "prefix": f"/foundations/{foundation.name}",
        "time": moment(now),
        "random_seed": world.seed,
        "organizations": len(world.organizations),
        "spaces": len(world.spaces),
        "apps": len(world.apps),
        "processes": len(world.processes),
        "scenarios": [scenario.name for scenario in foundation.lineup.scenarios],
        "journal": {"recorded": journal.recorded, "held": len(journal), "dropped": journal.dropped},
    }

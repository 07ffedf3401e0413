"""State: a foundation's world written out as a seed, replaced, and patched. Never touches clock or scenarios.

Changes: what is another way in a foundation than in its seed, entity by entity. Never changes it.

Clocks: a foundation's time shown, frozen, advanced, set and given a rate. Never sleeps: time that is due is true.

Foundations: listed, shown, made, copied, reset and deleted. Never changes what is in one.

Tokens: minted for users of a foundation, by which a client that can say nothing else reaches it. Reads none.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import flask

from mockfoundry.cloudfoundry.auth import ANY_ADMIN, TOKEN_LIFETIME, sign_token
from mockfoundry.cloudfoundry.clock import LATEST_MOMENT, SECOND, Clock
from mockfoundry.cloudfoundry.deployments import advance_deployments
from mockfoundry.cloudfoundry.seeds.export import export_world
from mockfoundry.cloudfoundry.seeds.read import Seed, read_seed, seed_from_data, world_from_seed
from mockfoundry.control.context import ControlContext, ControlProblem, Handlers, bad_value_problem, read_body_text
from mockfoundry.control.journals import LATEST_PARSED_MOMENT, parse_duration_field, parse_moment_field
from mockfoundry.documents.problems import did_you_mean
from mockfoundry.foundations.effects import apply_due_events
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.journal.entry import format_precise_moment

MAX_PATCH_DEPTH = 64


def state_handlers(context: ControlContext) -> Handlers:
    """The handlers of a foundation's state."""

    def export_state(name: str) -> dict[str, Any]:
        return context.run_in_foundation(name, export_settled_world)

    def replace_state(name: str) -> dict[str, Any]:
        seed = read_seed(read_body_text(), "body")
        return context.run_in_foundation_or_create(name, lambda foundation, now: replace_world(foundation, seed, now))

    def patch_state(name: str, body: dict[str, Any]) -> dict[str, Any]:
        must_not_nest_deep(body)

        def patch(foundation: FoundationState, now: int) -> dict[str, Any]:
            return replace_world(
                foundation,
                seed_from_data(apply_merge_patch(export_settled_world(foundation, now), body), "patched state"),
                now,
            )

        return context.run_in_foundation_or_create(name, patch)

    return {"export_state": export_state, "replace_state": replace_state, "patch_state": patch_state}


def export_settled_world(foundation: FoundationState, now: int) -> dict[str, Any]:
    """The world in a seed file's words."""
    if foundation.world.deploying_apps:
        advance_deployments(foundation.world, now)
    return export_world(foundation.world)


def replace_world(foundation: FoundationState, seed: Seed, now: int) -> dict[str, Any]:
    """Puts the world of a seed in the place of the one there is; clock and chance go on as they were."""
    before = foundation.world
    world = world_from_seed(seed, random_seed=before.seed, born=now)
    world.clock, world.generator = before.clock, before.generator
    foundation.world = world
    return export_settled_world(foundation, now)


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """A value with a merge patch put upon it: null takes a key away, a list is replaced whole [RFC 7396]."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = apply_merge_patch(merged.get(key), value)
    return merged


def must_not_nest_deep(body: Any, depth: int = 0) -> None:
    """Raises ControlError (422) where a patch nests deeper than any seed can."""
    if depth > MAX_PATCH_DEPTH:
        raise ControlProblem(
            422, "bad-value", f"body: nests deeper than {MAX_PATCH_DEPTH} levels, which no seed does; mend it"
        )
    inside = body.values() if isinstance(body, Mapping) else body if isinstance(body, list) else ()
    for each in inside:
        must_not_nest_deep(each, depth + 1)


SeedChange = dict[str, Any]

IDENTITY_KEYS = ("name", "type", "guid")
"""What an entity in a list is known by, the first that it has."""

IGNORED_KEYS = frozenset({"updated_at"})
"""What moves with every other change of an entity."""


def change_handlers(context: ControlContext) -> Handlers:
    """The handler of a foundation's changes."""

    def show_changes(name: str) -> dict[str, Any]:
        def read(foundation: FoundationState, now: int) -> dict[str, Any]:
            return {"changes": list(find_changes(export_world(foundation.seed), export_settled_world(foundation, now)))}

        return context.run_in_foundation(name, read)

    return {"show_changes": show_changes}


def find_changes(before: Any, after: Any, where: str = "") -> Iterator[SeedChange]:
    """Where two seeds are not the same, from the outside in: `organizations/acme/suspended`, before and after."""
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
    """Entities by what they are known by; by their guids too where one side has two of a name."""
    twice = {
        name for side in (entities, others) for name, count in Counter(map(identity_of, side)).items() if count > 1
    }
    return {
        f"{identity_of(each)} {each.get('guid', '')}" if identity_of(each) in twice else identity_of(each): each
        for each in entities
    }


def identity_of(entity: Mapping[str, Any]) -> str:
    return next((str(entity[key]) for key in IDENTITY_KEYS if entity.get(key)), "")


def abbreviate_entity(value: Any) -> Any:
    """A value as it is shown: of a whole entity what it is known by."""
    return {key: value[key] for key in IDENTITY_KEYS if key in value} or value if isinstance(value, Mapping) else value


def clock_handlers(context: ControlContext) -> Handlers:
    """The handlers of a foundation's clock."""

    def show_clock(name: str) -> dict[str, Any]:
        return context.run_in_foundation(name, lambda foundation, now: clock_to_dict(foundation.world.clock, now))

    def change_clock(name: str, body: dict[str, Any]) -> dict[str, Any]:
        advance = parse_duration_field("body /advance", body["advance"]) if "advance" in body else 0
        moment_set = parse_moment_field("body /now", body["now"]) if "now" in body else None
        rate = requested_rate_of(body)

        def change(foundation: FoundationState, now: int) -> dict[str, Any]:
            target = target_time_of(now, moment_set, advance)
            clock = foundation.world.clock
            clock.rebase(context.server.real_time())
            clock.virtual = target
            if rate is not None:
                clock.rate = rate
            apply_due_events(foundation, target)
            if foundation.world.deploying_apps:
                advance_deployments(foundation.world, target)
            return clock_to_dict(clock, target)

        return context.run_in_foundation_or_create(name, change)

    return {"show_clock": show_clock, "change_clock": change_clock}


def requested_rate_of(body: dict[str, Any]) -> float | None:
    """The rate that a body asks for, None where it asks for none; a frozen clock has the rate 0."""
    frozen, rate = body.get("frozen"), body.get("rate")
    if frozen is None:
        return None if rate is None else float(rate)
    if rate is not None and (rate == 0) is not frozen:
        raise ControlProblem(422, "bad-value", "body /rate: stands beside frozen, which says another; send one of them")
    if frozen:
        return 0.0
    return float(rate or 1.0)


def target_time_of(now: int, moment_set: int | None, advance: int) -> int:
    """What time it shall be.

    Raises:
        ControlError: 422, it would go back, or beyond what a timestamp can say.
    """
    if moment_set is not None and moment_set < now:
        raise bad_value_problem(
            "body /now",
            format_precise_moment(moment_set),
            f"at or after the foundation's time, {format_precise_moment(now)}",
            "a clock does not go back; set a later moment, or copy the foundation before and use the copy",
        )
    target = (now if moment_set is None else moment_set) + advance
    if target > LATEST_PARSED_MOMENT:
        raise bad_value_problem(
            "body /advance", str(advance // 1_000_000) + "s", "within the year 9999", "advance by less"
        )
    return target


def clock_to_dict(clock: Clock, now: int) -> dict[str, Any]:
    return {"now": format_precise_moment(now), "frozen": clock.rate == 0.0, "rate": clock.rate}


LEFT_AS_IT_IS = "it was left as it is, since If-None-Match: * was sent; send the call without that to make it anew"


def foundation_handlers(context: ControlContext) -> Handlers:
    """The handlers of `/__mock/foundations`."""
    registry = context.service.registry

    def list_foundations() -> dict[str, Any]:
        def listed() -> list[dict[str, Any]]:
            registry.expire(context.server.real_time())
            return [{"name": each.name, "requests": each.journal.recorded} for each in registry]

        return {"foundations": context.server.run_exclusively(listed)}

    def show_foundation(name: str) -> dict[str, Any]:
        return context.run_in_foundation(name, summarize_foundation)

    def put_foundation(name: str, random_seed: int | None = None) -> tuple[dict[str, Any], int]:
        only_new = "*" in flask.request.if_none_match
        text = read_body_text()
        seed = read_seed(text, "body") if text.strip() else None
        if random_seed is not None and seed is None:
            raise ControlProblem(
                422, "bad-value", "query random_seed: needs a seed in the body, to be built anew with it; send one"
            )

        def made() -> tuple[dict[str, Any], int]:
            real = context.server.real_time()
            number = registry.seed.seed if random_seed is None else random_seed
            world = None if seed is None else world_from_seed(seed, random_seed=number, born=real)
            status = 201 if registry.find(name) is None else 200
            if status == 200 and only_new:
                raise ControlProblem(412, "foundation-exists", f"foundation {name}: is there already; {LEFT_AS_IT_IS}")
            foundation = registry.create(name, world, real)
            return summarize_foundation(foundation, foundation.world.clock.now(real)), status

        return context.server.run_exclusively(made)

    def delete_foundation(name: str) -> tuple[None, int]:
        def deleted() -> None:
            context.find_foundation(name)
            registry.delete(name)

        context.server.run_exclusively(deleted)
        return None, 204

    def copy_foundation(name: str, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        other, may_replace = body["as"], body.get("replace", False)

        def copied() -> dict[str, Any]:
            context.find_foundation(name)
            if registry.find(other) is not None and not may_replace:
                text = (
                    f"body /as: there is a foundation {other} already; send replace: true to put the copy in its place"
                )
                raise ControlProblem(409, "foundation-exists", text)
            real = context.server.real_time()
            made = registry.copy(name, other, real)
            assert made is not None  # noqa: S101 (it was there a line above, in the same step)
            return summarize_foundation(made, made.world.clock.now(real))

        return context.server.run_exclusively(copied), 201

    def reset_foundation(name: str) -> dict[str, Any]:
        def reset() -> dict[str, Any]:
            context.find_foundation(name)
            real = context.server.real_time()
            made = registry.reset(name, real)
            assert made is not None  # noqa: S101
            return summarize_foundation(made, made.world.clock.now(real))

        return context.server.run_exclusively(reset)

    return {
        "list_foundations": list_foundations,
        "show_foundation": show_foundation,
        "put_foundation": put_foundation,
        "delete_foundation": delete_foundation,
        "copy_foundation": copy_foundation,
        "reset_foundation": reset_foundation,
    }


def summarize_foundation(foundation: FoundationState, now: int) -> dict[str, Any]:
    """A foundation in short."""
    world, journal = foundation.world, foundation.journal
    return {
        "name": foundation.name,
        "prefix": f"/foundations/{foundation.name}",
        "time": format_precise_moment(now),
        "random_seed": world.seed,
        "organizations": len(world.organizations),
        "spaces": len(world.spaces),
        "apps": len(world.apps),
        "processes": len(world.processes),
        "scenarios": [scenario.name for scenario in foundation.lineup.scenarios],
        "journal": {"recorded": journal.recorded, "held": len(journal), "dropped": journal.dropped},
    }


def token_handlers(context: ControlContext) -> Handlers:
    """The handler of a foundation's tokens."""

    def mint_token(name: str, body: dict[str, Any] | None = None) -> tuple[dict[str, Any], int]:
        asked = body or {}
        user_name = asked.get("user", ANY_ADMIN.name)
        lifetime = (
            parse_duration_field("body /expires_in", asked["expires_in"]) if "expires_in" in asked else TOKEN_LIFETIME
        )

        def mint(foundation: FoundationState, now: int) -> dict[str, Any]:
            users = foundation.world.users
            user = users.get(user_name) or (ANY_ADMIN if user_name == ANY_ADMIN.name else None)
            if user is None:
                hint = did_you_mean(user_name, (*users, ANY_ADMIN.name))
                detail = f"body /user: {user_name[:80]!r} is not a user of {name}{hint}; its seed may have more"
                raise ControlProblem(422, "unknown-user", detail)
            foundation.minted_tokens += 1
            expires = min(LATEST_MOMENT, now + lifetime)
            token = sign_token(context.service.authority.key, name, user, now, expires, foundation.minted_tokens)
            seconds = -(-(expires - now) // SECOND)
            return {"access_token": token, "token_type": "bearer", "expires_in": seconds, "user": user.name}

        return context.run_in_foundation_or_create(name, mint), 201

    return {"mint_token": mint_token}

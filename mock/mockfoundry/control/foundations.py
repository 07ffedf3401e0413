"""Foundations as control calls see them: made, copied, reset, deleted; their state, changes, clock and tokens.

Never decides what is in one: seeds and the world do. Never sleeps: advancing a clock does at once what is due.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.auth import ANY_ADMIN
from mockfoundry.cloudfoundry.clock import LATEST_MOMENT, SECOND, Clock
from mockfoundry.cloudfoundry.jobs import advance_world
from mockfoundry.cloudfoundry.seeds.export import export_snapshot
from mockfoundry.cloudfoundry.seeds.patch import WorldPatchError, apply_patch_fields
from mockfoundry.cloudfoundry.seeds.read import read_seed, read_world_patch, world_from_seed
from mockfoundry.cloudfoundry.tokens import TOKEN_LIFETIME, sign_claims
from mockfoundry.cloudfoundry.uaa.claims import TokenIssue, access_claims, list_user_scopes
from mockfoundry.cloudfoundry.uaa.clients import CF_CLIENT, find_client
from mockfoundry.cloudfoundry.uaa.names import find_user
from mockfoundry.cloudfoundry.world import World
from mockfoundry.control.context import (
    MAX_LOOP_STEPS,
    ControlAnswer,
    ControlCall,
    ControlContext,
    ControlProblem,
    ControlWork,
    Preparation,
    answer_in_turn,
    bad_value_problem,
    index_handlers,
    parse_duration_field,
    parse_moment_field,
)
from mockfoundry.control.peers import PeerList, ask_peers
from mockfoundry.control.scenarios import begin_playing, find_library_scenario
from mockfoundry.documents.problems import did_you_mean
from mockfoundry.documents.times import format_precise_moment
from mockfoundry.foundations.effects import apply_due_events
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.foundations.registry import SnapshotWantedError
from mockfoundry.foundations.shards import find_shard
from mockfoundry.scenarios.rule_index import CompiledScenarios
from mockfoundry.store.keeper import LookUp
from mockfoundry.store.versions import StoreUnreachableError

LEFT_AS_IT_IS = "it was left as it is, since If-None-Match: * was sent; send the call without that to make it anew"


def list_foundations(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    registry = context.service.registry
    registry.expire(call.real_time)
    own = [{"name": each.name, "requests": each.journal.recorded} for each in registry]
    if not context.asks_peers(call):
        return ControlAnswer({"foundations": own})

    def list_all() -> ControlAnswer:
        answers = ask_peers(context.peers, "/foundations", {}, PeerList)
        found = [*own, *(msgspec.to_builtins(each) for told in answers.told for each in told.foundations)]
        return ControlAnswer({"foundations": found, "unreachable": answers.unreachable})

    return ControlWork(list_all)


def show_foundation(context: ControlContext, call: ControlCall) -> ControlAnswer:
    return ControlAnswer(summarize_foundation(*context.find_foundation(call)))


def prepare_new_foundation(context: ControlContext, call: ControlCall) -> Callable[[str], World | None]:
    """Builds the world of the seed in the body; None if there is no body."""
    chosen, registry = call.query["random_seed"], context.service.registry
    random_seed, most = registry.initial_world.random_seed if chosen is None else chosen, registry.bounds.seed_bytes

    def build_world_of_body(text: str) -> World | None:
        if text.strip() not in ("", "null"):
            return world_from_seed(read_seed(text, "body", most), random_seed=random_seed, began_at=call.real_time)
        if chosen is not None:
            raise ControlProblem(
                422, "bad-value", "query random_seed: needs a seed in the body, to be built anew with it; send one"
            )
        return None

    return build_world_of_body


def put_foundation(context: ControlContext, call: ControlCall) -> ControlAnswer:
    name, registry = call.path["name"], context.service.registry
    is_new = registry.find_active(name, call.real_time) is None
    if not is_new and call.has_any_tag(b"if-none-match"):
        raise ControlProblem(412, "foundation-exists", f"foundation {name}: is there already; {LEFT_AS_IT_IS}")
    scenarios = CompiledScenarios() if call.query["scenarios"] == "none" else None
    played = [find_library_scenario(context.service, each) for each in call.query["play"] or ()]

    def play_all(foundation: FoundationState) -> None:
        for each in played:
            try:
                begin_playing(context, foundation, each, foundation.world.clock.now(call.real_time))
            except WorldPatchError as error:
                raise ControlProblem(
                    422, "bad-document", f"scenario {each.scenario.name}: {error}\nnothing was changed"
                ) from None

    foundation = registry.create(name, call.prepared, call.real_time, scenarios, play_all)
    summary = summarize_foundation(foundation, foundation.world.clock.now(call.real_time))
    return ControlAnswer(summary, 201 if is_new else 200)


def delete_foundation(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    try:
        foundation, _ = context.find_foundation(call)
    except SnapshotWantedError as wanted:
        return ControlWork(
            partial(context.must_keep().look_up, wanted.name), partial(delete_looked_up, context, call, wanted.name)
        )
    context.service.registry.delete(foundation.name)
    return ControlAnswer(None, 204)


def delete_looked_up(
    context: ControlContext, call: ControlCall, name: str, real_time: int, found: LookUp
) -> ControlAnswer | ControlWork:
    """Deletes a foundation that was looked up in the store; one whose snapshot can't be read, from there alone."""
    keeper = context.must_keep()
    if not found.unreadable:
        keeper.take_in(name, found, real_time)
        return delete_foundation(context, call)

    def delete() -> ControlAnswer:
        try:
            keeper.delete_unreadable(name)
        except StoreUnreachableError as error:
            raise store_unreachable_problem(name, error) from error
        return ControlAnswer(None, 204)

    return ControlWork(delete)


def save_foundation(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    keeper = context.must_keep()
    foundation, now = context.find_foundation(call)
    name = foundation.name
    apply_due_events(foundation, now)
    pending = keeper.cut(name)
    assert pending is not None  # noqa: S101 (it was found above, in the same step)

    def save() -> ControlAnswer:
        try:
            keeper.write(pending)
        except StoreUnreachableError as error:
            raise store_unreachable_problem(name, error) from error
        known = pending.known
        if known.problem:
            kind = "another-owner" if known.is_refused else "not-writable"
            raise ControlProblem(409, kind, f"foundation {name}: it is not saved: {known.problem}")
        assert known.version is not None  # noqa: S101 (it was written)
        return ControlAnswer({"name": name, "version": known.version.number})

    return ControlWork(save)


def store_unreachable_problem(name: str, error: StoreUnreachableError) -> ControlProblem:
    return ControlProblem(
        503,
        "store-unreachable",
        f"foundation {name}: the store can't be reached: {error}; the foundation is served from memory, and saved "
        "when the store is back",
    )


def copy_foundation(context: ControlContext, call: ControlCall) -> ControlAnswer:
    foundation, _ = context.find_foundation(call)
    registry, other = context.service.registry, call.body["as"]
    shard = registry.shard
    if shard is not None and not shard.has(other):
        raise ControlProblem(
            421,
            "OtherShard",
            f"body /as: {other} is a name of shard {find_shard(other, shard.count)}/{shard.count}, and a copy stays on "
            f"that of its original, {shard}; take another name, or GET the state of {foundation.name} and PUT it as "
            f"that of {other} (which leaves out its scenarios, counters and journal)",
        )
    if registry.find_active(other, call.real_time) is not None and not call.body.get("replace", False):
        text = f"body /as: there is a foundation {other} already; send replace: true to put the copy in its place"
        raise ControlProblem(409, "foundation-exists", text)
    made = registry.copy(foundation.name, other, call.real_time)
    assert made is not None  # noqa: S101 (it was found above, in the same step)
    return ControlAnswer(summarize_foundation(made, made.world.clock.now(call.real_time)), 201)


def reset_foundation(context: ControlContext, call: ControlCall) -> ControlAnswer:
    foundation, _ = context.find_foundation(call)
    made = context.service.registry.reset(foundation.name, call.real_time)
    assert made is not None  # noqa: S101
    return ControlAnswer(summarize_foundation(made, made.world.clock.now(call.real_time)))


def summarize_foundation(foundation: FoundationState, now: int) -> dict[str, Any]:
    """A foundation in short, as JSON's values."""
    world, journal = foundation.world, foundation.journal
    return {
        "name": foundation.name,
        "prefix": f"/foundations/{foundation.name}",
        "time": format_precise_moment(now),
        "random_seed": world.random_seed,
        "organizations": len(world.organizations),
        "spaces": len(world.spaces),
        "apps": len(world.apps),
        "processes": len(world.processes),
        "scenarios": [scenario.name for scenario in foundation.compiled_scenarios.scenarios],
        "journal": {"recorded": journal.recorded, "held": len(journal), "dropped": journal.dropped},
    }


def export_state(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    foundation, now = context.find_foundation(call)
    settle_foundation(foundation, now)
    return answer_with_state(foundation.world.copy(), now)


def answer_with_state(world: World, now: int) -> ControlAnswer | ControlWork:
    """A world with its instances as they are, in a seed file's words.

    Args:
        world: that nothing writes to any more.
        now: virtual microseconds.
    """
    return answer_in_turn(is_large(world), lambda: ControlAnswer(export_snapshot(world, now)))


def is_large(world: World) -> bool:
    """Whether it takes long to go through a world."""
    return len(world.apps) + len(world.processes) > MAX_LOOP_STEPS


def settle_foundation(foundation: FoundationState, now: int) -> None:
    """Has everything happen that time has brought by now: scenarios' events and their ends, deployments and jobs."""
    apply_due_events(foundation, now)
    advance_world(foundation.world, now)


def prepare_state(context: ControlContext, call: ControlCall) -> Callable[[str], World]:
    """Builds the world of the seed in the body, for the foundation as it is now."""
    registry = context.service.registry
    found = registry.find_active(call.path["name"], call.real_time)
    before = registry.initial_world if found is None else found.world
    random_seed, now, most = before.random_seed, before.clock.now(call.real_time), registry.bounds.seed_bytes
    return lambda text: world_from_seed(read_seed(text, "body", most), random_seed=random_seed, began_at=now)


def prepare_patch(context: ControlContext, call: ControlCall) -> Callable[[str], dict[str, Any]]:
    """Reads the change in the body; whether it fits is seen where it is made."""
    most = context.service.registry.bounds.seed_bytes
    return lambda text: read_world_patch(text, "body", most)


def replace_state(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    with context.find_or_create_foundation(call) as (foundation, now):
        # What scenarios were to change by now was to change the world that goes.
        settle_foundation(foundation, now)
        world: World = call.prepared
        world.clock, world.generator = foundation.world.clock, foundation.world.generator
        answer = answer_with_settled_world(world, now)
        context.service.registry.replace_world(foundation, world)
        return answer


def patch_state(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    with context.find_or_create_foundation(call) as (foundation, now):
        settle_foundation(foundation, now)
        # What fails halfway leaves the world as it was.
        world = foundation.world.copy()
        apply_patch_fields(world, call.prepared, now, "body")
        # One that can't be shown takes no place.
        answer = answer_with_settled_world(world, now)
        foundation.world = world
        return answer


def answer_with_settled_world(world: World, now: int) -> ControlAnswer | ControlWork:
    advance_world(world, now)
    return answer_with_state(world.copy(), now)


def show_clock(context: ControlContext, call: ControlCall) -> ControlAnswer:
    foundation, now = context.find_foundation(call)
    return ControlAnswer(clock_to_dict(foundation.world.clock, now))


def change_clock(context: ControlContext, call: ControlCall) -> ControlAnswer:
    body = call.body
    advance = parse_duration_field("body /advance", body["advance"]) if "advance" in body else 0
    moment = parse_moment_field("body /now", body["now"]) if "now" in body else None
    rate = requested_rate_of(body)
    with context.find_or_create_foundation(call) as (foundation, now):
        target = target_time_of(now, moment, advance)
        clock = foundation.world.clock
        clock.rebase(call.real_time)
        if rate is not None:
            clock.rate = rate
        waits = context.service.registry.clock_waits
        # A request that waited goes on in the world of its moment, however far the clock is moved at once.
        while (due := waits.find_next(foundation.generation)) is not None and due <= target:
            move_clock(foundation, max(due, clock.virtual))
            waits.release_due(foundation.generation, clock.virtual, call.real_time)
        move_clock(foundation, target)
        # The clock of those that are not due may come to their moments sooner, or later, than it would have.
        waits.wake_generation(foundation.generation)
        return ControlAnswer(clock_to_dict(clock, target))


def move_clock(foundation: FoundationState, moment: int) -> None:
    """Sets a foundation's clock to a moment; everything that is due by then has happened."""
    foundation.world.clock.virtual = moment
    settle_foundation(foundation, moment)


def requested_rate_of(body: Mapping[str, Any]) -> float | None:
    """The rate that a body asks for, None where it asks for none; a frozen clock has the rate 0."""
    frozen, rate = body.get("frozen"), body.get("rate")
    if frozen is None:
        return None if rate is None else float(rate)
    if rate is not None and (rate == 0) is not frozen:
        raise ControlProblem(422, "bad-value", "body /rate: stands beside frozen, which says another; send one of them")
    if frozen:
        return 0.0
    return float(rate or 1.0)


def target_time_of(now: int, moment: int | None, advance: int) -> int:
    """The time that a clock is to have.

    Args:
        now: the time that it has.
        moment: that it is set to, None for none.
        advance: by how much it is advanced after that.

    Raises:
        ControlProblem: 422, it would go back, or beyond what a timestamp can say.
    """
    if moment is not None and moment < now:
        raise bad_value_problem(
            "body /now",
            format_precise_moment(moment),
            f"at or after the foundation's time, {format_precise_moment(now)}",
            "a clock does not go back; set a later moment, or copy the foundation before and use the copy",
        )
    target = (now if moment is None else moment) + advance
    if target > LATEST_MOMENT:
        raise bad_value_problem(
            "body /advance", str(advance // SECOND) + "s", "within the year 9999", "advance by less"
        )
    return target


def clock_to_dict(clock: Clock, now: int) -> dict[str, Any]:
    return {"now": format_precise_moment(now), "frozen": clock.rate == 0.0, "rate": clock.rate}


def prepare_signing_key(context: ControlContext, call: ControlCall) -> Callable[[str], object]:
    """Reads or makes the key that tokens are signed with, which takes long the first time."""
    key = context.service.authority.key
    return lambda _: key.load()


def must_load_signing_key(context: ControlContext) -> bool:
    """Whether the key that tokens are signed with is not there yet."""
    return not context.service.authority.key.is_loaded


def mint_token(context: ControlContext, call: ControlCall) -> ControlAnswer:
    body, name = call.body or {}, call.path["name"]
    user_name = body.get("user", ANY_ADMIN.name)
    lifetime = parse_duration_field("body /expires_in", body["expires_in"]) if "expires_in" in body else TOKEN_LIFETIME
    with context.find_or_create_foundation(call) as (foundation, now):
        settle_foundation(foundation, now)
        users = foundation.world.users
        user = find_user(foundation.world, user_name)
        if user is None:
            hint = did_you_mean(user_name, (*users, ANY_ADMIN.name))
            detail = f"body /user: {user_name[:80]!r} is not a user of {name}{hint}; its seed can give it more users"
            raise ControlProblem(422, "unknown-user", detail)
        expires = min(LATEST_MOMENT, now + lifetime)
        issue = TokenIssue(
            foundation=name,
            issuer=foundation.token_issuers[-1],
            base=call.base_url,
            client=find_client(foundation.world, CF_CLIENT.id) or CF_CLIENT,
            user=user,
            scopes=tuple(sorted(list_user_scopes(user).intersection(CF_CLIENT.scopes))),
            grant="password",
            since=now // SECOND,
            now=now,
            number=foundation.next_token_number(),
        )
        key = context.service.authority.key
        token = sign_claims(key, access_claims(issue, expires), issue.key_address)
        seconds = -(-(expires - now) // SECOND)
        body = {"access_token": token, "token_type": "bearer", "expires_in": seconds, "user": user.name}
        return ControlAnswer(body, 201)


FOUNDATION_HANDLERS = index_handlers(
    list_foundations,
    show_foundation,
    put_foundation,
    delete_foundation,
    save_foundation,
    copy_foundation,
    reset_foundation,
    export_state,
    replace_state,
    patch_state,
    show_clock,
    change_clock,
    mint_token,
)

FOUNDATION_PREPARATIONS: dict[str, Preparation] = {
    "put_foundation": prepare_new_foundation,
    "replace_state": prepare_state,
    "mint_token": prepare_signing_key,
    "patch_state": prepare_patch,
}

LONG_PREPARATIONS: dict[str, Callable[[ControlContext], bool]] = {"mint_token": must_load_signing_key}
"""Operations whose preparation may take long though the body is small, and whether it would now."""

"""Values that a seed gives as a mapping or as a word: built from what was read, and written. Reads no text."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from mockfoundry.cloudfoundry.app_parts import Buildpack
from mockfoundry.cloudfoundry.model import Load
from mockfoundry.cloudfoundry.settings import FeatureFlag, RateLimit
from mockfoundry.documents.times import format_duration, format_exact_moment

NOTHING: dict[str, Any] = {}
"""The labels of all that has none: sixty thousand apps hold one dict, which nobody changes."""

SeedFields = Mapping[str, Any]
"""What was read of an entity: the keys that were given, each with its value."""


FEATURE_FLAGS: Mapping[str, bool] = {
    "user_org_creation": False,
    "private_domain_creation": True,
    "app_bits_upload": True,
    "app_scaling": True,
    "route_creation": True,
    "service_instance_creation": True,
    "diego_docker": False,
    "diego_cnb": False,
    "set_roles_by_username": True,
    "unset_roles_by_username": True,
    "task_creation": True,
    "env_var_visibility": True,
    "space_scoped_private_broker_creation": True,
    "space_developer_env_var_visibility": True,
    "service_instance_sharing": False,
    "hide_marketplace_from_unauthenticated_users": False,
    "resource_matching": True,
    "route_sharing": False,
    "hash_based_routing": False,
}
"""Every feature flag and what it is unless a seed says otherwise [app/models/runtime/feature_flag.rb]."""


def spell_feature_flag(given: bool | SeedFields) -> SeedFields:
    """What was given of a feature flag, as a mapping."""
    return {"enabled": given} if isinstance(given, bool) else given


def merge_feature_flags(flags: Mapping[str, FeatureFlag], given: Mapping[str, SeedFields]) -> dict[str, FeatureFlag]:
    """The flags that are given, each with what is not named as it is."""
    return {name: replace(flags[name], **fields) for name, fields in given.items()}


def write_feature_flag(flag: FeatureFlag) -> Any:
    fields: dict[str, Any] = {"enabled": flag.enabled, "error_message": flag.error_message}
    if flag.updated_at is not None:
        return {**fields, "updated_at": format_exact_moment(flag.updated_at)}
    return fields if flag.error_message else flag.enabled


def spell_rate_limit(given: int | SeedFields) -> SeedFields:
    """What was given of a rate limit, as a mapping.

    A number alone is a limit for everybody, admins too, since any unknown bearer is one.
    """
    return {"requests": given, "unauthenticated": given, "admins": given} if isinstance(given, int) else given


def merge_rate_limit(current: RateLimit | None, given: SeedFields | None) -> RateLimit | None:
    """A rate limit with what is given of it; None, where null was given, for none."""
    if given is None:
        return None
    if current is not None:
        return replace(current, **given)
    return RateLimit(**{"unauthenticated": given["requests"], "admins": None, **given})


def write_rate_limit(limit: RateLimit) -> SeedFields:
    return {name: getattr(limit, name) for name in limit.__struct_fields__}


def build_load(fields: SeedFields) -> Load:
    steps = [(each["at"], each["total_cpu"]) for each in fields.get("steps", ())]
    if "total_cpu" in fields:
        steps.append((0, fields["total_cpu"]))
    return Load(
        steps=tuple(sorted(steps)),
        crash_above=fields.get("overload", {}).get("crash_above"),
        memory_per_core_in_mb=fields.get("memory_per_cpu_in_mb", 0),
        **fields.get("sine", {}),
    )


def write_load(load: Load) -> SeedFields:
    fields: dict[str, Any] = {
        "steps": [{"at": format_duration(at), "total_cpu": cpu} for at, cpu in load.steps],
        "memory_per_cpu_in_mb": load.memory_per_core_in_mb,
        "overload": {} if load.crash_above is None else {"crash_above": load.crash_above},
    }
    if load.period:
        fields["sine"] = {"mean": load.mean, "amplitude": load.amplitude, "period": format_duration(load.period)}
    return fields


def spell_buildpack(given: str | SeedFields) -> Buildpack:
    return Buildpack(name=given) if isinstance(given, str) else Buildpack(**given)


def write_buildpack(buildpack: Buildpack) -> Any:
    fields = {name: value for name in buildpack.__struct_fields__ if (value := getattr(buildpack, name)) is not None}
    return buildpack.name if len(fields) == 1 else fields

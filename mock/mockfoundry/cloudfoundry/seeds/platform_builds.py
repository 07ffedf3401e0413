"""Building what stands around apps: settings, quotas, segments, services. Never finds a seed at fault.

Its default quota, isolation segments, security groups and services; and how the fields of any entity are applied.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.organizations import (
    IsolationSegment,
    Organization,
    Quota,
    SecurityGroup,
    ServiceInstance,
    ServiceOffering,
    ServicePlan,
    Space,
)
from mockfoundry.cloudfoundry.seeds.keys import EACH
from mockfoundry.cloudfoundry.seeds.organization_forms import (
    ISOLATION_SEGMENT,
    QUOTA,
    SECURITY_GROUP,
    SERVICE_INSTANCE,
    SERVICE_OFFERING,
    SERVICE_PLAN,
)
from mockfoundry.cloudfoundry.seeds.values import SeedFields
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.declare import Form

EntityT = TypeVar("EntityT", bound=msgspec.Struct)

SHARED_SEGMENT = "shared"
SHARED_SEGMENT_GUID = "933b4c58-120b-499a-b85d-4b6fc9e2903b"
"""Of the isolation segment that every foundation has [app/models/runtime/isolation_segment_model.rb]."""

MAX_OWNER_NAME = 200
"""So many characters of its owner's name begin that of a quota; one has at most 250."""

replace = msgspec.structs.replace


def apply_fields(form: Form, entity: EntityT, fields: SeedFields) -> EntityT:
    """An entity with what a document says of its fields; what makes it the entity that it is stays."""
    changes = form.collect_attributes(fields)
    for key in form.keys:
        if key.role == "merged" and fields.get(key.name) is not None:
            current = getattr(entity, key.attribute)
            merged = key.form.collect_attributes(fields[key.name])
            changes[key.attribute] = replace(Quota() if current is None else current, **merged)
        elif key.role == "merged" and key.name in fields:
            changes[key.attribute] = None
    return replace(entity, **changes) if changes else entity


def list_keys(table: Mapping[str, Any], prefix: str, name: str) -> list[str]:
    """The keys that a name means in a table whose keys begin with that prefix: its own, or each that is there."""
    return [key for key in table if key.startswith(prefix)] if name == EACH else [f"{prefix}{name}"]


class PlatformBuilder:
    """Adds what a seed describes of a foundation as a whole to a world.

    Attributes:
        world: what is being built.
        created: when the next process is created, where the seed does not say; each a second after the one before.
    """

    def __init__(self, world: World, created: int) -> None:
        self.world = world
        self.created = created

    def derive_guid(self, *names: str) -> str:
        return derive_guid(self.world.random_seed, *names)

    def read_timestamps(self, fields: SeedFields, created: int | None = None) -> tuple[int, int]:
        """When an entity was created and last changed."""
        began: int = fields.get("created_at", self.created if created is None else created)
        return began, fields.get("updated_at", began)

    def put_default_quota(self, fields: SeedFields) -> None:
        """Changes the quota of organizations that name none; makes it, where it is not there."""
        quota = self.world.default_quota
        if not quota.guid:
            created, updated = self.read_timestamps(fields)
            guid = fields.get("guid") or self.derive_guid("quota")
            quota = Quota(guid=guid, name="default", created_at=created, updated_at=updated)
        self.world.default_quota = apply_fields(QUOTA, quota, fields)

    def complete_quota(self, quota: Quota | None, fields: SeedFields, owner: tuple[str, ...]) -> Quota | None:
        """A quota that was begun, with what makes it a resource.

        Args:
            fields: of its owner.
            owner: the names of an organization, and of a space where it is that of one.
        """
        if quota is None or quota.guid:
            return quota
        given = fields["quota"]
        created, updated = self.read_timestamps(given)
        return replace(
            quota,
            guid=given.get("guid") or self.derive_guid("quota", *owner),
            name=quota.name or f"{owner[-1][:MAX_OWNER_NAME]}-quota",
            created_at=created,
            updated_at=updated,
        )

    def require_isolation_segment(self, name: str | None) -> None:
        """Adds an isolation segment that is named, where it is not there."""
        if name is not None and name not in self.world.isolation_segments:
            self.put_isolation_segment({"name": name})

    def put_isolation_segment(self, fields: SeedFields) -> None:
        """Adds an isolation segment, or changes the one of that name."""
        name, segments = fields["name"], self.world.isolation_segments
        created, updated = self.read_timestamps(fields)
        guid = SHARED_SEGMENT_GUID if name == SHARED_SEGMENT else self.derive_guid("isolation_segment", name)
        begun = IsolationSegment(guid=fields.get("guid") or guid, name=name, created_at=created, updated_at=updated)
        self.world.own_table("isolation_segments")[name] = apply_fields(
            ISOLATION_SEGMENT, segments.get(name, begun), fields
        )

    def put_security_group(self, fields: SeedFields) -> None:
        """Adds a security group, or changes the one of that name."""
        name, groups = fields["name"], self.world.security_groups
        created, updated = self.read_timestamps(fields)
        guid = fields.get("guid") or self.derive_guid("security_group", name)
        begun = SecurityGroup(guid=guid, name=name, created_at=created, updated_at=updated)
        self.world.own_table("security_groups")[name] = apply_fields(SECURITY_GROUP, groups.get(name, begun), fields)

    def put_service_offering(self, fields: SeedFields) -> None:
        """Adds a service offering, or changes the one of that name, with its plans."""
        name, offerings = fields["name"], self.world.service_offerings
        created, updated = self.read_timestamps(fields)
        guid = fields.get("guid") or self.derive_guid("service_offering", name)
        begun = ServiceOffering(
            guid=guid,
            name=name,
            catalog_id=guid,
            broker=f"{name[:MAX_OWNER_NAME]}-broker",
            created_at=created,
            updated_at=updated,
        )
        changed = apply_fields(SERVICE_OFFERING, offerings.get(name, begun), fields)
        self.world.own_table("service_offerings")[name] = changed
        for plan in fields.get("plans", ()):
            self.put_service_plan(plan, name)

    def put_service_plan(self, fields: SeedFields, offering: str) -> None:
        plans = self.world.service_plans
        created, updated = self.read_timestamps(fields)
        for key in list_keys(plans, f"{offering}/", fields["name"]):
            name = key.partition("/")[2]
            guid = fields.get("guid") or self.derive_guid("service_plan", offering, name)
            begun = ServicePlan(
                guid=guid, name=name, offering=offering, catalog_id=guid, created_at=created, updated_at=updated
            )
            self.world.own_table("service_plans")[key] = apply_fields(SERVICE_PLAN, plans.get(key, begun), fields)

    def put_service_instance(self, fields: SeedFields, space: Space, organization: Organization) -> None:
        """Adds a service instance, or changes the one of that name in its space."""
        name, instances = fields["name"], self.world.service_instances
        inside = [each for each in instances.values() if each.space == space.guid and name in (EACH, each.name)]
        if not inside and name != EACH:
            created, updated = self.read_timestamps(fields)
            guid = fields.get("guid") or self.derive_guid("service_instance", organization.name, space.name, name)
            inside = [
                ServiceInstance(
                    guid=guid, name=name, space=space.guid, plan=None, created_at=created, updated_at=updated
                )
            ]
        for each in inside:
            self.world.own_table("service_instances")[each.guid] = apply_fields(SERVICE_INSTANCE, each, fields)

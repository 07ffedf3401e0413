"""Organizations as frozen values, with what they have: spaces, quotas, segments, services. Never checks a quota.

Moments are whole microseconds since the epoch. What apps are made of stands in `model`.
"""

from typing import Any

import msgspec


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of an organization or a space; None is unlimited. Memory in MB, log rate in bytes per second.

    Attributes:
        guid, name, created_at, updated_at: of the resource that the API shows.
        total_domains: of an organization; a space has no such limit.
    """

    guid: str = ""
    name: str = ""
    created_at: int = 0
    updated_at: int = 0
    total_memory_in_mb: int | None = None
    per_process_memory_in_mb: int | None = None
    total_instances: int | None = None
    per_app_tasks: int | None = None
    log_rate_limit_in_bytes_per_second: int | None = None
    paid_services_allowed: bool = True
    total_service_instances: int | None = None
    total_service_keys: int | None = None
    total_routes: int | None = None
    total_reserved_ports: int | None = None
    total_domains: int | None = None

    @property
    def limits_processes(self) -> bool:
        """Whether it limits anything that is checked of a process."""
        limits = (
            self.total_memory_in_mb,
            self.per_process_memory_in_mb,
            self.total_instances,
            self.log_rate_limit_in_bytes_per_second,
        )
        return limits != (None, None, None, None)


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """An organization.

    Attributes:
        quota: its own; None where it has the one that every organization has that names none.
        isolation_segments: the names of those that it may use, besides those that its spaces do use.
        default_isolation_segment: the name of the one for spaces that name none.
    """

    guid: str
    name: str
    created_at: int
    updated_at: int
    suspended: bool = False
    being_deleted: bool = False
    quota: Quota | None = None
    isolation_segments: tuple[str, ...] = ()
    default_isolation_segment: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """A space.

    Attributes:
        isolation_segment: its name.
    """

    guid: str
    name: str
    organization: str
    created_at: int
    updated_at: int
    suspended: bool = False
    being_deleted: bool = False
    quota: Quota | None = None
    isolation_segment: str | None = None
    allow_ssh: bool = True
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class IsolationSegment(msgspec.Struct, frozen=True, kw_only=True):
    guid: str
    name: str
    created_at: int
    updated_at: int
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class SecurityGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Which addresses the apps of some spaces may reach.

    Attributes:
        rules: as the API shows them.
        running_default, staging_default: whether it holds in every space, while apps run, and while they are staged.
        running_spaces, staging_spaces: where it holds besides, as `organization/space`.
    """

    guid: str
    name: str
    created_at: int
    updated_at: int
    rules: tuple[dict[str, Any], ...] = ()
    running_default: bool = False
    staging_default: bool = False
    running_spaces: tuple[str, ...] = ()
    staging_spaces: tuple[str, ...] = ()


class ServicePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan of a service offering; anybody may use it.

    Attributes:
        offering: the name of its offering.
        catalog_id: what the broker calls it.
    """

    guid: str
    name: str
    offering: str
    catalog_id: str
    created_at: int
    updated_at: int
    description: str = ""
    free: bool = True
    available: bool = True
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class ServiceOffering(msgspec.Struct, frozen=True, kw_only=True):
    """What a service broker offers.

    Attributes:
        catalog_id: what the broker calls it.
        broker: the name of the broker.
    """

    guid: str
    name: str
    catalog_id: str
    broker: str
    created_at: int
    updated_at: int
    description: str = ""
    available: bool = True
    tags: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class ServiceInstance(msgspec.Struct, frozen=True, kw_only=True):
    """An instance of a service in a space.

    Attributes:
        space: its guid.
        plan: `offering/plan`; None where a user provided it.
    """

    guid: str
    name: str
    space: str
    plan: str | None
    created_at: int
    updated_at: int
    tags: tuple[str, ...] = ()
    dashboard_url: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}

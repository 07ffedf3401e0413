"""Statistics: what each instance uses at a moment, computed from the clock and the seed. Never ticks, never draws.

Source: cloud_controller_ng, app/presenters/v3/process_stats_presenter.rb and
lib/cloud_controller/diego/reporters/instances_stats_reporter.rb.
"""

from typing import Any

from mockfoundry.cloudfoundry.chance import named_fraction
from mockfoundry.cloudfoundry.clock import SECOND, written
from mockfoundry.cloudfoundry.instances import Instance, instances_at
from mockfoundry.cloudfoundry.world import App, Process, Space, World

MEGABYTE = 1024 * 1024
FILE_DESCRIPTORS = 16384


def present_stats(world: World, app: App, space: Space, process: Process, now: int) -> dict[str, Any]:
    """The stats of a process, an entry for each instance."""
    return {
        "resources": [
            present_down(process, space, each)
            if each.state == "DOWN"
            else present_found(world, space, process, each, now)
            for each in instances_at(world, app, process, now)
        ]
    }


def present_down(process: Process, space: Space, instance: Instance) -> dict[str, Any]:
    return {
        "type": process.type,
        "index": instance.index,
        "state": "DOWN",
        "routable": None,
        "uptime": 0,
        "isolation_segment": space.isolation_segment,
        "details": None,
    }


def present_found(world: World, space: Space, process: Process, instance: Instance, now: int) -> dict[str, Any]:
    external = 61000 + instance.index % 4000
    return {
        "type": process.type,
        "index": instance.index,
        "instance_guid": instance.guid,
        "state": instance.state,
        "routable": instance.state == "RUNNING",
        "host": f"10.0.{instance.index // 250 % 250}.{1 + instance.index % 250}",
        "instance_internal_ip": f"10.255.{instance.index // 250 % 250}.{1 + instance.index % 250}",
        "uptime": (now - (instance.since or now)) // SECOND,
        "mem_quota": process.memory_in_mb * MEGABYTE,
        "disk_quota": (process.disk_in_mb or 1024) * MEGABYTE,
        "log_rate_limit": process.log_rate_limit_in_bytes_per_second,
        "fds_quota": FILE_DESCRIPTORS,
        "isolation_segment": space.isolation_segment,
        "details": None,
        "instance_ports": [
            {
                "external": external,
                "internal": 8080,
                "external_tls_proxy_port": external + 1,
                "internal_tls_proxy_port": 61001,
            }
        ],
        "usage": usage(world, process, instance, now),
    }


def usage(world: World, process: Process, instance: Instance, now: int) -> dict[str, Any]:
    """What one instance uses; the same for the same seed, process, index and second."""
    running = instance.state == "RUNNING"

    def share(name: str) -> float:
        return named_fraction(world.seed, name, process.guid, instance.index, now // SECOND)

    return {
        "time": written(now),
        "cpu": round(0.01 + 0.05 * share("cpu"), 6) if running else 0.0,
        "cpu_entitlement": round(0.02 + 0.1 * share("cpu"), 6) if running else 0.0,
        "mem": int(process.memory_in_mb * MEGABYTE * (0.4 + 0.05 * share("mem"))) if running else 0,
        "disk": int((process.disk_in_mb or 1024) * MEGABYTE * 0.12) if running else 0,
        "log_rate": int(1024 * share("log_rate")) if running else 0,
    }

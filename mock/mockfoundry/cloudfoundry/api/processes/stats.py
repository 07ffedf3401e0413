"""Statistics: what each instance uses at a moment, computed from the clock and the seed. Never ticks, never draws.

Source: cloud_controller_ng, app/presenters/v3/process_stats_presenter.rb and
lib/cloud_controller/diego/reporters/instances_stats_reporter.rb.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.generator import derive_word, mix_word
from mockfoundry.cloudfoundry.instances import Instance, compute_load_cores, count_running_instances, instances_at
from mockfoundry.cloudfoundry.model import Allotment, App, ProcessModel
from mockfoundry.cloudfoundry.organizations import Space
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.times import format_second

MEGABYTE = 1024 * 1024
FILE_DESCRIPTORS = 16384
INTERNAL_PORT = 8080
INTERNAL_TLS_PORT = 61001
FIRST_EXTERNAL_PORT = 61002

IDLE_CORES = 0.005
IDLE_MEMORY = 0.3
IDLE_DISK = 0.12
ENTITLED_MEMORY = 1024
"""The memory, in MB, that entitles an instance to one processor core."""


class UsageSample(NamedTuple):
    """What the usage of every instance of a process is computed from.

    Attributes:
        seed_word: 64 bits that follow from the world's seed and the process.
        second: since the epoch; usage changes from one second to the next.
        time: the same second as usage shows it.
        cores_per_instance: how many cores of load each running instance has.
        load_memory_bytes: what the load takes of each instance's memory.
        resources: what each instance was started with.
    """

    seed_word: int
    second: int
    time: str
    cores_per_instance: float
    load_memory_bytes: int
    resources: Allotment | ProcessModel

    def instance_fraction(self, index: int, kind: int) -> float:
        """A number in [0, 1) of one instance at this second."""
        return (mix_word(self.seed_word ^ (index << 40) ^ (self.second << 3) ^ kind) >> 11) * 2.0**-53


def present_stats(world: World, app: App, space: Space, process: ProcessModel, now: int) -> dict[str, Any]:
    """The stats of a process, with an entry for each index below `instances`."""
    sample = None
    if world.settings.metrics == "available" and app.state == "STARTED":
        sample = sample_usage(world, process, now)
    segment = space.isolation_segment if app.state == "STARTED" else None
    return {
        "resources": [
            present_down_instance(process, each, segment, now)
            if each.state == "DOWN"
            else present_known_instance(process, each, segment, sample, now)
            for each in instances_at(world, app, process, now)
            if each.index < process.instances
        ]
    }


def sample_usage(world: World, process: ProcessModel, now: int) -> UsageSample:
    """What usage is computed from at a moment."""
    load = process.load
    cores, memory = 0.0, 0
    if load is not None:
        cores = compute_load_cores(load, now - world.began_at) / max(1, count_running_instances(world, process, now))
        memory = int(cores * load.memory_per_core_in_mb * MEGABYTE)
    second = now // SECOND
    return UsageSample(
        seed_word=derive_word(world.random_seed, "usage", process.guid),
        second=second,
        time=format_second(second).replace("Z", "+00:00"),
        cores_per_instance=cores,
        load_memory_bytes=memory,
        resources=process.allotment or process,
    )


def present_down_instance(process: ProcessModel, instance: Instance, segment: str | None, now: int) -> dict[str, Any]:
    since = instance.since
    return {
        "type": process.type,
        "index": instance.index,
        "state": "DOWN",
        "routable": instance.routable,
        "uptime": 0 if since is None else max(0, now - since) // SECOND,
        "isolation_segment": None if since is None else segment,
        "details": instance.details,
    }


def present_known_instance(
    process: ProcessModel, instance: Instance, segment: str | None, sample: UsageSample | None, now: int
) -> dict[str, Any]:
    """An instance that the scheduler knows; one that is not placed yet, or has crashed, has no address."""
    index = instance.index
    placed = instance.state in ("RUNNING", "STOPPING")
    measured = sample is not None and placed
    host, internal_ip, ports = find_place(index) if placed else _NO_PLACE
    resources = process if sample is None else sample.resources
    return {
        "type": process.type,
        "index": index,
        "instance_guid": instance.guid,
        "state": instance.state,
        "routable": instance.routable,
        "host": host,
        "instance_internal_ip": internal_ip,
        "uptime": max(0, now - (instance.since or now)) // SECOND,
        "mem_quota": resources.memory_in_mb * MEGABYTE if measured else None,
        "disk_quota": resources.disk_in_mb * MEGABYTE if measured else None,
        "log_rate_limit": resources.log_rate_limit_in_bytes_per_second if measured else None,
        "fds_quota": FILE_DESCRIPTORS,
        "isolation_segment": segment,
        "details": instance.details,
        "instance_ports": ports,
        "usage": {}
        if sample is None
        else present_usage(sample, instance)
        if measured
        else {"time": sample.time, **_NO_USAGE},
    }


_NO_USAGE = {"cpu": 0, "cpu_entitlement": 0, "mem": 0, "disk": 0, "log_rate": 0}
"""The Cloud Controller's usage of an instance that sent no metrics: whole numbers, for processors too."""


class Place(NamedTuple):
    """Where an instance runs.

    Attributes:
        ports: as they are shown.
    """

    host: str
    internal_ip: str
    ports: msgspec.Raw


_NO_PLACE = Place("", "", msgspec.Raw(b"[]"))


@lru_cache(maxsize=1024)
def find_place(index: int) -> Place:
    """Where the instance of an index runs: with the same index always in the same place."""
    cell, port = divmod(index, 250)
    external = FIRST_EXTERNAL_PORT + 2 * port
    ports = {
        "external": external,
        "internal": INTERNAL_PORT,
        "external_tls_proxy_port": external + 1,
        "internal_tls_proxy_port": INTERNAL_TLS_PORT,
    }
    host, internal_ip = f"10.0.{cell % 250}.{10 + port % 40}", f"10.255.{cell % 250}.{1 + port}"
    return Place(host, internal_ip, msgspec.Raw(msgspec.json.encode([ports])))


def present_usage(sample: UsageSample, instance: Instance) -> dict[str, Any]:
    """What one instance uses: always the same for the same seed, process, index and second."""
    index, resources = instance.index, sample.resources
    cpu = sample.cores_per_instance or IDLE_CORES * (0.5 + sample.instance_fraction(index, 1))
    quota = resources.memory_in_mb * MEGABYTE
    idle = int(quota * IDLE_MEMORY * (0.9 + 0.2 * sample.instance_fraction(index, 2)))
    return {
        "time": sample.time,
        "cpu": cpu,
        "cpu_entitlement": cpu * ENTITLED_MEMORY / resources.memory_in_mb,
        "mem": min(quota, idle + sample.load_memory_bytes),
        "disk": int(resources.disk_in_mb * MEGABYTE * IDLE_DISK),
        "log_rate": int(1024 * sample.instance_fraction(index, 3)),
    }
